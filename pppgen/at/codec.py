r"""Bytes of a serial port in, answers and unsolicited lines out; nothing here reads a clock or touches a port.

What a modem sends is a stream of lines, ended by CR, LF or any mix of the two (V.250 6.2.1: S3 and S4 may have been
changed, and some firmwares send a bare LF before CONNECT). A command is answered by information lines and one *final
result*. Between any two lines the modem may speak unasked (URC), and before the first one it may echo the command. So
a line that comes while a command is open is, in this order: the echo, once; a final result, which closes the command;
a URC (unasked.py says which); an information line. The call results (NO CARRIER, CONNECT …) are final only for a
command that makes or ends a call: a stale `NO CARRIER` in the buffer must not become the answer of `AT+CSQ`.

The bytes are hostile until proved otherwise: line and answer are bounded, and what is not printable is dropped.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pppgen.at.unasked import is_unasked, makes_call

LINE_MAX = 4096
"""The longest line kept, in bytes: `+COPS=?` beside many networks is about 1.5 kB. A longer one is dropped as noise."""
ANSWER_MAX = 512
"""The most lines of one answer: `AT+CLAC` lists about 300 commands."""


class FinalKind(StrEnum):
    """The final result codes of V.250 5.7.1, TS 27.007 9.2 and TS 27.005 3.2.5."""

    OK = "OK"
    ERROR = "ERROR"
    CME_ERROR = "+CME ERROR"
    CMS_ERROR = "+CMS ERROR"
    NO_CARRIER = "NO CARRIER"
    BUSY = "BUSY"
    NO_ANSWER = "NO ANSWER"
    NO_DIALTONE = "NO DIALTONE"
    CONNECT = "CONNECT"


@dataclass(frozen=True, slots=True)
class Final:
    """How an answer ended; `detail` is the error's number or text, or the speed after CONNECT, and may be empty.

    >>> str(Final(FinalKind.CME_ERROR, "10")), str(Final(FinalKind.OK))
    ('+CME ERROR: 10', 'OK')
    """

    kind: FinalKind
    detail: str = ""

    def __str__(self) -> str:
        """As the modem would say it."""
        if self.kind in {FinalKind.CME_ERROR, FinalKind.CMS_ERROR}:
            return f"{self.kind}: {self.detail}"
        return f"{self.kind} {self.detail}".rstrip()


@dataclass(frozen=True, slots=True)
class Answer:
    """One command's answer: its information lines, cleaned, without echo; what came unasked meanwhile is in `urcs`."""

    command: str
    lines: tuple[str, ...]
    final: Final
    urcs: tuple[str, ...] = ()
    truncated: bool = False

    @property
    def ok(self) -> bool:
        """Whether the modem did what was asked: OK, or CONNECT for a call."""
        return self.final.kind in {FinalKind.OK, FinalKind.CONNECT}


@dataclass(frozen=True, slots=True)
class Urc:
    """A line that came unasked."""

    line: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The modem waits for text (`> `, TS 27.005 3.5.1)."""


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes after CONNECT: the peer's, not the modem's."""

    payload: bytes


Event = Answer | Urc | Prompt | Data

_CALL_KINDS = frozenset(
    {FinalKind.NO_CARRIER, FinalKind.BUSY, FinalKind.NO_ANSWER, FinalKind.NO_DIALTONE, FinalKind.CONNECT}
)
_ERROR_WITH_DETAIL = re.compile(r"(\+CM[ES] ERROR) ?:? ?(.*)", re.IGNORECASE)
_LINE_END = re.compile(rb"[\r\n]")
_CONNECT = re.compile(r"CONNECT(?: (\S.*))?$")
# Huawei's firmwares say these in place of ERROR.
_SPOKEN_ERRORS = frozenset({"COMMAND NOT SUPPORT", "TOO MANY PARAMETERS"})
_PLAIN = {str(kind): kind for kind in FinalKind} | {"NO DIAL TONE": FinalKind.NO_DIALTONE}


def final_of(line: str) -> Final | None:
    """Return the final result that `line` is, or nothing.

    >>> final_of("+CME ERROR: "), final_of("CONNECT 150000000"), final_of("OKAY")
    (Final(kind=<FinalKind.CME_ERROR: '+CME ERROR'>, detail=''), \
Final(kind=<FinalKind.CONNECT: 'CONNECT'>, detail='150000000'), None)
    """
    if with_detail := _ERROR_WITH_DETAIL.fullmatch(line):
        return Final(FinalKind(with_detail[1].upper()), with_detail[2].strip())
    if connect := _CONNECT.fullmatch(line):
        return Final(FinalKind.CONNECT, connect[1] or "")
    if line in _SPOKEN_ERRORS:
        return Final(FinalKind.ERROR, line)
    return Final(_PLAIN[line]) if line in _PLAIN else None


