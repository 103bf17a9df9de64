"""Why is there no lease? A data call stands and no address comes, or nothing comes through it: pure, from facts.

The usual fault is a quarrel about framing: the modem sends bare IP packets where the kernel expects Ethernet frames, or
the other way round. DHCP is the first to notice ("no lease, failing"), although DHCP is not what is broken.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from pppgen.health import Counters
from pppgen.model import Reason
from pppgen.programs.qmicli import reason_of_end


class Framing(StrEnum):
    """How packets travel between modem and kernel, in qmicli's words."""

    RAW_IP = "raw-ip"
    ETHERNET = "802.3"
    UNKNOWN = "unknown"


class Call(StrEnum):
    """What is known of the data call."""

    STANDS = "stands"
    NONE = "none"
    UNKNOWN = "unknown"


class Dhcp(StrEnum):
    """What came of DHCP."""

    NOT_ASKED = "not-asked"
    UNANSWERED = "unanswered"
    REFUSED = "refused"
    LINK_LOCAL = "link-local"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class LeaseFacts:
    """What was seen when no lease came, or no traffic.

    `received` is what the kernel counted since the call began; `ended_why` the modem's words about the call's end.
    """

    interface: str
    modem: Framing = Framing.UNKNOWN
    kernel: Framing = Framing.UNKNOWN
    call: Call = Call.UNKNOWN
    ended_why: str = ""
    dhcp: Dhcp = Dhcp.NOT_ASKED
    address: str = ""
    received: Counters = field(default_factory=Counters)


@dataclass(frozen=True, slots=True)
class Cause:
    """The answer: a reason, a sentence with what proves it, and the framing that would cure it, where one would."""

    reason: Reason
    sentence: str
    cure: Framing | None = None


def framing_cause(interface: str, modem: Framing, kernel: Framing) -> Cause | None:
    """Return the mismatch, `None` where the two agree or one of them is not known.

    >>> framing_cause("wwan0", Framing.RAW_IP, Framing.ETHERNET).sentence
    'the modem speaks raw-ip, the kernel expects 802.3 on wwan0'
    """
    if Framing.UNKNOWN in {modem, kernel} or modem is kernel:
        return None
    return Cause(Reason.RAW_IP_MISMATCH, f"the modem speaks {modem}, the kernel expects {kernel} on {interface}", modem)


def lease_cause(facts: LeaseFacts) -> Cause:
    """Return why there is no lease, or why a lease carries nothing; the strongest evidence first.

    >>> silent = LeaseFacts("wwan0", Framing.RAW_IP, Framing.ETHERNET, Call.STANDS, dhcp=Dhcp.UNANSWERED)
    >>> lease_cause(silent).reason.value, lease_cause(LeaseFacts("wwan0", dhcp=Dhcp.REFUSED)).reason.value
    ('raw-ip-mismatch', 'no-dhcp-lease')
    """
    if facts.call is Call.NONE:
        why = f": {facts.ended_why}" if facts.ended_why else ", and gave no reason"
        reason = reason_of_end(facts.ended_why) or Reason.QMI_CALL_FAILED
        return Cause(reason, f"there is no data call any more: the network or the modem ended it{why}")
    mismatch = framing_cause(facts.interface, facts.modem, facts.kernel)
    if mismatch is not None:
        return mismatch
    if _may_be_framing(facts):
        other = Framing.ETHERNET if facts.kernel is Framing.RAW_IP else Framing.RAW_IP
        said = f"nothing at all came in on {facts.interface} as {facts.kernel}, and the modem does not tell its framing"
        return Cause(Reason.RAW_IP_MISMATCH, said, other)
    if facts.address:
        return Cause(
            Reason.CARRIER_SILENT,
            f"{facts.interface} has the address {facts.address} and the call stands, but nothing came back "
            f"({_packets(facts.received)})",
        )
    return Cause(Reason.NO_DHCP_LEASE, _no_address(facts))


def _may_be_framing(facts: LeaseFacts) -> bool:
    """Whether a modem that does not tell its framing may speak the other one: not a packet could be understood."""
    return (
        facts.modem is Framing.UNKNOWN
        and facts.kernel is not Framing.UNKNOWN
        and facts.dhcp is Dhcp.UNANSWERED
        and facts.received.rx_packets == 0
    )


def _no_address(facts: LeaseFacts) -> str:
    framing = "in the right framing" if facts.modem is facts.kernel is not Framing.UNKNOWN else "framing not known"
    stands = "the call stands" if facts.call is Call.STANDS else "whether the call stands is not known"
    match facts.dhcp:
        case Dhcp.UNANSWERED:
            return f"DHCP went unanswered on {facts.interface} ({framing}, {stands}, {_packets(facts.received)})"
        case Dhcp.REFUSED:
            return f"DHCP was refused (NAK) on {facts.interface}"
        case Dhcp.LINK_LOCAL:
            return f"only a link-local address (169.254/16) came on {facts.interface}: that is no lease"
        case Dhcp.NOT_ASKED | Dhcp.ANSWERED:
            return f"the modem names no address for its call ({stands})"


def _packets(counters: Counters) -> str:
    return f"{counters.rx_packets} packets received, {counters.tx_packets} sent"
