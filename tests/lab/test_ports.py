"""Finding the port on real ttys: sysfs as the kernel writes it, answers through the `option` driver."""

import json
import subprocess

import pytest

from tests.lab import board
from tests.lab.conftest import Lab


def pppgen(*words: str) -> dict[str, object]:
    done = subprocess.run(["pppgen", *words, "--json"], check=False, capture_output=True, text=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("family", ["bg96", "ec25"])
def test_the_ports_of_a_family_are_named_by_where_they_are_plugged_in(lab: Lab, family: str) -> None:
    lab.ask("reset", family)
    board.name_ports()
    said = json.dumps(pppgen("ports"))
    for number in range(4):
        assert f"/dev/ttyUSB{number}" in said
        assert board.stable(number) in said


@pytest.mark.parametrize(("fault", "port"), [("", "/dev/ttyUSB2"), ("at=2", "/dev/ttyUSB2"), ("at=3", "/dev/ttyUSB3")])
def test_the_probe_decides_which_port_speaks_at(lab: Lab, fault: str, port: str) -> None:
    if fault:
        lab.fault(fault)
    answer = pppgen("probe")
    assert answer["at_port"] == port
