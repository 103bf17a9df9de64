"""A machine with a modem of two AT ports and a pppd that replays words, routes and packets on a real kernel."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pppgen.bearers import standing
from pppgen.bearers.carry import Wishes
from pppgen.bearers.ppp import PppBearer
from pppgen.bearers.run import PppSetup
from pppgen.model import Holder, Port
from pppgen.reports import BearerProgress, BearerReport
from pppgen.system.dns import Dns
from pppgen.system.routes import Routes, Watch
from tests.fakes.link_board import PATIENCE_S, PROBED, LinkBoard, SayingRadio, on_a_link
from tests.fakes.namespace import Operator

FAKE = Path(__file__).parent / "pppd.py"


class Board(LinkBoard):
    """A machine below a folder, with a modem of two AT ports, a Wi-Fi that has the default route, and a fake pppd."""

    def __init__(self, folder: Path, operator: Operator) -> None:
        super().__init__(folder, operator)
        self.radio: SayingRadio | None = None
        self.worked: list[Port] = []
        self.holder: Callable[[Port], Holder | None] = lambda _: None
        (folder / "lock").mkdir()
        self.ports = [self.plug("ttyUSB2", 2), self.plug("ttyUSB3", 3)]
        self.pppd = folder / "pppd"
        self.pppd.write_text(f"#!{sys.executable}\n" + FAKE.read_text())
        self.pppd.chmod(0o755)

    def plug(self, name: str, interface: int) -> Port:
        node = self.folder / "dev" / name
        node.touch()
        return Port(str(node), f"/dev/pppgen/1-1.4-if0{interface}", "1-1.4", interface)

    def says(self, script: str, port: str = "") -> None:
        (self.folder / ("script" + (f".{port}" if port else ""))).write_text(script)

    def bearer(self, wishes: Wishes | None = None, put: Callable[[BearerReport], None] | None = None) -> PppBearer:
        setup = PppSetup(
            "provider",
            wishes or Wishes(targets=("8.8.8.8",), rules=PROBED),
            pppd=str(self.pppd),
            folder=self.folder / "run",
            doubt_s=0.2,
            locks=(self.folder / "lock",),
        )
        return PppBearer(
            setup,
            put or self.reports.put,
            ports=lambda: self.ports,
            holder=self.holder,
            worked=self.worked.append,
            radio=self.radio,
            dns=Dns(self.folder),
        )

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    @property
    def called(self) -> bool:
        """Whether pppd has begun."""
        return (self.folder / "calls").exists()

    def signal(self, number: signal.Signals) -> None:
        """Send pppd a signal, as somebody else would."""
        left = standing.read(self.folder / "run/ppp.json")
        assert left is not None
        os.kill(left.mark.pid, number)

    def pid_files(self) -> None:
        """Write the pid files that a real pppd keeps, and that one which is killed leaves."""
        left = standing.read(self.folder / "run/ppp.json")
        assert left is not None
        for name in ("ppp0", "ppp-pppgen-provider"):
            (self.folder / f"{name}.pid").write_text(f"{left.mark.pid}\n")
        (self.folder / "ppp1.pid").write_text("1\n")

    def ours_is_back(self) -> None:
        """Wait until our default route stands."""
        with Routes() as routes, Watch() as watch:
            while not any(route.ours for route in routes.defaults()):
                assert select.select([watch], [], [], PATIENCE_S)[0]
                watch.drain()

    def servers_stand_first(self) -> None:
        """Wait until the link's name servers stand before the others."""
        while not self.resolv.startswith("# pppgen begin ppp0"):
            self.until(BearerProgress)

    def nothing_is_left(self) -> None:
        self.wifi_has_its_own_back()
        assert not list((self.folder / "lock").iterdir())
        assert not (self.folder / "run/ppp.json").exists()
        assert not Path("/sys/class/net/ppp0").exists()
        running = subprocess.run(["pgrep", "-f", str(self.pppd)], capture_output=True, text=True, check=False)
        assert running.stdout == ""


Body = Callable[[Board], None]
OnBoard = Callable[[Body], None]


@pytest.fixture
def on_board(tmp_path: Path) -> OnBoard:
    """Run a test's body on such a machine, in a network namespace of its own."""

    def on(body: Body) -> None:
        on_a_link("spare0", ("8.8.8.8/32",), lambda operator: body(Board(tmp_path, operator)))

    return on
