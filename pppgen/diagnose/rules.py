"""What the story proves: one small function a cause, asked in order from the explicit to the inferred.

A rule looks at the decided attempt (`case.record`) and at what the whole log knows (`case.world`), and answers with the
lines that prove its cause, or with nothing. It never guesses from silence alone.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from pppgen.diagnose.story import SUCCESSES, Attempt, Record, Sighting, Story
from pppgen.model import Reason, RegistrationStat, SimState
from pppgen.programs.events import Kind, Program
from pppgen.programs.pppd import EXIT_STATUSES
from pppgen.programs.qmicli import APN_WORDS, AUTH_WORDS, DENIED_WORDS, SERVICE_WORDS

EVIDENCE_LIMIT = 5


class Confidence(StrEnum):
    """How much the lines prove."""

    HIGH = "high"  # the program says so itself
    MEDIUM = "medium"  # the lines leave little else
    LOW = "low"  # the likeliest of several


class Outcome(StrEnum):
    """How the last attempt ended."""

    UP = "up"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A cause and the lines that prove it."""

    cause: Reason
    confidence: Confidence
    evidence: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule may look at."""

    story: Story
    attempt: Attempt
    up: Sighting | None  # the last line that says the link is there
    down: Sighting | None  # the first line after it that says it is not

    @property
    def record(self) -> Record:
        """The attempt's own sightings."""
        return self.attempt.record

    @property
    def world(self) -> Record:
        """The sightings of the whole log."""
        return self.story.world

    @property
    def outcome(self) -> Outcome:
        """How the attempt ended, by its last decisive line."""
        if self.down is not None:
            return Outcome.FAILED
        return Outcome.UP if self.up is not None else Outcome.UNKNOWN


def proof(*found: Sighting | Iterable[Sighting] | None) -> tuple[Sighting, ...]:
    """Return the sightings without gaps and repeated lines, in the log's order, few enough to be read."""
    lines: dict[int, Sighting] = {}
    for item in found:
        if isinstance(item, Sighting):
            lines.setdefault(item.line, item)
        elif item is not None:
            for sighting in item:
                lines.setdefault(sighting.line, sighting)
    kept = list(lines.values())[:EVIDENCE_LIMIT]
    return tuple(sorted(kept, key=lambda sighting: sighting.line))


Answer = Verdict | None
Rule = Callable[[Case], Answer]


def _say(cause: Reason, confidence: Confidence, *found: Sighting | Iterable[Sighting] | None) -> Answer:
    evidence = proof(*found)
    return Verdict(cause, confidence, evidence) if evidence else None


def _plain(kind: Kind, cause: Reason, confidence: Confidence = Confidence.HIGH) -> Rule:
    """A rule for a message that says the cause itself."""

    def rule(case: Case) -> Answer:
        found = case.record.of(kind)
        return _say(cause, confidence, found[:2], case.record.last(Kind.PROGRAM_EXITED)) if found else None

    return rule


def reported(case: Case) -> Answer:
    """What pppgen's own bearer gave as its reason; it looked before it spoke."""
    last = case.record.last(Kind.REPORTED)
    return None if last is None else _say(Reason(last.value), Confidence.HIGH, last)


# SIM and network.


def sim(case: Case) -> Answer:
    """The last word on the SIM, unless the modem registered or called with it afterwards."""
    last = case.world.last(Kind.SIM)
    if last is None:
        return None
    causes = {
        SimState.ABSENT: Reason.SIM_MISSING,
        SimState.PIN: Reason.SIM_PIN,
        SimState.PUK: Reason.SIM_PUK,
        SimState.NETWORK_LOCK: Reason.NETWORK_LOCK,
    }
    state = SimState(last.value) if last.value in set(SimState) else SimState.UNKNOWN
    cause = causes.get(state)
    if cause is None:
        return None
    said = [sighting for sighting in case.world.of(Kind.SIM) if sighting.value == last.value]
    return _say(cause, Confidence.HIGH, said[:3], case.world.last(Kind.UNLOCK_NEEDED))


def _stats(case: Case) -> dict[str, Sighting]:
    """The last registration of each domain."""
    return {sighting.value.partition(" ")[0]: sighting for sighting in case.world.of(Kind.REGISTRATION)}


