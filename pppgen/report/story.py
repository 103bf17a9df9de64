"""The journal and the samples as what a report draws: periods, turns, dials, curves; pure.

Times are put straight first: a board without a clock of its own begins a boot in the past, and all entries of that boot
are moved by what its last one, which knew the time best, shows.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from pppgen.model import BearerKind, Reason, RegistrationStat
from pppgen.policy.chronicle import Entry, Kind, Moment
from pppgen.policy.sample import EVERY_S, Sample
from pppgen.policy.sentences import PHASE_NAMES
from pppgen.reports import StepTime

DIALS_MAX = 12
TURNS_MAX = 40
ENTRIES_MAX = 20_000
"""More than the two files of the journal hold of ordinary lines."""
_GAP_S = 3 * EVERY_S
"""A sample says nothing of a time further off."""
_TURNS = frozenset({"online", "falling-back", "waiting", "blocked", "degraded", "repairing", "stopped"})
OFF = "not running"
_REGISTERED = frozenset({RegistrationStat.HOME, RegistrationStat.ROAMING})


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is shown, in UTC seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is; never nothing."""
        return max(1.0, self.end - self.start)


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when something was so."""

    start: float
    end: float
    kind: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A decision: its number in the picture, when, what followed, why, what proves it."""

    number: int
    at: float
    phase: str
    text: str
    verdict: str
    reason: Reason | None
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dial:
    """One start of a bearer: the time of each step, and the reason if it failed; the step that failed is the last."""

    number: int
    at: float
    bearer: BearerKind
    steps: tuple[StepTime, ...]
    failed: Reason | None = None

    @property
    def seconds(self) -> float:
        """How long it took altogether."""
        return sum(step.seconds for step in self.steps)


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a time; `run` changes where the curve must not be drawn through."""

    at: float
    value: float
    run: int


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is drawn."""

    window: Window
    phases: tuple[Period, ...] = ()
    bearers: tuple[Period, ...] = ()
    registrations: tuple[Period, ...] = ()
    turns: tuple[Turn, ...] = ()
    dials: tuple[Dial, ...] = ()
    rsrp: tuple[Point, ...] = ()
    rssi: tuple[Point, ...] = ()
    received: tuple[Point, ...] = ()
    sent: tuple[Point, ...] = ()
    entries: tuple[Entry, ...] = field(default=(), repr=False)

    @property
    def online_share(self) -> float | None:
        """The share of the time in which a supervisor ran that the link was online; `None` where none ran."""
        ran = sum(period.end - period.start for period in self.phases if period.kind != OFF)
        up = sum(period.end - period.start for period in self.phases if period.kind == "online")
        return up / ran if ran else None


def tell(entries: Iterable[Entry], samples: Iterable[Sample], end: float, span_s: float) -> Story:
    """Return the story of the last `span_s` seconds before `end`, or of less where less is known."""
    known = straight(tuple(entries)[-ENTRIES_MAX:])
    heard = straight_samples(known, tuple(samples))
    first = min((moment.wall for moment in (*(one.at for one in known), *(one.at for one in heard))), default=end)
    window = Window(max(end - span_s, min(first, end)), end)
    shown = tuple(entry for entry in known if window.start <= entry.at.wall <= end)
    seen = tuple(sample for sample in heard if window.start <= sample.at.wall <= end)
    return Story(
        window,
        phases=phases(known, window),
        bearers=bearers(known, window),
        registrations=registrations(seen, window),
        turns=turns(shown),
        dials=dials(shown),
        rsrp=curve(seen, lambda one: one.signal.rsrp_dbm),
        rssi=curve(seen, lambda one: one.signal.rssi_dbm),
        received=summed(seen, lambda one: one.received),
        sent=summed(seen, lambda one: one.sent),
        entries=shown,
    )


# --- times ---------------------------------------------------------------------------------------------------------


