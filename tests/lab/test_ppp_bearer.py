"""The PPP bearer over the real pppd, tty drivers and an operator: each way to end, with reason and step."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest

from pppgen.model import BearerKind, Reason
from pppgen.reports import BearerDegraded, BearerDown, BearerLeased, BearerUp, Step
from pppgen.system.routes import PRIMARY_METRIC, Routes
from tests.lab import board
from tests.lab.conftest import Lab
from tests.lab.desk import Desk, cleared_desk, install, nothing_is_left
from tests.lab.places import CLIENT_ADDRESS, DNS, WLAN, WLAN_METRIC

QUICK_ECHO = ("lcp-echo-interval", "1", "lcp-echo-failure", "4")
QUICK_LCP = ("lcp-max-configure", "3", "lcp-restart", "1")
ALL_STEPS = [
    Step.REGISTRATION, Step.PORT_OPEN, Step.CHAT, Step.LCP, Step.AUTH, Step.IPCP, Step.ROUTE, Step.DNS, Step.TRAFFIC,
]  # fmt: skip


@pytest.fixture(autouse=True)
def _clean(lab: Lab) -> Iterator[None]:  # noqa: ARG001 -- the order: modem first
    with cleared_desk():
        yield


def defaults() -> list[tuple[str, int]]:
    """Return the default routes, the one that is used first."""
    with Routes() as routes:
        return [(route.interface, route.metric) for route in routes.defaults()]


@pytest.mark.parametrize("interface", [2, 3])
def test_up_carries_traffic_beside_wifi_and_down_leaves_nothing(lab: Lab, interface: int) -> None:
    install(interface)
    desk = Desk(dial=interface)
    up = desk.up()
    assert (up.lease.address, up.lease.dns, up.port) == (CLIENT_ADDRESS, DNS, board.stable(interface))
    assert [time.step for time in up.steps] == ALL_STEPS[-len(up.steps) :]
    assert defaults() == [(WLAN, WLAN_METRIC), ("ppp0", 700)]
    assert "home" in board.fetch()
    with board.no_default_route_over_wifi():
        assert "operator" in board.fetch()
    lab.ask("forget")
    desk.down()
    assert lab.dtr_drops(interface) >= 1
    assert "home" in board.fetch()


def test_a_primary_link_goes_before_wifi_until_it_ends(lab: Lab) -> None:  # noqa: ARG001 -- the modem
    install()
    desk = Desk(primary=True)
    desk.up()
    assert defaults() == [("ppp0", PRIMARY_METRIC), (WLAN, WLAN_METRIC)]
    assert "operator" in board.fetch()
    desk.down()
    assert "home" in board.fetch()


def test_tcp_takes_smaller_segments_both_ways_where_the_modem_names_a_path_narrower_than_the_interface(
    lab: Lab,
) -> None:
    lab.fault("mtu=1380")
    install()
    desk = Desk(primary=True)
    desk.up()
    desk.hear("the network's path carries 1380 bytes")
    assert desk.until(BearerLeased).lease.mtu == 1380
    with socket.create_connection(("8.8.8.8", 80)):
        said = board.run("ss", "-tin", "dst", "8.8.8.8").said
    desk.down()
    assert "pmtu:1380" in said, said
    assert "advmss:1328" in said, said  # 40 of headers and 12 of time stamps less: what the other end was told


def test_the_port_that_does_not_dial_is_left_for_the_one_that_does_and_remembered(lab: Lab) -> None:
    lab.fault("at=2,3", "dial-port=2")
    install(3)
    desk = Desk(dial=3)
    assert desk.up().port == board.stable(2)
    assert "trying the modem's other port" in desk.notes
    desk.down()
    again = Desk(dial=3)
    again.up(2)
    assert "trying the modem's other port" not in again.notes
    again.down(2)


@pytest.mark.parametrize(("asked", "user", "password"), [("offered", "", ""), ("checked", "me", "good secret")])
def test_chap_is_answered_with_credentials_and_refused_without(lab: Lab, asked: str, user: str, password: str) -> None:
    lab.fault(f"auth={asked}")
    lab.ask("account", "me", "good secret")
    install(user=user, password=password)
    desk = Desk()
    desk.up()
    desk.down()


@pytest.mark.parametrize(
    ("faults", "options", "reason", "step"),
    [
        (["auth=checked"], (), Reason.AUTH_FAILED, Step.AUTH),
        (["auth=cut"], (), Reason.APN_REJECTED, Step.IPCP),
        # NO CARRIER on both ports; why, the modem itself says afterwards: +CEER: ESM failure.
        (["dial=no-carrier"], (), Reason.APN_REJECTED, Step.CHAT),
        (["dial=no-lcp"], QUICK_LCP, Reason.LCP_TIMEOUT, Step.LCP),
        (["sim=absent"], (), Reason.SIM_MISSING, Step.SIM),
        (["reg=3"], (), Reason.REGISTRATION_DENIED, Step.REGISTRATION),
    ],
)
def test_a_dial_that_fails_names_reason_and_step(
    lab: Lab, faults: list[str], options: tuple[str, ...], reason: Reason, step: Step
) -> None:
    lab.fault(*faults)
    install(user="me", password="bad secret")
    desk = Desk(options=options)
    desk.bearer.start(1)
    failed = desk.failed()
    assert (failed.reason, failed.step) == (reason, step), failed
    assert failed.evidence
    desk.down()


@pytest.mark.parametrize("when", ["at once", "after a while"])
def test_a_call_that_the_network_ends_is_lost_at_once(lab: Lab, when: str) -> None:
    if when == "at once":
        lab.ask("weather", "black-hole")  # before anything came back
    install()
    desk = Desk()
    if when == "at once":
        desk.bearer.start(1)
        desk.until(BearerLeased)
        desk.reach(Step.TRAFFIC)
    else:
        desk.up()
    lab.ask("hangup")
    failed = desk.failed()
    assert (failed.reason, failed.step) == (Reason.LINK_DROPPED, Step.TRAFFIC), failed
    assert "LCP TermReq" in failed.evidence[-1]
    desk.down()


def test_a_frozen_module_is_noticed_by_the_echo(lab: Lab) -> None:
    install()
    desk = Desk(options=QUICK_ECHO)
    desk.up()
    lab.fault("freeze")
    assert desk.failed().reason is Reason.ECHO_UNANSWERED
    desk.down()


def test_a_black_hole_answers_the_echo_and_is_not_taken_for_a_link(lab: Lab) -> None:
    lab.ask("weather", "black-hole")
    install()
    desk = Desk(options=QUICK_ECHO, patience_s=7.0)
    desk.bearer.start(1)
    # Whether such a link is kept is the policy's to decide.
    assert desk.until(BearerDegraded).reason is Reason.CARRIER_SILENT
    desk.down()


def test_the_user_s_first_packets_are_waited_for(lab: Lab) -> None:
    lab.ask("weather", "first-packets", 4, 10)
    install()
    desk = Desk()
    assert desk.up().steps[-1].step is Step.TRAFFIC
    assert "warming up" in desk.notes
    desk.down()


def test_a_port_that_another_process_holds_is_not_dialled_on(lab: Lab) -> None:
    install()
    lab.ask("steal", 2)
    lab.ask("steal", 3)
    desk = Desk()
    desk.bearer.start(1)
    failed = desk.failed()
    assert (failed.reason, failed.step) == (Reason.PORT_BUSY, Step.PORT_OPEN)
    lab.ask("release")
    desk.down()


def test_an_intruder_gets_pppd_s_exit_6_and_our_link_goes_on(lab: Lab) -> None:  # noqa: ARG001 -- the modem
    install()
    desk = Desk()
    desk.up()
    real = os.path.realpath(board.stable(2))
    intruder = board.run("pppd", real, "115200", "lock", "nodetach", "noauth")
    assert intruder.status == 6, intruder.said
    assert " 0% packet loss" in board.ping().said
    desk.down()


@pytest.mark.parametrize(
    ("fault", "moment"), [("late=2:20000", Step.CHAT), ("dial=no-lcp", Step.LCP), ("", Step.TRAFFIC)]
)
def test_a_port_that_vanishes_is_told_from_a_call_that_ends(lab: Lab, fault: str, moment: Step) -> None:
    install()
    desk = Desk()
    if fault:
        lab.fault(fault)
        desk.bearer.start(1)
        desk.reach(moment)
    else:
        desk.up()
    lab.ask("unplug")
    try:
        failed = desk.failed()
        assert (failed.reason, failed.step) == (Reason.USB_DISCONNECT, moment), failed
        desk.down()
    finally:
        lab.ask("plug")


def test_a_killed_pppd_leaves_nothing_and_the_next_dial_succeeds(lab: Lab) -> None:  # noqa: ARG001 -- the modem
    install()
    desk = Desk()
    desk.up()
    for pid in board.running("pppd"):
        os.kill(pid, signal.SIGKILL)
    assert desk.failed().reason is Reason.PROGRAM_KILLED
    desk.until(BearerDown)
    nothing_is_left()
    desk.up(2)
    desk.down(2)


def test_a_start_is_ended_in_the_middle_and_the_next_one_succeeds(lab: Lab) -> None:  # noqa: ARG001 -- the modem
    install()
    desk = Desk()
    for dial, step in enumerate((Step.CHAT, Step.LCP, Step.TRAFFIC), start=1):
        desk.bearer.start(dial)
        desk.reach(step)
        desk.down(dial)


def test_a_link_outlives_its_supervisor_without_losing_a_packet(lab: Lab) -> None:  # noqa: ARG001 -- the modem
    install()
    first = Desk()
    lease = first.up().lease
    pinging = subprocess.Popen(
        ["ping", "-n", "-I", "ppp0", "-c", "20", "-i", "0.3", "-W", "5", "8.8.8.8"], stdout=subprocess.PIPE, text=True
    )
    first.bearer.abandon()
    second = Desk()
    assert second.bearer.adopt(2)
    up = second.until(BearerUp)
    assert (up.dial, up.kind, up.lease) == (2, BearerKind.PPP, lease)
    assert " 0% packet loss" in pinging.communicate()[0]
    second.down(2)


def test_a_dial_that_outlives_its_supervisor_is_cleared(lab: Lab) -> None:  # noqa: ARG001 -- the modem
    install()
    first = Desk()
    first.bearer.start(1)
    first.reach(Step.CHAT)
    first.bearer.abandon()
    second = Desk()
    assert not second.bearer.adopt(2)
    nothing_is_left()
    second.up(2)
    second.down(2)
