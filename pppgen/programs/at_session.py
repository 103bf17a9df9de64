"""AT commands and answers as they stand in logs: typed in a terminal, echoed under wvdial, spoken inside chat.

The values' meaning is 3GPP TS 27.007's; the vendors' own lines are those that people post most (Huawei `^`, Sierra `!`,
Quectel `+Q`). Values that `pppgen.at.replies` knows are read there; here stands what somebody else asked, often without
the question.
"""

import re

from pppgen.at.replies import network
from pppgen.at.replies import signal as strength
from pppgen.model import Registration, RegistrationStat, Signal, SimState
from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.grammar import Row, grammar
from pppgen.programs.sieve import Sieve

# `+CME ERROR` by number and by words (TS 27.007 9.2, and 27.007 annex for the GPRS numbers).
SIM_ERRORS: tuple[tuple[str, SimState], ...] = (
    (r"10\b|SIM not inserted", SimState.ABSENT),
    (r"(?:11|16)\b|SIM PIN required|incorrect password", SimState.PIN),
    (r"12\b|SIM PUK required", SimState.PUK),
    (r"13\b|SIM failure", SimState.ABSENT),
    (r"14\b|SIM busy", SimState.BUSY),
    (r"15\b|SIM wrong", SimState.ABSENT),
    (r"17\b|SIM PIN2 required", SimState.UNKNOWN),
    (r"18\b|SIM PUK2 required", SimState.UNKNOWN),
    (r"4[0-7]\b|(?:network|service provider|corporate) personali[sz]ation", SimState.NETWORK_LOCK),
)
_SIM_ERRORS = [(re.compile(pattern, re.IGNORECASE), state) for pattern, state in SIM_ERRORS]
_NO_NETWORK = re.compile(r"(?:30|31|32)\b|no network service|network timeout|network not allowed", re.IGNORECASE)
_NOT_ATTACHED = re.compile(r"148\b|149\b|unspecified GPRS error", re.IGNORECASE)
_BAD_APN = re.compile(r"(?:26|27|33|132|133)\b|unknown apn|missing or unknown apn|option not subscribed", re.IGNORECASE)
_DENIED = re.compile(r"(?:103|106|107|111|112|113)\b|illegal (?:MS|ME)|not allowed", re.IGNORECASE)

# Why a session is refused or ends: 3GPP TS 24.008 10.5.6.6, in libqmi's words.
SESSION_CAUSES = {
    "8": "operator-determined-barring",
    "27": "unknown-apn",
    "28": "unknown-pdp",
    "29": "authentication-failed",
    "30": "ggsn-reject",
    "33": "option-unsubscribed",
    "36": "regular-deactivation",
    "38": "network-failure",
}
_CPIN = {
    "READY": SimState.READY,
    "SIM PIN": SimState.PIN,
    "SIM PUK": SimState.PUK,
    "PH-NET PIN": SimState.NETWORK_LOCK,
    "PH-SIM PIN": SimState.NETWORK_LOCK,
    "PH-SP PIN": SimState.NETWORK_LOCK,
    "NOT INSERTED": SimState.ABSENT,
    "NOT READY": SimState.BUSY,
}

