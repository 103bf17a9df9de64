import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pppgen.model import BearerKind
from pppgen.policy.governor import Budget, Clock, Ledger, Why, permit
from pppgen.policy.record import after_damage, dump_memory, load_memory
from pppgen.policy.state import Memory

BUDGET = Budget(10, 3600.0)
YEAR_S = 365 * 86400.0
MEMORY = Memory(Ledger((10.0, 70.0), 1, 2, 500.0, 0.0), BearerKind.PPP, 3, 17)
THEN = Clock("boot-1", 100.0, 1_700_000_000.0, trusted=True)


def test_in_the_same_boot_the_memory_comes_back_as_it_was() -> None:
    later = Clock("boot-1", 160.0, 1_700_000_060.0, trusted=True)
    assert load_memory(dump_memory(MEMORY, THEN), later) == MEMORY


def test_a_promise_ends_with_the_boot_since_the_link_beside_which_it_was_made_does() -> None:
    later = Clock("boot-2", 20.0, 1_700_000_060.0, trusted=True)
    assert load_memory(dump_memory(MEMORY, THEN), later).ledger.reserved == 0


@pytest.mark.parametrize(("found", "reserved"), [(7, 1), (10**30, 1), (-3, 0), (0, 0)])
def test_no_file_promises_more_than_one_switch(found: int, reserved: int) -> None:
    whole = json.loads(dump_memory(MEMORY, THEN))
    whole["memory"]["ledger"]["reserved"] = found
    assert load_memory(json.dumps(whole), THEN).ledger.reserved == reserved


def test_a_reboot_loop_with_a_jumping_clock_cannot_defeat_the_budget() -> None:
    memory = Memory(Ledger(spent=tuple(float(n) for n in range(10))))
    clock = Clock("boot-0", 20.0, 0.0, trusted=False)
    for boot in range(1, 5):
        text = dump_memory(memory, clock)
        clock = Clock(f"boot-{boot}", 30.0, boot * YEAR_S, trusted=bool(boot % 2))
        memory = load_memory(text, clock)
    assert permit(memory.ledger, BUDGET, 30.0).at > 30.0 + 3000


def test_a_night_without_power_counts_when_the_clock_was_set_both_times() -> None:
    memory = Memory(Ledger(failures=8, delay_until=7300.0))
    morning = Clock("boot-2", 30.0, THEN.wall + 8 * 3600, trusted=True)
    assert permit(load_memory(dump_memory(memory, THEN), morning).ledger, BUDGET, 30.0).why is Why.FREE


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"version": 2}', "\x00", '{"version":1,"clock":5}', "9" * 5000]
)
def test_a_damaged_file_is_a_clear_error_and_costs_the_budget(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the message is the parser's own
        load_memory(text, THEN)
    damaged = after_damage(BUDGET, THEN)
    assert permit(damaged.ledger, BUDGET, THEN.boottime).at > THEN.boottime
    assert permit(damaged.ledger, BUDGET, THEN.boottime + 60, tokens=1).at <= THEN.boottime + 60


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_read_or_refused(found: object) -> None:
    whole = json.loads(dump_memory(MEMORY, THEN))
    for key in ("memory", "clock"):
        try:
            load_memory(json.dumps({**whole, key: found}), THEN)
        except ValueError:
            continue
