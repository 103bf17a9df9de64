"""Trees as the kernel lays them out, as the simulated modem does, and as nobody should."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pppgen.discovery import discover
from pppgen.facts import Board, Trace, Usage
from pppgen.system.sysfs import read_board, read_traces, read_usb
from tests.fakes.usbtree import FakeUsb, bg96, put


def test_a_modem_is_read_with_its_ports_net_and_qmi_node(tmp_path: Path) -> None:
    bg96(tmp_path)
    (device,) = read_board(tmp_path).usb
    assert (device.path, device.vid, device.pid, device.product) == ("1-1.4", "2c7c", "0296", "Quectel BG96")
    assert [tty.device for tty in device.ttys] == [str(tmp_path / f"dev/ttyUSB{number}") for number in range(4)]
    assert [interface.driver for interface in device.interfaces] == ["option"] * 4 + ["qmi_wwan"]
    assert device.interfaces[4].net == ("wwan0",)
    assert device.interfaces[4].wdm == (str(tmp_path / "dev/cdc-wdm0"),)
    assert (device.interfaces[0].usb_class, device.interfaces[0].protocol) == (0xFF, 0xFF)


def test_a_tree_with_only_ids_interface_numbers_and_ttys_is_enough(tmp_path: Path) -> None:
    modem = FakeUsb(tmp_path, nested=True)
    put(modem.folder / "1-1.4:1.2/bInterfaceNumber", "02")
    (modem.folder / "1-1.4:1.2/ttyUSB2").mkdir()
    (device,) = read_board(tmp_path).usb
    assert [(interface.number, interface.usb_class) for interface in device.interfaces] == [(2, -1)]
    assert device.ttys[0].name == "ttyUSB2"


@pytest.mark.parametrize("nested", [True, False])
def test_one_device_alone_is_read_as_it_is_among_the_others(tmp_path: Path, nested: bool) -> None:
    for path in ("1-1.4", "1-1", "1-1.40"):
        modem = FakeUsb(tmp_path, path, nested=nested)
        modem.tty(2, f"ttyUSB{len(path)}")
    for device in read_board(tmp_path).usb:
        assert read_usb(tmp_path, device.path) == device


@pytest.mark.parametrize("path", ["1-2", "", "usb1", "../1-1", "1-1.4:1.2"])
def test_no_other_path_is_a_device(tmp_path: Path, path: str) -> None:
    FakeUsb(tmp_path).tty(2, "ttyUSB2")
    assert read_usb(tmp_path, path) is None


def test_the_tty_of_a_cdc_acm_interface_is_found_in_its_own_place(tmp_path: Path) -> None:
    modem = FakeUsb(tmp_path, vid="1546", pid="1102")
    (modem.interface(0, "02/02/01", "cdc_acm") / "tty/ttyACM0").mkdir(parents=True)
    assert [tty.name for tty in read_board(tmp_path).usb[0].ttys] == ["ttyACM0"]


def test_the_qmi_node_of_an_old_kernel_lies_in_usb(tmp_path: Path) -> None:
    modem = FakeUsb(tmp_path)
    (modem.interface(4) / "usb/cdc-wdm1").mkdir(parents=True)
    assert read_board(tmp_path).usb[0].interfaces[0].wdm == (str(tmp_path / "dev/cdc-wdm1"),)


def test_links_of_udev_are_given_as_the_running_system_knows_them(tmp_path: Path) -> None:
    modem = bg96(tmp_path)
    modem.link("serial/by-path/platform-x-usb-0:1.4:1.2-port0", "ttyUSB2")
    modem.link("serial/by-id/usb-Quectel_BG96-if02-port0", "ttyUSB2")
    modem.link("pppgen/1-1.4-if02", "ttyUSB2")
    tty = read_board(tmp_path).usb[0].ttys[2]
    assert tty.by_path == "/dev/serial/by-path/platform-x-usb-0:1.4:1.2-port0"
    assert tty.by_id == "/dev/serial/by-id/usb-Quectel_BG96-if02-port0"
    assert tty.ours == "/dev/pppgen/1-1.4-if02"


@pytest.mark.parametrize("evil", ['ttyUSB2" debug', "if02\nconnect 'rm'", "a#b", "a\\x2f", "a b"])
def test_a_link_whose_name_could_mean_something_to_pppd_is_left_out(tmp_path: Path, evil: str) -> None:
    modem = bg96(tmp_path)
    modem.link(f"serial/by-path/{evil}", "ttyUSB2")
    assert read_board(tmp_path).usb[0].ttys[2].by_path is None


@pytest.mark.parametrize("name", ["1-1.4.", "usb1", "1-", "..", "1-1.4 x", "٣-1", "1-1.4:1.0", "1-1/../../x"[:6]])
def test_a_folder_that_the_kernel_would_not_name_so_is_no_device(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "sys/bus/usb/devices" / name
    put(folder / "idVendor", "2c7c")
    put(folder / "idProduct", "0296")
    assert read_board(tmp_path).usb == ()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"2c7", b"zzzz", b"2c7c0296", b"0x2c", b"A" * 100_000])
def test_ids_that_are_not_four_hex_digits_make_no_device(tmp_path: Path, content: bytes) -> None:
    FakeUsb(tmp_path, vid=content)
    assert read_board(tmp_path).usb == ()


@pytest.mark.parametrize("content", [b"", b"xx", b"-1", b"100", b"\x00"])
def test_an_interface_without_a_number_is_left_out(tmp_path: Path, content: bytes) -> None:
    modem = bg96(tmp_path)
    put(modem.folder.parent / "1-1.4:1.2/bInterfaceNumber", content)
    assert [interface.number for interface in read_board(tmp_path).usb[0].interfaces] == [0, 1, 3, 4]


def test_attributes_that_are_folders_pipes_or_loops_do_not_stop_the_look(tmp_path: Path) -> None:
    modem = FakeUsb(tmp_path)
    (modem.folder / "product").mkdir()
    os.mkfifo(modem.folder / "manufacturer")
    (modem.folder / "serial").symlink_to("serial")
    (modem.folder.parent / "1-1.4:1.0").symlink_to("gone")
    (device,) = read_board(tmp_path).usb
    assert (device.product, device.manufacturer, device.serial, device.interfaces) == ("", "", "", ())


def test_the_ports_come_in_the_order_of_their_interfaces_and_numbers(tmp_path: Path) -> None:
    bg96(tmp_path, "1-1.10", first=4)
    bg96(tmp_path, "1-1.2", first=8)
    board = read_board(tmp_path)
    assert [device.path for device in board.usb] == ["1-1.2", "1-1.10"]
    assert [tty.name for tty in board.usb[0].ttys] == ["ttyUSB8", "ttyUSB9", "ttyUSB10", "ttyUSB11"]


def test_sixteen_modems_among_thousands_of_other_devices_are_all_found(tmp_path: Path) -> None:
    for number in range(16):
        bg96(tmp_path, f"1-1.{number + 1}", first=4 * number)
    for number in range(3000):
        (tmp_path / f"sys/bus/usb/devices/junk{number}").mkdir()
    assert sum(len(device.ttys) for device in read_board(tmp_path).usb) == 64


def test_an_empty_tree_is_an_empty_board(tmp_path: Path) -> None:
    assert read_board(tmp_path) == Board()


def test_only_uarts_with_hardware_behind_them_count(tmp_path: Path) -> None:
    for name, kind in (("ttyS0", "4"), ("ttyS1", "0"), ("ttyAMA0", "")):
        (tmp_path / "sys/class/tty" / name / "device").mkdir(parents=True)
        if kind:
            put(tmp_path / "sys/class/tty" / name / "type", kind)
    (tmp_path / "sys/class/tty/ttyS2").mkdir()
    (tmp_path / "sys/class/tty/tty1/device").mkdir(parents=True)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/serial0").symlink_to("ttyS0")
    assert [(uart.name, uart.aliases) for uart in read_board(tmp_path).uarts] == [
        ("ttyAMA0", ()),
        ("ttyS0", ("/dev/serial0",)),
    ]


def test_consoles_are_those_of_the_kernel_and_of_its_command_line(tmp_path: Path) -> None:
    put(tmp_path / "sys/class/tty/console/active", "tty0 ttyS0")
    put(
        tmp_path / "proc/cmdline",
        "coherent_pool=1M noconsole=x console=serial0,115200 console=tty1 root=/dev/mmcblk0p2",
    )
    assert read_board(tmp_path).consoles == ("tty0", "ttyS0", "serial0", "tty1")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(text=st.binary(max_size=2000))
def test_any_descriptor_text_is_one_bounded_printable_line(tmp_path: Path, text: bytes) -> None:
    modem = FakeUsb(tmp_path)
    put(modem.folder / "product", text)
    product = read_board(tmp_path).usb[0].product
    assert product.isprintable()
    assert len(product) <= 126


# Any name but those that the tree itself has beside it (bInterfaceNumber, driver, serial/).
CHARACTERS = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
NAMES = st.text(CHARACTERS, min_size=1, max_size=40).filter(
    lambda name: not name.startswith(("b", ".", "serial", "driver"))
)
SAFE = re.compile(r"/dev/(pppgen/[0-9.-]+-if[0-9a-f]{2}|serial/by-path/[A-Za-z0-9+.:=@_-]+|tty[A-Z]+[0-9]+)")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(name=NAMES | st.from_regex(r"tty(USB|ACM)[0-9]{1,3}.?", fullmatch=True, alphabet=CHARACTERS), link=NAMES)
def test_no_name_in_a_tree_reaches_a_stable_name_but_by_the_kernels_grammar(
    tmp_path_factory: pytest.TempPathFactory, name: str, link: str
) -> None:
    root = tmp_path_factory.mktemp("tree")
    modem = FakeUsb(root)
    modem.tty(2, name, "null")
    modem.link(f"serial/by-path/{link}", name)
    for device in discover(read_board(root), Usage()).devices:
        for found in device.ports:
            assert SAFE.fullmatch(found.stable)


def test_an_attribute_that_fails_while_it_is_read_is_left_out(tmp_path: Path) -> None:
    modem = FakeUsb(tmp_path)
    (modem.folder / "product").symlink_to("/proc/self/mem")  # opens, and answers EIO: as a vanished device does
    (device,) = read_board(tmp_path).usb
    assert device.product == ""


def test_what_lies_where_a_link_should_be_names_no_port(tmp_path: Path) -> None:
    modem = bg96(tmp_path)
    put(tmp_path / "dev/serial/by-path/ttyUSB2", "")
    (modem.interface(5) / "driver").mkdir()
    (device,) = read_board(tmp_path).usb
    assert device.ttys[2].by_path is None
    assert device.interfaces[5].driver is None


def test_traces_are_what_is_there_and_the_lines_that_do_something(tmp_path: Path) -> None:
    put(tmp_path / "usr/src/qmi_reconnect.sh", "")
    (tmp_path / "sys/module/qmi_wwan_q").mkdir(parents=True)
    put(tmp_path / "etc/ppp/ip-up", "#!/bin/sh\n# route add default\n  route add default ppp0\n")
    traces = read_traces(tmp_path, ["/usr/src/qmi_reconnect.sh", "/gone"], ["qmi_wwan_q", "option"], ["/etc/ppp/ip-up"])
    assert traces == (
        Trace("path", "/usr/src/qmi_reconnect.sh"),
        Trace("module", "qmi_wwan_q"),
        Trace("line", "/etc/ppp/ip-up", "route add default ppp0"),
    )
