"""What `pppgen status` tells, as a value: made from the policy's state and from what the bearers reported. Pure.

No identifier of a SIM, a modem, a person or a place is in it: the file it goes to is readable by all.
"""

from dataclasses import dataclass, field, replace

from pppgen.model import BearerKind, Lease, Reason, Registration, Signal
from pppgen.policy.chronicle import Moment, scrubbed
from pppgen.policy.sentences import phase_name, sentence, spending
from pppgen.policy.state import Connecting, Degraded, Online, Repairing, State, Verifying, Waiting
from pppgen.reports import BearerFailed, BearerProgress, BearerReport, BearerUp, RadioSeen, Step

VERSION = 1
LAST = 5
"""Failures remembered, the newest first."""


@dataclass(frozen=True, slots=True)
class Past:
    """One failure that was: when (CLOCK_BOOTTIME), on what, why, at which step."""

    at: float
    bearer: BearerKind
    reason: Reason
    step: Step


@dataclass(frozen=True, slots=True)
class Seen:
    """What the reports told besides the policy's own state."""

    dial: int = 0
    step: Step | None = None
    note: str = ""
    step_since: float = 0.0
    port: str = ""
    signal: Signal = field(default_factory=Signal)
    registrations: tuple[Registration, ...] = ()
    last: tuple[Past, ...] = ()


def note(seen: Seen, report: BearerReport, now: float) -> Seen:
    """Return what is known after `report`.

    >>> note(Seen(), BearerProgress(1, BearerKind.PPP, Step.LCP), 5.0).step
    <Step.LCP: 'lcp'>
    """
    if report.dial > seen.dial:
        seen = replace(seen, dial=report.dial, step=None, note="", port="", step_since=now)
    match report:
        case BearerProgress(step=step, note=said):
            since = seen.step_since if step is seen.step else now
            return replace(seen, step=step, note=scrubbed(said), step_since=since)
        case BearerUp(port=port):
            return replace(seen, port=port, step=None, note="")
        case RadioSeen(signal=signal, registrations=registrations) if signal.usable or registrations:
            # Area and cell say where the modem is: nobody's business who may read the status.
            told = tuple(replace(one, area="", cell="") for one in registrations)
            return replace(seen, signal=signal, registrations=told)
        case BearerFailed(kind=kind, reason=reason, step=step):
            return replace(seen, last=(Past(now, kind, reason, step), *seen.last)[:LAST])
        case _:
            return seen


def as_json(state: State, seen: Seen, at: Moment) -> dict[str, object]:
    """Return the status as its JSON object; times are CLOCK_BOOTTIME, `at` is when it was written."""
    phase = state.phase
    lease: Lease | None = getattr(phase, "lease", None)
    kind: BearerKind | None = getattr(phase, "kind", None) or getattr(phase, "to", None)
    under_way = isinstance(phase, Connecting | Verifying | Repairing)
    reason: Reason | None = getattr(phase, "why", None) or getattr(phase, "reason", None)
    spent, allowed = spending(state.memory.ledger, state.rules.budget, at.boottime)
    return {
        "version": VERSION,
        "phase": phase_name(phase),
        "sentence": sentence(phase, at.boottime),
        "bearer": kind,
        "since": getattr(phase, "since", None),
        "dial": state.memory.dial,
        "step": seen.step if under_way else None,
        "step_since": seen.step_since if under_way and seen.step else None,
        "note": seen.note if under_way else "",
        "reason": None if reason in {None, Reason.NONE} else reason,
        "interface": lease.interface if lease else "",
        "address": lease.address if lease else "",
        "dns": list(lease.dns) if lease else [],
        "port": seen.port if isinstance(phase, Online | Degraded) else "",
        "next_attempt": phase.until if isinstance(phase, Waiting) else None,
        "return_at": state.return_at,
        "return_to": state.rules.order[0] if state.return_at is not None else None,
        "wanted": state.wanted,
        "modem_present": state.present,
        "order": list(state.rules.order),
        "attempts": {"spent": spent, "allowed": allowed, "window_s": state.rules.budget.window_s},
        "signal": _signal(seen.signal),
        "registrations": [{"domain": one.domain, "stat": one.stat.value, "act": one.act} for one in seen.registrations],
        "last": [
            {"at": one.at, "bearer": one.bearer.value, "reason": one.reason.value, "step": one.step.value}
            for one in seen.last
        ],
        "written": {"wall": round(at.wall, 3), "boottime": round(at.boottime, 3), "boot": at.boot},
    }


def _signal(signal: Signal) -> dict[str, object]:
    return {
        "rat": signal.rat,
        "rssi_dbm": signal.rssi_dbm,
        "rsrp_dbm": signal.rsrp_dbm,
        "rsrq_db": signal.rsrq_db,
        "sinr_db": signal.sinr_db,
    }
