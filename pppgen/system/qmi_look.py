"""Looks at the QMI side of a modem and changes nothing in it: does it answer, which frames does each side speak.

The question goes through qmi-proxy, which is made to be shared; it allocates one client and gives it back. So a late
qmicli is not killed, which would leave that client in the modem: it ends by itself, 10 s after it asked in vain.
"""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from pppgen.errors import PppgenError
from pppgen.lease_cause import Framing
from pppgen.programs import qmi_calls
from pppgen.programs.events import Kind
from pppgen.system import link
from pppgen.system.addresses import Addresses
from pppgen.system.spawn import run, run_spared

ANSWER_S = 2.5
"""For the modem alone: an idle one answers in a tenth of that."""
_STARTS = 4
"""Programs' worth of starting that an answer may take besides: qmicli, and a proxy that opens the node first."""
_VERSION_S = 5.0  # `qmicli --version` only starts and ends
_NET = Path("/sys/class/net")
_DUMB = frozenset({Kind.QMI_TIMED_OUT, Kind.QMI_DEVICE_MISSING, Kind.PERMISSION_DENIED, Kind.PORT_BUSY})


@dataclass(frozen=True, slots=True)
class Heard:
    """What the control port said; `said` are its words."""

    answers: bool
    framing: Framing
    said: str


def ask_framing(node: str, usb_interface: int | None = None, qmicli: str = "qmicli") -> Heard:
    """Ask the modem for its frames; some firmware tells them only when its USB interface is named.

    Raises:
        MissingProgram: qmicli is not installed.
    """
    seconds = _patience_s(qmicli)
    said, answers = "", False
    for endpoint in (None, usb_interface) if usb_interface is not None else (None,):
        done = run_spared((qmicli, *qmi_calls.data_format(node, endpoint)[1:]), seconds)
        said = done.output if done.status is not None else f"no answer within {seconds:.1f} s"
        events = qmi_calls.heard(said.splitlines())
        # A refusal is an answer too: an old firmware does not know the question.
        answers = done.status is not None and not _DUMB & {event.kind for event in events}
        told = qmi_calls.value_of(events, Kind.MODEM_FRAMING)
        if told in set(Framing):
            return Heard(answers, Framing(told), said)
        if not answers:
            break
    return Heard(answers, Framing.UNKNOWN, said)


def _patience_s(qmicli: str) -> float:
    """Return how long an answer may take while the board is as busy as now: a slow start is no silence of the modem."""
    began = monotonic()
    run((qmicli, "--version"), _VERSION_S)
    return ANSWER_S + _STARTS * (monotonic() - began)


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
