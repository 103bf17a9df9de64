"""From literal facts to candidates: which device is asked, in which order, under which name, and what is told."""

from dataclasses import replace

import pytest

from pppgen.discovery import Likelihood, discover, judge, no_modem, stable_name, usb_device, with_our_names
from pppgen.errors import BadValue, ExitCode
from pppgen.facts import Board, Claim, Grip, Process, StaleLock, Uart, Usage, UsbDevice, UsbInterface, UsbTty
from pppgen.model import Holder
from pppgen.udev import link_name

BY_PATH = "/dev/serial/by-path/platform-x-usb-0:1.4:1.2-port0"


def port(number: int, name: str = "ttyUSB2", driver: str | None = "option", codes: str = "ff/ff/ff") -> UsbInterface:
    usb_class, subclass, protocol = (int(code, 16) for code in codes.split("/"))
    return UsbInterface(number, usb_class, subclass, protocol, driver, (UsbTty(name, f"/dev/{name}"),))


def device(*interfaces: UsbInterface, ids: str = "2c7c:0296", path: str = "1-1.4") -> UsbDevice:
    vid, pid = ids.split(":")
    return UsbDevice(path, vid, pid, interfaces)


ARDUINO = device(port(0, "ttyACM0", "cdc_acm", "02/02/01"), ids="2341:0043", path="1-1.1")
CP2102 = device(port(0, "ttyUSB0", "cp210x", "ff/00/00"), ids="10c4:ea60", path="1-1.2")
BG96 = device(port(2))
UART = Uart("ttyS0", "/dev/ttyS0", ("/dev/serial0",))


def test_known_modems_come_first_then_likely_ones_then_uarts_and_adapters_are_not_asked() -> None:
    unknown = device(port(0, "ttyUSB5"), port(1, "ttyUSB6"), ids="dead:beef", path="1-1.3")
    found = discover(Board((ARDUINO, CP2102, unknown, BG96), (UART,)), Usage())
    assert [one.usb_path for one in found.devices] == ["1-1.4", "1-1.3", ""]
    assert [one.likelihood for one in found.candidates] == [
        Likelihood.KNOWN,
        Likelihood.LIKELY,
        Likelihood.UART,
        Likelihood.UNLIKELY,
        Likelihood.UNLIKELY,
    ]


@pytest.mark.parametrize(
    "facts",
    [
        device(port(0, driver="option"), ids="dead:beef"),
        device(UsbInterface(4, wdm=("/dev/cdc-wdm0",)), ids="dead:beef"),
        device(port(0, driver=None), ids="2c7c:ffff"),
        device(port(0, driver=None), port(1, driver=None), ids="dead:beef"),
        device(port(0, "ttyACM0", "cdc_acm", "02/02/01"), UsbInterface(2, net=("usb0",)), ids="dead:beef"),
    ],
)
def test_what_only_modems_have_makes_a_likely_one(facts: UsbDevice) -> None:
    verdict = judge(facts)
    assert verdict is not None
    assert verdict[0] is Likelihood.LIKELY
    assert verdict[1]


def test_a_device_without_serial_ports_is_not_listed() -> None:
    assert discover(Board((device(UsbInterface(0, 3, 1, 1, "usbhid"), ids="046d:c31c"),)), Usage()).candidates == ()


def test_our_link_is_the_name_where_it_exists_then_by_path_then_the_name_it_will_have() -> None:
    plain = UsbTty("ttyUSB2", "/sysroot/dev/ttyUSB2")
    assert stable_name("1-1.4", 2, replace(plain, ours="/dev/pppgen/1-1.4-if02", by_path=BY_PATH)) == (
        "/dev/pppgen/1-1.4-if02"
    )
    assert stable_name("1-1.4", 2, replace(plain, by_path=BY_PATH)) == BY_PATH
    assert stable_name("1-1.4", 2, plain) == "/dev/pppgen/1-1.4-if02"
    assert stable_name("1-1.4", 2, replace(plain, ours="/dev/pppgen/1-1.9-if02")) == "/dev/pppgen/1-1.4-if02"


