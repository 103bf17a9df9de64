"""Any log's lines in, causes with their proof out: pure, in one pass, in bounded memory."""

from collections.abc import Iterable
from dataclasses import dataclass

from pppgen.diagnose.case import Case, Confidence, Outcome, Verdict
from pppgen.diagnose.rules import FAILED_RULES, LAST_RULES, UP_RULES, USELESS
from pppgen.diagnose.rules_up import working
from pppgen.diagnose.steps import Step, steps_of
from pppgen.diagnose.story import FAILURES, SUCCESSES, Attempt, Sighting, Story
from pppgen.model import Reason
from pppgen.programs.events import Kind, Program
from pppgen.programs.router import Router

__all__ = ["Confidence", "Diagnosis", "Harmless", "Outcome", "Sighting", "Step", "Verdict", "diagnose"]

FINDINGS_LIMIT = 4
HARMLESS_LIMIT = 6


@dataclass(frozen=True, slots=True)
class Harmless:
    """An alarming line that is not the cause; `slug` names its explanation."""

    slug: str
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a log tells: how its last attempt ended, why, and which lines only look bad."""

    outcome: Outcome
    programs: tuple[Program, ...]
    attempts: int
    findings: tuple[Verdict, ...]
    harmless: tuple[Harmless, ...]
    steps: tuple[Step, ...]
    lines: int

    @property
    def named(self) -> bool:
        """Whether a cause or a working link could be named."""
        return bool(self.findings)

    def rules_out(self, cause: Reason) -> tuple[Reason, ...]:
        """Return the causes that cannot be, other than the one named and those named beside it."""
        named = {cause, *(finding.cause for finding in self.findings)}
        return tuple(dict.fromkeys(gone for step in self.steps for gone in step.rules_out if gone not in named))


def diagnose(lines: Iterable[str]) -> Diagnosis:
    """Return what the lines of a log, in order and without their newlines, prove.

    >>> told = diagnose(["PAP authentication succeeded", "LCP terminated by peer"])
    >>> told.outcome.value, told.findings[0].cause.value
    ('failed', 'apn-rejected')
    """
    router, story, number, above = Router(), Story(), 0, ""
    route, add = router.route, story.add
    for number, line in enumerate(lines, 1):
        events = route(line)
        if events and router.continued:
            add(number - 1, above, events)
        elif events:
            add(number, line, events)
        above = line
    return conclude(story, number)


def conclude(story: Story, lines: int) -> Diagnosis:
    """Return the diagnosis of a finished story."""
    case = case_of(story)
    outcome = case.outcome
    if outcome is Outcome.UP:
        found = _answers(case, up=True)
        if found and found[0].cause in USELESS:
            outcome = Outcome.FAILED
        elif (link := working(case)) is not None:
            found.append(link)
    else:
        found = _answers(case, up=False)
        if found:
            outcome = Outcome.FAILED
    story.close()
    return Diagnosis(
        outcome=outcome,
        programs=tuple(story.programs),
        attempts=story.attempts,
        findings=tuple(found[:FINDINGS_LIMIT]),
        harmless=_harmless(story, case.up if outcome is Outcome.UP else None),
        steps=steps_of(case),
        lines=lines,
    )


def case_of(story: Story) -> Case:
    """Return the attempt that decides, with the last line that says the link is up and the first after it against."""
    attempt: Attempt = story.attempt
    record = attempt.record
    up = record.last(*SUCCESSES)
    stopped = record.last(Kind.STOPPED_BY_USER)
    after = up.line if up is not None else 0
    down = next(
        (
            failure
            for failure in record.of(*FAILURES)
            if failure.line > after and not (up is not None and stopped is not None and failure.line > stopped.line)
        ),
        None,
    )
    if down is None and up is not None and stopped is None:
        # The end is told, its reason is not.
        down = next(
            (end for end in record.of(Kind.CONNECTION_TERMINATED, Kind.PROGRAM_EXITED) if end.line > after), None
        )
    return Case(story, attempt, up, down)


def _answers(case: Case, *, up: bool) -> list[Verdict]:
    answers: dict[Reason, Verdict] = {}
    for rule in UP_RULES if up else FAILED_RULES:
        answer = rule(case)
        if answer is not None:
            answers.setdefault(answer.cause, answer)
    if not answers and not up:
        answers = {answer.cause: answer for rule in LAST_RULES if (answer := rule(case)) is not None}
    return list(answers.values())


# What is a cause elsewhere, and none before a link that came up.
_ALARMING: dict[Kind, str] = {
    Kind.REMOTE_INVENTED: "remote-invented",
    Kind.AUTH_IMPOSSIBLE: "auth-impossible",
    Kind.SECRET_MISSING: "secret-missing",
    Kind.QMI_TIMED_OUT: "qmi-first-timeout",
    Kind.CALL_FAILED: "failed-before",
    Kind.NO_CARRIER: "failed-before",
    Kind.CHAT_ABORTED: "failed-before",
    Kind.DIAL_TIMED_OUT: "failed-before",
}


def _harmless(story: Story, up: Sighting | None) -> tuple[Harmless, ...]:
    """The alarming lines, one of each kind; `up` is the line that says that the link is there, if it is."""
    found: dict[str, Harmless] = {}
    alarming = _ALARMING if up is not None else {Kind.REMOTE_INVENTED: "remote-invented"}
    for sighting in story.world.of(Kind.HARMLESS, *alarming):
        if sighting.kind is not Kind.HARMLESS and up is not None and sighting.line > up.line:
            continue
        slug = alarming.get(sighting.kind, sighting.value)
        found.setdefault(slug, Harmless(slug, sighting))
    return tuple(found.values())[:HARMLESS_LIMIT]
