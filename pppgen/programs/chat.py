"""chat: what `chat -v` and `chat -s -v` write, and its exit statuses.

Between "expect" and its end stand the modem's own lines; they are handed on as MODEM_SAID, so that whoever reads AT
answers can read these too. Status 3 is a timeout, 4 and up the index of the ABORT string that matched (chat.c).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pppgen.model import Reason
from pppgen.programs.at_session import commanded
from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.sieve import Sieve

_WORDS = re.compile(
    r"(?P<abort>abort on \((?P<on>.*)\)\s*$)"
    r"|(?P<send>send \((?P<sent>.*)\)\s*$)"
    r"|(?P<expect>expect \((?P<wanted>.*)\)\s*$)"
    r"|(?P<got>\s*-- got it\s*$)"
    r"|(?P<failed>Failed(?: \((?P<why>.*)\))?\s*$)"
    r"|(?P<alarm>alarm\s*$| -- (?:read|write) timed out)"
    r"|(?P<quiet>timeout set to \d+ seconds|clear (?:abort on|report) \(|report \(|\s*-- failed\s*$"
    r"|warning: alarm synchronization problem| -- write failed: )"
)
_FIRST = frozenset("astercwF- ")
_OPENED = re.compile(r"send \((.*)$")
SIEVE = Sieve((), _WORDS, _OPENED)
# What ModemManager polls with.
_QUERY = re.compile(r"AT(?:\+(?:CREG|CGREG|CEREG|COPS|CSQ|CPIN|GCAP|CGMI|CGMM|CGSN|CFUN|CIND|CMGF|GMR)\b|I\b)")
_CONNECT = re.compile(r"CONNECT\b ?(\d*)")


def cleaned(text: str) -> str:
    r"""Return the modem's text without chat's caret notation for CR and LF.

    >>> cleaned("+CSQ: 22,99^M")
    '+CSQ: 22,99'
    """
    return text.replace("^M", "").replace("^J", "").strip()


class ChatReader:
    """One dial script's words; remembers what is expected, and whether the modem is speaking."""

    def __init__(self) -> None:
        self._expected = ""
        self._sent_commands: set[str] = set()
        self.listening = False
        """Whether a line that is none of chat's own is the modem's."""

    def foreign(self, command: str) -> bool:
        """Whether an echoed query is one that managers ask and this script never sent."""
        return _QUERY.match(command) is not None and not any(
            sent.startswith(command[:40]) or command.startswith(sent) for sent in self._sent_commands
        )

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line proves."""
        found = _WORDS.match(line) if line[:1] in _FIRST else None
        if found is None:
            return self._others(line)
        match found.lastgroup:
            case "abort":
                return (_said(Kind.ABORT_ON, found["on"]),)
            case "send":
                return self._sent(found["sent"])
            case "expect":
                self._expected, self.listening = cleaned(found["wanted"])[:200], True
                return (_said(Kind.EXPECTING, self._expected),)
            case "got":
                return self._got()
            case "alarm":
                return (_said(Kind.CHAT_TIMED_OUT, self._expected),)
            case "failed":
                self.listening = False
                if found["why"]:
                    return (_said(Kind.CHAT_ABORTED, cleaned(found["why"])),)
                return (_said(Kind.CHAT_TIMED_OUT, self._expected),)
            case _:
                return ()

    def _sent(self, text: str) -> tuple[Event, ...]:
        self.listening = False
        command = cleaned(text)
        if not command.upper().startswith("AT"):
            return ()
        if len(self._sent_commands) < 64:  # no script is longer
            self._sent_commands.add(command[:40])
        return commanded(Program.CHAT, command[:200])

    def _got(self) -> tuple[Event, ...]:
        self.listening = False
        return (_said(Kind.GOT_IT, self._expected),)

    def _others(self, line: str) -> tuple[Event, ...]:
        """A line of the modem's, or a send whose closing bracket a wrapped line lost."""
        if (opened := _OPENED.match(line)) is not None:
            return self._sent(opened[1])
        said = cleaned(line)
        if not self.listening or not said:
            return ()
        if (connected := _CONNECT.match(said)) is not None:
            return (_said(Kind.CARRIER_UP, connected[1]),)
        return (_said(Kind.MODEM_SAID, said),)


def _said(kind: Kind, value: str) -> Event:
    return Event(Program.CHAT, kind, value[:200])


