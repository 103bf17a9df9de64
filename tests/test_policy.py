"""The policy told as stories; test_policy_space.py explores what nobody thought of."""

from dataclasses import replace

import pytest

from pppgen.model import BearerKind, Lease, Reason
from pppgen.policy.governor import Budget, Clock, Ledger, permit
from pppgen.policy.record import dump_memory, load_memory
from pppgen.policy.state import (
    Action,
    Adopted,
    BackoffSeen,
    Blocked,
    Connecting,
    Decided,
    Degraded,
    Event,
    FallingBack,
    Memory,
    ModemBack,
    ModemGone,
    Online,
    PrepareBearer,
    Remember,
    RepairBearer,
    ReturnChecked,
    Rules,
    StartBearer,
    State,
    StopBearer,
    Stopped,
    SwitchAsked,
    Tick,
    Waiting,
    WantDown,
    WantUp,
)
from pppgen.policy.step import step, wake_at
from pppgen.policy.verdicts import VERDICTS
from pppgen.reports import (
    BearerDegraded,
    BearerDown,
    BearerFailed,
    BearerLeased,
    BearerNeedsRepair,
    BearerProgress,
    BearerRecovered,
    BearerUp,
    RadioSeen,
    Step,
)

QMI, PPP = BearerKind.QMI, BearerKind.PPP
LEASE = Lease("100.64.12.89", "wwan0")


def play(state: State, *events: tuple[float, Event]) -> tuple[State, list[Action]]:
    said: list[Action] = []
    for now, event in events:
        state, actions = step(state, event, now)
        said += actions
    return state, said


def reborn(state: State) -> State:
    """Return where the next process begins after a kill -9."""
    clock = Clock("boot", 1008.0, 0.0, trusted=False)
    return State(state.rules, memory=load_memory(dump_memory(state.memory, clock), clock))


def test_a_switch_that_was_promised_is_immediate_although_the_supervisor_was_killed_meanwhile() -> None:
    up, _ = play(State(Rules()), (1000.0, WantUp()), (1005.0, BearerUp(1, QMI, LEASE)))
    _, said = play(
        reborn(up),
        (1010.0, Adopted(QMI, 2)),
        (1011.0, BearerUp(2, QMI, LEASE)),
        (1020.0, failed(2, QMI, Reason.LINK_DROPPED)),
        (1021.0, BearerDown(2, QMI)),
    )
    assert started(said) == [PPP], "within the minute that lies between all other attempts"


def test_without_a_link_to_adopt_the_promise_is_released_and_pays_for_no_attempt() -> None:
    dialling, _ = play(State(Rules()), (1000.0, WantUp()))
    assert dialling.memory.ledger.reserved == 1
    state, said = play(reborn(dialling), (1010.0, WantUp()))
    assert started(said) == []
    assert state.memory.ledger.reserved == 0
    assert any(isinstance(one, Remember) and not one.memory.ledger.reserved for one in said), "on the disk as well"


def test_what_an_attempt_costs_is_kept_before_it_begins_and_what_was_decided_is_told_behind_it() -> None:
    _, said = play(State(Rules((PPP,))), (1000.0, WantUp()))
    assert [type(one) for one in said] == [Remember, StartBearer, Decided]


def started(actions: list[Action]) -> list[BearerKind]:
    return [action.kind for action in actions if isinstance(action, StartBearer)]


def failed(dial: int, kind: BearerKind, reason: Reason, at: Step = Step.LEASE) -> BearerFailed:
    return BearerFailed(dial, kind, reason, at)


def test_every_bearer_and_reason_has_its_row() -> None:
    assert set(VERDICTS) == {(kind, reason) for kind in BearerKind for reason in Reason}


def test_a_lost_lease_on_qmi_falls_back_to_ppp_at_once() -> None:
    state, said = play(
        State(Rules()),
        (0, WantUp()),
        (5, failed(1, QMI, Reason.NO_DHCP_LEASE)),
    )
    assert isinstance(state.phase, FallingBack)
    assert started(said) == [QMI], "PPP must not start while QMI still holds the modem"
    state, said = play(state, (5.2, BearerDown(1, QMI)))
    assert state.phase == Connecting(PPP, 5.2)
    assert started(said) == [PPP]


