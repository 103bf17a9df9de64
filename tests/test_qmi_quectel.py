"""The QMI bearer by quectel-CM: the user's own two transcripts, replayed; the real program is in no package."""

import signal
from pathlib import Path

import pytest

from pppgen.config import QmiBackend
from pppgen.model import Reason
from pppgen.reports import BearerDown, BearerFailed, BearerNeedsRepair, BearerUp, Step
from tests.fakes.namespace import needs_namespaces
from tests.fakes.qmi_board import OnBoard, QmiBoard, on_board

__all__ = ["on_board"]
pytestmark = needs_namespaces

TRANSCRIPTS = Path(__file__).parent / "fixtures/diagnose"
BG96 = (TRANSCRIPTS / "user-qmi-bg96.log").read_text()
EC25 = (TRANSCRIPTS / "user-qmi-ec25.log").read_text()
STARTED = BG96.partition("udhcpc: sending discover")[0]
LEASED = STARTED + "udhcpc: lease of 10.0.0.2 obtained, lease time 7200\n!address\n"
REFUSED = """\
call_end_reason_type is 6
call_end_reason_verbose is 27
requestSetupDataCall QMUXResult = 0x1, QMUXError = 0xe
"""


def says(board: QmiBoard, words: str) -> None:
    (board.modem / "transcript").write_text(words)


@pytest.mark.parametrize("transcript", [BG96, EC25], ids=["bg96-1.5.9", "ec25-1.6.0.12"])
def test_the_user_s_failure_is_named_repaired_and_cured_in_the_same_call(on_board: OnBoard, transcript: str) -> None:
    def body(board: QmiBoard) -> None:
        board.raw_ip.write_text("N\n")
        says(board, transcript)
        bearer = board.bearer(backend=QmiBackend.QUECTEL_CM)
        bearer.start(1)
        asked = board.until(BearerNeedsRepair)
        assert (asked.reason, asked.step) == (Reason.RAW_IP_MISMATCH, Step.LEASE)
        bearer.repair(1, asked.reason)
        assert board.until(BearerUp).lease.dns == ("8.8.8.8", "8.8.4.4")
        assert len(board.calls_of("quectel-CM -i wwan0 -s super")) == 1
        bearer.stop(1)
        assert board.until(BearerDown).leftover == ()
        board.nothing_is_left()

    on_board(body)


def test_with_the_right_framing_the_silence_is_dhcp_s(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.raw_ip.unlink()
        says(board, BG96)
        board.bearer(backend=QmiBackend.QUECTEL_CM).start(1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (Reason.NO_DHCP_LEASE, Step.LEASE)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_lease_of_its_own_carries_traffic_and_its_end_is_heard(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        says(board, LEASED)
        bearer = board.bearer(backend=QmiBackend.QUECTEL_CM)
        bearer.start(1)
        lease = board.until(BearerUp).lease
        assert (lease.address, lease.prefix) == ("10.0.0.2", 30)
        board.signal(signal.SIGUSR1)
        assert board.until(BearerFailed).reason is Reason.LINK_DROPPED
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_it_is_adopted_like_any_other_call(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        says(board, LEASED)
        first = board.bearer(backend=QmiBackend.QUECTEL_CM)
        first.start(1)
        board.until(BearerUp)
        first.abandon()
        second = board.bearer(backend=QmiBackend.QUECTEL_CM)
        assert second.adopt(2)
        assert board.until(BearerUp).dial == 2
        second.stop(2)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


@pytest.mark.parametrize(
    ("words", "reason", "step"),
    [
        ("requestGetSIMStatus SIMStatus: SIM_ABSENT\n", Reason.SIM_MISSING, Step.SIM),
        ("requestGetSIMStatus SIMStatus: SIM_PIN\n", Reason.SIM_PIN, Step.SIM),
        (
            REFUSED,
            Reason.APN_REJECTED,
            Step.CALL,
        ),
        ("Failed to open /dev/cdc-wdm0, errno: 16 (Device or resource busy)\n", Reason.PORT_BUSY, Step.CALL),
    ],
)
def test_what_it_complains_of_is_the_reason(on_board: OnBoard, words: str, reason: Reason, step: Step) -> None:
    def body(board: QmiBoard) -> None:
        says(board, words)
        board.bearer(backend=QmiBackend.QUECTEL_CM).start(1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (reason, step)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_one_that_makes_no_call_is_given_up_and_one_that_is_missing_is_said_to_be(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        says(board, "[07-01_01:00:31:926] Quectel_QConnectManager_Linux_V1.5.9\n")
        bearer = board.bearer(backend=QmiBackend.QUECTEL_CM, call_s=1.0)
        bearer.start(1)
        assert board.until(BearerFailed).reason is Reason.QMI_TIMEOUT
        board.until(BearerDown)
        (board.modem / "quectel-CM").unlink()
        bearer.start(2)
        assert board.until(BearerFailed).reason is Reason.PROGRAM_MISSING
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)
