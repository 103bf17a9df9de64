"""Who holds a port, and what runs: one pass over /proc for all ports, and the UUCP lock files.

A holder is found by the descriptor's device number, not by its name: the same port has a node, a by-path link, and in
a container perhaps another node. `psutil.open_files` leaves character devices out, so the links are read here and
psutil only names their owner. Nothing here opens a port.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pppgen.facts import Claim, Grip, Process, StaleLock, Usage
from pppgen.model import Holder

LOCK_FOLDERS = (Path("/run/lock"), Path("/var/lock"))

# A lock file holds a pid, and with minicom a program and a user behind it; nobody needs more than this of it.
_LOCK_BYTES = 64
# A command line is judged by its first words; 4 KiB is what old kernels gave.
_CMDLINE_BYTES = 4096
_WORDS = 16
_WORD_CHARS = 256

# The device numbers of Unix98 pty slaves (Documentation/admin-guide/devices.txt): each mount of devpts counts anew,
# so two containers' /dev/pts/0 are told apart by the mount they lie on.
_PTY_MAJORS = range(136, 144)

_Key = tuple[int, int]


def clean(text: str, limit: int = _WORD_CHARS) -> str:
    r"""Return `text` bounded and without control characters: a process may call itself anything.

    >>> clean("Modem\x1b[2JManager")
    'Modem?[2JManager'
    """
    return "".join(char if char.isprintable() else "?" for char in text[:limit])


def _key(found: os.stat_result) -> _Key | None:
    if not stat.S_ISCHR(found.st_mode):
        return None
    return found.st_rdev, found.st_dev if os.major(found.st_rdev) in _PTY_MAJORS else 0


def _keys(devices: Iterable[str]) -> dict[_Key, list[str]]:
    """Return the devices by what they resolve to; an absent one has no number."""
    keys: dict[_Key, list[str]] = {}
    for device in devices:
        with suppress(OSError):
            key = _key(Path(device).stat())
            if key is not None:
                keys.setdefault(key, []).append(device)
    return keys


def _name(pid: int, kernel_name: str) -> str:
    """Return the name of a process: psutil knows the whole one where the kernel cuts it at 15 characters."""
    import psutil  # noqa: PLC0415 -- only loaded when something is held

    with suppress(psutil.Error, OSError):
        return clean(psutil.Process(pid).name())
    return kernel_name or "?"


def _process(folder: Path) -> Process:
    with (folder / "comm").open("rb") as comm, (folder / "cmdline").open("rb") as cmdline:
        name = comm.read(_LOCK_BYTES).decode(errors="replace").removesuffix("\n")
        words = cmdline.read(_CMDLINE_BYTES).decode(errors="replace").rstrip("\0").split("\0")[:_WORDS]
    return Process(int(folder.name), clean(name), tuple(clean(word) for word in words if word))


def _descriptors(folder: str, keys: Mapping[_Key, list[str]]) -> Iterator[tuple[str, str]]:
    """Yield (device, evidence) for each wanted port that a process has open.

    Only links that name something under a dev/ are followed: the stat of a file on a dead network mount hangs.
    """
    for number in os.listdir(f"{folder}/fd"):  # noqa: PTH208 -- a Path for each of thousands costs too much
        path = f"{folder}/fd/{number}"
        with suppress(OSError):  # closed between the listing and the look
            if "/dev/" not in os.readlink(path):  # noqa: PTH115 -- same
                continue
            key = _key(os.stat(path))  # noqa: PTH116 -- same
            for device in keys.get(key, ()) if key else ():
                yield device, path


def alive(pid: int) -> bool:
    """Return whether the process exists, also one that hidepid hides."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.EPERM
    return True


def lock_pid(content: bytes) -> int | None:
    r"""Return the pid of a UUCP lock file: ten digits as text (pppd, minicom) or four bytes (kermit); else `None`.

    >>> lock_pid(b"       812\n"), lock_pid(b"00812 minicom pi\n"), lock_pid((812).to_bytes(4, "little")), lock_pid(b"")
    (812, 812, 812, None)
    """
    if len(content) == 4 and not content.strip().isdigit():  # a C int, as kermit writes it
        pid = int.from_bytes(content, sys.byteorder, signed=True)
    else:
        first = content.split(maxsplit=1)[:1]
        if not first or not first[0].isdigit():
            return None
        pid = int(first[0])
    return pid if 0 < pid <= 2**31 - 1 else None


def lock_names(path: str) -> frozenset[str]:
    """Return the names under which programs lock a path: pppd and minicom write `/` as `_`, others take the last part.

    >>> sorted(lock_names("/dev/pts/5")), sorted(lock_names("/dev/ttyUSB2"))
    (['LCK..5', 'LCK..pts_5'], ['LCK..ttyUSB2'])
    """
    below = path.partition("/dev/")[2] or path
    return frozenset({f"LCK..{below.replace('/', '_')}", f"LCK..{below.rpartition('/')[2]}"})


def _is_free_or(real: Path, path: Path) -> bool:
    """Return whether a path names nothing on the running system, or the port itself."""
    return not os.path.lexists(path) or path.resolve() == real


