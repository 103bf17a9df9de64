"""Rules about pppd: its options, LCP, authentication, addresses, and how a link ends."""

from pppgen.diagnose.case import Answer, Case, Confidence, say
from pppgen.diagnose.story import Sighting
from pppgen.model import Reason
from pppgen.programs.events import Kind, Program
from pppgen.programs.pppd import EXIT_STATUSES
from pppgen.programs.qmicli import APN_WORDS, AUTH_WORDS

_INSISTS = 2  # a peer that asks again after a refusal wants it; one that gives in asks once


def silent_exit(case: Case) -> Answer:
    """Chat has its CONNECT, and pppd leaves without a word about the line: its own options."""
    exited = case.record.last(Kind.PROGRAM_EXITED)
    connected = case.record.last(Kind.CARRIER_UP)
    spoken = (Kind.SERIAL_UP, Kind.LINK_CONNECTED, Kind.CONNECT_SCRIPT_FAILED, Kind.STOPPED_BY_USER, Kind.HUNG_UP)
    if exited is None or connected is None or exited.event.program is not Program.PPPD or case.record.has(*spoken):
        return None
    return say(Reason.PPPD_CONFIG, Confidence.LOW, connected, exited)


def exit_status(case: Case) -> Answer:
    """A status that a dialler or a script reports, where no line says more."""
    for sighting in reversed(case.record.of(Kind.PROGRAM_EXITED)):
        if not sighting.value.isdigit() or not 0 < int(sighting.value) < 20:
            continue
        status = int(sighting.value)
        if status in {16, 8}:
            return None
        if status == 10 and (accepted := case.record.last(Kind.AUTH_SUCCEEDED)) is not None:
            return say(Reason.IPCP_TIMEOUT, Confidence.MEDIUM, accepted, sighting)
        return say(EXIT_STATUSES[status].reason, Confidence.MEDIUM, sighting)
    return None


def auth(case: Case) -> Answer:
    """The peer refused our name and password, or we had none and it would not do without."""
    failed = case.record.of(Kind.AUTH_FAILED)
    if failed:
        return say(Reason.AUTH_FAILED, Confidence.HIGH, case.record.of(Kind.SECRET_MISSING)[:1], failed[:3])
    refused = case.record.of(Kind.AUTH_IMPOSSIBLE, Kind.SECRET_MISSING)
    ended = case.record.last(Kind.PEER_TERMINATED)
    if refused and ended is not None and not case.record.has(Kind.AUTH_SUCCEEDED, Kind.IPCP_ASKED):
        return say(Reason.AUTH_FAILED, Confidence.MEDIUM, refused[:2], ended)
    return None


def placeholder_dns(case: Case) -> Answer:
    """10.11.12.13 and .14 are what a module offers before the network gave it servers."""
    found = case.record.of(Kind.DNS_ADDRESS)
    last = [sighting for sighting in found if sighting.value in {"10.11.12.13", "10.11.12.14"}]
    if not last or last[-1] is not found[-1] or not case.record.has(Kind.LOCAL_ADDRESS):
        return None
    return say(Reason.DNS_PLACEHOLDER, Confidence.HIGH, last[:2], case.record.last(Kind.LOCAL_ADDRESS))


def ipcp(case: Case) -> Answer:
    """LCP stood, and no address ever came."""
    found = case.record.of(Kind.IPCP_TIMED_OUT, Kind.LOCAL_UNKNOWN, Kind.IPCP_REFUSED)
    if not found and case.up is None and not case.record.has(Kind.IPCP_OPEN):
        found = case.record.of(Kind.IPCP_LOOPS)
    if not found:
        return None
    return say(
        Reason.IPCP_TIMEOUT,
        Confidence.HIGH,
        found[:2],
        case.record.last(Kind.AUTH_SUCCEEDED),
        case.record.of(Kind.IPCP_BAD_NAK)[:1],
    )


def lcp(case: Case) -> Answer:
    """Nobody answered LCP."""
    found = case.record.of(Kind.LCP_TIMED_OUT, Kind.LCP_UNANSWERED)
    return say(Reason.LCP_TIMEOUT, Confidence.HIGH, case.record.last(Kind.LINK_CONNECTED), found[:2]) if found else None


def echo(case: Case) -> Answer:
    """A link that stood was closed because nobody answered LCP's echo."""
    found = case.record.of(Kind.ECHO_LOST)
    return say(Reason.ECHO_UNANSWERED, Confidence.HIGH, found[:2], case.up) if found else None


