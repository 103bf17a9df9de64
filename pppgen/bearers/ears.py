"""Who listens to what in one bearer's thread, and the short programs that it runs while it goes on listening."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pppgen.bearers.waiter import HasFileno, Waiter
from pppgen.system.clock import boottime
from pppgen.system.follow import LINE_BOUND, new_log
from pppgen.system.spawn import OUTPUT_BOUND, Exit, spawn

_END_S = 0.5  # a short program that heeds TERM needs no longer


if TYPE_CHECKING:
    from selectors import SelectorKey


@dataclass(frozen=True, slots=True)
class Said:
    """What a short program said; `status` is `None` when it was ended at its deadline, negative for a signal."""

    status: int | None
    lines: tuple[str, ...]


class Ears:
    """Each descriptor with what to do when it is readable; the rest goes to `others`, letters to `letters`."""

    def __init__(self, waiter: Waiter) -> None:
        self._waiter = waiter
        self._ears: dict[HasFileno, Callable[[], None]] = {}
        self.others: Callable[[SelectorKey], None] = lambda _: None
        self.letters: Callable[[object], None] = lambda _: None

    def listen(self, thing: HasFileno, heard: Callable[[], None]) -> None:
        """Call `heard` whenever `thing` is readable."""
        self._waiter.watch(thing)
        self._ears[thing] = heard

    def forget(self, thing: HasFileno) -> None:
        """Stop listening; before it is closed. A second call changes nothing."""
        if self._ears.pop(thing, None) is not None:
            with suppress(KeyError):
                self._waiter.forget(thing)

    def wait(self, until: float | None) -> None:
        """Wait until something happens or the time has come, and let everybody hear.

        Raises:
            StopAsked, LeaveAsked: as the waiter does; and whatever an ear raises.
        """
        woken = self._waiter.wait(until)
        for key in woken.keys:
            ear = self._ears.get(key.fileobj) if not isinstance(key.fileobj, int) else None
            if ear is not None:
                ear()
            elif key.fileobj not in self._ears:
                self.others(key)
        for letter in woken.letters:
            self.letters(letter)

    def run(self, argv: Sequence[str], log: Path, seconds: float) -> Said:
        """Run a short program to its end, its words in the file `log`; at the deadline, or when asked to stop, end it.

        Raises:
            MissingProgram, NoPermission: it cannot be run; and whatever `wait` raises.
        """
        words = new_log(log)
        try:
            child = spawn(argv, words)
        finally:
            os.close(words)
        with child:
            deadline = boottime() + seconds
            ended: Exit | None = None
            self.listen(child, lambda: None)
            try:
                while (ended := child.poll()) is None and boottime() < deadline:
                    self.wait(deadline)
            finally:
                self.forget(child)
                if child.poll() is None:
                    child.end(_END_S)
        return Said(_status(ended), read_words(log))


def _status(ended: Exit | None) -> int | None:
    if ended is None:
        return None
    return ended.status if ended.signal is None else -ended.signal


def read_words(log: Path) -> tuple[str, ...]:
    """Return the lines of a short program's log, as much of it as any honest one has."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return tuple(line[:LINE_BOUND] for line in file.read(OUTPUT_BOUND).splitlines())
    except OSError:
        return ()
