"""pppgen.toml and link.toml as values; the texts are given, nothing here opens a file.

pppgen.toml is a person's file (how to keep a link up), link.toml is setup's (which modem, which SIM). Both are refused
whole when one value is wrong: a supervisor that half understood its configuration would be worse than none.
"""

import json
import re
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import TypeVar, get_args, get_origin

from pppgen import values
from pppgen.errors import BadValue
from pppgen.model import BearerKind

_UNITS = {"": 1, "ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|min|h|d|)")
_BYTE_ORDER_MARK = "\ufeff"  # some editors begin a file with it
_LONGEST_S = 366 * 86400

_T = TypeVar("_T")


class QmiBackend(StrEnum):
    """Which program speaks QMI."""

    LIBQMI = "libqmi"
    QUECTEL_CM = "quectel-cm"


class Addressing(StrEnum):
    """Where the address of a QMI call comes from."""

    AUTO = "auto"
    MODEM = "modem"
    DHCP = "dhcp"


class Profile(StrEnum):
    """The attempts that a carrier accepts."""

    DEFAULT = "default"
    VERIZON = "verizon"
    NB_M1 = "nb-m1"


class PdpType(StrEnum):
    """3GPP TS 27.007 10.1.1 `<PDP_type>`."""

    IPV4 = "IP"
    IPV6 = "IPV6"
    IPV4V6 = "IPV4V6"


class Auth(StrEnum):
    """How the network wants the user named."""

    NONE = "none"
    PAP = "pap"
    CHAP = "chap"
    BOTH = "both"  # the network chooses


@dataclass(frozen=True, slots=True)
class Seconds:
    """A span of time; written `"90s"`, `"15min"`, `"1.5h"` or a bare number of seconds."""

    s: float

    @classmethod
    def parse(cls, text: str | float) -> "Seconds":
        """Return the span that `text` names.

        >>> Seconds.parse("15min").s
        900.0
        """
        match = _DURATION.fullmatch(str(text).strip())
        if not match:
            raise ValueError("a time is written like 90s, 15min or 1h")
        span = float(match[1]) * _UNITS[match[2]]
        if span > _LONGEST_S:
            raise ValueError("a time is at most a year")
        return cls(span)


@dataclass(frozen=True, slots=True)
class Qmi:
    """`[qmi]`."""

    backend: QmiBackend = QmiBackend.LIBQMI
    addressing: Addressing = Addressing.AUTO
    repair: bool = True


@dataclass(frozen=True, slots=True)
class Ppp:
    """`[ppp]`."""

    lcp_echo_interval: Seconds = Seconds(30)
    lcp_echo_failure: int = 4

    @property
    def echo_cost_kb_per_day(self) -> float:
        """What LCP echo costs where the operator counts it: 50 bytes an exchange and direction [pppd: 8 + framing]."""
        if not self.lcp_echo_interval.s:
            return 0.0
        return 86400 / self.lcp_echo_interval.s * 100 / 1024


@dataclass(frozen=True, slots=True)
class Traffic:
    """`[traffic]`."""

    patience: Seconds = Seconds(90)
    targets: tuple[str, ...] = ("8.8.8.8", "1.1.1.1:443")
    idle: Seconds = Seconds(300)


@dataclass(frozen=True, slots=True)
class Attempts:
    """`[attempts]`."""

    profile: Profile = Profile.DEFAULT


@dataclass(frozen=True, slots=True)
class Dns:
    """`[dns]`."""

    manage: bool = True


@dataclass(frozen=True, slots=True)
class Config:
    """pppgen.toml."""

    bearers: tuple[BearerKind, ...] = (BearerKind.QMI, BearerKind.PPP)
    primary: bool = False
    metric: int = 700
    failback_after: Seconds = Seconds(900)
    hook_timeout: Seconds = Seconds(10)
    qmi: Qmi = field(default_factory=Qmi)
    ppp: Ppp = field(default_factory=Ppp)
    traffic: Traffic = field(default_factory=Traffic)
    attempts: Attempts = field(default_factory=Attempts)
    dns: Dns = field(default_factory=Dns)


@dataclass(frozen=True, slots=True)
class Link:
    """link.toml: what setup found and was told. Interfaces are USB interface numbers, `None` for a UART.

    `device` is the stable name of the dial port; `usb_path` is empty for a UART.
    """

    provider: str
    apn: str
    family: str
    device: str
    cid: int = 1
    pdp_type: PdpType = PdpType.IPV4
    auth: Auth = Auth.NONE
    user: str = ""
    password: str = field(default="", repr=False)
    usb_path: str = ""
    at_interface: int | None = None
    dial_interface: int | None = None
    imei: str = ""


