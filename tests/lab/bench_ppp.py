"""What a supervised PPP link costs beside a bare pppd with the same script; a part of `make bench-lab`.

Until the first answer, from a pppd's word until it is in the inbox, memory and wakes while nothing happens.
"""

import selectors
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pppgen.bearers.notes import FOLDER
from pppgen.bearers.run import LOG
from pppgen.policy.chronicle import Kind
from pppgen.system.follow import Follower
from pppgen.system.probes import Probes, targets
from tests.bench.bench_idle import LIBRARIES, rss_kb, wakes
from tests.lab import board, control
from tests.lab.supervised import Supervised, set_up

IDLE_S = 20.0
RETRY_S = 0.1
GOODBYE = "rcvd [LCP TermReq"
CONFIG = 'bearers = ["ppp"]\n'


@dataclass(slots=True)
class Figures:
    """One figure of each run, by what it is about."""

    runs: dict[str, list[float]] = field(default_factory=dict)

    def add(self, title: str, value: float, unit: str) -> None:
        """Note one, and show it."""
        self.runs.setdefault(title, []).append(value)
        print(f"{title}: {value:.3f} {unit}", flush=True)

    def median(self, title: str) -> float:
        """Return the middle one."""
        return statistics.median(self.runs[title])


def until_answered(interface: str = "ppp0") -> float:
    """Ask through an interface, also before there is one, and return when the first answer came."""
    with selectors.DefaultSelector() as selector, Probes(interface, targets((), ("8.8.8.8",)), selector) as probes:
        while True:
            probes.ask()
            if any(probes.heard(key) for key, _ in selector.select(RETRY_S)):
                return time.monotonic()


def bare(figures: Figures, title: str) -> None:
    """Dial as `pppd call provider` does it, with the files that setup wrote."""
    begun = time.monotonic()
    with subprocess.Popen(["pppd", "call", "provider", "nodetach"], stdout=subprocess.DEVNULL) as pppd:
        figures.add(title, until_answered() - begun, "s")
        pppd.terminate()


class Goodbye(threading.Thread):
    """When pppd's decisive line was written, by the stamp that the kernel gave its log file."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.follower = Follower(FOLDER / LOG, from_end=True)
        self.written = 0.0
        self.start()

    def run(self) -> None:
        with self.follower, selectors.DefaultSelector() as selector:
            selector.register(self.follower, selectors.EVENT_READ)
            while not self.written:
                selector.select()
                stamp = (FOLDER / LOG).stat().st_mtime
                if any(GOODBYE in line for line in self.follower.lines()):
                    self.written = stamp


def supervised(figures: Figures, ping: str, word: str, memory: str, woken: str) -> None:
    """Ask a running supervisor for the link, leave it idle, let the network hang up."""
    running = Supervised(CONFIG)
    try:
        begun = time.monotonic()
        running.up()
        figures.add(ping, until_answered() - begun, "s")
        running.until_phase("online")
        pid = running.process.pid
        before, since = wakes(pid), time.monotonic()
        with selectors.DefaultSelector() as nothing:
            nothing.select(IDLE_S)
        figures.add(woken, (wakes(pid) - before) / (time.monotonic() - since) * 10, "in 10 s")
        figures.add(memory, rss_kb(pid) / 1024, "MB")
        goodbye = Goodbye()
        control.ask("hangup")
        failed = running.until(lambda entry: entry.kind is Kind.FAILED)
        goodbye.join()
        figures.add(word, (failed.at.wall - goodbye.written) * 1000, "ms")
    finally:
        running.leave()


def libraries(figures: Figures, title: str) -> None:
    """Measure an interpreter that has imported what the supervisor has, and nothing of ours."""
    argv = [sys.executable, "-c", f"{LIBRARIES}, pyroute2; print(flush=True); input()"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as interpreter:
        assert interpreter.stdout
        interpreter.stdout.readline()
        figures.add(title, rss_kb(interpreter.pid) / 1024, "MB")
        interpreter.communicate(b"\n")


def tables(runs: int, fresh: Callable[[], object]) -> str:
    """Measure it all so many times, `fresh` before each, and return the tables of docs/benchmarks.md."""
    a, b = "bare `pppd call provider`", "`up` asked of a running supervisor"
    word = "from the network's terminate in pppd's log until the supervisor has noted the failure"
    memory, alone, woken = (
        "supervisor, link up",
        "its third-party libraries alone",
        "supervisor, link up: wakes, a reading of signal and registration included",
    )
    set_up()
    figures = Figures()
    for _ in range(runs):
        fresh()
        bare(figures, a)
        fresh()
        supervised(figures, b, word, memory, woken)
        libraries(figures, alone)
    board.take_back()
    ratio = figures.median(b) / figures.median(a)
    heavier = figures.median(memory) / figures.median(alone)

    def row(title: str, unit: str, aim: str) -> str:
        each = ", ".join(f"{value:.2f}" for value in figures.runs[title])
        return f"| {title} | {figures.median(title):.2f} {unit} | {each} | {aim} |"

    return "\n".join(
        (
            "| PPP | median of five | all | aim |",
            "|---|---|---|---|",
            row(a, "s", ""),
            row(b, "s", f"{ratio:.2f} x, at most 1.1 x"),
            row(word, "ms", "under 50 ms"),
            row(alone, "MB", ""),
            row(memory, "MB", f"{heavier:.2f} x, at most 1.4 x"),
            row(woken, "in 10 s", "without that: `make bench`"),
        )
    )
