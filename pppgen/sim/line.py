"""A port of the simulated modem seen from inside: a pty's master side.

Watched edge-triggered: a pty whose other side nobody has open is hung up all the time, and would wake a level-triggered
loop all the time. Keeping the other side open ourselves would cure that, but then /proc shows the modem as the holder
of its own port, and the host's close, which is how a pty tells that DTR fell, would never be seen.
"""

import os
import select
import tty

CHUNK = 4096
READ_BOUND = 1 << 16  # a pty's own buffer
UNSENT_BOUND = 1 << 20  # what waits while the host does not read; a modem's own buffers are smaller
EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLHUP | select.EPOLLET


class Line:
    """The master side of a pty; `name` is what the host opens."""

    def __init__(self, descriptor: int, name: str) -> None:
        self.descriptor, self.name = descriptor, name
        self._unsent = bytearray()
        os.set_blocking(descriptor, False)

    @classmethod
    def pty(cls) -> "Line":
        """Return the master side of a new pty whose slave is raw and closed."""
        master, slave = os.openpty()
        try:
            tty.setraw(slave)
            return cls(master, os.ttyname(slave))
        finally:
            os.close(slave)

    def read(self) -> tuple[bytes, bool]:
        """Return what came, `READ_BOUND` bytes or more if there may be yet more, and whether the host has closed."""
        got = bytearray()
        while len(got) < READ_BOUND:
            try:
                data = os.read(self.descriptor, CHUNK)
            except BlockingIOError:
                return bytes(got), False
            except OSError:  # EIO: no slave is open
                return bytes(got), True
            if not data:
                return bytes(got), True
            got += data
        return bytes(got), False

    @property
    def host_is_there(self) -> bool:
        """Whether anybody has the other side open."""
        poller = select.poll()
        poller.register(self.descriptor, 0)
        return not any(flags & (select.POLLHUP | select.POLLERR) for _, flags in poller.poll(0))

    def write(self, data: bytes) -> None:
        """Send to the host; lost where nobody has the port open, as a modem's words are."""
        if not self.host_is_there:
            self._unsent.clear()
            return
        if len(self._unsent) + len(data) <= UNSENT_BOUND:
            self._unsent += data
        self.flush()

    def flush(self) -> None:
        """Send what the host had no room for."""
        while self._unsent:
            try:
                sent = os.write(self.descriptor, self._unsent[:CHUNK])
            except BlockingIOError:
                return
            except OSError:
                self._unsent.clear()
                return
            del self._unsent[:sent]

    def close(self) -> None:
        """Let go: whoever has the other side open reads a hang-up."""
        os.close(self.descriptor)
