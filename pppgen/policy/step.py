"""The reducer: `step(state, event, now)` returns the next state and what to do.

How to read it. `step` first lets the event change the state (`_answer`), then lets the state move on by itself as far
as it can (`_advance`: a wait that is over, a bearer that is gone and another one due). A bearer is only ever started in
`_start`, and only when none is going, which is why two can never be up at once. Every ended start goes through `_fail`,
where the verdict table decides.

A report that carries another dial number than the start under way changes nothing, except that `BearerDown` of the one
that is going lets the next one begin.
"""

from dataclasses import replace

from pppgen.model import BearerKind, Reason
from pppgen.policy import governor
from pppgen.policy.state import (
    Action,
    Adopted,
    BackoffSeen,
    Blocked,
    CheckReturn,
    Connecting,
    Decided,
    Degraded,
    Event,
    Failure,
    FallingBack,
    Going,
    ModemBack,
    ModemGone,
    Online,
    Phase,
    Remember,
    RepairBearer,
    Repairing,
    ReturnChecked,
    StartBearer,
    State,
    StopBearer,
    Stopped,
    SwitchAsked,
    Tick,
    Verifying,
    Waiting,
    WantDown,
    WantUp,
)
from pppgen.policy.verdicts import VERDICTS, Verdict
from pppgen.reports import (
    LOCAL_STEPS,
    BearerDegraded,
    BearerDown,
    BearerFailed,
    BearerLeased,
    BearerNeedsRepair,
    BearerProgress,
    BearerRecovered,
    BearerUp,
    RadioSeen,
)

RETRIES = 2
"""RETRY on one bearer this often in a row, then NEXT."""

RETRY_DELAY_S = 2.0
"""A local fault gets this long to go away."""

LOCAL_WAIT_S = 60.0
"""The wait when a start died before it asked the network: looking again costs the network nothing."""

SETTLED_S = 300.0
"""A link that stood this long has earned the shortest delay after its next failure."""

START_DEADLINE_S = 300.0
"""A start that has said nothing final by then is ended; longer than any bearer's own deadlines together."""

HELD_S = 3600.0
"""Both bearers silent (a private APN, a plan used up): the link is kept and tried anew after this long."""

QUIET_RETRY_S = 60.0
"""A return that meets traffic asks again after this long."""

LONGEST_RETURN_S = 86400.0
"""Failed returns double the time to the next one, up to a day."""

_Turn = tuple[State, tuple[Action, ...]]
_Active = Connecting | Verifying | Online | Degraded | Repairing


def step(state: State, event: Event, now: float) -> _Turn:
    """Return the state after `event` and the actions to carry out, in order; `now` is CLOCK_BOOTTIME in seconds."""
    after, actions = _answer(state, event, now)
    after, more = _advance(after, now)
    said: list[Action] = []
    if after.memory != state.memory:
        said.append(Remember(after.memory))
    if _headline(after.phase) != _headline(state.phase):
        said.append(_decided(state, after, event))
    return after, (*said, *actions, *more)


def wake_at(state: State) -> float | None:
    """Return when a `Tick` is due, or None when only an event can change anything."""
    match state.phase:
        case Waiting(until=until):
            return until if state.wanted and state.going is None else None
        case Online():
            return state.return_at
        case Degraded(since=since, held=True):
            return since + HELD_S
        case Degraded():
            return _permit(state, 0.0).at
        case Connecting(since=since) | Verifying(since=since) | Repairing(since=since):
            return since + START_DEADLINE_S
        case Stopped() | FallingBack() | Blocked():
            return None


# --- what an event changes ---------------------------------------------------------------------------------------


def _answer(state: State, event: Event, now: float) -> _Turn:  # noqa: C901, PLR0912 -- one case an event
    match event:
        case BearerDown() if state.going and event.dial == state.going.dial:
            return replace(state, going=None), ()
        case (
            BearerProgress()
            | BearerLeased()
            | BearerNeedsRepair()
            | BearerUp()
            | BearerDegraded()
            | BearerRecovered()
            | BearerFailed()
            | BearerDown()
        ):
            if not isinstance(state.phase, _Active) or event.dial != state.memory.dial:
                return state, ()
            return _report(state, state.phase, event, now)
        case RadioSeen(backoff_s=seconds):
            return (state, ()) if seconds is None else _backoff(state, now + seconds, now)
        case WantUp(now=override):
            return _want_up(state, now, override=override)
        case WantDown():
            stopped = replace(state, wanted=False, return_at=None, returning=False)
            return _leave(stopped, Stopped(), released=True)
        case SwitchAsked(to=to, reason=reason):
            return _switch(state, to, reason, now)
        case ReturnChecked(promising=promising, quiet=quiet):
            return _return(state, now, promising=promising, quiet=quiet)
        case ModemGone():
            return _gone(replace(state, present=False))
        case ModemBack():
            back = replace(state, present=True)
            if state.wanted and isinstance(state.phase, Waiting | Blocked):
                return _new_round(back, now, _why(state.phase)), ()
            return back, ()
        case BackoffSeen(until=until):
            return _backoff(state, until, now)
        case Adopted(kind=kind, dial=dial):
            memory = replace(state.memory, dial=dial)
            return replace(state, wanted=True, memory=memory, phase=Connecting(kind, now)), ()
        case Tick():
            return _tick(state, now)


