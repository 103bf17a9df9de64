"""The kernel's routes, links and addresses by rtnetlink [rtnetlink(7), netlink(7), <linux/rtnetlink.h>].

By hand, because a library for all of netlink costs a small board seconds to import and 20 MB for as long as the link
is kept, and what is asked here are five questions. One question at a time, answered before the next.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from typing import Self

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_DUMP_INTERRUPTED = 0x10
_ERROR, _DONE = 2, 3
_ANSWER_S = 5.0  # the kernel answers at once; longer means that it never will
_PIECE = 1 << 16  # the kernel fills at most 32 KiB at a time [netlink_dump]
_TRIES = 5  # a table that changes during five dumps in a row is one that nobody can read


class Ask(IntEnum):
    """The questions and orders that are used here."""

    SET_LINK = 16
    NEW_ADDRESS = 20
    DELETE_ADDRESS = 21
    GET_ADDRESSES = 22
    NEW_ROUTE = 24
    DELETE_ROUTE = 25
    GET_ROUTES = 26


CREATE, REPLACE, EXCLUSIVE = 0x400, 0x100, 0x200


@dataclass(frozen=True, slots=True)
class Answer:
    """One message of the kernel, without its header."""

    body: bytes

    def attributes(self, offset: int) -> dict[int, bytes]:
        """Return the attributes behind a fixed part of so many bytes."""
        return dict(_attributes(self.body[offset:]))


def nested(value: bytes) -> dict[int, bytes]:
    """Return the attributes within one."""
    return dict(_attributes(value))


def attribute(kind: int, value: bytes | int) -> bytes:
    r"""Return one attribute, padded; a number is 32 bits wide.

    >>> attribute(3, b"ppp0\0").hex()
    '090003007070703000000000'
    """
    content = value.to_bytes(4, "little" if _IS_LITTLE else "big") if isinstance(value, int) else value
    return (_ATTRIBUTE.pack(_ATTRIBUTE.size + len(content), kind) + content).ljust(_aligned(4 + len(content)), b"\0")


def number(value: bytes) -> int:
    """Return a number of the kernel's, which is in the machine's own order."""
    return int.from_bytes(value, "little" if _IS_LITTLE else "big")


_IS_LITTLE = struct.pack("=H", 1) == b"\1\0"


class Netlink:
    """One socket; a context manager. Every refusal of the kernel is an OSError with its number."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._socket.settimeout(_ANSWER_S)
        self._sequence = count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def order(self, what: Ask, body: bytes, flags: int = 0) -> None:
        """Have the kernel change something."""
        for _ in self._said(what, body, _ACK | flags):
            pass

    def get(self, what: Ask, body: bytes) -> Answer:
        """Return the one answer to a question."""
        return next(self._said(what, body, 0))

    def all(self, what: Ask, body: bytes) -> tuple[Answer, ...]:
        """Return a whole table, as it was at one moment."""
        for _ in range(_TRIES):
            try:
                return tuple(self._said(what, body, _DUMP))
            except _Interrupted:
                continue
        raise OSError(errno.EAGAIN, "the table does not stand still")

    def _said(self, what: Ask, body: bytes, flags: int) -> Iterator[Answer]:
        sequence = next(self._sequence)
        length = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(length, what, _REQUEST | flags, sequence, 0) + body)
        torn = False
        while True:
            for kind, given, answered, content in _messages(self._socket.recv(_PIECE)):
                if answered != sequence:
                    continue  # of a question whose answer came too late
                torn = torn or bool(given & _DUMP_INTERRUPTED)
                if kind == _ERROR:
                    failed = -struct.unpack_from("=i", content)[0]
                    if failed:
                        raise OSError(failed, os.strerror(failed))
                    return
                if kind == _DONE:
                    if torn:
                        raise _Interrupted
                    return
                yield Answer(content)
                if not flags & _DUMP and not flags & _ACK:
                    return


class _Interrupted(Exception):
    """The table changed while it was told."""


def _messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield type, flags, sequence and body of each message in one datagram."""
    while len(data) >= _HEADER.size:
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data)
        if not _HEADER.size <= length <= len(data):
            return
        yield kind, flags, sequence, data[_HEADER.size : length]
        data = data[_aligned(length) :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if not _ATTRIBUTE.size <= length <= len(data):
            return
        yield kind & _TYPE_MASK, data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3
