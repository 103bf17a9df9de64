"""Looks at the QMI side of a modem and changes nothing in it: does it answer, which frames does each side speak.

The question goes through qmi-proxy, which is made to be shared; it allocates one client and gives it back.
"""

from dataclasses import dataclass
from pathlib import Path

from pppgen.errors import PppgenError
from pppgen.programs.events import Kind
from pppgen.programs.qmicli import QmicliReader
from pppgen.system import link
from pppgen.system.addresses import Addresses
from pppgen.system.spawn import run

ANSWER_S = 2.5
_NET = Path("/sys/class/net")


@dataclass(frozen=True, slots=True)
class Heard:
    """What the control port said; `framing` is `raw-ip` or `802.3`, empty where it did not tell."""

    answers: bool
    framing: str
    said: str


def ask_framing(node: str, seconds: float = ANSWER_S) -> Heard:
    """Ask the modem for its frames; raises MissingProgram where qmicli is not installed."""
    done = run(["qmicli", "-d", node, "--device-open-proxy", "--wda-get-data-format"], seconds)
    reader = QmicliReader()
    events = [event for line in done.output.splitlines() for event in reader.read(line)]
    framing = next((event.value for event in events if event.kind is Kind.MODEM_FRAMING), "")
    dumb = {Kind.QMI_TIMED_OUT, Kind.QMI_DEVICE_MISSING, Kind.PERMISSION_DENIED, Kind.PORT_BUSY}
    # A refusal is an answer too: an old firmware does not know the question.
    answers = done.status is not None and not dumb & {event.kind for event in events}
    return Heard(answers, framing, done.output if done.status is not None else "no answer in time")


def driver(interface: str) -> str:
    """Return the name of the interface's driver; empty when it is gone."""
    try:
        return (_NET / interface / "device/driver").readlink().name
    except OSError:
        return ""


def has_address(interface: str) -> bool:
    """Whether the interface carries an IPv4 address; raises PppgenError when it is gone."""
    with Addresses(interface) as addresses:
        return bool(addresses.addresses())


def set_kernel_framing(interface: str, *, raw_ip: bool) -> None:
    """Make the kernel expect these frames; the interface is down for that moment, so only an idle one is touched.

    Raises:
        PppgenError: the interface is gone or carries an address by now, or the driver does not take it.
    """
    with Addresses(interface) as addresses:
        if addresses.addresses():
            raise PppgenError(f"{interface} carries an address by now", hint="pppgen doctor")
        addresses.down()
        refused = link.set_raw_ip(interface, raw_ip)
        addresses.up()
    if refused:
        raise PppgenError(refused, hint="sudo pppgen doctor")