def _report(  # noqa: C901 -- one case a report
    state: State,
    phase: _Active,
    event: BearerProgress
    | BearerLeased
    | BearerNeedsRepair
    | BearerUp
    | BearerDegraded
    | BearerRecovered
    | BearerFailed
    | BearerDown,
    now: float,
) -> _Turn:
    kind = phase.kind
    match event:
        case BearerProgress(step=reached):
            if isinstance(phase, Connecting | Repairing):
                return replace(state, phase=Connecting(kind, phase.since, reached)), ()
            return state, ()
        case BearerLeased(lease=lease):
            return replace(state, phase=Verifying(kind, phase.since, lease)), ()
        case BearerUp(lease=lease):
            return _up(state, kind, Online(kind, now, lease), now), ()
        case BearerRecovered():
            if isinstance(phase, Degraded):
                return _up(state, kind, Online(kind, now, phase.lease), now), ()
            return state, ()
        case BearerDegraded(reason=reason):
            if isinstance(phase, Online | Verifying):
                return _degraded(replace(state, phase=Degraded(kind, now, phase.lease, reason)), now)
            return state, ()
        case BearerNeedsRepair(reason=reason):
            if VERDICTS[kind, reason] is Verdict.REPAIR and state.rules.repair and not state.repaired:
                repairing = replace(state, repaired=True, phase=Repairing(kind, phase.since, reason))
                return repairing, (RepairBearer(kind, event.dial, reason),)
            return _fail(state, kind, reason, now, local=False)
        case BearerFailed(reason=reason, step=died):
            local = died in LOCAL_STEPS and isinstance(phase, Connecting)
            return _fail(state, kind, reason, now, local=local)
        case BearerDown():
            # A bearer that went down without a word; it is gone, so nothing has to be waited for.
            failed, actions = _fail(state, kind, Reason.LINK_DROPPED, now, local=False)
            return replace(failed, going=None), actions


def _up(state: State, kind: BearerKind, phase: Online, now: float) -> State:
    # The fallback's token stays reserved while the link stands: its loss too is answered at once.
    memory = replace(state.memory, last_good=kind)
    if kind is state.rules.order[0]:
        memory = replace(memory, failed_returns=0)
    online = replace(state, phase=phase, memory=memory, round=(), retries=0, returning=False)
    return replace(online, return_at=_return_at(online, kind, now))


def _want_up(state: State, now: float, *, override: bool) -> _Turn:
    asked = replace(state, wanted=True)
    if override:
        asked = _with_ledger(asked, governor.override(state.memory.ledger))
    if isinstance(state.phase, Stopped | Blocked) or (override and isinstance(state.phase, Waiting)):
        return _new_round(asked, now, _why(state.phase)), ()
    return asked, ()


def _switch(state: State, to: BearerKind, reason: Reason, now: float) -> _Turn:
    if to not in state.rules.order or getattr(state.phase, "kind", None) is to or isinstance(state.phase, FallingBack):
        return state, ()
    if isinstance(state.phase, _Active):
        # A link is not given up for one that may not be tried yet.
        if not state.memory.ledger.reserved and _permit(state, now).at > now:
            return state, ()
        marked = replace(state, round=(*state.round, Failure(state.phase.kind, reason)), returning=False)
        return _leave(marked, FallingBack(to, now, reason))
    return _new_round(replace(state, wanted=True), now, reason, first=to), ()


def _return(state: State, now: float, *, promising: bool, quiet: bool) -> _Turn:
    first = state.rules.order[0]
    if not isinstance(state.phase, Online) or state.phase.kind is first:
        return state, ()
    if not promising:
        return replace(state, return_at=_return_at(state, state.phase.kind, now)), ()
    # A return takes a token of its own and reserves one for the way back.
    state = _with_ledger(state, governor.release(state.memory.ledger))
    if not quiet or _permit(state, now, tokens=2).at > now:
        return replace(state, return_at=now + QUIET_RETRY_S), ()
    return _leave(replace(state, returning=True, return_at=None, round=()), FallingBack(first, now, None))


