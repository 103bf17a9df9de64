"""What can be wrong with the simulated modem or with its network: one table of names, values and sentences.

A fault is text on the command line and on the control socket (`--fault late=300`), a field of `Faults` in code.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from pppgen.errors import BadValue


class SimCard(StrEnum):
    """What lies in the card slot."""

    READY = "ready"
    ABSENT = "absent"
    PIN = "pin"
    PUK = "puk"


class Dial(StrEnum):
    """What comes of a dial that the modem itself would accept."""

    OK = "ok"
    NO_CARRIER = "no-carrier"  # refused at once
    NO_LCP = "no-lcp"  # CONNECT, then nothing
    HANG_UP = "hang-up"  # CONNECT, then NO CARRIER within half a second


class Auth(StrEnum):
    """What the operator asks of the subscriber by CHAP."""

    NONE = "none"
    OFFERED = "offered"  # asks, takes a ConfRej, as in the user's transcript
    CHECKED = "checked"  # asks, and checks the secret
    CUT = "cut"  # Success, then a terminate: how wrong credentials often look


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults in force; the default is a modem without any."""

    at: frozenset[int] | None = None
    dial_ports: frozenset[int] | None = None
    late: tuple[tuple[int | None, int], ...] = ()
    echo: bool = False
    bare_lf: bool = False
    urc: str = ""
    garbage: int = 0
    error: tuple[str, ...] = ()
    sim: SimCard = SimCard.READY
    creg: int | None = None
    cgreg: int | None = None
    cereg: int | None = None
    signal: bool = True
    dial: Dial = Dial.OK
    apn: str = ""
    auth: Auth = Auth.NONE
    held: frozenset[int] = frozenset()
    vanish: frozenset[int] = frozenset()
    silent: frozenset[int] = frozenset()
    data: frozenset[int] = frozenset()
    backoff: int = 0
    mtu: int | None = None
    freeze: bool = False
    bit_errors: int = 0
    qmi_hang: bool = False
    qmi_raw_ip: bool = False
    qmi_reject: int = 0
    qmi_call_ends: int = 0
    dhcp_silent: bool = False
    qmi_no_traffic: bool = False

    def late_ms(self, port: int) -> int:
        """Return how late `port` answers, in milliseconds.

        >>> Faults(late=((None, 20), (3, 500))).late_ms(3)
        500
        """
        return {**dict(self.late), None: 0}.get(port, dict(self.late).get(None, 0))


@dataclass(frozen=True, slots=True)
class FaultName:
    """One name of `--fault`: how its value looks (`[=…]`: may be left out), a sentence, and what it does."""

    value: str
    sentence: str
    apply: Callable[[Faults, str], Faults]
    fields: tuple[str, ...]


