"""The QMI bearer with the real qmicli, which talks to the simulated modem through a stand-in for libqmi's proxy."""

import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pppgen.config import Addressing
from pppgen.model import Reason
from pppgen.reports import BearerDown, BearerFailed, BearerNeedsRepair, BearerUp, Step
from tests.fakes.namespace import do, needs_namespaces
from tests.fakes.qmi_board import OnBoard, QmiBoard, on_board

__all__ = ["on_board"]
pytestmark = [
    needs_namespaces,
    pytest.mark.skipif(not shutil.which("qmicli"), reason="no qmicli here: sudo apt-get install libqmi-utils"),
]

ROUNDS = 5
# It finds out by sysfs what kind of node it has, and here there is none: so it is told.
QMICLI = '#!/bin/sh\nexec qmicli --device-open-qmi "$@"\n'


class Modem:
    """The simulated modem behind its proxy; ask it to do something."""

    def __init__(self, program: "subprocess.Popen[str]") -> None:
        self._program = program
        self.hear()

    def hear(self) -> str:
        assert self._program.stdout is not None
        return self._program.stdout.readline()

    def does(self, words: str) -> object:
        assert self._program.stdin is not None
        self._program.stdin.write(words + "\n")
        self._program.stdin.flush()
        return json.loads(self.hear())

    @property
    def clients(self) -> object:
        held = self.does("held")
        assert isinstance(held, dict)
        return held.get("WDS", [])


@contextmanager
def simulated(board: QmiBoard, *faults: str) -> Iterator[Modem]:
    board.node.unlink()
    do(f"mknod {board.node} c 1 3")
    assert stat.S_ISCHR(board.node.stat().st_mode)
    wrapper = board.modem / "qmicli"
    wrapper.write_text(QMICLI)
    argv = [sys.executable, "-m", "tests.fakes.qmi_proxy", *faults]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
    ) as program:
        try:
            yield Modem(program)
        finally:
            program.kill()


Body = Callable[[QmiBoard, Modem], None]


@pytest.fixture
def with_modem(on_board: OnBoard) -> Callable[..., None]:
    def on(body: Body, *faults: str) -> None:
        def inside(board: QmiBoard) -> None:
            with simulated(board, *faults) as modem:
                body(board, modem)

        on_board(inside)

    return on


def test_a_link_comes_up_goes_down_and_leaves_no_client(with_modem: Callable[..., None]) -> None:
    def body(board: QmiBoard, modem: Modem) -> None:
        bearer = board.bearer()
        for dial in range(1, ROUNDS + 1):
            bearer.start(dial)
            lease = board.until(BearerUp).lease
            assert (lease.address, lease.dns) == ("100.64.12.89", ("8.8.8.8", "8.8.4.4"))
            assert modem.clients == [1]
            bearer.stop(dial)
            assert board.until(BearerDown).leftover == ()
            assert modem.clients == []
        board.nothing_is_left()

    with_modem(body, "qmi-raw-ip")


def test_the_user_s_fault_is_seen_before_the_call_and_repaired(with_modem: Callable[..., None]) -> None:
    def body(board: QmiBoard, modem: Modem) -> None:
        board.raw_ip.write_text("N\n")
        bearer = board.bearer()
        bearer.start(1)
        asked = board.until(BearerNeedsRepair)
        assert (asked.reason, asked.step) == (Reason.RAW_IP_MISMATCH, Step.FRAMING)
        assert modem.clients == []
        bearer.repair(1, asked.reason)
        board.until(BearerUp)
        bearer.stop(1)
        board.until(BearerDown)
        assert modem.clients == []

    with_modem(body, "qmi-raw-ip")


def test_the_network_ends_the_call_and_is_heard_at_once(with_modem: Callable[..., None]) -> None:
    def body(board: QmiBoard, modem: Modem) -> None:
        board.bearer().start(1)
        board.until(BearerUp)
        modem.does("end")
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (Reason.LINK_DROPPED, Step.TRAFFIC)
        assert any("status = 'disconnected'" in line for line in failed.evidence), failed.evidence
        # qmicli's own question, every 20 s, comes later.
        assert not any("Connection status" in line for line in failed.evidence)
        board.until(BearerDown)
        assert modem.clients == []
        board.nothing_is_left()

    with_modem(body, "qmi-raw-ip")


@pytest.mark.parametrize(
    ("cause", "reason"), [(27, Reason.APN_REJECTED), (29, Reason.AUTH_FAILED), (38, Reason.QMI_CALL_FAILED)]
)
def test_a_refusal_is_told_by_its_cause(with_modem: Callable[..., None], cause: int, reason: Reason) -> None:
    def body(board: QmiBoard, modem: Modem) -> None:
        board.bearer().start(1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (reason, Step.CALL)
        board.until(BearerDown)
        assert modem.clients == []
        board.nothing_is_left()

    with_modem(body, "qmi-raw-ip", f"qmi-reject={cause}")


def test_a_modem_that_hangs_is_given_up_and_its_client_owed_until_it_answers(with_modem: Callable[..., None]) -> None:
    def body(board: QmiBoard, modem: Modem) -> None:
        bearer = board.bearer(answer_s=2.0)
        bearer.start(1)
        board.until(BearerUp)
        modem.does("faults qmi-raw-ip qmi-hang")
        bearer.stop(1)
        assert board.until(BearerDown).leftover
        bearer.start(2)
        assert board.until(BearerFailed).reason is Reason.QMI_TIMEOUT
        board.until(BearerDown)
        assert modem.clients == [1]
        modem.does("faults qmi-raw-ip")
        bearer.start(3)
        board.until(BearerUp)
        assert modem.clients == [1], "the owed one was given back first"
        bearer.stop(3)
        board.until(BearerDown)
        assert modem.clients == []

    with_modem(body, "qmi-raw-ip")


def test_a_call_outlives_its_supervisor_and_a_broken_start_is_cleared(with_modem: Callable[..., None]) -> None:
    def body(board: QmiBoard, modem: Modem) -> None:
        first = board.bearer()
        first.start(1)
        board.until(BearerUp)
        first.abandon()
        second = board.bearer()
        assert second.adopt(2)
        assert board.until(BearerUp).dial == 2
        second.stop(2)
        board.until(BearerDown)
        assert modem.clients == []
        third = board.bearer(addressing=Addressing.DHCP)
        board.behaves(hang="udhcpc")
        third.start(3)
        board.until_step(Step.LEASE)
        third.abandon()
        assert modem.clients == [1]
        assert not board.bearer().adopt(4)
        assert modem.clients == []

    with_modem(body, "qmi-raw-ip")


def test_without_an_at_port_the_real_answers_tell_card_and_registration(with_modem: Callable[..., None]) -> None:
    def body(board: QmiBoard, modem: Modem) -> None:
        board.radio = None
        bearer = board.bearer()
        cases = {
            "sim=absent": Reason.SIM_MISSING,
            "sim=pin": Reason.SIM_PIN,
            "cereg=3 cgreg=3 creg=3": Reason.REGISTRATION_DENIED,
        }
        for dial, (fault, reason) in enumerate(cases.items()):
            modem.does(f"faults qmi-raw-ip {fault}")
            bearer.start(dial)
            assert board.until(BearerFailed).reason is reason
            board.until(BearerDown)

    with_modem(body, "qmi-raw-ip")
