"""The whole pppgen in the guest: `pppgen setup` once, then `pppgen run` as its unit starts it."""

import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from pppgen.control import Conversation, ask
from pppgen.policy.chronicle import Entry, Kind
from pppgen.requests import Down, Events, Failback, Request, Status, Up
from pppgen.system.files import Tree
from tests.lab import board
from tests.lab.qmi import ip

ROOT = Tree(Path("/"))
CONFIG = Path("/etc/pppgen/pppgen.toml")
LINK = Path("/etc/pppgen/link.toml")
STATE = Path("/var/lib/pppgen")
FORGOTTEN = ("state.json", "journal.jsonl", "journal.jsonl.1", "ports.json")
LOG = Path("/run/lab-pppgen.log")
READY = Path("/run/lab-notify")
PATIENCE_S = 300.0  # the machine may be slow; no test says how fast it must be


def set_up() -> None:
    """Do what README says, once a boot: `pppgen setup --apn super`."""
    if not LINK.exists():
        done = board.run("pppgen", "setup", "--apn", "super", "--yes", limit_s=PATIENCE_S)
        assert done.status == 0, done.said


def forget() -> None:
    """Remove what the supervisor remembers, but not the manifest: rollback could not take back what setup wrote."""
    for name in FORGOTTEN:
        (STATE / name).unlink(missing_ok=True)


class Supervised:
    """A running supervisor, asked and heard by its socket; `kill` it and `begin` again."""

    def __init__(self, config: str = "", argv: tuple[str, ...] = ("pppgen", "run")) -> None:
        self._argv = argv
        CONFIG.write_text(config)
        self.heard: list[Entry] = []
        self.begin(budget=True)

    def begin(self, *, up: bool = False, budget: bool = False) -> None:
        """Start `pppgen run` as the unit does, with a real notify socket, and wait for its READY.

        With `budget` nothing is remembered of earlier attempts: the next one would have to wait for a minute.
        """
        if budget:
            forget()
        READY.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified, LOG.open("ab") as log:
            notified.bind(str(READY))
            self.process = subprocess.Popen(
                [*self._argv, *(() if up else ("--stay-down",))],
                env={**os.environ, "NOTIFY_SOCKET": str(READY)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            self._until_ready(notified)
        self._events = Conversation(ROOT)
        self._events.ask(Events())

    def _until_ready(self, notified: socket.socket) -> None:
        ended = os.pidfd_open(self.process.pid)
        try:
            said = b""
            while b"READY=1" not in said:
                found = select.select([notified.fileno(), ended], [], [], PATIENCE_S)[0]
                assert notified.fileno() in found, (
                    f"not ready, exit status {self.process.poll()}: {LOG.read_text()[-2000:]}"
                )
                said = notified.recv(4096)
        finally:
            os.close(ended)

    def ask(self, request: Request) -> dict[str, Any]:
        return ask(ROOT, request)

    def ask_status(self) -> dict[str, Any]:
        """Return the status as the owner of the state tells it."""
        found: dict[str, Any] = self.ask(Status())["status"]
        return found

    def up(self) -> None:
        self.ask(Up())

    def until(self, wanted: Callable[[Entry], bool], limit_s: float = PATIENCE_S) -> Entry:
        """Return the next event that is wanted; the others are kept in `heard`."""
        end = monotonic() + limit_s
        while True:
            entry = self._events.event(max(0.0, end - monotonic()))
            assert entry is not None, f"not within {limit_s:g} s; the last: {[each.text for each in self.heard[-8:]]}"
            self.heard.append(entry)
            if wanted(entry):
                return entry

    def until_phase(self, *phases: str, bearer: str = "") -> Entry:
        """Return the decision that led to one of these phases."""
        return self.until(
            lambda each: each.kind is Kind.DECISION and each.phase in phases and (not bearer or each.bearer == bearer)
        )

    def until_taken_over(self, bearer: str) -> None:
        """Wait until a supervisor that was just begun holds the link of the one before."""
        if self.ask_status()["phase"] != "online":
            self.until_phase("online", bearer=bearer)

    def reasons(self) -> list[str]:
        """Return why a bearer was given up, each time that one was."""
        given_up = {"falling-back", "waiting", "blocked"}
        return [
            each.reason.value
            for each in self.heard
            if each.kind is Kind.DECISION and each.phase in given_up and each.reason is not None
        ]

    def down(self) -> None:
        """End the link and wait until it is down."""
        if self.ask_status()["phase"] != "stopped":
            self.ask(Down())
            self.until(lambda each: each.kind is Kind.DOWN)

    def failback(self) -> None:
        self.ask(Failback())

    def kill(self) -> None:
        """End the supervisor as the kernel's OOM killer does."""
        self._events.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def leave(self, *, keep: bool = False) -> None:
        """End the supervisor, and the link unless it is to be kept."""
        self._events.close()
        self.process.send_signal(signal.SIGHUP if keep else signal.SIGTERM)
        self.process.wait(PATIENCE_S)


def leftovers() -> list[str]:
    """Return what a link that has ended should not have left, on either bearer."""
    for pid in board.running("qmicli"):  # a look at the device may be under way, and ends by itself
        with suppress(TimeoutError):
            board.await_end(pid)
    left = board.leftovers() + [board.shown(pid) for name in ("qmicli", "udhcpc") for pid in board.running(name)]
    left += [f"route {line}" for line in board.routes().splitlines() if "wwan0" in line and "fe80" not in line]
    if address := board.address("wwan0"):
        left.append(f"address {address} on wwan0")
    return left


def at_rest(*running: Supervised) -> None:
    """End what a test left running, and see that it left nothing."""
    for each in running:
        if each.process.poll() is None:
            each.leave()
    CONFIG.unlink()
    if Path("/sys/class/net/wwan0").exists():
        ip("link set wwan0 down")
    assert leftovers() == []