def prepared(actions: list[Action]) -> list[BearerKind]:
    return [action.kind for action in actions if isinstance(action, PrepareBearer)]


def test_the_next_bearer_is_prepared_once_while_the_one_before_it_ends() -> None:
    up, _ = play(State(Rules()), (0, WantUp()), (5, BearerUp(1, QMI, LEASE)))
    falling, said = play(up, (9, failed(1, QMI, Reason.LINK_DROPPED)))
    assert isinstance(said[0], PrepareBearer), "before anything that waits for the disk"
    assert prepared(said) == [PPP]
    assert prepared(play(falling, (9.1, WantUp()), (9.2, BearerDown(1, QMI)))[1]) == []


def test_a_bearer_that_is_tried_again_in_a_moment_is_prepared_and_one_that_has_to_wait_is_not() -> None:
    up, _ = play(State(Rules((PPP,))), (0, WantUp()), (5, BearerUp(1, PPP, LEASE)))
    late, said = play(up, (9, failed(1, PPP, Reason.PROGRAM_KILLED)))
    assert isinstance(late.phase, Waiting)
    assert late.phase.until == 60
    assert prepared(said) == [], "the budget wants a minute between two attempts"
    soon, said = play(up, (100, failed(1, PPP, Reason.PROGRAM_KILLED)))
    assert isinstance(soon.phase, Waiting)
    assert prepared(said) == [PPP]
    for reason in (Reason.SIM_MISSING, Reason.NOT_REGISTERED):
        assert prepared(play(up, (100, failed(1, PPP, reason)))[1]) == [], reason


def test_a_framing_mismatch_is_repaired_once_and_then_given_up() -> None:
    state, said = play(
        State(Rules()), (0, WantUp()), (1, BearerNeedsRepair(1, QMI, Reason.RAW_IP_MISMATCH, Step.LEASE))
    )
    assert (
        said[-1] == RepairBearer(QMI, 1, Reason.RAW_IP_MISMATCH) or RepairBearer(QMI, 1, Reason.RAW_IP_MISMATCH) in said
    )
    state, said = play(state, (2, BearerNeedsRepair(1, QMI, Reason.RAW_IP_MISMATCH, Step.LEASE)))
    assert isinstance(state.phase, FallingBack)
    assert StopBearer(QMI, 1) in said


def test_repair_forbidden_falls_back_to_ppp() -> None:
    rules = Rules(repair=False)
    state, _ = play(State(rules), (0, WantUp()), (1, BearerNeedsRepair(1, QMI, Reason.RAW_IP_MISMATCH, Step.LEASE)))
    assert isinstance(state.phase, FallingBack)


def test_a_mismatch_that_was_seen_before_the_call_and_may_not_be_repaired_cost_no_attempt() -> None:
    found = BearerNeedsRepair(1, QMI, Reason.RAW_IP_MISMATCH, Step.FRAMING)
    state, _ = play(State(Rules(repair=False)), (0, WantUp()), (1, BearerProgress(1, QMI, Step.FRAMING)), (2, found))
    assert isinstance(state.phase, FallingBack)
    assert state.memory.ledger.spent == ()
    state, _ = play(state, (3, BearerDown(1, QMI)))
    assert state.memory.ledger.spent == (3,), "PPP's alone"


def test_a_missing_sim_blocks_and_nothing_is_dialled() -> None:
    state, said = play(
        State(Rules()), (0, WantUp()), (1, failed(1, QMI, Reason.SIM_MISSING, Step.SIM)), (2, BearerDown(1, QMI))
    )
    assert state.phase == Blocked(Reason.SIM_MISSING)
    assert started(said) == [QMI]
    assert state.memory.ledger.spent == (), "nothing was asked of the network"


