"""Files below a root, written so that a power cut leaves either the old or the new one, and never through a link.

pppgen runs as root and root executes what it writes, so every directory on the way is opened without following links
and, for root, must be root's own: otherwise its owner could swap the file between our check and our write.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pppgen.errors import NoPermission, PppgenError

# What we replace are configuration files; anything larger is not one, and would go into memory and into a diff.
FILE_MAX = 1 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A regular file as it is or shall be: bytes, permission bits, owner."""

    content: bytes = field(repr=False)
    mode: int
    uid: int
    gid: int


class _Missing(NoPermission):
    """A directory that does not exist."""


class Tree:
    """The files below `root`; paths are given as they will be on the board, absolute and without `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.is_root = os.geteuid() == 0

    def shown(self, path: str) -> str:
        """Return the path as a person finds it on this machine."""
        return str(self.root / path.lstrip("/"))

    def owner_of(self, group: str) -> tuple[int, int]:
        """Return the uid and gid for a file of `group`: root's when we are root, else our own."""
        if not self.is_root:
            return os.geteuid(), os.getegid()
        import grp  # noqa: PLC0415 -- needed once, by root

        try:
            return 0, grp.getgrnam(group).gr_gid
        except KeyError:  # no `dip` on this system: then only root dials
            return 0, 0

    def read(self, path: str) -> Snapshot | None:
        """Return the file, `None` where there is none.

        Raises:
            NoPermission: not readable, not a plain file, or a link stands in the way.
        """
        with self._parent(path) as (directory, name):
            if directory is None:
                return None
            with self._translated(path):
                try:
                    descriptor = os.open(
                        name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory
                    )
                except FileNotFoundError:
                    return None
                with os.fdopen(descriptor, "rb") as file:
                    status = os.fstat(descriptor)
                    if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_MAX:
                        raise NoPermission(
                            f"{self.shown(path)} is not a plain file of at most {FILE_MAX} bytes",
                            hint=f"look at it: ls -l {self.shown(path)}",
                        )
                    return Snapshot(file.read(FILE_MAX), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)

    def stage(self, path: str, wanted: Snapshot) -> None:
        """Write `wanted` beside `path`, complete and on the disk; `commit` puts it in place."""
        with self._parent(path) as (directory, name), self._translated(path):
            if directory is None:
                raise FileNotFoundError(errno.ENOENT, "its directory is missing", path)
            with suppress(FileNotFoundError):  # left by a run that was cut short
                os.unlink(_staged(name), dir_fd=directory)
            descriptor = os.open(
                _staged(name),
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
                dir_fd=directory,
            )
            with os.fdopen(descriptor, "wb") as file:
                file.write(wanted.content)
                file.flush()
                if self.is_root:
                    os.fchown(descriptor, wanted.uid, wanted.gid)
                os.fchmod(descriptor, wanted.mode)
                os.fsync(descriptor)

    def commit(self, path: str) -> None:
        """Put what was staged in the place of `path`, in one step, and wait for the disk."""
        with self._parent(path) as (directory, name), self._translated(path):
            if directory is None:
                raise FileNotFoundError(errno.ENOENT, "its directory is missing", path)
            os.rename(_staged(name), name, src_dir_fd=directory, dst_dir_fd=directory)
            _sync(directory)

    def discard(self, path: str) -> None:
        """Remove what was staged for `path`, if anything."""
        with self._parent(path) as (directory, name), self._translated(path), suppress(FileNotFoundError):
            if directory is not None:
                os.unlink(_staged(name), dir_fd=directory)

    def remove(self, path: str) -> None:
        """Remove the file, if it is there."""
        with self._parent(path) as (directory, name), self._translated(path):
            if directory is None:
                return
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory)
                _sync(directory)

    def missing_directories(self, path: str) -> tuple[str, ...]:
        """Return the directories above `path` that do not exist, the outermost first."""
        above = [str(parent) for parent in reversed(PurePosixPath(path).parents)][1:]
        return tuple(parent for parent in above if not os.path.lexists(self.shown(parent)))

    def make_root(self) -> None:
        """Make the folder below which everything lies, if it is not there."""
        with self._translated("/"):
            self.root.mkdir(parents=True, exist_ok=True)

    def make_directory(self, path: str) -> None:
        """Make one directory, readable for all, owned by whoever we are."""
        self.make_root()
        with self._parent(path) as (directory, name), self._translated(path):
            if directory is None:
                raise FileNotFoundError(errno.ENOENT, "its directory is missing", path)
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=directory)
                with _opened(name, directory) as made:
                    os.fchmod(made, 0o755)  # whatever the umask
                    if self.is_root:
                        os.fchown(made, 0, 0)  # a setgid parent would have given its group
                _sync(directory)

    def remove_directory(self, path: str) -> None:
        """Remove a directory if it is there and empty."""
        with self._parent(path) as (directory, name), self._translated(path):
            if directory is None:
                return
            try:
                os.rmdir(name, dir_fd=directory)
            except OSError as error:
                if error.errno not in {errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST}:
                    raise
            else:
                _sync(directory)

    def same(self, one: Snapshot | None, other: Snapshot | None) -> bool:
        """Whether two files are the same as far as we can tell and set; owners are root's business only."""
        if one is None or other is None or self.is_root:
            return one == other
        return (one.content, one.mode) == (other.content, other.mode)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a second pppgen from writing below the same root; writes nothing itself."""
        if not self.root.exists():
            yield
            return
        with self._translated("/"):
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise NoPermission(
                    f"another pppgen is writing below {self.root}", hint="wait until it has ended, then try again"
                ) from error
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int | None, str]]:
        """Open the directory of `path` step by step; `None` where it does not exist."""
        parts = PurePosixPath(path).parts[1:]
        if not path.startswith("/") or not parts or ".." in parts:
            raise ValueError(path)
        directory = self._open_directory(parts[:-1])
        try:
            yield directory, parts[-1]
        finally:
            if directory is not None:
                os.close(directory)

    def _open_directory(self, parts: tuple[str, ...]) -> int | None:
        walked = ""
        with self._translated("/"):
            try:
                current = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
        for part in parts:
            walked += f"/{part}"
            try:
                with self._translated(walked):
                    following = os.open(part, _DIRECTORY, dir_fd=current)
            except _Missing:
                return None
            finally:
                os.close(current)
            current = following
            try:
                self._check_owner(current, walked)
            except NoPermission:
                os.close(current)
                raise
        return current

    def _check_owner(self, directory: int, path: str) -> None:
        if not self.is_root:
            return
        status = os.fstat(directory)
        others_write = status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and status.st_gid != 0)
        if status.st_uid != 0 or others_write:
            shown = self.shown(path)
            raise NoPermission(
                f"{shown} is not root's alone, and root must not write there: its owner could swap the files",
                hint=f"chown root {shown} && chmod go-w {shown}",
            )

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        """Turn what the kernel says about `path` into an error for people."""
        shown = self.shown(path)
        try:
            yield
        except PppgenError:
            raise
        except FileNotFoundError as error:
            raise _Missing(f"{shown}: {error.strerror}") from error
        except PermissionError as error:
            raise NoPermission(f"{shown}: {error.strerror}", hint="run it with sudo") from error
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                raise NoPermission(
                    f"{shown} is a symbolic link or not a directory; pppgen does not write through links",
                    hint=f"look at it: ls -ld {shown}",
                ) from error
            raise NoPermission(f"{shown}: {error.strerror}", hint=f"look at it: ls -ld {shown}") from error


def _staged(name: str) -> str:
    """Return the temporary name: hidden, and with a dot that makes run-parts, udev and pppd pass it over."""
    return f".{name}.pppgen-new"


@contextmanager
def _opened(name: str, directory: int) -> Iterator[int]:
    descriptor = os.open(name, _DIRECTORY, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sync(directory: int | None) -> None:
    if directory is not None:
        os.fsync(directory)
