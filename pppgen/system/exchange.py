"""Holds many interviews at once in one thread: opens the ports, waits in one selector, keeps each port's deadline.

Likely ports come first, and the others are opened between two looks at the selector: with 64 ports on the board the
right one is still named in the time its modem takes.
"""

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from time import monotonic
from typing import Protocol

from pppgen.errors import NoPermission, PortBusy, PortGone
from pppgen.interview import Dtr, Effect, Interview, Send
from pppgen.model import PortRole
from pppgen.probe import Outcome, Probe
from pppgen.system.tty import open_tty

_BATCH = 4
"""Ports opened before the selector is looked at again; a modem has about as many."""


class OpenPort(Protocol):
    """What a conversation needs of a port: `Tty`, or a test's."""

    def fileno(self) -> int:
        """Return the descriptor, for the selector."""
        ...

    def take(self) -> bytes:
        """Return what is there; raises PortGone."""
        ...

    def put(self, data: bytes) -> int:
        """Send what the port takes at once, return how much; raises PortGone."""
        ...

    def set_dtr(self, raised: bool) -> None:
        """Raise or drop DTR; raises PortGone."""
        ...

    def close(self) -> None:
        """Leave the port as it was found."""
        ...


class _Conversation:
    """An interview, its open port, what the port has not taken yet, and whether its DTR is up."""

    def __init__(self, interview: Interview, tty: OpenPort) -> None:
        self.interview = interview
        self.tty = tty
        self.unsent = b""
        self.dtr = True

    def close(self) -> None:
        """Leave the port as it was found, also in the middle of a recovery."""
        if not self.dtr:
            with suppress(PortGone):
                self.tty.set_dtr(True)
        self.tty.close()


class _Exchange:
    def __init__(self, probe: Probe, opened: Callable[[str], OpenPort]) -> None:
        self.probe = probe
        self.opened = opened
        self.selector = DefaultSelector()
        self.conversations: list[_Conversation] = []
        held = {candidate.port.device: candidate.port.holder for candidate in probe.candidates}
        self.forbidden: list[NoPermission] = []
        self.unopened = deque((interview, held[interview.device]) for interview in probe.interviews)

    def run(self) -> None:
        while not self.probe.enough(now := monotonic()):
            self._open_some(now)
            self._expire(monotonic())
            self.probe.settle()
            wake_at = self.probe.wake_at(monotonic())
            wait_s = 0.0 if self.unopened else None if wake_at is None else max(0.0, wake_at - monotonic())
            for key, mask in self.selector.select(wait_s):
                self._ready(key.data, mask)

    def close(self) -> None:
        self.selector.close()
        for conversation in self.conversations:
            conversation.close()

    def _open_some(self, now: float) -> None:
        for _ in range(min(_BATCH, len(self.unopened))):
            interview, holder = self.unopened.popleft()
            if holder is not None:
                interview.refused(PortRole.BUSY, f"held by {holder.name} ({holder.pid})", now, holder)
                continue
            try:
                tty = self.opened(interview.device)
            except PortBusy as error:
                interview.refused(PortRole.BUSY, error.message, now)
            except PortGone as error:
                interview.refused(PortRole.GONE, error.message, now)
            except NoPermission as error:
                interview.refused(PortRole.UNPROBED, error.message, now)
                self.forbidden.append(error)
            else:
                conversation = _Conversation(interview, tty)
                self.conversations.append(conversation)
                self.selector.register(tty, EVENT_READ, conversation)
                self._carry_out(conversation, interview.begin(monotonic()))

    def _expire(self, now: float) -> None:
        for conversation in self.conversations:
            deadline = conversation.interview.deadline
            if deadline is not None and deadline <= now:
                self._carry_out(conversation, conversation.interview.expired(now))

    def _ready(self, conversation: _Conversation, mask: int) -> None:
        if not mask & EVENT_READ:
            self._carry_out(conversation, ())
            return
        try:
            data = conversation.tty.take()
        except PortGone as error:
            self._lost(conversation, error)
        else:
            self._carry_out(conversation, conversation.interview.received(data, monotonic()))

    def _carry_out(self, conversation: _Conversation, effects: Iterable[Effect]) -> None:
        """Do what the interview said, as far as the port takes it now; listen no more to one that is over."""
        try:
            for effect in effects:
                match effect:
                    case Send(data):
                        conversation.unsent += data
                    case Dtr(raised):
                        conversation.dtr = raised
                        conversation.tty.set_dtr(raised)
            if conversation.unsent:
                conversation.unsent = conversation.unsent[conversation.tty.put(conversation.unsent) :]
        except PortGone as error:
            self._lost(conversation, error)
            return
        if conversation.interview.over:
            self.selector.unregister(conversation.tty)
            return
        wanted = EVENT_READ | (EVENT_WRITE if conversation.unsent else 0)
        if self.selector.get_key(conversation.tty).events != wanted:
            self.selector.modify(conversation.tty, wanted, conversation)

    def _lost(self, conversation: _Conversation, error: PortGone) -> None:
        conversation.interview.refused(PortRole.GONE, error.message, monotonic())
        self.selector.unregister(conversation.tty)


def carry_out(probe: Probe, opened: Callable[[str], OpenPort] = open_tty) -> Outcome:
    """Return what the probe came to know; every port is left as it was found, whatever happens.

    Raises:
        NoPermission: no port at all could be opened, for lack of the right to.
    """
    exchange = _Exchange(probe, opened)
    try:
        exchange.run()
        if exchange.forbidden and not exchange.conversations:
            raise exchange.forbidden[0]
        return probe.outcome()
    finally:
        exchange.close()
