"""QMI first, PPP when the lease fails: the whole pppgen with real qmicli, udhcpc, chat and pppd.

`pppgen setup` runs once, `pppgen run` in each test; every fault is one of the simulated modem's.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.lab import board, control
from tests.lab.conftest import Lab
from tests.lab.qmi import RAW_IP
from tests.lab.supervised import Supervised, at_rest, leftovers, set_up

Start = Callable[..., Supervised]


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
        ("dhcp-silent", '[qmi]\naddressing = "dhcp"', "no-dhcp-lease"),
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


def test_a_lost_registration_waits_and_dials_nothing_in_vain(lab: Lab, start: Start) -> None:
    supervised = start()
    supervised.up()
    supervised.until_phase("online", bearer="qmi")
    lab.fault("reg=2")
    supervised.until_phase("waiting")
    assert dials() == 0


def test_a_card_that_waits_for_its_pin_blocks_and_nothing_is_dialled_at_all(lab: Lab, start: Start) -> None:
    lab.fault("sim=pin")
    supervised = start()
    supervised.up()
    supervised.until_phase("blocked")
    assert supervised.reasons() == ["sim-pin"]
    assert (lab.qmi()["starts"], dials()) == (0, 0)
