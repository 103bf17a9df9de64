"""Geometry of the report's pictures: values in, coordinates out; the template only writes them down. Pure.

Each picture is made twice, for a phone and for a desk: a picture that is only scaled has letters nobody can read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import groupby

from pppgen.report.story import Dial, Period, Point, Story, Turn, Window

NARROW, WIDE = 360, 1040
"""Widths in the picture's own units, which are about the screen's pixels."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TIME_STEPS = (
    *(10, 30, _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY),
)
_TICK_PX = 64
_LETTER_PX = 7.2
_LANE, _LANE_NAME, _LANE_GAP = 22, 16, 8
_AXIS = 38
_LEFT, _RIGHT, _TOP = 46, 10, 10
_PLOT_HEIGHT = 150
_MARK_PX = 17  # numbered marks closer than this would overlap
WEAK_DBM = -115
MINUS = "\N{MINUS SIGN}"


class Drawn(str):
    """Coordinates: text that comes from numbers alone, so that no redaction may touch it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Rect:
    """A bar; `label` stands in it where there is room, `title` is shown to whoever points at it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    label: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line, or a dot where a run has one point."""

    points: Drawn
    kind: str
    dot: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Text at a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture. `left` .. `right` and `top` .. `bottom` is where values are drawn; `name` is read to the blind."""

    name: str
    width: int
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...] = ()
    y_ticks: tuple[Tick, ...] = ()
    x_name: str = ""
    y_name: str = ""
    rects: tuple[Rect, ...] = ()
    curves: tuple[Curve, ...] = ()
    marks: tuple[Note, ...] = ()
    notes: tuple[Note, ...] = ()


def px(number: float) -> float:
    """Return a coordinate as short as the eye needs it."""
    return round(number, 1)