# What an ABORT string means when it matched; `+CME ERROR` numbers are 3GPP TS 27.007's.
_MEANINGS: tuple[tuple[str, Reason], ...] = (
    ("NO CARRIER", Reason.NO_CARRIER),
    ("NO DIAL", Reason.NOT_REGISTERED),
    ("BUSY", Reason.NO_CARRIER),
    ("NO ANSWER", Reason.NO_CARRIER),
    ("SIM NOT INSERTED", Reason.SIM_MISSING),
    ("SIM PIN", Reason.SIM_PIN),
    ("SIM PUK", Reason.SIM_PUK),
    ("PH-NET PIN", Reason.NETWORK_LOCK),
    ("+CME ERROR: 10", Reason.SIM_MISSING),
    ("+CME ERROR: 11", Reason.SIM_PIN),
    ("+CME ERROR: 12", Reason.SIM_PUK),
    ("+CME ERROR: 13", Reason.SIM_MISSING),
    ("+CME ERROR: 30", Reason.NOT_REGISTERED),
    ("+CME ERROR: 32", Reason.NOT_REGISTERED),
    ("ERROR", Reason.DIAL_REJECTED),
    ("CPIN: NOT READY", Reason.SIM_MISSING),
    ("POWERED DOWN", Reason.MODEM_NOT_RESPONDING),
    ("POWER DOWN", Reason.MODEM_NOT_RESPONDING),
)


def reason_of_abort(string: str) -> Reason:
    """Return what a matched ABORT string means.

    >>> reason_of_abort("NO CARRIER")
    <Reason.NO_CARRIER: 'no-carrier'>
    """
    upper = string.upper()
    return next((reason for words, reason in _MEANINGS if words in upper), Reason.DIAL_REJECTED)


def reason_of_exit(status: int, aborts: Sequence[str]) -> Reason:
    """Return the reason of chat's exit status, given the script's ABORT strings in their order.

    >>> reason_of_exit(4, ["BUSY", "NO CARRIER"]), reason_of_exit(3, [])
    (<Reason.NO_CARRIER: 'no-carrier'>, <Reason.CHAT_TIMEOUT: 'chat-timeout'>)
    """
    if status == 0:
        return Reason.NONE
    if 4 <= status < 4 + len(aborts):
        return reason_of_abort(aborts[status - 4])
    return {1: Reason.PPPD_CONFIG, 2: Reason.PROGRAM_KILLED}.get(status, Reason.CHAT_TIMEOUT)


# What ends the scripts that we render. chat's status is 4 + the place in this list, so entries are appended, never
# moved or removed: a script on disk may be older than this module. The first five stand as the guide's script has them.
# Of several that end at the same character the first listed wins, so `+CME ERROR: 30` shows as ERROR. chat holds at
# most 50 of them, 49 characters each.
ABORTS: Final = (
    "BUSY",
    "NO CARRIER",
    "NO DIALTONE",
    "ERROR",
    "NO ANSWER",
    "NO DIAL TONE",  # Huawei, older SIMCom
    "COMMAND NOT SUPPORT",  # Huawei's words for ERROR
    "+CPIN: NOT READY",  # Quectel, when the SIM is pulled
    "POWERED DOWN",  # Quectel
    "POWER DOWN",  # SIMCom's NORMAL POWER DOWN
)


@dataclass(frozen=True, slots=True)
class ChatEnd:
    """How a run of one of our scripts ended; `abort` is the string that ended it, empty where none did."""

    status: int
    reason: Reason
    sentence: str
    abort: str = ""


def status_means(status: int) -> ChatEnd:
    """Return what chat's exit status says about one of our scripts; below zero is minus the signal that killed it.

    >>> status_means(5).abort, status_means(5).reason.value
    ('NO CARRIER', 'no-carrier')
    >>> status_means(3).sentence
    'the modem did not give the expected answer in time'
    """
    place = status - 4
    abort = ABORTS[place] if 0 <= place < len(ABORTS) else ""
    sentences = {
        0: "the script ran to its end",
        1: "chat could not read its script",
        2: "the port failed, or chat was interrupted",
        3: "the modem did not give the expected answer in time",
    }
    if abort:
        sentence = f"the modem answered {abort}"
    elif status < 0:
        sentence = f"chat was killed by signal {-status}"
    else:
        sentence = sentences.get(status, f"chat ended with {status}, which no script of ours has")
    reason = Reason.PROGRAM_KILLED if status < 0 else reason_of_exit(status, ABORTS)
    return ChatEnd(status, reason, sentence, abort)
