"""What the lab's tests do with the real qmicli, udhcpc and wwan0."""

import os
import re
import signal
import subprocess
from pathlib import Path

from pppgen.system.addresses import Addresses
from tests.lab import board

DEVICE = "/dev/cdc-wdm0"
RAW_IP = Path("/sys/class/net/wwan0/qmi/raw_ip")
ADDRESS = "100.64.12.89"
LEASE_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
ip route add 8.8.8.8/32 via $router
"""


def qmicli(*words: str, status: int = 0, seconds: float = 30) -> str:
    """Run qmicli to its end, at the device itself, and return what it said."""
    without_proxy()
    argv = ["qmicli", "-d", DEVICE, *words]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def without_proxy() -> None:
    """End the qmi-proxy that an earlier test's supervisor left: of two that read the device, either gets an answer."""
    for pid in board.running("qmi-proxy"):
        os.kill(pid, signal.SIGTERM)
        board.await_end(pid)


def client() -> str:
    """Allocate a WDS client id that outlives qmicli, as a supervisor does before it starts a call."""
    said = qmicli("--wds-noop", "--client-no-release-cid")
    found = re.search(r"CID: '(\d+)'", said)
    assert found, said
    return found[1]


def own(cid: str) -> tuple[str, str]:
    """Return the words that make qmicli use an id and leave it."""
    return f"--client-cid={cid}", "--client-no-release-cid"


def start(cid: str, apn: str = "super") -> str:
    """Start a call under an id and return its handle."""
    said = qmicli(f"--wds-start-network=apn={apn},ip-type=4", *own(cid))
    found = re.search(r"handle: '(\d+)'", said)
    assert found, said
    return found[1]


def lease(*, status: int = 0) -> str:
    """Ask for a lease with udhcpc, use it for one address of the internet only, and return what udhcpc said.

    The kernel draws a hardware address a plug, and one in eight is one that its own driver takes for a packet's
    beginning: pppgen changes it, udhcpc by itself would get no lease.
    """
    script = Path("/run/lab-udhcpc")
    script.write_text(LEASE_SCRIPT)
    script.chmod(0o755)
    with Addresses("wwan0") as interface:
        interface.tell_apart()
        interface.up()
    argv = ["busybox", "udhcpc", "-f", "-n", "-q", "-t", "3", "-T", "1", "-i", "wwan0", "-s", str(script)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def raw_ip() -> None:
    """Set the kernel's side to raw IP and give wwan0 the modem's own settings."""
    ip("link set wwan0 down")
    RAW_IP.write_text("Y")
    ip("link set wwan0 up", f"addr add {ADDRESS}/30 dev wwan0", "route add 8.8.8.8/32 dev wwan0")


def ip(*lines: str) -> None:
    """Run lines of iproute2."""
    subprocess.run(["ip", "-batch", "-"], check=True, input="\n".join(lines), text=True)


def page(seconds: int = 10) -> str:
    """Return the page of whoever answers at 8.8.8.8, empty for nobody."""
    argv = ["wget", "-T", str(seconds), "-t", "1", "-qO-", "http://8.8.8.8/"]
    return subprocess.run(argv, check=False, capture_output=True, text=True).stdout


def received() -> int:
    """Return how many packets wwan0 has received."""
    return int(Path("/sys/class/net/wwan0/statistics/rx_packets").read_text())
