"""Proves a chat script: the real `chat` reads the very bytes that are on disk and talks to the very port.

The script reaches chat through a nameless file in memory, so that a cut copy never lies on a disk. The port is locked
and its settings are put back as everywhere (tty.py).
"""

import os
from dataclasses import dataclass
from time import monotonic

from pppgen.model import Reason
from pppgen.programs.chat import ChatEnd, status_means
from pppgen.render import cut_before_dial
from pppgen.system.spawn import run
from pppgen.system.tty import Tty, open_tty

CUT_S = 45.0
"""Longer than the cut script's own timeouts add up to."""
DIAL_S = 120.0
_HANG_UP_S = 15.0
_CARRIER_S = 1.5
"""How long DTR stays low at most: V.250 6.3.8 leaves it to the modem, S25's default is 0.5 s."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How a script fared. `lines` are chat's own words without the secrets; `hung_up` counts only after a dial."""

    end: ChatEnd
    connected: bool
    hung_up: bool
    lines: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether chat came to the end of what it was given."""
        return self.end.status == 0


def prove_script(
    device: str,
    script: bytes,
    *,
    hang_up: bytes | None = None,
    argument: str = "",
    secrets: tuple[str, ...] = (),
    seconds: float | None = None,
) -> Proof:
    """Run `script` on `device` up to its first ATD; with `hang_up`, a chat-disconnect, run it whole and hang up again.

    `argument` is what pppd gives by `-T`; `secrets` are taken out of `lines` where a modem echoed them.

    Raises:
        PortBusy: another process has the port.
        PortGone: it is not there.
        MissingProgram: `chat` is not installed.
    """
    dial = hang_up is not None
    limit = seconds if seconds is not None else DIAL_S if dial else CUT_S
    began = monotonic()
    with open_tty(device) as port:
        end, said = _chat(port, script if dial else cut_before_dial(script), argument, limit)
        connected = dial and end.status == 0
        hung_up = connected and hang_up is not None and _hang_up(port, hang_up)
    for secret in filter(None, secrets):
        said = said.replace(secret, "??????")
    return Proof(end, connected, hung_up, tuple(said.splitlines()), monotonic() - began)


def _chat(port: Tty, script: bytes, argument: str, limit: float) -> tuple[ChatEnd, str]:
    file = os.memfd_create("chat-script")
    try:
        with open(file, "wb", closefd=False) as writing:
            writing.write(script)
        # -S: what chat says comes to us and not to the journal too.
        argv = ["chat", "-s", "-S", "-v", "-f", f"/proc/{os.getpid()}/fd/{file}"]
        # chat takes a read that would block for the end of the line.
        os.set_blocking(port.fileno(), True)
        done = run([*argv, "-T", argument] if argument else argv, limit, terminal=port.fileno())
    finally:
        os.set_blocking(port.fileno(), False)
        os.close(file)
    if done.status is None:
        return ChatEnd(3, Reason.CHAT_TIMEOUT, f"the script did not end within {limit:g} s"), done.output
    return status_means(done.status), done.output


def _hang_up(port: Tty, script: bytes) -> bool:
    """Drop DTR, then leave data mode as chat-disconnect does; tell whether the modem took commands again."""
    port.set_dtr(False)
    try:
        port.read(_CARRIER_S)  # NO CARRIER, from a modem that heeds DTR
    finally:
        port.set_dtr(True)
    return _chat(port, script, "", _HANG_UP_S)[0].status == 0
