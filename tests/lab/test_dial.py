"""The rendered files dial: Debian's own pon and poff, the real pppd on both ends, the kernel's own tty drivers."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pppgen.config import Auth
from pppgen.diagnose import diagnose
from pppgen.diagnose.case import Outcome
from pppgen.model import Reason
from tests.lab import board
from tests.lab.conftest import Lab
from tests.lab.places import CLIENT_ADDRESS


@pytest.fixture(autouse=True)
def _clean(lab: Lab) -> Iterator[None]:  # noqa: ARG001 -- the order: modem first
    board.name_ports()
    yield
    if board.running("pppd"):
        board.poff()
    board.take_back()


@pytest.mark.parametrize("interface", [2, 3])
def test_pon_brings_the_link_up_and_poff_leaves_nothing(lab: Lab, interface: int) -> None:
    board.install_peers(interface)
    up = board.pon()
    assert up.status == 0, up.said
    assert board.address() == CLIENT_ADDRESS
    assert " 0% packet loss" in board.ping().said
    lab.ask("forget")
    board.poff()
    assert board.leftovers() == []
    assert lab.dtr_drops(interface) >= 1


def test_the_users_own_words_come_out_of_the_real_pppd(lab: Lab) -> None:
    lab.fault("auth=offered")
    board.install_peers(2, guide=True)
    up = board.pon()
    assert up.status == 0, up.said
    for words in (
        "No auth is possible",
        "Could not determine remote IP address: defaulting to 10.64.64.64",
        "not replacing default route to wlan0 [192.168.1.1]",
        "primary   DNS address 8.8.8.8",
    ):
        assert words in up.said
    assert diagnose(up.said.splitlines()).outcome is Outcome.UP


def test_of_two_ports_that_answer_only_one_dials(lab: Lab) -> None:
    lab.fault("at=2,3", "dial-port=2")
    board.install_peers(3)
    refused = board.pon()
    assert refused.status == 8, refused.said
    assert "Connect script failed" in refused.said
    assert board.leftovers() == []
    board.install_peers(2)
    assert board.pon().status == 0


def test_a_new_number_of_the_port_does_not_matter(lab: Lab) -> None:
    board.install_peers(2)
    assert board.pon().status == 0
    board.poff()
    lab.ask("replug", 2)
    assert board.run("readlink", "-f", board.stable(2)).said.strip() != "/dev/ttyUSB2"
    up = board.pon()
    assert up.status == 0, up.said
    assert " 0% packet loss" in board.ping().said


def test_credentials_that_the_network_checks_let_in(lab: Lab) -> None:
    lab.fault("auth=checked")
    lab.ask("account", "me", "good secret")
    board.install_peers(3, auth=Auth.CHAP, user="me", password="good secret")
    up = board.pon()
    assert up.status == 0, up.said
    assert "CHAP authentication succeeded" in up.said
    assert "good secret" not in up.said


def causes(said: str) -> set[Reason]:
    """Return the causes that `pppgen diagnose` names in what the real programs said."""
    return {finding.cause for finding in diagnose(said.splitlines()).findings}


@pytest.mark.parametrize(
    ("fault", "words", "cause"),
    [
        ("auth=checked", "CHAP authentication failed", {Reason.AUTH_FAILED}),
        # The network says yes and hangs up all the same: credentials or APN, nobody can tell from here.
        ("auth=cut", "CHAP authentication succeeded", {Reason.AUTH_FAILED, Reason.APN_REJECTED, Reason.PEER_HANGUP}),
    ],
)
def test_wrong_credentials_are_told(lab: Lab, fault: str, words: str, cause: set[Reason]) -> None:
    lab.fault(fault)
    board.install_peers(3, auth=Auth.CHAP, user="me", password="bad secret")
    down = board.pon()
    assert down.status != 0
    assert words in down.said
    assert "bad secret" not in down.said
    assert causes(down.said) & cause, down.said
    assert board.leftovers() == []


@pytest.mark.parametrize(
    ("fault", "words", "cause"),
    [
        ("dial=no-carrier", "NO CARRIER", {Reason.NO_CARRIER}),
        ("sim=absent", "NO CARRIER|ERROR", {Reason.NO_CARRIER, Reason.SIM_MISSING}),
        # The module opens LCP by itself; the network's refusal comes as a terminate.
        ("reg=3", "LCP terminated by peer", {Reason.APN_REJECTED, Reason.PEER_HANGUP}),
        ("apn=other.apn", "LCP terminated by peer", {Reason.APN_REJECTED, Reason.PEER_HANGUP}),
    ],
)
def test_a_network_that_refuses_ends_the_dial_and_the_cause_is_named(
    lab: Lab, fault: str, words: str, cause: set[Reason]
) -> None:
    lab.fault(fault)
    board.install_peers(3)
    down = board.pon()
    assert down.status != 0
    assert re.search(words, down.said), down.said
    assert causes(down.said) & cause, down.said
    assert board.leftovers() == []


def test_connect_without_lcp_ends_by_pppds_own_patience(lab: Lab) -> None:
    lab.fault("dial=no-lcp")
    board.install_peers(3)
    down = board.pon("lcp-max-configure", "3")
    assert "LCP: timeout sending Config-Requests" in down.said, down.said
    assert Reason.LCP_TIMEOUT in causes(down.said)
    assert board.leftovers() == []


def test_a_carrier_that_hangs_up_ends_the_link(lab: Lab) -> None:
    board.install_peers(3)
    assert board.pon("logfile", board.LOG).status == 0
    (pppd,) = board.running("pppd")
    lab.ask("hangup")
    board.await_end(pppd)
    assert "LCP terminated by peer" in board.run("cat", board.LOG).said
    assert board.leftovers() == []


def test_a_frozen_module_is_noticed_by_the_lcp_echo(lab: Lab) -> None:
    board.install_peers(3)
    assert board.pon("logfile", board.LOG, "lcp-echo-interval", "1", "lcp-echo-failure", "3").status == 0
    (pppd,) = board.running("pppd")
    lab.fault("freeze")
    board.await_end(pppd)
    assert "No response to 3 echo-requests" in board.run("cat", board.LOG).said
    assert board.leftovers() == []


def test_a_black_hole_answers_the_echo_and_nothing_else(lab: Lab) -> None:
    board.install_peers(3)
    assert board.pon("lcp-echo-interval", "1", "lcp-echo-failure", "3").status == 0
    lab.ask("weather", "black-hole")
    assert "100% packet loss" in board.ping(count=6, wait_s=1).said
    assert board.address() == CLIENT_ADDRESS
    lab.ask("weather", "fair")
    assert " 0% packet loss" in board.ping().said


def test_bits_that_turn_on_the_way_cost_packets_and_not_the_link(lab: Lab) -> None:
    board.install_peers(3)
    assert board.pon().status == 0
    lab.fault("bit-errors=300")  # each second ping, as long as they are
    said = board.ping(count=10, wait_s=1).said
    assert " 0% packet loss" not in said
    assert "100% packet loss" not in said
    assert int(Path("/sys/class/net/ppp0/statistics/rx_errors").read_text()) > 0
    lab.ask("clear")
    assert " 0% packet loss" in board.ping().said


def test_the_first_packets_are_lost_and_late_as_the_user_saw(lab: Lab) -> None:
    lab.ask("weather", "first-packets", 3, 7)
    board.install_peers(3)
    assert board.pon().status == 0
    said = board.ping(count=8, wait_s=8).said
    answered = [int(number) for number in re.findall(r"icmp_seq=(\d+)", said)]
    assert 1 < answered[0] < 7, said
    late = [float(ms) for ms in re.findall(r"time=([\d.]+) ms", said)]
    assert late[0] > late[-1], said


def test_pppd_killed_with_9_leaves_a_modem_that_can_be_dialled_again(lab: Lab) -> None:
    board.install_peers(3)
    assert board.pon().status == 0
    (pppd,) = board.running("pppd")
    board.run("kill", "-9", str(pppd))
    board.await_end(pppd)
    assert lab.dtr_drops(3) >= 1
    again = board.pon()
    assert again.status == 0, again.said
