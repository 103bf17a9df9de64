"""A machine with a QMI modem that is a folder, its wwan0 on a real kernel, and a far end that answers."""

import os
import queue
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from pppgen.bearers import qmi_note
from pppgen.bearers.carry import Wishes
from pppgen.bearers.qmi import QmiBearer
from pppgen.bearers.qmi_parts import Programs, QmiSetup
from pppgen.bearers.radio import Sky
from pppgen.config import Addressing, QmiBackend
from pppgen.health import Rules
from pppgen.model import Device, Reason
from pppgen.reports import BearerProgress, BearerReport, Step
from pppgen.system.dns import Dns
from pppgen.system.routes import Routes
from tests.fakes.namespace import Operator, add_link, do, in_namespace

PATIENCE_S = 30.0
FAKE = Path(__file__).parent / "qmi_programs.py"
# A veth pair talks by itself (neighbour discovery), so here only an answered probe counts.
PROBED = Wishes(targets=("8.8.8.8",), rules=Rules(PATIENCE_S, counters_prove=False))

_Report = TypeVar("_Report")


@dataclass
class SayingRadio:
    """An AT port beside the link that says what the test wants."""

    before: Sky | None = field(default_factory=Sky)
    after: Sky | None = None
    now: Sky | None = None

    def before_dial(self) -> Sky | None:
        return self.before

    def after_failure(self) -> Sky | None:
        return self.after

    def sky(self, busy_port: str) -> Sky | None:
        assert not busy_port, "QMI holds no tty"
        return self.now


class QmiBoard:
    """`wishes` of the modem stand in modem/settings; see qmi_programs.py."""

    made: QmiBearer

    def __init__(self, folder: Path, operator: Operator) -> None:
        self.folder, self.operator = folder, operator
        self.modem = folder / "modem"
        self.reports: queue.SimpleQueue[BearerReport] = queue.SimpleQueue()
        self.seen: list[BearerReport] = []
        self.radio: SayingRadio | None = SayingRadio()
        self.freed: list[str] = []
        for name in ("dev", "etc", "run", "modem/net/wwan0/qmi"):
            (folder / name).mkdir(parents=True)
        (folder / "etc/resolv.conf").write_text("nameserver 192.168.1.1\n")
        self.node = folder / "dev/cdc-wdm0"
        self.node.touch()
        self.raw_ip = self.modem / "net/wwan0/qmi/raw_ip"
        self.raw_ip.write_text("Y\n")
        self.behaves()
        for name in ("qmicli", "udhcpc", "quectel-CM"):
            program = self.modem / name
            program.write_text(f"#!{sys.executable}\n" + FAKE.read_text())
            program.chmod(0o755)
        self.device: Device | None = Device("1-1.4", "2c7c", "0296", (), net=("wwan0",), wdm=(str(self.node),))

    def bearer(
        self,
        wishes: Wishes = PROBED,
        *,
        addressing: Addressing = Addressing.AUTO,
        backend: QmiBackend = QmiBackend.LIBQMI,
        call_s: float = PATIENCE_S,
        answer_s: float = PATIENCE_S,
        profile: int | None = None,
        login: Callable[[], str] = str,
        put: Callable[[BearerReport], None] | None = None,
    ) -> QmiBearer:
        setup = QmiSetup(
            "super",
            backend,
            addressing,
            profile=profile,
            wishes=wishes,
            doubt_s=0.2,
            call_s=call_s,
            answer_s=answer_s,
            folder=self.folder / "run",
            net=self.modem / "net",
            programs=Programs(*(str(self.modem / name) for name in ("qmicli", "udhcpc", "busybox", "quectel-CM"))),
        )
        return QmiBearer(
            setup,
            put or self.reports.put,
            device=lambda: self.device,
            radio=self.radio,
            free=self._free,
            login=login,
            dns=Dns(self.folder),
        )

    def _free(self) -> tuple[str, ...]:
        self.freed.append("freed")
        return ("AT+CGACT=0,1",)

    def behaves(self, **wishes: str) -> None:
        """Make the modem behave so; what is left out is healthy."""
        (self.modem / "settings").write_text("".join(f"{name} {value}\n" for name, value in wishes.items()))

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
    def calls(self) -> list[str]:
        path = self.modem / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def calls_of(self, words: str) -> list[str]:
        return [call for call in self.calls if words in call]

    @property
    def clients(self) -> list[str]:
        path = self.modem / "clients"
        return path.read_text().split() if path.exists() else []

    @property
    def note(self) -> qmi_note.Standing:
        left = qmi_note.read(self.folder / "run")
        assert left is not None
        return left

    def signal_udhcpc(self, number: signal.Signals) -> None:
        """Send the udhcpc that keeps the lease a signal."""
        assert self.note.dhcp is not None
        os.kill(self.note.dhcp.pid, number)

    def signal(self, number: signal.Signals) -> None:
        """Send the program that stands for the call a signal."""
        assert self.note.mark is not None
        os.kill(self.note.mark.pid, number)

    def until_said(self, words: str) -> None:
        """Wait until that is said."""
        while words not in self.until(BearerProgress).note:
            pass

    @property
    def addresses(self) -> str:
        return do("ip -4 -o addr show dev wwan0")

    @property
    def resolv(self) -> str:
        return (self.folder / "etc/resolv.conf").read_text()

    def nothing_is_left(self, reason: Reason | None = None) -> None:
        assert self.clients == [], reason
        with Routes() as routes:
            assert [route.interface for route in routes.defaults() if route.ours] == []
            assert routes.chosen("9.9.9.9") == "wlan0"
        assert self.resolv == "nameserver 192.168.1.1\n"
        assert self.addresses == ""
        assert "state DOWN" in do("ip link show dev wwan0")
        assert sorted(path.name for path in (self.folder / "run").glob("*.json")) == []
        running = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(self.modem).encode() in _text(path)]
        assert running == []


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


Body = Callable[[QmiBoard], None]
OnBoard = Callable[[Body], None]


@pytest.fixture
def on_board(tmp_path: Path) -> OnBoard:
    """Run a test's body on such a machine, in a network namespace of its own."""

    def on(body: Body) -> None:
        def inside() -> None:
            add_link("wlan0", "192.168.1.7/24")
            do("ip route add default via 192.168.1.1 dev wlan0 metric 600")
            do("ip link add wwan0 type veth peer name wwan0p")
            # Not a packet by itself: "nothing at all came in" is evidence here.
            Path("/proc/sys/net/ipv6/conf/wwan0/disable_ipv6").write_text("1")
            with Operator("wwan0", "8.8.8.8/32", "10.0.0.1/32") as operator:
                operator.do("ip link set wwan0p addrgenmode none")
                body(QmiBoard(tmp_path, operator))

        in_namespace(inside)

    return on
