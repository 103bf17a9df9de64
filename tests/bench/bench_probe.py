"""How soon the right AT port is named, on the real simulator and on a board full of silent ports."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import monotonic

from pppgen.at.client import Client
from pppgen.commands.survey import survey
from pppgen.model import Device, Port
from pppgen.probing import probe_devices
from pppgen.system.tty import open_tty
from tests.bench.budget import Budget, median_ms, timed_ms
from tests.fakes.pty_ports import FakePort, modem, pty_ports, silent
from tests.fakes.simulator import simulator

ROUNDS = 15
OVERHEAD_MS = 20.0


def budgets() -> Iterator[Budget]:
    """Measure and compare."""
    yield named_on_the_simulator("the right AT port is named")
    yield named_on_the_simulator("… by a modem that takes 50 ms", "late=50")
    yield named_on_the_simulator("… on an interface that the catalog does not name", "late=50", "at=0")
    yield many_ports()


def named_on_the_simulator(name: str, *faults: str) -> Budget:
    """Two of the four ports never answer; the answer time is the mean of what the probe asks, `AT` and `ATI`."""
    with tempfile.TemporaryDirectory() as folder, simulator(Path(folder), *faults):
        devices = survey(Path(folder)).found.devices
        outcome = probe_devices(devices, whole=False)
        assert outcome.modem
        with open_tty(outcome.modem.at.device) as tty:
            client = Client(tty, monotonic)
            answer_ms = median(
                (timed_ms(lambda: client.ask("AT")) + timed_ms(lambda: client.ask("ATI"))) / 2 for _ in range(ROUNDS)
            )
        measured = median_ms(lambda: probe_devices(devices, whole=False), ROUNDS)
    return Budget(name, measured, 2 * answer_ms + OVERHEAD_MS, f"2 x {answer_ms:.1f} ms + {OVERHEAD_MS:.0f} ms")


def many_ports() -> Budget:
    """The modem's two ports come last among the silent ones, so that nothing but speed finds them."""
    few, many = ports_ms(4), ports_ms(64)
    return Budget("64 ports, 62 of them silent", many, 1.5 * few, f"1.5 x {few:.1f} ms, what 4 ports take")


def ports_ms(count: int) -> float:
    answering = FakePort(modem, 0.05)
    with pty_ports(*[FakePort(silent)] * (count - 2), answering, answering) as names:
        ports = tuple(Port(name, name, "1-1", number) for number, name in enumerate(names))
        devices = [Device("1-1", "", "", ports)]
        return median_ms(lambda: probe_devices(devices, whole=False), ROUNDS)