def _gone(state: State) -> _Turn:
    waiting = Waiting(None, Reason.USB_DISCONNECT)
    match state.phase:
        case Connecting() | Verifying() | Online() | Degraded() | Repairing():
            return _leave(state, waiting, released=True)
        case FallingBack() | Waiting():
            return replace(state, phase=waiting), ()
        case Stopped() | Blocked():
            return state, ()


def _backoff(state: State, until: float, now: float) -> _Turn:
    waits = _with_ledger(state, replace(state.memory.ledger, modem_until=until))
    if isinstance(state.phase, Waiting) and state.phase.until is not None:
        permit = _permit(waits, now)
        if permit.at > state.phase.until:
            return replace(waits, phase=replace(state.phase, until=permit.at, rule=permit.why)), ()
    return waits, ()


def _tick(state: State, now: float) -> _Turn:
    due = wake_at(state)
    if due is None or now < due:
        return state, ()
    match state.phase:
        case Online():
            # Asked again soon should the answer never come.
            return replace(state, return_at=now + QUIET_RETRY_S), (CheckReturn(state.rules.order[0]),)
        case Degraded(held=True) as phase:
            return _wait(*_ended(state, phase.kind), phase.reason, now)
        case Degraded():
            return _degraded(state, now)
        case Connecting(kind=kind) | Verifying(kind=kind) | Repairing(kind=kind):
            reason = Reason.QMI_TIMEOUT if kind is BearerKind.QMI else Reason.MODEM_NOT_RESPONDING
            return _fail(state, kind, reason, now, local=False)
        case Waiting() | Stopped() | FallingBack() | Blocked():
            return state, ()


# --- failures ------------------------------------------------------------------------------------------------------


def _fail(  # noqa: C901 -- one case a verdict
    state: State, kind: BearerKind, reason: Reason, now: float, *, local: bool
) -> _Turn:
    """End the start under way and do what the verdict table says."""
    ended, actions = _ended(state, kind)
    ledger = ended.memory.ledger
    if isinstance(state.phase, Online) and now - state.phase.since >= SETTLED_S:
        ledger = governor.settle(ledger)
    if local:
        ledger = governor.refund(ledger)
    ended = replace(_with_ledger(ended, ledger), round=(*state.round, Failure(kind, reason)))
    if state.returning:
        memory = replace(ended.memory, failed_returns=ended.memory.failed_returns + 1)
        ended = replace(ended, memory=memory, returning=False)
    match VERDICTS[kind, reason]:
        case Verdict.BLOCK:
            ended = _with_ledger(ended, governor.release(ledger))
            if reason is Reason.STOPPED:
                return replace(ended, wanted=False, phase=Stopped()), actions
            return replace(ended, phase=Blocked(reason)), actions
        case Verdict.WAIT:
            return _wait(ended, actions, reason, now, local=local)
        case Verdict.RETRY if ended.retries < RETRIES:
            permit = _permit(ended, now)
            if not _others(ended, kind) or permit.at <= now + RETRY_DELAY_S:
                until = max(now + RETRY_DELAY_S, permit.at)
                # The same bearer again, so this failure does not count as its turn of the round.
                again = replace(ended, retries=ended.retries + 1, round=state.round)
                again = _with_ledger(again, governor.release(again.memory.ledger))
                return replace(again, phase=Waiting(until, reason, permit.why, kind)), actions
        case Verdict.RETRY | Verdict.REPAIR | Verdict.NEXT:
            pass
    others = _others(ended, kind)
    if others:
        return replace(ended, retries=0, phase=FallingBack(others[0], now, reason)), actions
    return _wait(ended, actions, reason, now, local=local)


def _degraded(state: State, now: float) -> _Turn:
    """Leave a link on which nothing comes back for another one, unless that one was as silent."""
    assert isinstance(state.phase, Degraded)  # noqa: S101 -- both callers made it so
    kind, reason = state.phase.kind, state.phase.reason
    silent = {failure.kind for failure in state.round if failure.reason is Reason.CARRIER_SILENT}
    rest = [other for other in state.rules.order if other is not kind]
    if rest and silent.issuperset(rest):
        return replace(state, phase=replace(state.phase, held=True)), ()
    if not state.memory.ledger.reserved and _permit(state, now).at > now:
        return state, ()
    return _fail(state, kind, reason, now, local=False)


