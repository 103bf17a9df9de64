"""The journal: /var/lib/pppgen/journal.jsonl, one line for each report, request and decision, bounded on the disk.

Only decisions wait for the disk. A journal that cannot be written (a full card, a read-only system) never stops the
link: it says so once, on standard error, and tries again with the next line.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from pppgen.errors import NoPermission, PppgenError
from pppgen.policy.chronicle import Entry, Kind, Moment, dump, load, of_decision, of_report
from pppgen.policy.state import Decided, State
from pppgen.reports import BearerFailed, BearerNeedsRepair, BearerReport
from pppgen.system.files import Tree
from pppgen.system.stderr import complain

PATH = "/var/lib/pppgen/journal.jsonl"
ROTATE_AT = 1 << 20
"""Bytes; one older file is kept beside it, so the two never hold more than about 2 MiB: months of an ordinary link."""
_LINE_MAX = 65536  # the longest honest line (12 lines of evidence in UTF-8) is a fourth of it
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def older(path: str) -> str:
    """Return where the lines go that were rotated away."""
    return f"{path}.1"


class Journal:
    """Writes entries; one owner. `moment` reads the clocks."""

    def __init__(self, tree: Tree, moment: Callable[[], Moment], path: str = PATH) -> None:
        self._tree = tree
        self._path = path
        self._moment = moment
        self._descriptor: int | None = None
        self._complained = False

    def write(self, entry: Entry) -> None:
        """Append one line; a decision is on the disk when this returns."""
        try:
            descriptor = self._open()
            _append(descriptor, dump(entry).encode())
            if entry.kind in {Kind.DECISION, Kind.RUN}:
                os.fdatasync(descriptor)
            if os.fstat(descriptor).st_size > ROTATE_AT:
                self._rotate()
        except (OSError, PppgenError) as error:
            self.close()
            if not self._complained:
                complain(f"pppgen: {self._tree.shown(self._path)} cannot be written: {error}")
            self._complained = True
        else:
            self._complained = False

    def _open(self) -> int:
        if self._descriptor is None:
            for directory in self._tree.missing_directories(self._path):
                self._tree.make_directory(directory)
            path = self._tree.shown(self._path)
            self._descriptor = os.open(path, _FLAGS, 0o640)
            if self._tree.is_root:
                os.fchown(self._descriptor, *self._tree.owner_of("netdev"))
            size = os.fstat(self._descriptor).st_size
            # A line that a power cut tore must not swallow the next one.
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                os.write(self._descriptor, b"\n")
        return self._descriptor

    def _rotate(self) -> None:
        self.close()
        path = self._tree.shown(self._path)
        Path(path).replace(older(path))

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _append(descriptor: int, line: bytes) -> None:
    if os.write(descriptor, line) < len(line):
        # The disk took a part. Closing has the next opening end the line, so that it swallows no other.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Chronicler:
    """The witness that turns reports and decisions into entries and hands them to `takers`, each in its turn."""

    def __init__(self, moment: Callable[[], Moment], *takers: Callable[[Entry], None]) -> None:
        self._moment = moment
        self._takers = takers
        self._cause: Entry | None = None
        self._step: tuple[object, ...] = ()

    def reported(self, report: BearerReport, now: float) -> None:  # noqa: ARG002 -- the entry reads all its clocks
        """Tell the takers of a bearer's report; the same step with the same words only once."""
        entry = of_report(report, self._moment())
        if entry is None:
            return
        if isinstance(report, BearerFailed | BearerNeedsRepair):
            self._cause = entry
        said = (entry.kind, entry.dial, entry.step, entry.text)
        if entry.kind is Kind.STEP and said == self._step:
            return
        self._step = said
        self.tell(entry)

    def decided(self, decision: Decided, state: State, now: float) -> None:  # noqa: ARG002 -- see above
        """Tell the takers of a decision, with the step and the evidence of the failure that led to it."""
        cause = self._cause if self._cause and self._cause.dial == decision.dial else None
        self.tell(of_decision(decision, self._moment(), cause))

    def tell(self, entry: Entry) -> None:
        """Hand an entry to the takers."""
        for take in self._takers:
            take(entry)


def read(tree: Tree, path: str = PATH) -> Iterator[Entry]:
    """Return the entries, oldest first; lines that are torn, foreign or of a later version's kind are passed over.

    Raises:
        NoPermission: the file is there and may not be read.
    """
    for name in (older(path), path):
        try:
            with Path(tree.shown(name)).open("rb") as file:
                yield from _entries(file)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise NoPermission(f"{tree.shown(name)}: {error.strerror}", hint="run it with sudo") from error


def _entries(file: IO[bytes]) -> Iterator[Entry]:
    while line := file.readline(_LINE_MAX):
        with suppress(ValueError):
            yield load(line)
