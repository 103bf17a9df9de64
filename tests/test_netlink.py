"""Netlink by hand: messages that are cut or lie about their length, and addresses on a real kernel."""

import errno
import struct
from collections.abc import Callable

import pytest

from pppgen.errors import PppgenError
from pppgen.system import addresses, link, netlink
from pppgen.system.addresses import Addresses
from pppgen.system.netlink import Answer, Ask, Netlink, attribute
from tests.fakes.namespace import add_link, do, in_namespace, needs_namespaces


def test_attributes_that_are_cut_or_lie_about_their_length_are_left_out() -> None:
    whole = attribute(1, b"abc") + attribute(2, b"longer than four")
    assert Answer(whole).attributes(0) == {1: b"abc", 2: b"longer than four"}
    for length in range(len(whole)):
        assert Answer(whole[:length]).attributes(0) in ({}, {1: b"abc"})
    for told in (0, 1, 3, 0xFFFF):
        assert Answer(struct.pack("=HH", told, 1) + b"abcd").attributes(0) == {}


def test_a_nested_attribute_s_mark_is_not_part_of_its_name() -> None:
    assert netlink.nested(attribute(0x8000 | 8, attribute(2, 1400))) == {8: attribute(2, 1400)}
    assert netlink.number(netlink.nested(attribute(2, 1400))[2]) == 1400


Board = Callable[[Callable[[], None]], None]


@pytest.fixture
def board() -> Board:
    def on(body: Callable[[], None]) -> None:
        def inside() -> None:
            add_link("wwan0", "10.0.0.7/30")
            body()

        in_namespace(inside)

    return on


@needs_namespaces
def test_what_the_kernel_refuses_is_an_error_with_its_number_and_the_line_goes_on(board: Board) -> None:
    def body() -> None:
        with Netlink() as line:
            with pytest.raises(OSError, match="No such device") as refused:
                line.order(Ask.SET_LINK, struct.pack("=BxHiII", 0, 0, 4242, 1, 1))
            assert refused.value.errno == errno.ENODEV
            assert line.all(Ask.GET_ADDRESSES, struct.pack("=BBBBi", 2, 0, 0, 0, 0))

    board(body)


@needs_namespaces
def test_a_table_of_thousands_is_read_whole(board: Board) -> None:
    def body() -> None:
        do("ip -batch -", "".join(f"addr add 10.1.{n // 250}.{n % 250}/32 dev wwan0\n" for n in range(2000)))
        with Addresses("wwan0") as interface:
            assert len(interface.addresses()) == 2001

    board(body)


@needs_namespaces
def test_the_lease_s_address_replaces_what_was_there_and_sets_the_mtu(board: Board) -> None:
    def body() -> None:
        do("ip link set wwan0 down")
        with Addresses("wwan0") as interface:
            interface.assign("100.64.12.89", 30, 1430)
            interface.assign("100.64.12.89", 30, 1430)
            assert interface.addresses() == (("100.64.12.89", 30),)
        assert link.mtu("wwan0") == 1430
        assert "state UP" in do("ip link show wwan0") or "LOWERLAYERDOWN" in do("ip link show wwan0")

    board(body)


@needs_namespaces
def test_ipv6_addresses_stand_beside_and_the_kernel_s_own_is_left(board: Board) -> None:
    def body() -> None:
        with Addresses("wwan0") as interface:
            interface.assign("2001:db8::7", 64)
            assert ("2001:db8::7", 64) in interface.addresses(6)
            assert interface.addresses() == (("10.0.0.7", 30),)
            interface.flush()
            assert interface.addresses() == ()
            assert [address for address, _ in interface.addresses(6) if not address.startswith("fe80")] == []

    board(body)


@needs_namespaces
def test_a_point_to_point_address_is_ours_and_not_the_peer_s(board: Board) -> None:
    def body() -> None:
        do("ip addr add 10.9.0.1 peer 10.9.0.2 dev wwan0")
        with Addresses("wwan0") as interface:
            assert ("10.9.0.1", 32) in interface.addresses()
            interface.flush()
            assert interface.addresses() == ()

    board(body)


@needs_namespaces
def test_clearing_takes_the_interface_down_and_forgives_one_that_is_gone(board: Board) -> None:
    def body() -> None:
        addresses.clear("wwan0")
        assert "state DOWN" in do("ip link show wwan0")
        assert do("ip -4 addr show wwan0") == ""
        addresses.clear("wwan9")
        with pytest.raises(PppgenError, match="wwan9 is gone"):
            Addresses("wwan9")

    board(body)
