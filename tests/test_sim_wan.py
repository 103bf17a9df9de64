"""The modem's packet side: what it answers itself, what passes, and what the wrong framing loses."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.sim.qmi.wan import ACK, DISCOVER, NAK, OFFER, REQUEST, Passed, Wan, checksum, is_ip, options, packed

HOST = bytes.fromhex("02 0a 0b 0c 0d 0e")
PING = bytes.fromhex("4500001c00000000400100006440 0c5908080808 0800f7ff00000000".replace(" ", ""))


def ethernet(payload: bytes, kind: int = 0x0800) -> bytes:
    return b"\xff" * 6 + HOST + kind.to_bytes(2, "big") + payload


def dhcp(kind: int, *, wanted: str = "") -> bytes:
    asked = bytes((50, 4)) + packed(wanted) if wanted else b""
    message = b"\1\1\6\0" + b"\xde\xad\xbe\xef" + bytes(20) + HOST + bytes(202)
    message += b"\x63\x82\x53\x63" + bytes((53, 1, kind)) + asked + b"\xff"
    datagram = struct.pack(">HHHH", 68, 67, 8 + len(message), 0) + message
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    return ethernet(head + datagram)


def asked(frame: bytes, *, raw_ip: bool = False, dhcp: bool = True, wan: Wan | None = None) -> Passed:
    return (wan or Wan()).from_host(frame, raw_ip=raw_ip, dhcp=dhcp)


def message(frame: bytes) -> bytes:
    """Return the DHCP message of a frame to the host, after checking what carries it."""
    assert frame[:6] == HOST
    packet = frame[14:]
    assert is_ip(packet)
    assert checksum(packet[:20]) == 0
    assert struct.unpack(">HH", packet[20:24]) == (67, 68)
    return packet[28:]


def test_a_discover_is_offered_the_address_that_the_call_has() -> None:
    (frame,) = asked(dhcp(DISCOVER)).to_host
    reply = message(frame)
    given_out = options(reply)
    assert (reply[4:8], reply[16:20]) == (b"\xde\xad\xbe\xef", packed("100.64.12.89"))
    assert given_out[53] == bytes((OFFER,))
    assert given_out[3] == packed("100.64.12.90")
    assert given_out[6] == packed("8.8.8.8") + packed("8.8.4.4")


@pytest.mark.parametrize(("wanted", "answer"), [("100.64.12.89", ACK), ("192.168.1.5", NAK)])
def test_a_request_is_granted_for_that_address_only(wanted: str, answer: int) -> None:
    (frame,) = asked(dhcp(REQUEST, wanted=wanted)).to_host
    assert options(message(frame))[53] == bytes((answer,))


def test_a_silent_server_leaves_the_rest_of_the_modem_as_it_is() -> None:
    assert asked(dhcp(DISCOVER), dhcp=False) == Passed()
    assert asked(ethernet(PING), dhcp=False).to_network == (PING,)


def test_nothing_of_an_ethernet_host_reaches_a_modem_in_raw_ip() -> None:
    for frame in (dhcp(DISCOVER), ethernet(PING), ethernet(bytes(28), 0x0806)):
        assert asked(frame, raw_ip=True) == Passed()


def test_nothing_of_a_raw_ip_host_reaches_a_modem_in_ethernet() -> None:
    assert asked(PING) == Passed()


def test_packets_pass_both_ways_in_either_framing() -> None:
    wan = Wan()
    assert asked(ethernet(PING), wan=wan).to_network == (PING,)
    back = wan.from_network(PING, raw_ip=False)
    assert (back[:6], back[12:14], back[14:]) == (HOST, b"\x08\x00", PING)
    assert asked(PING, raw_ip=True, wan=wan).to_network == (PING,)
    assert wan.from_network(PING, raw_ip=True) == PING


def test_the_padding_of_a_short_frame_is_taken_off() -> None:
    assert asked(ethernet(PING + bytes(18))).to_network == (PING,)


def arp(asked_for: str) -> bytes:
    return ethernet(
        bytes.fromhex("0001080006040001") + HOST + packed("100.64.12.89") + bytes(6) + packed(asked_for), 0x0806
    )


def test_arp_is_answered_for_all_the_world_but_the_hosts_own_address() -> None:
    for address in ("100.64.12.90", "8.8.8.8"):
        (frame,) = asked(arp(address)).to_host
        assert (frame[:6], frame[12:14], frame[20:22]) == (HOST, b"\x08\x06", b"\0\2")
        assert frame[28:32] == packed(address)
    assert asked(arp("100.64.12.89")) == Passed()


@given(st.binary(max_size=400), st.booleans())
def test_any_frame_is_taken_without_harm(frame: bytes, raw_ip: bool) -> None:
    asked(frame, raw_ip=raw_ip)
    asked(ethernet(frame), raw_ip=raw_ip)


@given(st.binary(max_size=80), st.integers(0, 3))
def test_any_options_are_taken_without_harm(tail: bytes, cut: int) -> None:
    whole = dhcp(DISCOVER)
    asked(whole[: len(whole) - 4 - cut] + tail)
