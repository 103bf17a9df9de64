"""QMI first, PPP when the lease fails: the whole pppgen with real qmicli, udhcpc, chat and pppd.

`pppgen setup` runs once, `pppgen run` in each test; every fault is one of the simulated modem's.
"""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from pppgen.model import Reason
from pppgen.policy.chronicle import Kind
from pppgen.policy.governor import GAP_S
from pppgen.reports import Step
from tests.lab import board, control
from tests.lab.conftest import Lab
from tests.lab.places import CLIENT_ADDRESS
from tests.lab.qmi import RAW_IP
from tests.lab.supervised import PATIENCE_S, Supervised, at_rest, leftovers, set_up

Start = Callable[..., Supervised]

# `make soak` takes all of them; `make lab` has the other bearer's in test_unit.py and in the tests of PPP.
ALL = "LAB_ROUNDS" in os.environ
BEARERS = ("qmi", "ppp") if ALL else ("qmi",)
MOMENTS = range(10) if ALL else (2, 5)
DHCP_ONLY = '[qmi]\naddressing = "dhcp"'
# Of a bring-up and of a link: bearers, configuration, the fault that keeps it there for a while, what is waited for.
# Waiting and blocked have tests of their own.
STATES: dict[str, tuple[list[str], str, str, Step | str]] = {
    "qmi device": (["qmi"], "", "", Step.DEVICE),
    "qmi registration": (["qmi"], "", "", Step.REGISTRATION),
    "qmi call": (["qmi"], "", "", Step.CALL),
    "qmi lease": (["qmi"], DHCP_ONLY, "dhcp-silent", Step.LEASE),
    "qmi traffic": (["qmi"], "", "qmi-no-traffic", Step.TRAFFIC),
    "qmi online": (["qmi"], "", "", "online"),
    "falling back": (["qmi", "ppp"], DHCP_ONLY, "dhcp-silent", "falling-back"),
    "ppp chat": (["ppp"], "", "", Step.CHAT),
    "ppp lcp": (["ppp"], "", "dial=no-lcp", Step.LCP),
    "ppp ipcp": (["ppp"], "", "", Step.IPCP),
    "ppp online": (["ppp"], "", "", "online"),
    "degraded": (["qmi", "ppp"], '[traffic]\npatience = "15s"', "qmi-no-traffic", "degraded"),
}


@pytest.fixture
def start(lab: Lab) -> Iterator[Start]:
    """Start the supervisor with a configuration, after setup; at the end the link goes and nothing is left."""
    set_up()
    lab.ask("forget")
    running: list[Supervised] = []

    def begin(config: str = "") -> Supervised:
        running.append(Supervised(config))
        return running[-1]

    yield begin
    at_rest(*running)


def traffic(interface: str) -> bool:
    return " 0% packet loss" in board.ping(count=2, interface=interface).said


def dials() -> int:
    return int(control.ask("status")["dials"])


def test_a_healthy_modem_stays_on_qmi(lab: Lab, start: Start) -> None:
    supervised = start()
    supervised.up()
    supervised.until_phase("online", bearer="qmi")
    assert traffic("wwan0")
    assert (lab.qmi()["starts"], dials()) == (1, 0)
    supervised.down()
    assert lab.qmi()["clients"] == {}
    assert leftovers() == []


def test_a_framing_mismatch_is_repaired_and_costs_no_attempt(lab: Lab, start: Start) -> None:
    lab.fault("qmi-raw-ip")
    supervised = start()
    supervised.up()
    supervised.until_phase("online", bearer="qmi")
    assert RAW_IP.read_text().strip() == "Y"
    assert traffic("wwan0")
    assert (lab.qmi()["starts"], dials()) == (1, 0)