def _registered(case: Case) -> bool:
    stats = {sighting.value.partition(" ")[2] for sighting in _stats(case).values()}
    return bool(stats & {RegistrationStat.HOME, RegistrationStat.ROAMING})


def denied(case: Case) -> Answer:
    """A registration that the network refuses, in no domain granted."""
    found = [
        sighting for sighting in _stats(case).values() if sighting.value.partition(" ")[2] == RegistrationStat.DENIED
    ]
    if not found or _registered(case):
        return None
    return _say(Reason.REGISTRATION_DENIED, Confidence.HIGH, found, case.down)


def no_signal(case: Case) -> Answer:
    """No cell is seen at all, and nothing is registered."""
    last = case.world.last(Kind.NO_SIGNAL, Kind.SIGNAL)
    if last is None or last.kind is Kind.SIGNAL or _registered(case) or case.world.last(Kind.ATTACHED) is not None:
        return None
    return _say(
        Reason.NO_SIGNAL, Confidence.MEDIUM, case.world.of(Kind.NO_SIGNAL)[:2], _stats(case).values(), case.down
    )


def not_registered(case: Case) -> Answer:
    """Known registrations without one that is granted, or words that say so."""
    missing = case.record.of(Kind.NETWORK_MISSING)
    attached = case.world.last(Kind.ATTACHED, Kind.DETACHED)
    if missing and not (attached is not None and attached.kind is Kind.ATTACHED):
        return _say(Reason.NOT_REGISTERED, Confidence.HIGH, missing[:2], _stats(case).values(), case.down)
    if _registered(case):
        return None
    stats = _stats(case).values()
    words = {sighting.value.partition(" ")[2] for sighting in stats}
    absent = {RegistrationStat.NOT_REGISTERED, RegistrationStat.SEARCHING, RegistrationStat.LIMITED}
    if words & absent:
        return _say(Reason.NOT_REGISTERED, Confidence.HIGH, stats, case.down)
    if attached is not None and attached.kind is Kind.DETACHED:
        return _say(Reason.NOT_REGISTERED, Confidence.MEDIUM, attached, case.down)
    step = case.record.last(Kind.MANAGER_STEP)
    if step is not None and re.search(r"[Rr]egist|attach", step.value) and case.record.has(Kind.CONNECT_FAILED):
        return _say(Reason.NOT_REGISTERED, Confidence.MEDIUM, step, stats, case.record.last(Kind.CONNECT_FAILED))
    if words == {RegistrationStat.UNKNOWN} and case.record.has(Kind.CONNECT_FAILED, Kind.DIAL_TIMED_OUT):
        return _say(Reason.NOT_REGISTERED, Confidence.LOW, stats, case.down)
    return None


def searching_dial(case: Case) -> Answer:
    """A packet dial that is answered by silence, then by ERROR: the modem looks for a network all the while."""
    timed_out = case.world.last(Kind.DIAL_TIMED_OUT)
    refused = case.record.last(Kind.DIAL_REFUSED)
    dialled = case.world.last(Kind.DIALLING)
    if timed_out is None or refused is None or dialled is None or "*" not in dialled.value:
        return None
    chosen = [sent for sent in case.world.of(Kind.COMMAND_SENT) if "+COPS=" in sent.value.upper()]
    return _say(Reason.NOT_REGISTERED, Confidence.LOW, timed_out, refused, chosen[:1])


# The machine.


FLAPS = 3  # a modem that left so often is not one that was switched to another mode


def _matters(case: Case) -> bool:
    """Whether a device that left the bus can be the modem: its ttys went, or the link ended as it would."""
    ends = {
        *(Kind.HUNG_UP, Kind.PEER_TERMINATED, Kind.ECHO_LOST, Kind.CALL_DOWN, Kind.CONNECT_FAILED),
        *(Kind.PORT_MISSING, Kind.PORT_IO_FAILED, Kind.PORT_OPEN_FAILED, Kind.MODEM_SILENT, Kind.CHAT_TIMED_OUT),
        *(Kind.QMI_DEVICE_MISSING, Kind.CONNECT_SCRIPT_FAILED),
    }
    return case.down is None or case.down.kind in ends or case.world.has(Kind.TTY_DETACHED, Kind.USB_FAULT)


