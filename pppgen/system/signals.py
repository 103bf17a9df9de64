"""Hears signals in a thread of its own.

Python runs a handler when its main thread next runs Python code. A signal that comes just before that thread waits in
a queue wakes nobody: the handler runs when something else does, perhaps never. What the C handler writes to the wakeup
descriptor is read by a thread, whatever the main thread does.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress


class Signals:
    """Calls `take` with the number of each signal that came, in a thread of its own; made in the main thread.

    Whoever is in a hurry asks twice: after the first one Ctrl-C ends the process at once.
    """

    def __init__(self, numbers: Iterable[signal.Signals], take: Callable[[signal.Signals], None]) -> None:
        self._numbers, self._take = frozenset(numbers), take
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._writes, False)
        self._before = signal.set_wakeup_fd(self._writes, warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, _second_ctrl_c_ends) for number in sorted(self._numbers)}
        threading.Thread(target=self._hear, name="signals", daemon=True).start()

    def close(self) -> None:
        """Put back what was there before; in the main thread."""
        signal.set_wakeup_fd(self._before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._writes)  # its reader sees the end, and closes the other side

    def _hear(self) -> None:
        with open(self._reads, "rb", buffering=0) as came:  # noqa: PTH123 -- a descriptor
            while numbers := came.read(64):
                for number in numbers:
                    with suppress(ValueError):  # a signal that Python has no name for
                        if (one := signal.Signals(number)) in self._numbers:
                            self._take(one)


def _second_ctrl_c_ends(*_: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
