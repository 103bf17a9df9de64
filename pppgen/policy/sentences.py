"""The policy's phases and decisions in people's words; pure, times come in."""

from math import ceil

from pppgen.causes import cause
from pppgen.model import BearerKind, Reason
from pppgen.policy.governor import Budget, Ledger, Why
from pppgen.policy.state import (
    Blocked,
    Connecting,
    Degraded,
    FallingBack,
    Online,
    Phase,
    Repairing,
    Stopped,
    Verifying,
    Waiting,
)
from pppgen.reports import Step

NAMES: dict[BearerKind, str] = {BearerKind.QMI: "QMI", BearerKind.PPP: "PPP"}

DOING: dict[Step, str] = {
    Step.PORT_OPEN: "opening the port",
    Step.CHAT: "dialling",
    Step.LCP: "agreeing on the line",
    Step.AUTH: "showing user and password",
    Step.IPCP: "asking for an address",
    Step.DEVICE: "asking the modem whether it is there",
    Step.SIM: "looking at the SIM",
    Step.REGISTRATION: "looking at the registration",
    Step.FRAMING: "comparing the frames of modem and kernel",
    Step.CALL: "starting the data call",
    Step.LEASE: "waiting for an address",
    Step.ROUTE: "setting the default route",
    Step.DNS: "telling the name servers",
    Step.TRAFFIC: "waiting for packets to come back",
}

_PHASES: dict[type[Phase], str] = {
    Stopped: "stopped",
    Connecting: "connecting",
    Verifying: "verifying",
    Online: "online",
    Degraded: "degraded",
    Repairing: "repairing",
    FallingBack: "falling-back",
    Waiting: "waiting",
    Blocked: "blocked",
}

PHASE_NAMES = tuple(_PHASES.values())
"""Every phase's name, in the order in which state.py has them."""


def phase_name(phase: Phase) -> str:
    """Return the word for a phase.

    >>> phase_name(FallingBack(BearerKind.PPP, 0.0, None))
    'falling-back'
    """
    return _PHASES[type(phase)]


def why(reason: Reason) -> str:
    """Return a reason as the second half of a sentence, with its slug.

    >>> why(Reason.PORT_BUSY)
    'another process holds the port (port-busy)'
    """
    said = cause(reason).sentence.removesuffix(".")
    first, rest = said[:1], said.split(" ", 1)[0][1:]
    # "PPP" and "ModemManager" keep their capitals; an ordinary word at the beginning loses its one.
    if rest == rest.lower():
        said = first.lower() + said[1:]
    return f"{said} ({reason.value})"


def span(seconds: float) -> str:
    """Return a time for people, rounded up, so that "in 1 s" is never a lie.

    >>> span(0.2), span(59.2), span(61), span(900), span(5400), span(90000)
    ('1 s', '60 s', '2 min', '15 min', '1 h 30 min', '1 d 1 h')
    """
    whole = max(1, ceil(seconds))
    if whole <= 60:
        return f"{whole} s"
    minutes = ceil(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def sentence(phase: Phase, now: float) -> str:
    """Return where the link stands.

    >>> sentence(Connecting(BearerKind.QMI, 0.0, Step.LEASE), 3.0)
    'Connecting over QMI: waiting for an address.'
    >>> sentence(Waiting(100.0, Reason.NO_SIGNAL, "delay"), 40.0)
    'Waiting 60 s, the pause after a failed round: the modem sees no usable cell (no-signal).'
    """
    match phase:
        case Stopped():
            return "Stopped: nobody wants a link."
        case Connecting(kind=kind, step=step):
            return f"Connecting over {NAMES[kind]}{': ' + DOING[step] if step else ''}."
        case Verifying(kind=kind, lease=lease):
            return f"{NAMES[kind]} gave {lease.address} on {lease.interface}; waiting for packets to come back."
        case Online(kind=kind, lease=lease):
            return f"Online over {NAMES[kind]}: {lease.address} on {lease.interface}."
        case Degraded(kind=kind, reason=reason, held=held):
            standing = "is as silent as the others were, so nothing is switched" if held else "stands, and nothing more"
            return f"Degraded: {NAMES[kind]} {standing}: {why(reason)}."
        case Repairing(kind=kind, reason=reason):
            return f"Repairing {NAMES[kind]}: {why(reason)}."
        case FallingBack(to=to, why=reason):
            return _changing(to, reason)
        case Waiting():
            return _waiting(phase, now)
        case Blocked(why=reason):
            return f"Blocked until a person acts: {why(reason)}."


def _changing(to: BearerKind, reason: Reason | None) -> str:
    if reason is None:
        return f"Going back to {NAMES[to]}."
    if reason is Reason.STOPPED:
        return f"Changing to {NAMES[to]}, as asked."
    return f"Falling back to {NAMES[to]}: {why(reason)}."


def _waiting(phase: Waiting, now: float) -> str:
    because = "" if phase.why in {Reason.NONE, Reason.STOPPED} else f": {why(phase.why)}"
    if phase.until is None:
        return f"Waiting for the modem to come back to its USB port{because}."
    if phase.until <= now:
        return f"About to try{because and ' again'}{because}."
    return f"Waiting {span(phase.until - now)}{rule_words(phase.rule)}{because}."


_RULES: dict[str, str] = {
    Why.GAP: ", the least distance of two attempts",
    Why.DELAY: ", the pause after a failed round",
    Why.BUDGET: ", the carrier's limit of attempts being reached",
    Why.MODEM_BACKOFF: ", the modem's own back-off",
}


def rule_words(rule: str) -> str:
    """Return which of the governor's rules makes an attempt wait, as an apposition; empty for none.

    >>> rule_words("gap")
    ', the least distance of two attempts'
    """
    return _RULES.get(rule, "")


def spending(ledger: Ledger, budget: Budget, now: float) -> tuple[int, int]:
    """Return how many attempts of the window are spent, and how many it has.

    >>> spending(Ledger(spent=(0.0, 3000.0)), Budget(10, 3600.0), 4000.0)
    (1, 10)
    """
    return sum(at > now - budget.window_s for at in ledger.spent), budget.attempts
