"""Asks through one interface whether the network answers: name servers first, then configured targets.

Every socket is bound to the interface, so a probe proves the link and not the route. One socket a target lives as
long as the doubt does: an answer that takes half a minute, as the first ones may, is still heard. Any answer counts, a
refusal too: it came from beyond the module.
"""

import errno
import os
import selectors
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self

_DNS_PORT = 53
_ECHO_REQUEST = {4: 8, 6: 128}  # RFC 792, RFC 4443
_ECHO_REPLY = {4: 0, 6: 129}
# RFC 1035 4.1.1: recursion desired, one question; the question is the root's A: the shortest there is.
_QUERY = struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + b"\x00" + struct.pack("!HH", 1, 1)
_ANSWER_BOUND = 2048


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked: a name server, a host by ICMP (`port` 0), or a TCP port."""

    address: str
    port: int = 0
    dns: bool = False

    def __str__(self) -> str:
        if self.dns:
            return f"name server {self.address}"
        return f"tcp {self.address}:{self.port}" if self.port else f"ping {self.address}"


def targets(servers: Sequence[str], configured: Sequence[str]) -> tuple[Target, ...]:
    """Return what to ask, in order; a configured target is an address, or an address and a TCP port.

    >>> [str(target) for target in targets(["8.8.4.4"], ["8.8.8.8", "1.1.1.1:443", "[2001:db8::1]:80", "nonsense"])]
    ['name server 8.8.4.4', 'ping 8.8.8.8', 'tcp 1.1.1.1:443', 'tcp 2001:db8::1:80']
    """
    found = [Target(server, _DNS_PORT, dns=True) for server in servers if _is_address(server)]
    for text in configured:
        host, _, port = text.rpartition(":")
        host = host.strip("[]")
        if _is_address(text):
            found.append(Target(text))
        elif _is_address(host) and port.isdecimal() and 0 < int(port) < 65536:
            found.append(Target(host, int(port)))
    return tuple(found)


@dataclass(slots=True)
class _Question:
    """One target's socket and what its answers must carry."""

    target: Target
    socket: socket.socket
    number: int = field(default_factory=lambda: int.from_bytes(os.urandom(2), "big"))


class Probes:
    """The open questions of one interface, registered in the owner's selector; a context manager."""

    def __init__(self, interface: str, wanted: Sequence[Target], selector: selectors.BaseSelector) -> None:
        self._interface = interface
        self._wanted = tuple(wanted)
        self._selector = selector
        self._questions: dict[Target, _Question] = {}
        self.answered_by = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, first_only: bool = False) -> None:
        """Send one round, without waiting; a target that cannot be reached at all is left out of this round.

        `first_only` asks the first target alone: on a link that works, that is all it takes.
        """
        for target in self._wanted[: 1 if first_only else None]:
            question = self._questions.get(target)
            # A TCP question is one connection: while it is open, the kernel itself asks again.
            if question is not None and target.port and not target.dns:
                continue
            with suppress(OSError):
                self._send(question or self._open(target))

    def heard(self, key: selectors.SelectorKey) -> bool:
        """Whether this selector key was a question of ours and its answer counts; others' packets do not."""
        question = key.data
        if not isinstance(question, _Question) or question.target not in self._questions:
            return False
        answered = _answers(question)
        if answered:
            self.answered_by = str(question.target)
        if answered or (question.target.port and not question.target.dns):
            self._drop(question)
        return answered

    def close(self) -> None:
        """Ask nothing more."""
        for question in list(self._questions.values()):
            self._drop(question)

    def _open(self, target: Target) -> _Question:
        version = ip_address(target.address).version
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        if target.dns:
            opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        elif target.port:
            opened = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        else:
            protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
            opened = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
        question = _Question(target, opened)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._interface.encode() + b"\0")
            # Connected, so that the kernel hands over what comes from this address only.
            with suppress(BlockingIOError):
                opened.connect((target.address, target.port))
        except OSError:
            opened.close()
            raise
        self._questions[target] = question
        # A TCP connection has been answered when it can be written to, or has failed.
        tcp = bool(target.port) and not target.dns
        self._selector.register(opened, selectors.EVENT_WRITE if tcp else selectors.EVENT_READ, question)
        return question

    def _send(self, question: _Question) -> None:
        target = question.target
        if target.dns:
            question.socket.send(struct.pack("!H", question.number) + _QUERY)
        elif not target.port:
            question.socket.send(_echo(ip_address(target.address).version, question.number))

    def _drop(self, question: _Question) -> None:
        self._questions.pop(question.target, None)
        with suppress(KeyError, ValueError):
            self._selector.unregister(question.socket)
        question.socket.close()


def _answers(question: _Question) -> bool:
    """Whether what came in is the answer to what was asked."""
    target = question.target
    if target.port and not target.dns:
        error = question.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        # A reset comes from the far end as an acceptance does; every other failure may be the host's own.
        return error in {0, errno.ECONNREFUSED}
    try:
        data = question.socket.recv(_ANSWER_BOUND)
    except ConnectionRefusedError:  # nothing listens there, which the far end itself says (ICMP port unreachable)
        return True
    except OSError:  # an ICMP error of a router, or of this host
        return False
    if target.dns:
        return len(data) >= 4 and data[:2] == struct.pack("!H", question.number) and bool(data[2] & 0x80)
    version = ip_address(target.address).version
    # A raw IPv4 socket gives the IP header too (raw(7)).
    body = data[(data[0] & 0x0F) * 4 :] if version == 4 and data else data
    return len(body) >= 8 and body[0] == _ECHO_REPLY[version] and body[4:6] == struct.pack("!H", question.number)


def _echo(version: int, number: int) -> bytes:
    """Return an echo request of 8 bytes and no load; the kernel fills ICMPv6's checksum in."""
    head = struct.pack("!BBHHH", _ECHO_REQUEST[version], 0, 0, number, 1)
    total = sum(struct.unpack("!4H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBHHH", _ECHO_REQUEST[version], 0, ~total & 0xFFFF, number, 1)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
