"""What becomes of a QMI call's lease while the link stands: renewed, changed, lost, its keeper or supervisor gone."""

import shutil
import signal
from pathlib import Path

import pytest

from pppgen.bearers.carry import Wishes
from pppgen.bearers.dhcp import LOG
from pppgen.config import Addressing
from pppgen.health import Rules
from pppgen.model import Reason
from pppgen.reports import BearerDown, BearerFailed, BearerLeased, BearerUp, Step
from tests.fakes.link_board import PATIENCE_S
from tests.fakes.namespace import needs_namespaces
from tests.fakes.qmi_board import OnBoard, QmiBoard, on_board

__all__ = ["on_board"]
pytestmark = needs_namespaces


def up_by_dhcp(board: QmiBoard, **behaviour: str) -> None:
    """Have a link whose address came by DHCP, as dial 1."""
    board.behaves(**behaviour)
    board.made = board.bearer(addressing=Addressing.DHCP)
    board.made.start(1)
    assert board.until(BearerUp).lease.address == "10.0.0.2"


def ends_tidily(board: QmiBoard, dial: int = 1) -> None:
    board.made.stop(dial)
    assert board.until(BearerDown).leftover == ()
    board.nothing_is_left()


def test_a_lease_is_kept_by_a_udhcpc_that_ends_with_the_call(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        up_by_dhcp(board)
        board.signal_udhcpc(signal.SIGUSR1)
        board.until_said("udhcpc: renew 10.0.0.2")
        assert len(board.calls_of("udhcpc")) == 1
        ends_tidily(board)
        assert sum(isinstance(report, BearerLeased) for report in board.seen) == 1, "the same lease is no news"

    on_board(body)


def test_a_renewal_with_another_address_and_other_servers_is_followed(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        up_by_dhcp(board)
        board.behaves(renewal="10.0.0.6", dns="9.9.9.9")
        board.signal_udhcpc(signal.SIGUSR1)
        lease = board.until(BearerLeased).lease
        assert (lease.address, lease.dns, lease.mtu) == ("10.0.0.6", ("9.9.9.9", "8.8.4.4"), 1430)
        assert "10.0.0.6/30" in board.addresses
        assert "10.0.0.2" not in board.addresses
        assert "nameserver 9.9.9.9" in board.resolv
        assert "nameserver 8.8.8.8" not in board.resolv
        assert board.note.lease == lease
        ends_tidily(board)

    on_board(body)


def test_the_new_name_servers_are_asked_whether_packets_come_back(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(dns="192.0.2.9")  # nobody there; the far end has 8.8.8.8
        wishes = Wishes(rules=Rules(PATIENCE_S, counters_prove=False))
        board.made = board.bearer(wishes, addressing=Addressing.DHCP)
        board.made.start(1)
        board.until_step(Step.TRAFFIC)
        board.behaves(dns="8.8.8.8")
        board.signal_udhcpc(signal.SIGUSR1)
        assert board.until(BearerUp).lease.dns[0] == "8.8.8.8"
        ends_tidily(board)

    on_board(body)


def test_a_lease_that_is_not_given_again_ends_the_link_with_its_reason(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        up_by_dhcp(board, framing="raw-ip")
        board.behaves(renewal="none")
        board.signal_udhcpc(signal.SIGUSR1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (Reason.NO_DHCP_LEASE, Step.LEASE)
        assert failed.evidence[0] == "the DHCP lease was lost"
        assert board.until(BearerDown).leftover == ()
        board.nothing_is_left()

    on_board(body)


def test_a_lease_that_had_worked_may_be_asked_for_again(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        up_by_dhcp(board)
        board.behaves(renewal="none")
        board.signal_udhcpc(signal.SIGUSR1)
        board.until(BearerDown)
        told: list[bool] = []
        board.made.look(told.append)
        while not told:
            pass
        assert told == [True]

    on_board(body)


def test_a_udhcpc_that_is_killed_is_started_anew_once(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        up_by_dhcp(board)
        first = board.note.dhcp
        board.signal_udhcpc(signal.SIGUSR2)
        board.until_said("udhcpc: bound 10.0.0.2")
        assert board.note.dhcp not in {None, first}
        board.signal_udhcpc(signal.SIGKILL)
        failed = board.until(BearerFailed)
        assert failed.reason is Reason.PROGRAM_KILLED
        assert "again and again" in failed.evidence[0]
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_the_next_supervisor_hears_of_the_renewal_that_nobody_heard(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        up_by_dhcp(board)
        board.made.abandon()
        board.behaves(renewal="10.0.0.6")
        board.signal_udhcpc(signal.SIGUSR1)
        log = board.folder / "run" / LOG
        while "ip=10.0.0.6" not in log.read_text():
            pass
        board.made = board.bearer(addressing=Addressing.DHCP)
        assert board.made.adopt(2)
        while board.until(BearerLeased).lease.address != "10.0.0.6":
            pass
        assert "10.0.0.6/30" in board.addresses
        assert len(board.calls_of("udhcpc")) == 1
        ends_tidily(board, 2)

    on_board(body)


def test_the_next_supervisor_replaces_a_udhcpc_that_died_meanwhile(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        up_by_dhcp(board)
        first = board.note.dhcp
        board.made.abandon()
        board.signal_udhcpc(signal.SIGKILL)
        board.made = board.bearer(addressing=Addressing.DHCP)
        assert board.made.adopt(2)
        board.until_said("udhcpc: bound 10.0.0.2")
        assert board.note.dhcp not in {None, first}
        ends_tidily(board, 2)

    on_board(body)


def test_a_udhcpc_whose_words_are_gone_is_replaced_too(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        up_by_dhcp(board)
        first = board.note.dhcp
        board.made.abandon()
        (board.folder / "run" / LOG).unlink()
        board.made = board.bearer(addressing=Addressing.DHCP)
        assert board.made.adopt(2)
        board.until_said("udhcpc: bound 10.0.0.2")
        assert board.note.dhcp not in {None, first}
        ends_tidily(board, 2)

    on_board(body)


def test_a_call_whose_words_are_gone_is_cleared_and_not_adopted(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        up_by_dhcp(board)
        board.made.abandon()
        (board.folder / "run/qmi-call.log").unlink()
        assert not board.bearer(addressing=Addressing.DHCP).adopt(2)
        board.nothing_is_left()

    on_board(body)


def test_a_udhcpc_that_a_killed_supervisor_left_without_a_lease_is_ended(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(hang="-T 1")
        first = board.bearer(addressing=Addressing.DHCP)
        first.start(1)
        board.until_said("asking by DHCP")
        while not board.calls_of("udhcpc"):
            pass
        first.abandon()
        board.behaves()
        assert not board.bearer().adopt(2)
        board.nothing_is_left()

    on_board(body)


def test_the_modem_s_word_that_its_call_has_another_address_is_followed(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.made = board.bearer()
        board.made.start(1)
        board.until(BearerUp)
        board.behaves(address="10.0.0.6", news="reconfigured")
        board.signal(signal.SIGUSR1)
        assert board.until(BearerLeased).lease.address == "10.0.0.6"
        assert "10.0.0.6/30" in board.addresses
        ends_tidily(board)

    on_board(body)


def test_a_modem_that_does_not_tell_the_other_address_keeps_its_link(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.made = board.bearer(answer_s=3.0)
        board.made.start(1)
        board.until(BearerUp)
        board.behaves(hang="--wds-get-current-settings", news="reconfigured")
        board.signal(signal.SIGUSR1)
        board.until_said("the other address stays unknown: --wds-get-current-settings: no answer within 3 s")
        board.behaves()
        ends_tidily(board)

    on_board(body)


def test_with_dhcp_another_address_is_asked_for_there(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        up_by_dhcp(board)
        board.behaves(renewal="10.0.0.6", news="reconfigured")
        board.signal(signal.SIGUSR1)
        assert board.until(BearerLeased).lease.address == "10.0.0.6"
        assert not board.calls_of("current-settings")
        ends_tidily(board)

    on_board(body)


UDHCPD = """interface wwan0p
start 10.0.0.2
end 10.0.0.2
max_leases 1
min_lease 20
lease_file {folder}/leases
pidfile {folder}/pid
opt subnet 255.255.255.252
opt router 10.0.0.1
opt dns 8.8.8.8
opt lease 40
"""


@pytest.mark.skipif(not shutil.which("udhcpc"), reason="needs udhcpc: sudo apt-get install udhcpc")
@pytest.mark.skipif(not shutil.which("busybox"), reason="needs udhcpd: sudo apt-get install busybox")
def test_the_real_udhcpc_keeps_a_lease_of_a_real_server(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        (board.modem / "udhcpc").write_text('#!/bin/sh\nexec udhcpc "$@"\n')
        config = board.folder / "udhcpd.conf"
        config.write_text(UDHCPD.format(folder=board.folder))
        (board.folder / "leases").touch()
        board.operator.do("ip addr add 10.0.0.1/30 dev wwan0p")
        board.operator.do(f"busybox udhcpd -S {config}")
        try:
            up_by_dhcp(board)
            board.signal_udhcpc(signal.SIGUSR1)
            board.until_said("udhcpc: renew 10.0.0.2")
            ends_tidily(board)
        finally:
            board.operator.do(f"kill {Path(board.folder / 'pid').read_text().strip()}")

    on_board(body)
