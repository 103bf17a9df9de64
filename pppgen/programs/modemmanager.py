"""ModemManager's journal (0.4 to 1.22) and mmcli's answers."""

import re

from pppgen.model import RegistrationStat, SimState
from pppgen.programs.at_session import AtReader
from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.grammar import Row, grammar
from pppgen.programs.sieve import Sieve

ROWS: tuple[Row, ...] = (
    Row(r"ModemManager \(version (\S+?)\) starting", Kind.PROGRAM_STARTED),
    Row(r"[Ss]imple connect started", Kind.CONNECT_STARTED),
    Row(r"[Ss]imple connect state \(\d+/\d+\): [Aa]ll done", Kind.CONNECT_SUCCEEDED),
    Row(r"[Ss]imple connect state \(\d+/\d+\): (.*)", Kind.MANAGER_STEP),
    Row(r"(?:3GPP |CDMA )?[Rr]egistration state changed:? \(?.*-> '?(\w+)", Kind.REGISTRATION),
    Row(r"Registration state changed: (\d+)", Kind.REGISTRATION),
    Row(r"state changed \((\S+ -> \w+)\)", Kind.MODEM_STATE),
    Row(r"couldn't start (?:IPv[46] )?network: QMI protocol error \(\d+\): '(NoEffect)'", Kind.CALL_NO_EFFECT),
    Row(
        r"couldn't start (?:IPv[46] )?network: QMI protocol error \(\d+\): '(PolicyMismatch)'",
        Kind.HARMLESS,
        "one-ip-family",
    ),
    Row(r"couldn't start (?:IPv[46] )?network: QMI protocol error \(\d+\): '(\w+)'", Kind.CALL_FAILED),
    Row(r"couldn't start (?:IPv[46] )?network: (.*)", Kind.CALL_FAILED),
    Row(r"(?:verbose )?call end reason \(\d+(?:, ?\d+)?\): (.*)", Kind.CALL_ENDED_WHY),
    Row(r"QMI IPv[46] Settings", Kind.CALL_UP),
    Row(r"\s*address: (\d[\d.]+)", Kind.LOCAL_ADDRESS),
    Row(r"\s*DNS #\d: (\d[\d.]+)", Kind.DNS_ADDRESS),
    Row(r"successfully connected the modem", Kind.CONNECT_SUCCEEDED),
    Row(r"Modem (?:\S+: )?successfully connected", Kind.CONNECT_SUCCEEDED),
    Row(r"couldn't connect the modem: (.*)", Kind.CONNECT_FAILED),
    Row(r"registration in network failed: (.*)", Kind.CONNECT_FAILED),
    Row(r"couldn't (?:register|enable|unlock|send PIN)\b.*?: (.*)", Kind.CONNECT_FAILED),
    Row(r"[Cc]ouldn't connect bearer.*?: (.*)", Kind.CONNECT_FAILED),
    Row(r"connection attempt #?\d* ?failed: (.*)", Kind.CONNECT_FAILED),
    Row(r"[Cc]onnect(?:ion)? (?:to \S+ )?failed: (.*)", Kind.CONNECT_FAILED),
    Row(r"Got failure code (\d+: .*)", Kind.CONNECT_FAILED),
    Row(r"[Mm]odem couldn't be initialized: (.*)", Kind.CONNECT_FAILED),
    Row(r"(?:couldn't|error) initializ\w+.*?: (.*)", Kind.CONNECT_FAILED),
    Row(r"bearer .*(?:disconnected|call failed)|[Cc]onnection .*(?:dropped|lost)", Kind.CALL_DOWN),
    Row(r"modem (?:in|is in|is) failed state: (\S+)", Kind.CONNECT_FAILED),
    Row(r"\(?(tty/\w+|ttyUSB\d|ttyACM\d)\)? (?:opening serial port|type primary|\[\S+\] )", Kind.MANAGER_ON_PORT),
    Row(r".*(?:\((tty\w+)\)|\[(tty\w+)(?:/at)?\]) (?:opening serial port|closing serial port)", Kind.MANAGER_ON_PORT),
    Row(r"\(?(tty\w+)\)? (?:opening|closing) serial port", Kind.MANAGER_ON_PORT),
    Row(
        r".*(?:couldn't|failed to) (?:create|open) .*?(?:[Qq]mi|QMI).*(?:timed out|[Tt]ransaction)", Kind.QMI_TIMED_OUT
    ),
    Row(r".*(?:QMI|qmi).*(?:[Tt]ransaction timed out|endpoint hangup)", Kind.QMI_TIMED_OUT),
    Row(r".*(?:SIM not inserted|sim-missing|SIM is missing|SimNotInserted|SIM-missing)", Kind.SIM, SimState.ABSENT),
    Row(r".*(?:SIM PUK|SimPuk)\b", Kind.SIM, SimState.PUK),
    Row(r".*(?:SIM PIN|SimPin|PIN) (?:is )?(?:required|needed)", Kind.SIM, SimState.PIN),
    Row(r"port (cdc-wdm\d) timed out \d+ consecutive times", Kind.QMI_TIMED_OUT),
    Row(r"port (tty\w+) timed out \d+ consecutive times", Kind.MODEM_SILENT),
    Row(r"No modems were found|error: couldn't find modem\b", Kind.NO_MODEM_FOUND),
    Row(r"modem is locked|[Mm]odem .*needs unlock", Kind.UNLOCK_NEEDED),
)
# mmcli -m: `Status | state: failed`, with or without the section's name, older versions with quotes.
_FIELD = re.compile(r"(?:\w[\w ]*?)? *\| *([a-z0-9 #.-]+?): *'?(.*?)'?\s*$")
_NAMES = r"\[(?!tty)\S+\] |Modem (?:/\S+: |for device .*?: )|\[modem\d+/bearer\d+\] *|/org/\S+ "
_OBJECT = re.compile(f"(?:{_NAMES})+")
# The debug log's copy of what went over a port: `[ttyUSB2/at] <-- '<CR><LF>+CREG: 0,2<CR><LF>'`.
_SPOKEN = re.compile(r"(?:.*debug_log\(\): )?[\[(]([\w.-]+)(?:/at)?[\])]:? (-->|<--) '(.*?)'?\s*$")
_LEVELS = (r"<\w+> +", r"\[\d+\.\d+\] +", r"<\w+> +", r"\[\S+\.c:\d+\] \w+\(\): ", r"error: ")
_LEVEL = re.compile("".join(f"(?:{level})?" for level in _LEVELS))
SIEVE = Sieve(ROWS, _FIELD, _SPOKEN, leads=(*_LEVELS, _NAMES))

