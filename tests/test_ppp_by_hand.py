"""A supervisor that starts beside a pppd of which no note tells: `pon` by hand, or one that was left without a note."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pppgen.bearers import standing
from pppgen.model import Reason
from pppgen.reports import BearerDown, BearerFailed, BearerUp
from pppgen.system.routes import Routes
from pppgen.system.spawn import start_time
from tests.fakes.namespace import do, needs_namespaces
from tests.fakes.ppp_board import Board, OnBoard, on_board

__all__ = ["on_board"]
pytestmark = needs_namespaces

# What pon's pppd does: it is there before pppgen, its words go to the system's log.
BY_HAND = ("call", "provider")


@contextmanager
def dialled(board: Board, *words: str, up: bool = True) -> Iterator[int]:
    """Have a pppd that nobody wrote down, holding ttyUSB2; its pid."""
    board.says("!up\n!hold\n!exit 16\n" if up else "!hold\n!exit 16\n")
    argv = [str(board.pppd), *words, board.ports[0].device]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as pppd:
        (board.folder / "lock/LCK..ttyUSB2").write_text(f"{pppd.pid:>10}\n")
        (board.folder / "ppp-pppgen-provider.pid").write_text(f"{pppd.pid}\nppp0\n")
        (board.folder / "ppp0.pid").write_text(f"{pppd.pid}\n")
        while not board.called or (up and "100.64.12.89" not in do("ip addr show up")):
            pass
        try:
            yield pppd.pid
        finally:
            pppd.kill()
            for lock in (board.folder / "lock").iterdir():
                lock.unlink()


def test_a_link_that_was_made_by_hand_is_taken_over(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        with dialled(board, *BY_HAND) as pid:
            bearer = board.bearer()
            assert bearer.adopt(1)
            up = board.until(BearerUp)
            assert (up.lease.address, up.lease.interface, up.lease.dns) == ("100.64.12.89", "ppp0", ())
            left = standing.read(board.folder / "run/ppp.json")
            assert left is not None
            assert (left.mark.pid, left.device) == (pid, board.ports[0].device)
            with Routes() as routes:
                assert [route.interface for route in routes.defaults() if route.ours] == ["ppp0"]
            bearer.stop(1)
            assert board.until(BearerDown).leftover == ()
        board.nothing_is_left()

    on_board(body)


def test_the_end_of_such_a_link_is_noticed(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        with dialled(board, *BY_HAND) as pid:
            assert board.bearer().adopt(1)
            board.until(BearerUp)
            os.kill(pid, signal.SIGUSR1)
            # The test is pppd's parent; to anybody else it would just be gone.
            assert board.until(BearerFailed).reason in {Reason.PEER_HANGUP, Reason.LINK_DROPPED}
            board.until(BearerDown)

    on_board(body)


def test_it_is_let_go_and_adopted_like_any_other(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        with dialled(board, *BY_HAND):
            first = board.bearer()
            assert first.adopt(1)
            board.until(BearerUp)
            first.abandon()
            second = board.bearer()
            assert second.adopt(2)
            assert board.until(BearerUp).dial == 2
            second.stop(2)
            board.until(BearerDown)

    on_board(body)


@pytest.mark.parametrize(
    ("words", "up"),
    [
        (BY_HAND, False),
        ((*BY_HAND, "nodetach", "ipparam", "nm-pppgen-service-provider"), True),
    ],
    ids=["still dialling", "a killed supervisor's, whose name servers nobody knows"],
)
def test_what_has_no_link_to_take_over_is_ended(on_board: OnBoard, *, words: tuple[str, ...], up: bool) -> None:
    def body(board: Board) -> None:
        with dialled(board, *words, up=up) as pid:
            assert not board.bearer().adopt(1)
            assert start_time(pid) is None
        board.nothing_is_left()

    on_board(body)


@pytest.mark.parametrize(
    ("words", "locked"),
    [(("call", "vpn"), True), (("call", "providers"), True), (BY_HAND, False)],
    ids=["another provider", "a longer name", "another modem's port"],
)
def test_anybody_else_s_pppd_is_left_alone(on_board: OnBoard, *, words: tuple[str, ...], locked: bool) -> None:
    def body(board: Board) -> None:
        with dialled(board, *words) as pid:
            if not locked:
                (board.folder / "lock/LCK..ttyUSB2").rename(board.folder / "lock/LCK..ttyUSB9")
            assert not board.bearer().adopt(1)
            assert start_time(pid) is not None

    on_board(body)
