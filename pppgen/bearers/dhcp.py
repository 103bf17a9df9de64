"""The DHCP client of a call: udhcpc with our own script, which only tells; the bearer sets up what it got.

It stays as long as the call does: after half of the lease's time it asks for the lease again, and what comes of that
reaches us as another line of its script. It outlives us like the call's own program, so its words lie in a file.
"""

import signal
from collections.abc import Callable, Sequence

from pppgen.bearers.ears import Ears
from pppgen.bearers.qmi_parts import QmiSetup
from pppgen.bearers.voice import Voice
from pppgen.errors import MissingProgram
from pppgen.lease_cause import Dhcp
from pppgen.model import Lease
from pppgen.programs import qmi_calls, udhcpc
from pppgen.programs.udhcpc import ScriptLine
from pppgen.system.clock import boottime
from pppgen.system.spawn import Child, Exit, Mark, program

LOG = "udhcpc.log"
"""Its own words and its script's; only the script's are believed."""
_TRY_S = 10.0  # three discovers, a second apart, take 3.1 s; an offer that is then asked for a little more
_TERM_S = 0.5
_LEASES = frozenset({"bound", "renew"})


class DhcpClient:
    """One udhcpc on an interface, which must be up. What it tells is heard whenever the ears wait."""

    def __init__(self, ears: Ears, setup: QmiSetup, interface: str, say: Callable[[str], None]) -> None:
        self._ears, self._setup, self._interface, self._say = ears, setup, interface, say
        self._voice = Voice(ears, self._heard, self._ended)
        self._told: list[ScriptLine] = []
        self._over = False

    def start(self) -> Mark:
        """Start it.

        Raises:
            MissingProgram: there is no udhcpc.
        """
        log = self._setup.folder / LOG
        return self._voice.start(_argv(self._setup, self._interface), log, {udhcpc.EVENTS: str(log)})

    def adopt(self, child: Child) -> None:
        """Take over one that an earlier supervisor started; what it told meanwhile counts."""
        self._voice.adopt(child, self._setup.folder / LOG)

    def first(self) -> tuple[Dhcp, Lease | None]:
        """Wait for what comes of its first try; raises what the ears raise."""
        deadline = boottime() + _TRY_S
        while (found := self.news()) is None and boottime() < deadline:
            self._ears.wait(deadline)
        return found if found is not None and found[0] is not Dhcp.NOT_ASKED else (Dhcp.UNANSWERED, None)

    def news(self) -> tuple[Dhcp, Lease | None] | None:
        """Return what came since the last call: a lease, the loss of it, NOT_ASKED when it has ended without a word."""
        found = _outcome(self._told, self._interface, over=self._over)
        if found is not None:
            self._told.clear()
        return found

    def renew(self) -> None:
        """Have it ask for its lease now."""
        self._voice.signal(signal.SIGUSR1)

    def end(self) -> tuple[str, ...]:
        """End it; name it where it does not end. The lease stays the server's to forget: the call ends anyway."""
        return self._voice.end(_TERM_S)

    def let_go(self) -> None:
        """Stop listening and leave it."""
        self._voice.let_go()

    def _heard(self, lines: Sequence[str]) -> None:
        for line in lines:
            if (found := udhcpc.script_line(line)) is None:
                continue
            self._told.append(found)
            if found.event != "deconfig":
                self._say(f"udhcpc: {found.event}{' ' + found.address if found.address else ''}")

    def _ended(self, how: Exit) -> None:  # noqa: ARG002 -- its script has told, or nobody can
        self._over = True
        self._voice.end(0.0)


def _argv(setup: QmiSetup, interface: str) -> tuple[str, ...]:
    """Return the command line; busybox has udhcpc in it where Debian's package of that name is missing."""
    options = udhcpc.call_argv(interface, str(setup.script))[1:]
    try:
        return (program(setup.programs.udhcpc), *options)
    except MissingProgram:
        return (setup.programs.busybox, "udhcpc", *options)


def _outcome(told: Sequence[ScriptLine], interface: str, *, over: bool) -> tuple[Dhcp, Lease | None] | None:
    """Return what the script's lines mean: the loss of a lease that came before it, or the last lease."""
    leases = [number for number, one in enumerate(told) if one.event in _LEASES]
    since = [one.event for one in told[leases[-1] + 1 if leases else 0 :]]
    if "leasefail" in since:  # after a refusal too: it is followed by another try
        return (Dhcp.REFUSED if "nak" in since else Dhcp.UNANSWERED), None
    if leases:
        lease = told[leases[-1]]
        usable = qmi_calls.usable_address(lease.address)
        return (Dhcp.ANSWERED, _lease(lease, interface)) if usable else (Dhcp.LINK_LOCAL, None)
    return (Dhcp.NOT_ASKED, None) if over else None


def _lease(one: ScriptLine, interface: str) -> Lease:
    return Lease(
        one.address,
        interface,
        dns=tuple(server for server in one.dns if qmi_calls.usable_address(server)),
        mtu=qmi_calls.mtu(one.mtu),
        prefix=qmi_calls.prefix(one.address, one.mask),
        gateway=one.gateway if qmi_calls.usable_address(one.gateway) else "",
    )
