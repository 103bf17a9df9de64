"""Signal, registration and bytes over time: /var/lib/pppgen/samples.jsonl, beside the journal so as not to crowd it.

A sample that is lost costs nothing, so nothing here waits for the disk, and a file that cannot be written is passed
over: the journal complains of the same disk.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pppgen.errors import NoPermission, PppgenError
from pppgen.policy.chronicle import Moment
from pppgen.policy.sample import Sample, dump, is_news, load, of_radio
from pppgen.policy.state import Decided, State
from pppgen.reports import BearerReport, RadioSeen
from pppgen.system.files import Tree
from pppgen.system.link import counters

PATH = "/var/lib/pppgen/samples.jsonl"
ROTATE_AT = 1 << 19
"""Bytes; one older file is kept beside it: the two hold two to four weeks."""
_LINE_MAX = 4096
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Samples:
    """A witness that writes what the radio said, with the counters of the interface that carries the link."""

    def __init__(self, tree: Tree, moment: Callable[[], Moment], path: str = PATH) -> None:
        self._tree, self._moment, self._path = tree, moment, path
        self._last: Sample | None = None
        self._interface = ""

    def reported(self, report: BearerReport, now: float) -> None:  # noqa: ARG002 -- the sample reads all its clocks
        """Write a sample when the radio was heard and it is news."""
        if not isinstance(report, RadioSeen):
            return
        sample = of_radio(report, self._moment())
        if not is_news(sample, self._last):
            return
        self._last = sample
        counted = counters(self._interface) if self._interface else None
        if counted is not None:
            sample = replace(sample, received=counted.rx_bytes, sent=counted.tx_bytes)
        with suppress(OSError, PppgenError):
            self._write(dump(sample))

    def decided(self, decision: Decided, state: State, now: float) -> None:  # noqa: ARG002 -- a witness's form
        """Remember which interface carries the link."""
        lease = getattr(state.phase, "lease", None)
        self._interface = lease.interface if lease is not None else ""

    def _write(self, line: str) -> None:
        path = Path(self._tree.shown(self._path))
        for directory in self._tree.missing_directories(self._path):
            self._tree.make_directory(directory)
        descriptor = os.open(path, _FLAGS, 0o640)
        try:
            if self._tree.is_root:
                os.fchown(descriptor, *self._tree.owner_of("netdev"))
            os.write(descriptor, line.encode())
            full = os.fstat(descriptor).st_size > ROTATE_AT
        finally:
            os.close(descriptor)
        if full:
            path.replace(f"{path}.1")


def read(tree: Tree, path: str = PATH) -> Iterator[Sample]:
    """Return the samples, oldest first; lines that are torn are passed over.

    Raises:
        NoPermission: the file is there and may not be read.
    """
    for name in (f"{path}.1", path):
        try:
            with Path(tree.shown(name)).open("rb") as file:
                while line := file.readline(_LINE_MAX):
                    with suppress(ValueError):
                        yield load(line)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise NoPermission(f"{tree.shown(name)}: {error.strerror}", hint="run it with sudo") from error