def dropped(case: Case) -> Answer:
    """A link that stood ended by itself."""
    if case.down is None:
        return None
    lasted = case.record.last(Kind.CONNECT_TIME)  # pppd tells it only of a link that had been up
    if case.up is None:
        ended = case.record.last(Kind.PEER_TERMINATED) or case.record.last(Kind.HUNG_UP)
        return None if lasted is None or ended is None else say(Reason.LINK_DROPPED, Confidence.MEDIUM, ended, lasted)
    ends = {
        *(Kind.PEER_TERMINATED, Kind.HUNG_UP, Kind.IDLE_LIMIT, Kind.TIME_LIMIT, Kind.CALL_DOWN, Kind.DHCP_LOST),
        *(Kind.CONNECTION_TERMINATED, Kind.PROGRAM_EXITED),
    }
    stood = (Kind.LOCAL_ADDRESS, Kind.DHCP_LEASE, Kind.CONNECT_SUCCEEDED, Kind.INTERFACE_UP)
    if case.down.kind not in ends or not case.record.has(*stood):
        return None
    return say(Reason.LINK_DROPPED, Confidence.MEDIUM, case.up, case.down, lasted)


def refused_apn(case: Case) -> Answer:
    """Our name and password were taken and then the call ended, or the network says that it knows no such APN."""
    said = [
        sighting
        for sighting in case.record.of(Kind.APN_REFUSED, Kind.CALL_ENDED_WHY)
        if sighting.kind is Kind.APN_REFUSED or APN_WORDS.search(sighting.value) or AUTH_WORDS.search(sighting.value)
    ]
    if said:
        auth_words = [sighting for sighting in said if AUTH_WORDS.search(sighting.value)]
        if auth_words:
            return say(Reason.AUTH_FAILED, Confidence.HIGH, auth_words[:2], case.down)
        return say(Reason.APN_REJECTED, Confidence.HIGH, said[:2], case.down)
    ended = case.record.last(Kind.PEER_TERMINATED) or case.record.last(Kind.HUNG_UP)
    accepted = case.record.last(Kind.AUTH_SUCCEEDED)
    if ended is None or accepted is None or case.up is not None or case.record.has(Kind.CONNECT_TIME):
        return None
    return say(Reason.APN_REJECTED, Confidence.MEDIUM, accepted, ended, case.record.of(Kind.IPCP_ASKED)[:1])


def no_context(case: Case) -> Answer:
    """A packet dial is taken and hung up, and no APN was ever set in what the log shows from its beginning on."""
    ended = case.record.last(Kind.HUNG_UP) or _exited_16(case)
    dialled = case.record.last(Kind.DIALLING) or case.world.last(Kind.DIALLING)
    if ended is None or dialled is None or case.up is not None or not case.world.has(Kind.CARRIER_UP):
        return None
    if not case.world.has(Kind.PROGRAM_STARTED) or "*99" not in dialled.value:
        return None
    if case.world.has(Kind.CONTEXT_DEFINED) or len(case.world.of(Kind.COMMAND_SENT)) < 2:
        return None
    return say(Reason.APN_REJECTED, Confidence.LOW, dialled, ended)


def _exited_16(case: Case) -> Sighting | None:
    return next((found for found in case.record.of(Kind.PROGRAM_EXITED) if found.value == "16"), None)


def attached_without_service(case: Case) -> Answer:
    """Attached, and still told that there is no network service when the context is activated."""
    missing = case.record.of(Kind.NETWORK_MISSING)
    attached = case.world.last(Kind.ATTACHED)
    if not missing or attached is None:
        return None
    return say(Reason.APN_REJECTED, Confidence.LOW, missing[:2], attached)


def no_common_auth(case: Case) -> Answer:
    """The peer insists on a way to prove who we are that we refuse each time, and hangs up."""
    refused = case.record.of(Kind.AUTH_REFUSED_BY_US)
    ended = case.record.last(Kind.PEER_TERMINATED, Kind.HUNG_UP)
    if len(refused) < _INSISTS or ended is None or case.up is not None or case.record.has(Kind.AUTH_SUCCEEDED):
        return None
    return say(Reason.AUTH_FAILED, Confidence.LOW, case.record.of(Kind.AUTH_ASKED)[:1], refused[:2], ended)


def hung_up(case: Case) -> Answer:
    """The peer ended the call early and said nothing."""
    ended = case.record.last(Kind.PEER_TERMINATED) or case.record.last(Kind.HUNG_UP) or _exited_16(case)
    if ended is not None and case.up is None and not case.record.has(Kind.AUTH_SUCCEEDED, Kind.CONNECT_TIME):
        return say(
            Reason.PEER_HANGUP,
            Confidence.MEDIUM,
            case.record.last(Kind.LINK_CONNECTED),
            ended,
            case.record.last(Kind.PORT_IO_FAILED),
        )
    return None
