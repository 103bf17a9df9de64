"""The default routes that we add, beside those of others, which we never touch.

The kernel's own table is the record of what is ours: each of our routes carries `PROTOCOL`, so a start after kill -9
finds them with nothing on disk that could be stale, and a deletion that names the protocol cannot hit another's route.
"""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Self

from pppgen.errors import NoPermission, PppgenError

# rtnetlink(7) rtm_protocol: who installed the route; 112 is given to nobody in iproute2's rt_protos.
PROTOCOL = 112
CELLULAR_METRIC = 700  # behind NetworkManager's Wi-Fi (600), so nobody who works over Wi-Fi loses their session
PRIMARY_METRIC = 50  # before NetworkManager's Ethernet (100) and dhcpcd's interfaces (from 200)

_FAMILIES = {4: (int(socket.AF_INET), "0.0.0.0/0"), 6: (int(socket.AF_INET6), "::/0")}
_MAIN_TABLE = 254
_SCOPE_LINK = 253
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
        from pyroute2 import IPRoute  # noqa: PLC0415 -- 0.24 s to import: only who changes a route pays

        self._netlink: Any = IPRoute()

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
            for family, (number, _) in _FAMILIES.items()
            for message in self._netlink.get_routes(family=number, table=_MAIN_TABLE)
            if (route := _default(family, message)) is not None
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
                self._change("add", wanted)
        return wanted

    def remove_ours(self, interface: str | None = None) -> int:
        """Remove our default routes, of one interface or all, and return how many there were."""
        return self._delete(route for route in self.defaults() if route.ours and interface in {None, route.interface})

    def chosen(self, address: str) -> str:
        """Return the interface that unbound traffic to `address` takes; empty when there is no route."""
        number = _FAMILIES[ip_address(address).version][0]
        try:
            answer = self._netlink.route("get", family=number, dst=address)
        except Exception as error:
            if getattr(error, "code", None) in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
                return ""
            raise
        return _name(answer[0].get_attr("RTA_OIF"))

    def _delete(self, routes: Iterator[DefaultRoute]) -> int:
        deleted = 0
        for route in routes:
            with netlink_errors(f"removing the default route by {route.interface}", gone_is_fine=True):
                self._change("del", route)
            deleted += 1
        return deleted

    def _change(self, verb: str, route: DefaultRoute) -> None:
        family, everywhere = _FAMILIES[route.family]
        values: dict[str, Any] = {
            "family": family,
            "dst": everywhere,
            "oif": _index(route.interface),
            "priority": route.metric,
            "proto": PROTOCOL,
            "table": _MAIN_TABLE,
        }
        if route.gateway:
            values |= {"gateway": route.gateway} | ({"flags": _ONLINK} if verb == "add" else {})
        elif route.family == 4:
            values["scope"] = _SCOPE_LINK
        if route.mtu and verb == "add":
            values["metrics"] = {"mtu": route.mtu}
        self._netlink.route(verb, **values)


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


def _default(family: int, message: Any) -> DefaultRoute | None:  # noqa: ANN401 -- pyroute2 ships no types
    """Return the default route in a netlink message; `None` for other routes and those without one interface."""
    index = message.get_attr("RTA_OIF")
    if message["dst_len"] != 0 or index is None or message.get_attr("RTA_TABLE") != _MAIN_TABLE:
        return None
    metrics = message.get_attr("RTA_METRICS")
    return DefaultRoute(
        family=family,
        interface=_name(index),
        metric=message.get_attr("RTA_PRIORITY") or 0,
        gateway=message.get_attr("RTA_GATEWAY") or "",
        mtu=metrics.get_attr("RTAX_MTU") if metrics else None,
        ours=message["proto"] == PROTOCOL,
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
    """Translate pyroute2's exception, whose class costs the import, by its `code`."""
    try:
        yield
    except PppgenError:
        if not gone_is_fine:
            raise
    except Exception as error:
        code = getattr(error, "code", None)
        if not isinstance(code, int):
            raise
        if gone_is_fine and code in {errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL}:
            return
        if code in {errno.EPERM, errno.EACCES}:
            raise NoPermission(f"{what}: not permitted", hint="run it as root, with sudo") from error
        raise PppgenError(f"{what}: {os.strerror(code)}", hint="ip link; ip route") from error