STATES: dict[str, RegistrationStat] = {
    "idle": RegistrationStat.NOT_REGISTERED,
    "searching": RegistrationStat.SEARCHING,
    "denied": RegistrationStat.DENIED,
    "home": RegistrationStat.HOME,
    "roaming": RegistrationStat.ROAMING,
    "unknown": RegistrationStat.UNKNOWN,
    "0": RegistrationStat.NOT_REGISTERED,
    "1": RegistrationStat.HOME,
    "2": RegistrationStat.SEARCHING,
    "3": RegistrationStat.DENIED,
    "4": RegistrationStat.UNKNOWN,
    "5": RegistrationStat.ROAMING,
}
_LOCKS = {
    "sim-pin": SimState.PIN,
    "sim-puk": SimState.PUK,
    "none": SimState.READY,
    "sim-pin2": SimState.READY,
    "sim-puk2": SimState.READY,
}


class ModemManagerReader:
    """The lines of the daemon and of mmcli."""

    def __init__(self) -> None:
        self._grammar = grammar(Program.MODEM_MANAGER, ROWS)
        self._at = AtReader()

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line proves."""
        if (field := _FIELD.match(line)) is not None:
            return self._field(field[1].strip(), field[2].strip())
        line = line[_LEVEL.match(line).end() :]  # type: ignore[union-attr] # every part of the pattern is optional
        if ("<--" in line or "-->" in line) and (spoken := _SPOKEN.match(line)) is not None:
            return self._spoken(spoken[2], spoken[3])
        if (named := _OBJECT.match(line)) is not None:
            line = line[named.end() :]
        event = self._grammar.match(line)
        if event is None:
            return ()
        match event.kind:
            case Kind.REGISTRATION:
                return registration(event.value)
            case Kind.CONNECT_FAILED:
                return (event, *meaning(event.value))
            case Kind.MODEM_STATE:
                return changed(*event.value.split(" -> "))
            case _:
                return (event,)

    def _spoken(self, way: str, text: str) -> tuple[Event, ...]:
        """What the manager and the modem said to each other."""
        lines = re.split(r"<CR>|<LF>", text)
        if way == "-->":
            return ()
        return tuple(event for line in lines for event in self._at.read(line) if event.kind is not Kind.GOT_IT)

    def _field(self, name: str, value: str) -> tuple[Event, ...]:
        match name:
            case "lock" | "unlock-required" | "unlock required":
                lock = SimState.NETWORK_LOCK if value.startswith("ph-") else _LOCKS.get(value)
                return () if lock is None else (_event(Kind.SIM, lock),)
            case "state":
                return (*state(value), _event(Kind.CONNECT_SUCCEEDED, "")) if value == "connected" else state(value)
            case "failed reason" | "state-failed-reason":
                return meaning(value)
            case "registration" | "state-registration":
                return registration(value)
            case "packet service state" | "packet-service-state":
                return (_event(Kind.ATTACHED if value == "attached" else Kind.DETACHED, ""),)
            case "connected":
                return (_event(Kind.CONNECT_SUCCEEDED, ""),) if value == "yes" else ()
            case "address":
                return (_event(Kind.LOCAL_ADDRESS, value),) if value[:1].isdigit() else ()
            case "signal quality" if value.startswith("0%") and "cached" not in value:
                return (_event(Kind.NO_SIGNAL, ""),)
            case _:
                return ()


def registration(word: str) -> tuple[Event, ...]:
    """Return what one of ModemManager's registration words (or its old numbers) says.

    >>> registration("idle")[0].value
    'cgreg not-registered'
    """
    stat = STATES.get(word.strip().lower())
    return () if stat is None else (_event(Kind.REGISTRATION, f"cgreg {stat}"),)


def state(word: str) -> tuple[Event, ...]:
    """Return what a modem state says: "registered" is also a registration, "locked" a SIM that waits.

    >>> [event.value for event in state("registered")]
    ['registered', 'cgreg home']
    """
    word = re.sub(r"\x1b\[[\d;]*m", "", word).strip("'")
    events = [_event(Kind.MODEM_STATE, word)]
    if word == "registered":
        events.append(_event(Kind.REGISTRATION, f"cgreg {RegistrationStat.HOME}"))
    elif word == "searching":
        events.append(_event(Kind.REGISTRATION, f"cgreg {RegistrationStat.SEARCHING}"))
    elif word == "locked":
        events.append(_event(Kind.UNLOCK_NEEDED, ""))
    elif word == "failed":
        events.append(_event(Kind.CONNECT_FAILED, ""))
    return tuple(events)


def changed(old: str, new: str) -> tuple[Event, ...]:
    """Return what a change of state says beyond the new state: a connection made, refused or lost.

    >>> [event.kind.value for event in changed("connecting", "connected")]
    ['modem-state', 'connect-succeeded']
    """
    events = [*state(new)]
    if new == "connected":
        events.append(_event(Kind.CONNECT_SUCCEEDED, ""))
    elif new == "connecting":
        events.append(_event(Kind.CALL_STARTING, ""))
    elif old == "connecting" and new in {"registered", "enabled", "searching"}:
        events.append(_event(Kind.CONNECT_FAILED, ""))
    elif old == "connected" and new in {"registered", "searching", "enabled"}:
        events.append(_event(Kind.CALL_DOWN, ""))
    return tuple(events)


_MEANINGS: tuple[tuple[re.Pattern[str], Kind, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, value)
    for pattern, kind, value in (
        (r"sim[- ]?missing|sim ?not ?inserted|no sim", Kind.SIM, SimState.ABSENT),
        (r"sim-error|sim[- ]?failure|sim ?wrong", Kind.SIM, SimState.ABSENT),
        (r"sim[- ]?puk", Kind.SIM, SimState.PUK),
        (r"sim[- ]?pin|modem is locked|needs? (?:to be )?unlock", Kind.SIM, SimState.PIN),
        (r"personali[sz]ation|ph-?net|simlock", Kind.SIM, SimState.NETWORK_LOCK),
        (r"registration denied|not allowed|illegal|\bdenied\b", Kind.REGISTRATION, f"cgreg {RegistrationStat.DENIED}"),
        (r"no network|network timeout|not registered|no[- ]service|registration timed", Kind.NETWORK_MISSING, ""),
        (r"missing or unknown apn|unknown ?apn|apn", Kind.APN_REFUSED, ""),
        (r"not ?subscribed|unsubscribed", Kind.APN_REFUSED, ""),
        (r"user authentication failed|authentication", Kind.AUTH_FAILED, ""),
        (r"\b(?:30|148|149|31|32): |unspecified GPRS error", Kind.NETWORK_MISSING, ""),
        (r"no ?effect", Kind.CALL_NO_EFFECT, ""),
        (r"unauthorized|policykit|not authorized", Kind.PERMISSION_DENIED, "PolicyKit"),
        (r"transaction timed out|endpoint hangup", Kind.QMI_TIMED_OUT, ""),
        (r"call ?failed", Kind.CALL_FAILED, "CallFailed"),
        (r"serial command timed out|serial connection timed", Kind.MODEM_SILENT, ""),
        (r"device is unplugged|no such device", Kind.USB_DISCONNECTED, ""),
        (r"no carrier|nocarrier", Kind.NO_CARRIER, ""),
        (r"no dial ?tone", Kind.NO_DIALTONE, ""),
        (r"no answer", Kind.NO_ANSWER, ""),
    )
)


def meaning(words: str) -> tuple[Event, ...]:
    """Return the event behind an error's words, if they say more than that something failed.

    >>> meaning("Network timeout")[0].kind
    <Kind.NETWORK_MISSING: 'network-missing'>
    """
    for pattern, kind, value in _MEANINGS:
        if pattern.search(words):
            return (_event(kind, value),)
    return ()


def _event(kind: Kind, value: str) -> Event:
    return Event(Program.MODEM_MANAGER, kind, value[:200])
