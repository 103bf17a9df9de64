"""The kernel's word that a file changed or went away, so that nothing polls; Python has no call for it."""

import ctypes
import os
import select
import time
from pathlib import Path

# The numbers are those of inotify(7).
MODIFY = 0x2
ATTRIB = 0x4  # also told of a file whose last name was removed
OPEN = 0x20
_CLOEXEC_NONBLOCK = os.O_CLOEXEC | os.O_NONBLOCK


def watch(path: Path, events: int) -> int:
    """Return a descriptor that is readable when one of `events` happened to the file; the caller closes it.

    Raises:
        OSError: there is no such file, or no watch can be had.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.inotify_init1(_CLOEXEC_NONBLOCK)
    if descriptor < 0 or libc.inotify_add_watch(descriptor, os.fsencode(path), events) < 0:
        number = ctypes.get_errno()
        if descriptor >= 0:
            os.close(descriptor)
        raise OSError(number, os.strerror(number), str(path))
    return descriptor


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
