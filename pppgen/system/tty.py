"""Opens serial ports and leaves them as they were found; the only importer of pyserial.

A port is locked (uucp.py), its termios saved before pyserial touches them, and restored at the end, exactly: whether
the close drops DTR is then what it was for the last user. DTR is not moved while the port is ours, but by `set_dtr`.
Nothing here decides whether a port may be opened: who holds it is asked before (processes.py).
"""

import errno
import os
import select
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from types import TracebackType
from typing import Any, Self

import serial

from pppgen.errors import ModemSilent, NoPermission, PortBusy, PortGone, PppgenError
from pppgen.system.uucp import Lock, take_lock

SPEED = 115200
"""What a UART HAT starts with; a USB port ignores it."""
READ_MAX = 65536
"""Bytes taken at once: more than a tty's own buffer holds."""
_WRITE_S = 2.0
_HEED_S = 0.5  # a Ctrl-C that comes just before a wait begins is heeded only when that ends: no wait is longer
"""A port that takes no byte for so long has nobody behind it."""


# A pty has no DTR (ENOTTY, EINVAL); a USB interface without modem control stalls the request (EPIPE), as the Linux
# gadget's own serial function does, and as the modems do for which the kernel's `option` driver keeps its NCTRL list.
_WITHOUT_DTR = frozenset({errno.ENOTTY, errno.EINVAL, errno.EPIPE})


class _Port(serial.Serial):
    """pyserial's port, content with a device that has no modem control lines."""

    def _update_dtr_state(self) -> None:
        with _content_without_dtr():
            super()._update_dtr_state()  # type: ignore[misc]  # the stubs leave out what pyserial keeps to itself

    def _update_rts_state(self) -> None:
        with _content_without_dtr():
            super()._update_rts_state()  # type: ignore[misc]  # same


@contextmanager
def _content_without_dtr() -> Iterator[None]:
    try:
        yield
    except OSError as error:  # SerialException is one
        if error.errno not in _WITHOUT_DTR:
            raise


class Tty:
    """An open port, used by one thread; a context manager."""

    def __init__(self, device: str, port: serial.Serial, before: int, found: list[Any], lock: Lock) -> None:
        self._device = device
        self._port = port
        self._before = before
        self._found = found
        self._lock = lock
        self._open = True

    @property
    def name(self) -> str:
        """The device as it was named when it was opened."""
        return self._device

    def fileno(self) -> int:
        """Return the descriptor, for a selector; it never blocks."""
        return self._port.fileno()

    def read(self, timeout_s: float) -> bytes:
        """Return what comes within `timeout_s`, `b""` for nothing; raises PortGone."""
        deadline = monotonic() + timeout_s
        while True:
            left = deadline - monotonic()
            if select.select([self.fileno()], [], [], min(max(0.0, left), _HEED_S))[0]:
                return self.take()
            if left <= _HEED_S:
                return b""

    def take(self) -> bytes:
        """Return what is there, without waiting; raises PortGone at the end of the stream too."""
        try:
            data = os.read(self.fileno(), READ_MAX)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise gone(self._device, error) from error
        if not data:
            raise gone(self._device)
        return data

    def put(self, data: bytes) -> int:
        """Send what the port takes at once and return how much that was; raises PortGone."""
        try:
            return os.write(self.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise gone(self._device, error) from error

    def write(self, data: bytes) -> None:
        """Send all of `data`; raises PortGone, and ModemSilent when the port does not take it."""
        deadline = monotonic() + _WRITE_S
        rest = data
        while rest := rest[self.put(rest) :]:
            if not select.select([], [self.fileno()], [], max(0.0, deadline - monotonic()))[1]:
                raise ModemSilent(f"{self._device} takes no data for {_WRITE_S:g} s", hint="pppgen probe")

    def set_dtr(self, raised: bool) -> None:
        """Raise or drop DTR; a pty has none and takes no offence."""
        try:
            self._port.dtr = raised
        except OSError as error:  # SerialException is one
            raise gone(self._device, error) from error

    def close(self) -> None:
        """Give the port back: termios as found, lock removed. Never raises, and may be called twice."""
        if not self._open:
            return
        self._open = False
        with suppress(OSError, termios.error):
            # What a dead port did not take would make the close wait for up to 30 s (the kernel's closing_wait).
            termios.tcflush(self._before, termios.TCOFLUSH)
            termios.tcsetattr(self._before, termios.TCSANOW, self._found)
        with suppress(OSError):
            self._port.close()
        with suppress(OSError):
            os.close(self._before)
        self._lock.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_tty(device: str, speed: int = SPEED) -> Tty:
    """Return the port, locked, raw, with what it had buffered thrown away.

    Raises:
        PortBusy: a living process has its lock, or has it for itself (TIOCEXCL).
        PortGone: there is no such device, or none behind its node.
        NoPermission: the user may not open it.
    """
    lock = take_lock(device)
    before = -1
    try:
        # Our own descriptor first: pyserial configures at once, and what it found must be known before.
        before = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        found = termios.tcgetattr(before)
        port = _Port(device, speed, timeout=0, write_timeout=0)
    except BaseException as error:  # Ctrl-C as well leaves no lock
        if before >= 0:
            os.close(before)
        lock.leave()
        if isinstance(error, OSError | termios.error):
            raise _refusal(device, error) from error
        raise
    return Tty(device, port, before, found, lock)


def gone(device: str, error: OSError | None = None) -> PortGone:
    """Return the error of a port that vanished: EIO, ENODEV, ENXIO, or the end of its stream."""
    what = os.strerror(error.errno) if error and error.errno else "end of file"
    return PortGone(f"{device} vanished while it was used ({what})", hint="pppgen ports\nsudo dmesg | tail")


def _refusal(device: str, error: OSError | termios.error) -> PppgenError:
    """Translate why a port can't be opened."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    reason = os.strerror(number) if number else str(error)
    if number in {errno.EACCES, errno.EPERM}:
        return NoPermission(f"{device}: {reason}", hint="sudo pppgen probe")
    if number == errno.EBUSY:
        return PortBusy(f"{device} is opened by a process for itself alone", hint="sudo pppgen ports")
    if number == errno.ENOTTY:
        return PortGone(f"{device} is no serial port", hint="pppgen ports")
    return PortGone(f"{device} can't be opened ({reason})", hint="pppgen ports")
