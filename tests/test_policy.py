"""The policy told as stories; test_policy_space.py explores what nobody thought of."""

from dataclasses import replace

from pppgen.model import BearerKind, Lease, Reason
from pppgen.policy.state import (
    Action,
    Blocked,
    Connecting,
    Degraded,
    Event,
    FallingBack,
    Online,
    RepairBearer,
    Rules,
    StartBearer,
    State,
    StopBearer,
    Stopped,
    Waiting,
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
    BearerUp,
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
