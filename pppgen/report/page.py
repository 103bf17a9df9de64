"""The report as one self-contained HTML text: no script, no font, no picture and no request from anywhere.

Every text goes through the redactor where the template writes it, so that no path of a value into the page is without.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from pppgen.causes import cause
from pppgen.doctor import Check
from pppgen.doctor.verdict import Verdict
from pppgen.policy.sentences import NAMES, span
from pppgen.redact import Redactor
from pppgen.report.charts import NARROW, WIDE, Chart, Drawn, dial_axis, dial_bar, signal, timeline, traffic
from pppgen.report.story import Dial, Story
from pppgen.shipped import shipped

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "report.html"


@dataclass(frozen=True, slots=True)
class Picture:
    """One chart, for a phone and for a desk."""

    narrow: Chart
    wide: Chart


@dataclass(frozen=True, slots=True)
class Text:
    """A named text: a version, or a file's content."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Material:
    """What a page is made of. `log` is the journal in people's words; `doctor` is empty where it did not run."""

    story: Story
    made: float
    zone: tzinfo
    doctor: tuple[Check, ...] = ()
    versions: tuple[Text, ...] = ()
    files: tuple[Text, ...] = ()
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Turn:
    number: int
    at: str
    phase: str
    text: str
    why: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Dial:
    heading: str
    failed: str
    steps: str
    bar: Picture


def page(material: Material, redactor: Redactor) -> str:
    """Return the HTML text."""
    story = material.story
    # The page says what was hidden in it, so its words are written first and its statement last.
    body = (
        _environment(redactor)
        .get_template(TEMPLATE)
        .render(
            made=_said(material.made, material.zone),
            start=_said(story.window.start, material.zone),
            lasts=span(story.window.seconds),
            summary=_summary(story),
            timeline=_both(lambda width: timeline(story, width, material.zone)) if story.entries else None,
            phases=_kinds(story),
            turns=[_turn(number, material) for number in range(len(story.turns))],
            signal=_both(lambda width: signal(story, width, material.zone)) if story.rsrp or story.rssi else None,
            traffic=_both(lambda width: traffic(story, width, material.zone)) if story.received else None,
            dials=[_dial(dial, _longest(story), material.zone) for dial in story.dials],
            axis=_both(lambda width: dial_axis(_longest(story), width)),
            checks=material.doctor,
            counts=_counts(material.doctor),
            versions=material.versions,
            files=material.files,
            log=material.log,
            hides=redactor.hides,
        )
    )
    return body.replace(_DISCLOSURE, redactor.disclosed())


_DISCLOSURE = "\N{SECTION SIGN}disclosure\N{SECTION SIGN}"


def _both(draw: Callable[[int], Chart]) -> Picture:
    return Picture(draw(NARROW), draw(WIDE))


def _said(at: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S")


def _kinds(story: Story) -> tuple[tuple[str, str], ...]:
    """Return the words that the picture of the phases uses and their classes, for its legend."""
    periods = (*story.phases, *story.bearers, *story.registrations)
    return tuple(dict.fromkeys((period.kind, period.kind.replace(" ", "-")) for period in periods))


def _summary(story: Story) -> tuple[str, ...]:
    """Return what a reader wants to know first."""
    if not story.entries:
        return ("Nothing was recorded in this time: no supervisor ran.",)
    found = []
    if (share := story.online_share) is not None:
        found.append(f"The link was online for {share:.1%} of the time in which pppgen ran.")
    failures = sum(dial.failed is not None for dial in story.dials)
    if story.dials:
        found.append(f"Of the last {len(story.dials)} starts {failures or 'none'} failed.")
    if story.turns:
        found.append(f"Last: {story.turns[-1].text}")
    return tuple(found)


def _turn(number: int, material: Material) -> _Turn:
    turn = material.story.turns[number]
    return _Turn(
        turn.number,
        _said(turn.at, material.zone),
        turn.phase,
        turn.text,
        f"{cause(turn.reason).explanation}" if turn.reason and turn.verdict else "",
        turn.evidence[-3:],
    )


def _longest(story: Story) -> float:
    return max((dial.seconds for dial in story.dials), default=1.0) or 1.0


def _dial(dial: Dial, longest: float, zone: tzinfo) -> _Dial:
    return _Dial(
        f"{NAMES[dial.bearer]} #{dial.number}, {_said(dial.at, zone)}: {dial.seconds:.1f} s",
        cause(dial.failed).sentence if dial.failed else "",
        " · ".join(f"{step.step.value} {step.seconds:.1f} s" for step in dial.steps),
        _both(lambda width: dial_bar(dial, longest, width)),
    )


def _counts(checks: tuple[Check, ...]) -> str:
    counts = {verdict: sum(check.verdict is verdict for check in checks) for verdict in Verdict}
    return ", ".join(f"{number} {verdict.value}" for verdict, number in counts.items() if number)


def _environment(redactor: Redactor) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 -- only loaded to render

    def shown(value: object) -> object:
        """Redact a text before it is escaped; a macro's own markup was made of redacted texts already."""
        if not isinstance(value, str) or isinstance(value, Drawn) or hasattr(value, "__html__"):
            return value
        return redactor.text("".join(char if char.isprintable() or char == "\n" else " " for char in value))

    environment = Environment(
        loader=FileSystemLoader(shipped("templates")),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["disclosure"] = _DISCLOSURE
    return environment