def test_both_bearers_broken_wait_by_the_governors_times() -> None:
    state, _ = play(
        State(Rules()),
        (0, WantUp()),
        (5, failed(1, QMI, Reason.NO_DHCP_LEASE)),
        (6, BearerDown(1, QMI)),
        (20, failed(2, PPP, Reason.NO_CARRIER, Step.CHAT)),
        (21, BearerDown(2, PPP)),
    )
    assert isinstance(state.phase, Waiting)
    assert state.phase.until is not None
    assert 20 + 48 <= state.phase.until <= 20 + 72
    assert wake_at(state) == state.phase.until


def test_two_silent_bearers_stop_the_switching() -> None:
    state, said = play(
        State(Rules()),
        (0, WantUp()),
        (5, BearerLeased(1, QMI, LEASE)),
        (95, BearerDegraded(1, QMI, Reason.CARRIER_SILENT)),
        (96, BearerDown(1, QMI)),
        (100, BearerLeased(2, PPP, LEASE)),
        (190, BearerDegraded(2, PPP, Reason.CARRIER_SILENT)),
    )
    assert isinstance(state.phase, Degraded)
    assert state.phase.held
    assert started(said) == [QMI, PPP]


def test_a_late_report_of_an_older_dial_changes_nothing() -> None:
    state, _ = play(State(Rules()), (0, WantUp()), (5, failed(1, QMI, Reason.NO_DHCP_LEASE)), (6, BearerDown(1, QMI)))
    late, said = play(state, (7, failed(1, QMI, Reason.SIM_MISSING)))
    assert late == state
    assert not said


def test_the_bearer_that_last_worked_is_tried_first_after_a_reboot() -> None:
    state, _ = play(
        State(Rules()),
        (0, WantUp()),
        (5, failed(1, QMI, Reason.NO_DHCP_LEASE)),
        (6, BearerDown(1, QMI)),
        (9, BearerUp(2, PPP, LEASE)),
    )
    assert isinstance(state.phase, Online)
    assert wake_at(state) == 9 + 900, "QMI has its turn again"
    rebooted, said = play(State(Rules(), memory=replace(state.memory)), (2000, WantUp()))
    assert started(said) == [PPP]
    assert rebooted.memory.dial == 3


def test_poff_means_stay_down() -> None:
    state, _ = play(State(Rules()), (0, WantUp()), (5, BearerUp(1, QMI, LEASE)), (9, failed(1, QMI, Reason.STOPPED)))
    assert state.phase == Stopped()
    assert not state.wanted


# PPP carries the traffic since 10, after QMI had no lease; the link has settled.
ON_PPP, _ = play(
    State(Rules()),
    (0, WantUp()),
    (5, failed(1, QMI, Reason.NO_DHCP_LEASE)),
    (6, BearerDown(1, QMI)),
    (10, BearerUp(2, PPP, LEASE)),
    (310, Tick()),
)
RETURNING, _ = play(ON_PPP, (910, Tick()), (911, ReturnChecked(promising=True, quiet=True)), (912, BearerDown(2, PPP)))


def test_an_adopted_link_that_turns_out_broken_gives_no_attempt_back() -> None:
    memory = ON_PPP.memory
    state, _ = play(
        State(Rules(), memory=memory), (400, Adopted(PPP, 3)), (401, failed(3, PPP, Reason.PORT_BUSY, Step.PORT_OPEN))
    )
    assert state.memory.ledger.spent == memory.ledger.spent


def test_a_round_that_asked_the_network_and_ended_locally_still_grows_the_delay() -> None:
    state, _ = play(
        State(Rules()),
        (0, WantUp()),
        (5, failed(1, QMI, Reason.NO_DHCP_LEASE)),
        (6, BearerDown(1, QMI)),
        (7, failed(2, PPP, Reason.KERNEL_NO_PPP, Step.PORT_OPEN)),
        (8, BearerDown(2, PPP)),
    )
    assert state.memory.ledger.failures == 1
    assert isinstance(state.phase, Waiting)
    assert state.phase.rule == "delay"


