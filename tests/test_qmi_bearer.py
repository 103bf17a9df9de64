"""The QMI bearer from `start` to `BearerDown`: programs that replay qmicli's words, packets on a real kernel."""

import queue
import signal

import pytest

from pppgen.bearers import qmi_note
from pppgen.bearers.carry import Wishes
from pppgen.bearers.qmi import QmiBearer
from pppgen.bearers.radio import Sky
from pppgen.config import Addressing, QmiBackend
from pppgen.health import Rules
from pppgen.model import BearerKind, Reason
from pppgen.reports import BearerDegraded, BearerDown, BearerFailed, BearerLeased, BearerNeedsRepair, BearerUp, Step
from pppgen.system.routes import Routes
from tests.fakes.namespace import do, needs_namespaces
from tests.fakes.qmi_board import OnBoard, QmiBoard, on_board

__all__ = ["on_board"]
pytestmark = needs_namespaces

# Nobody answers behind these: the far end has 8.8.8.8 only.
SILENT = Wishes(targets=("192.0.2.1",), manage_dns=False, rules=Rules(1.0, counters_prove=False))
NEVER_ENDING = Wishes(targets=("192.0.2.1",), rules=Rules(1000.0, counters_prove=False))


def test_up_means_that_packets_came_back_and_down_that_nothing_is_left(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        bearer = board.bearer()
        bearer.start(7)
        up = board.until(BearerUp)
        assert (up.dial, up.kind, up.port) == (7, BearerKind.QMI, "")
        lease = up.lease
        assert (lease.address, lease.prefix, lease.interface) == ("10.0.0.2", 30, "wwan0")
        assert (lease.dns, lease.mtu, lease.gateway) == (("8.8.8.8", "8.8.4.4"), 1430, "")
        assert board.steps == [
            Step.DEVICE, Step.SIM, Step.REGISTRATION, Step.FRAMING, Step.CALL, Step.LEASE, Step.ROUTE, Step.DNS,
            Step.TRAFFIC,
        ]  # fmt: skip
        with Routes() as routes:
            assert [(route.interface, route.metric) for route in routes.defaults()] == [("wlan0", 600), ("wwan0", 700)]
        assert "10.0.0.2/30" in board.addresses
        assert "mtu 1430" in do("ip link show dev wwan0")
        assert "nameserver 8.8.8.8" in board.resolv
        assert board.clients == ["20"]
        bearer.stop(6)
        bearer.stop(7)
        assert board.until(BearerDown) == BearerDown(7, BearerKind.QMI)
        assert not any(isinstance(report, BearerFailed) for report in board.seen)
        board.nothing_is_left()

    on_board(body)


def test_the_call_takes_its_own_client_id_and_carries_no_secret(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        bearer = board.bearer(profile=3)
        bearer.start(1)
        board.until(BearerUp)
        bearer.stop(1)
        board.until(BearerDown)
        words = [call.split() for call in board.calls]
        assert all("--device-open-proxy" in call for call in words if call[0] == "qmicli")
        called = [call[-1] for call in words]
        assert called == [
            "--wda-get-data-format", "--wds-start-network=3gpp-profile=3,ip-type=4",
            "--wds-get-current-settings", "--wds-stop-network=2264423824",
        ]  # fmt: skip

    on_board(body)


def test_a_framing_mismatch_is_repaired_before_the_network_is_asked_for_anything(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.raw_ip.write_text("N\n")
        bearer = board.bearer()
        bearer.start(1)
        asked = board.until(BearerNeedsRepair)
        assert (asked.reason, asked.step) == (Reason.RAW_IP_MISMATCH, Step.FRAMING)
        assert asked.evidence == ("the modem speaks raw-ip, the kernel expects 802.3 on wwan0",)
        assert not board.calls_of("start-network")
        assert board.clients == []
        bearer.repair(9, asked.reason)
        bearer.repair(1, asked.reason)
        board.until(BearerUp)
        assert board.raw_ip.read_text() == "Y\n"
        bearer.stop(1)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_repair_that_nobody_allows_ends_without_a_call(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.raw_ip.write_text("N\n")
        bearer = board.bearer()
        bearer.start(1)
        board.until(BearerNeedsRepair)
        bearer.stop(1)
        board.until(BearerDown)
        assert not board.calls_of("start-network")
        assert board.raw_ip.read_text() == "N\n"
        board.nothing_is_left()

    on_board(body)


def test_a_driver_that_refuses_raw_ip_is_said_to(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.raw_ip.write_text("N\n")
        bearer = board.bearer()
        bearer.start(1)
        reason = board.until(BearerNeedsRepair).reason
        board.raw_ip.unlink()
        board.raw_ip.mkdir()
        bearer.repair(1, reason)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (Reason.RAW_IP_MISMATCH, Step.FRAMING)
        assert "raw_ip could not be written" in failed.evidence[-1]
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_modem_that_does_not_tell_its_framing_is_found_out_by_dhcp_and_repaired_in_the_same_call(
    on_board: OnBoard,
) -> None:
    def body(board: QmiBoard) -> None:
        board.raw_ip.write_text("N\n")
        board.behaves(framing="unsupported")
        bearer = board.bearer()
        bearer.start(1)
        asked = board.until(BearerNeedsRepair)
        assert (asked.reason, asked.step) == (Reason.RAW_IP_MISMATCH, Step.LEASE)
        assert "does not tell its framing" in asked.evidence[0]
        bearer.repair(1, asked.reason)
        assert board.until(BearerUp).lease.dns == ("8.8.8.8", "8.8.4.4")
        assert len(board.calls_of("start-network")) == 1
        bearer.stop(1)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


@pytest.mark.parametrize(
    ("modem", "reason", "step", "word"),
    [
        ({"call": "refused"}, Reason.APN_REJECTED, Step.CALL, "unknown-apn"),
        ({"call": "no-effect"}, Reason.QMI_NO_EFFECT, Step.CALL, "NoEffect"),
        ({"dhcp": "silent"}, Reason.NO_DHCP_LEASE, Step.LEASE, "unanswered on wwan0 (in the right framing, the call"),
        ({"dhcp": "nak"}, Reason.NO_DHCP_LEASE, Step.LEASE, "NAK"),
        ({"dhcp": "link-local"}, Reason.NO_DHCP_LEASE, Step.LEASE, "169.254"),
        ({"dhcp": "silent", "status": "disconnected"}, Reason.QMI_CALL_FAILED, Step.LEASE, "no data call any more"),
    ],
)
def test_a_start_that_fails_names_reason_step_and_proof_and_leaves_nothing(
    on_board: OnBoard, modem: dict[str, str], reason: Reason, step: Step, word: str
) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(**modem)
        board.bearer(addressing=Addressing.DHCP).start(3)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (reason, step)
        assert any(word in line for line in failed.evidence), failed.evidence
        assert failed.steps[-1].step is step
        assert board.until(BearerDown).leftover == ()
        board.nothing_is_left(reason)

    on_board(body)


def test_where_dhcp_stays_silent_the_modem_s_own_word_is_taken_and_the_other_way_round(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(framing="unsupported", dhcp="nak")
        bearer = board.bearer()
        bearer.start(1)
        assert board.until(BearerUp).lease.address == "10.0.0.2"
        bearer.stop(1)
        board.until(BearerDown)
        board.behaves(address="none")
        bearer.start(2)
        assert board.until(BearerUp).lease.address == "10.0.0.2"
        bearer.stop(2)
        board.until(BearerDown)
        assert len(board.calls_of("udhcpc -f -n -t 3 -T 1 -i wwan0 -s ")) == 2
        board.nothing_is_left()

    on_board(body)


def test_with_ethernet_framing_the_gateway_stands_in_the_route(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.raw_ip.write_text("N\n")
        board.behaves(framing="802.3", truth="802.3")
        bearer = board.bearer(addressing=Addressing.DHCP)
        bearer.start(1)
        assert board.until(BearerUp).lease.gateway == "10.0.0.1"
        assert "default via 10.0.0.1 dev wwan0" in do("ip route")
        bearer.stop(1)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_hardware_address_that_the_driver_takes_for_an_ip_packet_is_changed(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.raw_ip.write_text("N\n")
        board.behaves(framing="802.3", truth="802.3")
        do("ip link set wwan0 up address 6a:d0:21:6d:12:f7")
        board.made = board.bearer()
        board.made.start(1)
        board.until(BearerUp)
        assert "2a:d0:21:6d:12:f7" in do("ip link show dev wwan0")
        assert "wwan0 has 2a:d0:21:6d:12:f7 now" in board.notes
        board.made.stop(1)
        assert board.until(BearerDown).leftover == ()
        board.nothing_is_left()

    on_board(body)


@pytest.mark.parametrize(
    ("word", "step", "call_s"),
    [("--wda-get", Step.FRAMING, 30.0), ("--wds-start", Step.CALL, 30.0), ("--wds-get-current", Step.LEASE, 30.0)],
)
def test_a_hanging_qmicli_is_ended_counted_and_the_modem_is_freed_another_way(
    on_board: OnBoard, word: str, step: Step, call_s: float
) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(hang=word)
        board.bearer(call_s=call_s, answer_s=1.0).start(1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (Reason.QMI_TIMEOUT, step)
        assert "no answer within 1 s" in failed.evidence[0]
        board.until(BearerDown)
        assert board.freed == ["freed"]
        assert "AT+CGACT=0,1" in board.notes

    on_board(body)


def test_a_network_that_never_answers_a_call_is_given_up(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(call="never")
        board.bearer(call_s=1.0).start(1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (Reason.QMI_TIMEOUT, Step.CALL)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_client_that_is_not_taken_back_is_owed_and_given_back_at_the_next_start(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(hang="--wds-stop")
        bearer = board.bearer(answer_s=1.0)
        bearer.start(1)
        board.until(BearerUp)
        bearer.stop(1)
        assert board.until(BearerDown).leftover == (f"QMI client 20 of {board.node} could not be given back",)
        assert board.clients == ["20"]
        board.behaves(card="absent")
        board.radio = None
        bearer = board.bearer()
        bearer.start(2)
        board.until(BearerDown)
        assert board.clients == []
        board.nothing_is_left()

    on_board(body)


def test_a_call_that_comes_next_has_the_modem_asked_ahead(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.bearer().prepare()
        assert board.radio is not None
        assert board.radio.looked_ahead == 1
        board.radio = None
        board.bearer().prepare()
        assert board.calls == [], "nothing of QMI's is asked while PPP may hold the modem"

    on_board(body)


def test_the_network_s_word_that_the_call_is_over_comes_at_once_with_its_reason(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.bearer().start(1)
        board.until(BearerUp)
        board.signal(signal.SIGUSR1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (Reason.LINK_DROPPED, Step.TRAFFIC)
        assert any("disconnected" in line for line in failed.evidence)
        assert any("'36'" in line for line in failed.evidence)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGUSR2])
def test_a_program_that_dies_under_its_call_is_told_from_a_call_that_ends(
    on_board: OnBoard, number: signal.Signals
) -> None:
    def body(board: QmiBoard) -> None:
        board.bearer().start(1)
        board.until(BearerUp)
        board.signal(number)
        assert board.until(BearerFailed).reason is Reason.PROGRAM_KILLED
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_an_unplugged_modem_is_told_from_one_that_has_no_qmi(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        there = board.device
        bearer = board.bearer()
        assert there is not None
        board.device = None
        bearer.start(1)
        assert board.until(BearerFailed).reason is Reason.USB_DISCONNECT
        board.until(BearerDown)
        board.device = type(there)("1-1.4", "2c7c", "0296", ())
        bearer.start(2)
        assert board.until(BearerFailed).reason is Reason.QMI_DEVICE_MISSING
        board.until(BearerDown)
        board.device = there
        bearer.start(3)
        board.until(BearerUp)
        board.node.unlink()
        do("ip link del wwan0")
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.evidence[-1]) == (Reason.USB_DISCONNECT, f"{board.node} is gone")
        board.until(BearerDown)
        assert "nameserver 8.8" not in board.resolv

    on_board(body)


@pytest.mark.parametrize(
    ("modem", "reason", "step"),
    [
        ({"card": "absent"}, Reason.SIM_MISSING, Step.SIM),
        ({"card": "pin"}, Reason.SIM_PIN, Step.SIM),
        ({"registration": "registration-denied"}, Reason.REGISTRATION_DENIED, Step.REGISTRATION),
        ({"registration": "not-registered-searching"}, Reason.NOT_REGISTERED, Step.REGISTRATION),
    ],
)
def test_without_an_at_port_qmi_itself_says_what_makes_a_call_vain(
    on_board: OnBoard, modem: dict[str, str], reason: Reason, step: Step
) -> None:
    def body(board: QmiBoard) -> None:
        board.radio = None
        board.behaves(**modem)
        board.bearer().start(1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (reason, step)
        board.until(BearerDown)
        assert not board.calls_of("start-network")
        board.nothing_is_left()

    on_board(body)


def test_a_call_that_cannot_succeed_is_not_made(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        assert board.radio is not None
        board.radio.before = Sky(lost=Reason.SIM_PIN, evidence=("+CPIN: SIM PIN",))
        board.bearer().start(1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step, failed.evidence) == (Reason.SIM_PIN, Step.SIM, ("+CPIN: SIM PIN",))
        board.until(BearerDown)
        assert board.calls == []

    on_board(body)


def test_silence_is_waited_for_until_patience_ends_and_then_explained(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(dns="192.0.2.53")
        bearer = board.bearer(SILENT)
        bearer.start(1)
        degraded = board.until(BearerDegraded)
        assert degraded.reason is Reason.CARRIER_SILENT
        assert "the call stands, but nothing came back" in degraded.evidence[-1]
        bearer.stop(1)
        board.until(BearerDown)
        assert not any(isinstance(report, BearerUp | BearerFailed) for report in board.seen)
        board.nothing_is_left()

    on_board(body)


def test_a_silence_whose_call_is_gone_is_the_call_s(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(status="disconnected", dns="192.0.2.53")
        board.bearer(SILENT).start(1)
        assert board.until(BearerFailed).reason is Reason.QMI_CALL_FAILED
        board.until(BearerDown)

    on_board(body)


@pytest.mark.parametrize(
    ("modem", "reached"),
    [
        ({"hang": "--wda-get"}, Step.FRAMING),
        ({"call": "never"}, Step.CALL),
        ({"hang": "udhcpc", "address": "none"}, Step.LEASE),
        ({}, Step.TRAFFIC),
    ],
)
def test_a_start_in_progress_is_ended_at_any_step(on_board: OnBoard, modem: dict[str, str], reached: Step) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(**modem)
        bearer = board.bearer(NEVER_ENDING)
        bearer.start(1)
        board.until_step(reached)
        bearer.stop(1)
        bearer.stop(1)
        assert board.until(BearerDown).leftover == ()
        assert not any(isinstance(report, BearerFailed) for report in board.seen)
        board.nothing_is_left()

    on_board(body)


def test_a_link_outlives_its_supervisor_and_the_next_one_adopts_it(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        first = board.bearer()
        first.start(1)
        lease = board.until(BearerUp).lease
        first.abandon()
        with Routes() as routes:
            assert [route.interface for route in routes.defaults()] == ["wlan0", "wwan0"]
        second = board.bearer()
        assert second.adopt(2)
        up = board.until(BearerUp)
        assert (up.dial, up.lease) == (2, lease)
        assert len(board.calls_of("start-network")) == 1
        second.stop(2)
        assert board.until(BearerDown).leftover == ()
        board.nothing_is_left()

    on_board(body)


def test_a_call_that_ended_while_no_supervisor_ran_is_not_believed(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        first = board.bearer()
        first.start(1)
        board.until(BearerUp)
        first.abandon()
        board.signal(signal.SIGUSR1)
        log = board.folder / "run/qmi-call.log"
        while "disconnected" not in log.read_text():
            pass
        assert board.bearer().adopt(2)
        assert board.until(BearerFailed).reason is Reason.LINK_DROPPED
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_start_that_a_killed_supervisor_left_is_cleared(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(call="never")
        first = board.bearer()
        first.start(1)
        board.until_step(Step.CALL)
        while not board.calls_of("start-network"):
            pass
        first.abandon()
        assert board.clients == ["20"]
        assert not board.bearer().adopt(2)
        do("ip link set wwan0 down")
        board.nothing_is_left()

    on_board(body)


def test_a_client_id_that_came_when_the_supervisor_was_killed_stands_in_the_call_s_log(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        run = board.folder / "run"
        (board.modem / "clients").write_text("20")
        left = qmi_note.Standing(QmiBackend.LIBQMI, str(board.node), qmi_note.inode_of(str(board.node)), "wwan0")
        qmi_note.write(run, left)
        (run / "qmi-call.log").write_text(
            "[22 Nov 2026, 09:29:30] [Debug] [/dev/cdc-wdm0] registered 'wds' (version unknown) client with ID '20'\n"
        )
        assert not board.bearer().adopt(1)
        board.nothing_is_left()

    on_board(body)


@pytest.mark.parametrize("leaves", [False, True], ids=["stopped", "killed"])
def test_a_client_id_that_is_taken_and_not_told_yet_is_waited_for(on_board: OnBoard, *, leaves: bool) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(slow="0.5", call="never")
        bearer = board.bearer()
        bearer.start(1)
        while board.clients != ["20"]:
            pass
        if leaves:
            bearer.abandon()
            assert not board.bearer().adopt(2)
            do("ip link set wwan0 down")
        else:
            bearer.stop(1)
            assert board.until(BearerDown).leftover == ()
        board.nothing_is_left()

    on_board(body)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"mark": 1}', '{"mark": {"pid": "x"}}', '{"interface": "../x"}'])
def test_a_note_that_makes_no_sense_is_none(on_board: OnBoard, damage: str) -> None:
    def body(board: QmiBoard) -> None:
        (board.folder / "run/qmi.json").write_text(damage)
        assert not board.bearer().adopt(1)

    on_board(body)


def test_garbage_from_qmicli_harms_nothing(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(garbage="yes")
        bearer = board.bearer()
        bearer.start(1)
        board.until(BearerUp)
        bearer.stop(1)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_login_that_cannot_be_written_is_no_call(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.bearer(profile=1, login=lambda: "no AT port takes the login").start(1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.evidence) == (Reason.AUTH_FAILED, ("no AT port takes the login",))
        board.until(BearerDown)
        assert not board.calls_of("start-network")

    on_board(body)


def test_a_fault_of_our_own_is_reported_and_does_not_leave_the_supervisor_waiting(
    on_board: OnBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> str:
        raise RuntimeError("planted")

    def body(board: QmiBoard) -> None:
        board.bearer(profile=1, login=broken).start(1)
        assert "a fault in pppgen" in board.until(BearerFailed).evidence[0]
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)
    assert "Traceback" in capsys.readouterr().err


def test_a_look_tells_whether_another_start_may_end_otherwise(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

        def promising(bearer: QmiBearer) -> bool:
            bearer.look(answers.put)
            return answers.get(timeout=30)

        bearer = board.bearer(addressing=Addressing.DHCP, answer_s=5.0)
        assert promising(bearer)
        board.behaves(dhcp="silent")
        bearer.start(1)
        board.until(BearerDown)
        assert not promising(bearer), "the same framings, the same silence"
        board.raw_ip.write_text("N\n")
        assert promising(bearer)
        board.behaves(hang="--wda")
        assert not promising(bearer)
        board.device = None
        assert not promising(bearer)

    on_board(body)


def test_a_lease_is_told_before_traffic_proves_it(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        bearer = board.bearer()
        bearer.start(1)
        board.until(BearerLeased)
        assert not any(isinstance(report, BearerUp) for report in board.seen)
        board.until(BearerUp)
        assert bearer.is_quiet() in {True, False}
        bearer.stop(1)
        board.until(BearerDown)

    on_board(body)
