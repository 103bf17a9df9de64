"""A network namespace for one test, in a thread of its own: programs and sockets made there live in it.

The rest of the process stays outside, so nothing has to be put back.
"""

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Self

import pytest

_CLONE_NEWNS, _CLONE_NEWNET = 0x20000, 0x40000000

needs_namespaces = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root: sudo make test")


def in_namespace(body: Callable[[], None]) -> None:
    """Run `body` in a fresh network namespace that has its own /sys; its failure is the caller's."""
    failures: list[BaseException] = []

    def enter() -> None:
        try:
            _unshare()
            body()
        except BaseException as error:  # noqa: BLE001 -- carried to the test's own thread, whatever it is
            failures.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def _unshare() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS | _CLONE_NEWNET) != 0:
        pytest.skip(f"no namespaces here: {os.strerror(ctypes.get_errno())}; run in a container with CAP_SYS_ADMIN")
    do("mount --make-rprivate /")
    # The kernel shows the interfaces of the namespace in which /sys was mounted.
    do("mount -t sysfs sysfs /sys")
    do("ip link set lo up")


def do(command: str, given: str = "") -> str:
    """Run one command of a test's set-up; its failure fails the test."""
    return subprocess.run(command.split(), input=given, check=True, capture_output=True, text=True).stdout


def add_link(name: str, address: str) -> None:
    """Add an interface that is up and has an address; its other end is `<name>p`."""
    do(f"ip link add {name} type veth peer name {name}p")
    do(f"ip addr add {address} dev {name}")
    do(f"ip link set {name} up")
    do(f"ip link set {name}p up")


class Operator:
    """The far end of a link, in a network namespace of its own, reached over the link's `<name>p`."""

    def __init__(self, link: str, *addresses: str) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        self._holder.stdout.readline()
        self._programs: list[subprocess.Popen[bytes]] = []
        do(f"ip link set {link}p netns {self._holder.pid}")
        self.do("ip link set lo up")
        for address in addresses:
            self.do(f"ip addr add {address} dev lo")
        self.do(f"ip link set {link}p up")
        self.do(f"ip route add default dev {link}p")
        self.do(f"ip -6 route add default dev {link}p")

    def do(self, command: str) -> str:
        """Run a command at the operator's."""
        return do(f"nsenter -t {self._holder.pid} -n {command}")

    def serve(self, script: str) -> None:
        """Run a Python script at the operator's; it prints a line when it is ready."""
        argv = ["nsenter", "-t", str(self._holder.pid), "-n", sys.executable, "-c", script]
        program = subprocess.Popen(argv, stdout=subprocess.PIPE)
        self._programs.append(program)
        assert program.stdout is not None
        program.stdout.readline()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for program in [*self._programs, self._holder]:
            program.kill()
            program.communicate()
