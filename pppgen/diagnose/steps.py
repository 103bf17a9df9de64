"""How far the decided attempt came, and what that rules out."""

from dataclasses import dataclass

from pppgen.diagnose.case import Case
from pppgen.diagnose.story import Sighting
from pppgen.model import Reason, SimState
from pppgen.programs.events import Kind

# A step's name, the events that prove it, and the causes that can no longer be.
_STEPS: tuple[tuple[str, tuple[Kind, ...], tuple[Reason, ...]], ...] = (
    ("device", (Kind.QMI_DEVICE, Kind.QMI_CLIENT), (Reason.QMI_DEVICE_MISSING, Reason.USB_NOT_SWITCHED)),
    (
        "dial",
        (Kind.CARRIER_UP, Kind.SERIAL_UP),
        (Reason.NO_CARRIER, Reason.DIAL_REJECTED, Reason.PORT_BUSY, Reason.MODEM_NOT_RESPONDING, Reason.CHAT_TIMEOUT),
    ),
    (
        "lcp",
        (Kind.LCP_OPEN, Kind.AUTH_SUCCEEDED, Kind.IPCP_ASKED),
        (Reason.LCP_TIMEOUT, Reason.LOOPBACK, Reason.WRONG_PORT),
    ),
    ("auth", (Kind.AUTH_SUCCEEDED,), (Reason.AUTH_FAILED, Reason.AUTH_REQUIRED_OF_PEER)),
    (
        "call",
        (Kind.CALL_UP, Kind.CONNECT_SUCCEEDED),
        (Reason.QMI_CALL_FAILED, Reason.APN_REJECTED, Reason.NOT_REGISTERED),
    ),
    (
        "address",
        (Kind.LOCAL_ADDRESS, Kind.DHCP_LEASE),
        (Reason.APN_REJECTED, Reason.IPCP_TIMEOUT, Reason.NO_DHCP_LEASE),
    ),
    ("traffic", (Kind.PING_REPLY,), (Reason.CARRIER_SILENT,)),
)
_SIM = (Reason.SIM_MISSING, Reason.SIM_PIN, Reason.SIM_PUK, Reason.NETWORK_LOCK)


@dataclass(frozen=True, slots=True)
class Step:
    """A step that the attempt reached, the line that proves it, and the causes that it rules out."""

    name: str
    sighting: Sighting
    rules_out: tuple[Reason, ...]


def steps_of(case: Case) -> tuple[Step, ...]:
    """Return the steps that the attempt reached, in the order of a bring-up."""
    reached = []
    ready = case.world.last(Kind.SIM)
    if ready is not None and ready.value == SimState.READY:
        reached.append(Step("sim", ready, _SIM))
    for name, kinds, causes in _STEPS:
        proof = case.record.first(*kinds)
        if proof is not None:
            reached.append(Step(name, proof, causes))
    return tuple(reached)
