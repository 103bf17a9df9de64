"""Hooks run for real: in order, each with its limit, and never in the link's way."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pppgen.hooks import QUEUE_MAX, Hooks, calls
from pppgen.model import BearerKind, Lease, Reason
from pppgen.policy.state import (
    Blocked,
    Connecting,
    Decided,
    Degraded,
    FallingBack,
    Online,
    Phase,
    Rules,
    State,
    Stopped,
    Verifying,
    Waiting,
)
from pppgen.system.files import Tree

QMI, PPP = BearerKind.QMI, BearerKind.PPP
LEASE = Lease("100.64.12.89", "ppp0", dns=("8.8.8.8", "1.1.1.1"))
UP = Decided(Verifying(PPP, 0.0, LEASE), Online(PPP, 5.0, LEASE), 7)


class Folder:
    def __init__(self, root: Path) -> None:
        self.tree = Tree(root)
        self.path = root / "etc/pppgen/hooks.d"
        self.path.mkdir(parents=True)
        self.out = root / "out"
        self.said: list[str] = []

    def add(self, name: str, body: str, mode: int = 0o755) -> Path:
        path = self.path / name
        path.write_text(f"#!/bin/sh\n{body.format(out=self.out)}\n")
        path.chmod(mode)
        return path

    def tell(self, *decisions: Decided, timeout_s: float = 10.0) -> list[str]:
        hooks = Hooks(self.tree, timeout_s, self.said.append)
        hooks.start()
        for decision in decisions:
            hooks.decided(decision, State(Rules()), 0.0)
        hooks.finish(30)
        assert not hooks.is_alive()
        return self.out.read_text().splitlines() if self.out.exists() else []


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_hooks_run_in_the_order_of_their_names_with_the_documented_environment(folder: Folder) -> None:
    folder.add("20-second", "echo second >>{out}")
    folder.add("10-first", "env | grep ^PPPGEN_ | sort >>{out}")
    assert folder.tell(UP) == [
        "PPPGEN_ADDRESS=100.64.12.89",
        "PPPGEN_BEARER=ppp",
        "PPPGEN_DIAL=7",
        "PPPGEN_DNS=8.8.8.8 1.1.1.1",
        "PPPGEN_EVENT=up",
        "PPPGEN_INTERFACE=ppp0",
        "PPPGEN_REASON=",
        "second",
    ]


def test_a_hook_sees_nothing_of_our_own_environment(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("LD_PRELOAD", "/tmp/evil.so")  # noqa: S108 -- never loaded
    folder.add("10-env", "env >>{out}")
    assert not {"NOTIFY_SOCKET", "LD_PRELOAD"} & {line.partition("=")[0] for line in folder.tell(UP)}


@pytest.mark.parametrize("name", ["10-first.dpkg-old", "README.txt", ".hidden", "a b", "x~"])
def test_names_that_run_parts_passes_over_are_passed_over(folder: Folder, name: str) -> None:
    folder.add(name, "echo ran >>{out}")
    assert folder.tell(UP) == []


def test_a_hook_that_is_not_executable_is_passed_over(folder: Folder) -> None:
    folder.add("10-hook", "echo ran >>{out}", 0o644)
    assert folder.tell(UP) == []


@pytest.mark.parametrize("mode", [0o757, 0o777])
def test_a_hook_that_others_may_write_is_refused_and_said(folder: Folder, mode: int) -> None:
    folder.add("10-hook", "echo ran >>{out}", mode)
    assert folder.tell(UP) == []
    assert "can be changed by others" in folder.said[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give a file away: run it as root (sudo make test)")
@pytest.mark.root
def test_a_hook_of_another_user_is_refused(folder: Folder) -> None:
    os.chown(folder.add("10-hook", "echo ran >>{out}"), 65534, 65534)
    assert folder.tell(UP) == []


def test_a_link_is_not_followed(folder: Folder, tmp_path: Path) -> None:
    target = folder.add("target.off", "echo ran >>{out}")
    (folder.path / "10-link").symlink_to(target)
    assert folder.tell(UP) == []
    assert tmp_path.exists()


def test_a_folder_that_others_may_write_is_refused_whole(folder: Folder) -> None:
    folder.add("10-hook", "echo ran >>{out}")
    folder.path.chmod(0o777)
    assert folder.tell(UP) == []
    assert "no hook is run" in folder.said[0]


def test_a_hook_that_hangs_is_ended_with_its_children_and_the_next_one_runs(folder: Folder) -> None:
    folder.add("10-hangs", "sleep 600 & sleep 600")
    folder.add("20-next", "echo next >>{out}")
    assert folder.tell(UP, timeout_s=0.5) == ["next"]
    assert "took longer than 0.5 s" in folder.said[0]


def test_a_hook_that_fails_or_is_no_program_is_said_and_the_next_one_runs(folder: Folder) -> None:
    folder.add("10-fails", "echo why; exit 3")
    (folder.path / "15-broken").write_bytes(b"\x7fELF and no more")
    (folder.path / "15-broken").chmod(0o755)
    folder.add("20-next", "echo next >>{out}")
    assert folder.tell(UP) == ["next"]
    assert folder.said[:2] == ["10-fails: why", "10-fails: exit status 3 at up"]
    assert folder.said[2].startswith("15-broken: ")


def test_telling_never_waits_for_a_hook_and_a_full_queue_is_said(folder: Folder) -> None:
    folder.add("10-hangs", "read x <{out}.fifo")
    os.mkfifo(f"{folder.out}.fifo")
    hooks = Hooks(folder.tree, 60.0, folder.said.append)
    hooks.start()
    done = threading.Event()

    def tell() -> None:
        for _ in range(QUEUE_MAX + 10):
            hooks.decided(UP, State(Rules()), 0.0)
        done.set()

    threading.Thread(target=tell, daemon=True).start()
    assert done.wait(10), "the owner's thread must not wait for hooks"
    assert any("too slow" in line for line in folder.said)
    # Opened for both ways it never blocks, and every hook that waits gets a line.
    with os.fdopen(os.open(f"{folder.out}.fifo", os.O_RDWR), "wb", buffering=0) as fifo:
        fifo.write(b"go on\n" * (QUEUE_MAX + 10))
        hooks.finish(60)
        assert not hooks.is_alive()


def test_no_folder_is_no_hook_and_no_complaint(tmp_path: Path) -> None:
    said: list[str] = []
    hooks = Hooks(Tree(tmp_path), 1.0, said.append)
    hooks.start()
    hooks.decided(UP, State(Rules()), 0.0)
    hooks.finish(10)
    assert said == []


ONLINE = Online(QMI, 0.0, LEASE)
TABLE: list[tuple[Phase, Phase, list[tuple[str, str]]]] = [
    (Stopped(), Connecting(QMI, 0.0), []),
    (Connecting(QMI, 0.0), Verifying(QMI, 0.0, LEASE), []),
    (Verifying(QMI, 0.0, LEASE), ONLINE, [("up", "qmi")]),
    (ONLINE, Degraded(QMI, 0.0, LEASE, Reason.CARRIER_SILENT), [("degraded", "qmi")]),
    (Degraded(QMI, 0.0, LEASE, Reason.CARRIER_SILENT), ONLINE, [("up", "qmi")]),
    (ONLINE, Online(QMI, 0.0, replace(LEASE, address="100.64.12.90")), [("up", "qmi")]),
    (ONLINE, Online(QMI, 0.0, replace(LEASE, dns=())), []),
    (ONLINE, FallingBack(PPP, 0.0, Reason.LINK_DROPPED), [("down", "qmi"), ("failover", "ppp")]),
    (Connecting(QMI, 0.0), FallingBack(PPP, 0.0, Reason.NO_DHCP_LEASE), [("failover", "ppp")]),
    (Online(PPP, 0.0, LEASE), FallingBack(QMI, 0.0, None), [("down", "ppp"), ("failback", "qmi")]),
    (ONLINE, Waiting(60.0, Reason.NO_SIGNAL), [("down", "qmi")]),
    (ONLINE, Stopped(), [("down", "qmi")]),
    (Connecting(QMI, 0.0), Blocked(Reason.SIM_MISSING), [("blocked", "")]),
    (Waiting(60.0, Reason.NO_SIGNAL), Connecting(QMI, 0.0), []),
]


@pytest.mark.parametrize(("before", "after", "told"), TABLE)
def test_each_change_is_told_as_what_it_is(before: Phase, after: Phase, told: list[tuple[str, str]]) -> None:
    found = calls(Decided(before, after, 1))
    assert [(call.event.value, call.environment["PPPGEN_BEARER"]) for call in found] == told


def test_the_reason_goes_with_what_went_wrong_only() -> None:
    def reason(decided: Decided) -> list[str]:
        return [call.environment["PPPGEN_REASON"] for call in calls(decided)]

    assert reason(Decided(ONLINE, FallingBack(PPP, 0.0, Reason.LINK_DROPPED), 1, Reason.LINK_DROPPED)) == [
        "link-dropped",
        "link-dropped",
    ]
    assert reason(UP) == [""]
