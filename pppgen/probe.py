"""Decides which port speaks AT and which one dials, from what all ports were seen to be; pure.

All ports are asked at once, likely ones first (remembered, then the catalog's AT ports, then the rest, UARTs last). The
catalog gives that order and nothing else: *the probe decides*. Which of two AT ports dials can't be seen without
dialling, so that stays unproven until a dial worked there once and was remembered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pppgen.interview import NMEA_S, Interview, Seen
from pppgen.model import Device, ExpectedRole, Notice, Port, PortRole

GRACE_S = 0.010
"""A port that answers waits so long for a likelier one: all ports of a modem take about the same time."""

_SLOWER = 10
"""How much slower than its AT port another port of a modem may be before it counts as silent."""

_RANK = {
    ExpectedRole.AT: 1,
    ExpectedRole.AT_DIAL: 1,
    ExpectedRole.DIAL: 2,
    ExpectedRole.UNKNOWN: 3,
    ExpectedRole.NET: 4,
    ExpectedRole.AUDIO: 4,
    ExpectedRole.NMEA: 4,
    ExpectedRole.DIAG: 4,
}
_UART_RANK = 9


@dataclass(frozen=True, slots=True)
class Remembered:
    """The interface numbers that worked last, `None` where not known; `dial` was proved by a dial."""

    at: int | None = None
    dial: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A port to ask, with what is known before."""

    port: Port
    expected: ExpectedRole = ExpectedRole.UNKNOWN
    remembered: bool = False

    @property
    def rank(self) -> tuple[int, str, int]:
        """Likely ports first; the USB path and interface number keep the order the same on each run."""
        number = -1 if self.port.interface is None else self.port.interface
        likely = 0 if self.remembered else _UART_RANK if self.port.usb_path is None else _RANK[self.expected]
        return likely, self.port.usb_path or "", number


@dataclass(frozen=True, slots=True)
class Modem:
    """A modem's ports; `at` and `dial` are one where it has only one; `dial` is `None` while not all were heard."""

    usb_path: str | None
    at: Port
    dial: Port | None
    dial_proven: bool
    said: tuple[str, ...]
    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every port with what it was seen to be, in the order it was asked, and the modems that answered."""

    ports: tuple[tuple[Candidate, Seen], ...]
    modems: tuple[Modem, ...] = ()

    @property
    def modem(self) -> Modem | None:
        """The modem that answered on the likeliest port."""
        return self.modems[0] if self.modems else None

    def seen(self, device: str) -> Seen | None:
        """What the port of this name was seen to be."""
        return next((seen for candidate, seen in self.ports if candidate.port.device == device), None)


def candidates_of(
    devices: Iterable[Device],
    roles: Mapping[str, Mapping[int, ExpectedRole]],
    remembered: Mapping[str, Remembered],
) -> tuple[Candidate, ...]:
    """Return the ports in the order they are asked; `roles` and `remembered` are by USB path.

    >>> bg96 = Device("1-1.4", "2c7c", "0296", tuple(Port(f"/dev/ttyUSB{n}", "", "1-1.4", n) for n in range(4)))
    >>> roles = {"1-1.4": {0: ExpectedRole.DIAG, 1: ExpectedRole.NMEA, 2: ExpectedRole.AT, 3: ExpectedRole.DIAL}}
    >>> [one.port.device for one in candidates_of([bg96], roles, {})]
    ['/dev/ttyUSB2', '/dev/ttyUSB3', '/dev/ttyUSB0', '/dev/ttyUSB1']
    >>> [one.port.device for one in candidates_of([bg96], roles, {"1-1.4": Remembered(at=1)})][0]
    '/dev/ttyUSB1'
    """
    found = []
    for device in devices:
        known, worked = roles.get(device.usb_path, {}), remembered.get(device.usb_path, Remembered())
        for port in device.ports:
            number = port.interface
            expected = ExpectedRole.UNKNOWN if number is None else known.get(number, ExpectedRole.UNKNOWN)
            again = number is not None and number in {worked.at, worked.dial}
            found.append(Candidate(port, expected, again))
    return tuple(sorted(found, key=lambda candidate: candidate.rank))


@dataclass(slots=True)
class Probe:
    """All interviews together, and when enough is known; whoever drives it carries out what they say.

    With `whole` it ends when every port is known, without it as soon as the right AT port is.
    """

    candidates: tuple[Candidate, ...]
    remembered: Mapping[str, Remembered] = field(default_factory=dict)
    whole: bool = True
    recover: bool = True
    interviews: tuple[Interview, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Make an interview for each port."""
        self.interviews = tuple(
            Interview(candidate.port.device, candidate.expected, recover=self.recover and candidate.port.holder is None)
            for candidate in self.candidates
        )

    def settle(self) -> None:
        """Wait less for the other ports of a modem whose AT port has answered."""
        together = list(zip((candidate.port.usb_path for candidate in self.candidates), self.interviews, strict=True))
        took = {path: interview.seen.answer_s for path, interview in together if interview.seen.role is PortRole.AT}
        for path, interview in together:
            if (answer_s := took.get(path)) is not None:
                interview.hurry(max(NMEA_S, _SLOWER * answer_s))

    def enough(self, now: float) -> bool:
        """Whether what is asked for is known."""
        return (until := self.known_at(now)) is not None and until <= now

    def known_at(self, now: float) -> float | None:
        """Return when the wait ends if no port says anything more, `None` while that is open."""
        if all(interview.over for interview in self.interviews):
            return now
        if self.whole:
            return None
        likelier_open = False
        for interview in self.interviews:
            if interview.seen.role is PortRole.AT and interview.ended_at is not None:
                return interview.ended_at + (GRACE_S if likelier_open else 0)
            likelier_open = likelier_open or not interview.over
        return None

    def wake_at(self, now: float) -> float | None:
        """Return when the next deadline passes."""
        times = [interview.deadline for interview in self.interviews if interview.deadline is not None]
        if (known := self.known_at(now)) is not None:
            times.append(known)
        return min(times, default=None)

    def outcome(self) -> Outcome:
        """Return what is known now."""
        found = [
            (candidate, interview.seen) for candidate, interview in zip(self.candidates, self.interviews, strict=True)
        ]
        return decide(found, self.remembered)


