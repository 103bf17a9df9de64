"""From the wish for a link to the first answered ping, beside the bare programs; and from a loss to the other bearer.

Every clock starts when a running supervisor is asked `up` (or when bare pppd is started), with warm caches: this is
about the links, and cold files are another table's. Called by bench.py.
"""

import os
import select
import socket
import struct
import subprocess
import time
from collections.abc import Callable

from pppgen.policy.chronicle import Kind
from pppgen.reports import Step
from tests.lab import board, control
from tests.lab.figures import Figure, table
from tests.lab.qmi import client, ip, lease, start
from tests.lab.supervised import Supervised, at_rest, set_up

AGAIN_S = 0.1
LIMIT_S = 180.0
SETTLED_S = 3.0  # a new link's signal is read: links are seldom lost in that moment
USERS_FAULT = "qmi-raw-ip"
NO_REPAIR = "[qmi]\nrepair = false"


def answered(interface: str) -> None:
    """Return when a ping through the interface was answered: one each 0.1 s, and no exec that would cost 0.1 s."""
    end = time.monotonic() + LIMIT_S
    # RFC 792: echo request, code 0, checksum, identifier and sequence 0.
    packet = struct.pack("!BBHHH", 8, 0, 0xF7FF, 0, 0)
    while time.monotonic() < end:
        began = time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as line:
            try:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
                line.sendto(packet, ("8.8.8.8", 0))
                heard = select.select([line], [], [], AGAIN_S)[0]
            except OSError:  # the interface is not there, or has no address yet
                heard = []
        if heard:
            return
        select.select([], [], [], max(0.0, began + AGAIN_S - time.monotonic()))
    raise TimeoutError(f"no answer through {interface} within {LIMIT_S:g} s:\n{board.routes()}")


def timed(act: Callable[[], object], interface: str) -> float:
    """Return the seconds from an act to the first answered ping through an interface."""
    begun = time.monotonic()
    act()
    answered(interface)
    return time.monotonic() - begun


def bare_ppp() -> float:
    """A: pppd by hand, as `pon` starts it."""
    argv = ["pppd", "call", "provider", "nodetach", "nodefaultroute"]
    running: list[subprocess.Popen[bytes]] = []
    seconds = timed(lambda: running.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL)), "ppp0")
    running[0].terminate()
    running[0].wait(LIMIT_S)
    return seconds


def bare_qmi() -> float:
    """Bring QMI up by hand, as the guides do where the framings agree: qmicli for the call, udhcpc for the address."""

    def up() -> None:
        start(client())
        lease()

    seconds = timed(up, "wwan0")
    ip("addr flush dev wwan0", "link set wwan0 down")
    return seconds


class Bench:
    """A running supervisor for each run, whose steps can be shown afterwards."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.stories: list[str] = []

    def bare(self, title: str, run: Callable[[], float]) -> Figure:
        """Time something without pppgen."""
        return self._figure(title, run)

    def up(self, title: str, interface: str, config: str = "", *faults: str) -> Figure:
        """Time from `up` to the first answered ping."""

        def run(supervised: Supervised) -> float:
            return timed(supervised.up, interface)

        return self._figure(title, lambda: self._supervised(title, run, config, *faults))

    def loss(self, title: str, first: str, to: str, config: str = "") -> Figure:
        """Time from the carrier's hang-up to the first answered ping through the other bearer's interface."""

        def run(supervised: Supervised) -> float:
            supervised.up()
            supervised.until_phase("online", bearer=first)
            select.select([], [], [], SETTLED_S)
            return timed(lambda: control.ask("hangup"), to)

        return self._figure(title, lambda: self._supervised(title, run, config))

    def repair(self, title: str) -> Figure:
        """Time from the detection of the framings' difference to the lease."""

        def run(supervised: Supervised) -> float:
            supervised.up()
            found = supervised.until(lambda entry: entry.kind is Kind.REPAIR)
            begun = supervised.until(lambda entry: entry.kind is Kind.STEP and entry.step is Step.CALL)
            leased = supervised.until(lambda entry: entry.kind is Kind.LEASE)
            print(f"  repaired within {begun.at.boottime - found.at.boottime:.2f} s", flush=True)
            return leased.at.boottime - found.at.boottime

        return self._figure(title, lambda: self._supervised(title, run, "", USERS_FAULT))

    def _figure(self, title: str, run: Callable[[], float]) -> Figure:
        seconds = []
        for _ in range(self.runs):
            control.ask("reset")
            seconds.append(run())
            print(f"{title}: {seconds[-1]:.2f} s", flush=True)
        return Figure(title, tuple(seconds))

    def _supervised(self, title: str, run: Callable[[Supervised], float], config: str, *faults: str) -> float:
        if faults:
            control.ask("fault", *faults)
        supervised = Supervised(config)
        begun = time.clock_gettime(time.CLOCK_BOOTTIME)
        seconds = run(supervised)
        supervised.until_phase("online")
        self.stories.append(f"{title}: {seconds:.2f} s\n{story(supervised, begun)}")
        supervised.down()
        at_rest(supervised)
        return seconds


def story(supervised: Supervised, begun: float) -> str:
    """Return what happened and when, in seconds."""
    return "\n".join(
        f"  {entry.at.boottime - begun:6.2f} {entry.kind:9} {entry.bearer or '':4} {entry.step or entry.phase:12} "
        f"{entry.reason or ''} {entry.text}".rstrip()
        for entry in supervised.heard
    )


def measure(runs: int) -> tuple[str, str]:
    """Return the table and, for whoever wants to know where the time went, each run's steps."""
    control.ask("reset")
    set_up()
    bench = Bench(runs)
    figures = [
        bench.bare("A: bare `pppd call provider`", bare_ppp),
        bench.up("B: pppgen, QMI healthy", "wwan0"),
        bench.up("C: pppgen, the user's fault, repair forbidden: PPP", "ppp0", NO_REPAIR, USERS_FAULT),
        bench.up("pppgen, the user's fault, repaired: QMI", "wwan0", "", USERS_FAULT),
        bench.repair("from the detected difference to the lease"),
        bench.bare("bare `qmicli` and `udhcpc`", bare_qmi),
        bench.loss("the carrier ends the QMI call, until PPP carries", "qmi", "ppp0"),
        bench.loss("the carrier ends PPP, until QMI carries", "ppp", "wwan0", 'bearers = ["ppp", "qmi"]'),
    ]
    return table(figures), "\n\n".join(bench.stories)


def main() -> None:
    """Run it alone, as often as LAB_RUNS says: once by default."""
    found, stories = measure(int(os.environ.get("LAB_RUNS", "1")))
    print(f"\n{stories}\n\n{found}")


if __name__ == "__main__":
    main()
