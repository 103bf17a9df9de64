"""The proxy through which programs share a QMI node: ended when it hangs and nobody else uses it, never otherwise."""

import os
import signal
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_NAME = "qmi-proxy"
_SOCKET = "@qmi-proxy"  # libqmi's QMI_PROXY_SOCKET_PATH, an abstract name; accepted connections carry it too
_CONNECTED = "03"  # unix(7) SS_CONNECTED, the column St of /proc/net/unix
_STATE, _PATH = 5, 7


def clients(proc: Path = _PROC) -> int:
    """Return how many programs are connected to the proxy of this network namespace, in which its name is one."""
    try:
        lines = (proc / "thread-self/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        return 0
    rows = [line.split() for line in lines]
    return sum(len(row) > _PATH and row[_PATH] == _SOCKET and row[_STATE] == _CONNECTED for row in rows)


def end_unused(proc: Path = _PROC) -> bool:
    """TERM a proxy that nobody is connected to; whether there was one. libqmi starts another when it is needed."""
    if clients(proc):
        return False
    ended = False
    for folder in proc.glob("[0-9]*"):
        with suppress(OSError):
            named = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip() == _NAME
            if named and (folder / "ns/net").readlink() == (proc / "thread-self/ns/net").readlink():
                descriptor = os.pidfd_open(int(folder.name))
                try:
                    signal.pidfd_send_signal(descriptor, signal.SIGTERM)
                    ended = True
                finally:
                    os.close(descriptor)
    return ended
