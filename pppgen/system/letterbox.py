"""Where pppd's ip-up hook leaves its word for the bearer: a named pipe that nobody ever blocks on.

The hook opens it for reading and writing, so it neither waits for a reader nor fails without one. What the hook says
comes from root's own pppd and not from a log that the modem's answers stand in too.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from pppgen.resolver import INTERFACE

_TAKEN = 4096
_FIELDS = 5  # pid, interface, local address, two name servers: etc/ppp/ip-up.d/pppgen


@dataclass(frozen=True, slots=True)
class Word:
    """An IPv4 link of our pppd is up."""

    pid: int
    interface: str
    address: str
    dns: tuple[str, ...]


class Letterbox:
    """The pipe, made anew; a context manager. `fileno()` is readable when a word is there."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if not stat.S_ISFIFO(path.lstat().st_mode):
                path.unlink()
        with suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        # For writing too: a pipe whose last writer has gone would be readable for ever.
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._pipe

    def words(self) -> tuple[Word, ...]:
        """Return what was left since the last call; what makes no sense is left out."""
        with suppress(BlockingIOError):
            self._rest += os.read(self._pipe, _TAKEN)
        *lines, self._rest = self._rest.split(b"\n")
        self._rest = self._rest[-_TAKEN:]
        return tuple(word for line in lines for word in _word(line))

    def close(self) -> None:
        """Stop listening; the pipe stays, and loses what is said to it."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1


def _word(line: bytes) -> Iterator[Word]:
    fields = line.decode("ascii", errors="replace").split("\t")
    if len(fields) != _FIELDS or not fields[0].isdecimal() or not INTERFACE.fullmatch(fields[1]):
        return
    with suppress(ValueError):
        address = str(ip_address(fields[2]))
        yield Word(int(fields[0]), fields[1], address, tuple(filter(None, fields[3:])))