def test_a_further_port_of_one_interface_never_gets_the_name_of_the_first() -> None:
    second = UsbTty("ttyUSB3", "/sysroot/dev/ttyUSB3", port_number=1)
    assert stable_name("1-1.4", 2, second) == "/dev/ttyUSB3"
    both = device(UsbInterface(2, ttys=(UsbTty("ttyUSB2", "/dev/ttyUSB2"), second)))
    renamed = with_our_names(usb_device(both, Usage()))
    assert [one.stable for one in renamed.ports] == ["/dev/pppgen/1-1.4-if02", "/dev/ttyUSB3"]


def test_with_our_names_replaces_by_path_by_what_setup_installs() -> None:
    facts = device(UsbInterface(10, ttys=(UsbTty("ttyUSB2", "/dev/ttyUSB2", by_path=BY_PATH),)))
    assert with_our_names(usb_device(facts, Usage())).ports[0].stable == "/dev/pppgen/1-1.4-if0a"


@pytest.mark.parametrize(
    "path", ["", "1-1.4/../../etc", "1-1.4\nconnect x", "1-1.4 ", "usb1", "٣-1", "1-1.1.1.1.1.1.1.1"]
)
def test_a_usb_path_that_the_kernel_could_not_have_given_reaches_no_name(path: str) -> None:
    with pytest.raises(BadValue):
        link_name(path, 2)


@pytest.mark.parametrize("interface", [-1, 256])
def test_an_interface_number_out_of_range_reaches_no_name(interface: int) -> None:
    with pytest.raises(BadValue):
        link_name("1-1.4", interface)


def test_the_holder_of_a_port_travels_with_it_and_a_descriptor_outranks_a_lock() -> None:
    lock = Claim("/dev/ttyUSB2", Holder(5, "pppd"), Grip.LOCK, "/run/lock/LCK..ttyUSB2")
    descriptor = Claim("/dev/ttyUSB2", Holder(812, "ModemManager"), Grip.DESCRIPTOR, "/proc/812/fd/4")
    found = discover(Board((BG96,)), Usage((lock, descriptor)))
    assert found.devices[0].ports[0].holder == Holder(812, "ModemManager")


@pytest.mark.parametrize(
    ("consoles", "processes"),
    [
        (("ttyS0",), ()),
        (("serial0",), ()),
        ((), (Process(412, "agetty", ("/sbin/agetty", "--keep-baud", "115200,9600", "ttyS0", "vt220")),)),
        ((), (Process(412, "agetty", ("/sbin/agetty", "/dev/serial0")),)),
    ],
)
def test_a_uart_with_a_console_or_login_prompt_is_never_asked(
    consoles: tuple[str, ...], processes: tuple[Process, ...]
) -> None:
    found = discover(Board((), (UART,), consoles), Usage(processes=processes))
    assert found.devices == ()
    assert found.consoles[0].ports[0].stable == "/dev/ttyS0"
    assert [notice.code for notice in found.notices] == ["uart-console"]


def test_a_login_prompt_of_this_system_says_nothing_of_another_trees_uart() -> None:
    uart = Uart("ttyS0", "/sysroot/dev/ttyS0")
    getty = Process(412, "agetty", ("/sbin/agetty", "ttyS0"))
    (asked,) = discover(Board((), (uart,)), Usage(processes=(getty,))).devices
    assert (asked.ports[0].device, asked.ports[0].stable) == ("/sysroot/dev/ttyS0", "/dev/ttyS0")


def test_beside_a_modem_nobody_is_bothered_with_the_console() -> None:
    assert discover(Board((BG96,), (UART,), ("ttyS0",)), Usage()).notices == ()


def test_where_only_a_uart_is_left_to_ask_the_reader_learns_what_an_unseen_modem_looks_like() -> None:
    found = discover(Board((ARDUINO,), (UART,)), Usage())
    assert [one.ports[0].device for one in found.devices] == ["/dev/ttyS0"]
    assert [notice.code for notice in found.notices] == ["no-usb-modem"]
    assert "PWRKEY" in found.notices[0].hint


