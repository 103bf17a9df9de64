"""Rules about a link that is up: what makes it useless, and what a person should know."""

from pppgen.diagnose.case import Answer, Case, Confidence, say
from pppgen.diagnose.story import SUCCESSES
from pppgen.model import Reason
from pppgen.programs.events import Kind


def silent_carrier(case: Case) -> Answer:
    """An address, and nothing that comes back."""
    if not case.record.has(*SUCCESSES):
        return None
    pings = [found for found in case.world.of(Kind.PING_SUMMARY) if found.value.split()[1] == "0"]
    counted = case.world.of(Kind.COUNTERS)
    few = [found for found in counted if (parts := found.value.split()) and len(parts) == 3 and _one_way(parts)]
    if case.world.has(Kind.PING_REPLY) or not (pings or few):
        return None
    received = [found for found in counted if few and len(found.value.split()) == 2 and found.line < few[-1].line]
    return say(
        Reason.CARRIER_SILENT,
        Confidence.MEDIUM,
        pings[:1],
        received[-1:],
        few[-1:],
        case.record.last(Kind.LOCAL_ADDRESS, Kind.DHCP_LEASE),
    )


def _one_way(parts: list[str]) -> bool:
    """Whether no more came in than a negotiation takes, while more went out."""
    return int(parts[1]) <= 8 and int(parts[2]) > int(parts[1])


def route_kept(case: Case) -> Answer:
    """Pppd left an older default route in place."""
    found = case.record.of(Kind.ROUTE_KEPT)
    if not found or case.up is None:
        return None
    return say(Reason.DEFAULT_ROUTE_KEPT, Confidence.HIGH, found[:1], case.record.last(Kind.LOCAL_ADDRESS))


def unanswered_dhcp(case: Case) -> Answer:
    """The call is up and DHCP is asked again and again, to the end of the log."""
    asked = case.record.of(Kind.DHCP_DISCOVER)
    if len(asked) < 5 or case.record.has(Kind.DHCP_OFFER, Kind.DHCP_LEASE, Kind.LOCAL_ADDRESS, Kind.PING_REPLY):
        return None
    return say(Reason.NO_DHCP_LEASE, Confidence.MEDIUM, asked[:1], asked[-1:], case.record.last(Kind.CALL_UP))


def slow_start(case: Case) -> Answer:
    """The first answers came back after many seconds, and then they came."""
    first = case.world.first(Kind.PING_REPLY)
    if first is None:
        return None
    number, milliseconds = first.value.split()
    if float(milliseconds) < 5000 and int(number) < 5:
        return None
    return say(Reason.SLOW_START, Confidence.HIGH, case.world.of(Kind.PING_REPLY)[:3])


def working(case: Case) -> Answer:
    """The link is there."""
    return say(Reason.NONE, Confidence.HIGH, case.up, case.record.last(Kind.LOCAL_ADDRESS, Kind.DHCP_LEASE))
