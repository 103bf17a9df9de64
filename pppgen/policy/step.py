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
    ATTEMPT_STEPS,
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
    Step,
)

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

SETTLED_S = 300.0
"""A link that stood this long has earned the shortest delay after its next failure, and its fallback's token goes."""

SILENT_START_S = 300.0
"""A start that has reported nothing for so long is ended; longer than any one step of a bearer may take."""

START_LIMIT_S = 1800.0
"""A start that is neither up nor failed by then is ended, whatever it reports; longer than all steps on two ports."""

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
    if _is_stale(state, event):
        return state, ()
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
        case Online(since=since):
            dues = (state.return_at, since + SETTLED_S if _settled(state, since + SETTLED_S) != state else None)
            return min((due for due in dues if due is not None), default=None)
        case Degraded(since=since, held=True):
            return since + HELD_S
        case Degraded():
            return _leaving_at(state)
        case Connecting(since=since) | Verifying(since=since) | Repairing(since=since):
            # Waiting for the first packet is the one step whose length a person chooses.
            return min(state.heard_at + SILENT_START_S, since + START_LIMIT_S) + state.rules.patience_s
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
            assert isinstance(state.phase, _Active)  # noqa: S101 -- or `_is_stale` would have dropped it
            return _report(replace(_settled(state, now), heard_at=now), state.phase, event, now)
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
            return _gone(replace(state, present=False), now)
        case ModemBack():
            back = replace(state, present=True)
            if state.wanted and isinstance(state.phase, Waiting | Blocked):
                return _new_round(back, now, _why(state.phase)), ()
            return back, ()
        case BackoffSeen(until=until):
            return _backoff(state, until, now)
        case Adopted(kind=kind, dial=dial):
            return _adopted(state, kind, dial, now)
        case Tick():
            return _tick(state, now)
        case RadioSeen(backoff_s=seconds):
            return (state, ()) if seconds is None else _backoff(state, now + seconds, now)


def _is_stale(state: State, event: Event) -> bool:
    """Whether the event is a report of a start that is no longer under way."""
    match event:
        case RadioSeen(dial=dial):
            # What a start that just failed saw still holds.
            return dial != state.memory.dial
        case BearerDown(dial=dial) if state.going:
            return dial != state.going.dial
        case (
            BearerProgress(dial=dial)
            | BearerLeased(dial=dial)
            | BearerNeedsRepair(dial=dial)
            | BearerUp(dial=dial)
            | BearerDegraded(dial=dial)
            | BearerRecovered(dial=dial)
            | BearerFailed(dial=dial)
            | BearerDown(dial=dial)
        ):
            return not isinstance(state.phase, _Active) or dial != state.memory.dial
        case _:
            return False


