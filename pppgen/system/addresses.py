"""An interface's addresses and whether it is up, by netlink. Only interfaces that carry our own call are changed."""

import socket
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Self

from pppgen.errors import PppgenError
from pppgen.system.routes import netlink_errors

_UP = "up"
_DOWN = "down"


class Addresses:
    """The addresses of one interface, by one netlink socket; a context manager.

    Raises:
        PppgenError: there is no such interface.
    """

    def __init__(self, interface: str) -> None:
        from pyroute2 import IPRoute  # noqa: PLC0415 -- 0.24 s to import: only who changes an address pays

        self.interface = interface
        try:
            self._index = socket.if_nametoindex(interface)
        except OSError as error:
            raise PppgenError(f"the interface {interface} is gone", hint="ip link") from error
        self._netlink: Any = IPRoute()

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
            self._netlink.addr("replace", index=self._index, address=address, prefixlen=prefix)
            if mtu is not None:
                self._netlink.link("set", index=self._index, mtu=mtu)
            self._netlink.link("set", index=self._index, state=_UP)

    def up(self) -> None:
        """Bring the interface up."""
        with netlink_errors(f"bringing {self.interface} up"):
            self._netlink.link("set", index=self._index, state=_UP)

    def down(self) -> None:
        """Take the interface down; its routes go with it."""
        with netlink_errors(f"taking {self.interface} down", gone_is_fine=True):
            self._netlink.link("set", index=self._index, state=_DOWN)

    def tell_apart(self) -> str:
        """Change a hardware address that begins like an IP packet; return the new one, empty where it is none.

        A QMI driver that expects Ethernet frames looks at a frame's first byte, which is the receiver's address, to
        find bare IP packets among them, and puts a header of its own before those: no answer is understood. qmi_wwan
        refuses to be given such an address, but its own random one may be one: two of the sixteen first nibbles are.
        Measured on Debian's 6.1.0-56: DHCP unanswered at such plugs (6a:, 4e:, 4a:), answered with another address.
        """
        with netlink_errors(f"the hardware address of {self.interface}"):
            (message,) = self._netlink.get_links(self._index)
            wanted = unlike_ip(message.get_attr("IFLA_ADDRESS") or "")
            if wanted:
                self._netlink.link("set", index=self._index, state=_DOWN)  # it refuses while it is up
                self._netlink.link("set", index=self._index, address=wanted)
        return wanted

    def flush(self) -> None:
        """Remove every address but the kernel's own link-local one, which goes when the interface is down."""
        for family in (4, 6):
            for address, length in self.addresses(family):
                if usable_scope(address):
                    self._remove(address, length)

    def addresses(self, family: int = 4) -> tuple[tuple[str, int], ...]:
        """Return the addresses with their prefix lengths."""
        with netlink_errors(f"the addresses of {self.interface}"):
            messages = tuple(self._netlink.get_addr(family=2 if family == 4 else 10, index=self._index))
        return tuple(
            (message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS"), message["prefixlen"])
            for message in messages
        )

    def _remove(self, address: str, prefix: int) -> None:
        with netlink_errors(f"removing {address} from {self.interface}", gone_is_fine=True):
            self._netlink.addr("delete", index=self._index, address=address, prefixlen=prefix)


def usable_scope(address: str) -> bool:
    """Whether that address may be removed: the kernel gives each IPv6 interface its link-local one itself.

    >>> usable_scope("10.0.0.2"), usable_scope("fe80::1")
    (True, False)
    """
    with suppress(ValueError):
        found = ip_address(address)
        return found.version == 4 or not found.is_link_local
    return False


def unlike_ip(address: str) -> str:
    """Return what to use in place of a hardware address that begins like an IP packet; empty where it does not.

    The two bits are those that qmi_wwan itself looks at and changes.

    >>> unlike_ip("6a:d0:21:6d:12:f7"), unlike_ip("4e:00:00:00:00:01"), unlike_ip("02:50:56:00:00:01")
    ('2a:d0:21:6d:12:f7', '0e:00:00:00:00:01', '')
    """
    first, colon, rest = address.partition(":")
    if not colon or int(first, 16) & 0xD0 != 0x40:
        return ""
    return f"{(int(first, 16) | 0x02) & 0xBF:02x}:{rest}"


def clear(interface: str) -> None:
    """Take an interface down and its addresses away, if it is there."""
    with suppress(PppgenError), Addresses(interface) as addresses:
        addresses.flush()
        addresses.down()