def _lock_owners(names: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Return which devices each lock name is about, judged by the real path.

    `LCK..ttyUSB2` is about the running system's own ttyUSB2 where there is one, not about a port below a sysroot; the
    same goes for a by-path name.
    """
    owners: dict[str, set[str]] = {}
    for device, known in names.items():
        real = Path(device).resolve()
        ours = [path for path in (device, *known, str(real)) if _is_free_or(real, Path(path))]
        for lock in {lock for path in ours for lock in lock_names(path)}:
            if _is_free_or(real, Path("/dev", lock.removeprefix("LCK.."))):
                owners.setdefault(lock, set()).add(device)
    return owners


def _read_lock(path: Path) -> bytes:
    """Return the start of a lock file, without following a link that somebody planted in a folder open to all."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _LOCK_BYTES)
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class _Look:
    """What one look gathers before it becomes a `Usage`."""

    claims: list[Claim] = field(default_factory=list)
    stale: list[StaleLock] = field(default_factory=list)
    processes: dict[int, Process] = field(default_factory=dict)
    # A mount with hidepid hides even the folders that could not be read, so only root sees all.
    complete: bool = field(default_factory=lambda: os.geteuid() == 0)

    def at_processes(self, proc: Path, keys: Mapping[_Key, list[str]]) -> None:
        """Note every process, and those that have one of the ports open."""
        for entry in os.scandir(proc):
            if not entry.name.isdigit():
                continue
            try:
                process = _process(Path(entry.path))
                self.processes[process.pid] = process
                for device, evidence in _descriptors(entry.path, keys) if keys else ():
                    self._claim(device, process.pid, Grip.DESCRIPTOR, evidence)
            except PermissionError:
                self.complete = False
            except OSError:
                continue  # ended while it was looked at

    def at_holders(self, proc: Path, keys: Mapping[_Key, list[str]]) -> None:
        """Note those that have one of the ports open, and read nothing else of any process."""
        for name in os.listdir(proc) if keys else ():  # noqa: PTH208 -- as below it
            if not name.isdigit():
                continue
            folder = f"{proc}/{name}"
            try:
                for device, evidence in _descriptors(folder, keys):
                    self.processes[int(name)] = _process(Path(folder))
                    self._claim(device, int(name), Grip.DESCRIPTOR, evidence)
            except PermissionError:
                self.complete = False
            except OSError:
                continue  # ended while it was looked at

    def at_locks(self, folders: Iterable[Path], names: Mapping[str, Iterable[str]]) -> None:
        """Note every lock on a port, each file once: /var/lock is a link to /run/lock."""
        locks = sorted({path for folder in folders for path in self._locks_in(folder.resolve())})
        # Mostly there is none, and whose each would be takes longer to find out than who holds a port.
        owners = _lock_owners(names) if locks else {}
        for path in locks:
            if path.name not in owners:
                continue
            try:
                pid = lock_pid(_read_lock(path))
            except FileNotFoundError:
                continue
            except OSError:
                self.complete = False
                continue
            for device in sorted(owners[path.name]):
                if pid is not None and alive(pid):
                    self._claim(device, pid, Grip.LOCK, str(path))
                else:
                    self.stale.append(StaleLock(device, str(path), pid or 0))

    def _locks_in(self, folder: Path) -> list[Path]:
        try:
            return [folder / name for name in os.listdir(folder) if name.startswith("LCK..")]  # noqa: PTH208 -- as above
        except FileNotFoundError:
            return []
        except OSError:
            self.complete = False
            return []

    def usage(self) -> Usage:
        """Return what was noted, in order."""
        claims = sorted(self.claims, key=lambda claim: (claim.device, claim.grip, claim.holder.pid))
        return Usage(tuple(claims), tuple(self.stale), tuple(self.processes.values()), self.complete)

    def _claim(self, device: str, pid: int, grip: Grip, evidence: str) -> None:
        if pid != os.getpid():
            known = self.processes.get(pid)
            holder = Holder(pid, _name(pid, known.name if known else ""))
            self.claims.append(Claim(device, holder, grip, evidence))


def read_usage(
    names: Mapping[str, Iterable[str]],
    *,
    proc: Path = Path("/proc"),
    lock_folders: Iterable[Path] = LOCK_FOLDERS,
) -> Usage:
    """Return who holds the ports, and what runs; this process itself is never a holder.

    `names` maps each device to the other paths it goes by: a lock is named after the path that its program was given.
    """
    look = _Look()
    look.at_processes(proc, _keys(names))
    look.at_locks(lock_folders, names)
    return look.usage()


def read_holders(
    names: Mapping[str, Iterable[str]],
    *,
    opened: bool = True,
    proc: Path = Path("/proc"),
    lock_folders: Iterable[Path] = LOCK_FOLDERS,
) -> Usage:
    """Return who holds the ports, as `read_usage` does, and not what else runs: before a dial only that counts.

    Without `opened` only the lock files are looked at, for who knows otherwise that nobody has a port open.
    """
    look = _Look()
    if opened:
        look.at_holders(proc, _keys(names))
    look.at_locks(lock_folders, names)
    return look.usage()
