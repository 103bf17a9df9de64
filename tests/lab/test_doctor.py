"""`pppgen doctor` on a real kernel: no alarm without a fault, each fault by its name; a report after a fallback."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pppgen.udev import MODEM_MANAGER_RULE
from tests.lab import board
from tests.lab.conftest import Lab
from tests.lab.qmi import RAW_IP, ip
from tests.lab.supervised import PATIENCE_S, Supervised, at_rest, forget, set_up

RULE = Path("/etc/udev/rules.d") / MODEM_MANAGER_RULE
# What only this machine's own business decides: nobody sets its clock, and other tests have pulled its modem out.
OF_THE_GUEST = {"time", "power"}


@pytest.fixture(autouse=True)
def _after_setup(lab: Lab) -> Iterator[None]:
    set_up()
    forget()
    lab.ask("forget")
    yield
    ip("link set wwan0 down")
    RAW_IP.write_text("N\n")


def doctor(*words: str) -> dict[str, Any]:
    """Return the answer, its checks by name; with all the patience that an emulated processor needs."""
    done = subprocess.run(
        ["pppgen", "doctor", "--json", "--patient", *words], check=False, capture_output=True, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (answer["error"]["exit"] if answer["error"] else 0), done.stderr
    return {**answer, "checks": {check["name"]: check for check in answer["checks"]}}


def alarms(answer: dict[str, Any]) -> dict[str, str]:
    """Return what is told as wrong, with what was seen."""
    wrong = {name: f"{check['verdict']}: {check['seen']}" for name, check in answer["checks"].items()}
    return {
        name: told for name, told in wrong.items() if told.startswith(("warn", "fail")) and name not in OF_THE_GUEST
    }


def test_a_healthy_board_gives_no_alarm_and_every_rung_of_the_modem_an_answer(lab: Lab) -> None:
    answer = doctor()
    assert alarms(answer) == {}
    checks = answer["checks"]
    asked = ("kernel-ppp", "usb-device", "ports", "sim", "pin-tries", "registration", "signal", "apn", "attach-context")
    ours = ("framing", "qmi-device", "pppd", "files", "peers-syntax", "chat-syntax", "secrets", "routes", "holders")
    assert {name: checks[name]["verdict"] for name in (*asked, *ours)} == dict.fromkeys((*asked, *ours), "ok")
    assert lab.qmi()["clients"] == {}, "what doctor took it gave back"
    assert (lab.qmi()["starts"], lab.ask("status")["dials"]) == (0, 0)


def test_a_framing_mismatch_is_named_and_mended(lab: Lab) -> None:
    lab.fault("qmi-raw-ip")
    answer = doctor("--fix", "--yes")
    assert [(one["check"], one["error"]) for one in answer["fixed"]] == [("framing", None)]
    assert RAW_IP.read_text().strip() == "Y"
    assert alarms(answer) == {}, "it looked again"


def test_a_qmi_port_that_hangs_is_told_and_costs_the_modem_no_client(lab: Lab) -> None:
    lab.fault("qmi-hang")
    assert set(alarms(doctor())) == {"qmi-device"}
    for pid in board.running("qmicli"):
        board.await_end(pid)
    lab.ask("clear")
    assert alarms(doctor()) == {}
    assert lab.qmi()["clients"] == {}


def test_held_ports_a_card_that_is_gone_and_modemmanager_are_named_at_once(lab: Lab) -> None:
    lab.fault("sim=absent")
    lab.ask("steal", 3)
    RULE.rename(aside := RULE.with_suffix(".aside"))
    try:
        lab.ask("modemmanager", "start")
        told = alarms(doctor())
    finally:
        lab.ask("modemmanager", "stop")
        aside.rename(RULE)
    assert told["sim"].startswith("fail: The modem sees no SIM")
    assert "/dev/ttyUSB3 by python" in told["holders"]
    assert "modem-manager" in told


def test_after_a_fallback_the_report_shows_it_and_doctor_the_link_of_a_killed_supervisor(
    lab: Lab, tmp_path: Path
) -> None:
    lab.fault("qmi-reject=33")
    supervised = Supervised()
    try:
        supervised.up()
        supervised.until_phase("online", bearer="ppp")
        file = tmp_path / "report.html"
        done = board.run("pppgen", "report", "-o", str(file), limit_s=PATIENCE_S)
        assert done.status == 0, done.said
        text = file.read_text()
        assert text.count("<svg") >= 4
        assert "apn-rejected" in text
        assert "falling-back" in text
        supervised.kill()
        assert not {"holders", "ports", "dns", "routes"} & set(alarms(doctor()))
        supervised.begin(up=True)
        supervised.until_taken_over("ppp")
        supervised.down()
    finally:
        at_rest(supervised)
