"""The default routes that we add, beside those of others, which we never touch.

The kernel's own table is the record of what is ours: each of our routes carries `PROTOCOL`, so a start after kill -9
finds them with nothing on disk that could be stale, and a deletion that names the protocol cannot hit another's route.
"""

import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

from pppgen.errors import NoPermission, PppgenError
from pppgen.system import netlink
from pppgen.system.netlink import Answer, Ask, Netlink, attribute

# rtnetlink(7) rtm_protocol: who installed the route; 112 is given to nobody in iproute2's rt_protos.
PROTOCOL = 112
CELLULAR_METRIC = 700  # behind NetworkManager's Wi-Fi (600), so nobody who works over Wi-Fi loses their session
PRIMARY_METRIC = 50  # before NetworkManager's Ethernet (100) and dhcpcd's interfaces (from 200)

_FAMILIES = {4: int(socket.AF_INET), 6: int(socket.AF_INET6)}
# <linux/rtnetlink.h>: struct rtmsg (family, two prefix lengths, tos, table, protocol, scope, type, flags) and RTA_*.
_ROUTE = struct.Struct("=BBBBBBBBI")
_DST, _OIF, _GATEWAY, _PRIORITY, _METRICS, _TABLE = 1, 4, 5, 6, 8, 15
_METRIC_MTU = 2  # RTAX_MTU
_MAIN_TABLE = 254
_UNICAST = 1
_SCOPE_UNIVERSE, _SCOPE_LINK, _SCOPE_ANY = 0, 253, 255
_ONLINK = 4  # RTNH_F_ONLINK: a carrier's gateway is often outside of the address's own prefix
_ROUTE_AND_LINK_GROUPS = 0x1 | 0x40 | 0x400  # RTMGRP_LINK, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE
_NOTICE = 65536


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """One default route of the main table; `family` is 4 or 6, `gateway` is empty where the interface is enough."""

    family: int
    interface: str
    metric: int
    gateway: str = ""
    mtu: int | None = None
    ours: bool = False


class Routes:
    """The table, by one netlink socket; a context manager."""

    def __init__(self) -> None:
        self._netlink = Netlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the socket; the routes stay."""
        self._netlink.close()

    def defaults(self) -> tuple[DefaultRoute, ...]:
        """Return every default route of the main table, IPv4 first, the one that is used first."""
        found = [
            route
            for family, number in _FAMILIES.items()
            for told in self._netlink.all(Ask.GET_ROUTES, _ROUTE.pack(number, 0, 0, 0, 0, 0, 0, 0, 0))
            if (route := _default(family, told)) is not None
        ]
        return tuple(sorted(found, key=lambda route: (route.family, route.metric)))

    def add_default(
        self,
        interface: str,
        metric: int = CELLULAR_METRIC,
        *,
        gateway: str = "",
        family: int = 4,
        mtu: int | None = None,
    ) -> DefaultRoute:
        """Make this the one default route of ours in its family and return it.

        Its metric is higher than asked when another's default route has that one. `mtu` is for a path that carries less
        than the interface says: TCP's segments follow it both ways.

        Raises:
            PppgenError: the interface is gone or down.
        """
        standing = [route for route in self.defaults() if route.family == family]
        taken = {route.metric for route in standing if not route.ours}
        free = next(number for number in range(metric, metric + len(taken) + 1) if number not in taken)
        wanted = DefaultRoute(family, interface, free, gateway, mtu, ours=True)
        if [route for route in standing if route.ours] != [wanted]:
            self._delete(route for route in standing if route.ours)
            with netlink_errors(f"the default route by {interface}"):
                scope = _SCOPE_UNIVERSE if gateway or family == 6 else _SCOPE_LINK
                self._netlink.order(Ask.NEW_ROUTE, _body(wanted, scope), netlink.CREATE | netlink.EXCLUSIVE)
        return wanted

    def remove_ours(self, interface: str | None = None) -> int:
        """Remove our default routes, of one interface or all, and return how many there were."""
        return self._delete(route for route in self.defaults() if route.ours and interface in {None, route.interface})

    def chosen(self, address: str) -> str:
        """Return the interface that unbound traffic to `address` takes; empty when there is no route."""
        to = ip_address(address)
        body = _ROUTE.pack(_FAMILIES[to.version], to.max_prefixlen, 0, 0, 0, 0, 0, 0, 0) + attribute(_DST, to.packed)
        try:
            answer = self._netlink.get(Ask.GET_ROUTES, body)
        except OSError as error:
            if error.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
                return ""
            raise
        return _name(netlink.number(answer.attributes(_ROUTE.size).get(_OIF, b"")))

    def _delete(self, routes: Iterator[DefaultRoute]) -> int:
        deleted = 0
        for route in routes:
            with netlink_errors(f"removing the default route by {route.interface}", gone_is_fine=True):
                self._netlink.order(Ask.DELETE_ROUTE, _body(route, _SCOPE_ANY))
            deleted += 1
        return deleted


class Watch:
    """Tells when anybody changes a route or a link: a descriptor for a selector, nothing polls."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        self._socket.bind((0, _ROUTE_AND_LINK_GROUPS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the descriptor that becomes readable at a change."""
        return self._socket.fileno()

    def drain(self) -> bool:
        """Take the notices in; whether there was any. What changed is read anew from the table, which is the truth."""
        told = False
        while True:
            try:
                self._socket.recv(_NOTICE)
            except BlockingIOError:
                return told
            except OSError as error:
                # ENOBUFS: notices were lost, so something did change.
                if error.errno != errno.ENOBUFS:
                    raise
            told = True

    def close(self) -> None:
        """Stop watching."""
        self._socket.close()


