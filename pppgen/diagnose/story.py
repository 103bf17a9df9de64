"""From events to a story: which attempts the log tells of, what each reached, and what is known beside them.

An attempt begins where a program is started, a command is dialled or a connection is asked for, once the attempt before
has gone at least as far or has failed. Memory is bounded: of each kind of event the first and the last few are kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pppgen.programs.events import Event, Kind, Program

KEEP = 4  # of each kind: the first and the last this many
TEXT_LIMIT = 2000  # of a line that is kept as evidence


class Sighting(NamedTuple):
    """An event and the line that proves it; lines count from 1."""

    line: int
    text: str
    event: Event

    @property
    def kind(self) -> Kind:
        """What was said."""
        return self.event.kind

    @property
    def value(self) -> str:
        """The event's value."""
        return self.event.value


class Record:
    """The sightings of one stretch of a log, by kind; bounded."""

    def __init__(self) -> None:
        self._kept: dict[Kind, list[Sighting]] = {}

    def add(self, sighting: Sighting) -> None:
        """Note one more."""
        kept = self._kept.get(sighting.event.kind)
        if kept is None:
            self._kept[sighting.event.kind] = [sighting]
            return
        if len(kept) == 2 * KEEP:
            del kept[KEEP]
        kept.append(sighting)

    def of(self, *kinds: Kind) -> list[Sighting]:
        """Return what is kept of these kinds, in the log's order."""
        found = [sighting for kind in kinds for sighting in self._kept.get(kind, ())]
        return sorted(found, key=lambda sighting: sighting.line)

    def last(self, *kinds: Kind) -> Sighting | None:
        """Return the last of these kinds."""
        found = self.of(*kinds)
        return found[-1] if found else None

    def first(self, *kinds: Kind) -> Sighting | None:
        """Return the first of these kinds."""
        found = self.of(*kinds)
        return found[0] if found else None

    def has(self, *kinds: Kind) -> bool:
        """Whether any of these kinds was seen."""
        return any(kind in self._kept for kind in kinds)


# How far an attempt is when it says this. Ranks below 4 are beginnings.
_RANKS: dict[Kind, int] = {
    Kind.CONNECT_STARTED: 0,
    Kind.PROGRAM_STARTED: 1,
    Kind.CALL_STARTING: 2,
    Kind.AGAIN: 2,
    Kind.DIALLING: 3,
    Kind.CARRIER_UP: 4,
    Kind.SERIAL_UP: 4,
    Kind.LINK_CONNECTED: 5,
    Kind.LCP_OPEN: 6,
    Kind.AUTH_SUCCEEDED: 7,
    Kind.IPCP_OPEN: 8,
    Kind.CALL_UP: 8,
    Kind.CONNECT_SUCCEEDED: 8,
    Kind.LOCAL_ADDRESS: 9,
    Kind.DHCP_LEASE: 9,
}
BEGINNINGS = frozenset(kind for kind, rank in _RANKS.items() if rank < 4 and kind is not Kind.AGAIN) | {
    Kind.LINK_CONNECTED
}

# Somebody tries again, however little the attempt before had come to.
_ANEW = frozenset({Kind.PROGRAM_STARTED, Kind.CONNECT_STARTED})

