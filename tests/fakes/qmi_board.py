"""A machine with a QMI modem that is a folder, its wwan0 on a real kernel, and a far end that answers."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pppgen.bearers import qmi_note
from pppgen.bearers.carry import Wishes
from pppgen.bearers.qmi import QmiBearer
from pppgen.bearers.qmi_parts import Programs, QmiSetup
from pppgen.bearers.radio import Sky
from pppgen.config import Addressing, QmiBackend
from pppgen.model import Device, Reason
from pppgen.reports import BearerReport
from pppgen.system.dns import Dns
from tests.fakes.link_board import PATIENCE_S, PROBED, LinkBoard, SayingRadio, on_a_link
from tests.fakes.namespace import Operator, do

FAKE = Path(__file__).parent / "qmi_programs.py"
_WISHES = Wishes(targets=("8.8.8.8",), rules=PROBED)


class QmiBoard(LinkBoard):
    """`wishes` of the modem stand in modem/settings; see qmi_programs.py."""

    made: QmiBearer

    def __init__(self, folder: Path, operator: Operator) -> None:
        super().__init__(folder, operator)
        self.modem = folder / "modem"
        self.radio: SayingRadio | None = SayingRadio(before=Sky(), beside=False)
        self.freed: list[str] = []
        for name in ("run", "modem/net/wwan0/qmi"):
            (folder / name).mkdir(parents=True)
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
        wishes: Wishes = _WISHES,
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

    @property
    def addresses(self) -> str:
        return do("ip -4 -o addr show dev wwan0")

    def nothing_is_left(self, reason: Reason | None = None) -> None:
        assert self.clients == [], reason
        self.wifi_has_its_own_back()
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
        def inside(operator: Operator) -> None:
            # Not a packet by itself: "nothing at all came in" is evidence here.
            Path("/proc/sys/net/ipv6/conf/wwan0/disable_ipv6").write_text("1")
            operator.do("ip link set wwan0p addrgenmode none")
            body(QmiBoard(tmp_path, operator))

        on_a_link("wwan0", ("8.8.8.8/32", "10.0.0.1/32"), inside)

    return on
