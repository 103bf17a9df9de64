"""How an event is told in one line, for terminals, for the system's journal and for `pppgen events`."""

import time
from collections.abc import Callable

from pppgen.commands.present import clean
from pppgen.policy.chronicle import Entry, Kind
from pppgen.policy.sentences import DOING, NAMES, why


def clock_time(wall: float) -> str:
    """Return a wall-clock time of this place, to the second."""
    return time.strftime("%H:%M:%S", time.localtime(wall))


def day(wall: float) -> str:
    """Return the day of a wall-clock time in this place."""
    return time.strftime("%Y-%m-%d", time.localtime(wall))


def told(entry: Entry) -> str:  # noqa: C901 -- one case a kind
    """Return what an entry tells, without its time and without its evidence.

    >>> from pppgen.policy.chronicle import Moment
    >>> from pppgen.model import BearerKind, Reason
    >>> from pppgen.reports import Step
    >>> told(Entry(Kind.FAILED, Moment(0, 0), 4, BearerKind.QMI, Step.LEASE, Reason.PORT_BUSY, seconds=4.2))
    'QMI #4 failed at lease after 4.2 s: another process holds the port (port-busy)'
    """
    who = f"{NAMES[entry.bearer]} #{entry.dial}" if entry.bearer else ""
    because = why(entry.reason) if entry.reason else ""
    match entry.kind:
        case Kind.RUN | Kind.ASKED | Kind.DECISION:
            return clean(entry.text)
        case Kind.STEP if entry.step:
            return f"{who} {entry.step}: {clean(entry.text) or DOING[entry.step]}"
        case Kind.STEP:
            return who
        case Kind.LEASE:
            return f"{who} has the address {clean(entry.address)} on {clean(entry.interface)}"
        case Kind.REPAIR:
            return f"{who} needs a repair at {entry.step}: {because}"
        case Kind.UP:
            steps = ", ".join(f"{one.step} {one.seconds:.1f} s" for one in entry.steps)
            after = f" after {entry.seconds:.1f} s" if entry.seconds is not None else ""
            return f"{who} is up{after}{' (' + steps + ')' if steps else ''}"
        case Kind.DEGRADED:
            return f"{who} is degraded: {because}"
        case Kind.RECOVERED:
            return f"{who}: packets come back again"
        case Kind.FAILED:
            after = f" after {entry.seconds:.1f} s" if entry.seconds is not None else ""
            return f"{who} failed at {entry.step}{after}: {because}"
        case Kind.DOWN:
            return f"{who} is down"


def lines(entry: Entry, *, timed: bool = True) -> list[str]:
    """Return the line of an entry, and under it the lines that prove it."""
    start = f"{clock_time(entry.at.wall)} " if timed else ""
    # A decision's evidence stood under the failure before it.
    shown = () if entry.kind is Kind.DECISION else entry.evidence
    mark = "=> " if entry.kind is Kind.DECISION else "   "
    return [f"{start}{mark}{told(entry)}", *(f"{' ' * len(start)}      | {clean(line)}" for line in shown)]


def writer(write: Callable[[str], object], *, timed: bool = True) -> Callable[[Entry], None]:
    """Return a taker of entries that writes their lines."""

    def take(entry: Entry) -> None:
        for line in lines(entry, timed=timed):
            write(line)

    return take
