r"""The questions that one port is asked, to learn what it is: a state machine, bytes and times in, effects out; pure.

    GREET      `AT` is sent; OK leads on. A port that sends PPP frames instead is in data mode, left so by a crash.
    IDENTIFY   `ATI`, and `AT+CGMM` when that says nothing. Only a port that also names its modem is an AT port: a
               console, a loopback or a bootloader may well say OK.
    DTR_LOW    a port in data mode: DTR is dropped, which hangs up under the default `&D2` (V.250 6.3.5) …
    REGREET    … and raised again, `AT` is sent
    GUARD      still nothing: silence for the guard time (S12, 1 s), `+++`,
    ESCAPE     silence again; OK or NO CARRIER leads on
    HANG_UP    `ATH`: nobody holds the port, so the call is an orphan. Then IDENTIFY as above.

What is sent changes no setting: no `ATZ`, no `AT&F`, no `ATE`. Recovery is only for a port that nobody holds, and only
where an AT port is expected or PPP frames were seen.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from pppgen.at.codec import Answer, Codec, Event, FinalKind, Urc
from pppgen.model import ExpectedRole, Holder, PortRole

PATIENCE_S = 3.0
"""How long one question may stay open; a modem that pages or searches answers within 2 s."""
AGAIN_S = 1.5
"""`AT` is sent once more then: the first bytes after power-up or to an auto-bauding UART may be lost."""
NMEA_S = 1.2
"""A port that spoke NMEA and has not said OK by then is the GNSS port: sentences come each second."""
DTR_LOW_S = 0.5
"""Longer than S25's default, 50 ms."""
REGREET_S = 1.0
"""How long `AT` may take after a DTR drop; it is part of the silence before `+++`."""
ESCAPE_S = 0.5
"""How long after the guard time a modem may take to say OK to `+++`."""
GUARD_S = 1.1
"""Longer than the guard time of `+++`, S12's default 1 s, on both sides."""
_REFUSALS = 3
"""`ERROR` to so many `AT` in a row: what lay in the modem's line buffer is long flushed."""
_SAID_MAX = 32
"""Identification lines kept; SIMCom's ATI has 7."""

_NMEA = re.compile(rb"[$!](?:G[A-Z]|BD|QZ|AI|P[A-Z])[A-Z0-9]{2,4},")
_NMEA_LINE = re.compile(r"[$!](?:G[A-Z]|BD|QZ|AI|P[A-Z])[A-Z0-9]{2,4},")
_PPP = re.compile(rb"\x7e?\xff(?:\x03|\x7d\x23)[\xc0\x80]|\x7e(?:\xc0\x21|\x80\x21)")
"""The start of an LCP or IPCP frame, address and control field plain, escaped or compressed (RFC 1662 3.1)."""
_WINDOW = 16
"""Bytes kept of the last read: a frame's start and a sentence's name may be cut anywhere."""
_LIKELY = frozenset({ExpectedRole.AT, ExpectedRole.DIAL, ExpectedRole.AT_DIAL})


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes to the port."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Dtr:
    """Raise or drop the port's DTR line."""

    raised: bool


Effect = Send | Dtr


@dataclass(frozen=True, slots=True)
class Seen:
    """What a port was seen to be; `said` are its identification lines, `answer_s` how long it took to answer `AT`."""

    device: str
    role: PortRole
    said: tuple[str, ...] = ()
    note: str = ""
    answer_s: float | None = None
    recovered: bool = False
    holder: Holder | None = None


class Stage(Enum):
    """Where the interview stands."""

    UNASKED = auto()
    GREET = auto()
    IDENTIFY = auto()
    MODEL = auto()
    DTR_LOW = auto()
    REGREET = auto()
    GUARD = auto()
    ESCAPE = auto()
    HANG_UP = auto()
    OVER = auto()