def parse_config(text: str, name: str) -> Config:
    """Return the values of pppgen.toml's `text`; `name` stands in the errors.

    Raises:
        BadValue: not TOML, an unknown key, or a value out of its range.
    """
    config = _structure(text, name, Config)
    _refuse(name, "bearers", not config.bearers, "names no bearer")
    _refuse(name, "bearers", len(set(config.bearers)) < len(config.bearers), "names a bearer twice")
    _refuse(name, "metric", not 1 <= config.metric <= 2**31, "is out of 1..2147483648")
    _refuse(name, "ppp.lcp_echo_failure", not 0 <= config.ppp.lcp_echo_failure <= 100, "is out of 0..100")
    _refuse(name, "traffic.patience", config.traffic.patience.s < 1, "is under 1 s")
    _refuse(name, "hook_timeout", not 1 <= config.hook_timeout.s <= 60, "is out of 1 s .. 60 s")
    return config


def parse_link(text: str, name: str) -> Link:
    """Return the values of link.toml's `text`; `name` stands in the errors.

    Raises:
        BadValue: not TOML, an unknown key, or a value out of its range.
    """
    link = _structure(text, name, Link)
    # setup has checked its own; a person may have edited them since, and they go into commands and paths.
    values.provider(link.provider, f"{name}: provider")
    values.apn(link.apn, f"{name}: apn")
    values.device(link.device, f"{name}: device")
    values.cid(link.cid, f"{name}: cid")
    if link.user:
        values.user(link.user, f"{name}: user")
    if link.password:
        values.password(link.password, name)
    if link.usb_path:
        values.usb_path(link.usb_path, f"{name}: usb_path")
    return link


def dump_link(link: Link) -> str:
    """Return link.toml's text, which `parse_link` reads back.

    >>> print(dump_link(Link("provider", "super", "bg96", "/dev/pppgen/1-1.4-if02", at_interface=3)), end="")
    # Written by `pppgen setup`; run it again rather than editing this. How to keep the link up is in pppgen.toml.
    provider = "provider"
    apn = "super"
    family = "bg96"
    device = "/dev/pppgen/1-1.4-if02"
    cid = 1
    pdp_type = "IP"
    auth = "none"
    at_interface = 3
    """
    lines = [
        "# Written by `pppgen setup`; run it again rather than editing this. How to keep the link up is in pppgen.toml."
    ]
    for one in fields(link):
        value = getattr(link, one.name)
        if value not in {None, ""}:
            # JSON's strings and numbers are TOML's too; `values` lets only printable ASCII come here.
            lines.append(f"{one.name} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def _refuse(name: str, key: str, wrong: bool, why: str) -> None:
    if wrong:
        raise BadValue(f"{name}: {key} {why}", hint=_advice(name, Config))


def _structure(text: str, name: str, wanted: type[_T]) -> _T:
    from cattrs import ClassValidationError, Converter, transform_error  # noqa: PLC0415 -- 70 ms on a PC

    try:
        found = tomllib.loads(text.removeprefix(_BYTE_ORDER_MARK))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadValue(f"{name}: {error}", hint=_advice(name, wanted)) from error
    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(Seconds, lambda value, _: Seconds.parse(value))
    # cattrs would turn "no" into True and 1.9 into 1: a value of another type is refused instead.
    for plain in (bool, int, str):
        converter.register_structure_hook(plain, _exactly)
    for words in (Addressing, Auth, BearerKind, PdpType, Profile, QmiBackend):
        converter.register_structure_hook(words, _word)

    def structure_list(value: object, kind: type) -> tuple[object, ...]:
        return tuple(converter.structure(item, get_args(kind)[0]) for item in _exactly(value, list))

    converter.register_structure_hook_func(_is_tuple, structure_list)
    try:
        return converter.structure(found, wanted)
    except ClassValidationError as error:
        said = "; ".join(
            message.removesuffix(" @ $").replace("@ $.", "at ")
            for message in transform_error(error, path="$", format_exception=_sentence)
        )
        raise BadValue(f"{name}: {said}", hint=_advice(name, wanted)) from error


def _advice(name: str, wanted: type) -> str:
    """Return what to do about a file that is refused: a person writes the one, setup the other."""
    if wanted is Link:
        return "sudo pppgen setup --apn YOUR_APN    # writes it anew"
    return f"edit {name}; the commented sample lists every key"


def _exactly(value: object, plain: type[_T]) -> _T:
    if type(value) is not plain:
        raise ValueError(f"{value!r} is not of type {plain.__name__}")
    return value


def _is_tuple(kind: object) -> bool:
    return get_origin(kind) is tuple


def _word(value: object, words: type[StrEnum]) -> StrEnum:
    if not isinstance(value, str) or value not in list(words):
        raise ValueError(f"{value!r} is none of {', '.join(words)}")
    return words(value)


def _sentence(error: BaseException, kind: type | None) -> str:
    from cattrs.errors import ForbiddenExtraKeysError  # noqa: PLC0415 -- see above

    if isinstance(error, ForbiddenExtraKeysError):
        return "unknown key " + ", ".join(sorted(error.extra_fields))
    if isinstance(error, KeyError):
        return "missing"
    if is_dataclass(kind) and not isinstance(error, ValueError):
        return "is not a table"
    return str(error)
