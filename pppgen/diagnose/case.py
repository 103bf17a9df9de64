"""What a rule may look at, and what it answers with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from pppgen.diagnose.story import Attempt, Record, Sighting, Story
from pppgen.model import Reason
from pppgen.programs.events import Kind

EVIDENCE_LIMIT = 5


class Confidence(StrEnum):
    """How much the lines prove."""

    HIGH = "high"  # the program says so itself
    MEDIUM = "medium"  # the lines leave little else
    LOW = "low"  # the likeliest of several


class Outcome(StrEnum):
    """How the last attempt ended."""

    UP = "up"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A cause and the lines that prove it."""

    cause: Reason
    confidence: Confidence
    evidence: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule may look at."""

    story: Story
    attempt: Attempt
    up: Sighting | None  # the last line that says the link is there
    down: Sighting | None  # the first line after it that says it is not

    @property
    def record(self) -> Record:
        """The attempt's own sightings."""
        return self.attempt.record

    @property
    def world(self) -> Record:
        """The sightings of the whole log."""
        return self.story.world

    @property
    def outcome(self) -> Outcome:
        """How the attempt ended, by its last decisive line."""
        if self.down is not None:
            return Outcome.FAILED
        return Outcome.UP if self.up is not None else Outcome.UNKNOWN


def proof(*found: Sighting | Iterable[Sighting] | None) -> tuple[Sighting, ...]:
    """Return the sightings without gaps and repeated lines, in the log's order, few enough to be read."""
    lines: dict[int, Sighting] = {}
    for item in found:
        if isinstance(item, Sighting):
            lines.setdefault(item.line, item)
        elif item is not None:
            for sighting in item:
                lines.setdefault(sighting.line, sighting)
    kept = list(lines.values())[:EVIDENCE_LIMIT]
    return tuple(sorted(kept, key=lambda sighting: sighting.line))


Answer = Verdict | None
Rule = Callable[[Case], Answer]


def say(cause: Reason, confidence: Confidence, *found: Sighting | Iterable[Sighting] | None) -> Answer:
    """Return the verdict, or nothing where no line proves it."""
    evidence = proof(*found)
    return Verdict(cause, confidence, evidence) if evidence else None


def plain(kind: Kind, cause: Reason, confidence: Confidence = Confidence.HIGH) -> Rule:
    """A rule for a message that says the cause itself."""

    def rule(case: Case) -> Answer:
        found = case.record.of(kind)
        return say(cause, confidence, found[:2], case.record.last(Kind.PROGRAM_EXITED)) if found else None

    return rule