def _wait(state: State, actions: tuple[Action, ...], reason: Reason, now: float, *, local: bool = False) -> _Turn:
    """End the round: again when the governor allows."""
    ledger = state.memory.ledger
    ledger = governor.release(ledger) if local else governor.fail(ledger, now, state.rules.seed)
    ended = replace(_with_ledger(state, ledger), round=(), retries=0)
    permit = _permit(ended, now)
    until = max(permit.at, now + LOCAL_WAIT_S) if local else permit.at
    return replace(ended, phase=Waiting(until, reason, permit.why)), actions


# --- moving on -----------------------------------------------------------------------------------------------------


def _advance(state: State, now: float) -> _Turn:
    """Start what is due, if nothing is going and the modem is there."""
    if state.going or not state.wanted or not state.present:
        return state, ()
    match state.phase:
        case FallingBack(to=to, why=why):
            return _start(state, to, why or Reason.NONE, now)
        case Waiting(until=until, why=why, then=then) if until is not None and until <= now:
            return _start(state, then or _order(state)[0], why, now)
        case _:
            return state, ()


def _start(state: State, kind: BearerKind, why: Reason, now: float) -> _Turn:
    """Take a token and begin, or wait until one is there."""
    ledger, budget = state.memory.ledger, state.rules.budget
    others = _others(state, kind)
    if ledger.reserved:
        ledger = governor.spend(ledger, budget, now, from_reserve=True)
    else:
        permit = _permit(state, now, tokens=2 if others else 1)
        if permit.at > now:
            return replace(state, phase=Waiting(permit.at, why, permit.why, kind)), ()
        ledger = governor.spend(ledger, budget, now, reserve=1 if others else 0)
    memory = replace(state.memory, ledger=ledger, dial=state.memory.dial + 1)
    begun = replace(state, memory=memory, repaired=False, return_at=None, phase=Connecting(kind, now))
    return begun, (StartBearer(kind, memory.dial),)


def _new_round(state: State, now: float, why: Reason, first: BearerKind | None = None) -> State:
    """Begin with a clean slate, as soon as the governor and a bearer that is going allow."""
    until = None if not state.present else now
    return replace(state, round=(), retries=0, phase=Waiting(until, why, "", first))


def _leave(state: State, phase: Phase, *, released: bool = False) -> _Turn:
    """Go to `phase`, ending the start that is under way, if there is one."""
    actions: tuple[Action, ...] = ()
    if isinstance(state.phase, _Active):
        state, actions = _ended(state, state.phase.kind)
    if released:
        state = _with_ledger(state, governor.release(state.memory.ledger))
    return replace(state, phase=phase), actions


def _ended(state: State, kind: BearerKind) -> _Turn:
    dial = state.memory.dial
    return replace(state, going=Going(kind, dial), return_at=None), (StopBearer(kind, dial),)


# --- small questions -----------------------------------------------------------------------------------------------


def _order(state: State) -> tuple[BearerKind, ...]:
    """The configured order, with the bearer that last worked first."""
    last = state.memory.last_good
    if last not in state.rules.order or last is None:
        return state.rules.order
    return (last, *(kind for kind in state.rules.order if kind is not last))


def _others(state: State, kind: BearerKind) -> tuple[BearerKind, ...]:
    """The bearers that still have their turn in this round, besides `kind`."""
    had = {failure.kind for failure in state.round}
    return tuple(other for other in _order(state) if other is not kind and other not in had)


def _permit(state: State, now: float, tokens: int = 1) -> governor.Permit:
    return governor.permit(state.memory.ledger, state.rules.budget, now, tokens)


def _return_at(state: State, kind: BearerKind, now: float) -> float | None:
    after = state.rules.failback_after_s
    if not after or kind is state.rules.order[0]:
        return None
    return now + min(after * 2.0**state.memory.failed_returns, max(after, LONGEST_RETURN_S))


def _with_ledger(state: State, ledger: governor.Ledger) -> State:
    return replace(state, memory=replace(state.memory, ledger=ledger))


def _why(phase: Phase) -> Reason:
    return phase.why if isinstance(phase, Waiting | Blocked) else Reason.NONE


def _headline(phase: Phase) -> tuple[object, ...]:
    """What makes a phase a new one for people: its name, and whom it is about."""
    kind = getattr(phase, "kind", None) or getattr(phase, "to", None)
    return (type(phase), kind, getattr(phase, "why", None), getattr(phase, "held", None))


def _decided(before: State, after: State, event: Event) -> Decided:
    reason = getattr(event, "reason", None)
    kind = getattr(before.phase, "kind", None)
    verdict = VERDICTS.get((kind, reason), "") if kind and reason else ""
    return Decided(before.phase, after.phase, after.memory.dial, reason, str(verdict))
