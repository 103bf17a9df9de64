"""Asks a modem over a link and waits for the answer; it opens nothing and reads no clock of its own.

One question at a time. After a question that was not answered in time, its late answer may still come: the next ask
first brings the two back into step, so that an old `OK` never becomes the answer of a new command.
"""

from collections.abc import Callable
from typing import Protocol

from pppgen.at.codec import Answer, Codec, Prompt, Urc
from pppgen.errors import BadValue, ModemSilent

COMMAND_MAX = 1024
"""The longest command line sent; modems take 256 to 2048 characters (V.250 leaves it open)."""
ANSWER_S = 5.0
"""How long an ordinary command may take; `+COPS=?` and calls need their own."""
ESCAPE = b"\x1b"
"""Ends the modem's wait for a text without sending any (TS 27.005 3.5.1): a client asks, it writes no messages."""
_STEP_S = 0.3
"""Quiet for this long after `AT` was answered means that nothing old is still to come."""
_DRAIN_ROUNDS = 64
"""Reads that empty the buffer before a question; a port that never falls quiet is asked anyway."""


class Link(Protocol):
    """A port that is open; system/tty.py has the real one."""

    @property
    def name(self) -> str:
        """The device's name, for messages."""
        ...

    def write(self, data: bytes) -> None:
        """Send `data`; raises PortGone."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """Return what comes within `timeout_s`, `b""` for nothing; raises PortGone."""
        ...

    def close(self) -> None:
        """Give the port back as it was found."""
        ...


class Ask(Protocol):
    """What reads a modem's values needs of a client."""

    def __call__(self, command: str, timeout_s: float = ANSWER_S) -> Answer:
        """Return the modem's answer; raises ModemSilent, PortGone."""
        ...


def checked_command(command: str) -> str:
    r"""Return `command` if it is one AT command line that can be sent.

    Raises:
        BadValue: it does not start with AT, is too long, or holds a CR, LF, NUL, Ctrl-Z, escape or non-ASCII.

    >>> checked_command("AT+CSQ")
    'AT+CSQ'
    >>> checked_command("AT\rATD*99#")
    Traceback (most recent call last):
    ...
    pppgen.errors.BadValue: refused 'AT\rATD*99#': an AT command is printable ASCII on one line
    """
    shown = repr(command[:60])
    if not (command.isascii() and command.isprintable()):
        raise BadValue(f"refused {shown}: an AT command is printable ASCII on one line", hint="pppgen at 'AT+CSQ'")
    if command[:2].upper() != "AT":
        raise BadValue(f"refused {shown}: an AT command starts with AT", hint="pppgen at 'AT+CSQ'")
    if len(command) > COMMAND_MAX:
        raise BadValue(f"refused {shown}…: {len(command)} characters, a modem takes {COMMAND_MAX}", hint="shorten it")
    return command


class Client:
    """One conversation over one link; `urcs` keeps what came unasked, newest last, at most 100."""

    def __init__(self, link: Link, clock: Callable[[], float]) -> None:
        self._link = link
        self._clock = clock
        self._codec = Codec()
        self._behind = 0
        self.urcs: tuple[str, ...] = ()

    def ask(self, command: str, timeout_s: float = ANSWER_S) -> Answer:
        """Return the modem's answer to `command`, an error result included.

        Raises:
            BadValue: the command is none, or would be more than one.
            ModemSilent: no final result within `timeout_s`, or more lines than any answer has.
            PortGone: the port vanished.
        """
        checked_command(command)
        deadline = self._clock() + timeout_s
        self._drain()
        if self._behind:
            self._fall_into_step(deadline)
        self._link.write(self._codec.ask(command))
        answer = self._wait(deadline)
        if answer is None:
            self._behind += 1
            partial = self._codec.lines
            self._codec.give_up()
            said = f"only {' | '.join(partial)[:200]!r} and no OK" if partial else "nothing"
            raise ModemSilent(
                f"{self._link.name}: {command} was answered by {said} within {timeout_s:g} s",
                hint=f"pppgen probe\npppgen at '{command}' --timeout {max(10, round(timeout_s * 3))}",
            )
        if answer.truncated:
            raise ModemSilent(f"{self._link.name}: the answer to {command} does not end", hint="pppgen probe")
        return answer

    def _wait(self, deadline: float) -> Answer | None:
        """Read until an answer is complete; at least once, so that a deadline of zero sees what is there."""
        while True:
            remaining = max(0.0, deadline - self._clock())
            answers = self._feed(self._link.read(remaining))
            if answers:
                return answers[0]
            if self._clock() >= deadline:
                return None

    def _feed(self, data: bytes) -> list[Answer]:
        events = self._codec.feed(data)
        if any(isinstance(event, Prompt) for event in events):
            self._link.write(ESCAPE)
        heard = tuple(event.line for event in events if isinstance(event, Urc))
        self.urcs = (self.urcs + heard)[-100:]
        return [event for event in events if isinstance(event, Answer)]

    def _drain(self) -> None:
        """Take what lies in the buffer: it answers nothing that is about to be asked."""
        for _ in range(_DRAIN_ROUNDS):
            if not (data := self._link.read(0)):
                return
            self._feed(data)

    def _fall_into_step(self, deadline: float) -> None:
        """Ask `AT` and let everything old come in: one final for each question that is behind, or quiet."""
        self._link.write(self._codec.ask("AT"))
        heard_ok = False
        expected = self._behind + 1
        while expected and (remaining := deadline - self._clock()) > 0:
            data = self._link.read(min(remaining, _STEP_S) if heard_ok else remaining)
            if not data and heard_ok:
                break
            for _ in self._feed(data):
                heard_ok = True
                expected -= 1
                self._codec.ask("AT")
        self._codec.give_up()
        if heard_ok:
            self._behind = 0
