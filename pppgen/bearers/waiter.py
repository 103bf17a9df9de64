"""How a bearer's one thread waits: on descriptors, on letters from other threads, on a deadline; never by polling."""

import os
import queue
import selectors
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self


class Wish(Enum):
    """What the supervisor may ask of a start under way."""

    STOP = "stop"
    LEAVE = "leave"


class StopAsked(Exception):
    """The start shall end."""


class LeaveAsked(Exception):
    """The thread shall end and the link stay."""


class HasFileno(Protocol):
    """Something with a descriptor."""

    def fileno(self) -> int:
        """Return the descriptor."""
        ...


@dataclass(frozen=True, slots=True)
class Woken:
    """What ended a wait: keys that are ready, letters that came; both empty at the deadline."""

    keys: tuple[selectors.SelectorKey, ...]
    letters: tuple[object, ...]


class Waiter:
    """A selector and a letter box; made by one thread, waited on by one thread, written to by any."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._box: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self._bell, selectors.EVENT_READ)
        self.heeds_stop = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.selector.close()
        with self._lock:
            os.close(self._bell)
            self._bell = -1

    def send(self, letter: object) -> None:
        """Put a letter in the box; after the thread has gone nobody reads it."""
        self._box.put(letter)
        # The lock: a number that was closed meanwhile could be somebody else's descriptor already.
        with self._lock:
            if self._bell >= 0:
                os.eventfd_write(self._bell, 1)

    def watch(self, thing: HasFileno) -> None:
        """Wake when `thing` is readable."""
        self.selector.register(thing, selectors.EVENT_READ)

    def forget(self, thing: HasFileno) -> None:
        """Wake no more for `thing`; before it is closed."""
        self.selector.unregister(thing)

    def wait(self, until: float | None) -> Woken:
        """Wait until something happens or the time has come.

        Raises:
            StopAsked: the supervisor wants the start to end; once, and not while `heeds_stop` is off.
            LeaveAsked: likewise, for the thread alone.
        """
        seconds = None if until is None else max(0.0, until - self._clock())
        ready = [key for key, _ in self.selector.select(seconds)]
        letters = self._letters()
        if Wish.LEAVE in letters:
            raise LeaveAsked
        if Wish.STOP in letters and self.heeds_stop:
            raise StopAsked
        return Woken(tuple(key for key in ready if key.fd != self._bell), tuple(letters))

    def _letters(self) -> list[object]:
        try:
            os.eventfd_read(self._bell)
        except BlockingIOError:
            return []
        found = []
        while not self._box.empty():
            found.append(self._box.get_nowait())
        return found
