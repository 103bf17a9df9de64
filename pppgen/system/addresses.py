"""An interface's addresses and whether it is up, by netlink. Only interfaces that carry our own call are changed."""

import socket
import struct
from contextlib import suppress
from ipaddress import ip_address
from typing import Self

from pppgen.errors import PppgenError
from pppgen.system import netlink
from pppgen.system.netlink import Ask, Netlink, attribute
from pppgen.system.routes import netlink_errors

_FAMILIES = {4: int(socket.AF_INET), 6: int(socket.AF_INET6)}
# <linux/rtnetlink.h>: struct ifinfomsg (family, type, index, flags, which flags are meant), <linux/if_addr.h>: struct
# ifaddrmsg (family, prefix length, flags, scope, index); IFLA_* and IFA_*.
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBi")
_MTU = 4
_PEER, _LOCAL = 1, 2
_UP = 1  # IFF_UP


class Addresses:
    """The addresses of one interface, by one netlink socket; a context manager.

    Raises:
        PppgenError: there is no such interface.
    """

    def __init__(self, interface: str) -> None:
        self.interface = interface
        try:
            self._index = socket.if_nametoindex(interface)
        except OSError as error:
            raise PppgenError(f"the interface {interface} is gone", hint="ip link") from error
        self._netlink = Netlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the socket; the addresses stay."""
        self._netlink.close()

    def assign(self, address: str, prefix: int, mtu: int | None = None) -> None:
        """Make this the interface's one address of its family and bring the interface up.

        Raises:
            PppgenError: the interface is gone.
        """
        family = ip_address(address).version
        for other, length in self.addresses(family):
            if (other, length) != (address, prefix) and usable_scope(other):
                self._remove(other, length)
        with netlink_errors(f"the address {address} on {self.interface}"):
            packed = ip_address(address).packed
            body = self._named(family, prefix) + attribute(_LOCAL, packed) + attribute(_PEER, packed)
            self._netlink.order(Ask.NEW_ADDRESS, body, netlink.CREATE | netlink.REPLACE)
            self._set(_UP, attribute(_MTU, mtu) if mtu is not None else b"")

    def up(self) -> None:
        """Bring the interface up."""
        with netlink_errors(f"bringing {self.interface} up"):
            self._set(_UP)

    def down(self) -> None:
        """Take the interface down; its routes go with it."""
        with netlink_errors(f"taking {self.interface} down", gone_is_fine=True):
            self._set(0)

    def flush(self) -> None:
        """Remove every address but the kernel's own link-local one, which goes when the interface is down."""
        for family in (4, 6):
            for address, length in self.addresses(family):
                if usable_scope(address):
                    self._remove(address, length)

    def addresses(self, family: int = 4) -> tuple[tuple[str, int], ...]:
        """Return the addresses with their prefix lengths."""
        found = []
        for told in self._netlink.all(Ask.GET_ADDRESSES, _ADDRESS.pack(_FAMILIES[family], 0, 0, 0, 0)):
            _, length, _, _, index = _ADDRESS.unpack_from(told.body)
            parts = told.attributes(_ADDRESS.size)
            # IPv6 names its address only once; a point-to-point link has its peer's in the other one.
            if index == self._index and (packed := parts.get(_LOCAL, parts.get(_PEER))):
                found.append((str(ip_address(packed)), length))
        return tuple(found)

    def _remove(self, address: str, prefix: int) -> None:
        found = ip_address(address)
        body = self._named(found.version, prefix) + attribute(_LOCAL, found.packed)
        with netlink_errors(f"removing {address} from {self.interface}", gone_is_fine=True):
            self._netlink.order(Ask.DELETE_ADDRESS, body)

    def _named(self, family: int, prefix: int) -> bytes:
        return _ADDRESS.pack(_FAMILIES[family], prefix, 0, 0, self._index)

    def _set(self, flags: int, more: bytes = b"") -> None:
        self._netlink.order(Ask.SET_LINK, _LINK.pack(0, 0, self._index, flags, _UP) + more)


def usable_scope(address: str) -> bool:
    """Whether that address may be removed: the kernel gives each IPv6 interface its link-local one itself.

    >>> usable_scope("10.0.0.2"), usable_scope("fe80::1")
    (True, False)
    """
    with suppress(ValueError):
        found = ip_address(address)
        return found.version == 4 or not found.is_link_local
    return False


def clear(interface: str) -> None:
    """Take an interface down and its addresses away, if it is there."""
    with suppress(PppgenError), Addresses(interface) as addresses:
        addresses.flush()
        addresses.down()