def test_a_step_after_the_call_is_no_local_failure_whatever_its_name() -> None:
    state, _ = play(
        State(Rules()),
        (0, WantUp()),
        (1, BearerProgress(1, QMI, Step.CALL)),
        (2, failed(1, QMI, Reason.RAW_IP_MISMATCH, Step.FRAMING)),
    )
    assert state.memory.ledger.spent == (0,)


@pytest.mark.parametrize(("hurried", "kind"), [(True, Connecting), (False, Waiting)])
def test_a_wish_for_one_bearer_sets_the_pause_aside_too_where_it_says_so(*, hurried: bool, kind: type) -> None:
    pause = Memory(ledger=Ledger(failures=3, delay_until=500.0))
    waits = State(Rules(), memory=pause, wanted=True, phase=Waiting(500.0, Reason.NO_CARRIER, "delay"))
    state, _ = play(waits, (100, SwitchAsked(PPP, now=hurried)))
    assert isinstance(state.phase, kind)


def test_another_address_of_a_link_that_stands_is_a_decision_and_the_same_one_is_none() -> None:
    up = play(State(Rules()), (0, WantUp()), (3, BearerUp(1, QMI, LEASE)))[0]
    other = replace(LEASE, address="10.0.0.6")
    state, said = play(up, (9, BearerLeased(1, QMI, LEASE)), (9, BearerLeased(1, QMI, other)))
    assert state.phase == Online(QMI, 3, other)
    assert [(one.before, one.after) for one in said if isinstance(one, Decided)] == [(up.phase, state.phase)]


def test_a_second_dial_within_one_start_is_counted() -> None:
    steps = (Step.PORT_OPEN, Step.CHAT, Step.CHAT, Step.PORT_OPEN, Step.CHAT)
    state, _ = play(
        State(Rules()), (0, SwitchAsked(PPP)), *((n, BearerProgress(1, PPP, at)) for n, at in enumerate(steps))
    )
    assert state.memory.ledger.spent == (0, 4)


def test_a_second_dial_takes_the_fallbacks_token_where_no_other_is_left() -> None:
    steps = (Step.CALL, Step.LEASE, Step.CALL)
    state, _ = play(
        State(Rules(budget=Budget(2, 3600))),
        (0, WantUp()),
        *((n, BearerProgress(1, QMI, at)) for n, at in enumerate(steps)),
    )
    assert (state.memory.ledger.spent, state.memory.ledger.reserved) == ((0, 2), 0)


@pytest.mark.parametrize(("attempts", "again"), [(1, False), (2, True), (3, True)])
def test_a_bearer_is_told_whether_it_may_dial_on_the_other_port_too(attempts: int, again: bool) -> None:
    _, said = play(State(Rules(order=(PPP,), budget=Budget(attempts, 3600))), (0, WantUp()))
    assert [action.again for action in said if isinstance(action, StartBearer)] == [again]


def test_a_link_lost_within_a_minute_is_replaced_at_once() -> None:
    state, said = play(
        State(Rules()),
        (0, WantUp()),
        (3, BearerUp(1, QMI, LEASE)),
        (20, failed(1, QMI, Reason.LINK_DROPPED, Step.TRAFFIC)),
        (21, BearerDown(1, QMI)),
    )
    assert started(said) == [QMI, PPP]
    assert state.phase == Connecting(PPP, 21)


@pytest.mark.parametrize("reason", [Reason.NO_DHCP_LEASE, Reason.NOT_REGISTERED, Reason.USB_DISCONNECT])
def test_a_failed_return_is_back_on_ppp_at_once(reason: Reason) -> None:
    state, _ = play(RETURNING, (915, failed(3, QMI, reason, Step.DEVICE)), (916, BearerDown(3, QMI)))
    assert state.phase == Connecting(PPP, 916)
    assert state.memory.failed_returns == 1


