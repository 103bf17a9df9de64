"""Takes and leaves the UUCP lock of a port: what pppd, minicom and pppgen all respect (FHS 5.9, `LCK..ttyUSB2`).

The lock carries the *real* node's name: one under a link's name is looked at by nobody else. It appears whole, by a
hard link to a finished file, so that no other program ever reads an empty one and takes it for stale.
"""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pppgen.errors import PortBusy
from pppgen.system.processes import LOCK_FOLDERS, alive, lock_pid

_FRESH_S = 5.0
_ATTEMPTS = 3
"""Takes of a lock that turns out to be stale each time; more means that somebody else is at it."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that is ours until `leave`; `path` is `None` where the system has no folder for locks."""

    path: Path | None

    def leave(self) -> None:
        """Remove the lock, if it is still ours."""
        if self.path and _pid_in(self.path) == os.getpid():
            with suppress(OSError):
                self.path.unlink()


def lock_path(device: str, folder: Path) -> Path:
    """Return the file that locks `device`, named as pppd does: the path below /dev/ with `_` for `/`."""
    real = os.path.realpath(device)
    return folder / f"LCK..{real.removeprefix('/dev/').replace('/', '_')}"


def take_lock(device: str, folders: Iterable[Path] = LOCK_FOLDERS) -> Lock:
    """Return the lock of the port behind `device`, which keeps pppd and minicom off it.

    Where there is no folder for locks, or no right to write there, nobody else's program locks either (pppd itself then
    refuses to start), so the port is used without one.

    Raises:
        PortBusy: a living process has it, or another pppgen took it in this very moment.
    """
    folder = next((folder for folder in folders if folder.is_dir() and os.access(folder, os.W_OK)), None)
    if folder is None:
        return Lock(None)
    path = lock_path(device, folder)
    draft = folder / f"LTMP..{os.getpid()}.{os.urandom(4).hex()}"
    try:
        _write_draft(draft)
        for _ in range(_ATTEMPTS):
            with suppress(FileExistsError):
                os.link(draft, path)
                return Lock(path)
            remove_if_stale(path, device)
    except PermissionError as error:
        raise PortBusy(f"{device}: the lock {path} belongs to another user", hint="sudo pppgen ports") from error
    except OSError:
        return Lock(None)  # a full or read-only /run/lock locks nobody out
    finally:
        draft.unlink(missing_ok=True)
    raise PortBusy(f"{device}: {path} comes back as soon as it is removed", hint="pppgen ports")


def _write_draft(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 -- opened above, and only if it was absent
        os.fchmod(descriptor, 0o644)  # whatever the umask: minicom asks it as an ordinary user
        file.write(f"{os.getpid():>10}\n")


def remove_if_stale(path: Path, device: str) -> None:
    """Remove the lock of a dead process; put back one that a living process has made meanwhile.

    Raises:
        PortBusy: its process lives, or somebody is just making it.
    """
    pid = _pid_in(path)
    if pid and alive(pid):
        raise PortBusy(f"{device} is locked by process {pid} ({path})", hint="pppgen ports")
    if pid is None and _is_fresh(path):
        raise PortBusy(f"{device} is being locked by somebody right now ({path})", hint="pppgen ports")
    aside = path.with_name(f"LTMP..{os.getpid()}.{path.name}")
    with suppress(FileNotFoundError):
        path.rename(aside)
        if (pid := _pid_in(aside)) and alive(pid):
            with suppress(FileExistsError):
                os.link(aside, path)
        aside.unlink()


def _is_fresh(path: Path) -> bool:
    """Whether an empty lock was made just now: pppd 2.4.9 makes the file first and writes its pid then."""
    with suppress(FileNotFoundError):
        found = path.lstat()
        return found.st_size == 0 and abs(time.time() - found.st_mtime) < _FRESH_S  # the clock may have jumped back
    return False


def _pid_in(path: Path) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(descriptor, "rb") as file:  # noqa: PTH123 -- opened above, without following a planted link
        return lock_pid(file.read(64))
