"""The same thing again and again: a few rounds in `make lab`, LAB_ROUNDS of them in `make soak`."""

import os
from pathlib import Path

from tests.lab import board
from tests.lab.conftest import Lab
from tests.lab.desk import Desk, cleared_desk, install
from tests.lab.supervised import Supervised, at_rest, leftovers, set_up

ROUNDS = int(os.environ.get("LAB_ROUNDS", "5"))
QMI_ROUNDS = 2 * int(os.environ.get("LAB_ROUNDS", "1"))  # in every second one the supervisor is killed


def test_rounds_of_pon_and_poff_leave_nothing_behind(lab: Lab) -> None:
    board.name_ports()
    try:
        for number in range(ROUNDS):
            board.install_peers(2 + number % 2)
            up = board.pon()
            assert up.status == 0, f"round {number}: {up.said}"
            board.poff()
            assert board.leftovers() == [], f"round {number}"
        assert lab.dtr_drops(2) + lab.dtr_drops(3) >= ROUNDS
    finally:
        board.take_back()


def test_rounds_of_the_ppp_bearer_leave_no_process_route_lock_or_descriptor(lab: Lab) -> None:
    with cleared_desk():
        install()
        desk = Desk()
        counted = []
        for dial in range(1, ROUNDS + 1):
            desk.up(dial)
            desk.down(dial)  # asks what is left
            counted.append(len(list(Path("/proc/self/fd").iterdir())))
        assert lab.dtr_drops(2) >= ROUNDS
        assert len(set(counted[1:])) <= 1, counted  # the first round opens what stays open


def test_rounds_of_replugging_leave_a_port_that_answers(lab: Lab) -> None:
    for number in range(ROUNDS):
        lab.ask("replug", 2 + number % 2)
        lab.ask("release")
    board.name_ports()
    try:
        board.install_peers(2)
        up = board.pon()
        assert up.status == 0, up.said
        board.poff()
    finally:
        board.take_back()


def test_rounds_of_qmi_calls_leak_no_client_id_not_even_of_a_killed_supervisor(lab: Lab) -> None:
    set_up()
    supervised = Supervised()
    for number in range(QMI_ROUNDS):
        supervised.up()
        supervised.until_phase("online", bearer="qmi")
        held = lab.qmi()["clients"]
        assert {service: len(ids) for service, ids in held.items()} == {"WDS": 1}, f"round {number}"
        if number % 2:
            supervised.kill()
            supervised.begin()
        supervised.down()
        assert lab.qmi()["clients"] == {}, f"round {number}"
        assert leftovers() == [], f"round {number}"
        supervised.leave()
        supervised.begin(budget=True)
    at_rest(supervised)
