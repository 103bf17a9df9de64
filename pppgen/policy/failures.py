"""What follows when a start fails or a link falls silent: the verdict table's answer, the waits, who is next. Pure."""

from dataclasses import replace

from pppgen.model import BearerKind, Reason
from pppgen.policy import governor
from pppgen.policy.moves import (
    Turn,
    cleaned,
    end,
    leaving_at,
    permitted,
    settle,
    turns,
    turns_left,
    with_ledger,
)
from pppgen.policy.state import (
    Action,
    Blocked,
    Degraded,
    Failure,
    FallingBack,
    PrepareBearer,
    State,
    Stopped,
    Waiting,
)
from pppgen.policy.verdicts import VERDICTS, Verdict

RETRIES = 2
"""RETRY on one bearer this often in a row, then NEXT."""

RETRY_DELAY_S = 2.0
"""A local fault gets this long to go away."""

LOCAL_WAIT_S = 60.0
"""The wait when a round died before it asked the network: looking again costs the network nothing. It doubles."""

LONGEST_LOCAL_WAIT_S = 300.0
"""The longest of those: registration and ports come back without a word, so the look must not become rare."""

REFUSALS = 2
"""After this many WAITs in a row another bearer has the first turn: one that misreads the network must not decide."""


def fail(  # noqa: C901 -- one case a verdict
    state: State, kind: BearerKind, reason: Reason, now: float, *, local: bool
) -> Turn:
    """End the start under way and do what the verdict table says."""
    state = settle(state, now)
    ended, actions = end(state, kind)
    if local and state.charged:
        ended = with_ledger(ended, governor.refund(ended.memory.ledger))
    ended = replace(ended, charged=False, round=(*state.round, Failure(kind, reason)), paid=state.paid or not local)
    verdict = VERDICTS[kind, reason]
    if state.returning:
        memory = replace(ended.memory, failed_returns=ended.memory.failed_returns + 1)
        ended = replace(ended, memory=memory, returning=False)
        if verdict in {Verdict.WAIT, Verdict.RETRY}:
            # The other bearer worked a moment ago, whatever this one says of the network.
            verdict = Verdict.NEXT
    match verdict:
        case Verdict.BLOCK:
            ended = with_ledger(ended, governor.release(ended.memory.ledger))
            if reason is Reason.STOPPED:
                return replace(ended, wanted=False, phase=Stopped()), actions
            return replace(ended, phase=Blocked(reason)), actions
        case Verdict.WAIT:
            return _refused(*wait(ended, actions, reason, now), kind)
        case Verdict.RETRY if ended.retries < RETRIES:
            permit = permitted(ended, now)
            if not turns_left(ended, kind) or permit.at <= now + RETRY_DELAY_S:
                until = max(now + RETRY_DELAY_S, permit.at)
                # The same bearer again, so this failure does not count as its turn of the round.
                again = replace(ended, retries=ended.retries + 1, round=state.round)
                again = with_ledger(again, governor.release(again.memory.ledger))
                return replace(again, phase=Waiting(until, reason, permit.why, kind)), actions
        case Verdict.RETRY | Verdict.REPAIR | Verdict.NEXT:
            pass
    others = turns_left(ended, kind)
    if others:
        return replace(ended, retries=0, phase=FallingBack(others[0], now, reason)), actions
    return wait(ended, actions, reason, now)


def degrade(state: State, now: float) -> Turn:
    """Leave a link on which nothing comes back for another one, unless that one was as silent."""
    assert isinstance(state.phase, Degraded)  # noqa: S101 -- both callers made it so
    kind, reason = state.phase.kind, state.phase.reason
    silent = {failure.kind for failure in state.round if failure.reason is Reason.CARRIER_SILENT}
    rest = [other for other in state.rules.order if other is not kind]
    if rest and silent.issuperset(rest):
        return replace(state, phase=replace(state.phase, held=True)), ()
    if leaving_at(state) > now:
        return state, ()
    return fail(state, kind, reason, now, local=False)


def wait(state: State, actions: tuple[Action, ...], reason: Reason, now: float) -> Turn:
    """End the round: again when the governor allows, or soon, if the network was never asked."""
    ledger = state.memory.ledger
    ended = cleaned(state)
    if state.paid:
        ended = with_ledger(ended, governor.fail(ledger, now, state.rules.seed))
        permit = permitted(ended, now)
        return replace(ended, phase=Waiting(permit.at, reason, permit.why)), actions
    pause = min(LOCAL_WAIT_S * 2.0 ** min(state.pauses, 10), LONGEST_LOCAL_WAIT_S)
    ended = replace(with_ledger(ended, governor.release(ledger)), pauses=state.pauses + 1)
    permit = permitted(ended, now)
    if permit.at > now + pause:
        return replace(ended, phase=Waiting(permit.at, reason, permit.why)), actions
    return replace(ended, phase=Waiting(now + pause, reason)), actions


def _refused(state: State, actions: tuple[Action, ...], kind: BearerKind) -> Turn:
    """Count a WAIT; the next round may begin with another bearer."""
    others = tuple(other for other in turns(state) if other is not kind)
    refusals = state.refusals + 1
    if refusals < REFUSALS or not others:
        return replace(state, refusals=refusals), actions
    assert isinstance(state.phase, Waiting)  # noqa: S101 -- `wait` made it so
    return replace(state, refusals=0, phase=replace(state.phase, then=others[0])), actions


def give_up(state: State, kind: BearerKind, reason: Reason, now: float) -> Turn:
    """End a start that takes minutes: the other bearer is next, whatever the table would try again here."""
    return fail(replace(state, retries=RETRIES), kind, reason, now, local=False)


def prepare(before: State, after: State, now: float) -> tuple[PrepareBearer, ...]:
    """Have a bearer prepared once it is clear that it comes next, while the one before it ends."""
    if after.phase == before.phase or not after.going:
        return ()
    match after.phase:
        case FallingBack(to=kind):
            return (PrepareBearer(kind),)
        case Waiting(until=until, then=kind) if kind and until is not None and until <= now + RETRY_DELAY_S:
            return (PrepareBearer(kind),)
        case _:
            return ()
