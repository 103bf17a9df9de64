"""How the policy moves: a start begins, ends, is waited for; whose turn it is, and when it may be. Pure.

A bearer is only ever started in `_start`, and only when none is going.
"""

from dataclasses import replace

from pppgen.model import BearerKind, Reason
from pppgen.policy import governor
from pppgen.policy.state import (
    Action,
    Connecting,
    Degraded,
    FallingBack,
    Going,
    Online,
    Phase,
    Repairing,
    StartBearer,
    State,
    StopBearer,
    Verifying,
    Waiting,
)

SETTLED_S = 300.0
"""A link that stood this long has earned the shortest delay after its next failure, and its fallback's token goes."""

Turn = tuple[State, tuple[Action, ...]]
Active = Connecting | Verifying | Online | Degraded | Repairing


def advance(state: State, now: float) -> Turn:
    """Start what is due, if nothing is going and the modem is there."""
    if state.going or not state.wanted or not state.present:
        return state, ()
    match state.phase:
        case FallingBack(to=to, why=why):
            return _start(state, to, why or Reason.NONE, now)
        case Waiting(until=until, why=why, then=then) if until is not None and until <= now:
            return _start(state, then or turns(state)[0], why, now)
        case _:
            return state, ()


def _start(state: State, kind: BearerKind, why: Reason, now: float) -> Turn:
    """Take a token and begin, or wait until one is there."""
    budget = state.rules.budget
    others = turns_left(state, kind)
    ledger = state.memory.ledger
    if ledger.reserved and ledger.modem_until <= now:
        ledger = governor.spend(ledger, budget, now, from_reserve=True)
        reserve = 1 if others and governor.has_room(ledger, budget, now) else 0
        ledger = replace(ledger, reserved=ledger.reserved + reserve)
    else:
        if ledger.reserved:
            ledger = governor.release(ledger)
        permit = governor.permit(ledger, budget, now, tokens=2 if others else 1)
        if permit.at > now:
            return replace(with_ledger(state, ledger), phase=Waiting(permit.at, why, permit.why, kind)), ()
        ledger = governor.spend(ledger, budget, now, reserve=1 if others else 0)
    memory = replace(state.memory, ledger=ledger, dial=state.memory.dial + 1)
    begun = replace(state, memory=memory, repaired=False, asked=False, charged=True, heard_at=now, return_at=None)
    # A second dial within the start is known only once it is made, so it is decided now whether there is one to make.
    again = bool(ledger.reserved) or governor.has_room(ledger, budget, now)
    return replace(begun, phase=Connecting(kind, now)), (StartBearer(kind, memory.dial, again),)


def new_round(state: State, now: float, why: Reason, first: BearerKind | None = None) -> State:
    """Begin with a clean slate, as soon as the governor and a bearer that is going allow."""
    waiting = Waiting(now, why, "", first) if state.present else Waiting(None, Reason.USB_DISCONNECT, "", first)
    return replace(cleaned(state), refusals=0, returning=False, phase=waiting)


def cleaned(state: State) -> State:
    """Forget the round: its failures and what they cost."""
    return replace(state, round=(), paid=False, retries=0, pauses=0)


def leave(state: State, phase: Phase, *, released: bool = False) -> Turn:
    """Go to `phase`, ending the start that is under way, if there is one."""
    actions: tuple[Action, ...] = ()
    if isinstance(state.phase, Active):
        state, actions = end(state, state.phase.kind)
    if released:
        state = replace(with_ledger(state, governor.release(state.memory.ledger)), returning=False)
    return replace(state, phase=phase), actions


def end(state: State, kind: BearerKind) -> Turn:
    """End the start under way; until its `BearerDown` nothing else begins."""
    dial = state.memory.dial
    return replace(state, going=Going(kind, dial), return_at=None), (StopBearer(kind, dial),)


def settle(state: State, now: float) -> State:
    """Forgive what went before, if the link has stood long enough; the promised fallback is not needed any more."""
    if not isinstance(state.phase, Online) or now < state.phase.since + SETTLED_S:
        return state
    first = state.phase.kind is state.rules.order[0]
    failed_returns = 0 if first else state.memory.failed_returns
    memory = replace(state.memory, ledger=governor.settle(state.memory.ledger), failed_returns=failed_returns)
    return replace(state, memory=memory, returning=False)


def settles_at(state: State) -> float | None:
    """Return when the link will have stood long enough to be forgiven; None where there is nothing to forgive."""
    if not isinstance(state.phase, Online):
        return None
    at = state.phase.since + SETTLED_S
    return at if settle(state, at) != state else None


def turns(state: State) -> tuple[BearerKind, ...]:
    """The configured order, with the bearer that last worked first."""
    last = state.memory.last_good
    if last not in state.rules.order or last is None:
        return state.rules.order
    return (last, *(kind for kind in state.rules.order if kind is not last))


def turns_left(state: State, kind: BearerKind) -> tuple[BearerKind, ...]:
    """The bearers that still have their turn in this round, besides `kind`."""
    had = {failure.kind for failure in state.round}
    return tuple(other for other in turns(state) if other is not kind and other not in had)


def permitted(state: State, now: float, tokens: int = 1) -> governor.Permit:
    """Return from when on the governor allows that many attempts."""
    return governor.permit(state.memory.ledger, state.rules.budget, now, tokens)


def leaving_at(state: State, tokens: int = 1) -> float:
    """From when on the link under way may be given up for another: that one must be allowed to start at once."""
    ledger = state.memory.ledger
    return ledger.modem_until if ledger.reserved else permitted(state, 0.0, tokens).at


def with_ledger(state: State, ledger: governor.Ledger) -> State:
    """Put another ledger into the state's memory."""
    return replace(state, memory=replace(state.memory, ledger=ledger))
