"""The service as it is shipped: its own command line, its notify socket, its sandbox, on real programs."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import board, confined
from tests.lab.conftest import Lab
from tests.lab.places import DNS
from tests.lab.supervised import Supervised, at_rest, leftovers, set_up

RESOLVER = Path("/etc/resolv.conf")
HOOK = Path("/etc/pppgen/hooks.d/note")
TOLD = Path("/run/lab-hook")
SERVERS = [f"nameserver {each}" for each in DNS]


@pytest.fixture
def service(lab: Lab) -> Iterator[Supervised]:
    """What the unit's ExecStart starts, under all that its [Service] says."""
    set_up()
    lab.ask("forget")
    (command,) = (value for name, value in confined.settings() if name == "ExecStart")
    path, *words = command.split()
    # Where `make install` puts it: a link, as here.
    Path(path).unlink(missing_ok=True)
    Path(path).symlink_to(Path(sys.executable).with_name("pppgen"))
    HOOK.parent.mkdir(exist_ok=True)
    HOOK.write_text(f'#!/bin/sh\necho "$PPPGEN_EVENT $PPPGEN_BEARER" >>{TOLD}\n')
    HOOK.chmod(0o755)
    # DHCP, so that udhcpc is proved to work as well.
    running = Supervised('[qmi]\naddressing = "dhcp"', (sys.executable, "-m", "tests.lab.confined", path, *words))
    yield running
    at_rest(running)
    HOOK.unlink()
    TOLD.unlink(missing_ok=True)
    Path(path).unlink()


def confinement(pid: int) -> dict[str, str]:
    """Return what the kernel says about a process's limits."""
    lines = (line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: value for name, value in lines if name in {"CapBnd", "NoNewPrivs", "Seccomp"}}


def test_under_the_units_own_sandbox_both_bearers_carry_traffic_and_resolv_conf_is_written(
    lab: Lab, service: Supervised
) -> None:
    before = RESOLVER.read_text()
    ours = confinement(service.process.pid)
    assert (ours["NoNewPrivs"], ours["Seccomp"]) == ("1", "2")
    assert ours["CapBnd"] != confinement(1)["CapBnd"]
    service.up()
    service.until_phase("online", bearer="qmi")
    assert " 0% packet loss" in board.ping(interface="wwan0").said
    assert board.run("pppgen", "failover", "--to", "ppp", "--reason", "the test says so").status == 0
    service.until_phase("online", bearer="ppp")
    (pppd,) = board.running("pppd")
    assert confinement(pppd) == ours, "pppd got what the service has"
    # `systemctl reload`: the supervisor ends alone, and the next one takes the link over.
    service.leave(keep=True)
    assert " 0% packet loss" in board.ping().said
    service.begin(up=True)
    service.until_taken_over("ppp")
    assert board.running("pppd") == [pppd]
    with board.no_default_route_over_wifi():
        assert board.fetch() == "operator"
    assert [line for line in SERVERS if line not in RESOLVER.read_text().splitlines()] == []
    service.down()
    assert RESOLVER.read_text() == before
    assert leftovers() == []
    assert lab.qmi()["clients"] == {}
    # Hooks are told in a thread of their own.
    service.leave()
    assert TOLD.read_text().splitlines() == ["up qmi", "down qmi", "failover ppp", "up ppp", "up ppp", "down ppp"]