def _body(route: DefaultRoute, scope: int) -> bytes:
    """Return what names a route of ours to the kernel; a deletion that names the protocol cannot hit another's."""
    flags = _ONLINK if route.gateway and scope != _SCOPE_ANY else 0
    kind = _UNICAST if scope != _SCOPE_ANY else 0
    head = _ROUTE.pack(_FAMILIES[route.family], 0, 0, 0, _MAIN_TABLE, PROTOCOL, scope, kind, flags)
    parts = [head, attribute(_OIF, _index(route.interface)), attribute(_PRIORITY, route.metric)]
    if route.gateway:
        parts.append(attribute(_GATEWAY, ip_address(route.gateway).packed))
    if route.mtu and scope != _SCOPE_ANY:
        parts.append(attribute(_METRICS, attribute(_METRIC_MTU, route.mtu)))
    return b"".join(parts)


def _default(family: int, told: Answer) -> DefaultRoute | None:
    """Return the default route in a message; `None` for other routes and those without one interface."""
    _, length, _, _, _, protocol, *_ = _ROUTE.unpack_from(told.body)
    found = told.attributes(_ROUTE.size)
    if length != 0 or _OIF not in found or netlink.number(found.get(_TABLE, b"")) != _MAIN_TABLE:
        return None
    mtu = netlink.nested(found.get(_METRICS, b"")).get(_METRIC_MTU)
    return DefaultRoute(
        family=family,
        interface=_name(netlink.number(found[_OIF])),
        metric=netlink.number(found.get(_PRIORITY, b"")),
        gateway=str(ip_address(found[_GATEWAY])) if _GATEWAY in found else "",
        mtu=netlink.number(mtu) if mtu else None,
        ours=protocol == PROTOCOL,
    )


def _name(index: int) -> str:
    """Return an interface's name; empty when it vanished meanwhile."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return ""


def _index(interface: str) -> int:
    try:
        return socket.if_nametoindex(interface)
    except OSError as error:
        raise PppgenError(f"the interface {interface} is gone", hint="ip link") from error


@contextmanager
def netlink_errors(what: str, *, gone_is_fine: bool = False) -> Iterator[None]:
    """Translate the kernel's refusals."""
    try:
        yield
    except PppgenError:
        if not gone_is_fine:
            raise
    except OSError as error:
        if gone_is_fine and error.errno in {errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL}:
            return
        if error.errno in {errno.EPERM, errno.EACCES}:
            raise NoPermission(f"{what}: not permitted", hint="run it as root, with sudo") from error
        raise PppgenError(f"{what}: {error.strerror or error}", hint="ip link; ip route") from error
