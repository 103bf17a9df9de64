"""Network namespaces of the guest: made with iproute2, entered for the time it takes to open a socket."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000  # <linux/sched.h>
_libc = ctypes.CDLL(None, use_errno=True)


def run(*argv: str) -> str:
    """Run a program to its end and return its output; a failure is an exception that shows what it said."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def run_ip(*lines: str, netns: str = "") -> None:
    """Run lines of iproute2, all in one process: an exec costs 50-120 ms in the guest."""
    argv = ["ip", *(("-n", netns) if netns else ()), "-batch", "-"]
    done = subprocess.run(argv, check=False, input="\n".join(lines) + "\n", capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ip: {done.stderr.strip()} in:\n" + "\n".join(lines))


@contextmanager
def inside(netns: str) -> Iterator[None]:
    """Be in another network namespace with this thread: sockets that are opened here stay there."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(Path("/run/netns") / netns, os.O_RDONLY)
    try:
        _setns(there)
        try:
            yield
        finally:
            _setns(here)
    finally:
        os.close(there)
        os.close(here)


def _setns(fd: int) -> None:
    if _libc.setns(fd, CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