def usb(case: Case) -> Answer:
    """The modem left the bus and did not come back, or left it while the link was up."""
    gone = case.world.last(Kind.USB_DISCONNECTED, Kind.TTY_DETACHED)
    fault = case.world.of(Kind.USB_FAULT)
    back = case.world.last(Kind.TTY_ATTACHED, Kind.QMI_DEVICE)
    if gone is None:
        ports = case.record.has(Kind.PORT_MISSING, Kind.QMI_DEVICE_MISSING) or case.down is None
        return _say(Reason.USB_DISCONNECT, Confidence.MEDIUM, fault[:4]) if fault and ports and back is None else None
    if not _matters(case):
        return None
    found_again = case.world.last(Kind.USB_FOUND)
    returned = any(sign is not None and sign.line > gone.line for sign in (back, found_again))
    returned = returned and len(case.world.of(Kind.USB_DISCONNECTED)) < FLAPS
    during = case.down is not None and case.up is not None and case.up.line < gone.line
    if returned and not during:
        return None
    disconnects = case.world.of(Kind.USB_DISCONNECTED)
    return _say(
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
    gone = case.world.of(Kind.USB_DISCONNECTED, Kind.TTY_DETACHED)
    return _say(Reason.UNDER_VOLTAGE, Confidence.HIGH if gone else Confidence.MEDIUM, low[:2], gone[:2], case.down)


def not_switched(case: Case) -> Answer:
    """Only a CD-ROM was ever seen."""
    storage = case.world.of(Kind.STORAGE_ONLY)
    if not storage or case.world.has(Kind.TTY_ATTACHED, Kind.MODE_SWITCHED, Kind.QMI_DEVICE, *SUCCESSES):
        return None
    return _say(Reason.USB_NOT_SWITCHED, Confidence.MEDIUM, storage[:3], case.record.last(Kind.PORT_MISSING))


def permission(case: Case) -> Answer:
    """The system refused to open a device or to run a program."""
    found = case.record.of(Kind.PERMISSION_DENIED)
    return _say(Reason.PERMISSION_DENIED, Confidence.HIGH, found[:3]) if found else None


def busy(case: Case) -> Answer:
    """The port is held; also where a later attempt on it is only met by silence."""
    found = case.record.of(Kind.PORT_BUSY)
    if found:
        return _say(Reason.PORT_BUSY, Confidence.HIGH, found[:2], case.record.last(Kind.CONNECT_SCRIPT_FAILED))
    earlier = case.world.of(Kind.PORT_BUSY)
    silent = case.record.last(Kind.MODEM_SILENT, Kind.CHAT_TIMED_OUT)
    if earlier and silent is not None:
        return _say(Reason.PORT_BUSY, Confidence.MEDIUM, earlier[:2], silent)
    return None


def missing_port(case: Case) -> Answer:
    """The device is not there."""
    found = case.record.of(Kind.PORT_MISSING)
    if not found:
        return None
    if case.world.has(Kind.TTY_ATTACHED, Kind.USB_DISCONNECTED, Kind.TTY_DETACHED):
        return _say(Reason.USB_DISCONNECT, Confidence.MEDIUM, found[:2], case.world.last(Kind.TTY_DETACHED))
    return _say(Reason.WRONG_PORT, Confidence.LOW, found[:3])


def lost_port(case: Case) -> Answer:
    """A port that could be opened and then fails at every touch."""
    found = case.record.of(Kind.PORT_IO_FAILED, Kind.PORT_OPEN_FAILED)
    if not found or case.record.has(Kind.PEER_TERMINATED):
        return None
    gone = any(re.search(r"[Nn]o such device|Input/output|errno: ?(?:5|19|108)", sighting.value) for sighting in found)
    cause = Reason.USB_DISCONNECT if gone else Reason.WRONG_PORT
    return _say(cause, Confidence.MEDIUM, found[:3], case.down)


# PPP.


def silent_exit(case: Case) -> Answer:
    """Chat has its CONNECT, and pppd leaves without a word about the line: its own options."""
    exited = case.record.last(Kind.PROGRAM_EXITED)
    connected = case.record.last(Kind.CARRIER_UP)
    spoken = (Kind.SERIAL_UP, Kind.LINK_CONNECTED, Kind.CONNECT_SCRIPT_FAILED, Kind.STOPPED_BY_USER, Kind.HUNG_UP)
    if exited is None or connected is None or exited.event.program is not Program.PPPD or case.record.has(*spoken):
        return None
    return _say(Reason.PPPD_CONFIG, Confidence.LOW, connected, exited)


def exit_status(case: Case) -> Answer:
    """A status that a dialler or a script reports, where no line says more."""
    for sighting in reversed(case.record.of(Kind.PROGRAM_EXITED)):
        if not sighting.value.isdigit() or not 0 < int(sighting.value) < 20:
            continue
        status = int(sighting.value)
        if status in {16, 8}:
            return None
        return _say(EXIT_STATUSES[status].reason, Confidence.MEDIUM, sighting)
    return None


def auth(case: Case) -> Answer:
    """The peer refused our name and password, or we had none and it would not do without."""
    failed = case.record.of(Kind.AUTH_FAILED)
    if failed:
        return _say(Reason.AUTH_FAILED, Confidence.HIGH, case.record.of(Kind.SECRET_MISSING)[:1], failed[:3])
    refused = case.record.of(Kind.AUTH_IMPOSSIBLE, Kind.SECRET_MISSING)
    ended = case.record.last(Kind.PEER_TERMINATED)
    if refused and ended is not None and not case.record.has(Kind.AUTH_SUCCEEDED, Kind.IPCP_ASKED):
        return _say(Reason.AUTH_FAILED, Confidence.MEDIUM, refused[:2], ended)
    return None


def placeholder_dns(case: Case) -> Answer:
    """10.11.12.13 and .14 are what a module offers before the network gave it servers."""
    found = case.record.of(Kind.DNS_ADDRESS)
    last = [sighting for sighting in found if sighting.value in {"10.11.12.13", "10.11.12.14"}]
    if not last or last[-1] is not found[-1] or not case.record.has(Kind.LOCAL_ADDRESS):
        return None
    return _say(Reason.DNS_PLACEHOLDER, Confidence.HIGH, last[:2], case.record.last(Kind.LOCAL_ADDRESS))


def ipcp(case: Case) -> Answer:
    """LCP stood, and no address ever came."""
    found = case.record.of(Kind.IPCP_TIMED_OUT, Kind.LOCAL_UNKNOWN, Kind.IPCP_REFUSED)
    if not found and case.up is None and not case.record.has(Kind.IPCP_OPEN):
        found = case.record.of(Kind.IPCP_LOOPS)
    if not found:
        return None
    return _say(
        Reason.IPCP_TIMEOUT,
        Confidence.HIGH,
        found[:2],
        case.record.last(Kind.AUTH_SUCCEEDED),
        case.record.of(Kind.IPCP_BAD_NAK)[:1],
    )


def lcp(case: Case) -> Answer:
    """Nobody answered LCP."""
    found = case.record.of(Kind.LCP_TIMED_OUT, Kind.LCP_UNANSWERED)
    return (
        _say(Reason.LCP_TIMEOUT, Confidence.HIGH, case.record.last(Kind.LINK_CONNECTED), found[:2]) if found else None
    )


def echo(case: Case) -> Answer:
    """A link that stood was closed because nobody answered LCP's echo."""
    found = case.record.of(Kind.ECHO_LOST)
    return _say(Reason.ECHO_UNANSWERED, Confidence.HIGH, found[:2], case.up) if found else None


def dropped(case: Case) -> Answer:
    """A link that stood ended by itself."""
    if case.down is None:
        return None
    lasted = case.record.last(Kind.CONNECT_TIME)  # pppd tells it only of a link that had been up
    if case.up is None:
        ended = case.record.last(Kind.PEER_TERMINATED) or case.record.last(Kind.HUNG_UP)
        return None if lasted is None or ended is None else _say(Reason.LINK_DROPPED, Confidence.MEDIUM, ended, lasted)
    ends = {
        *(Kind.PEER_TERMINATED, Kind.HUNG_UP, Kind.IDLE_LIMIT, Kind.TIME_LIMIT, Kind.CALL_DOWN, Kind.DHCP_LOST),
        *(Kind.CONNECTION_TERMINATED, Kind.PROGRAM_EXITED),
    }
    if case.down.kind not in ends or not case.record.has(Kind.LOCAL_ADDRESS, Kind.DHCP_LEASE, Kind.CONNECT_SUCCEEDED):
        return None
    return _say(Reason.LINK_DROPPED, Confidence.MEDIUM, case.up, case.down, lasted)


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
            return _say(Reason.AUTH_FAILED, Confidence.HIGH, auth_words[:2], case.down)
        return _say(Reason.APN_REJECTED, Confidence.HIGH, said[:2], case.down)
    ended = case.record.last(Kind.PEER_TERMINATED) or case.record.last(Kind.HUNG_UP)
    accepted = case.record.last(Kind.AUTH_SUCCEEDED)
    if ended is None or accepted is None or case.up is not None or case.record.has(Kind.CONNECT_TIME):
        return None
    return _say(Reason.APN_REJECTED, Confidence.MEDIUM, accepted, ended, case.record.of(Kind.IPCP_ASKED)[:1])


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
    return _say(Reason.APN_REJECTED, Confidence.LOW, dialled, ended)


def _exited_16(case: Case) -> Sighting | None:
    return next((found for found in case.record.of(Kind.PROGRAM_EXITED) if found.value == "16"), None)


def attached_without_service(case: Case) -> Answer:
    """Attached, and still told that there is no network service when the context is activated."""
    missing = case.record.of(Kind.NETWORK_MISSING)
    attached = case.world.last(Kind.ATTACHED)
    if not missing or attached is None:
        return None
    return _say(Reason.APN_REJECTED, Confidence.LOW, missing[:2], attached)


def hung_up(case: Case) -> Answer:
    """The peer ended the call early and said nothing."""
    ended = case.record.last(Kind.PEER_TERMINATED) or case.record.last(Kind.HUNG_UP) or _exited_16(case)
    if ended is not None and case.up is None and not case.record.has(Kind.AUTH_SUCCEEDED, Kind.CONNECT_TIME):
        return _say(
            Reason.PEER_HANGUP,
            Confidence.MEDIUM,
            case.record.last(Kind.LINK_CONNECTED),
            ended,
            case.record.last(Kind.PORT_IO_FAILED),
        )
    return None


# The dial.


def modem_errors(case: Case) -> Answer:
    """Chat's ABORT string, or what the modem answered to the dial."""
    aborted = case.record.last(Kind.CHAT_ABORTED)
    if aborted is None or case.record.has(Kind.LINK_CONNECTED):
        return None
    if re.search(r"NO CARRIER|BUSY|NO ANSWER|NO DIAL", aborted.value.upper()):
        return _say(Reason.NO_CARRIER, Confidence.HIGH, aborted)
    if "ERROR" in aborted.value.upper():
        return _say(
            Reason.DIAL_REJECTED,
            Confidence.HIGH,
            case.record.last(Kind.COMMAND_SENT),
            case.record.last(Kind.AT_ERROR),
            aborted,
        )
    return None


def no_carrier(case: Case) -> Answer:
    """The dial was answered NO CARRIER, BUSY or the like."""
    found = case.record.of(Kind.NO_CARRIER, Kind.LINE_BUSY, Kind.NO_ANSWER, Kind.NO_DIALTONE)
    if not found or case.record.has(Kind.LCP_TIMED_OUT, Kind.LINK_CONNECTED):
        return None
    last = [sighting for sighting in found if sighting.event.program is not Program.AT]
    return _say(Reason.NO_CARRIER, Confidence.HIGH, last[:2], found[:2], case.record.last(Kind.DIALLING))


_GOOD_CONTEXT = re.compile(r'AT\+CGDCONT=\d+, ?"IP[^"]*", ?"[^"]+"', re.IGNORECASE)


def locked_by_symptom(case: Case) -> Answer:
    """A well-formed APN is refused by a modem that answers everything else: its SIM waits for a PIN."""
    refused = case.record.last(Kind.INIT_REFUSED)
    if refused is None or not _GOOD_CONTEXT.match(refused.value):
        return None
    if case.world.has(Kind.PIN_GIVEN):
        return None
    command = [sent for sent in case.record.of(Kind.COMMAND_SENT) if sent.value == refused.value]
    return _say(Reason.SIM_PIN, Confidence.LOW, command[-1:], case.record.last(Kind.AT_ERROR), refused)


def rejected(case: Case) -> Answer:
    """The dial or an initialisation command was answered ERROR."""
    refused = case.record.of(Kind.DIAL_REFUSED, Kind.INIT_REFUSED)
    if not refused:
        return None
    command = [sent for sent in case.record.of(Kind.COMMAND_SENT) if sent.value == refused[-1].value]
    odd = [sent for sent in case.world.of(Kind.COMMAND_SENT) if re.fullmatch(r"AT\+CGDCONT=\d", sent.value)]
    return _say(
        Reason.DIAL_REJECTED, Confidence.MEDIUM, command[-1:], case.record.last(Kind.AT_ERROR), refused[-1:], odd[:1]
    )


def another_speaker(case: Case) -> Answer:
    """Commands that nobody here sent, or answers that get lost now and then: two programs on one port."""
    foreign = case.world.of(Kind.OTHER_PROGRAM_ON_PORT)
    if foreign:
        return _say(Reason.MODEM_MANAGER_CONFLICT, Confidence.MEDIUM, foreign[:3], case.down)
    silent = case.record.last(Kind.MODEM_SILENT)
    repeated = case.record.of(Kind.COMMAND_REPEATED)
    answered = case.record.has(Kind.GOT_IT)
    if silent is not None and repeated and answered:
        return _say(Reason.MODEM_MANAGER_CONFLICT, Confidence.LOW, repeated[:2], silent)
    return None


def managed_port(case: Case) -> Answer:
    """ModemManager was seen on the very port that stays silent or is busy."""
    managed = case.world.last(Kind.MANAGER_ON_PORT)
    trouble = case.record.last(Kind.MODEM_SILENT, Kind.CHAT_TIMED_OUT, Kind.PORT_BUSY, Kind.LCP_TIMED_OUT)
    if managed is None or trouble is None or trouble.event.program is Program.MODEM_MANAGER:
        return None
    return _say(Reason.MODEM_MANAGER_CONFLICT, Confidence.MEDIUM, managed, trouble)


def positions(case: Case) -> Answer:
    """The port that was dialled on speaks of satellites."""
    heard = case.world.of(Kind.NMEA)
    return _say(Reason.WRONG_PORT, Confidence.HIGH, heard[:2], case.down) if heard and case.down is not None else None


def silence(case: Case) -> Answer:
    """The first command of a dialogue stays without an answer: the modem, or the port, is dead."""
    silent = case.record.of(Kind.MODEM_SILENT, Kind.NO_MODEM_FOUND)
    answered = case.record.has(Kind.AT_ERROR, Kind.MODEM_FOUND) and case.record.has(Kind.NO_MODEM_FOUND)
    if silent and not answered:
        return _say(
            Reason.MODEM_NOT_RESPONDING, Confidence.MEDIUM, case.record.of(Kind.COMMAND_REPEATED)[:1], silent[-2:]
        )
    return None


def timeout(case: Case) -> Answer:
    """Chat or the dialler waited in vain."""
    waited = case.record.of(Kind.CHAT_TIMED_OUT, Kind.DIAL_TIMED_OUT)
    exited = [found for found in case.record.of(Kind.CHAT_EXITED) if found.value == "3"]
    failed = case.record.last(Kind.CONNECT_SCRIPT_FAILED)
    if not waited and not exited:
        return None
    heard = case.record.has(Kind.GOT_IT, Kind.CARRIER_UP) or not waited
    dialled = case.record.has(Kind.DIALLING)
    cause = Reason.CHAT_TIMEOUT if heard or dialled else Reason.MODEM_NOT_RESPONDING
    return _say(cause, Confidence.MEDIUM, case.record.last(Kind.EXPECTING), waited[-2:], exited[-1:], failed)


def script_failed(case: Case) -> Answer:
    """The script ended without its CONNECT and did not say why; `chat -v` would have."""
    return _say(Reason.CHAT_TIMEOUT, Confidence.LOW, case.record.of(Kind.CONNECT_SCRIPT_FAILED)[:2])


# QMI and DHCP.


def qmi_version(case: Case) -> Answer:
    """The firmware does not know a service, or answers with an error that the tool does not know."""
    unknown = [found for found in case.record.of(Kind.QMI_REFUSED) if found.value == "unknown to this libqmi"]
    unsupported = case.record.of(Kind.SERVICE_UNSUPPORTED)
    words = {
        "InvalidServiceType",
        "InvalidQmiCommand",
        "NotSupported",
        "InvalidQmiCmd",
        "MalformedMessage",
        "MissingArgument",
    }
    refused = [found for found in case.record.of(Kind.QMI_REFUSED, Kind.CALL_FAILED) if found.value in words]
    if not (unknown or refused or (unsupported and case.down is not None)):
        return None
    return _say(Reason.QMI_VERSION_MISMATCH, Confidence.MEDIUM, unknown[:2], refused[:2], unsupported[:1])


def qmi_call(case: Case) -> Answer:
    """The call was asked for and refused; the reason that comes with it decides."""
    failed = case.record.of(Kind.CALL_FAILED)
    if not failed:
        return None
    why = case.record.of(Kind.CALL_ENDED_WHY)
    if any(DENIED_WORDS.search(found.value) for found in why):
        return _say(Reason.REGISTRATION_DENIED, Confidence.MEDIUM, failed[:1], why[:2])
    if any(SERVICE_WORDS.search(found.value) for found in why):
        return _say(Reason.NOT_REGISTERED, Confidence.MEDIUM, failed[:1], why[:2])
    detached = case.world.last(Kind.ATTACHED, Kind.DETACHED)
    if detached is not None and detached.kind is Kind.DETACHED:
        return _say(Reason.NOT_REGISTERED, Confidence.MEDIUM, detached, failed[:1], why[:1])
    return _say(Reason.QMI_CALL_FAILED, Confidence.MEDIUM, failed[:2], why[:2])


def framing(case: Case) -> Answer:
    """Modem and kernel disagree on the frames, or a switch of raw_ip gave the lease that DHCP was refused before."""
    modem, kernel = case.world.last(Kind.MODEM_FRAMING), case.world.last(Kind.KERNEL_FRAMING)
    if modem is not None and kernel is not None and modem.value != kernel.value and not case.world.has(Kind.RAW_IP_SET):
        return _say(Reason.RAW_IP_MISMATCH, Confidence.HIGH, modem, kernel, case.record.last(Kind.DHCP_NO_LEASE))
    switched = case.record.last(Kind.RAW_IP_SET)
    silent = case.record.first(Kind.DHCP_NO_LEASE)
    if switched is not None and silent is not None and silent.line < switched.line:
        lease = case.record.last(Kind.DHCP_LEASE)
        if lease is not None and lease.line > switched.line:
            return _say(
                Reason.RAW_IP_MISMATCH, Confidence.HIGH, case.record.of(Kind.DHCP_NO_LEASE)[:2], switched, lease
            )
    return None


def framing_by_symptom(case: Case) -> Answer:
    """A call that is up, the in-kernel driver, DHCP unanswered, and raw_ip never set."""
    driver = case.world.last(Kind.DRIVER)
    silent = case.record.of(Kind.DHCP_NO_LEASE)
    called = case.record.last(Kind.CALL_UP)
    if driver is None or driver.value != "qmi_wwan" or not silent or called is None or case.record.has(Kind.RAW_IP_SET):
        return None
    return _say(Reason.RAW_IP_MISMATCH, Confidence.MEDIUM, silent[:1], called, driver)


def no_lease(case: Case) -> Answer:
    """DHCP was asked and nobody answered."""
    found = case.record.of(Kind.DHCP_NO_LEASE, Kind.LINK_LOCAL_ONLY, Kind.DHCP_LOST)
    if not found:
        return None
    return _say(
        Reason.NO_DHCP_LEASE,
        Confidence.HIGH,
        found[:2],
        case.record.of(Kind.DHCP_DISCOVER)[:1],
        case.record.last(Kind.CALL_UP),
    )


def connect_refused(case: Case) -> Answer:
    """A manager could not connect a modem that was registered, and does not say why."""
    found = case.record.of(Kind.CONNECT_FAILED)
    if not found:
        return None
    if Program.QMICLI in case.story.programs or case.record.has(Kind.CALL_FAILED):
        return _say(Reason.QMI_CALL_FAILED, Confidence.LOW, found[:2])
    if _registered(case):
        return _say(Reason.PEER_HANGUP, Confidence.LOW, _stats(case).values(), found[:3])
    return None


# Up, but.


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
    return _say(
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
    return _say(Reason.DEFAULT_ROUTE_KEPT, Confidence.HIGH, found[:1], case.record.last(Kind.LOCAL_ADDRESS))


def unanswered_dhcp(case: Case) -> Answer:
    """The call is up and DHCP is asked again and again, to the end of the log."""
    asked = case.record.of(Kind.DHCP_DISCOVER)
    if len(asked) < 5 or case.record.has(Kind.DHCP_OFFER, Kind.DHCP_LEASE, Kind.LOCAL_ADDRESS, Kind.PING_REPLY):
        return None
    return _say(Reason.NO_DHCP_LEASE, Confidence.MEDIUM, asked[:1], asked[-1:], case.record.last(Kind.CALL_UP))


def slow_start(case: Case) -> Answer:
    """The first answers came back after many seconds, and then they came."""
    first = case.world.first(Kind.PING_REPLY)
    if first is None:
        return None
    number, milliseconds = first.value.split()
    if float(milliseconds) < 5000 and int(number) < 5:
        return None
    return _say(Reason.SLOW_START, Confidence.HIGH, case.world.of(Kind.PING_REPLY)[:3])


def working(case: Case) -> Answer:
    """The link is there."""
    return _say(Reason.NONE, Confidence.HIGH, case.up, case.record.last(Kind.LOCAL_ADDRESS, Kind.DHCP_LEASE))


# Asked of an attempt that failed, and of a log without an attempt; the first answer is the main cause.
FAILED_RULES: tuple[Rule, ...] = (
    reported,
    voltage,
    usb,
    not_switched,
    sim,
    _plain(Kind.KERNEL_NO_PPP, Reason.KERNEL_NO_PPP),
    permission,
    managed_port,
    busy,
    _plain(Kind.LOOPED_BACK, Reason.LOOPBACK),
    _plain(Kind.AUTH_REQUIRED_OF_PEER, Reason.AUTH_REQUIRED_OF_PEER),
    missing_port,
    _plain(Kind.OPTION_REFUSED, Reason.PPPD_CONFIG),
    auth,
    denied,
    echo,
    dropped,
    lcp,
    ipcp,
    placeholder_dns,
    qmi_version,
    _plain(Kind.CALL_NO_EFFECT, Reason.QMI_NO_EFFECT),
    _plain(Kind.QMI_DEVICE_MISSING, Reason.QMI_DEVICE_MISSING),
    refused_apn,
    framing,
    attached_without_service,
    no_signal,
    not_registered,
    qmi_call,
    _plain(Kind.QMI_TIMED_OUT, Reason.QMI_TIMEOUT, Confidence.MEDIUM),
    no_lease,
    unanswered_dhcp,
    framing_by_symptom,
    no_context,
    modem_errors,
    searching_dial,
    no_carrier,
    lost_port,
    hung_up,
    locked_by_symptom,
    rejected,
    another_speaker,
    positions,
    silence,
    timeout,
    exit_status,
    connect_refused,
    silent_exit,
)
# Asked only where nothing else was answered.
LAST_RULES: tuple[Rule, ...] = (script_failed,)

# Asked of a link that is up: those that make it useless come first, the others are told beside "none".
UP_RULES: tuple[Rule, ...] = (framing, silent_carrier, unanswered_dhcp, placeholder_dns, slow_start, route_kept)
USELESS = frozenset({Reason.CARRIER_SILENT, Reason.DNS_PLACEHOLDER, Reason.NO_DHCP_LEASE})
