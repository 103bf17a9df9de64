"""The PPP bearer from `start` to `BearerDown`: a pppd that replays words, routes and packets on a real kernel."""

import signal
from pathlib import Path

import pytest

from pppgen.bearers import standing
from pppgen.bearers.carry import Wishes
from pppgen.bearers.endings import LIMITS_S
from pppgen.bearers.radio import Sky
from pppgen.health import Rules
from pppgen.model import BearerKind, Holder, Port, Reason, Signal
from pppgen.reports import (
    BearerDegraded,
    BearerDown,
    BearerFailed,
    BearerLeased,
    BearerProgress,
    BearerReport,
    BearerUp,
    RadioSeen,
    Step,
)
from pppgen.system.routes import Routes
from tests.fakes import pppd_words as words
from tests.fakes.link_board import PROBED, SayingRadio
from tests.fakes.namespace import do, needs_namespaces
from tests.fakes.ppp_board import Board, OnBoard, on_board

__all__ = ["on_board"]
pytestmark = needs_namespaces

HOLD = words.UP + "!up\n!hold\n"
# The interface is there before pppd says that it is.
UP = words.CHAT + words.CONNECTED + words.LCP + "!up\n" + words.IPCP + words.IP_UP


def test_up_means_that_packets_came_back_and_down_that_nothing_is_left(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(UP + "!hold\n")
        bearer = board.bearer()
        bearer.start(7)
        up = board.until(BearerUp)
        assert (up.dial, up.kind, up.port) == (7, BearerKind.PPP, "/dev/pppgen/1-1.4-if02")
        assert (up.lease.address, up.lease.interface, up.lease.dns) == ("100.64.12.89", "ppp0", ("8.8.8.8", "8.8.4.4"))
        assert up.lease.peer == "", "what pppd made up is nobody's address"
        assert board.steps[-3:] == [Step.ROUTE, Step.DNS, Step.TRAFFIC]
        assert [time.step for time in up.steps][-1] is Step.TRAFFIC
        with Routes() as routes:
            assert [(route.interface, route.metric) for route in routes.defaults()] == [("wlan0", 600), ("ppp0", 700)]
        assert "nameserver 8.8.8.8" in board.resolv
        bearer.stop(6)
        bearer.stop(7)
        assert board.until(BearerDown) == BearerDown(7, BearerKind.PPP)
        assert not any(isinstance(report, BearerFailed) for report in board.seen)
        board.nothing_is_left()

    on_board(body)


def test_pppd_is_called_so_that_poff_finds_it_and_the_lock_is_the_real_one(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(words.CHAT + "Failed (NO CARRIER)\nConnect script failed\n!exit 8\n")
        board.ports = board.ports[:1]
        board.bearer().start(1)
        board.until(BearerDown)
        call = board.calls[0].split()
        assert call[:4] == ["call", "provider", "nodetach", "nodefaultroute"]
        assert call[call.index("ipparam") + 1] == "nm-pppgen-service-provider"
        assert call[-1] == board.ports[0].device

    on_board(body)


@pytest.mark.parametrize(
    ("script", "reason", "step"),
    [
        (words.CHAT + "Failed (NO CARRIER)\nConnect script failed\n!exit 8\n", Reason.NO_CARRIER, Step.CHAT),
        (
            words.CHAT + words.CONNECTED + "LCP: timeout sending Config-Requests\n" + words.HUNG_UP + "!exit 16\n",
            Reason.LCP_TIMEOUT,
            Step.LCP,
        ),
        (
            words.CHAT + words.CONNECTED + words.LCP_WITH_CHAP + words.CHAP_SUCCESS + words.TERMINATED
            + "!deaf\n!seconds 3\n" + words.HUNG_UP + "!exit 16\n",
            Reason.APN_REJECTED,
            Step.IPCP,
        ),
        ("Device ttyUSB2 is locked by pid 4711\n!exit 6\n", Reason.PORT_BUSY, Step.PORT_OPEN),
        ("!exit 4\n", Reason.KERNEL_NO_PPP, Step.PORT_OPEN),
    ],
)  # fmt: skip
def test_a_dial_that_fails_names_reason_and_step_and_leaves_nothing(
    on_board: OnBoard, script: str, reason: Reason, step: Step
) -> None:
    def body(board: Board) -> None:
        board.says(script)
        board.ports = board.ports[:1]
        board.bearer().start(3)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (reason, step)
        assert failed.evidence
        assert failed.steps[-1].step is step
        assert board.until(BearerDown).leftover == ()
        board.nothing_is_left()

    on_board(body)


def test_a_stop_that_comes_when_all_is_over_changes_nothing(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says("!exit 4\n")
        bearer = board.bearer()
        bearer.start(1)
        board.until(BearerDown)
        bearer.join()
        bearer.stop(1)
        bearer.abandon()

    on_board(body)


def test_a_dial_that_dies_before_lcp_is_tried_on_the_other_port_within_the_same_start(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.ports.reverse()
        board.says(UP + "!hold\n")
        board.says(words.CHAT + "Failed (NO CARRIER)\nConnect script failed\n!exit 8\n", "ttyUSB3")
        bearer = board.bearer()
        bearer.start(1)
        assert board.until(BearerUp).port == "/dev/pppgen/1-1.4-if02"
        assert "trying the modem's other port" in board.notes
        assert not any(isinstance(report, BearerFailed) for report in board.seen)
        bearer.stop(1)
        board.until(BearerDown)
        assert board.worked == [board.ports[1]], "remembered for the next dial"
        board.nothing_is_left()

    on_board(body)


def test_words_that_were_written_in_time_count_however_late_they_are_read(
    on_board: OnBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS_S, Step.LCP, 0.01)

    def body(board: Board) -> None:
        board.says(
            words.CHAT + words.CONNECTED + "!hold\n" + words.LCP + "!up\n" + words.IPCP + words.IP_UP + "!hold\n"
        )
        log = board.folder / "run/pppd.log"

        def held_up(report: BearerReport) -> None:
            if isinstance(report, BearerProgress) and report.step is Step.LCP:
                board.signal(signal.SIGUSR1)
                while words.IP_UP.splitlines()[-1] not in log.read_text():
                    pass
            board.reports.put(report)

        bearer = board.bearer(put=held_up)
        bearer.start(1)
        board.until(BearerUp)
        bearer.stop(1)
        board.until(BearerDown)

    on_board(body)


def test_without_an_attempt_left_the_other_port_is_not_dialled(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.ports.reverse()
        board.says(UP + "!hold\n")
        board.says(words.CHAT + "Failed (NO CARRIER)\nConnect script failed\n!exit 8\n", "ttyUSB3")
        board.bearer().start(1, again=False)
        assert board.until(BearerFailed).reason is Reason.NO_CARRIER
        assert "the budget has no further attempt" in board.notes
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_port_that_never_dialled_is_no_attempt_so_the_other_one_is_still_tried(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.ports.reverse()
        board.says(UP + "!hold\n")
        board.says("Connect script failed\n!exit 8\n", "ttyUSB3")
        bearer = board.bearer()
        bearer.start(1, again=False)
        assert board.until(BearerUp).port == "/dev/pppgen/1-1.4-if02"
        bearer.stop(1)
        board.until(BearerDown)

    on_board(body)


def test_a_refusal_of_the_network_is_not_tried_again_on_the_other_port(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(words.CHAT + words.CONNECTED + words.LCP_WITH_CHAP + words.TERMINATED + "!exit 16\n")
        board.bearer().start(1)
        assert board.until(BearerFailed).reason is Reason.AUTH_FAILED
        board.until(BearerDown)
        assert len(board.calls) == 1

    on_board(body)


def test_of_two_ports_that_fail_the_one_that_got_further_gives_the_reason(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says("abort on (ERROR)\nsend (AT^M)\nexpect (OK)\nalarm\nFailed\nConnect script failed\n!exit 8\n")
        board.says(words.CHAT + words.CONNECTED + "Serial line is looped back.\n!exit 17\n", "ttyUSB2")
        board.bearer().start(1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (Reason.LOOPBACK, Step.LCP)
        assert len(board.calls) == 2

    on_board(body)


def test_a_modem_that_is_not_there_and_one_that_vanishes_are_told_from_options_refused(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        both = board.ports
        board.ports = []
        bearer = board.bearer()
        bearer.start(1)
        assert board.until(BearerFailed).reason is Reason.USB_DISCONNECT
        board.until(BearerDown)
        board.ports = both[:1]
        board.says(UP + "!hold\nModem hangup\n!exit 16\n")
        bearer.start(2)
        board.until(BearerLeased)
        Path(both[0].device).unlink()
        board.signal(signal.SIGUSR1)
        assert board.until(BearerFailed).reason is Reason.USB_DISCONNECT
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_chat_that_fails_because_its_port_goes_away_is_no_silent_modem(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.ports = board.ports[:1]
        board.says("abort on (ERROR)\nsend (AT^M)\nFailed\nConnect script failed\n!exit 8\n")
        board.bearer().start(1)
        while "Connect script failed" not in board.until(BearerProgress).note:
            pass
        # chat hears of it first, the node goes a moment later.
        Path(board.ports[0].device).unlink()
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step) == (Reason.USB_DISCONNECT, Step.CHAT)
        board.until(BearerDown)

    on_board(body)


def test_nothing_is_sent_to_a_port_that_another_process_holds(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.holder = lambda _: Holder(812, "ModemManager")
        board.bearer().start(1)
        failed = board.until(BearerFailed)
        assert failed.reason is Reason.MODEM_MANAGER_CONFLICT
        assert "812" in failed.evidence[0]
        board.until(BearerDown)
        assert not (board.folder / "calls").exists()

    on_board(body)


def test_a_dial_that_cannot_succeed_is_not_made(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.radio = SayingRadio(before=Sky(lost=Reason.SIM_PIN, evidence=("+CPIN: SIM PIN",)))
        board.bearer().start(1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step, failed.evidence) == (Reason.SIM_PIN, Step.SIM, ("+CPIN: SIM PIN",))
        board.until(BearerDown)
        assert not (board.folder / "calls").exists()

    on_board(body)


def test_what_the_modem_says_after_a_failed_dial_belongs_to_the_reason(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        said = ("+CEER: EMM_CAUSE_PLMN_NOT_ALLOWED", "+CEREG: 0,3")
        board.radio = SayingRadio(after=Sky(lost=Reason.REGISTRATION_DENIED, evidence=said))
        board.ports = board.ports[:1]
        board.says(words.CHAT + "Failed (NO CARRIER)\nConnect script failed\n!exit 8\n")
        board.bearer().start(1)
        failed = board.until(BearerFailed)
        assert failed.reason is Reason.REGISTRATION_DENIED
        assert failed.evidence[-2:] == said
        board.until(BearerDown)

    on_board(body)


# Nobody answers behind these: the operator has 8.8.8.8 only.
SILENT_UP = UP.replace("8.8.8.8", "192.0.2.53").replace("8.8.4.4", "192.0.2.54") + "!hold\n"


def silent(patience_s: float) -> Wishes:
    return Wishes(targets=("192.0.2.1",), rules=Rules(patience_s, counters_prove=False))


def test_silence_is_waited_for_until_patience_ends_and_the_link_left_to_the_policy(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(SILENT_UP)
        bearer = board.bearer(silent(1.5))
        bearer.start(1)
        degraded = board.until(BearerDegraded)
        assert degraded.reason is Reason.CARRIER_SILENT
        assert degraded.evidence[0] == "nothing came back within 1.5 s"
        assert "warming up" in board.notes
        with Routes() as routes:
            assert "ppp0" in [route.interface for route in routes.defaults()], "it may have to be kept"
        bearer.stop(1)
        board.until(BearerDown)
        assert not any(isinstance(report, BearerUp | BearerFailed) for report in board.seen)
        board.nothing_is_left()

    on_board(body)


@pytest.mark.parametrize(("told", "heeded"), [(1430, 1430), (1500, None), (None, None)])
def test_a_path_that_carries_less_than_the_interface_has_its_mtu_on_the_route(
    on_board: OnBoard, told: int | None, heeded: int | None
) -> None:
    def body(board: Board) -> None:
        board.radio = SayingRadio(now=Sky(mtu=told))
        board.says(UP + "!hold\n")
        bearer = board.bearer()
        bearer.start(1)
        board.until(BearerUp)
        if heeded:
            board.until_said("the network's path carries 1430 bytes: default route by ppp0, metric 700")
            assert board.until(BearerLeased).lease.mtu == heeded
        else:
            board.until(RadioSeen)
        with Routes() as routes:
            assert [(route.interface, route.mtu) for route in routes.defaults() if route.ours] == [("ppp0", heeded)]
        bearer.stop(1)
        board.until(BearerDown)
        leases = [report.lease.mtu for report in board.seen if isinstance(report, BearerLeased)]
        assert leases == ([1500, heeded] if heeded else [1500])
        board.nothing_is_left()

    on_board(body)


def test_evidence_that_the_network_is_gone_ends_patience_early(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        said = ("+CEREG: 0,0",)
        board.radio = SayingRadio(now=Sky(Signal(), (), Reason.NOT_REGISTERED, said))
        board.says(SILENT_UP)
        board.bearer(silent(1000.0)).start(1)
        board.until(RadioSeen)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.step, failed.evidence) == (Reason.NOT_REGISTERED, Step.TRAFFIC, said)
        board.until(BearerDown)

    on_board(body)


@pytest.mark.parametrize(
    ("script", "reached"),
    [
        (words.CHAT + "!hold\n", Step.CHAT),
        (words.CHAT + words.CONNECTED + "!hold\n", Step.LCP),
        (words.CHAT + words.CONNECTED + words.LCP + words.IPCP_ASKED + "!hold\n", Step.IPCP),
        (SILENT_UP, Step.TRAFFIC),
    ],
)
def test_a_start_in_progress_is_ended_at_any_step(on_board: OnBoard, script: str, reached: Step) -> None:
    def body(board: Board) -> None:
        board.says(script)
        bearer = board.bearer(silent(1000.0))
        bearer.start(1)
        while board.until(BearerProgress).step is not reached:
            pass
        bearer.stop(1)
        bearer.stop(1)
        assert board.until(BearerDown).leftover == ()
        assert not any(isinstance(report, BearerFailed) for report in board.seen)
        board.nothing_is_left()

    on_board(body)


def test_the_word_of_the_ip_up_hook_is_a_lease_and_another_pppd_s_is_not(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(words.CHAT + words.CONNECTED + "!up\n!hook\n!hold\n")
        bearer = board.bearer()
        bearer.start(1)
        lease = board.until(BearerUp).lease
        assert (lease.address, lease.dns) == ("100.64.12.89", ("9.9.9.9",))
        bearer.stop(1)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_dial_that_comes_next_asks_the_modem_ahead(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.radio = SayingRadio()
        board.bearer().prepare()
        assert board.radio.looked_ahead == 1
        board.radio = None
        board.bearer().prepare()

    on_board(body)


def test_a_link_that_the_peer_ends_is_lost_and_its_lingering_is_cut(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(UP + "!deaf\n!hold\n" + words.TERMINATED + "!seconds 1000\n")
        board.bearer().start(1)
        board.until(BearerUp)
        board.signal(signal.SIGUSR1)
        failed = board.until(BearerFailed)
        assert (failed.reason, failed.evidence[-1]) == (Reason.LINK_DROPPED, "LCP terminated by peer")
        do("ip link set ppp0 down name spare0")  # the fake was killed and cannot
        assert board.until(BearerDown).leftover == ()
        board.nothing_is_left()

    on_board(body)


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGKILL, Reason.PROGRAM_KILLED), (signal.SIGTERM, Reason.STOPPED)]
)
def test_a_pppd_that_somebody_else_ends_is_told_from_a_link_that_drops(
    on_board: OnBoard, number: signal.Signals, reason: Reason
) -> None:
    def body(board: Board) -> None:
        board.says(UP + "!hold\n")
        board.bearer().start(1)
        board.until(BearerUp)
        board.pid_files()
        board.signal(number)
        if number is signal.SIGKILL:
            do("ip link set ppp0 down name spare0")
        assert board.until(BearerFailed).reason is reason
        board.until(BearerDown)
        board.nothing_is_left()
        assert [path.name for path in board.folder.glob("*.pid")] == ["ppp1.pid"], "another's stays"

    on_board(body)


def test_a_link_outlives_its_supervisor_and_the_next_one_adopts_it(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(UP + "!hold\n")
        first = board.bearer()
        first.start(1)
        lease = board.until(BearerUp).lease
        first.abandon()
        with Routes() as routes:
            assert [route.interface for route in routes.defaults()] == ["wlan0", "ppp0"]
        second = board.bearer()
        assert second.adopt(2)
        up = board.until(BearerUp)
        assert (up.dial, up.lease, up.port) == (2, lease, "/dev/pppgen/1-1.4-if02")
        assert len(board.calls) == 1
        second.stop(2)
        assert board.until(BearerDown).leftover == ()
        board.nothing_is_left()

    on_board(body)


def test_an_adopted_link_that_is_dead_is_found_out(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(SILENT_UP)
        first = board.bearer(silent(1000.0))
        first.start(1)
        while board.until(BearerProgress).step is not Step.TRAFFIC:
            pass
        first.abandon()
        second = board.bearer(silent(1.0))
        assert second.adopt(2)
        assert board.until(BearerDegraded).reason is Reason.CARRIER_SILENT
        second.stop(2)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_dial_that_a_killed_supervisor_left_is_cleared(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(words.CHAT + "!hold\n")
        first = board.bearer()
        first.start(1)
        while board.until(BearerProgress).step is not Step.CHAT:
            pass
        left = standing.read(board.folder / "run/ppp.json")
        assert left is not None
        (board.folder / "lock/LCK..ttyUSB2").write_text("      1\n")
        (board.folder / f"lock/LCK..{board.ports[0].device.replace('/', '_')}").write_text(f"{left.mark.pid:>10}\n")
        first.abandon()
        assert not board.bearer().adopt(2)
        assert (board.folder / "lock/LCK..ttyUSB2").exists(), "somebody else's lock"
        (board.folder / "lock/LCK..ttyUSB2").unlink()
        board.nothing_is_left()

    on_board(body)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"mark": 1}', '{"mark": {"pid": "x"}}'])
def test_a_note_that_makes_no_sense_is_none(on_board: OnBoard, damage: str) -> None:
    def body(board: Board) -> None:
        (board.folder / "run").mkdir()
        (board.folder / "run/ppp.json").write_text(damage)
        assert not board.bearer().adopt(1)

    on_board(body)


def test_a_link_that_falls_silent_is_degraded_and_stays(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(UP + "!hold\n")
        bearer = board.bearer(Wishes(targets=("8.8.8.8",), rules=Rules(1.0, idle_s=1.0, counters_prove=False)))
        bearer.start(1)
        board.until(BearerUp)
        board.operator.do("ip addr flush dev lo")
        assert board.until(BearerDegraded).reason is Reason.CARRIER_SILENT
        bearer.stop(1)
        board.until(BearerDown)
        assert not any(isinstance(report, BearerFailed) for report in board.seen)
        board.nothing_is_left()

    on_board(body)


def test_the_primary_link_goes_before_wifi_and_leaves_dns_alone_where_it_shall(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(UP + "!hold\n")
        bearer = board.bearer(Wishes(primary=True, manage_dns=False, targets=("8.8.8.8",), rules=PROBED))
        bearer.start(1)
        board.until(BearerUp)
        with Routes() as routes:
            assert routes.chosen("9.9.9.9") == "ppp0"
        assert board.resolv == "nameserver 192.168.1.1\n"
        assert "nm-pppgen-service" not in board.calls[0], "then Debian's own hooks tell the servers"
        bearer.stop(1)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_link_is_quiet_when_hardly_a_byte_goes_through(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(UP + "!hold\n")
        bearer = board.bearer()
        assert bearer.is_quiet()
        bearer.start(1)
        board.until(BearerUp)
        bearer.is_quiet()
        do("ping -c 3 -i 0.01 -s 1400 -I ppp0 8.8.8.8")
        assert not bearer.is_quiet()
        bearer.stop(1)
        board.until(BearerDown)

    on_board(body)


def test_a_route_that_somebody_removes_is_put_back(on_board: OnBoard) -> None:
    def body(board: Board) -> None:
        board.says(UP + "!hold\n")
        bearer = board.bearer()
        bearer.start(1)
        board.until(BearerUp)
        do("ip route del default dev ppp0")
        board.ours_is_back()
        do("ip route del default dev wlan0")
        board.servers_stand_first()
        do("ip route add default via 192.168.1.1 dev wlan0 metric 600")
        bearer.stop(1)
        board.until(BearerDown)
        board.nothing_is_left()

    on_board(body)


def test_a_fault_that_comes_again_while_tidying_is_named_and_does_not_stop_the_supervisor(
    on_board: OnBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    def body(board: Board) -> None:
        board.says(UP + "!hold\n")
        (board.folder / "run/ppp.json/in-the-way").mkdir(parents=True)
        board.bearer().start(1)
        assert "a fault in pppgen" in board.until(BearerFailed).evidence[0]
        assert "Directory" in board.until(BearerDown).leftover[0]

    on_board(body)
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_of_our_own_is_reported_and_does_not_leave_the_supervisor_waiting(
    on_board: OnBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Port) -> Holder | None:
        raise RuntimeError("planted")

    def body(board: Board) -> None:
        board.holder = broken
        board.bearer().start(1)
        assert "a fault in pppgen" in board.until(BearerFailed).evidence[0]
        board.until(BearerDown)

    on_board(body)
    assert "Traceback" in capsys.readouterr().err