# --- axes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Times:
    """The axis of time: a window of it between two edges, told in the place's own time."""

    window: Window
    left: float
    right: float
    zone: tzinfo

    def x(self, at: float) -> float:
        """Return where a time lies."""
        return self.left + (at - self.window.start) / self.window.seconds * (self.right - self.left)

    def said(self, at: float, form: str = "%d %b %H:%M:%S") -> str:
        """Return a time for people."""
        return datetime.fromtimestamp(at, self.zone).strftime(form)

    def ticks(self) -> tuple[Tick, ...]:
        """Return ticks at round times of the place, no closer than they can be read.

        >>> from datetime import UTC
        >>> [tick.label for tick in Times(Window(0.0, 86400.0), 0.0, 360.0, UTC).ticks()]
        ['00:00', '06:00', '12:00', '18:00', '00:00']
        """
        window, shift = self.window, self._offset(self.window.start)
        most = max(2.0, (self.right - self.left) / _TICK_PX)
        step = next((step for step in _TIME_STEPS if window.seconds / step <= most), _TIME_STEPS[-1])
        form = "%d %b" if step >= _DAY else "%H:%M" if step >= _MINUTE else "%H:%M:%S"
        first = -(-(window.start + shift) // step) * step - shift
        moments = [first + number * step for number in range(max(0, int((window.end - first) // step) + 1))]
        return tuple(Tick(px(self.x(at)), self.said(at, form)) for at in moments)

    @property
    def name(self) -> str:
        """What the axis is called."""
        minutes = int(self._offset(self.window.end) // 60)
        if not minutes:
            return "time of day, UTC"
        return f"time of day, UTC{'+' if minutes > 0 else MINUS}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

    def _offset(self, at: float) -> float:
        offset = datetime.fromtimestamp(at, self.zone).utcoffset()
        return offset.total_seconds() if offset else 0.0


def value_steps(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Return round values from below `low` to above `high`.

    >>> value_steps(0, 9), value_steps(-118, -81)
    ((0.0, 2.0, 4.0, 6.0, 8.0, 10.0), (-120.0, -110.0, -100.0, -90.0, -80.0))
    """
    rough = max(high - low, 1e-9) / most
    power = 10.0 ** _exponent(rough)
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough * 0.999)
    first, last = int(low // step), int(-(-high // step))
    return tuple(round(number * step, 6) for number in range(first, max(last, first + 1) + 1))


def _exponent(number: float) -> int:
    exponent = 0
    while number >= 10:
        number, exponent = number / 10, exponent + 1
    while number < 1:
        number, exponent = number * 10, exponent - 1
    return exponent


def bytes_unit(most: float) -> tuple[float, str]:
    """Return the factor and the name of the unit in which so many bytes read well.

    >>> bytes_unit(1500), bytes_unit(3_000_000)
    ((1000.0, 'kB'), (1000000.0, 'MB'))
    """
    for factor, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if most >= factor:
            return factor, name
    return 1.0, "bytes"


# --- pictures ------------------------------------------------------------------------------------------------------


def timeline(story: Story, width: int, zone: tzinfo) -> Chart:
    """Return the lanes of phase, bearer and registration over one axis, and the numbered turns above them."""
    times = Times(story.window, 4.0, width - 4.0, zone)
    rects: list[Rect] = []
    notes: list[Note] = []
    y = top = 26.0
    for name, periods in (("link", story.phases), ("bearer", story.bearers), ("network", story.registrations)):
        notes.append(Note(times.left, y + 11, name))
        y += _LANE_NAME
        rects += [_bar(period, y, times) for period in periods]
        y += _LANE + _LANE_GAP
    bottom = y - _LANE_GAP
    return Chart(
        name="Phases of the link, bearer and registration over time",
        width=width,
        height=bottom + _AXIS,
        left=times.left,
        right=times.right,
        top=top,
        bottom=bottom,
        x_ticks=times.ticks(),
        x_name=times.name,
        rects=tuple(rects),
        marks=_marks(story.turns, times),
        notes=tuple(notes),
    )


def _bar(period: Period, y: float, times: Times) -> Rect:
    start, end = times.x(period.start), times.x(period.end)
    width = max(1.5, end - start)
    label = period.kind if width > len(period.kind) * _LETTER_PX + 8 else ""
    title = f"{period.kind}, {times.said(period.start)} to {times.said(period.end)}"
    return Rect(px(start), px(y), px(width), _LANE, period.kind.replace(" ", "-"), label, title)


def _marks(turns: Iterable[Turn], times: Times) -> tuple[Note, ...]:
    """Return the turns' numbers; of those that would overlap only the first is written."""
    found: list[Note] = []
    written = -_MARK_PX * 1.0
    for turn in turns:
        x = min(max(times.x(turn.at), times.left + 8), times.right - 8)
        crowded = x - written < _MARK_PX
        written = written if crowded else x
        found.append(Note(px(x), 13, "" if crowded else str(turn.number)))
    return tuple(found)


def signal(story: Story, width: int, zone: tzinfo) -> Chart:
    """Return the strength of the signal in dBm; the zone in which links break is marked."""
    values = [point.value for point in (*story.rsrp, *story.rssi)] or [-100.0]
    steps = value_steps(min(*values, -120.0), max(*values, -80.0))
    frame, times = _frame("Signal strength over time", story.window, steps, width, zone)
    weak = _y(WEAK_DBM, steps, frame)
    band = Rect(frame.left, px(weak), px(frame.right - frame.left), px(frame.bottom - weak), "weak", title="weak RSRP")
    curves = (*_curves(story.rssi, "rssi", times, steps, frame), *_curves(story.rsrp, "rsrp", times, steps, frame))
    note = Note(frame.left + 6, px(frame.bottom - 6), "weak RSRP")
    return replace(frame, y_name="dBm", curves=curves, rects=(band,), notes=(note,))


def traffic(story: Story, width: int, zone: tzinfo) -> Chart:
    """Return the bytes that came in and went out, added up."""
    most = max((point.value for point in (*story.received, *story.sent)), default=0.0)
    factor, unit = bytes_unit(most)
    steps = value_steps(0.0, max(most / factor, 1.0))
    frame, times = _frame("Bytes over time, added up", story.window, steps, width, zone)
    curves = [
        curve
        for kind, points in (("received", story.received), ("sent", story.sent))
        for curve in _curves([Point(p.at, p.value / factor, p.run) for p in points], kind, times, steps, frame)
    ]
    return replace(frame, y_name=unit, curves=tuple(curves))


def dial_bar(dial: Dial, longest: float, width: int) -> Chart:
    """Return one start as a bar of its steps, on the scale that all starts share."""
    left, right = 4.0, width - 12.0
    scale = (right - left) / longest
    rects, x = [], left
    for step in dial.steps:
        long = step.seconds * scale
        failing = dial.failed is not None and step is dial.steps[-1]
        label = step.step.value if long > len(step.step.value) * _LETTER_PX + 6 else ""
        title = f"{step.step.value} {step.seconds:.1f} s{', failed here' if failing else ''}"
        rects.append(Rect(px(x), 2, px(max(1.0, long)), _LANE, f"step-{step.step.value}", label, title))
        if failing:
            rects.append(Rect(px(x + max(1.0, long)), 0, 3, _LANE + 4, "failed", title="failed here"))
        x += long
    name = f"Steps of dial {dial.number}"
    return Chart(name, width, _LANE + 5.0, left, right, 2.0, _LANE + 2.0, rects=tuple(rects))


def dial_axis(longest: float, width: int) -> Chart:
    """Return the axis under the bars, in seconds."""
    left, right = 4.0, width - 12.0
    steps = [step for step in value_steps(0.0, longest, 6 if width > NARROW else 4) if step <= longest * 1.001]
    ticks = tuple(Tick(px(left + step / longest * (right - left)), f"{step:g}") for step in steps)
    return Chart("Seconds", width, _AXIS + 2.0, left, right, 2.0, 2.0, x_ticks=ticks, x_name="seconds")


def _frame(name: str, window: Window, steps: Sequence[float], width: int, zone: tzinfo) -> tuple[Chart, Times]:
    top = _TOP + 16.0
    times = Times(window, float(_LEFT), float(width - _RIGHT), zone)
    bare = Chart(name, width, top + _PLOT_HEIGHT + _AXIS, times.left, times.right, top, top + _PLOT_HEIGHT)
    y_ticks = tuple(Tick(px(_y(step, steps, bare)), f"{step:g}".replace("-", MINUS)) for step in steps)
    return replace(bare, x_ticks=times.ticks(), y_ticks=y_ticks, x_name=times.name), times


def _y(value: float, steps: Sequence[float], frame: Chart) -> float:
    share = (value - steps[0]) / (steps[-1] - steps[0])
    return frame.bottom - min(1.0, max(0.0, share)) * (frame.bottom - frame.top)


def _curves(points: Iterable[Point], kind: str, times: Times, steps: Sequence[float], frame: Chart) -> Iterable[Curve]:
    for _, run in groupby(points, key=lambda point: point.run):
        places = [(px(times.x(one.at)), px(_y(one.value, steps, frame))) for one in run]
        text = Drawn(" ".join(f"{x:g},{y:g}" for x, y in places))
        yield Curve(text, kind, places[0] if len(places) == 1 else None)