def disk(ids: str) -> UsbDevice:
    return device(UsbInterface(0, 8, 6, 0x50, "usb-storage"), ids=ids)


@pytest.mark.parametrize(
    ("facts", "code", "hint"),
    [
        (disk("12d1:1f01"), "not-mode-switched", "usb_modeswitch -v 12d1 -p 1f01 -J"),
        (disk("12d1:14fe"), "not-mode-switched", "usb_modeswitch -v 12d1 -p 14fe -J"),
        (disk("19d2:2000"), "not-mode-switched", "usb_modeswitch -v 19d2 -p 2000 -K"),
        (disk("1199:0fff"), "not-mode-switched", "usb_modeswitch -v 1199 -p 0fff -K"),
        (
            device(UsbInterface(2, 0xFF), UsbInterface(3, 0xFF)),
            "driver-not-bound",
            "echo 2c7c 0296 > /sys/bus/usb-serial/",
        ),
        (device(UsbInterface(0, 2, 6, 0, "cdc_ether", net=("eth1",)), ids="12d1:14dc"), "network-only", "eth1"),
    ],
)
def test_a_modem_without_ports_is_told_with_its_reason_and_a_remedy(facts: UsbDevice, code: str, hint: str) -> None:
    board = Board((facts,))
    found = discover(board, Usage())
    assert [notice.code for notice in found.notices] == [code]
    assert hint in found.notices[0].hint
    error = no_modem(board, found)
    assert f"{facts.vid}:{facts.pid} at USB 1-1.4" in error.message
    assert hint in error.hint


def test_a_makers_other_device_is_no_broken_modem() -> None:
    assert discover(Board((device(UsbInterface(0, 3, 0, 0, "usbhid"), ids="12d1:ffff"),)), Usage()).notices == ()


def test_a_uart_is_free_when_the_login_prompts_are_elsewhere() -> None:
    getty = Process(412, "agetty", ("/sbin/agetty", "tty1"))
    found = discover(Board((), (UART,), ("tty1",)), Usage(processes=(getty, Process(1, "systemd"))))
    assert [one.ports[0].device for one in found.devices] == ["/dev/ttyS0"]


def test_a_memory_stick_of_somebody_else_is_not_called_a_modem() -> None:
    assert discover(Board((disk("0781:5567"),)), Usage()).notices == ()


def test_an_unbound_debug_interface_beside_working_ports_is_normal() -> None:
    adb = UsbInterface(5, 0xFF, 0x42, 0x01)
    assert discover(Board((device(port(2), adb),)), Usage()).notices == ()


def test_no_modem_at_all_says_what_was_looked_for_and_what_an_unseen_one_looks_like() -> None:
    hub = device(UsbInterface(0, 9, 0, 0, "hub"), ids="1d6b:0002", path="1-0")
    mouse = device(UsbInterface(0, 3, 1, 2, "usbhid"), ids="046d:c077", path="1-2")
    board = Board((hub, mouse))
    error = no_modem(board, discover(board, Usage()))
    assert error.exit is ExitCode.NO_MODEM
    assert "1 USB device and 0 UARTs" in error.message
    for word in ("PWRKEY", "USB cable", "get_throttled", "Mass Storage", "lsusb"):
        assert word in error.hint


def test_without_all_rights_the_unknown_holders_are_said() -> None:
    found = discover(Board((BG96,)), Usage(complete=False))
    assert [notice.code for notice in found.notices] == ["holders-unknown"]


def test_a_stale_lock_is_told_with_the_command_that_removes_it() -> None:
    usage = Usage(stale_locks=(StaleLock("/dev/ttyUSB2", "/run/lock/LCK..ttyUSB2", 4711),))
    (notice,) = discover(Board((BG96,)), usage).notices
    assert (notice.code, notice.hint, notice.evidence) == (
        "stale-lock",
        "rm /run/lock/LCK..ttyUSB2",
        ("pid 4711 does not run",),
    )
