"""The policy explored: every order of events to a depth, long random walks, and a state machine that shrinks.

What must hold is written in fakes/policy_world.py, in the specification's words.
"""

from functools import cache
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pppgen.config import Profile
from pppgen.model import BearerKind
from pppgen.policy.failures import REFUSALS
from pppgen.policy.governor import BUDGETS, DELAYS_S, JITTER, Budget
from pppgen.policy.state import Rules, State
from pppgen.policy.step import HELD_S, SILENT_START_S, step
from tests.fakes.policy_world import (
    EVENTS,
    MISBEHAVIOURS,
    PPP,
    QMI,
    World,
    happen,
    key,
    later,
    rules,
    seconds_until_online,
    stale_reports,
)

TIGHT = Budget(3, 3600.0)  # so that a budget ends within a few events
DEPTH = 6

# The bound of docs/policy.md, without a modem's own back-off: a silent link is held, a start hangs, every round that
# the other bearer refuses costs the longest delay, and the last round's first start hangs as well.
ONLINE_WITHIN_S = HELD_S + REFUSALS * DELAYS_S[-1] * (1 + JITTER) + 3 * (SILENT_START_S + Rules().patience_s) + 120.0


@cache
def reached(order: tuple[BearerKind, ...], depth: int) -> tuple[World, ...]:
    """Return every different world that some order of events leads to; equal ones are followed once."""
    level = [World(State(rules(*order, budget=TIGHT)))]
    seen = {key(level[0])}
    worlds = list(level)
    for _ in range(depth):
        level, last = [], level
        for world in last:
            for name in EVENTS:
                after = happen(world, name)
                if after is None:
                    continue
                assert not after.wrong, f"{after.wrong} by {name} from {world}"
                what = key(after)
                if what not in seen:
                    seen.add(what)
                    level.append(after)
        worlds += level
    return tuple(worlds)


def test_every_order_of_events_keeps_the_rules() -> None:
    assert len(EVENTS) >= 12
    assert len(reached((QMI, PPP), DEPTH)) > 10_000


@pytest.mark.parametrize("order", [(PPP,), (QMI,)], ids=lambda order: order[0])
def test_a_single_bearer_keeps_the_rules_too(order: tuple[BearerKind, ...]) -> None:
    assert len(reached(order, DEPTH - 1)) > 1000


def test_a_stale_report_changes_nothing_in_any_state() -> None:
    for world in reached((QMI, PPP), 4):
        going = world.state.going
        for report in stale_reports(world):
            if going is None or report.dial != going.dial:  # type: ignore[union-attr]  # reports have a dial
                assert step(world.state, report, world.now) == (world.state, ()), report


@pytest.mark.parametrize("other", MISBEHAVIOURS)
@pytest.mark.parametrize("works", [QMI, PPP])
def test_from_every_state_the_bearer_that_works_is_found_within_the_bound(works: BearerKind, other: str) -> None:
    worlds = reached((QMI, PPP), 4)
    # Each behaviour takes another share of the states, all of them together every state.
    share = worlds[MISBEHAVIOURS.index(other) :: len(MISBEHAVIOURS)]
    worst = max(seconds_until_online(world, works, other) for world in share)
    assert worst <= ONLINE_WITHIN_S


@pytest.mark.parametrize("other", MISBEHAVIOURS)
@pytest.mark.parametrize("works", [QMI, PPP])
def test_after_many_failures_the_bound_still_holds(works: BearerKind, other: str) -> None:
    world = World(State(rules()))
    for name in ("up", *("asks", "fails: next", "gone", "asks", "fails: next", "gone", "ring") * 12):
        world = happen(world, name) or world
    assert world.state.memory.ledger.failures > len(DELAYS_S)
    assert seconds_until_online(world, works, other) <= ONLINE_WITHIN_S


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("seed", range(3))
def test_long_random_walks_stay_within_the_budget(profile: Profile, seed: int) -> None:
    chance = Random(f"{profile}{seed}")  # noqa: S311 -- a walk that is the same each time
    names = list(EVENTS)
    # Walks that mostly dial: what a carrier would see of a bad week.
    weights = [6 if name in {"ring", "gone", "asks", "fails: next", "fails: retry", "reboot"} else 1 for name in names]
    world = World(State(rules(budget=BUDGETS[profile], failback_after_s=120.0)))
    for name in chance.choices(names, weights, k=3000):
        world = happen(later(world, chance.choice((0.0, 0.0, 1.0, 20.0))), name) or world
        assert not world.wrong, (name, world)


class Machine(RuleBasedStateMachine):
    """The same world, driven by Hypothesis, so that a broken rule comes with the shortest story that breaks it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(State(rules(budget=TIGHT)))

    @rule(name=st.sampled_from([name for name in EVENTS if name not in {"reboot", "ring"}]))
    def event(self, name: str) -> None:
        self.world = happen(self.world, name) or self.world

    @precondition(lambda self: not self.world.running)
    @rule()
    def ring(self) -> None:
        self.world = happen(self.world, "ring") or self.world

    @rule(seconds=st.floats(0.0, 100_000.0))
    def time_passes(self, seconds: float) -> None:
        self.world = later(self.world, seconds)

    @rule()
    def reboot(self) -> None:
        self.world = happen(self.world, "reboot") or self.world

    @invariant()
    def nothing_is_broken(self) -> None:
        assert not self.world.wrong, self.world.wrong


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
