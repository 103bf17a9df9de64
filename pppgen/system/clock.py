"""The machine's clocks. Decisions use CLOCK_BOOTTIME, which never jumps and counts suspended time."""

import ctypes
import time
from pathlib import Path

from pppgen.policy.governor import Clock

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5  # adjtimex(2): the kernel knows of nobody who set the clock
_TIMEX_BYTES = 256  # struct timex is 208 bytes on 64-bit and less on 32-bit; zeroed, its `modes` only asks


def boottime() -> float:
    """Return seconds since boot, suspended time included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def reading() -> Clock:
    """Return all clocks at once, to be written down beside times of this boot."""
    return Clock(_BOOT_ID.read_text().strip(), boottime(), time.time(), trusted=_is_synchronised())


def _is_synchronised() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    state: int = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return 0 <= state < _TIME_ERROR