def text_of(raw: bytes) -> str:
    r"""Return a line as text, without what is not printable: NULs, escapes, bytes that are not UTF-8.

    >>> text_of(b"\x00\xff+CSQ: 22,99\x1b"), text_of("+COPS: 0,0,\"T\u00e9l\u00e9\",7".encode())
    ('+CSQ: 22,99', '+COPS: 0,0,"Télé",7')
    """
    decoded = raw.decode("utf-8", "replace")
    return "".join(char for char in decoded if char.isprintable() and char != "\ufffd").strip()


class Codec:
    """The state of one AT conversation; at most one command is open at a time."""

    def __init__(self) -> None:
        self._tail = b""
        self._flooded = False
        self._data_mode = False
        self._skip_lf = False
        self._command = ""
        self._open = False
        self._echo_seen = False
        self._truncated = False
        self._lines: list[str] = []
        self._urcs: list[str] = []

    @property
    def waiting(self) -> bool:
        """Whether a command is open."""
        return self._open

    @property
    def lines(self) -> tuple[str, ...]:
        """The information lines of the open command so far: all there is when a firmware never says OK."""
        return tuple(self._lines)

    def ask(self, command: str) -> bytes:
        """Open `command` and return what is to be sent; what was open before is forgotten."""
        self._command, self._open = command, True
        self._echo_seen = self._truncated = False
        self._lines, self._urcs = [], []
        return command.encode("ascii", "backslashreplace") + b"\r"

    def give_up(self) -> None:
        """Forget the open command: what it may still answer comes as `Urc`."""
        self._open = False

    def leave_data_mode(self) -> None:
        """Read lines again: `+++` was answered, or the call ended."""
        self._data_mode = self._skip_lf = False
        self._tail = b""

    def feed(self, data: bytes) -> list[Event]:
        """Return what `data` completes; the same events wherever the stream is cut (but for where `Data` is cut)."""
        events: list[Event] = []
        rest = data
        while rest:
            if self._data_mode:
                events.extend(self._payload(rest))
                break
            end = _LINE_END.search(rest)
            events.extend(self._grow(rest[: end.start()] if end else rest))
            if end:
                events.extend(self._end_line(end[0]))
            rest = rest[end.end() :] if end else b""
        return events

    def _payload(self, data: bytes) -> Iterator[Data]:
        if self._skip_lf:
            data, self._skip_lf = data.removeprefix(b"\n"), False
        if data:
            yield Data(data)

    def _grow(self, piece: bytes) -> Iterator[Prompt]:
        """Add `piece` to the unfinished line; a prompt has no line end, so it is seen here."""
        if self._flooded:
            return
        self._tail += piece.replace(b"\0", b"")
        while self._open and self._tail.startswith(b"> "):
            self._tail = self._tail[2:]
            yield Prompt()
        if len(self._tail) > LINE_MAX:
            self._tail, self._flooded = b"", True

    def _end_line(self, end: bytes) -> Iterator[Answer | Urc]:
        raw, self._tail = self._tail, b""
        was_flood, self._flooded = self._flooded, False
        line = text_of(raw)
        if was_flood or not line:
            return
        if not self._open:
            yield Urc(line)
        elif self._is_echo(line):
            self._echo_seen = True
        elif final := self._final_of(line):
            self._open = False
            self._data_mode = final.kind is FinalKind.CONNECT
            self._skip_lf = self._data_mode and end == b"\r"
            yield Answer(self._command, tuple(self._lines), final, tuple(self._urcs), self._truncated)
        else:
            self._keep(line)

    def _is_echo(self, line: str) -> bool:
        """The command itself, once, perhaps behind noise that is no part of any answer."""
        if self._echo_seen or not line.endswith(self._command):
            return False
        return not any(char.isalnum() for char in line.removesuffix(self._command))

    def _final_of(self, line: str) -> Final | None:
        final = final_of(line)
        if final and final.kind in _CALL_KINDS and not makes_call(self._command):
            return None
        return final

    def _keep(self, line: str) -> None:
        unasked = is_unasked(line, self._command) or final_of(line) is not None
        kept = self._urcs if unasked else self._lines
        if len(kept) < ANSWER_MAX:
            kept.append(line)
        else:
            self._truncated = True
