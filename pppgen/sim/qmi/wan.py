"""wwan0 as the modem sees it: raw IP, or Ethernet with ARP and DHCP answered by the modem itself.

Frames of the host and packets of the network go in; what leaves on either side comes out. What arrives in the other
framing is dropped, which is the user's "no lease": the kernel's Ethernet broadcast is no IP packet.
"""

import struct
from dataclasses import dataclass

from pppgen.sim.qmi.settings import DNS, GATEWAY, LEASE_S, MASK, MTU
from pppgen.sim.service import ADDRESS

OUR_MAC = bytes.fromhex("025056000001")
BROADCAST_MAC = b"\xff" * 6
ETHERTYPE_IP, ETHERTYPE_ARP = 0x0800, 0x0806
UDP = 17
SERVER_PORT, CLIENT_PORT = 67, 68
COOKIE = b"\x63\x82\x53\x63"
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
OPTION_TYPE, OPTION_WANTED, OPTION_END = 53, 50, 255


@dataclass(frozen=True, slots=True)
class Passed:
    """What comes out on either side."""

    to_host: tuple[bytes, ...] = ()
    to_network: tuple[bytes, ...] = ()


@dataclass(slots=True)
class Wan:
    """The packet side of the modem; `host` is the MAC address that was last heard."""

    host: bytes = BROADCAST_MAC

    def from_host(self, frame: bytes, *, raw_ip: bool, dhcp: bool) -> Passed:
        """Take what the host sent in one transfer; `dhcp` is false for a server that stays silent."""
        if raw_ip:
            return Passed(to_network=(frame,)) if is_ip(frame) else Passed()
        if len(frame) < 14:
            return Passed()
        self.host = frame[6:12]
        kind, payload = int.from_bytes(frame[12:14], "big"), frame[14:]
        if kind == ETHERTYPE_ARP:
            answer = arp(payload)
            return Passed(to_host=(self._ethernet(answer, ETHERTYPE_ARP),) if answer else ())
        if kind != ETHERTYPE_IP or not is_ip(payload):
            return Passed()
        packet = payload[: int.from_bytes(payload[2:4], "big")]  # short frames may be padded
        if (request := _dhcp_of(packet)) is None:
            return Passed(to_network=(packet,))
        reply = lease(request) if dhcp else b""
        return Passed(to_host=(self._ethernet(reply, ETHERTYPE_IP),) if reply else ())

    def from_network(self, packet: bytes, *, raw_ip: bool) -> bytes:
        """Return a packet of the network as a transfer to the host."""
        return packet if raw_ip else self._ethernet(packet, ETHERTYPE_IP)

    def _ethernet(self, payload: bytes, kind: int) -> bytes:
        return self.host + OUR_MAC + kind.to_bytes(2, "big") + payload


def is_ip(packet: bytes) -> bool:
    """Whether bytes are an IPv4 packet whose lengths fit.

    >>> is_ip(bytes.fromhex("4500001400000000400100007f0000017f000001"))
    True
    >>> is_ip(BROADCAST_MAC * 6)
    False
    """
    return (
        len(packet) >= 20
        and packet[0] >> 4 == 4
        and 20 <= (packet[0] & 15) * 4 <= int.from_bytes(packet[2:4], "big") <= len(packet)
    )


def arp(request: bytes) -> bytes:
    """Answer a question for any address but the host's own (RFC 826): all the world is behind the modem."""
    if len(request) < 28 or request[:8] != bytes.fromhex("0001080006040001"):
        return b""
    sender, asked = request[8:18], request[24:28]
    if asked == packed(ADDRESS):
        return b""  # a probe for a duplicate: nobody else has it
    return bytes.fromhex("0001080006040002") + OUR_MAC + asked + sender


def _dhcp_of(packet: bytes) -> bytes | None:
    """Return the DHCP message of a packet that goes to a server, else `None`."""
    start = (packet[0] & 15) * 4
    if packet[9] != UDP or len(packet) < start + 8 or int.from_bytes(packet[start + 2 : start + 4], "big") != 67:
        return None
    return packet[start + 8 :]


def options(message: bytes) -> dict[int, bytes]:
    """Return the options of a DHCP message (RFC 2132 2); what does not fit ends the list."""
    found: dict[int, bytes] = {}
    at = 240
    while at + 1 < len(message) and message[at] != OPTION_END:
        if message[at] == 0:
            at += 1
            continue
        length = message[at + 1]
        found[message[at]] = message[at + 2 : at + 2 + length]
        at += 2 + length
    return found


def lease(message: bytes) -> bytes:
    """Return the packet that answers a DHCP message (RFC 2131 4.3), empty for none."""
    if len(message) < 240 or message[0] != 1 or message[236:240] != COOKIE:
        return b""
    given = options(message)
    kind = given.get(OPTION_TYPE, b"\0")[:1]
    if kind == bytes((DISCOVER,)):
        answer = OFFER
    elif kind == bytes((REQUEST,)):
        wanted = given.get(OPTION_WANTED, message[12:16])
        answer = ACK if wanted in {packed(ADDRESS), bytes(4)} else NAK
    else:
        return b""
    ours = b"" if answer == NAK else b"".join(
        bytes((code, len(value))) + value
        for code, value in (
            (1, packed(MASK)),
            (3, packed(GATEWAY)),
            (6, b"".join(packed(each) for each in DNS)),
            (26, MTU.to_bytes(2, "big")),
            (51, LEASE_S.to_bytes(4, "big")),
        )
    )  # fmt: skip
    told = bytes((OPTION_TYPE, 1, answer, 54, 4)) + packed(GATEWAY) + ours + bytes((OPTION_END,))
    yours = bytes(4) if answer == NAK else packed(ADDRESS)
    reply = b"\2" + message[1:4] + message[4:8] + message[8:12] + bytes(4) + yours + packed(GATEWAY) + bytes(4)
    reply += message[28:44] + bytes(192) + COOKIE + told
    return udp(packed(GATEWAY), b"\xff" * 4 if answer == NAK else packed(ADDRESS), reply.ljust(300, b"\0"))


def udp(source: bytes, target: bytes, payload: bytes) -> bytes:
    """Return a packet of the DHCP server; a UDP checksum of zero means none (RFC 768)."""
    body = struct.pack(">HHHH", SERVER_PORT, CLIENT_PORT, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, UDP, 0, source, target)
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + body


def checksum(data: bytes) -> int:
    """Return the internet checksum of an even number of bytes (RFC 1071).

    >>> hex(checksum(bytes.fromhex("45000073000040004011 0000 c0a80001c0a800c7".replace(" ", ""))))
    '0xb861'
    """
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def packed(dotted: str) -> bytes:
    """Return an IPv4 address in network order.

    >>> packed("100.64.12.89").hex()
    '64400c59'
    """
    return bytes(int(each) for each in dotted.split("."))
