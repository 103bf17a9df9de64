"""Rules about the USB bus, the supply, the ports and the rights to them."""

import re

from pppgen.diagnose.case import Answer, Case, Confidence, Outcome, say
from pppgen.diagnose.story import SUCCESSES, Sighting
from pppgen.model import Reason
from pppgen.programs.events import Kind

# How an attempt ends when its modem is reset under it.
_SUDDEN = frozenset(
    {
        *(Kind.HUNG_UP, Kind.ECHO_LOST, Kind.CALL_DOWN, Kind.MODEM_SILENT, Kind.CHAT_TIMED_OUT, Kind.QMI_TIMED_OUT),
        *(Kind.PORT_MISSING, Kind.PORT_IO_FAILED, Kind.PORT_OPEN_FAILED, Kind.QMI_DEVICE_MISSING),
    }
)
FLAPS = 3  # a modem that left so often is not one that was switched to another mode


def _matters(case: Case) -> bool:
    """Whether a device that left the bus can be the modem: its ttys went, or the link ended as it would."""
    ends = {
        *(Kind.HUNG_UP, Kind.PEER_TERMINATED, Kind.ECHO_LOST, Kind.CALL_DOWN, Kind.CONNECT_FAILED),
        *(Kind.PORT_MISSING, Kind.PORT_IO_FAILED, Kind.PORT_OPEN_FAILED, Kind.MODEM_SILENT, Kind.CHAT_TIMED_OUT),
        *(Kind.QMI_DEVICE_MISSING, Kind.CONNECT_SCRIPT_FAILED),
    }
    return case.down is None or case.down.kind in ends or case.world.has(Kind.TTY_DETACHED, Kind.USB_FAULT)


def _lost(case: Case) -> Sighting | None:
    """Return the last device that left the bus, unless the modem spoke afterwards: then it was something else."""
    gone = case.world.last(Kind.USB_DISCONNECTED, Kind.TTY_DETACHED)
    alive = case.record.last(
        Kind.CARRIER_UP, Kind.LINK_CONNECTED, Kind.AUTH_SUCCEEDED, Kind.GOT_IT, Kind.NO_CARRIER, Kind.CALL_UP
    )
    return None if gone is None or (alive is not None and alive.line > gone.line) else gone


def usb(case: Case) -> Answer:
    """The modem left the bus and did not come back, or left it while the link was up."""
    gone = _lost(case)
    fault = case.world.of(Kind.USB_FAULT)
    back = case.world.last(Kind.TTY_ATTACHED, Kind.QMI_DEVICE)
    if gone is None:
        ports = case.record.has(Kind.PORT_MISSING, Kind.QMI_DEVICE_MISSING) or case.down is None
        return say(Reason.USB_DISCONNECT, Confidence.MEDIUM, fault[:4]) if fault and ports and back is None else None
    if not _matters(case):
        return None
    found_again = case.world.last(Kind.USB_FOUND)
    returned = any(sign is not None and sign.line > gone.line for sign in (back, found_again))
    returned = returned and len(case.world.of(Kind.USB_DISCONNECTED)) < FLAPS
    during = case.down is not None and case.up is not None and case.up.line < gone.line
    if returned and not during:
        return None
    disconnects = case.world.of(Kind.USB_DISCONNECTED)
    return say(
        Reason.USB_DISCONNECT,
        Confidence.HIGH,
        fault[:2],
        disconnects[:1],
        case.world.of(Kind.USB_RESET)[:1],
        case.down,
        case.world.of(Kind.TTY_DETACHED)[:1],
        fault[2:3],
    )


def voltage(case: Case) -> Answer:
    """The supply dropped, and the modem was lost or the link with it."""
    low = case.world.of(Kind.UNDER_VOLTAGE)
    if not low or (case.outcome is Outcome.UP and not case.world.has(Kind.USB_DISCONNECTED)):
        return None
    gone = case.world.of(Kind.USB_DISCONNECTED, Kind.TTY_DETACHED) if _lost(case) is not None else []
    if not gone and case.down is not None and case.down.kind not in _SUDDEN:
        return None
    return say(Reason.UNDER_VOLTAGE, Confidence.HIGH if gone else Confidence.MEDIUM, low[:2], gone[:2], case.down)


def not_switched(case: Case) -> Answer:
    """Only a CD-ROM was ever seen."""
    storage = case.world.of(Kind.STORAGE_ONLY)
    if not storage or case.world.has(Kind.TTY_ATTACHED, Kind.MODE_SWITCHED, Kind.QMI_DEVICE, *SUCCESSES):
        return None
    return say(Reason.USB_NOT_SWITCHED, Confidence.MEDIUM, storage[:3], case.record.last(Kind.PORT_MISSING))


def permission(case: Case) -> Answer:
    """The system refused to open a device or to run a program."""
    found = case.record.of(Kind.PERMISSION_DENIED)
    return say(Reason.PERMISSION_DENIED, Confidence.HIGH, found[:3]) if found else None


def busy(case: Case) -> Answer:
    """The port is held; also where a later attempt on it is only met by silence."""
    found = case.record.of(Kind.PORT_BUSY)
    if found:
        return say(Reason.PORT_BUSY, Confidence.HIGH, found[:2], case.record.last(Kind.CONNECT_SCRIPT_FAILED))
    earlier = case.world.of(Kind.PORT_BUSY)
    silent = case.record.last(Kind.MODEM_SILENT, Kind.CHAT_TIMED_OUT)
    if earlier and silent is not None:
        return say(Reason.PORT_BUSY, Confidence.MEDIUM, earlier[:2], silent)
    return None


def missing_port(case: Case) -> Answer:
    """The device is not there."""
    found = case.record.of(Kind.PORT_MISSING)
    if not found:
        return None
    if case.world.has(Kind.TTY_ATTACHED, Kind.USB_DISCONNECTED, Kind.TTY_DETACHED):
        return say(Reason.USB_DISCONNECT, Confidence.MEDIUM, found[:2], case.world.last(Kind.TTY_DETACHED))
    return say(Reason.WRONG_PORT, Confidence.LOW, found[:3])


def lost_port(case: Case) -> Answer:
    """A port that could be opened and then fails at every touch."""
    found = case.record.of(Kind.PORT_IO_FAILED, Kind.PORT_OPEN_FAILED)
    if not found or case.record.has(Kind.PEER_TERMINATED):
        return None
    gone = any(
        re.search(r"[Nn]o such device|Input/output|errno: ?(?:5|19|108)|POLLHUP|poll err/hup", sighting.value)
        for sighting in found
    )
    cause = Reason.USB_DISCONNECT if gone else Reason.WRONG_PORT
    return say(cause, Confidence.MEDIUM, found[:3], case.down)