def _report(  # noqa: C901, PLR0912 -- one case a report
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
                again = reached in ATTEMPT_STEPS and getattr(phase, "step", None) is not reached and state.asked
                counted = _asked_again(state, now) if again else state
                asked = state.asked or reached not in LOCAL_STEPS
                return replace(counted, asked=asked, phase=Connecting(kind, phase.since, reached)), ()
            return state, ()
        case BearerLeased(lease=lease):
            if isinstance(phase, Online | Degraded):
                # A renewed lease is no new start.
                return replace(state, phase=replace(phase, lease=lease)), ()
            return replace(state, asked=True, phase=Verifying(kind, phase.since, lease)), ()
        case BearerUp(lease=lease):
            if isinstance(phase, Online):
                return replace(state, phase=replace(phase, lease=lease)), ()
            return _up(state, Online(kind, now, lease), now), ()
        case BearerRecovered():
            if isinstance(phase, Degraded):
                return _up(state, Online(kind, now, phase.lease), now), ()
            return state, ()
        case BearerDegraded(reason=reason):
            if isinstance(phase, Online | Verifying):
                return _degraded(replace(state, phase=Degraded(kind, now, phase.lease, reason)), now)
            return state, ()
        case BearerNeedsRepair(reason=reason, step=died):
            if VERDICTS[kind, reason] is Verdict.REPAIR and state.rules.repair and not state.repaired:
                since = now if isinstance(phase, Online | Degraded) else phase.since
                repairing = replace(state, repaired=True, phase=Repairing(kind, since, reason))
                return repairing, (RepairBearer(kind, event.dial, reason),)
            return _fail(state, kind, reason, now, local=_died_locally(state, died))
        case BearerFailed(reason=reason, step=died):
            return _fail(state, kind, reason, now, local=_died_locally(state, died))
        case BearerDown():
            # A bearer that went down without a word; it is gone, so nothing has to be waited for.
            failed, actions = _fail(state, kind, Reason.LINK_DROPPED, now, local=False)
            return replace(failed, going=None), actions


def _died_locally(state: State, step: Step) -> bool:
    """Whether the start ends before anything was sent to the network."""
    return step in LOCAL_STEPS and isinstance(state.phase, Connecting) and not state.asked


def _up(state: State, phase: Online, now: float) -> State:
    """Packets come back. A link that recovers keeps its time of return: one that flaps shall be left, not stayed on."""
    memory = replace(state.memory, last_good=phase.kind)
    returning = state.returning and phase.kind is state.rules.order[0]
    return_at = state.return_at if state.return_at is not None else _return_at(state, phase.kind, now)
    clean = replace(_clean(state), phase=phase, memory=memory, refusals=0)
    return replace(clean, returning=returning, return_at=return_at)


def _settled(state: State, now: float) -> State:
    """Forgive what went before, if the link has stood long enough; the promised fallback is not needed any more."""
    if not isinstance(state.phase, Online) or now < state.phase.since + SETTLED_S:
        return state
    first = state.phase.kind is state.rules.order[0]
    failed_returns = 0 if first else state.memory.failed_returns
    memory = replace(state.memory, ledger=governor.settle(state.memory.ledger), failed_returns=failed_returns)
    return replace(state, memory=memory, returning=False)


def _asked_again(state: State, now: float) -> State:
    """Count a second dial within one start; the fallback's token pays where no other is left.

    Where there is none at all the bearer was told so: what it does on another port is its first dial.
    """
    ledger, budget = state.memory.ledger, state.rules.budget
    room = governor.has_room(ledger, budget, now)
    if not room and not ledger.reserved:
        return state
    return _with_ledger(state, governor.spend(ledger, budget, now, from_reserve=not room))


def _adopted(state: State, kind: BearerKind, dial: int, now: float) -> _Turn:
    """Take over a link as if it had been started now; it cost nothing, so nothing can be given back."""
    if not isinstance(state.phase, Stopped) or state.going:
        return state, (StopBearer(kind, dial),)
    memory = replace(state.memory, dial=dial)
    taken = replace(_clean(state), wanted=True, memory=memory, phase=Connecting(kind, now), heard_at=now)
    return replace(taken, asked=False, charged=False, repaired=False), ()


def _want_up(state: State, now: float, *, override: bool) -> _Turn:
    """A link is wanted. The governor's waits are set aside only where one may be running."""
    asked = replace(state, wanted=True)
    match state.phase:
        case Waiting() if not override:
            return asked, ()
        case Stopped() | Blocked() | Waiting():
            if override:
                asked = _with_ledger(asked, governor.override(asked.memory.ledger))
            return _new_round(asked, now, _why(state.phase), first=getattr(state.phase, "then", None)), ()
        case _:
            return asked, ()


def _switch(state: State, to: BearerKind, reason: Reason, now: float) -> _Turn:
    if to not in state.rules.order or getattr(state.phase, "kind", None) is to or isinstance(state.phase, FallingBack):
        return state, ()
    if isinstance(state.phase, _Active):
        # A link that works and is left because somebody wishes it has its turn again should the other one fail.
        kind, planned = state.phase.kind, isinstance(state.phase, Online) and reason is Reason.STOPPED
        state = _settled(state, now)
        # A link is not given up for one that may not be tried yet.
        if _leaving_at(state, tokens=2 if planned else 1) > now:
            return state, ()
        had = () if planned else (*state.round, Failure(kind, reason))
        return _leave(replace(state, round=had, returning=False), FallingBack(to, now, reason))
    return _new_round(replace(state, wanted=True), now, reason, first=to), ()


def _return(state: State, now: float, *, promising: bool, quiet: bool) -> _Turn:
    first = state.rules.order[0]
    if not isinstance(state.phase, Online) or state.phase.kind is first:
        return state, ()
    if not promising:
        return replace(state, return_at=_return_at(state, state.phase.kind, now)), ()
    # The way there and the way back must both be paid for.
    afresh = _with_ledger(state, governor.release(state.memory.ledger))
    if not quiet or _permit(afresh, now, tokens=2).at > now:
        return replace(state, return_at=now + QUIET_RETRY_S), ()
    return _leave(replace(afresh, returning=True, return_at=None, round=()), FallingBack(first, now, None))


def _gone(state: State, now: float) -> _Turn:
    waiting = Waiting(None, Reason.USB_DISCONNECT)
    match state.phase:
        case Connecting() | Verifying() | Online() | Degraded() | Repairing():
            return _leave(_settled(state, now), waiting, released=True)
        case FallingBack() | Waiting():
            return _leave(state, waiting, released=True)
        case Stopped() | Blocked():
            return state, ()


def _backoff(state: State, until: float, now: float) -> _Turn:
    waits = _with_ledger(state, governor.back_off(state.memory.ledger, until, now))
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
            state = _settled(state, now)
            if state.return_at is None or now < state.return_at:
                return state, ()
            # Asked again soon should the answer never come.
            return replace(state, return_at=now + QUIET_RETRY_S), (CheckReturn(state.rules.order[0]),)
        case Degraded(held=True) as phase:
            return _wait(*_ended(replace(state, paid=True), phase.kind), phase.reason, now)
        case Degraded():
            return _degraded(state, now)
        case Connecting(kind=kind) | Verifying(kind=kind) | Repairing(kind=kind):
            reason = Reason.QMI_TIMEOUT if kind is BearerKind.QMI else Reason.MODEM_NOT_RESPONDING
            # Minutes are gone: the other bearer is next, whatever the table would try again here.
            return _fail(replace(state, retries=RETRIES), kind, reason, now, local=False)
        case Waiting() | Stopped() | FallingBack() | Blocked():
            return state, ()


# --- failures ------------------------------------------------------------------------------------------------------


def _fail(  # noqa: C901 -- one case a verdict
    state: State, kind: BearerKind, reason: Reason, now: float, *, local: bool
) -> _Turn:
    """End the start under way and do what the verdict table says."""
    state = _settled(state, now)
    ended, actions = _ended(state, kind)
    if local and state.charged:
        ended = _with_ledger(ended, governor.refund(ended.memory.ledger))
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
            ended = _with_ledger(ended, governor.release(ended.memory.ledger))
            if reason is Reason.STOPPED:
                return replace(ended, wanted=False, phase=Stopped()), actions
            return replace(ended, phase=Blocked(reason)), actions
        case Verdict.WAIT:
            return _refused(*_wait(ended, actions, reason, now), kind)
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
    return _wait(ended, actions, reason, now)


def _degraded(state: State, now: float) -> _Turn:
    """Leave a link on which nothing comes back for another one, unless that one was as silent."""
    assert isinstance(state.phase, Degraded)  # noqa: S101 -- both callers made it so
    kind, reason = state.phase.kind, state.phase.reason
    silent = {failure.kind for failure in state.round if failure.reason is Reason.CARRIER_SILENT}
    rest = [other for other in state.rules.order if other is not kind]
    if rest and silent.issuperset(rest):
        return replace(state, phase=replace(state.phase, held=True)), ()
    if _leaving_at(state) > now:
        return state, ()
    return _fail(state, kind, reason, now, local=False)


def _wait(state: State, actions: tuple[Action, ...], reason: Reason, now: float) -> _Turn:
    """End the round: again when the governor allows, or soon, if the network was never asked."""
    ledger = state.memory.ledger
    ended = _clean(state)
    if state.paid:
        ended = _with_ledger(ended, governor.fail(ledger, now, state.rules.seed))
        permit = _permit(ended, now)
        return replace(ended, phase=Waiting(permit.at, reason, permit.why)), actions
    pause = min(LOCAL_WAIT_S * 2.0 ** min(state.pauses, 10), LONGEST_LOCAL_WAIT_S)
    ended = replace(_with_ledger(ended, governor.release(ledger)), pauses=state.pauses + 1)
    permit = _permit(ended, now)
    if permit.at > now + pause:
        return replace(ended, phase=Waiting(permit.at, reason, permit.why)), actions
    return replace(ended, phase=Waiting(now + pause, reason)), actions


def _refused(state: State, actions: tuple[Action, ...], kind: BearerKind) -> _Turn:
    """Count a WAIT; the next round may begin with another bearer."""
    others = tuple(other for other in _order(state) if other is not kind)
    refusals = state.refusals + 1
    if refusals < REFUSALS or not others:
        return replace(state, refusals=refusals), actions
    assert isinstance(state.phase, Waiting)  # noqa: S101 -- `_wait` made it so
    return replace(state, refusals=0, phase=replace(state.phase, then=others[0])), actions


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
    budget = state.rules.budget
    others = _others(state, kind)
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
            return replace(_with_ledger(state, ledger), phase=Waiting(permit.at, why, permit.why, kind)), ()
        ledger = governor.spend(ledger, budget, now, reserve=1 if others else 0)
    memory = replace(state.memory, ledger=ledger, dial=state.memory.dial + 1)
    begun = replace(state, memory=memory, repaired=False, asked=False, charged=True, heard_at=now, return_at=None)
    # A second dial within the start is known only once it is made, so it is decided now whether there is one to make.
    again = bool(ledger.reserved) or governor.has_room(ledger, budget, now)
    return replace(begun, phase=Connecting(kind, now)), (StartBearer(kind, memory.dial, again),)


def _new_round(state: State, now: float, why: Reason, first: BearerKind | None = None) -> State:
    """Begin with a clean slate, as soon as the governor and a bearer that is going allow."""
    waiting = Waiting(now, why, "", first) if state.present else Waiting(None, Reason.USB_DISCONNECT, "", first)
    return replace(_clean(state), refusals=0, returning=False, phase=waiting)


def _clean(state: State) -> State:
    return replace(state, round=(), paid=False, retries=0, pauses=0)


def _leave(state: State, phase: Phase, *, released: bool = False) -> _Turn:
    """Go to `phase`, ending the start that is under way, if there is one."""
    actions: tuple[Action, ...] = ()
    if isinstance(state.phase, _Active):
        state, actions = _ended(state, state.phase.kind)
    if released:
        state = replace(_with_ledger(state, governor.release(state.memory.ledger)), returning=False)
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


def _leaving_at(state: State, tokens: int = 1) -> float:
    """From when on the link under way may be given up for another: that one must be allowed to start at once."""
    ledger = state.memory.ledger
    return ledger.modem_until if ledger.reserved else _permit(state, 0.0, tokens).at


def _return_at(state: State, kind: BearerKind, now: float) -> float | None:
    after = state.rules.failback_after_s
    if not after or kind is state.rules.order[0]:
        return None
    # 2**32 is far beyond any limit, and a damaged memory may say more.
    return now + min(after * 2.0 ** min(state.memory.failed_returns, 32), max(after, LONGEST_RETURN_S))


def _with_ledger(state: State, ledger: governor.Ledger) -> State:
    return replace(state, memory=replace(state.memory, ledger=ledger))


def _why(phase: Phase) -> Reason:
    return phase.why if isinstance(phase, Waiting | Blocked) else Reason.NONE


def _headline(phase: Phase) -> tuple[object, ...]:
    """What makes a phase a new one for people: its name, and whom it is about."""
    kind = getattr(phase, "kind", None) or getattr(phase, "to", None)
    return (type(phase), kind, getattr(phase, "why", None), getattr(phase, "held", None))


def _decided(before: State, after: State, event: Event) -> Decided:
    """Name what was decided: the reason is the event's, or what an event without one (a Tick) was taken for."""
    reason = getattr(event, "reason", None)
    if reason is None and isinstance(before.phase, _Active):
        reason = getattr(after.phase, "why", None)
    kind = getattr(before.phase, "kind", None)
    judged = isinstance(event, BearerFailed | BearerDegraded | BearerNeedsRepair | BearerDown | Tick)
    verdict = VERDICTS.get((kind, reason), "") if judged and kind and reason else ""
    return Decided(before.phase, after.phase, after.memory.dial, reason, str(verdict))
