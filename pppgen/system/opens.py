"""Sees that a node was opened, or closed and opened again, by inotify(7)."""

import os
import select
import struct
import weakref
from contextlib import suppress
from pathlib import Path

from pppgen.system import inotify

_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows
_BUFFER = 1 << 16


class Opens:
    """Counts who has the watched nodes open; `descriptor` becomes readable when that may have changed."""

    def __init__(self) -> None:
        self.descriptor = inotify.begin()
        self._names: dict[int, str] = {}
        self._open: dict[str, int] = {}
        self._before: set[str] = set()

    def watch(self, name: str) -> None:
        """Count from now on; nobody may have the node open yet.

        Raises:
            OSError: the node is not there.
        """
        watch = inotify.add(self.descriptor, Path(name), inotify.OPEN | inotify.CLOSE)
        self._names[watch] = name
        self._open[name] = 0

    def unwatch(self, name: str) -> None:
        """Count no longer; harmless for a node that is gone."""
        for watch in [each for each, known in self._names.items() if known == name]:
            inotify.drop(self.descriptor, watch)
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
            if mask & inotify.OPEN:
                if self._open[name] == 0 and name in self._before:
                    again.append(name)
                self._before.add(name)
                self._open[name] += 1
            elif mask & inotify.CLOSE:
                self._open[name] = max(0, self._open[name] - 1)
        return again

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.descriptor)


class Unopened:
    """Knows whether anybody has opened a node since it was watched; whoever had it open before is not seen.

    Its descriptor is kept from node to node: to close one, the kernel waits for milliseconds.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._watch: int | None = None

    def watch(self, node: str) -> None:
        """Watch this node from now on, and no other.

        Raises:
            OSError: the node is not there, or no watch can be had.
        """
        if self._descriptor is None:
            self._descriptor = inotify.begin()
            weakref.finalize(self, os.close, self._descriptor)
        if self._watch is not None:
            inotify.drop(self._descriptor, self._watch)
            self._watch = None
        with suppress(BlockingIOError):
            os.read(self._descriptor, _BUFFER)
        self._watch = inotify.add(self._descriptor, Path(node), inotify.OPEN)

    def still(self) -> bool:
        """Return whether nobody has."""
        if self._descriptor is None or self._watch is None:
            return False
        return not select.select([self._descriptor], [], [], 0)[0]