# After one of these the attempt is over, unless it comes up after all.
FAILURES = frozenset(
    {
        Kind.PORT_BUSY,
        Kind.PORT_MISSING,
        Kind.PORT_OPEN_FAILED,
        Kind.PORT_IO_FAILED,
        Kind.PERMISSION_DENIED,
        Kind.OPTION_REFUSED,
        Kind.PROGRAM_MISSING,
        Kind.CRASHED,
        Kind.CHAT_ABORTED,
        Kind.CHAT_TIMED_OUT,
        Kind.CONNECT_SCRIPT_FAILED,
        Kind.NO_CARRIER,
        Kind.NO_DIALTONE,
        Kind.LINE_BUSY,
        Kind.NO_ANSWER,
        Kind.DIAL_TIMED_OUT,
        Kind.DIAL_REFUSED,
        Kind.INIT_REFUSED,
        Kind.MODEM_SILENT,
        Kind.NO_MODEM_FOUND,
        Kind.LCP_TIMED_OUT,
        Kind.LOOPED_BACK,
        Kind.AUTH_FAILED,
        Kind.AUTH_REQUIRED_OF_PEER,
        Kind.IPCP_TIMED_OUT,
        Kind.IPCP_REFUSED,
        Kind.LOCAL_UNKNOWN,
        Kind.PEER_TERMINATED,
        Kind.HUNG_UP,
        Kind.ECHO_LOST,
        Kind.IDLE_LIMIT,
        Kind.TIME_LIMIT,
        Kind.KERNEL_NO_PPP,
        Kind.NETWORK_MISSING,
        Kind.APN_REFUSED,
        Kind.QMI_DEVICE_MISSING,
        Kind.CALL_FAILED,
        Kind.CALL_NO_EFFECT,
        Kind.QMI_REFUSED,
        Kind.CALL_DOWN,
        Kind.DHCP_NO_LEASE,
        Kind.DHCP_LOST,
        Kind.LINK_LOCAL_ONLY,
        Kind.CONNECT_FAILED,
        Kind.REPORTED,
    }
)
# The link carries an address, or the manager says that it is there.
SUCCESSES = frozenset(
    {
        Kind.LOCAL_ADDRESS,
        Kind.IPV6_ADDRESS,
        Kind.CONTEXT_ADDRESS,
        Kind.DHCP_LEASE,
        Kind.CONNECT_SUCCEEDED,
        Kind.INTERFACE_UP,
        Kind.PING_REPLY,
        Kind.CALL_UP,
    }
)


# Frequent, and of no use to any rule.
_UNASKED = frozenset({Kind.PACKET_SENT, Kind.PACKET_RECEIVED, Kind.ABORT_ON, Kind.MODEM_SAID})


@dataclass(slots=True)
class Attempt:
    """One try to get a link; `rank` is how far it came."""

    record: Record = field(default_factory=Record)
    rank: int = -1
    failed: bool = False

    @property
    def decided(self) -> bool:
        """Whether the log tells how it went."""
        return self.record.has(*FAILURES, *SUCCESSES, Kind.PROGRAM_EXITED)


class Story:
    """The log so far: the attempt under way, the last one that was decided, and what is known beside them."""

    def __init__(self) -> None:
        self.world = Record()
        self.programs: dict[Program, None] = {}
        self.attempts = 0
        self.current = Attempt()
        self.decided: list[Attempt] = []  # the last few, oldest first

    def add(self, line: int, text: str, events: Iterable[Event]) -> None:
        """Take in what one line proves."""
        for event in events:
            self.programs.setdefault(event.program)
            if event.kind in _UNASKED:
                continue
            sighting = Sighting(line, text[:TEXT_LIMIT], event)
            self.world.add(sighting)
            self._place(sighting)

    def _place(self, sighting: Sighting) -> None:
        kind = sighting.event.kind
        rank = _RANKS.get(kind)
        if rank is not None:
            anew = kind in _ANEW and self.current.failed
            if begins(sighting) and (anew or self._over(rank)) and not self._continues(sighting):
                self.close()
            self.current.rank = max(self.current.rank, rank)
        self.current.record.add(sighting)
        if kind in FAILURES:
            self.current.failed = True

    def _over(self, rank: int) -> bool:
        """Whether a beginning of this rank starts another attempt."""
        return self.current.rank > rank or (self.current.rank == rank and self.current.failed)

    def _continues(self, sighting: Sighting) -> bool:
        """Whether it is pppd that a dialler starts once it has its CONNECT."""
        return (
            sighting.kind is Kind.PROGRAM_STARTED
            and sighting.event.program is Program.PPPD
            and self.current.rank >= _RANKS[Kind.CARRIER_UP]
            and not self.current.failed
            and not self.current.record.has(Kind.LINK_CONNECTED)
        )

    def close(self) -> None:
        """End the attempt under way; one that nothing is known of is forgotten."""
        if self.current.decided:
            self.attempts += 1
            self.decided.append(self.current)
            del self.decided[:-3]
        self.current = Attempt()

    @property
    def attempt(self) -> Attempt:
        """The last attempt that the log decides, or the one under way."""
        if self.current.decided or not self.decided:
            return self.current
        return self.decided[-1]


def begins(sighting: Sighting) -> bool:
    """Whether this can begin an attempt. A DHCP client or a kernel line never does; wvdial's next try does."""
    if sighting.kind is Kind.AGAIN:
        return sighting.event.program is Program.WVDIAL
    return sighting.kind in BEGINNINGS
