"""The operator behind `pppgen sim`: a real pppd on a pty of its own, where the kernel has PPP and we are root.

The pty between it and the modem is what lets `+++`, a freeze and a hang-up work. It shares the machine's /etc/ppp, so
it asks for no password, and the machine's network, so it carries no traffic: the lab's operator does both.
"""

import os
import shutil
import signal
import tty
from dataclasses import dataclass
from pathlib import Path

from pppgen.sim.modem import Dialled
from pppgen.system.spawn import SAFE_PATH, Child, spawn

OPTIONS = (
    "nodetach local nocrtscts nolock noauth nodefaultroute asyncmap 0 lcp-echo-interval 0 noccp novj noipv6 "
    "ipparam pppgen-sim nosendip 10.64.64.64:100.64.12.89 ms-dns 8.8.8.8 ms-dns 8.8.4.4"
)


def why_held(device: Path = Path("/dev/ppp")) -> str:
    """Return why no operator can answer here, in words for the summary; empty when one can."""
    if os.geteuid() != 0:
        return "only root may run the operator's pppd"
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError:
        return "this kernel has no PPP"
    if shutil.which("pppd", path=SAFE_PATH) is None:
        return "pppd is not installed"
    return ""


@dataclass(slots=True)
class _Call:
    master: int
    slave: int  # kept open: before pppd has it, and after, the master would read EIO
    child: Child


class Operator:
    """Serves each call with a pppd of its own (`Network`)."""

    def __init__(self, log: Path, program: str = "pppd") -> None:
        self._log, self._program = log, program
        self._calls: dict[int, _Call] = {}

    def dialled(self, call: Dialled) -> int | None:
        """Start a pppd; return the descriptor of its words."""
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            child = spawn((self._program, os.ttyname(slave), *OPTIONS.split()), log)
        finally:
            os.close(log)
        self._calls[call.port] = _Call(master, slave, child)
        return master

    def ends(self, port: int) -> int:
        """Return a descriptor that becomes readable when the pppd of this call has ended."""
        return self._calls[port].child.fileno()

    def send(self, port: int, data: bytes) -> None:
        """Give the subscriber's bytes to pppd; what it has no room for is lost, as on the air."""
        if port in self._calls:
            try:
                os.write(self._calls[port].master, data)
            except BlockingIOError:
                return

    def read(self, port: int) -> bytes:
        """Return what pppd says."""
        try:
            return os.read(self._calls[port].master, 4096)
        except BlockingIOError:
            return b""

    def hung_up(self, port: int) -> None:
        """End the pppd of a call: no carrier, no goodbye."""
        if port in self._calls:
            call = self._calls.pop(port)
            call.child.signal(signal.SIGKILL)
            call.child.wait(2.0)
            call.child.close()
            os.close(call.master)
            os.close(call.slave)