class Interview:
    """One port's questions; `deadline` is when `expired` is to be called, `seen` the verdict once it is over."""

    def __init__(self, device: str, expected: ExpectedRole = ExpectedRole.UNKNOWN, *, recover: bool = True) -> None:
        self.device = device
        self.expected = expected
        self.seen = Seen(device, PortRole.UNPROBED)
        self.ended_at: float | None = None
        self.deadline: float | None = None
        self._recover = recover
        self._stage = Stage.UNASKED
        self._codec = Codec()
        self._window = b""
        self._asked_at = 0.0
        self._answer_s: float | None = None
        self._repeats = 0
        self._refused = 0
        self._nmea = self._ppp = self._echo = self._recovered = False
        self._heard: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        """Whether there is nothing more to ask."""
        return self._stage is Stage.OVER

    @property
    def asked(self) -> bool:
        """Whether anything was sent."""
        return self._stage is not Stage.UNASKED

    def begin(self, now: float) -> list[Effect]:
        """Send the first `AT`."""
        return self._greet(now)

    def refused(self, role: PortRole, note: str, now: float, holder: Holder | None = None) -> None:
        """End: the port was held or gone, nothing was sent; or it vanished while it was asked."""
        self._end(role, now, note, holder=holder)

    def received(self, data: bytes, now: float) -> list[Effect]:
        """Return what to do about bytes from the port."""
        around = self._window + data
        self._window = around[-_WINDOW:]
        self._nmea = self._nmea or bool(_NMEA.search(around))
        self._ppp = self._ppp or bool(_PPP.search(around))
        self._echo = self._echo or b"AT\r" in around
        effects: list[Effect] = []
        for event in self._codec.feed(data):
            effects += self._take(event, now)
        if self._stage is Stage.GREET and self._ppp:
            effects += self._bring_back(now)
        elif self._stage is Stage.GREET and self._nmea and self.expected not in _LIKELY:
            self.deadline = min(self.deadline or now, self._asked_at + NMEA_S)
        return effects

    def expired(self, now: float) -> list[Effect]:
        """Return what to do when `deadline` has passed."""
        match self._stage:
            case Stage.GREET if not self._repeats and not self._nmea:
                self._repeats = 1
                self.deadline = self._asked_at + PATIENCE_S
                return [Send(self._codec.ask("AT"))]
            case Stage.GREET:
                return self._unanswered(now)
            case Stage.IDENTIFY:
                return self._name(self._codec.lines, "ATI is not ended by OK", now)
            case Stage.MODEL:
                return self._name(self._codec.lines, "", now)
            case Stage.DTR_LOW:
                return [Dtr(raised=True), *self._question("AT", Stage.REGREET, now, REGREET_S)]
            case Stage.REGREET:
                self._codec.give_up()
                self._stage, self.deadline = Stage.GUARD, now + GUARD_S - REGREET_S
            case Stage.GUARD:
                self._stage, self.deadline = Stage.ESCAPE, now + GUARD_S + ESCAPE_S
                return [Send(b"+++")]
            case Stage.ESCAPE | Stage.HANG_UP:
                self._stuck(now)
            case Stage.UNASKED | Stage.OVER:
                self.deadline = None
        return []

    def hurry(self, within_s: float) -> None:
        """Wait no longer than `within_s` after the first `AT`: another port of the modem has answered."""
        if self._stage is Stage.GREET and self.deadline is not None:
            self._repeats = max(self._repeats, 1)
            self.deadline = min(self.deadline, self._asked_at + within_s)

    def _greet(self, now: float) -> list[Effect]:
        self._asked_at = now
        return self._question("AT", Stage.GREET, now, AGAIN_S)

    def _question(self, command: str, stage: Stage, now: float, within_s: float) -> list[Effect]:
        self._stage, self.deadline = stage, now + within_s
        return [Send(self._codec.ask(command))]

    def _take(self, event: Event, now: float) -> list[Effect]:
        match event:
            case Answer():
                return self._answered(event, now)
            case Urc(line) if self._stage is Stage.ESCAPE and line in {"OK", "NO CARRIER"}:
                self._recovered = True
                return self._question("ATH", Stage.HANG_UP, now, PATIENCE_S)
            case Urc(line) if len(self._heard) < _SAID_MAX:
                self._heard += (line,)
        return []

    def _answered(self, answer: Answer, now: float) -> list[Effect]:
        match self._stage:
            case Stage.GREET | Stage.REGREET if answer.ok:
                self._recovered = self._recovered or (self._stage is Stage.REGREET and self._ppp)
                self._answer_s = now - self._asked_at
                return self._question("ATI", Stage.IDENTIFY, now, PATIENCE_S)
            case Stage.GREET if self._refused < _REFUSALS:
                self._refused += 1
                return [Send(self._codec.ask("AT"))]
            case Stage.HANG_UP:
                return self._question("ATI", Stage.IDENTIFY, now, PATIENCE_S)
            case Stage.IDENTIFY | Stage.MODEL if self._repeats and answer.ok and not answer.lines:
                # The answer to the second `AT`, come late: what is asked now is still to be answered.
                self._repeats = 0
                self._codec.ask(answer.command)
                return []
            case Stage.IDENTIFY | Stage.MODEL:
                lines = answer.lines if answer.final.kind is FinalKind.OK else ()
                return self._name(lines, "", now)
            case _:
                return []

    def _name(self, lines: tuple[str, ...], note: str, now: float) -> list[Effect]:
        """End as an AT port if the modem named itself; ask the other way otherwise."""
        said = tuple(line for line in lines if not _NMEA_LINE.match(line))[:_SAID_MAX]
        if said:
            back = "was left in data mode and was brought back" if self._recovered else ""
            self._end(PortRole.AT, now, "; ".join(text for text in (back, note) if text), said)
            return []
        if self._stage is Stage.IDENTIFY:
            return self._question("AT+CGMM", Stage.MODEL, now, PATIENCE_S)
        self._end(PortRole.SILENT, now, "says OK to AT but does not name a modem")
        return []

    def _unanswered(self, now: float) -> list[Effect]:
        heard = self._codec.lines + self._heard
        self._codec.give_up()
        if self._nmea:
            self._end(PortRole.NMEA, now)
        elif self.expected in _LIKELY and not self._refused:
            return self._bring_back(now)
        elif self._echo:
            self._end(PortRole.SILENT, now, "sends back what it gets: a console or a loopback")
        else:
            self._end(PortRole.SILENT, now, f"says {heard[0][:60]!r}" if heard else "")
        return []

    def _bring_back(self, now: float) -> list[Effect]:
        """Start to bring a port back from data mode, if that is wanted."""
        self._codec.give_up()
        if not self._recover:
            self._end(PortRole.DATA if self._ppp else PortRole.SILENT, now)
            return []
        self._stage, self.deadline = Stage.DTR_LOW, now + DTR_LOW_S
        return [Dtr(raised=False)]

    def _stuck(self, now: float) -> None:
        if self._ppp:
            self._end(PortRole.DATA, now, "sends PPP frames and can't be brought back: reset the modem")
        else:
            self._end(PortRole.SILENT, now, "does not answer, not even after a DTR drop and +++")

    def _end(
        self, role: PortRole, now: float, note: str = "", said: tuple[str, ...] = (), holder: Holder | None = None
    ) -> None:
        self._stage, self.deadline, self.ended_at = Stage.OVER, None, now
        self.seen = Seen(self.device, role, said, note, self._answer_s, self._recovered, holder)