def decide(found: Iterable[tuple[Candidate, Seen]], remembered: Mapping[str, Remembered]) -> Outcome:
    """Return which of the AT ports is for commands and which dials, a modem at a time."""
    pairs = tuple(found)
    modems = []
    roles: dict[str, PortRole] = {}
    for path in dict.fromkeys(_modem_of(c) for c, seen in pairs if seen.role is PortRole.AT):
        modem = _modem([pair for pair in pairs if _modem_of(pair[0]) == path], remembered.get(path, Remembered()))
        modems.append(modem)
        if modem.dial:
            roles[modem.dial.device] = PortRole.AT_DIAL if modem.dial == modem.at else PortRole.DIAL
    ports = tuple(
        (c, replace(s, role=roles[c.port.device]) if s.role is PortRole.AT and c.port.device in roles else s)
        for c, s in pairs
    )
    return Outcome(ports, tuple(modems))


def with_dial_seen(outcome: Outcome, modem: Modem) -> Outcome:
    """Return the outcome after a dial showed which port of `modem` really dials: its AT ports have their roles anew."""
    speaking = {PortRole.AT, PortRole.DIAL, PortRole.AT_DIAL}

    def role(port: Port) -> PortRole:
        if port != modem.dial:
            return PortRole.AT
        return PortRole.AT_DIAL if port == modem.at else PortRole.DIAL

    ports = tuple(
        (c, replace(s, role=role(c.port)) if s.role in speaking and c.port.usb_path == modem.usb_path else s)
        for c, s in outcome.ports
    )
    return replace(outcome, ports=ports)


def _modem_of(candidate: Candidate) -> str:
    """What the ports of one modem have in common; a UART stands for itself."""
    return candidate.port.usb_path or candidate.port.device


def _modem(pairs: list[tuple[Candidate, Seen]], worked: Remembered) -> Modem:
    """Tell the dial port from the command port among those of one modem that speak AT."""
    speaking = [candidate for candidate, seen in pairs if seen.role is PortRole.AT]
    said = next(seen.said for _, seen in pairs if seen.role is PortRole.AT)
    path, first = speaking[0].port.usb_path, speaking[0].port
    proven = next((c.port for c, s in pairs if _may_dial(s) and worked.dial == c.port.interface is not None), None)
    if any(seen.role is PortRole.UNPROBED for _, seen in pairs):
        return Modem(path, first, proven, proven is not None, said)
    warnings = [_held(candidate.port, seen) for candidate, seen in pairs if seen.role is PortRole.BUSY]
    if worked.dial is not None and proven is None:
        warnings.append(
            Notice("dial-port-lost", f"the port that dialled last time (interface {worked.dial}) does not speak AT now")
        )
    held = [c for c, s in pairs if s.role is PortRole.BUSY and c.expected in {ExpectedRole.DIAL, ExpectedRole.AT_DIAL}]
    dial = proven or _dial_port(speaking if len(speaking) > 1 or not held else held)
    others = [candidate for candidate in speaking if candidate.port != dial]
    if not others:
        warnings.append(
            Notice(
                "one-at-port", f"{first.device} is the only AT port: while PPP runs on it, nothing else can be asked"
            )
        )
        return Modem(path, first, dial, proven is not None, said, tuple(warnings))
    if proven is None:
        names = " and ".join(sorted(candidate.port.device for candidate in speaking))
        text = f"{names} speak AT, and which of them dials shows only a dial: {dial.device} is a guess"
        warnings.append(Notice("dial-port-unproven", text, "sudo pppgen setup --apn YOUR_APN --dial"))
    return Modem(path, _command_port(others, worked), dial, proven is not None, said, tuple(warnings))


def _held(port: Port, seen: Seen) -> Notice:
    holder = seen.holder or port.holder
    who = f"{holder.name} ({holder.pid})" if holder else "another process"
    return Notice("port-held", f"{port.device} is held by {who}, so it was not asked", "sudo pppgen ports")


def _may_dial(seen: Seen) -> bool:
    """Whether a port that dialled once still can: it speaks AT, or it is in use."""
    return seen.role in {PortRole.AT, PortRole.BUSY, PortRole.DATA}


def _command_port(speaking: list[Candidate], worked: Remembered) -> Port:
    """Return the port that was used for commands last time, the catalog's, or the likeliest."""
    ranked = sorted(speaking, key=lambda c: (c.port.interface != worked.at, c.expected is not ExpectedRole.AT, c.rank))
    return ranked[0].port


def _dial_port(speaking: list[Candidate]) -> Port:
    """Return the port that the catalog dials on, or the lowest: an unlisted modem's first AT port usually does all."""
    order = {ExpectedRole.DIAL: 0, ExpectedRole.AT_DIAL: 1}
    return min(speaking, key=lambda c: (order.get(c.expected, 2), c.port.interface or 0, c.port.device)).port
