import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pppgen.sim.bench import Bench
from pppgen.sim.faults import Faults
from pppgen.sim.operator import Operator, why_held
from pppgen.sim.transcript import load

PATIENCE_S = 20.0
# What stands in for pppd: sends back what it gets, and leaves when it is told to.
ECHO = """#!/bin/sh
printf hello >"$1"
while read -r line <"$1"; do
    [ "$line" = leave ] && exit 5
    printf 'got %s' "$line" >"$1"
done
"""


class Subscriber:
    """A host that has the dial port open, in the same process as the modem: it lets the modem work while it waits."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.port = os.open(bench.root / "dev/ttyUSB2", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.heard = b""

    def say(self, data: bytes) -> None:
        os.write(self.port, data)

    def hear(self, expected: bytes) -> None:
        self.until(lambda: expected in self.heard)
        self.heard = self.heard.partition(expected)[2]

    def until(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end, self.heard
            self.bench.simulation.step(0.05)
            try:
                self.heard += os.read(self.port, 4096)
            except BlockingIOError:
                continue


@pytest.fixture
def subscriber(tmp_path: Path) -> Iterator[Subscriber]:
    program = tmp_path / "operators-pppd"
    program.write_text(ECHO)
    program.chmod(0o755)
    network = Operator(tmp_path / "log", str(program))
    with Bench(load("bg96"), Faults(), tmp_path / "root", network=network) as bench:
        host = Subscriber(bench)
        yield host
        os.close(host.port)


def test_a_call_is_served_by_a_program_of_its_own_until_the_subscriber_hangs_up(subscriber: Subscriber) -> None:
    subscriber.say(b"ATD*99#\r")
    subscriber.hear(b"\r\nCONNECT\r\n")
    subscriber.hear(b"hello")
    subscriber.say(b"frame\n")
    subscriber.hear(b"got frame")
    calls = subscriber.bench.simulation._calls
    assert list(calls) == [2]
    os.close(subscriber.port)
    subscriber.port = os.open(subscriber.bench.root / "dev/ttyUSB3", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    subscriber.until(lambda: not calls)


def test_when_the_operator_leaves_the_modem_says_no_carrier(subscriber: Subscriber) -> None:
    for _ in range(3):
        subscriber.say(b"ATD*99#\r")
        subscriber.hear(b"hello")
        subscriber.say(b"leave\n")
        subscriber.hear(b"\r\nNO CARRIER\r\n")
    assert subscriber.bench.counts.dials == 3


def test_a_reboot_takes_all_ports_away_and_brings_them_back(subscriber: Subscriber) -> None:
    node, simulation = subscriber.bench.root / "dev/ttyUSB2", subscriber.bench.simulation
    subscriber.say(b"AT+CFUN=1,1\r")
    subscriber.hear(b"\r\nOK\r\n")
    while simulation.lines:
        simulation.step()
    assert not node.is_symlink()
    with pytest.raises(OSError, match="Input/output error"):
        subscriber.say(b"AT\r")
    while not simulation.lines:
        simulation.step()
    os.close(subscriber.port)
    subscriber.port = os.open(node, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    subscriber.say(b"AT\r")
    subscriber.hear(b"\r\nOK\r\n")
    assert subscriber.bench.counts.reboots == 1


def test_a_host_that_floods_is_read_to_its_end_and_answered(subscriber: Subscriber) -> None:
    flood = b"x" * 300_000 + b"\rATE0\r"
    while flood:
        try:
            flood = flood[os.write(subscriber.port, flood) :]
        except BlockingIOError:
            subscriber.bench.simulation.step(0.05)
            subscriber.heard = os.read(subscriber.port, 1 << 16)[-100:]
    subscriber.hear(b"\r\nOK\r\n")
    subscriber.say(b"AT\r")
    subscriber.hear(b"\r\nOK\r\n")


def test_escaped_from_the_call_stays_with_its_operator(subscriber: Subscriber) -> None:
    subscriber.say(b"ATE0D*99#\r")
    subscriber.hear(b"hello")
    subscriber.until(lambda: subscriber.bench.simulation.clock() > subscriber.bench.modem.ports[2].heard_at + 1.0)
    subscriber.say(b"+++")
    subscriber.hear(b"\r\nOK\r\n")
    subscriber.say(b"ATO\r")
    subscriber.hear(b"\r\nCONNECT\r\n")
    subscriber.say(b"again\n")
    subscriber.hear(b"got +++again")


def test_without_ppp_in_the_kernel_or_rights_the_line_is_held_and_it_says_why(tmp_path: Path) -> None:
    assert why_held(tmp_path / "no-such-device") in {"this kernel has no PPP", "only root may run the operator's pppd"}
    with Bench(load("bg96"), Faults(), tmp_path / "root", held="this kernel has no PPP") as bench:
        host = Subscriber(bench)
        host.say(b"ATD*99#\r")
        host.hear(b"\r\nCONNECT\r\n")
        os.close(host.port)
        assert bench.ready()["operator"] == "this kernel has no PPP"
        assert bench.summary() == "1 dial, 0 hang-ups, 0 reboots; the line was held: this kernel has no PPP"
