"""The kernel's word that a file changed or went away, so that nothing polls; Python has no call for it."""

import ctypes
import os
import select
import time
from functools import cache
from pathlib import Path

# The numbers are those of inotify(7).
MODIFY = 0x2
CLOSE = 0x8 | 0x10  # who wrote, and who only read
ATTRIB = 0x4  # also told of a file whose last name was removed
OPEN = 0x20
_CLOEXEC_NONBLOCK = os.O_CLOEXEC | os.O_NONBLOCK


def begin() -> int:
    """Return a descriptor without a watch; the caller closes it. Raises OSError."""
    return _called(_libc().inotify_init1(_CLOEXEC_NONBLOCK))


def add(descriptor: int, path: Path, events: int) -> int:
    """Watch one more file and return the number by which its events go.

    Raises:
        OSError: there is no such file, or no watch can be had.
    """
    return _called(_libc().inotify_add_watch(descriptor, os.fsencode(path), events), path)


def drop(descriptor: int, number: int) -> None:
    """Watch a file no longer; harmless for one that is gone."""
    _libc().inotify_rm_watch(descriptor, number)


def watch(path: Path, events: int) -> int:
    """Return a descriptor that is readable when one of `events` happened to the file; raises as `add`."""
    descriptor = begin()
    try:
        add(descriptor, path, events)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _called(result: int, path: Path | None = None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), *([str(path)] if path else []))
    return result


def is_gone_within(path: Path, seconds: float) -> bool:
    """Return whether a file has been removed, waiting at most so long for it."""
    deadline = time.monotonic() + seconds
    try:
        descriptor = watch(path, ATTRIB)
    except OSError:
        return not path.exists()
    try:
        while path.exists():
            if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return False
            os.read(descriptor, 4096)
    finally:
        os.close(descriptor)
    return True
