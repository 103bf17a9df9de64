"""The lab's own promises: the modem, the operator and the internet are what the tests take them for."""

import subprocess
from pathlib import Path

import pytest

from tests.lab.conftest import Lab


def link(interface: int) -> Path:
    return Path(f"/dev/serial/by-path/platform-dummy_hcd.0-usb-0:1:1.{interface}-port0")


def talk(device: Path, command: str) -> str:
    """Ask a tty with the shell's means only."""
    script = f'stty -F {device} raw -echo; exec 3<>{device}; printf "{command}\\r" >&3; timeout 1 cat <&3'
    return subprocess.run(["bash", "-c", script], check=False, capture_output=True, text=True).stdout


@pytest.mark.usefixtures("lab")
def test_the_option_driver_binds_four_ports_with_the_catalogs_interface_numbers() -> None:
    for number in range(4):
        sysfs = Path(f"/sys/class/tty/ttyUSB{number}/device").resolve()
        assert (sysfs.parent / "bInterfaceNumber").read_text().strip() == f"{number:02x}"
        assert (sysfs.parent / "driver").resolve().name == "option"
        assert link(number).resolve() == Path(f"/dev/ttyUSB{number}")


@pytest.mark.usefixtures("lab")
def test_the_modems_own_ttys_can_not_be_found_by_the_program_under_test() -> None:
    assert not list(Path("/dev").glob("ttyGS*"))


@pytest.mark.usefixtures("lab")
def test_at_is_answered_on_the_ports_that_the_family_has_it_on_and_on_no_other() -> None:
    assert "OK" in talk(Path("/dev/ttyUSB2"), "AT")
    assert "Quectel" in talk(Path("/dev/ttyUSB3"), "ATI")
    assert "OK" not in talk(Path("/dev/ttyUSB0"), "AT")


def test_a_fault_is_in_force_at_once(lab: Lab) -> None:
    lab.fault("at=2")
    assert "OK" in talk(Path("/dev/ttyUSB2"), "AT")
    assert "OK" not in talk(Path("/dev/ttyUSB3"), "AT")


def test_a_replug_gives_other_numbers_to_the_same_interfaces(lab: Lab) -> None:
    lab.ask("replug", 2)
    assert link(2).resolve() != Path("/dev/ttyUSB2")
    assert "OK" in talk(link(2), "AT")


def test_a_reboot_takes_the_modem_off_the_bus_and_brings_it_back(lab: Lab) -> None:
    before = Path("/dev/ttyUSB2").stat().st_ino
    talk(Path("/dev/ttyUSB2"), "AT+CFUN=1,1")
    lab.ask("rebooted")
    assert Path("/dev/ttyUSB2").stat().st_ino != before
    assert "OK" in talk(Path("/dev/ttyUSB2"), "AT")


def test_dtr_is_seen_to_drop_when_a_port_is_closed(lab: Lab) -> None:
    lab.ask("forget")
    talk(Path("/dev/ttyUSB2"), "AT")
    assert lab.dtr_drops(2) >= 1


def test_the_internet_is_reached_over_wlan0_and_counted_there(lab: Lab) -> None:
    page = subprocess.run(["wget", "-qO-", "http://8.8.8.8/"], check=True, capture_output=True, text=True).stdout
    assert page == "home\n"
    assert (lab.seen("home", "http"), lab.seen("operator", "http")) == (1, 0)
