"""The PPP bearer on a desk: in the test's own process, its reports in order, the real programs below it."""

import os
import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from pppgen.bearers import notes, standing
from pppgen.bearers.carry import Wishes
from pppgen.bearers.modem import Modem
from pppgen.bearers.ppp import PppBearer
from pppgen.bearers.run import PppSetup
from pppgen.config import Auth, Link
from pppgen.health import Rules
from pppgen.reports import BearerDown, BearerFailed, BearerProgress, BearerReport, BearerUp, Step
from pppgen.system.clock import boottime
from pppgen.system.dns import Dns
from pppgen.system.routes import CELLULAR_METRIC, Routes
from tests.lab import board
from tests.lab.places import WLAN

PATIENCE_S = 150.0  # the machine may be slow; no test says how fast it must be
MEMORY = Path("/var/lib/pppgen/ports.json")

_Report = TypeVar("_Report")


class Desk:
    """A bearer and what it reports; `dial` is the interface that setup chose."""

    def __init__(
        self, *, dial: int = 2, options: tuple[str, ...] = (), patience_s: float = 90.0, primary: bool = False
    ) -> None:
        link = Link(
            "provider",
            "super",
            "bg96",
            board.stable(dial),
            usb_path=board.USB_PATH,
            at_interface=5 - dial,
            dial_interface=dial,
        )
        modem = Modem(link)
        wishes = Wishes(
            primary=primary, metric=CELLULAR_METRIC, targets=("8.8.8.8",), rules=Rules(patience_s=patience_s)
        )
        self.reports: queue.SimpleQueue[BearerReport] = queue.SimpleQueue()
        self.seen: list[BearerReport] = []
        setup = PppSetup("provider", wishes, options)
        self.bearer = PppBearer(
            setup, self.reports.put, ports=modem.ports, holder=modem.holder, worked=modem.worked, radio=modem
        )

    def until(self, kind: type[_Report]) -> _Report:
        """Return the next report of that kind; a failure in its place is the test's."""
        while True:
            try:
                report = self.reports.get(timeout=PATIENCE_S)
            except queue.Empty:
                pytest.fail(f"no {kind.__name__} after {self.seen}")
            self.seen.append(report)
            print(f"{boottime():.2f}", report)
            if isinstance(report, kind):
                return report
            if isinstance(report, BearerFailed | BearerDown) and kind is not BearerDown:
                pytest.fail(f"no {kind.__name__} but {report}")

    def reach(self, step: Step) -> None:
        """Wait until a step begins."""
        while self.until(BearerProgress).step is not step:
            pass

    def hear(self, words: str) -> None:
        """Wait until something is said for people."""
        while words not in self.until(BearerProgress).note:
            pass

    def up(self, dial: int = 1) -> BearerUp:
        """Bring the link up."""
        self.bearer.start(dial)
        return self.until(BearerUp)

    def failed(self) -> BearerFailed:
        """Return the failure that is reported next."""
        return self.until(BearerFailed)

    def down(self, dial: int = 1) -> None:
        """End the link; nothing is left of it."""
        self.bearer.stop(dial)
        assert self.until(BearerDown).leftover == ()
        nothing_is_left()

    @property
    def notes(self) -> str:
        """All that was said for people so far."""
        return "\n".join(report.note for report in self.seen if isinstance(report, BearerProgress))


def install(interface: int = 2, *, user: str = "", password: str = "") -> None:
    """Put all of setup's files for pppd in place; with a user CHAP is answered."""
    auth = Auth.CHAP if user else Auth.NONE
    board.install_peers(interface, auth=auth, user=user, password=password, hooks=True)


def nothing_is_left() -> None:
    """Refuse what a link that has ended should not have left, of pppd's and of ours."""
    left = board.leftovers()
    with Routes() as routes:
        left += [str(route) for route in routes.defaults() if route.interface != WLAN]
    if "pppgen" in (resolv := Path("/etc/resolv.conf").read_text()):
        left.append(resolv)
    if (note := notes.FOLDER / notes.PPP).exists():
        left.append(str(note))
    assert not left, left


@contextmanager
def cleared_desk() -> Iterator[None]:
    """Name the ports; at the end clear what a test that failed half-way has left."""
    board.name_ports()
    MEMORY.unlink(missing_ok=True)
    try:
        yield
    finally:
        left = standing.read(notes.FOLDER / notes.PPP)
        for pid in board.running("pppd"):
            os.kill(pid, signal.SIGKILL)
            board.await_end(pid)
        if left is not None:
            standing.clear(left, None, Dns())
            (notes.FOLDER / notes.PPP).unlink()
        board.take_back()
