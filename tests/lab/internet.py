"""The internet of the guest: 8.8.8.8 behind the operator and behind Wi-Fi, each counting what it serves."""

import asyncio
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

from tests.lab import namespaces
from tests.lab.places import DNS, HOME_NETNS, WLAN_GATEWAY

ANSWER = socket.inet_aton(DNS[0])  # every name is here


@dataclass(slots=True)
class Site:
    """One of the two places: `name` is its network namespace and the body of its pages; `seen` counts what came."""

    name: str
    seen: Counter[str] = field(default_factory=Counter)

    async def open(self) -> None:
        """Serve DNS and HTTP on every address of the namespace."""
        with namespaces.inside(self.name):
            web = socket.create_server(("", 80), backlog=32)
            # A socket an address: an answer from another address than the one that was asked is none.
            names = [_listen(address) for address in (*DNS, *([WLAN_GATEWAY] if self.name == HOME_NETNS else []))]
        loop = asyncio.get_running_loop()
        await asyncio.start_server(self._page, sock=web)
        for each in names:
            await loop.create_datagram_endpoint(lambda: _Names(self), sock=each)

    async def _page(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            self.seen["http"] += 1
            body = f"{self.name}\n"
            writer.write(f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            self.seen["broken"] += 1
        finally:
            writer.close()


def _listen(address: str) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind((address, 53))
    return listening


class _Names(asyncio.DatagramProtocol):
    """A name server that knows one address."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # the loop's own class does not inherit from it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.site.seen["dns"] += 1
        if self.transport and (reply := answer(data)):
            self.transport.sendto(reply, addr)


def answer(query: bytes) -> bytes:
    """Return the reply to a DNS query (RFC 1035 4.1): one A record, none for other types; empty for a broken query.

    >>> query = bytes.fromhex("abcd01000001000000000000 0477616e74 0474657374 00 0001 0001".replace(" ", ""))
    >>> answer(query)[-4:].hex()
    '08080808'
    >>> answer(b"junk")
    b''
    """
    end = query.find(b"\0", 12)
    if len(query) < 17 or end < 0 or len(query) < end + 5:
        return b""
    kind = int.from_bytes(query[end + 1 : end + 3], "big")
    question = query[12 : end + 5]
    records = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + ANSWER if kind == 1 else b""
    return query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1 if records else 0, 0, 0) + question + records