def straight(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the entries with the wall times of each boot as its last entry has them.

    >>> early, late = Entry(Kind.RUN, Moment(0.0, 5.0, "a")), Entry(Kind.RUN, Moment(1000.0, 65.0, "a"))
    >>> [entry.at.wall for entry in straight([early, late])]
    [940.0, 1000.0]
    """
    offsets = _offsets(entry.at for entry in entries)
    return tuple(replace(entry, at=_moved(entry.at, offsets)) for entry in entries)


def straight_samples(entries: Iterable[Entry], samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Return the samples with the same correction."""
    offsets = _offsets((*(sample.at for sample in samples), *(entry.at for entry in entries)))
    return tuple(replace(sample, at=_moved(sample.at, offsets)) for sample in samples)


def _offsets(moments: Iterable[Moment]) -> dict[str, float]:
    last: dict[str, Moment] = {}
    for moment in moments:
        if moment.boot not in last or moment.boottime >= last[moment.boot].boottime:
            last[moment.boot] = moment
    return {boot: moment.wall - moment.boottime for boot, moment in last.items() if boot}


def _moved(moment: Moment, offsets: dict[str, float]) -> Moment:
    offset = offsets.get(moment.boot)
    return moment if offset is None else replace(moment, wall=moment.boottime + offset)


# --- periods -------------------------------------------------------------------------------------------------------


def phases(entries: Iterable[Entry], window: Window) -> tuple[Period, ...]:
    """Return which phase the link was in; `not running` while no supervisor was there."""
    changes: list[tuple[float, str]] = []
    boot = ""
    last = window.start
    for entry in entries:
        if entry.at.boot != boot and changes and changes[-1][1] != OFF:
            changes.append((last, OFF))  # a power cut: nobody could say farewell
        boot, last = entry.at.boot, entry.at.wall
        if entry.kind is Kind.RUN:
            changes.append((entry.at.wall, OFF if _ends(entry) else "stopped"))
        elif entry.kind is Kind.DECISION and entry.phase in PHASE_NAMES:
            changes.append((entry.at.wall, entry.phase))
    return _periods(changes, window)


def _ends(entry: Entry) -> bool:
    return entry.text.endswith("ends")


def bearers(entries: Iterable[Entry], window: Window) -> tuple[Period, ...]:
    """Return which bearer was started or up."""
    changes: list[tuple[float, str]] = []
    for entry in entries:
        if entry.kind is Kind.RUN:
            changes.append((entry.at.wall, ""))
        elif entry.kind is Kind.DECISION:
            idle = entry.phase in {"stopped", "waiting", "blocked"}
            changes.append((entry.at.wall, "" if idle or entry.bearer is None else entry.bearer.value))
    return _periods(changes, window)


def registrations(samples: Iterable[Sample], window: Window) -> tuple[Period, ...]:
    """Return how the network stood to the modem, in one word: registered, denied, searching, unknown."""
    changes: list[tuple[float, str]] = []
    for sample in samples:
        if changes and sample.at.wall - changes[-1][0] > _GAP_S:
            changes.append((changes[-1][0] + _GAP_S, ""))
        changes.append((sample.at.wall, standing(dict(sample.stats).values())))
    if changes and window.end - changes[-1][0] > _GAP_S:
        changes.append((changes[-1][0] + _GAP_S, ""))
    return _periods(changes, window)


def standing(stats: Iterable[RegistrationStat]) -> str:
    """Return the best word of the three registrations; empty where none was told.

    >>> standing([RegistrationStat.NOT_REGISTERED, RegistrationStat.ROAMING]), standing([])
    ('registered', '')
    """
    told = set(stats)
    if not told:
        return ""
    if told & _REGISTERED:
        return "registered"
    order = (RegistrationStat.DENIED, RegistrationStat.SEARCHING, RegistrationStat.UNKNOWN)
    return next((stat.value for stat in order if stat in told), "not registered")


def _periods(changes: Sequence[tuple[float, str]], window: Window) -> tuple[Period, ...]:
    """Return the periods between changes, cut to the window; the same word twice is one period."""
    found: list[Period] = []
    for number, (at, kind) in enumerate(changes):
        until = changes[number + 1][0] if number + 1 < len(changes) else window.end
        start, end = max(at, window.start), min(until, window.end)
        if not kind or end <= start:
            continue
        if found and found[-1].kind == kind and found[-1].end == start:
            found[-1] = replace(found[-1], end=end)
        else:
            found.append(Period(start, end, kind))
    return tuple(found)


# --- turns and dials -----------------------------------------------------------------------------------------------


def turns(entries: Iterable[Entry]) -> tuple[Turn, ...]:
    """Return the decisions that changed how the link stood, the last ones where there are many, oldest first."""
    found = [
        entry
        for entry in entries
        if entry.kind is Kind.DECISION and entry.phase in _TURNS and entry.phase != entry.before
    ]
    return tuple(
        Turn(number, entry.at.wall, entry.phase, entry.text, entry.verdict, entry.reason, entry.evidence)
        for number, entry in enumerate(found[-TURNS_MAX:], 1)
    )


def dials(entries: Iterable[Entry]) -> tuple[Dial, ...]:
    """Return the last starts whose steps were timed, the newest first."""
    found = [
        Dial(
            entry.dial,
            entry.at.wall,
            entry.bearer,
            entry.steps,
            entry.reason if entry.kind is Kind.FAILED else None,
        )
        for entry in entries
        if entry.kind in {Kind.UP, Kind.FAILED} and entry.bearer and entry.steps
    ]
    return tuple(reversed(found[-DIALS_MAX:]))


# --- curves --------------------------------------------------------------------------------------------------------


def curve(samples: Iterable[Sample], value: Callable[[Sample], int | None]) -> tuple[Point, ...]:
    """Return a figure over time; where it was not told, or nobody looked for long, the curve is cut."""
    points: list[Point] = []
    run, last = 0, 0.0
    for sample in samples:
        said = value(sample)
        if said is None:
            run += 1
            continue
        if points and sample.at.wall - last > _GAP_S:
            run += 1
        last = sample.at.wall
        points.append(Point(last, float(said), run))
    return tuple(points)


def summed(samples: Iterable[Sample], value: Callable[[Sample], int | None]) -> tuple[Point, ...]:
    """Return bytes added up over the window; each link's counter begins at nothing.

    >>> at = [Moment(float(second), float(second), "a") for second in (0, 60, 120)]
    >>> lines = [Sample(at[0], 1, received=500), Sample(at[1], 1, received=800), Sample(at[2], 2, received=50)]
    >>> [point.value for point in summed(lines, lambda one: one.received)]
    [0.0, 300.0, 350.0]
    """
    points: list[Point] = []
    total = 0.0
    before: int | None = None
    dial = 0
    for sample in samples:
        now = value(sample)
        if now is None:
            continue
        if before is not None:
            # A counter that fell belongs to a new interface, also where the dial's number was not seen to change.
            total += now - before if sample.dial == dial and now >= before else now
        before, dial = now, sample.dial
        points.append(Point(sample.at.wall, total, 0))
    return tuple(points)
