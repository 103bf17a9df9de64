"""ModemManager runs by default on today's boards: setup beside the real one wins, or says precisely who holds what."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import board
from tests.lab.conftest import Lab


@pytest.fixture(autouse=True)
def _clean(lab: Lab) -> Iterator[None]:
    # udev remembers of a device what the rules of an earlier setup said: plugged in anew, it is ModemManager's again.
    board.take_back()
    board.run("udevadm", "control", "--reload")
    lab.ask("replug")
    yield
    lab.ask("modemmanager", "stop")
    board.take_back()


def held_by_modemmanager() -> set[str]:
    """Return the modem's nodes that ModemManager has open, from /proc."""
    nodes = set()
    for pid in board.running("ModemManager"):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                nodes.add(str(link.readlink()))
            except OSError:
                continue  # closed meanwhile
    return {node for node in nodes if node.startswith(("/dev/ttyUSB", "/dev/cdc-wdm"))}


def setup() -> dict[str, Any]:
    done = subprocess.run(
        ["pppgen", "setup", "--apn", "super", "--json"], check=False, capture_output=True, text=True, timeout=200
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def wait_until_listed() -> None:
    for _ in range(120):
        if "ModemManager1/Modem/" in board.run("mmcli", "-L").said:
            return
    pytest.fail("ModemManager did not list the modem; see ModemManager.log in build/lab")


def check(answer: dict[str, Any]) -> None:
    """Either we won, and nothing of ours is held, or the one who holds it is named, port by port."""
    if answer["error"] is None:
        assert answer["at_port"] not in held_by_modemmanager()
        assert board.pon().status == 0
        board.poff()
        return
    assert answer["error"]["code"] in {"port-busy", "modem-manager-conflict"}, answer["error"]
    assert "ModemManager" in answer["error"]["message"] + answer["error"]["hint"]
    busy = [port for port in answer["ports"] if port["role"] == "busy"]
    assert busy
    assert {port["holder"]["name"] for port in busy} == {"ModemManager"}


def test_setup_at_the_moment_when_modemmanager_starts_wins_or_names_it(lab: Lab) -> None:
    lab.ask("modemmanager", "start")
    check(setup())


def test_setup_beside_a_modemmanager_that_has_the_modem_wins_or_names_it(lab: Lab) -> None:
    lab.ask("modemmanager", "start")
    wait_until_listed()
    check(setup())
    # Whoever has it now: the modem itself was not disturbed.
    assert lab.ask("status")["dials"] in {0, 1}


def test_the_ports_table_names_modemmanager(lab: Lab) -> None:
    lab.ask("modemmanager", "start")
    wait_until_listed()
    held = held_by_modemmanager()
    assert held
    done = subprocess.run(["pppgen", "ports", "--json"], check=True, capture_output=True, text=True)
    ports = [port for device in json.loads(done.stdout)["devices"] for port in device["ports"]]
    named = {port["device"] for port in ports if port["holder"] and port["holder"]["name"] == "ModemManager"}
    assert named == {node for node in held if "ttyUSB" in node}