@pytest.mark.parametrize(
    ("fault", "config", "reason"),
    [
        ("qmi-raw-ip", "[qmi]\nrepair = false", "raw-ip-mismatch"),
        ("dhcp-silent", DHCP_ONLY, "no-dhcp-lease"),
        ("qmi-reject=33", "", "apn-rejected"),
        ("qmi-hang", "", "qmi-timeout"),
        ("qmi-no-traffic", '[traffic]\npatience = "15s"', "carrier-silent"),
    ],
)
def test_what_breaks_qmi_alone_ends_on_ppp_with_its_reason(
    lab: Lab, start: Start, fault: str, config: str, reason: str
) -> None:
    lab.fault(fault)
    supervised = start(config)
    supervised.up()
    supervised.until_phase("online", bearer="ppp")
    assert supervised.reasons()[0] == reason
    assert traffic("ppp0")
    assert lab.qmi()["call"] is False


def test_a_call_that_the_network_ends_is_followed_by_ppp(lab: Lab, start: Start) -> None:
    supervised = start()
    supervised.up()
    supervised.until_phase("online", bearer="qmi")
    lab.ask("hangup")
    supervised.until_phase("online", bearer="ppp")
    assert supervised.reasons() == ["link-dropped"]
    assert traffic("ppp0")


def test_a_lost_registration_waits_and_dials_nothing_in_vain(lab: Lab, start: Start) -> None:
    supervised = start()
    supervised.up()
    supervised.until_phase("online", bearer="qmi")
    lab.fault("reg=2")
    supervised.until_phase("waiting")
    assert dials() == 0


def test_when_both_are_broken_it_waits_by_the_budget_and_makes_no_storm(lab: Lab, start: Start) -> None:
    lab.fault("qmi-reject=38", "dial=no-carrier")
    supervised = start()
    supervised.up()
    waiting = supervised.until_phase("waiting")
    assert waiting.wait_s is not None
    assert waiting.wait_s >= 45
    assert lab.qmi()["starts"] == 1
    assert dials() <= 2  # one on each port that may dial


def test_qmi_that_works_again_gets_the_link_back(lab: Lab, start: Start) -> None:
    lab.fault("qmi-raw-ip")
    # A return must be paid for, so no sooner than a minute after the dial.
    supervised = start('failback_after = "60s"\n[qmi]\nrepair = false')
    supervised.up()
    supervised.until_phase("online", bearer="ppp")
    lab.ask("clear")
    supervised.until_phase("online", bearer="qmi")
    assert traffic("wwan0")
    assert not board.running("pppd")


@pytest.mark.parametrize("bearer", BEARERS)
def test_a_supervisor_killed_while_online_is_followed_by_one_that_adopts_without_losing_a_ping(
    lab: Lab, start: Start, bearer: str
) -> None:
    interface = "wwan0" if bearer == "qmi" else "ppp0"
    supervised = start(f'bearers = ["{bearer}"]')
    supervised.up()
    supervised.until_phase("online", bearer=bearer)
    pinging = subprocess.Popen(
        ["ping", "-n", "-i", "0.5", "-I", interface, "8.8.8.8"], stdout=subprocess.PIPE, text=True
    )
    supervised.kill()
    supervised.begin(up=True)
    supervised.until_taken_over(bearer)
    assert traffic(interface)
    pinging.send_signal(signal.SIGINT)
    said, _ = pinging.communicate()
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", said)
    assert counts, said
    # The one that was on its way when ping was ended may be missing.
    assert int(counts[1]) - int(counts[2]) <= 1, said
    assert (lab.qmi()["starts"], dials()) == ((1, 0) if bearer == "qmi" else (0, 1))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_supervisor_killed_at_any_moment_of_a_fallback_is_followed_by_one_that_ends_there_too(
    lab: Lab, start: Start, moment: int
) -> None:
    """Killed after so many of its events, from the first question to QMI, over its call and DHCP, until PPP's route."""
    lab.fault("dhcp-silent")
    supervised = start(DHCP_ONLY)
    supervised.up()
    for _ in range(1 + 3 * moment):
        supervised.until(lambda _each: True)
    supervised.kill()
    supervised.begin(up=True, budget=True)
    supervised.until_taken_over("ppp")
    assert traffic("ppp0")
    assert lab.qmi()["clients"] == {}
    supervised.down()
    assert leftovers() == []


