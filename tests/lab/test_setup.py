"""`pppgen setup` against the real drivers: the port it chooses, the files it writes, the causes that it names."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import board
from tests.lab.conftest import Lab
from tests.lab.places import CLIENT_ADDRESS
from tests.lab.supervised import forget


@pytest.fixture(autouse=True)
def _clean(lab: Lab) -> Iterator[None]:  # noqa: ARG001 -- the order: modem first
    board.take_back()
    forget()  # a port that has dialled before would be left to the dial
    yield
    if board.running("pppd"):
        board.poff()
    board.take_back()


def setup(*words: str) -> dict[str, Any]:
    done = subprocess.run(
        ["pppgen", "setup", "--apn", "super", "--json", *words], check=False, capture_output=True, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (answer["error"]["exit"] if answer["error"] else 0), done.stderr
    return answer


@pytest.mark.parametrize(
    ("fault", "at_port"),
    [("", "/dev/ttyUSB2"), ("at=2", "/dev/ttyUSB2"), ("at=3", "/dev/ttyUSB3")],
    ids=["the catalog's layout", "AT only on interface 2", "AT only on interface 3"],
)
def test_setup_picks_the_at_port_by_probing_and_what_it_writes_dials(lab: Lab, fault: str, at_port: str) -> None:
    if fault:
        lab.fault(fault)
    answer = setup()
    assert answer["error"] is None
    assert answer["at_port"] == at_port
    assert answer["modem"]["family"] == "bg96"
    up = board.pon()
    assert up.status == 0, up.said
    assert board.address() == CLIENT_ADDRESS
    assert " 0% packet loss" in board.ping().said


def test_setup_that_dials_finds_the_one_port_that_can(lab: Lab) -> None:
    lab.fault("at=2,3", "dial-port=2")
    answer = setup("--dial")
    assert answer["error"] is None
    assert (answer["dial_port"], answer["dial_port_proven"], answer["dialled"]) == ("/dev/ttyUSB2", True, True)
    assert (answer["called"]["address"], answer["called"]["interface"]) == (CLIENT_ADDRESS, "ppp0")
    assert board.leftovers() == []
    assert board.pon().status == 0


def test_pon_works_after_the_ports_got_other_numbers_with_no_new_setup(lab: Lab) -> None:
    assert setup()["error"] is None
    lab.ask("replug", 2)
    up = board.pon()
    assert up.status == 0, up.said
    assert " 0% packet loss" in board.ping().said


def test_the_route_carries_traffic_when_wifi_has_none(lab: Lab) -> None:
    """`ping -I ppp0` proves the link; this is bound to nothing, and each side counts what came its way."""
    assert setup()["error"] is None
    up = board.pon()
    assert up.status == 0, up.said
    board.await_default_route()
    assert board.fetch() == "home"  # Wi-Fi's 600 stays before our 700
    with board.no_default_route_over_wifi():
        lab.ask("forget")
        assert board.fetch() == "operator"
        assert (lab.seen("operator", "http"), lab.seen("home", "http")) == (1, 0)
        board.poff()
    assert board.fetch() == "home"
    assert board.leftovers() == []


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("sim=absent", "sim", "sim-missing"),
        ("sim=pin", "sim", "sim-pin"),
        ("reg=3", "not-registered", "refuses the registration"),
        ("dial=no-carrier", "dial-failed", "NO CARRIER"),
        # These three say CONNECT; only who goes on from there hears that the network says no.
        ("apn=other.apn", "dial-failed", "(apn-rejected)"),
        ("auth=checked", "dial-failed", "(auth-failed)"),
        ("dial=no-lcp at=3", "dial-failed", "(lcp-timeout)"),
    ],
)
def test_setup_names_why_it_can_not_dial(lab: Lab, fault: str, code: str, words: str) -> None:
    lab.fault(*fault.split())
    answer = setup("--dial")
    assert answer["error"], answer
    assert answer["error"]["code"] == code
    assert words in answer["error"]["message"]
    assert answer["error"]["hint"]
    assert board.leftovers() == []


def test_a_port_that_a_stranger_holds_is_left_alone_and_he_is_named(lab: Lab) -> None:
    lab.ask("steal", 2)
    lab.ask("steal", 3)
    answer = setup()
    assert answer["error"]["code"] in {"port-busy", "no-at-port"}
    held = {port["device"]: port["holder"] for port in answer["ports"] if port["role"] == "busy"}
    assert held["/dev/ttyUSB2"]["name"].startswith("python")


def files() -> list[str]:
    """Return the files below every folder that setup writes to."""
    folders = ("/etc/ppp", "/etc/chatscripts", "/etc/pppgen", "/etc/udev", "/var/lib/pppgen")
    return sorted(str(path) for folder in folders for path in Path(folder).rglob("*") if path.is_file())


def test_rollback_leaves_the_board_as_it_was(lab: Lab) -> None:  # noqa: ARG001 -- a modem must be there
    Path("/var/lib/pppgen/ports.json").unlink(missing_ok=True)  # an earlier test's setup was here
    before = files()
    assert setup()["error"] is None
    assert files() != before
    undone = board.run("pppgen", "rollback", "--yes")
    assert undone.status == 0, undone.said
    assert files() == before
