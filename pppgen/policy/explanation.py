"""The last switch in five sentences: what stood, what was seen, what proves it, what followed, how it ended; pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pppgen.causes import cause
from pppgen.model import Reason
from pppgen.policy.chronicle import Entry, Kind
from pppgen.policy.sentences import NAMES, span, why

_VERDICTS = {
    "retry": "a failure that may not come again, so the same bearer is tried once more before another one",
    "repair": "a fault that can be put right within the same call, which costs no attempt",
    "next": "something that the other way through the modem may not meet, so the next bearer is tried at once",
    "wait": "the network's own answer, which the other bearer would get as well, so nothing is tried before its time",
    "block": "something that only a person can change, so nothing is tried at all",
}
_RETRY_SOON_S = 5.0  # a retry waits less, the end of a round more
_TURNS = frozenset({"falling-back", "waiting", "blocked"})


@dataclass(frozen=True, slots=True)
class Story:
    """The entries of one turn: the decision, the failure before it, and what came of it."""

    turn: Entry
    failed: Entry | None
    end: Entry | None


def last_turn(entries: Iterable[Entry]) -> Story | None:
    """Return the last decision that changed the course of the link because of a failure or a request."""
    story: Story | None = None
    failed: Entry | None = None
    for entry in entries:
        if entry.kind in {Kind.FAILED, Kind.DEGRADED, Kind.REPAIR}:
            failed = entry
        if entry.kind is not Kind.DECISION:
            continue
        if entry.phase in _TURNS and entry.before not in {"stopped", *_TURNS}:
            story = Story(entry, failed if failed and failed.dial == entry.dial else None, None)
        elif story is not None and story.end is None and entry.phase in {"online", "stopped", *_TURNS}:
            story = replace(story, end=entry)
    return story


def explain(story: Story, clock: Callable[[float], str]) -> Sequence[str]:
    """Return the five sentences; `clock` writes a wall-clock time for people."""
    return (_stood(story, clock), _seen(story), _proof(story), _decided(story), _ended(story, clock))


def _stood(story: Story, clock: Callable[[float], str]) -> str:
    turn = story.turn
    bearer = story.failed.bearer if story.failed else turn.bearer
    doing = {"online": "the link was up", "degraded": "the link stood without traffic"}.get(
        turn.before, "the link was being brought up"
    )
    lasted = f" for {span(turn.seconds)}" if turn.seconds is not None and turn.before in {"online", "degraded"} else ""
    over = f" over {NAMES[bearer]}" if bearer else ""
    return f"At {clock(turn.at.wall)} {doing}{over}{lasted} (dial {turn.dial})."


def _seen(story: Story) -> str:
    failed, turn = story.failed, story.turn
    reason = (failed.reason if failed else None) or turn.reason
    if reason is None:
        return "Nothing had failed: its time to go back to the first bearer had come."
    if failed is None or reason is Reason.STOPPED:
        return "Nothing had failed: somebody asked for the change."
    at = f" at the step {failed.step}" if failed.step else ""
    after = f" after {failed.seconds:.1f} s" if failed.seconds is not None else ""
    return f"It failed{at}{after}: {why(reason)}."


def _proof(story: Story) -> str:
    lines = story.failed.evidence if story.failed else story.turn.evidence
    if not lines:
        return "No program's own line says more than that."
    return f"What proves it: {'; '.join(f'“{line.strip()}”' for line in lines[-2:])}."


def _decided(story: Story) -> str:
    turn = story.turn
    meaning = _VERDICTS.get(turn.verdict)
    if meaning is None:
        return turn.text
    wait = f" ({span(turn.wait_s)})" if turn.wait_s else ""
    if turn.verdict == "retry" and (turn.phase != "waiting" or (turn.wait_s or 0.0) > _RETRY_SOON_S):
        meaning = "a failure that may not come again; but it did come again, so this bearer's turn was over"
    return f"The table calls that “{turn.verdict}”: {meaning}{wait}."


def _ended(story: Story, clock: Callable[[float], str]) -> str:
    end, turn = story.end, story.turn
    if end is None:
        if turn.phase == "blocked" and turn.reason:
            return f"It still stands so; what helps: {cause(turn.reason).command}."
        return f"Nothing has come of it yet: {turn.text}"
    after = span(max(0.0, end.at.boottime - turn.at.boottime)) if end.at.boot == turn.at.boot else "a restart"
    if end.phase == "online" and end.bearer:
        there = f"the link was up over {NAMES[end.bearer]}: {end.address} on {end.interface}"
        return f"{after} later, at {clock(end.at.wall)}, {there}."
    return f"{after} later, at {clock(end.at.wall)}: {end.text}"
