"""What the boards of the two bearers share: a machine below a folder, a Wi-Fi that has the default route, reports."""

import queue
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from pppgen.bearers.radio import Sky
from pppgen.health import Rules
from pppgen.reports import BearerProgress, BearerReport, Step
from pppgen.system.routes import Routes
from tests.fakes.namespace import Operator, add_link, do, in_namespace

PATIENCE_S = 30.0
# A veth pair talks by itself (neighbour discovery), so here only an answered probe counts.
PROBED = Rules(PATIENCE_S, counters_prove=False)
WIFI = "nameserver 192.168.1.1\n"

_Report = TypeVar("_Report")


@dataclass
class SayingRadio:
    """An AT port beside the link that says what the test wants; `beside` is the tty that the link occupies, if any."""

    before: Sky | None = None
    after: Sky | None = None
    now: Sky | None = None
    beside: bool = True
    looked_ahead: int = 0

    def look_ahead(self) -> None:
        self.looked_ahead += 1

    def before_dial(self) -> Sky | None:
        return self.before

    def after_failure(self) -> Sky | None:
        return self.after

    def sky(self, busy_port: str) -> Sky | None:
        assert bool(busy_port) is self.beside
        return self.now


class LinkBoard:
    """The machine, and what its bearer reported."""

    def __init__(self, folder: Path, operator: Operator) -> None:
        self.folder, self.operator = folder, operator
        self.reports: queue.SimpleQueue[BearerReport] = queue.SimpleQueue()
        self.seen: list[BearerReport] = []
        for name in ("dev", "etc"):
            (folder / name).mkdir()
        (folder / "etc/resolv.conf").write_text(WIFI)

    def until(self, kind: type[_Report]) -> _Report:
        """Return the next report of that kind; those before it are in `seen`."""
        while True:
            try:
                report = self.reports.get(timeout=PATIENCE_S)
            except queue.Empty:
                pytest.fail(f"no {kind.__name__} after {self.seen}")
            self.seen.append(report)
            if isinstance(report, kind):
                return report

    def until_step(self, step: Step) -> None:
        """Wait until that step is reached."""
        while self.until(BearerProgress).step is not step:
            pass

    def until_said(self, words: str) -> None:
        """Wait until that is said."""
        while words not in self.until(BearerProgress).note:
            pass

    @property
    def notes(self) -> str:
        return "\n".join(report.note for report in self.seen if isinstance(report, BearerProgress))

    @property
    def steps(self) -> list[Step]:
        """The steps in the order in which they began."""
        found: list[Step] = []
        for report in self.seen:
            if isinstance(report, BearerProgress) and (not found or found[-1] is not report.step):
                found.append(report.step)
        return found

    @property
    def resolv(self) -> str:
        return (self.folder / "etc/resolv.conf").read_text()

    def wifi_has_its_own_back(self) -> None:
        with Routes() as routes:
            assert [route.interface for route in routes.defaults() if route.ours] == []
            assert routes.chosen("9.9.9.9") == "wlan0"
        assert self.resolv == WIFI


def on_a_link(link: str, operator_s: tuple[str, ...], body: Callable[[Operator], None]) -> None:
    """Run a test's body in a network namespace of its own, beside a Wi-Fi, with a far end behind the link."""

    def inside() -> None:
        add_link("wlan0", "192.168.1.7/24")
        do("ip route add default via 192.168.1.1 dev wlan0 metric 600")
        do(f"ip link add {link} type veth peer name {link}p")
        with Operator(link, *operator_s) as operator:
            body(operator)

    in_namespace(inside)
