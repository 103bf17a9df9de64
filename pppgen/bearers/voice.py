"""The program that stands for a call: it stays, what it writes is heard line by line, and its end ends the call."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pppgen.bearers.ears import Ears
from pppgen.system.follow import Follower, new_log
from pppgen.system.spawn import Child, Exit, Mark, spawn


class Voice:
    """One such program; its log outlives us, so the next supervisor hears what was said while nobody listened."""

    def __init__(self, ears: Ears, heard: Callable[[Sequence[str]], None], over: Callable[[Exit], None]) -> None:
        self._ears, self._heard, self._over = ears, heard, over
        self._child: Child | None = None
        self._follower: Follower | None = None

    @property
    def child(self) -> Child | None:
        """The program, where there is one."""
        return self._child

    def start(self, argv: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Mark:
        """Start it, its words in the file `log`.

        Raises:
            MissingProgram, NoPermission: it cannot be run.
        """
        words = new_log(log)
        try:
            follower = Follower(log)
            try:
                self._child = spawn(argv, words, environment)
            except BaseException:
                follower.close()
                raise
        finally:
            os.close(words)
        self._listen(self._child, follower)
        return self._child.mark

    def adopt(self, child: Child, log: Path) -> None:
        """Take over one that an earlier supervisor started, and hear all that it said."""
        self._child = child
        self._listen(child, Follower(log))
        self.hear()

    def hear(self) -> None:
        """Hear what it has written since."""
        if self._follower is not None:
            self._heard(self._follower.lines())

    def last_words(self, seconds: float) -> None:
        """Wait for its end, at most that long, and hear what it said until then."""
        if self._child is not None:
            self._child.wait(seconds)
        self.hear()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is there."""
        if self._child is not None:
            self._child.signal(number)

    def end(self, term_s: float) -> tuple[str, ...]:
        """End it; name it where it does not end. A second call changes nothing."""
        self._close()
        child, self._child = self._child, None
        if child is None:
            return ()
        self._ears.forget(child)
        with child:
            return () if child.end(term_s) is not None else (f"process {child.mark.pid} does not end",)

    def let_go(self) -> None:
        """Stop listening and leave it."""
        self._close()
        if self._child is not None:
            self._child.close()

    def _listen(self, child: Child, follower: Follower) -> None:
        self._follower = follower
        self._ears.listen(follower, self.hear)
        self._ears.listen(child, self._ended)

    def _ended(self) -> None:
        self.hear()
        ended = self._child.poll() if self._child is not None else None
        self._over(ended or Exit())

    def _close(self) -> None:
        if self._follower is not None:
            self._ears.forget(self._follower)
            self._follower.close()
            self._follower = None