def test_a_return_that_held_a_minute_is_a_failed_one() -> None:
    state, _ = play(RETURNING, (915, BearerUp(3, QMI, LEASE)), (975, failed(3, QMI, Reason.LINK_DROPPED)))
    assert state.memory.failed_returns == 1
    state, _ = play(
        RETURNING, (915, BearerUp(3, QMI, LEASE)), (1215, Tick()), (1300, failed(3, QMI, Reason.LINK_DROPPED))
    )
    assert state.memory.failed_returns == 0


def test_failed_returns_are_remembered_over_a_reboot() -> None:
    state, _ = play(RETURNING, (915, failed(3, QMI, Reason.NO_DHCP_LEASE)))
    reborn, _ = play(State(Rules(), memory=state.memory), (2000, WantUp()), (2010, BearerUp(4, PPP, LEASE)))
    assert reborn.return_at == 2010 + 1800


def test_a_return_of_zero_never_comes() -> None:
    state, _ = play(
        State(Rules(order=(QMI, PPP), failback_after_s=0)),
        (0, SwitchAsked(PPP)),
        (5, BearerUp(1, PPP, LEASE)),
        (305, Tick()),
    )
    assert wake_at(state) is None


def test_a_flapping_link_does_not_put_its_return_off() -> None:
    flapping = ON_PPP
    # Nothing may be tried meanwhile, so the link is kept through its silences.
    flapping, _ = play(flapping, (320, BackoffSeen(100_000)))
    for now in range(400, 900, 100):
        flapping, _ = play(
            flapping, (now, BearerDegraded(2, PPP, Reason.CARRIER_SILENT)), (now + 50, BearerRecovered(2, PPP))
        )
    assert isinstance(flapping.phase, Online)
    assert flapping.return_at == ON_PPP.return_at == 910


def test_a_single_silent_bearer_is_dialled_again_and_not_held() -> None:
    state, said = play(
        State(Rules(order=(PPP,))),
        (0, WantUp()),
        (5, BearerUp(1, PPP, LEASE)),
        (400, BearerDegraded(1, PPP, Reason.CARRIER_SILENT)),
    )
    assert StopBearer(PPP, 1) in said
    assert isinstance(state.phase, Waiting)
    state, _ = play(state, (401, BearerDown(1, PPP)))
    due = wake_at(state)
    assert due is not None
    assert due <= 400 + 72


def test_a_wish_that_cannot_be_fulfilled_brings_the_link_back() -> None:
    state, said = play(
        ON_PPP,
        (500, SwitchAsked(QMI)),
        (501, BearerDown(2, PPP)),
        (505, failed(3, QMI, Reason.NO_DHCP_LEASE)),
        (506, BearerDown(3, QMI)),
    )
    assert started(said) == [QMI, PPP]
    assert state.phase == Connecting(PPP, 506)


def test_a_link_is_not_given_up_for_one_that_may_not_be_tried() -> None:
    held, _ = play(ON_PPP, (400, BackoffSeen(2000)), (500, SwitchAsked(QMI)))
    assert held.phase == ON_PPP.phase


def test_a_wish_is_no_verdict() -> None:
    _, said = play(ON_PPP, (500, SwitchAsked(QMI)))
    assert [(one.reason, one.verdict) for one in said if isinstance(one, Decided)] == [(Reason.STOPPED, "")]


def test_what_a_hanging_start_was_taken_for_is_said() -> None:
    _, said = play(State(Rules()), (0, WantUp()), (390, Tick()))
    assert [(one.reason, one.verdict) for one in said if isinstance(one, Decided)][-1] == (Reason.QMI_TIMEOUT, "next")


def test_a_hanging_ppp_start_makes_way_for_qmi_at_once() -> None:
    state, _ = play(State(Rules(order=(PPP, QMI))), (0, WantUp()), (390, Tick()))
    assert isinstance(state.phase, FallingBack)
    assert state.phase.to is QMI