ROWS: tuple[Row, ...] = (
    Row(r"OK\s*$", Kind.GOT_IT, "OK"),
    Row(r"\$G[PNLAB][A-Z]{3},", Kind.NMEA),
    Row(r"(CONNECT(?: ?\d\S*.*)?)\s*$", Kind.CARRIER_UP),  # not a script's line `CONNECT ''`
    Row(r"NO CARRIER\s*$", Kind.NO_CARRIER),
    Row(r"NO DIAL ?TONE\s*$", Kind.NO_DIALTONE),
    Row(r"BUSY\s*$", Kind.LINE_BUSY),
    Row(r"NO ANSWER\s*$", Kind.NO_ANSWER),
    Row(r"\+CPIN: *(.+)", Kind.SIM, None),
    Row(r"\+QUSIM: *1", Kind.SIM, SimState.READY),
    Row(r"(?:tty\w+: )?SIM (?:card )?(?:is )?(?:not inserted|failure|missing|absent)", Kind.SIM, SimState.ABSENT),
    Row(r"\+CGATT: *1", Kind.ATTACHED),
    Row(r"\+CGATT: *0", Kind.DETACHED),
    Row(r".*\bPS state: *Attached", Kind.ATTACHED),
    Row(r".*\bPS state: *(?:Not attached|Detached)", Kind.DETACHED),
    Row(r"\+CEER: *(.+)", Kind.CALL_ENDED_WHY),
    Row(r"\+CGPADDR: *\d+, *\"?(?!0\.0\.0\.0)(\d+\.\d+\.\d+\.\d+)", Kind.CONTEXT_ADDRESS),
    Row(r"\+CGDCONT: *(\d+),\"IP[^\"]*\",\"([^\"]*)\"", Kind.CONTEXT_DEFINED),
    Row(r"\+CGEV: *(?:NW|ME) DETACH", Kind.DETACHED),
    Row(r"\+CGEV: *(?:NW|ME) (?:PDN )?DEACT", Kind.CALL_DOWN, ""),
    Row(r"\+QIURC: *\"pdpdeact\"", Kind.CALL_DOWN, ""),
    Row(r"\^NDISSTAT: *1", Kind.CALL_UP),
    Row(r"\^NDISSTAT: *0", Kind.CALL_DOWN),
    Row(r"\^SIMST: *255", Kind.SIM, SimState.ABSENT),
    Row(r"\^SRVST: *0", Kind.REGISTRATION, "creg not-registered"),
    Row(r"GMM \(PS\) state: *(?:DEREGISTERED|REGISTRATION)", Kind.DETACHED),
    Row(r"\$?QCRMCALL: *1, ?V[46]", Kind.CALL_UP),
    Row(r"(?:\*\*)?Failed to register", Kind.NETWORK_MISSING),
    # comgt, which OpenWrt's 3g protocol asks by
    Row(r"Error @\d+, line \d+, (Could not (?:write to|read|open) COM device.*)", Kind.MODEM_SILENT),
    Row(r"\**NO SIM card present", Kind.SIM, SimState.ABSENT),
    Row(r"SIM ready\s*$", Kind.SIM, SimState.READY),
    Row(r"Registered on (?:Home|Roaming) network", Kind.REGISTRATION, f"cgreg {RegistrationStat.HOME}"),
    Row(r"(?:tty\w+: )?SIM card is locked", Kind.SIM, SimState.PIN),
    Row(r"tty\w+: No carrier", Kind.NO_CARRIER, ""),
    Row(r"\^MODE: *0,", Kind.NO_SIGNAL),
    Row(r"\+QNWINFO: *(?:\"?No Service|,)", Kind.NO_SIGNAL),
    Row(r"\+QCSQ: *\"NOSERVICE\"", Kind.NO_SIGNAL),
    Row(r"\+CPSI: *NO SERVICE", Kind.NO_SIGNAL),
    Row(r"\+QCSQ: *\"\w[^\"]*\",(-?\d+)", Kind.SIGNAL),
    Row(r"\+CFUN: *[04]\b", Kind.NO_SIGNAL, "radio off"),
)

