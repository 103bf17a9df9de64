"""Sees that a node was closed and opened again, by inotify(7), for which Python has no wrapper of its own."""

import ctypes
import os
import struct
from pathlib import Path

_IN_CLOSE_WRITE, _IN_CLOSE_NOWRITE, _IN_OPEN = 0x08, 0x10, 0x20
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows
_BUFFER = 1 << 16


class Opens:
    """Counts who has the watched nodes open; `descriptor` becomes readable when that may have changed."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._called(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._names: dict[int, str] = {}
        self._open: dict[str, int] = {}
        self._before: set[str] = set()

    def watch(self, name: str) -> None:
        """Count from now on; nobody may have the node open yet.

        Raises:
            OSError: the node is not there.
        """
        mask = _IN_OPEN | _IN_CLOSE_WRITE | _IN_CLOSE_NOWRITE
        watch = self._called(self._libc.inotify_add_watch(self.descriptor, os.fsencode(Path(name)), mask))
        self._names[watch] = name
        self._open[name] = 0

    def unwatch(self, name: str) -> None:
        """Count no longer; harmless for a node that is gone."""
        for watch in [each for each, known in self._names.items() if known == name]:
            self._libc.inotify_rm_watch(self.descriptor, watch)
            del self._names[watch], self._open[name]
        self._before.discard(name)

    def reopened(self) -> list[str]:
        """Return the nodes that were opened again after everybody had let go, since the last call.

        Two equal events that follow each other unread are told as one (inotify(7)), so this may miss a second opener.
        """
        try:
            data = os.read(self.descriptor, _BUFFER)
        except BlockingIOError:
            return []
        again: list[str] = []
        at = 0
        while at < len(data):
            watch, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size + length
            name = self._names.get(watch)
            if name is None:
                continue
            if mask & _IN_OPEN:
                if self._open[name] == 0 and name in self._before:
                    again.append(name)
                self._before.add(name)
                self._open[name] += 1
            elif mask & (_IN_CLOSE_WRITE | _IN_CLOSE_NOWRITE):
                self._open[name] = max(0, self._open[name] - 1)
        return again

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.descriptor)

    @staticmethod
    def _called(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result
