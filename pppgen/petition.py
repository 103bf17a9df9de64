"""What a request means to the policy, and what whoever asked is told. Pure; the door and `pppgen up` share it."""

from pppgen.errors import BadValue, ExitCode, PppgenError
from pppgen.model import BearerKind, Reason
from pppgen.policy import governor
from pppgen.policy.sentences import NAMES, rule_words, sentence, span
from pppgen.policy.state import (
    Connecting,
    Degraded,
    Event,
    FallingBack,
    Online,
    Repairing,
    State,
    Stopped,
    SwitchAsked,
    Verifying,
    Waiting,
    WantDown,
    WantUp,
)
from pppgen.requests import Confirm, Down, Events, Failback, Failover, Request, Status, Up


class NotWanted(PppgenError):
    """The link was put down: a switch would raise it again."""

    exit = ExitCode.DIAL_FAILED
    code = "not-wanted"


class TooEarly(PppgenError):
    """The carrier's limits forbid an attempt yet."""

    exit = ExitCode.DIAL_FAILED
    code = "too-early"


_KEPT = frozenset({governor.Why.GAP, governor.Why.BUDGET})


def event_of(request: Request, state: State) -> Event | None:
    """Return what a request asks of the policy in this state; None for one that changes nothing.

    >>> from pppgen.policy.state import Rules
    >>> event_of(Failover(), State(Rules()))    # nobody wants a link, so a hook that comes late starts none
    >>> event_of(Up(), State(Rules()))
    WantUp(now=False)
    """
    match request:
        case Up(bearer=None, now=now):
            return WantUp(now)
        case Up(bearer=bearer, now=now) if bearer is not None:
            return SwitchAsked(bearer, now=now)
        case Down():
            return WantDown()
        case Failover(reason=text) if state.wanted:
            to = _next(request, state)
            return SwitchAsked(to, reason_of(text)) if to else None
        case Failback() if state.wanted:
            return SwitchAsked(state.rules.order[0])
        case _:
            return None


def reason_of(text: str) -> Reason:
    """Return the reason that a text names by its slug; a person's own words are `stopped`: somebody asked.

    >>> reason_of("no-dhcp-lease"), reason_of("the lease went away")
    (<Reason.NO_DHCP_LEASE: 'no-dhcp-lease'>, <Reason.STOPPED: 'stopped'>)
    """
    return Reason(text) if text in list(Reason) else Reason.STOPPED


def answer_to(request: Request, before: State, after: State, now: float) -> str:
    """Return the sentence for whoever asked.

    Raises:
        PppgenError: what was asked cannot be; nothing has changed.
    """
    match request:
        case Up():
            return _up(request, before, after, now)
        case Failover() | Failback():
            return _switched(request, before, after, now)
        case Confirm():
            return "Confirmed: the link stays."
        case Status() | Down() | Events():
            return sentence(after.phase, now)


def _next(request: Failover, state: State) -> BearerKind | None:
    """Return the bearer to go to: as asked, or the one behind the present one in the order.

    From the last one that is the first again, but only where the last one has had its turn: a second wish for the same
    switch must not turn it round.
    """
    if request.to is not None:
        return request.to
    order, phase = state.rules.order, state.phase
    if len(order) == 1:
        return None
    match phase:
        case Connecting(kind=kind) | Verifying(kind=kind) | Repairing(kind=kind):
            return order[min(order.index(kind) + 1, len(order) - 1)]
        case Online(kind=kind) | Degraded(kind=kind):
            return order[(order.index(kind) + 1) % len(order)]
        case FallingBack(to=to):
            return to
        case _:
            return order[0]


def _up(request: Up, before: State, after: State, now: float) -> str:
    if request.bearer is not None:
        said = _reached(request.bearer, before, after, now)
    elif isinstance(before.phase, Online):
        return f"Nothing to do. {sentence(after.phase, now)}"
    else:
        said = sentence(after.phase, now)
    match before.phase:
        case Waiting(until=until, rule=rule) if request.now and until is not None and until > now:
            if rule in _KEPT:
                return f"This wait is the carrier's rule, which --now keeps. {said}"
            return f"Set aside: {span(until - now)}{rule_words(rule)}. {said}"
        case _:
            return said


def _switched(request: Failover | Failback, before: State, after: State, now: float) -> str:
    if isinstance(before.phase, Stopped) or not before.wanted:
        raise NotWanted("nobody wants a link, so there is nothing to switch", hint="sudo pppgen up")
    to = before.rules.order[0] if isinstance(request, Failback) else _next(request, before)
    if to is None:
        raise BadValue("there is no other bearer in the order", hint="bearers = … in /etc/pppgen/pppgen.toml")
    return _reached(to, before, after, now)


def _reached(to: BearerKind, before: State, after: State, now: float) -> str:
    if to not in before.rules.order:
        names = ", ".join(before.rules.order)
        raise BadValue(f"{to} is not in the bearer order ({names})", hint="bearers = … in /etc/pppgen/pppgen.toml")
    if getattr(before.phase, "kind", None) is to:
        return f"Nothing to do. {sentence(after.phase, now)}"
    if isinstance(before.phase, FallingBack):
        return f"A switch is under way. {sentence(after.phase, now)}"
    if after.phase == before.phase:
        permit = governor.permit(before.memory.ledger, before.rules.budget, now)
        wait = f"in {span(permit.at - now)}{rule_words(permit.why)}"
        raise TooEarly(f"{NAMES[to]} may be tried {wait}; a link is not given up for a wait", hint="pppgen status")
    return sentence(after.phase, now)
