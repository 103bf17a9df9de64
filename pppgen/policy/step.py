"""The reducer: `step(state, event, now)` returns the next state and what to do.

How to read it. `step` first lets the event change the state (`_answer`), then lets the state move on by itself as far
as it can (`moves.advance`: a wait that is over, a bearer that is gone and another one due). A bearer is only ever
started there, and only when none is going, which is why two can never be up at once. Every ended start goes through
`failures.fail`, where the verdict table decides.

A report that carries another dial number than the start under way changes nothing, except that `BearerDown` of the one
that is going lets the next one begin.
"""

from dataclasses import replace

from pppgen.model import BearerKind, Reason
from pppgen.policy import governor
from pppgen.policy.failures import degrade, fail, give_up, prepare, wait
from pppgen.policy.moves import (
    Active,
    Turn,
    advance,
    cleaned,
    end,
    leave,
    leaving_at,
    new_round,
    permitted,
    settle,
    settles_at,
    turns_left,
    with_ledger,
)
from pppgen.policy.state import (
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
    ModemBack,
    ModemGone,
    Online,
    Phase,
    Remember,
    RepairBearer,
    Repairing,
    ReturnChecked,
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


def step(state: State, event: Event, now: float) -> Turn:
    """Return the state after `event` and the actions to carry out, in order; `now` is CLOCK_BOOTTIME in seconds."""
    if _is_stale(state, event):
        return state, ()
    after, actions = _answer(_without_idle_promise(state, event), event, now)
    after, more = advance(after, now)
    kept = (Remember(after.memory),) if after.memory != state.memory else ()
    # What was decided is told last: whoever writes it down need not be waited for. What an attempt costs is kept first.
    said = (_decided(state, after, event),) if _headline(after.phase) != _headline(state.phase) else ()
    return after, (*prepare(state, after, now), *kept, *actions, *more, *said)


def wake_at(state: State) -> float | None:
    """Return when a `Tick` is due, or None when only an event can change anything."""
    match state.phase:
        case Waiting(until=until):
            return until if state.wanted and state.going is None else None
        case Online():
            dues = (state.return_at, settles_at(state))
            return min((due for due in dues if due is not None), default=None)
        case Degraded(since=since, held=True):
            return since + HELD_S
        case Degraded():
            return leaving_at(state)
        case Connecting(since=since) | Verifying(since=since) | Repairing(since=since):
            # Waiting for the first packet is the one step whose length a person chooses.
            return min(state.heard_at + SILENT_START_S, since + START_LIMIT_S) + state.rules.patience_s
        case Stopped() | FallingBack() | Blocked():
            return None


# --- what an event changes ---------------------------------------------------------------------------------------


def _answer(state: State, event: Event, now: float) -> Turn:  # noqa: C901, PLR0912 -- one case an event
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
            assert isinstance(state.phase, Active)  # noqa: S101 -- or `_is_stale` would have dropped it
            return _report(replace(settle(state, now), heard_at=now), state.phase, event, now)
        case WantUp(now=override):
            return _want_up(state, now, override=override)
        case WantDown():
            stopped = replace(state, wanted=False, return_at=None, returning=False)
            return leave(stopped, Stopped(), released=True)
        case SwitchAsked():
            return _switch(state, event, now)
        case ReturnChecked(promising=promising, quiet=quiet):
            return _return(state, now, promising=promising, quiet=quiet)
        case ModemGone():
            return _gone(replace(state, present=False), now)
        case ModemBack():
            back = replace(state, present=True)
            if state.wanted and isinstance(state.phase, Waiting | Blocked):
                return new_round(back, now, _why(state.phase)), ()
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
            return not isinstance(state.phase, Active) or dial != state.memory.dial
        case _:
            return False


def _report(  # noqa: C901, PLR0912 -- one case a report
    state: State,
    phase: Active,
    event: BearerProgress
    | BearerLeased
    | BearerNeedsRepair
    | BearerUp
    | BearerDegraded
    | BearerRecovered
    | BearerFailed
    | BearerDown,
    now: float,
) -> Turn:
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
                return degrade(replace(state, phase=Degraded(kind, now, phase.lease, reason)), now)
            return state, ()
        case BearerNeedsRepair(reason=reason, step=died):
            if VERDICTS[kind, reason] is Verdict.REPAIR and state.rules.repair and not state.repaired:
                since = now if isinstance(phase, Online | Degraded) else phase.since
                repairing = replace(state, repaired=True, phase=Repairing(kind, since, reason))
                return repairing, (RepairBearer(kind, event.dial, reason),)
            return fail(state, kind, reason, now, local=_died_locally(state, died))
        case BearerFailed(reason=reason, step=died):
            return fail(state, kind, reason, now, local=_died_locally(state, died))
        case BearerDown():
            # A bearer that went down without a word; it is gone, so nothing has to be waited for.
            failed, actions = fail(state, kind, Reason.LINK_DROPPED, now, local=False)
            return replace(failed, going=None), actions


def _died_locally(state: State, step: Step) -> bool:
    """Whether the start ends before anything was sent to the network."""
    return step in LOCAL_STEPS and isinstance(state.phase, Connecting) and not state.asked


def _up(state: State, phase: Online, now: float) -> State:
    """Packets come back. A link that recovers keeps its time of return: one that flaps shall be left, not stayed on."""
    memory = replace(state.memory, last_good=phase.kind)
    returning = state.returning and phase.kind is state.rules.order[0]
    return_at = state.return_at if state.return_at is not None else _return_at(state, phase.kind, now)
    clean = replace(cleaned(state), phase=phase, memory=memory, refusals=0)
    return replace(clean, returning=returning, return_at=return_at)


def _asked_again(state: State, now: float) -> State:
    """Count a second dial within one start; the fallback's token pays where no other is left.

    Where there is none at all the bearer was told so: what it does on another port is its first dial.
    """
    ledger, budget = state.memory.ledger, state.rules.budget
    room = governor.has_room(ledger, budget, now)
    if not room and not ledger.reserved:
        return state
    return with_ledger(state, governor.spend(ledger, budget, now, from_reserve=not room))


def _without_idle_promise(state: State, event: Event) -> State:
    """Release a token that the last process promised, unless the link stands beside which it did."""
    if not isinstance(state.phase, Stopped) or isinstance(event, Adopted) or not state.memory.ledger.reserved:
        return state
    return with_ledger(state, governor.release(state.memory.ledger))


def _adopted(state: State, kind: BearerKind, dial: int, now: float) -> Turn:
    """Take over a link as if it had been started now; it cost nothing, so nothing can be given back."""
    if not isinstance(state.phase, Stopped) or state.going:
        return state, (StopBearer(kind, dial),)
    memory = replace(state.memory, dial=dial)
    taken = replace(cleaned(state), wanted=True, memory=memory, phase=Connecting(kind, now), heard_at=now)
    if not turns_left(taken, kind):
        taken = with_ledger(taken, governor.release(taken.memory.ledger))
    return replace(taken, asked=False, charged=False, repaired=False), ()


def _want_up(state: State, now: float, *, override: bool) -> Turn:
    """A link is wanted. The governor's waits are set aside only where one may be running."""
    asked = replace(state, wanted=True)
    match state.phase:
        case Waiting() if not override:
            return asked, ()
        case Stopped() | Blocked() | Waiting():
            if override:
                asked = with_ledger(asked, governor.override(asked.memory.ledger))
            return new_round(asked, now, _why(state.phase), first=getattr(state.phase, "then", None)), ()
        case _:
            return asked, ()


def _switch(state: State, asked: SwitchAsked, now: float) -> Turn:
    to, reason = asked.to, asked.reason
    if to not in state.rules.order or getattr(state.phase, "kind", None) is to or isinstance(state.phase, FallingBack):
        return state, ()
    if isinstance(state.phase, Active):
        # A link that works and is left because somebody wishes it has its turn again should the other one fail.
        kind, planned = state.phase.kind, isinstance(state.phase, Online) and reason is Reason.STOPPED
        state = settle(state, now)
        # A link is not given up for one that may not be tried yet.
        if leaving_at(state, tokens=2 if planned else 1) > now:
            return state, ()
        had = () if planned else (*state.round, Failure(kind, reason))
        return leave(replace(state, round=had, returning=False), FallingBack(to, now, reason))
    wanted = replace(state, wanted=True)
    if asked.now:
        wanted = with_ledger(wanted, governor.override(wanted.memory.ledger))
    return new_round(wanted, now, reason, first=to), ()


def _return(state: State, now: float, *, promising: bool, quiet: bool) -> Turn:
    first = state.rules.order[0]
    if not isinstance(state.phase, Online) or state.phase.kind is first:
        return state, ()
    if not promising:
        return replace(state, return_at=_return_at(state, state.phase.kind, now)), ()
    # The way there and the way back must both be paid for.
    afresh = with_ledger(state, governor.release(state.memory.ledger))
    if not quiet or permitted(afresh, now, tokens=2).at > now:
        return replace(state, return_at=now + QUIET_RETRY_S), ()
    return leave(replace(afresh, returning=True, return_at=None, round=()), FallingBack(first, now, None))


def _gone(state: State, now: float) -> Turn:
    waiting = Waiting(None, Reason.USB_DISCONNECT)
    match state.phase:
        case Connecting() | Verifying() | Online() | Degraded() | Repairing():
            return leave(settle(state, now), waiting, released=True)
        case FallingBack() | Waiting():
            return leave(state, waiting, released=True)
        case Stopped() | Blocked():
            return state, ()


def _backoff(state: State, until: float, now: float) -> Turn:
    waits = with_ledger(state, governor.back_off(state.memory.ledger, until, now))
    if isinstance(state.phase, Waiting) and state.phase.until is not None:
        permit = permitted(waits, now)
        if permit.at > state.phase.until:
            return replace(waits, phase=replace(state.phase, until=permit.at, rule=permit.why)), ()
    return waits, ()


def _tick(state: State, now: float) -> Turn:
    due = wake_at(state)
    if due is None or now < due:
        return state, ()
    match state.phase:
        case Online():
            state = settle(state, now)
            if state.return_at is None or now < state.return_at:
                return state, ()
            # Asked again soon should the answer never come.
            return replace(state, return_at=now + QUIET_RETRY_S), (CheckReturn(state.rules.order[0]),)
        case Degraded(held=True) as phase:
            return wait(*end(replace(state, paid=True), phase.kind), phase.reason, now)
        case Degraded():
            return degrade(state, now)
        case Connecting(kind=kind) | Verifying(kind=kind) | Repairing(kind=kind):
            reason = Reason.QMI_TIMEOUT if kind is BearerKind.QMI else Reason.MODEM_NOT_RESPONDING
            return give_up(state, kind, reason, now)
        case Waiting() | Stopped() | FallingBack() | Blocked():
            return state, ()


# --- small questions -----------------------------------------------------------------------------------------------


def _return_at(state: State, kind: BearerKind, now: float) -> float | None:
    after = state.rules.failback_after_s
    if not after or kind is state.rules.order[0]:
        return None
    # 2**32 is far beyond any limit, and a damaged memory may say more.
    return now + min(after * 2.0 ** min(state.memory.failed_returns, 32), max(after, LONGEST_RETURN_S))


def _why(phase: Phase) -> Reason:
    return phase.why if isinstance(phase, Waiting | Blocked) else Reason.NONE


def _headline(phase: Phase) -> tuple[object, ...]:
    """What makes a phase a new one for people: its name, whom it is about, under which address it is reached."""
    kind = getattr(phase, "kind", None) or getattr(phase, "to", None)
    address = phase.lease.address if isinstance(phase, Online) else None
    return (type(phase), kind, getattr(phase, "why", None), getattr(phase, "held", None), address)


def _decided(before: State, after: State, event: Event) -> Decided:
    """Name what was decided: the reason is the event's, or what an event without one (a Tick) was taken for."""
    reason = getattr(event, "reason", None)
    if reason is None and isinstance(before.phase, Active):
        reason = getattr(after.phase, "why", None)
    kind = getattr(before.phase, "kind", None)
    judged = isinstance(event, BearerFailed | BearerDegraded | BearerNeedsRepair | BearerDown | Tick)
    verdict = VERDICTS.get((kind, reason), "") if judged and kind and reason else ""
    return Decided(before.phase, after.phase, after.memory.dial, reason, str(verdict))
