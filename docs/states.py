"""The policy's state diagram, drawn from what `step` does when the tests' world model drives it."""

import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from pppgen.policy.sentences import PHASE_NAMES, phase_name
from pppgen.policy.state import State
from tests.fakes.policy_world import EVENTS, World, happen, key, rules

DEPTH = 4  # deeper shows no further arrow
# Where the exploring begins, besides the beginning: both bearers silent, and a silent link that may not be left yet.
STORIES = (
    (),
    ("up", "leased", "silent", "gone", "leased", "silent"),
    ("up", "works", "ring", "back-off", "silent"),
    ("up", "fails: next", "gone", "works", "ring", "ring"),
)

# What each event of the world is called in the diagram; what is left out starts the policy anew or only lets time pass.
WORDS = {
    "up": "up",
    "down": "down",
    "to qmi": "switch asked",
    "to ppp": "switch asked",
    "hook: lease lost": "switch asked",
    "unplug": "modem gone",
    "plug": "modem back",
    "looked": "a good moment to return",
    "asks": "progress",
    "needs repair": "can be repaired",
    "leased": "leased",
    "works": "packets come back",
    "recovered": "packets come back",
    "silent": "nothing comes back",
    "fails: next": "NEXT",
    "fails: retry": "RETRY",
    "fails: wait": "WAIT",
    "fails: block": "BLOCK",
    "poff": "poff",
    "gone": "bearer down",
    "ring": "time",
}
# A bearer that keeps to the order of reports.py says these only then.
_ONLY_IN = {
    "needs repair": {"connecting"},
    "leased": {"connecting", "repairing"},
    "gone": {"falling-back", "waiting", "blocked", "stopped"},
}
_EVERYWHERE = 5  # from so many phases, an arrow is drawn once, from "any"


def arrows() -> dict[tuple[str, str], set[str]]:
    """Return by which events each phase follows on each other one."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    level = []
    for story in STORIES:
        world = World(State(rules()))
        for name in story:
            world = happen(world, name) or world
        level.append(world)
    seen = {key(world) for world in level}
    for _ in range(DEPTH):
        last, level = level, []
        for world in last:
            for name, words in WORDS.items():
                before = phase_name(world.state.phase)
                after = happen(world, name) if before in _ONLY_IN.get(name, {before}) else None
                if after is None:
                    continue
                now = phase_name(after.state.phase)
                if before != now:
                    found[before, now].add(words)
                what = key(after)
                if what not in seen:
                    seen.add(what)
                    level.append(after)
    return found


def diagram() -> str:
    """Return the diagram as Mermaid."""
    sources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (before, now), events in arrows().items():
        for event in events:
            sources[event, now].add(before)
    lines: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (event, now), befores in sources.items():
        for before in {"any"} if len(befores) >= _EVERYWHERE else befores:
            lines[before, now].add(event)
    order = ("any", *PHASE_NAMES)

    def ident(name: str) -> str:
        return name.replace("-", "_")

    return "\n".join(
        [
            "```mermaid",
            "stateDiagram-v2",
            "    [*] --> stopped",
            *(f'    state "{name}" as {ident(name)}' for name in order if "-" in name),
            *(
                f"    {ident(before)} --> {ident(now)}: {', '.join(sorted(events))}"
                for (before, now), events in sorted(
                    lines.items(), key=lambda line: (order.index(line[0][0]), order.index(line[0][1]))
                )
            ),
            "```",
        ]
    )


if __name__ == "__main__":
    assert set(WORDS) <= set(EVENTS)  # noqa: S101 -- a name that the world does not know would draw nothing
    print(diagram())  # noqa: T201 -- its answer
