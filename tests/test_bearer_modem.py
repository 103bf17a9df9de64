"""The modem beside a link: its ports resolved anew, and its word before and after a dial, on the simulated modem."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pppgen.bearers.modem import Modem
from pppgen.config import Link
from pppgen.model import Reason
from pppgen.system.processes import LOCK_FOLDERS
from pppgen.system.tty import Tty, open_tty
from pppgen.system.uucp import lock_path
from tests.fakes.simulator import holding, simulator

PATH = "1-1.4"


def modem(root: Path, *, at: int | None = 3, dial: int | None = 2, opened: Callable[[str], Tty] = open_tty) -> Modem:
    link = Link(
        "provider", "super", "bg96", "/dev/pppgen/1-1.4-if02", usb_path=PATH, at_interface=at, dial_interface=dial
    )
    return Modem(link, sysroot=root, root=root / "state", opened=opened)


def interfaces(one: Modem) -> list[int | None]:
    return [port.interface for port in one.ports()]


def test_the_port_that_setup_chose_comes_first_and_the_other_at_port_behind_it(tmp_path: Path) -> None:
    with simulator(tmp_path) as root:
        assert interfaces(modem(root)) == [2, 3]
        assert interfaces(modem(root, at=2, dial=3)) == [3, 2]
        assert interfaces(modem(root, at=None, dial=None))[0] == 3, "the catalog's dial port"


def test_the_port_that_last_worked_goes_before_all(tmp_path: Path) -> None:
    with simulator(tmp_path) as root:
        one = modem(root, at=2, dial=3)
        one.worked(one.ports()[1])
        assert interfaces(one) == [2, 3]


def test_a_modem_that_is_not_on_its_bus_has_no_ports_and_no_word(tmp_path: Path) -> None:
    with simulator(tmp_path) as root:
        link = Link("provider", "super", "bg96", "/dev/ttyUSB2", usb_path="3-9", at_interface=2, dial_interface=3)
        gone = Modem(link, sysroot=root, root=root / "state")
        assert gone.ports() == ()
        assert gone.before_dial() is None
        assert gone.sky("") is None


def test_the_user_s_modem_may_dial_although_it_says_stat_4(tmp_path: Path) -> None:
    with simulator(tmp_path, "cereg=4", "creg=4") as root:
        sky = modem(root).before_dial()
        assert sky is not None
        assert sky.lost is None
        assert sky.signal.rssi_dbm == -69
        assert any("+CGREG: 0,4" in line for line in sky.evidence)


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        (["sim=absent"], Reason.SIM_MISSING),
        (["sim=pin"], Reason.SIM_PIN),
        (["creg=3", "cgreg=3", "cereg=3"], Reason.REGISTRATION_DENIED),
        (["backoff=700"], Reason.BUDGET_SPENT),
    ],
)
def test_a_dial_that_cannot_succeed_is_known_before(tmp_path: Path, faults: list[str], reason: Reason) -> None:
    with simulator(tmp_path, *faults) as root:
        sky = modem(root).before_dial()
        assert sky is not None
        assert sky.lost is reason
        assert sky.evidence


def test_while_pppd_holds_one_port_the_other_is_asked(tmp_path: Path) -> None:
    with simulator(tmp_path) as root:
        one = modem(root)
        for port in one.ports():
            sky = one.sky(port.device)
            assert sky is not None
            assert sky.lost is None
        with holding(Path(one.ports()[1].device)):
            assert one.sky(one.ports()[0].device) is None, "nothing is sent to a port that another process holds"


def test_before_a_dial_no_more_is_asked_than_decides_whether_it_may_be_made(tmp_path: Path) -> None:
    with simulator(tmp_path) as root:
        sky = modem(root).before_dial()
        assert sky is not None
        assert [one.domain for one in sky.registrations] == ["cereg"], "one domain with service is enough"
        assert sky.signal.usable
        beside = modem(root).sky("")
        assert beside is not None
        assert len(beside.registrations) == 3, "while nobody waits, all of them"


def test_the_path_s_mtu_is_asked_once_a_link_beside_pppd_only(tmp_path: Path) -> None:
    with simulator(tmp_path, "mtu=1430") as root:
        one = modem(root)
        busy = one.ports()[0].device
        assert [sky.mtu if (sky := one.sky(port)) else sky for port in ("", busy, busy)] == [None, 1430, None]
        one.before_dial()
        again = one.sky(busy)
        assert again is not None
        assert again.mtu == 1430, "the next link's may be another"


@pytest.mark.parametrize("fault", ["mtu=0", "mtu=9000", "error=AT+CGCONTRDP"])
def test_an_mtu_that_makes_no_sense_costs_nothing_else(tmp_path: Path, fault: str) -> None:
    with simulator(tmp_path, fault) as root:
        one = modem(root)
        sky = one.sky(one.ports()[0].device)
        assert sky is not None
        assert sky.mtu is None
        assert len(sky.registrations) == 3
        assert not any("CGCONTRDP" in line for line in sky.evidence)


def looks_at_all_processes(seen: list[str]) -> Callable[[], int]:
    """Count from now on how often this process lists /proc."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.listdir" and str(arguments[0]) == "/proc":
            seen.append(event)

    sys.addaudithook(hook)
    return lambda: len(seen)


