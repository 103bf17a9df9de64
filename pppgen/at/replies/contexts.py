"""The data contexts: AT+CGDCONT?, AT+CGPADDR, AT+CGCONTRDP, AT+CGACT?, AT+CGATT?."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pppgen.at.replies.fields import Unread, after, at, fields, number, unread

_CID_MAX = 64
_IPV4_MTU = 11  # the place of <IPv4_MTU> among the fields of +CGCONTRDP
_MTUS = range(576, 1501)  # what every host takes (RFC 791), and what no carrier's tunnel carries more of


@dataclass(frozen=True, slots=True)
class Context:
    """A context as defined by `AT+CGDCONT`: its number, IP, IPV6 or IPV4V6, and the APN, which may be empty."""

    cid: int
    ip_type: str
    apn: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """What the network gave a context (`AT+CGCONTRDP`, `AT+CGPADDR`); empty where it was not said."""

    cid: int
    apn: str = ""
    addresses: tuple[str, ...] = ()
    gateway: str = ""
    dns: tuple[str, ...] = ()


def _cid(text: str) -> int | None:
    value = number(text)
    return value if value is not None and 0 <= value <= _CID_MAX else None


def cgdcont(lines: Sequence[str]) -> tuple[Context, ...] | Unread:
    """Return the defined contexts; a modem with none answers with no line at all.

    >>> cgdcont(['+CGDCONT: 1,"IP","super","0.0.0.0",0,0,0,0'])
    (Context(cid=1, ip_type='IP', apn='super'),)
    """
    found = []
    for text in after(lines, "+CGDCONT"):
        parts = fields(text)
        cid = _cid(at(parts, 0))
        if cid is not None:
            found.append(Context(cid, at(parts, 1).upper(), at(parts, 2)))
    return tuple(found) if found or not lines else unread(lines)


def address(text: str) -> str:
    """Return an address in the usual form, empty where the text is none.

    A dotted form may have 4 octets, 8 (with a mask), 16 (IPv6) or 32 (IPv6 with a mask); TS 27.007 10.1.23.

    >>> address("10.192.234.63.255.255.255.128"), address("32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1")
    ('10.192.234.63', '2001:db8::1')
    >>> address("192.0.2.2/30"), address("0.0.0.0"), address("super")
    ('192.0.2.2', '', '')
    """
    plain = re.split("[/ ]", text, maxsplit=1)[0]
    octets = plain.split(".")
    try:
        if ":" not in plain and len(octets) in {8, 16, 32}:
            numbers = bytes(int(octet) for octet in octets)
            parsed = ipaddress.ip_address(numbers[: 4 if len(octets) == 8 else 16])
        else:
            parsed = ipaddress.ip_address(plain)
    except ValueError:
        return ""
    return "" if parsed.is_unspecified else str(parsed)


def cgpaddr(lines: Sequence[str]) -> tuple[Bearer, ...] | Unread:
    """Return the addresses of the contexts; a context without one is listed with none.

    >>> cgpaddr(['+CGPADDR: 1,"10.225.154.84"', "+CGPADDR: 2,0.0.0.0"])
    (Bearer(cid=1, apn='', addresses=('10.225.154.84',), gateway='', dns=()), \
Bearer(cid=2, apn='', addresses=(), gateway='', dns=()))
    """
    found = []
    for text in after(lines, "+CGPADDR"):
        parts = fields(text)
        cid = _cid(at(parts, 0))
        if cid is not None:
            told = tuple(address(at(parts, index)) for index in range(1, len(parts)))
            found.append(Bearer(cid, addresses=tuple(one for one in told if one)))
    return tuple(found) if found or not lines else unread(lines)


def cgcontrdp(lines: Sequence[str]) -> tuple[Bearer, ...] | Unread:
    """Return what the network gave each active context; several lines of a context are one.

    The order is context, bearer, APN, address and mask, gateway, name servers. Some firmware puts both families in one
    line; then only the addresses are certain, and the rest is left out.

    >>> cgcontrdp(['+CGCONTRDP: 1,5,"m2m.attz",10.192.234.63.255.255.255.128,10.192.234.1,8.8.8.8'])
    (Bearer(cid=1, apn='m2m.attz', addresses=('10.192.234.63',), gateway='10.192.234.1', \
dns=('8.8.8.8',)),)
    """
    bearers: dict[int, Bearer] = {}
    for text in after(lines, "+CGCONTRDP"):
        parts = fields(text)
        cid = _cid(at(parts, 0))
        if cid is None:
            continue
        told = [address(at(parts, index)) for index in range(3, 7)]
        known = bearers.get(cid, Bearer(cid, apn=at(parts, 2)))
        both_families = told[0] and told[1] and (":" in told[0]) != (":" in told[1])
        gained = told[:2] if both_families else told[:1]
        known = replace(known, addresses=known.addresses + tuple(one for one in gained if one))
        if not both_families:
            dns = known.dns + tuple(one for one in told[2:4] if one)
            known = replace(known, gateway=known.gateway or told[1], dns=dns)
        bearers[cid] = known
    return tuple(bearers.values()) if bearers or not lines else unread(lines)


def ipv4_mtu(lines: Sequence[str], cid: int) -> int | None:
    """Return the MTU that the network gave a context (`AT+CGCONTRDP`, TS 27.007 10.1.23), `None` where it named none.

    Old firmware ends before that field. Where both families stand in one line, it lies elsewhere and is left out.

    >>> ipv4_mtu(['+CGCONTRDP: 1,5,"super","10.0.0.2",,"8.8.8.8","8.8.4.4",,,0,0,1430'], 1)
    1430
    """
    found = []
    for text in after(lines, "+CGCONTRDP"):
        parts = fields(text)
        told = [address(at(parts, index)) for index in (3, 4)]
        if _cid(at(parts, 0)) != cid or (all(told) and (":" in told[0]) != (":" in told[1])):
            continue
        value = number(at(parts, _IPV4_MTU))
        if value is not None and value in _MTUS:
            found.append(value)
    return min(found, default=None)


def cgact(lines: Sequence[str]) -> tuple[int, ...] | Unread:
    """Return the numbers of the active contexts.

    >>> cgact(["+CGACT: 1,1", "+CGACT: 2,0"])
    (1,)
    """
    active, read = [], False
    for text in after(lines, "+CGACT"):
        parts = fields(text)
        cid = _cid(at(parts, 0))
        if cid is not None and at(parts, 1) in {"0", "1"}:
            read = True
            if at(parts, 1) == "1":
                active.append(cid)
    return tuple(active) if read or not lines else unread(lines)


def cgatt(lines: Sequence[str]) -> bool | Unread:
    """Return whether the modem is attached to the packet domain.

    >>> cgatt(["+CGATT: 1"])
    True
    """
    for text in after(lines, "+CGATT"):
        if at(fields(text), 0) in {"0", "1"}:
            return at(fields(text), 0) == "1"
    return unread(lines)
