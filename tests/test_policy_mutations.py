"""What the specification says of each reason and each figure, and the proof that changing any of them is noticed.

The expectations are written from the words of the specification and of the carriers' guides, not from the code: each
row of the verdict table is flipped to each other verdict, each constant is changed, and the check must turn red.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from pppgen.config import Profile
from pppgen.model import BearerKind, Lease, Reason
from pppgen.policy import failures, governor, moves
from pppgen.policy import step as reducer
from pppgen.policy.governor import BUDGETS, Budget, Ledger, Permit, fail, permit
from pppgen.policy.state import (
    Action,
    Blocked,
    CheckReturn,
    Connecting,
    Event,
    FallingBack,
    ModemBack,
    ModemGone,
    Online,
    RepairBearer,
    ReturnChecked,
    Rules,
    State,
    Stopped,
    Tick,
    Waiting,
    WantUp,
)
from pppgen.policy.step import step, wake_at
from pppgen.policy.verdicts import VERDICTS, Verdict
from pppgen.reports import (
    BearerDegraded,
    BearerDown,
    BearerFailed,
    BearerLeased,
    BearerNeedsRepair,
    BearerProgress,
    BearerUp,
    Step,
)

QMI, PPP = BearerKind.QMI, BearerKind.PPP
LEASE = Lease("100.64.12.89", "wwan0")

_OTHER_BEARER = "the other bearer at once"
_AGAIN = "the same bearer again"
_REPAIRED = "repaired within the call"
_PAUSE = "nothing before a pause"
_PERSON = "blocked until a person acts"
_DOWN = "stays down"

R = Reason
# "Fall back on: lease failure, no device, call failure, framing that can't be repaired, address without traffic, QMI
# hanging"; what only one of the bearers does or needs sends to the other one.
_FALL_BACK = {
    *(R.NO_DHCP_LEASE, R.QMI_DEVICE_MISSING, R.QMI_CALL_FAILED, R.QMI_VERSION_MISMATCH, R.QMI_TIMEOUT),
    *(R.APN_REJECTED, R.AUTH_FAILED, R.CARRIER_SILENT, R.AUTH_REQUIRED_OF_PEER),
    *(R.NO_CARRIER, R.DIAL_REJECTED, R.CHAT_TIMEOUT, R.LCP_TIMEOUT, R.IPCP_TIMEOUT, R.WRONG_PORT),
    *(R.PROGRAM_MISSING, R.KERNEL_NO_PPP, R.PPPD_CONFIG),
}
# A link that ended: QMI hands over at once, PPP redials on the port that just worked. The same for a port that is held
# or mute: only PPP dials through it, and it may be free in a moment.
_OVER_ON_QMI_AGAIN_ON_PPP = {
    *(R.LINK_DROPPED, R.ECHO_UNANSWERED, R.PEER_HANGUP, R.LOOPBACK),
    *(R.PORT_BUSY, R.MODEM_MANAGER_CONFLICT, R.MODEM_NOT_RESPONDING),
}
_AGAIN_ON_BOTH = {
    *(R.USB_DISCONNECT, R.UNDER_VOLTAGE, R.PROGRAM_KILLED),
    # No failures: a wrong report of one is harmless.
    *(R.NONE, R.SLOW_START, R.DEFAULT_ROUTE_KEPT, R.DNS_PLACEHOLDER),
}
# The specification: "registration denied (multi-IMSI SIMs rotate after a denial), no signal: wait".
_WAIT = {R.NOT_REGISTERED, R.REGISTRATION_DENIED, R.NO_SIGNAL, R.BUDGET_SPENT}
# The specification: "don't fall back, because PPP can't help either: no SIM, PIN: block, and say so".
_BLOCK = {R.SIM_MISSING, R.SIM_PIN, R.SIM_PUK, R.NETWORK_LOCK, R.USB_NOT_SWITCHED}

EXPECTED: dict[tuple[BearerKind, Reason], str] = {
    **{(kind, reason): _OTHER_BEARER for reason in _FALL_BACK for kind in BearerKind},
    **{(QMI, reason): _OTHER_BEARER for reason in _OVER_ON_QMI_AGAIN_ON_PPP},
    **{(PPP, reason): _AGAIN for reason in _OVER_ON_QMI_AGAIN_ON_PPP},
    **{(kind, reason): _AGAIN for reason in _AGAIN_ON_BOTH for kind in BearerKind},
    **{(kind, reason): _PAUSE for reason in _WAIT for kind in BearerKind},
    **{(kind, reason): _PERSON for reason in _BLOCK for kind in BearerKind},
    # "A framing mismatch is repaired and the lease retried once."
    (QMI, R.RAW_IP_MISMATCH): _REPAIRED,
    (PPP, R.RAW_IP_MISMATCH): _OTHER_BEARER,
    # "No effect": a call that somebody left up; asking again after the stop helps. PPP has no such answer.
    (QMI, R.QMI_NO_EFFECT): _AGAIN,
    (PPP, R.QMI_NO_EFFECT): _OTHER_BEARER,
    # pppd needs root: without it nothing works. QMI's device alone may be closed.
    (QMI, R.PERMISSION_DENIED): _OTHER_BEARER,
    (PPP, R.PERMISSION_DENIED): _PERSON,
    # The field: native `poff` under the supervisor means that it stays down.
    (QMI, R.STOPPED): _DOWN,
    (PPP, R.STOPPED): _DOWN,
}
ROWS = sorted(EXPECTED)


def play(state: State, *events: tuple[float, Event]) -> tuple[State, list[Action]]:
    said: list[Action] = []
    for now, event in events:
        state, actions = step(state, event, now)
        said += actions
    return state, said


def seen(kind: BearerKind, reason: Reason) -> str:
    """Return what becomes of a link that stood for long and then ends for this reason."""
    order = (kind, PPP if kind is QMI else QMI)
    standing, _ = play(State(Rules(order=order)), (0, WantUp()), (1, BearerUp(1, kind, LEASE)), (301, Tick()))
    _, said = play(standing, (9000, BearerNeedsRepair(1, kind, reason, Step.LEASE)))
    if any(isinstance(action, RepairBearer) for action in said):
        return _REPAIRED
    state, _ = play(standing, (9000, BearerFailed(1, kind, reason, Step.TRAFFIC)), (9001, BearerDown(1, kind)))
    state, _ = play(state, (9003, Tick()))
    match state.phase:
        case Connecting(kind=now) | FallingBack(to=now):
            return _AGAIN if now is kind else _OTHER_BEARER
        case Waiting(until=until) if until is not None and until >= 9040:
            return _PAUSE
        case Blocked():
            return _PERSON
        case Stopped():
            return _DOWN
        case phase:
            return str(phase)


@contextmanager
def mutated(place: object, name: str, value: object) -> Iterator[None]:
    """Change a constant of the code, as somebody might by mistake; this is no mock, nothing is faked with it."""
    before = getattr(place, name)
    setattr(place, name, value)
    try:
        yield
    finally:
        setattr(place, name, before)


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_each_reason_is_answered_as_the_specification_says(row: tuple[BearerKind, Reason]) -> None:
    assert seen(*row) == EXPECTED[row]


def test_flipping_any_row_of_the_verdict_table_is_noticed() -> None:
    assert set(EXPECTED) == set(VERDICTS)
    missed = []
    for row, right in list(VERDICTS.items()):
        for wrong in Verdict:
            if wrong is not right:
                VERDICTS[row] = wrong
                try:
                    if seen(*row) == EXPECTED[row]:
                        missed.append((*row, wrong))
                finally:
                    VERDICTS[row] = right
    assert not missed


# --- the figures -----------------------------------------------------------------------------------------------------


def delays_are_those_that_ts34_asks_for() -> None:
    minutes = (1, 2, 4, 8, 15, 30, 60, 120, 240, 240)
    spread = set()
    for seed in map(str, range(30)):
        ledger = Ledger()
        for expected in minutes:
            ledger = fail(ledger, 0.0, seed)
            share = ledger.delay_until / (expected * 60.0)
            assert 0.8 <= share <= 1.2
            spread.add(share)
    assert min(spread) < 0.83, "a thousand gateways must not come back in the same second"
    assert max(spread) > 1.17


def attempts_are_a_minute_apart() -> None:
    assert permit(Ledger(spent=(100.0,)), Budget(10, 3600.0), 101.0) == Permit(160.0, governor.Why.GAP)


def profiles_are_the_carriers() -> None:
    hour, day = 3600.0, 86400.0
    figures = {Profile.DEFAULT: ((10, hour),), Profile.VERIZON: ((4, hour),), Profile.NB_M1: ((24, day), (10, hour))}
    assert set(figures) == set(Profile)
    for profile, limits in figures.items():
        for attempts, window_s in limits:
            # Evenly spread over the window, so that only this limit can be the one that counts.
            spent = tuple(n * window_s / attempts for n in range(attempts))
            now = window_s - 1.0
            assert permit(Ledger(spent=spent[:-1]), BUDGETS[profile], now).at == now
            assert permit(Ledger(spent=spent), BUDGETS[profile], now).at == window_s


def no_back_off_is_longer_than_a_day() -> None:
    assert governor.back_off(Ledger(), 1e12, 100.0).modem_until == 100.0 + 86400.0


def _retrying() -> State:
    return play(State(Rules()), (0, WantUp()))[0]


def a_local_fault_is_tried_three_times_at_short_distance() -> None:
    state, now = _retrying(), 0.0
    tries = 1
    while True:
        dial = state.memory.dial
        state, _ = play(state, (now, BearerFailed(dial, QMI, R.USB_DISCONNECT, Step.DEVICE)))
        if not isinstance(state.phase, Waiting):
            break
        assert state.phase.until == now + 2.0
        now += 2.0
        state, _ = play(state, (now, BearerDown(dial, QMI)))
        tries += 1
    assert tries == 3
    assert isinstance(state.phase, FallingBack)


def local_waits_grow_from_one_minute_to_five() -> None:
    state, now, waits = State(Rules(order=(PPP,))), 0.0, []
    state, _ = play(state, (now, WantUp()))
    for _ in range(5):
        dial = state.memory.dial
        state, _ = play(
            state, (now, BearerFailed(dial, PPP, R.KERNEL_NO_PPP, Step.PORT_OPEN)), (now, BearerDown(dial, PPP))
        )
        due = wake_at(state)
        assert due is not None
        waits.append(due - now)
        now = due
        state, _ = play(state, (now, Tick()))
    assert waits == [60, 120, 240, 300, 300]
    assert state.memory.ledger.spent == (now,), "only the start under way has a token"


def a_link_that_stood_five_minutes_is_forgiven() -> None:
    state = State(Rules())
    state, _ = play(
        state,
        (0, WantUp()),
        (5, BearerFailed(1, QMI, R.NOT_REGISTERED, Step.CALL)),
        (6, BearerDown(1, QMI)),
        (80, Tick()),
        (85, BearerUp(2, QMI, LEASE)),
    )
    assert wake_at(state) == 85 + 300
    assert play(state, (384, Tick()))[0].memory.ledger.failures == 1
    settled, _ = play(state, (385, Tick()))
    assert (settled.memory.ledger.failures, settled.memory.ledger.reserved) == (0, 0)


def two_silent_links_are_held_for_an_hour() -> None:
    state, _ = play(
        State(Rules()),
        (0, WantUp()),
        (5, BearerLeased(1, QMI, LEASE)),
        (95, BearerDegraded(1, QMI, R.CARRIER_SILENT)),
        (96, BearerDown(1, QMI)),
        (100, BearerLeased(2, PPP, LEASE)),
        (190, BearerDegraded(2, PPP, R.CARRIER_SILENT)),
    )
    assert wake_at(state) == 190 + 3600


def _on_ppp() -> State:
    """PPP carries the traffic since 10, and QMI has failed before."""
    return play(
        State(Rules()),
        (0, WantUp()),
        (5, BearerFailed(1, QMI, R.NO_DHCP_LEASE, Step.LEASE)),
        (6, BearerDown(1, QMI)),
        (10, BearerUp(2, PPP, LEASE)),
        (310, Tick()),
    )[0]


def a_return_waits_for_a_quiet_minute() -> None:
    state, said = play(_on_ppp(), (910, Tick()))
    assert CheckReturn(QMI) in said
    busy, _ = play(state, (911, ReturnChecked(promising=True, quiet=False)))
    assert wake_at(busy) == 911 + 60


def failed_returns_double_the_time_up_to_a_day() -> None:
    state, now, waits = _on_ppp(), 310.0, []
    for _ in range(9):
        assert isinstance(state.phase, Online)
        due = wake_at(state)
        assert due is not None
        waits.append((due - state.phase.since) / 900)
        now, dial = due, state.memory.dial
        state, _ = play(
            state,
            (now, Tick()),
            (now, ReturnChecked(promising=True, quiet=True)),
            (now + 1, BearerDown(dial, PPP)),
            (now + 3, BearerFailed(dial + 1, QMI, R.NO_DHCP_LEASE, Step.LEASE)),
            (now + 4, BearerDown(dial + 1, QMI)),
        )
        assert state.phase == Connecting(PPP, now + 4), "back on PPP within the time of one dial"
        state, _ = play(state, (now + 9, BearerUp(dial + 2, PPP, LEASE)), (now + 309, Tick()))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 96, 96]


def a_refusing_bearer_gives_way_after_two_rounds() -> None:
    state, now, order = State(Rules()), 0.0, []
    state, _ = play(state, (now, WantUp()))
    for _ in range(3):
        assert isinstance(state.phase, Connecting)
        dial, kind = state.memory.dial, state.phase.kind
        order.append(kind)
        state, _ = play(state, (now, BearerFailed(dial, kind, R.NOT_REGISTERED, Step.REGISTRATION)))
        state, _ = play(state, (now, BearerDown(dial, kind)))
        due = wake_at(state)
        assert due is not None
        now = due
        state, _ = play(state, (now, Tick()))
    assert order == [QMI, QMI, PPP]


def a_bearer_that_never_answers_is_ended() -> None:
    state = _retrying()
    assert wake_at(state) == 300 + 90
    spoken, _ = play(state, (200, BearerProgress(1, QMI, Step.CALL)))
    assert wake_at(spoken) == 200 + 300 + 90, "a long bring-up that goes on is not cut off"
    for now in range(300, 1900, 100):
        spoken, _ = play(spoken, (now, BearerProgress(1, QMI, Step.LEASE)))
    assert wake_at(spoken) == 1800 + 90, "but neither is one heard for ever"
    ended, _ = play(state, (390, Tick()))
    assert isinstance(ended.phase, FallingBack)
    assert ended.phase.why is R.QMI_TIMEOUT


def a_fallback_that_was_promised_needs_no_gap_and_no_more() -> None:
    state, _ = play(_retrying(), (5, ModemGone()), (6, BearerDown(1, QMI)), (7, ModemBack()))
    assert isinstance(state.phase, Waiting)
    assert wake_at(state) == 60, "the promise ended with the unplugging"


CHECKS: dict[Callable[[], None], tuple[tuple[ModuleType, str, object], ...]] = {
    delays_are_those_that_ts34_asks_for: (
        (governor, "DELAYS_S", (30.0, *governor.DELAYS_S[1:])),
        (governor, "DELAYS_S", governor.DELAYS_S[:-1]),
        (governor, "DELAYS_S", (*governor.DELAYS_S, 8 * 3600.0)),
        (governor, "JITTER", 0.0),
        (governor, "JITTER", 0.5),
    ),
    attempts_are_a_minute_apart: ((governor, "GAP_S", 59.0), (governor, "GAP_S", 61.0)),
    profiles_are_the_carriers: ((governor, "HOUR_S", 1800.0), (governor, "HOUR_S", 7200.0)),
    no_back_off_is_longer_than_a_day: ((governor, "LONGEST_WAIT_S", 2 * 86400.0),),
    a_local_fault_is_tried_three_times_at_short_distance: (
        (failures, "RETRIES", 1),
        (failures, "RETRIES", 3),
        (failures, "RETRY_DELAY_S", 1.0),
    ),
    local_waits_grow_from_one_minute_to_five: (
        (failures, "LOCAL_WAIT_S", 30.0),
        (failures, "LONGEST_LOCAL_WAIT_S", 600.0),
    ),
    a_link_that_stood_five_minutes_is_forgiven: ((moves, "SETTLED_S", 200.0), (moves, "SETTLED_S", 400.0)),
    two_silent_links_are_held_for_an_hour: ((reducer, "HELD_S", 1800.0),),
    a_return_waits_for_a_quiet_minute: ((reducer, "QUIET_RETRY_S", 30.0),),
    failed_returns_double_the_time_up_to_a_day: ((reducer, "LONGEST_RETURN_S", 7 * 86400.0),),
    a_refusing_bearer_gives_way_after_two_rounds: ((failures, "REFUSALS", 1), (failures, "REFUSALS", 3)),
    a_bearer_that_never_answers_is_ended: (
        (reducer, "SILENT_START_S", 299.0),
        (reducer, "START_LIMIT_S", 3600.0),
    ),
    a_fallback_that_was_promised_needs_no_gap_and_no_more: ((governor, "GAP_S", 30.0),),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_figures(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize(
    ("check", "place", "name", "value"),
    [(check, *mutation) for check, mutations in CHECKS.items() for mutation in mutations],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_changing_a_figure_is_noticed(check: Callable[[], None], place: ModuleType, name: str, value: object) -> None:
    with mutated(place, name, value), pytest.raises(AssertionError):
        check()


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("by", [-1, 1])
def test_changing_a_profile_is_noticed(profile: Profile, by: int) -> None:
    right = BUDGETS[profile]
    wrongs = [Budget(right.attempts + by, right.window_s, right.hourly + by)]
    if by > 0 or right.window_s > governor.HOUR_S:
        # A shorter window than the hour's own limit changes nothing.
        wrongs.append(Budget(right.attempts, right.window_s + by * 600, right.hourly))
    for wrong in wrongs:
        BUDGETS[profile] = wrong
        try:
            with pytest.raises(AssertionError):
                profiles_are_the_carriers()
        finally:
            BUDGETS[profile] = right


def test_every_figure_of_the_policy_has_a_mutation() -> None:
    mutable = {(place, name) for mutations in CHECKS.values() for place, name, _ in mutations}
    for place in (governor, failures, moves, reducer):
        named = {name for name in vars(place) if name.isupper() and not name.startswith("_")}
        assert named - {name for where, name in mutable if where is place} <= {
            "BUDGETS",  # its own test
            *("VERDICTS", "LOCAL_STEPS", "ATTEMPT_STEPS"),  # come from elsewhere
        }