def test_one_look_at_who_holds_what_is_enough_for_a_dial(tmp_path: Path) -> None:
    with simulator(tmp_path) as root:
        one = modem(root)
        looks = looks_at_all_processes([])
        assert one.before_dial() is not None
        assert one.holder(one.ports()[0]) is None
        assert looks() == 1
        assert one.holder(one.ports()[0]) is None
        assert looks() == 2, "whoever asks again is told what is so by then"
        assert one.before_dial() is not None
        assert one.holder(one.ports()[0]) is None
        assert looks() == 3, "and so it is for the next dial"


def test_a_port_that_was_opened_since_the_modem_was_asked_has_its_holder(tmp_path: Path) -> None:
    with simulator(tmp_path) as root:
        one = modem(root)
        assert one.before_dial() is not None
        port = one.ports()[0]
        with holding(Path(port.device)) as pid:
            found = one.holder(port)
            assert found is not None
            assert found.pid == pid


def test_a_port_that_was_held_while_the_modem_was_asked_has_its_holder(tmp_path: Path) -> None:
    with simulator(tmp_path) as root:
        one = modem(root)
        port = one.ports()[0]
        with holding(Path(port.device)) as pid:
            assert one.before_dial() is not None, "the other port could be asked"
            found = one.holder(port)
            assert found is not None
            assert found.pid == pid
        assert one.holder(port) is None


def test_a_port_that_was_locked_since_the_modem_was_asked_has_its_holder(tmp_path: Path) -> None:
    with simulator(tmp_path) as root, subprocess.Popen(["sleep", "infinity"]) as process:
        one = modem(root)
        assert one.before_dial() is not None
        port = one.ports()[0]
        path = lock_path(port.device, LOCK_FOLDERS[0])
        try:
            path.write_text(f"{process.pid:>10}\n")
            found = one.holder(port)
            assert found is not None
            assert found.pid == process.pid
        finally:
            path.unlink(missing_ok=True)
            process.kill()


@pytest.mark.parametrize("at", [2, 3])
def test_a_modem_whose_one_port_is_asked_and_dialled_leaves_no_descriptor(tmp_path: Path, at: int) -> None:
    with simulator(tmp_path) as root:
        one = modem(root, at=at, dial=2)
        assert one.before_dial() is not None, "the first dial opens what stays open"
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- one call, for its number
        for _ in range(3):
            assert one.before_dial() is not None
        assert one.holder(one.ports()[0]) is None
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 -- same


def test_what_was_asked_ahead_is_the_next_dial_s_answer_once(tmp_path: Path) -> None:
    with simulator(tmp_path) as root:
        opened: list[str] = []

        def noted(device: str) -> Tty:
            opened.append(device)
            return open_tty(device)

        one = modem(root, opened=noted)
        one.look_ahead()
        first = one.before_dial()
        assert first is not None
        assert len(opened) == 1, "the dial waited for the answer that was on its way"
        assert one.before_dial() == first
        assert len(opened) == 2, "and the one after it asks anew"


def test_where_the_ending_link_holds_the_only_port_the_dial_asks_for_itself(tmp_path: Path) -> None:
    with simulator(tmp_path, "at=3") as root:
        one = modem(root)
        ports = [Path(port.device) for port in one.ports()]
        with contextlib.ExitStack() as held:
            for port in ports:
                held.enter_context(holding(port))
            one.look_ahead()
            assert one.before_dial() is None
        assert one.before_dial() is not None


def test_a_silent_command_port_says_nothing_and_holds_no_dial(tmp_path: Path) -> None:
    with simulator(tmp_path, "silent=3") as root:
        assert modem(root, at=3).before_dial() is None


def test_an_old_call_s_end_is_not_the_cause_of_the_next_failure(tmp_path: Path) -> None:
    with simulator(tmp_path) as root:
        one = modem(root)
        one.before_dial()
        after = one.after_failure()
        assert after is not None
        assert after.lost is None