_RSSI = re.compile(r"\^RSSI: *(\d+)")
_STATUS = re.compile(r"\^NDISSTAT: *0, *(\d{1,3})")
_SYSINFO = re.compile(r"\^SYSINFO(?:EX)?: *(\d),(\d),(\d),(\d+),(\d)")
_ERROR = re.compile(r"(?:\+CM[ES] ERROR:? *(?P<why>.*)|ERROR|COMMAND NOT SUPPORT|TOO MANY PARAMETERS)\s*$")
_COMMAND = re.compile(r"(?:> ?)?(AT(?:[!-~][ -~]*)?|at[+!^$&%*\dzidZ][ -~]*)\s*$")
_DIAL = re.compile(r"AT.{0,20}?D[TP]?[*#\d]", re.IGNORECASE)
_CONTEXT = re.compile(r'AT.*\+CGDCONT=(\d+), ?"[^"]*", ?"([^"]+)"', re.IGNORECASE)
_PIN = re.compile(r"AT.*\+CPIN=", re.IGNORECASE)
# Who speaks in a dialogue with the modem, as terminals and diallers show it: `< OK`, `AT> ATI`, `resp: BUSY`.
_SPEAKER = re.compile(
    r"(?:comgt \S+ -> |-{1,2}>|<-{1,2}|(?:AT)?[<>]{1,2}|(?=[RSTrst])(?i:send|sent|recv|resp|received|rx|tx) ?[:>=])"
    r" *(?=\S)"
)
_SPEAKERS = frozenset("-<>ASRTcsrt")
SIEVE = Sieve(ROWS, _RSSI, _SYSINFO, _ERROR, _COMMAND, r"\+C(?:|G|E)REG:", r"\+CSQ:", r".*\^M", leads=(_SPEAKER,))


# Commands that start a session.
_CALLS = re.compile(
    r"AT(?:.{0,20}?D[TP]?[*#\d]|\+CGACT=1|\+QIACT=|\+CGDATA|\^NDISDUP=\d+,1|#SGACT=\d+,1|\+UPSDA=\d+,3|!SCACT=1|\$QCRMCALL=1|\+CNACT=1)",
    re.IGNORECASE,
)


