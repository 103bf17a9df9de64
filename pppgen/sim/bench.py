"""A simulated modem on ptys, plugged into a folder that looks like a kernel's `/`: what `pppgen sim` and `demo` run."""

import os
import socket
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pppgen.sim import modem as core
from pppgen.sim.control import Control
from pppgen.sim.faults import Faults, in_force
from pppgen.sim.holder import Holders
from pppgen.sim.line import Line
from pppgen.sim.simulation import Held, Network, Simulation
from pppgen.sim.transcript import Transcript
from pppgen.sim.tree import Tree


@dataclass(slots=True)
class Counts:
    """What happened while it ran."""

    dials: int = 0
    hang_ups: int = 0
    reboots: int = 0


class Bench:
    """A context: plugged in on entry, gone without a trace on exit; `run` works until `stop`.

    `network` answers calls; without one the line is held after CONNECT, and `held` says why.
    """

    def __init__(
        self,
        transcript: Transcript,
        faults: Faults,
        root: Path,
        *,
        control: Path | None = None,
        network: Network | None = None,
        held: str = "",
    ) -> None:
        self.transcript, self.root, self.control = transcript, root, control
        self.tree = Tree(root, transcript)
        self.names: dict[int, str] = {}
        self.counts = Counts()
        self.modem = core.Modem(transcript, faults)
        self.held = held
        self._network = network or Held()
        self.terminals: dict[int, str] = {}
        self._wake, self._woken = socket.socketpair()
        self._stopped = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.tree.claim()
            stack.callback(self.tree.release)
            self._holders = stack.enter_context(closing(Holders()))
            self.simulation = Simulation(self.modem, self._plug(), self._network, self._count)
            stack.callback(self.simulation.close)
            self.simulation.on_plug = self._plug
            self.simulation.on_unplug = self._unplug
            self.simulation.on_vanish = lambda port: self.tree.vanish(self.names[port])
            self.simulation.watch(self._woken.fileno(), lambda: None)
            if self.control is not None:
                stack.enter_context(closing(Control(self.control, self.simulation, self._hold)))
            self._undo = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._undo.close()
        self._wake.close()
        self._woken.close()

    def run(self) -> None:
        """Work until `stop` is called."""
        while not self._stopped:
            self.simulation.step()

    def stop(self) -> None:
        """End `run`, from any thread."""
        self._stopped = True
        os.write(self._wake.fileno(), b"x")

    def ready(self) -> dict[str, object]:
        """Return what a program must know to use the modem: the `--json` answer."""
        return {
            "family": self.transcript.family,
            "origin": str(self.transcript.origin),
            "sysroot": str(self.root),
            "usb_path": self.transcript.path,
            "vid": self.transcript.vid,
            "pid": self.transcript.pid,
            "ports": [
                {"device": f"{self.root}/dev/{name}", "interface": number} for number, name in self.names.items()
            ],
            "faults": list(in_force(self.modem.faults)),
            "control": str(self.control) if self.control else None,
            "operator": self.held or "pppd",
            "process": os.getpid(),
        }

    def summary(self) -> str:
        """Return one line about what happened."""
        counts = self.counts
        held = f"; the line was held: {self.held}" if self.held and counts.dials else ""
        said = ((counts.dials, "dial"), (counts.hang_ups, "hang-up"), (counts.reboots, "reboot"))
        return ", ".join(f"{count} {name}{'s' * (count != 1)}" for count, name in said) + held

    def _plug(self, first: int = 0) -> dict[int, Line]:
        lines = {each.number: Line.pty() for each in self.transcript.tty_interfaces}
        self.terminals = {number: line.name for number, line in lines.items()}
        self.names = self.tree.plug(self.terminals, first)
        self._hold()
        return lines

    def _unplug(self) -> None:
        self.terminals = {}
        self._hold()
        self.tree.unplug()

    def _hold(self) -> None:
        held = self.modem.faults.held
        self._holders.hold({name for number, name in self.terminals.items() if number in held})

    def _count(self, effect: core.Effect) -> None:
        match effect:
            case core.Dialled():
                self.counts.dials += 1
            case core.HungUp():
                self.counts.hang_ups += 1
            case core.Rebooting():
                self.counts.reboots += 1
            case core.Send() | core.ToNetwork() | core.Vanished() | core.Encapsulated():
                pass
