"""The whole pppgen over PPP: its process is killed, the link lives on, and the next start finds its way."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from pppgen.policy.chronicle import Kind
from pppgen.reports import Step
from tests.lab import board
from tests.lab.conftest import Lab
from tests.lab.desk import nothing_is_left
from tests.lab.places import CLIENT_ADDRESS
from tests.lab.supervised import STATE, Supervised, set_up

CONFIG = 'bearers = ["ppp"]\n'
STEPS = [Step.CHAT, Step.LCP] if "LAB_ROUNDS" in os.environ else [Step.CHAT]  # `make soak` takes both


@pytest.fixture
def running(lab: Lab) -> Iterator[Supervised]:  # noqa: ARG001 -- the order: modem first
    """The supervisor after setup, with nothing up."""
    set_up()
    supervised = Supervised(CONFIG)
    yield supervised
    if supervised.process.poll() is None:
        supervised.leave()
    for pid in board.running("pppd"):
        os.kill(pid, signal.SIGKILL)


def lost(pinging: subprocess.Popen[str]) -> int:
    """End a ping and return how many of its packets were not answered."""
    pinging.send_signal(signal.SIGINT)
    said, _ = pinging.communicate()
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", said)
    assert counts, said
    assert int(counts[2]) > 3, said
    return int(counts[1]) - int(counts[2])


def test_a_supervisor_killed_while_the_link_is_up_is_followed_by_one_that_adopts_it(
    lab: Lab, running: Supervised
) -> None:
    running.up()
    running.until_phase("online", bearer="ppp")
    pinging = subprocess.Popen(["ping", "-n", "-i", "0.5", "-I", "ppp0", "8.8.8.8"], stdout=subprocess.PIPE, text=True)
    (pppd,) = board.running("pppd")
    running.kill()
    assert board.address() == CLIENT_ADDRESS
    running.begin(up=True)
    if running.ask_status()["phase"] != "online":
        running.until_phase("online", bearer="ppp")
    # The one that was on its way when ping was ended may be missing.
    assert lost(pinging) <= 1
    assert board.running("pppd") == [pppd]
    running.down()
    nothing_is_left()
    assert lab.ask("status")["dials"] == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_supervisor_killed_during_a_dial_is_followed_by_one_that_clears_it(running: Supervised, step: Step) -> None:
    running.up()
    running.until(lambda entry: entry.kind is Kind.STEP and entry.step is step)
    running.kill()
    # The killed dial cost an attempt; how long to wait for the next is another question.
    (STATE / "state.json").unlink()
    running.begin()
    nothing_is_left()
    # The first new dial succeeds: no pppd of before holds the port or is about to let go of it.
    running.up()
    running.until_phase("online", bearer="ppp")
    assert not [entry for entry in running.heard if entry.kind is Kind.FAILED]
    running.down()
    nothing_is_left()