def test_an_early_return_uses_the_token_that_was_promised() -> None:
    rules = Rules(failback_after_s=120, budget=Budget(3, 3600))
    state, said = play(
        State(rules, memory=Memory(last_good=PPP)),
        (0, WantUp()),
        (5, BearerUp(1, PPP, LEASE)),
        (125, Tick()),
        (126, ReturnChecked(promising=True, quiet=True)),
        (127, BearerDown(1, PPP)),
    )
    assert started(said) == [PPP, QMI]
    assert (len(state.memory.ledger.spent), state.memory.ledger.reserved) == (2, 1), "and the way back is promised"


def test_a_promised_token_is_as_good_as_spent() -> None:
    assert permit(Ledger(spent=(0, 60), reserved=1), Budget(3, 3600), 200).at == 3600


def test_a_modem_that_comes_back_is_tried_again_even_where_a_person_was_needed() -> None:
    blocked, _ = play(
        State(Rules()), (0, WantUp()), (1, failed(1, QMI, Reason.SIM_MISSING, Step.SIM)), (2, BearerDown(1, QMI))
    )
    state, said = play(blocked, (50, ModemGone()), (60, ModemBack()))
    assert isinstance(state.phase, Connecting)
    assert started(said) == [QMI]


def test_nothing_is_dialled_while_the_modems_own_back_off_runs() -> None:
    falling, _ = play(State(Rules()), (0, WantUp()), (5, failed(1, QMI, Reason.QMI_CALL_FAILED, Step.CALL)))
    state, said = play(falling, (5.1, RadioSeen(1, QMI, backoff_s=700)), (6, BearerDown(1, QMI)))
    assert not started(said)
    assert wake_at(state) == 705.1
    _, said = play(state, (705.1, Tick()))
    assert started(said) == [PPP]


def test_a_back_off_told_each_minute_is_written_once() -> None:
    _, said = play(ON_PPP, *((400 + n, RadioSeen(2, PPP, backoff_s=700 - n)) for n in range(0, 600, 60)))
    assert sum(isinstance(one, Remember) for one in said) == 1


def test_now_sets_the_pause_aside_and_not_what_carriers_count() -> None:
    waiting, _ = play(
        State(Rules(order=(PPP,))), (0, WantUp()), (5, failed(1, PPP, Reason.NO_CARRIER)), (6, BearerDown(1, PPP))
    )
    state, said = play(waiting, (10, WantUp(now=True)))
    assert not started(said)
    assert wake_at(state) == 60
    _, said = play(state, (60, Tick()))
    assert started(said) == [PPP]


def test_a_link_wanted_again_waits_for_the_old_one_to_be_gone() -> None:
    up, _ = play(State(Rules()), (0, WantUp()), (5, BearerUp(1, QMI, LEASE)))
    state, said = play(up, (100, WantDown()), (100.5, WantUp()))
    assert not started(said)
    state, said = play(state, (101, BearerDown(1, QMI)))
    assert started(said) == [QMI]


def test_a_retry_that_would_have_to_wait_makes_way_for_the_other_bearer() -> None:
    rules = Rules(order=(PPP, QMI))
    up, _ = play(State(rules), (0, WantUp()), (5, BearerUp(1, PPP, LEASE)))
    early, _ = play(up, (20, failed(1, PPP, Reason.PEER_HANGUP)))
    assert isinstance(early.phase, FallingBack)
    later, _ = play(up, (90, failed(1, PPP, Reason.PEER_HANGUP)))
    assert isinstance(later.phase, Waiting)
    assert later.phase.then is PPP


@pytest.mark.parametrize(("attempts", "promised"), [(2, 0), (3, 1)])
def test_the_way_back_from_an_early_wish_is_promised_if_the_budget_has_it(attempts: int, promised: int) -> None:
    rules = Rules(budget=Budget(attempts, 3600))
    state, said = play(
        State(rules), (0, WantUp()), (5, BearerUp(1, QMI, LEASE)), (20, SwitchAsked(PPP)), (21, BearerDown(1, QMI))
    )
    assert started(said) == [QMI, PPP]
    assert state.memory.ledger.reserved == promised
