"""The failover hook script, called by several at the same time: one switch, with a supervisor and without."""

import subprocess

from pppgen.policy.chronicle import Kind
from tests.lab import board, control
from tests.lab.conftest import Lab
from tests.lab.qmi import client, lease, start
from tests.lab.stage import REPOSITORY
from tests.lab.supervised import PATIENCE_S, Supervised, at_rest, leftovers, set_up

HOOK = REPOSITORY / "etc/hooks/pppgen-failover"
CALLERS = 4


def called_at_once(*words: str) -> list[int]:
    """Return the exit statuses of several who call the hook at the same time."""
    calling = [subprocess.Popen([HOOK, *words], stdin=subprocess.DEVNULL) for _ in range(CALLERS)]
    return [each.wait(PATIENCE_S) for each in calling]


def test_a_running_supervisor_switches_once_however_many_ask(lab: Lab) -> None:
    set_up()
    lab.ask("forget")
    supervised = Supervised()
    supervised.up()
    supervised.until_phase("online", bearer="qmi")
    # As udhcpc's script and a dispatcher call it.
    assert called_at_once("leasefail") == [0] * CALLERS
    supervised.until_phase("online", bearer="ppp")
    assert " 0% packet loss" in board.ping().said
    assert (lab.qmi()["starts"], control.ask("status")["dials"]) == (1, 1)
    switches = [each for each in supervised.heard if each.kind is Kind.DECISION and each.phase == "falling-back"]
    assert [(each.reason, each.before) for each in switches] == [("no-dhcp-lease", "online")]
    supervised.down()
    at_rest(supervised)


def test_without_a_supervisor_the_hook_itself_switches_once(lab: Lab) -> None:
    set_up()
    lab.ask("forget")
    start(client())
    lease()
    assert called_at_once("leasefail") == [0] * CALLERS
    assert control.ask("status")["dials"] == 1
    assert lab.qmi()["call"] is False
    assert " 0% packet loss" in board.ping().said
    assert board.poff().status == 0
    assert leftovers() == []