def test_a_supervisor_killed_while_only_the_modem_knows_of_a_client_id_is_followed_by_one_that_gives_it_back(
    lab: Lab, start: Start
) -> None:
    supervised = start()
    supervised.up()
    end = monotonic() + PATIENCE_S
    while not lab.qmi()["clients"].get("WDS"):
        assert monotonic() < end
    supervised.kill()
    supervised.begin(budget=True)
    assert lab.qmi()["clients"] == {}
    assert leftovers() == []


def test_a_modem_unplugged_in_the_middle_of_a_call_and_while_it_is_waited_for_leaves_nothing(
    lab: Lab, start: Start
) -> None:
    supervised = start()
    supervised.up()
    supervised.until(lambda each: each.kind is Kind.STEP and each.step is Step.CALL)
    lab.ask("unplug")
    assert supervised.until_phase("waiting").reason is Reason.USB_DISCONNECT
    assert leftovers() == []
    lab.ask("plug")
    # The carrier was asked a moment ago: the next attempt waits for its minute, and the modem may go once more.
    until_it_waits_for_the_carrier(supervised)
    lab.ask("unplug")
    lab.ask("plug")
    until_it_waits_for_the_carrier(supervised)
    assert lab.qmi()["starts"] <= 1


def until_it_waits_for_the_carrier(supervised: Supervised) -> None:
    end = monotonic() + PATIENCE_S
    while (status := supervised.ask_status())["next_attempt"] is None:
        assert monotonic() < end, status
    assert status["phase"] == "waiting"
    assert status["next_attempt"] - status["written"]["boottime"] <= GAP_S


@pytest.mark.parametrize("state", STATES if ALL else ["qmi online"])
def test_a_modem_unplugged_in_any_state_leaves_nothing(lab: Lab, start: Start, state: str) -> None:
    bearers, config, fault, moment = STATES[state]
    if fault:
        lab.fault(fault)
    if moment == "degraded":  # what a private APN looks like: neither bearer carries anything
        lab.ask("weather", "black-hole")
    supervised = start(f"bearers = {bearers}\n{config}")
    supervised.up()
    if isinstance(moment, Step):
        supervised.until(lambda each: each.kind is Kind.STEP and each.step is moment)
    else:
        supervised.until_phase(moment)
    lab.ask("unplug")
    supervised.until_phase("waiting")
    assert supervised.reasons()[-1] == "usb-disconnect"
    # The policy waits for the modem as soon as it is gone; a pppd in the middle of its dial ends a moment later.
    end = monotonic() + PATIENCE_S
    while left := leftovers():
        assert monotonic() < end, left
    lab.ask("plug")


def test_a_card_that_is_put_in_while_the_modem_is_out_ends_the_block(lab: Lab, start: Start) -> None:
    lab.fault("sim=absent")
    supervised = start()
    supervised.up()
    supervised.until_phase("blocked")
    assert supervised.reasons() == ["sim-missing"]
    assert (lab.qmi()["starts"], dials()) == (0, 0)
    lab.ask("unplug")
    lab.ask("clear")
    lab.ask("plug")
    supervised.until_phase("online", bearer="qmi")
    assert traffic("wwan0")


def test_modemmanager_that_runs_from_the_start_is_no_obstacle(lab: Lab, start: Start) -> None:
    lab.ask("modemmanager", "start")
    supervised = start()
    supervised.up()
    supervised.until_phase("online")
    (manager,) = board.running("ModemManager")
    held = {str(fd.readlink()) for fd in Path(f"/proc/{manager}/fd").iterdir() if fd.exists()}
    assert not [path for path in held if path.startswith(("/dev/ttyUSB", "/dev/cdc-wdm"))]
    assert board.address("wwan0") == CLIENT_ADDRESS or board.address() == CLIENT_ADDRESS