class AtReader:
    """Commands and answers; remembers the last command, so that an error can name it."""

    def __init__(self) -> None:
        self._grammar = grammar(Program.AT, ROWS)
        self.command = ""

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line of a session proves."""
        line = line.strip().replace("^M", "")
        if not line:
            return ()
        head = line[0]
        if head in "Aa" and (command := _COMMAND.match(line)) is not None:
            return self._asked(command[1])
        if (error := _ERROR.match(line)) is not None:
            return self._refused(line, error["why"])
        if line.startswith(("+CREG:", "+CGREG:", "+CEREG:")):
            return registration(line)
        if line.startswith("+CSQ:"):
            return signal(line)
        if head == "^":
            return self._huawei(line)
        event = self._grammar.match(line)
        if event is None:
            return ()
        if event.kind is Kind.SIM and event.value not in set(SimState):
            return sim(event.value)
        return (event,)

    def _asked(self, command: str) -> tuple[Event, ...]:
        self.command = command[:200]
        return commanded(Program.AT, self.command)

    def _refused(self, line: str, why: str | None) -> tuple[Event, ...]:
        error = Event(Program.AT, Kind.AT_ERROR, line[:200])
        meaning = meaning_of_error(why) if why else ()
        if _CALLS.match(self.command):
            return (error, *meaning, Event(Program.AT, Kind.DIAL_REFUSED, self.command))
        return (error, *meaning)

    def _huawei(self, line: str) -> tuple[Event, ...]:
        if (rssi := _RSSI.match(line)) is not None:
            return signal(f"+CSQ: {rssi[1][:3]},99")
        if (found := _SYSINFO.match(line)) is not None:
            status, _domain, _roam, mode, card = found.groups()
            events = [] if mode != "0" else [Event(Program.AT, Kind.NO_SIGNAL)]
            if status in "02":  # 0 no service, 1 restricted, 2 valid; srv_status 2 is service
                stat = RegistrationStat.HOME if status == "2" else RegistrationStat.NOT_REGISTERED
                events.append(Event(Program.AT, Kind.REGISTRATION, f"creg {stat}"))
            if card in "04":
                events.append(Event(Program.AT, Kind.SIM, SimState.ABSENT.value))
            return tuple(events)
        event = self._grammar.match(line)
        if event is not None and (ended := _STATUS.match(line)) is not None:
            return (event, Event(Program.AT, Kind.CALL_ENDED_WHY, SESSION_CAUSES.get(ended[1], ended[1])))
        return () if event is None else (event,)


def spoken(line: str) -> str:
    """Return the line without the one who speaks, as terminals name him.

    >>> spoken("resp: BUSY"), spoken("AT")
    ('BUSY', 'AT')
    """
    if line[:1] in _SPEAKERS and (speaker := _SPEAKER.match(line)) is not None:
        return line[speaker.end() :]
    return line


def commanded(program: Program, command: str) -> tuple[Event, ...]:
    """Return that a command was sent, and what it is for: to dial, to name the APN, to give the PIN.

    >>> [event.kind.value for event in commanded(Program.CHAT, 'AT+CGDCONT=1,"IP","internet"')]
    ['command-sent', 'context-defined']
    """
    events = [Event(program, Kind.COMMAND_SENT, command)]
    if _DIAL.match(command):
        events.append(Event(program, Kind.DIALLING, command))
    if (context := _CONTEXT.match(command)) is not None:
        events.append(Event(program, Kind.CONTEXT_DEFINED, f"{context[1]} {context[2]}"))
    if _PIN.match(command):
        events.append(Event(program, Kind.PIN_GIVEN))
    return tuple(events)


def registration(line: str) -> tuple[Event, ...]:
    """Return the registration that a `+CREG:` line tells, asked for or not.

    >>> [event.value for event in (*registration("+CEREG: 0,5"), *registration('+CREG: 5,"01","02"'))]
    ['cereg roaming', 'creg roaming']
    """
    match network.registration([line]):
        case Registration(domain=domain, stat=stat):
            return (Event(Program.AT, Kind.REGISTRATION, f"{domain} {stat}"),)
        case _:
            return ()


def signal(line: str) -> tuple[Event, ...]:
    """Return what a `+CSQ:` line tells; 99 is "not known or not detectable".

    >>> signal("+CSQ: 22,99")[0].value, signal("+CSQ: 99,99")[0].kind
    ('-69', <Kind.NO_SIGNAL: 'no-signal'>)
    """
    match strength.csq([line]):
        case Signal(rssi_dbm=None):
            return (Event(Program.AT, Kind.NO_SIGNAL),)
        case Signal(rssi_dbm=rssi):
            return (Event(Program.AT, Kind.SIGNAL, str(rssi)),)
        case _:
            return ()


def sim(words: str) -> tuple[Event, ...]:
    """Return what `+CPIN:` says.

    >>> sim("SIM PUK")[0].value
    'puk'
    """
    upper = words.strip().strip('"').upper()
    state = _CPIN.get(upper, SimState.NETWORK_LOCK if upper.startswith("PH-") else SimState.UNKNOWN)
    return (Event(Program.AT, Kind.SIM, state.value),)


def meaning_of_error(why: str) -> tuple[Event, ...]:
    """Return what the number or the words behind `+CME ERROR:` prove, often nothing.

    >>> [event.value for event in meaning_of_error("10")], meaning_of_error("3")
    (['absent'], ())
    """
    for pattern, state in _SIM_ERRORS:
        if pattern.match(why):
            return (Event(Program.AT, Kind.SIM, state.value),)
    if _NO_NETWORK.match(why):
        return (Event(Program.AT, Kind.NETWORK_MISSING, why[:200]),)
    if _BAD_APN.match(why):
        return (Event(Program.AT, Kind.APN_REFUSED, why[:200]),)
    if _NOT_ATTACHED.match(why):
        return (Event(Program.AT, Kind.NETWORK_MISSING, why[:200]),)
    if _DENIED.match(why):
        return (Event(Program.AT, Kind.REGISTRATION, f"cgreg {RegistrationStat.DENIED}"),)
    return ()
