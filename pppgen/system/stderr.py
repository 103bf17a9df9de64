"""Says on standard error what a person may want to know; that nobody listens any more stops nothing.

A journald that was restarted, a full disk behind `2>file`, a terminal that is gone: writing then raises, and a
supervisor must not end of it.
"""

import sys
import traceback
from contextlib import suppress


def complain(text: str) -> None:
    """Say a line; what a program or a file name had in it must not drive a terminal."""
    _write("".join(char if char.isprintable() else "?" for char in text))


def fault() -> None:
    """Say where the exception at hand came from: it is a fault of ours."""
    for line in traceback.format_exc().splitlines():
        complain(line)


def _write(line: str) -> None:
    with suppress(OSError, ValueError):  # ValueError: closed
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