def _number(text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or not low <= int(text[:9]) <= high:
        raise ValueError(f"expected a number from {low} to {high}")
    return int(text)


def _ports(text: str) -> frozenset[int]:
    return frozenset(_number(each, 0, 15) for each in text.split(","))


def _late(faults: Faults, text: str) -> Faults:
    port, colon, wait = text.rpartition(":")
    new = (_number(port, 0, 15) if colon else None, _number(wait, 0, 600_000))
    return replace(faults, late=(*(old for old in faults.late if old[0] != new[0]), new))


def _registration(faults: Faults, text: str) -> Faults:
    stat = _number(text, 0, 10)
    return replace(faults, creg=stat, cgreg=stat, cereg=stat)


def _text(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable():
        raise ValueError("expected printable ASCII text")
    return text


FAULTS: dict[str, FaultName] = {
    "at": FaultName("N[,N]", "AT answers on these interfaces only, whatever the family's layout",
        lambda f, v: replace(f, at=_ports(v)), ("at",)),
    "dial-port": FaultName("N[,N]", "only these interfaces dial; the other AT ports answer ERROR to ATD",
        lambda f, v: replace(f, dial_ports=_ports(v)), ("dial_ports",)),
    "late": FaultName("[N:]MS", "answers come MS milliseconds late, on interface N or on all", _late, ("late",)),
    "silent": FaultName("N[,N]", "these interfaces answer nothing",
        lambda f, v: replace(f, silent=_ports(v)), ("silent",)),
    "echo": FaultName("", "ATE0 is answered OK but the echo stays",
        lambda f, _: replace(f, echo=True), ("echo",)),
    "bare-lf": FaultName("", "lines end with a bare LF",
        lambda f, _: replace(f, bare_lf=True), ("bare_lf",)),
    "urc": FaultName("[=TEXT]", "an unsolicited line (default RDY) comes in the middle of each answer",
        lambda f, v: replace(f, urc=_text(v) if v else "RDY"), ("urc",)),
    "garbage": FaultName("BYTES", "so many bytes of noise come before each answer",
        lambda f, v: replace(f, garbage=_number(v, 1, 1 << 20)), ("garbage",)),
    "error": FaultName("PREFIX", "commands that begin so are answered ERROR (may be given again)",
        lambda f, v: replace(f, error=(*f.error, _text(v).upper())), ("error",)),
    "sim": FaultName("absent|pin|puk", "the card: not there, or waiting for its code",
        lambda f, v: replace(f, sim=SimCard(v)), ("sim",)),
    "reg": FaultName("STAT", "all three registrations: 0 not, 1 home, 2 searching, 3 denied, 4 unknown, 5 roaming",
        _registration, ("creg", "cgreg", "cereg")),
    "creg": FaultName("STAT", "this registration alone", lambda f, v: replace(f, creg=_number(v, 0, 10)), ("creg",)),
    "cgreg": FaultName("STAT", "this registration alone", lambda f, v: replace(f, cgreg=_number(v, 0, 10)), ("cgreg",)),
    "cereg": FaultName("STAT", "this registration alone", lambda f, v: replace(f, cereg=_number(v, 0, 10)), ("cereg",)),
    "no-signal": FaultName("", "no cell is heard: +CSQ: 99,99",
        lambda f, _: replace(f, signal=False), ("signal",)),
    "dial": FaultName("no-carrier|no-lcp|hang-up", "ATD ends so, the last two after CONNECT",
        lambda f, v: replace(f, dial=Dial(v)), ("dial",)),
    "apn": FaultName("NAME", "the network takes this APN only and ends every other call with an LCP terminate",
        lambda f, v: replace(f, apn=_text(v)), ("apn",)),
    "auth": FaultName("offered|checked|cut", "in the lab: CHAP that may be refused, is checked, is cut after Success",
        lambda f, v: replace(f, auth=Auth(v)), ("auth",)),
    "backoff": FaultName("SECONDS", "the network told the modem to stay away: dials get NO CARRIER until then",
        lambda f, v: replace(f, backoff=_number(v, 1, 86_400)), ("backoff",)),
    "mtu": FaultName("BYTES", "AT+CGCONTRDP names this MTU of the network's path",
        lambda f, v: replace(f, mtu=_number(v, 0, 65_535)), ("mtu",)),
    "data": FaultName("N[,N]", "these interfaces are stuck in data mode from the start",
        lambda f, v: replace(f, data=_ports(v)), ("data",)),
    "held": FaultName("N[,N]", "another process holds these ports open",
        lambda f, v: replace(f, held=_ports(v)), ("held",)),
    "vanish": FaultName("N[,N]", "these ports vanish when the first command arrives",
        lambda f, v: replace(f, vanish=_ports(v)), ("vanish",)),
    "freeze": FaultName("", "frames of a running connection are dropped both ways, the carrier stays",
        lambda f, _: replace(f, freeze=True), ("freeze",)),
    "bit-errors": FaultName("BYTES", "one bit of each so many bytes of a running connection is turned",
        lambda f, v: replace(f, bit_errors=_number(v, 8, 1 << 30)), ("bit_errors",)),
    "qmi-hang": FaultName("", "in the lab: no QMI request is answered any more",
        lambda f, _: replace(f, qmi_hang=True), ("qmi_hang",)),
    "qmi-raw-ip": FaultName("", "in the lab: wwan0 is raw IP on the modem's side, whatever was asked for",
        lambda f, _: replace(f, qmi_raw_ip=True), ("qmi_raw_ip",)),
    "qmi-reject": FaultName("CAUSE", "in the lab: calls over QMI are rejected with this 3GPP cause, such as 33",
        lambda f, v: replace(f, qmi_reject=_number(v, 1, 255)), ("qmi_reject",)),
    "qmi-call-ends": FaultName("SECONDS", "in the lab: the network ends each call over QMI after so long",
        lambda f, v: replace(f, qmi_call_ends=_number(v, 1, 86_400)), ("qmi_call_ends",)),
    "dhcp-silent": FaultName("", "in the lab: nobody answers DHCP on wwan0",
        lambda f, _: replace(f, dhcp_silent=True), ("dhcp_silent",)),
    "qmi-no-traffic": FaultName("", "in the lab: a call over QMI has an address, but no packet passes",
        lambda f, _: replace(f, qmi_no_traffic=True), ("qmi_no_traffic",)),
}  # fmt: skip


# What needs a network interface beside the ttys.
QMI_FIELDS = frozenset({"qmi_hang", "qmi_raw_ip", "qmi_reject", "qmi_call_ends", "dhcp_silent", "qmi_no_traffic"})


def usage(name: str) -> str:
    """Return how a fault is written.

    >>> usage("apn"), usage("urc"), usage("echo")
    ('apn=NAME', 'urc[=TEXT]', 'echo')
    """
    value = FAULTS[name].value
    return f"{name}{value}" if value.startswith("[=") or not value else f"{name}={value}"


def with_fault(faults: Faults, text: str) -> Faults:
    """Return `faults` with `NAME[=VALUE]` added.

    >>> with_fault(Faults(), "at=2").at
    frozenset({2})

    Raises:
        BadValue: the name is unknown or the value does not fit.
    """
    name, equals, value = text.partition("=")
    if name not in FAULTS:
        raise BadValue(f"no fault is called {name!r}", hint=f"one of: {', '.join(FAULTS)}")
    row = FAULTS[name]
    try:
        if bool(equals) != bool(row.value) and not row.value.startswith("[="):
            raise ValueError(f"expected {usage(name)}")  # noqa: TRY301 -- one handler gives all of them the hint
        return row.apply(faults, value)
    except ValueError as error:
        raise BadValue(f"fault {text!r}: {error}", hint=f"--fault {usage(name)}") from error


def without_fault(faults: Faults, name: str) -> Faults:
    """Return `faults` with everything that `name` set put back.

    >>> without_fault(Faults(echo=True), "echo") == Faults()
    True
    """
    if name not in FAULTS:
        raise BadValue(f"no fault is called {name!r}", hint=f"one of: {', '.join(FAULTS)}")
    clean = Faults()
    return replace(faults, **{field: getattr(clean, field) for field in FAULTS[name].fields})


def in_force(faults: Faults) -> tuple[str, ...]:
    """Return the names of the fields that differ from a modem without faults.

    >>> in_force(Faults(echo=True))
    ('echo',)
    """
    clean = Faults()
    return tuple(each.name for each in fields(faults) if getattr(faults, each.name) != getattr(clean, each.name))
