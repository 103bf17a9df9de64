"""Follows the log file of a running program, line by line, as it is written.

A file and not a pipe: the program outlives us, and a pipe without a reader would end it. inotify tells of new words, so
nothing polls; pexpect's descriptor reader cuts them into lines.
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pexpect
from pexpect.fdpexpect import fdspawn

from pppgen.system import inotify

# No line that a reader knows is longer; a program gone mad must not fill the memory with one.
LINE_BOUND = 4096
# A log on a board lies in memory (/run). pppd with `debug` writes about 300 kB a day for its echoes.
LOG_BOUND = 2_000_000
_EVENTS = 4096
_NO_MORE = 2  # the place of TIMEOUT among the patterns


if TYPE_CHECKING:
    _Descriptor = fdspawn[bytes]
else:
    _Descriptor = fdspawn  # generic for the type checker only


class _File(_Descriptor):
    """pexpect's reader of a descriptor, for a file: its end means "no more so far", where pexpect would call it EOF."""

    def read_nonblocking(self, size: int = 1, timeout: float | None = None) -> bytes:  # noqa: ARG002 -- never blocks
        """Return what was written since, at most `size` bytes; raise pexpect's TIMEOUT when there is nothing."""
        data = os.read(self.child_fd, size)
        if not data:
            raise pexpect.TIMEOUT("the end of the log so far")
        return data


class Follower:
    """The lines of a growing file. `fileno()` is readable when something was written; then `lines()`."""

    _PATTERNS = (re.compile(rb"\r*\n"), re.compile(rb"[^\n]{%d}" % LINE_BOUND), pexpect.TIMEOUT)

    def __init__(self, path: Path, *, from_end: bool = False) -> None:
        # The watch before the opening, which it tells of: so what was written before us makes `fileno()` readable too.
        self._notify = inotify.watch(path, inotify.MODIFY | inotify.OPEN)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            os.close(self._notify)
            raise
        if from_end:
            os.lseek(descriptor, 0, os.SEEK_END)
        self._file = _File(descriptor, maxread=_EVENTS)
        self._file.delayafterread = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the file grows."""
        return self._notify

    def lines(self) -> list[str]:
        """Return the lines that were completed since the last call, without their ends, each at most `LINE_BOUND`."""
        with suppress(BlockingIOError):
            os.read(self._notify, _EVENTS)
        found: list[str] = []
        while (which := self._file.expect_list(list(self._PATTERNS), timeout=None)) != _NO_MORE:
            piece = self._file.before if which == 0 else self._file.after
            found.append(_text(piece))
        self._trim()
        return found

    def rest(self) -> str:
        """Return a last line that has no end, once the program is gone."""
        return _text(self._file.buffer)

    def _trim(self) -> None:
        """Empty a file that has grown too long, now that it is read; its writers append, so they go on at its start."""
        descriptor = self._file.child_fd
        if os.lseek(descriptor, 0, os.SEEK_CUR) > LOG_BOUND:
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)

    def close(self) -> None:
        """Let go of both descriptors; a second call changes nothing."""
        if self._notify >= 0:
            os.close(self._notify)
            self._notify = -1
            self._file.close()


def _text(piece: object) -> str:
    """Return what pexpect cut out, as text."""
    return piece.decode("utf-8", errors="replace") if isinstance(piece, bytes) else ""


def new_log(path: Path) -> int:
    """Return a descriptor to append to a fresh log; what a link or an older run left under that name goes away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    # EXCL and NOFOLLOW: in a folder that others may write, root must not be led to a file of theirs.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, 0o640)
