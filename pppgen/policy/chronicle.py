"""What happened, as lines: one `Entry` a report, request or decision; pure.

The journal keeps them, the doors send them: the journal's file, `pppgen events`, `pppgen up --json` and the control
socket's `events` all speak this one form.
Nothing in an entry names a person, a SIM or a modem: `scrubbed` takes such words out of what programs said.
"""

import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from pppgen.model import BearerKind, Lease, Reason
from pppgen.policy.sentences import phase_name, sentence
from pppgen.policy.state import Decided, Waiting
from pppgen.reports import (
    BearerDegraded,
    BearerDown,
    BearerFailed,
    BearerLeased,
    BearerNeedsRepair,
    BearerProgress,
    BearerRecovered,
    BearerReport,
    BearerUp,
    RadioSeen,
    Step,
    StepTime,
)

_Word = TypeVar("_Word", bound=StrEnum)

VERSION = 1
TEXT_MAX = 300
"""Characters of one text; a longer line of a program proves nothing more."""
EVIDENCE_MAX = 12
"""Lines of evidence kept; the readers collect fewer."""


class Kind(StrEnum):
    """What an entry tells."""

    RUN = "run"  # a supervisor begins or ends
    ASKED = "asked"  # a door was asked for something
    STEP = "step"
    LEASE = "lease"
    REPAIR = "repair"
    UP = "up"
    DEGRADED = "degraded"
    RECOVERED = "recovered"
    FAILED = "failed"
    DOWN = "down"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class Moment:
    """When: UTC seconds for people, CLOCK_BOOTTIME for durations, and which boot that belongs to."""

    wall: float
    boottime: float
    boot: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `seconds` is how long what ended here had lasted: a phase, or a bring-up."""

    kind: Kind
    at: Moment
    dial: int = 0
    bearer: BearerKind | None = None
    step: Step | None = None
    reason: Reason | None = None
    verdict: str = ""
    before: str = ""
    phase: str = ""
    seconds: float | None = None
    wait_s: float | None = None
    interface: str = ""
    address: str = ""
    text: str = ""
    evidence: tuple[str, ...] = ()
    steps: tuple[StepTime, ...] = ()


_LONGEST_S = 1e11  # three thousand years
_LONG_NUMBER = re.compile(r"(?<![\d.])\d{14,22}(?![\d.])")  # IMEI and IMSI have 15 digits, an ICCID 19 or 20
_CREDENTIALS = re.compile(
    r"""(?ix) (\b(?:password|passwd|secret|user(?:name)?|name)\b \s* [=:]? \s*)
        (?: "[^"]*" | '[^']*' | <[^>]*> | (?<==)\S+ )"""
)
_AUTH_COMMAND = re.compile(r"(?i)(\+(?:CGAUTH|QICSGP|XGAUTH|UAUTHREQ)|\$QCPDPP|\^AUTHDATA)\s*[=:].*")
_LOCATED = re.compile(r'(?i)(\+C(?:E|G)?REG: \d(?:,\d)?),"[^"]*","[^"]*"')


def scrubbed(text: str) -> str:
    """Return a program's line without what names a SIM, a modem, a user or a place; bounded and printable.

    >>> scrubbed('rcvd +CIMI 310260123456789, sent [PAP AuthReq user="me" password="x"]')
    'rcvd +CIMI …, sent [PAP AuthReq user=… password=…]'
    >>> scrubbed('AT+QICSGP=1,1,"apn","me","secret",1'), scrubbed("from 10.64.64.64")
    ('AT+QICSGP=…', 'from 10.64.64.64')
    """
    text = "".join(char if char.isprintable() else " " for char in text[: 4 * TEXT_MAX])
    text = _AUTH_COMMAND.sub(r"\1=…", text)
    text = _CREDENTIALS.sub(r"\1…", text)
    text = _LOCATED.sub(r"\1,…", text)
    return _LONG_NUMBER.sub("…", text)[:TEXT_MAX]


def of_report(report: BearerReport, at: Moment) -> Entry | None:
    """Return the line of a bearer's report; None for what is only of the moment (the signal)."""
    entry = Entry(Kind.STEP, at, report.dial, report.kind)
    match report:
        case BearerProgress(step=step, note=note):
            return replace(entry, step=step, text=scrubbed(note))
        case BearerLeased(lease=lease):
            return _leased(replace(entry, kind=Kind.LEASE), lease)
        case BearerNeedsRepair(reason=reason, step=step, evidence=evidence):
            return replace(entry, kind=Kind.REPAIR, reason=reason, step=step, evidence=_evidence(evidence))
        case BearerUp(lease=lease, steps=steps):
            return replace(_leased(entry, lease), kind=Kind.UP, steps=steps, seconds=_total(steps))
        case BearerDegraded(reason=reason, evidence=evidence):
            return replace(entry, kind=Kind.DEGRADED, reason=reason, evidence=_evidence(evidence))
        case BearerRecovered():
            return replace(entry, kind=Kind.RECOVERED)
        case BearerFailed(reason=reason, step=step, evidence=evidence, steps=steps):
            return replace(
                entry,
                kind=Kind.FAILED,
                reason=reason,
                step=step,
                evidence=_evidence(evidence),
                steps=steps,
                seconds=_total(steps),
            )
        case BearerDown(leftover=leftover):
            return replace(entry, kind=Kind.DOWN, evidence=_evidence(leftover))
        case RadioSeen():
            return None


def of_decision(decision: Decided, at: Moment, cause: Entry | None = None) -> Entry:
    """Return the line of a decision; `cause` is the failure that led to it, whose step and evidence belong to it."""
    before, after = decision.before, decision.after
    since = getattr(before, "since", None)
    lease = getattr(after, "lease", None)
    until = after.until if isinstance(after, Waiting) else None
    entry = Entry(
        Kind.DECISION,
        at,
        decision.dial,
        _bearer(after) or _bearer(before),
        reason=decision.reason or getattr(after, "why", None),
        verdict=decision.verdict,
        before=phase_name(before),
        phase=phase_name(after),
        seconds=None if since is None else round(at.boottime - since, 3),
        wait_s=None if until is None else round(max(0.0, until - at.boottime), 1),
        text=sentence(after, at.boottime),
    )
    if isinstance(lease, Lease):
        entry = _leased(entry, lease)
    if cause is not None and cause.reason is decision.reason:
        entry = replace(entry, step=cause.step, evidence=cause.evidence)
    return entry


def _bearer(phase: object) -> BearerKind | None:
    found = getattr(phase, "kind", None) or getattr(phase, "to", None)
    return found if isinstance(found, BearerKind) else None


def _leased(entry: Entry, lease: Lease) -> Entry:
    return replace(entry, interface=lease.interface, address=lease.address)


def _evidence(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(scrubbed(line) for line in lines[:EVIDENCE_MAX])


def _total(steps: tuple[StepTime, ...]) -> float | None:
    return round(sum(one.seconds for one in steps), 3) if steps else None


# --- as text -------------------------------------------------------------------------------------------------------


def as_json(entry: Entry) -> dict[str, object]:
    """Return the entry as its JSON object; what is empty is left out, so that a line stays short."""
    whole: dict[str, object] = {
        "v": VERSION,
        "kind": entry.kind.value,
        "wall": round(entry.at.wall, 3),
        "boottime": round(entry.at.boottime, 3),
        "boot": entry.at.boot,
        "dial": entry.dial,
        "bearer": entry.bearer,
        "step": entry.step,
        "reason": entry.reason,
        "verdict": entry.verdict,
        "before": entry.before,
        "phase": entry.phase,
        "seconds": entry.seconds,
        "wait_s": entry.wait_s,
        "interface": entry.interface,
        "address": entry.address,
        "text": entry.text,
        "evidence": list(entry.evidence),
        "steps": [{"step": one.step.value, "seconds": round(one.seconds, 3)} for one in entry.steps],
    }
    return {key: value for key, value in whole.items() if value not in (None, "", [])}


def dump(entry: Entry) -> str:
    """Return the entry as one line, with its end."""
    return json.dumps(as_json(entry), ensure_ascii=False, separators=(",", ":")) + "\n"


def load(line: str | bytes) -> Entry:
    """Return the entry of a line that `dump`, also a newer one, wrote; unknown keys are passed over.

    Raises:
        ValueError: damaged, or not an entry.
    """
    try:
        return from_json(json.loads(line))
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def from_json(found: Any) -> Entry:  # noqa: ANN401 -- what JSON holds
    """Return the entry of an object; raise ValueError for one that is none."""
    try:
        return Entry(
            kind=Kind(found["kind"]),
            at=Moment(_figure(found["wall"]), _figure(found["boottime"]), str(found.get("boot", ""))[:36]),
            dial=int(found.get("dial", 0)),
            bearer=_one_of(BearerKind, found.get("bearer")),
            step=_one_of(Step, found.get("step")),
            reason=_one_of(Reason, found.get("reason")),
            verdict=_text(found.get("verdict")),
            before=_text(found.get("before")),
            phase=_text(found.get("phase")),
            seconds=_number(found.get("seconds")),
            wait_s=_number(found.get("wait_s")),
            interface=_text(found.get("interface")),
            address=_text(found.get("address")),
            text=_text(found.get("text")),
            evidence=tuple(_text(line) for line in found.get("evidence", ())[:EVIDENCE_MAX]),
            steps=tuple(StepTime(Step(one["step"]), _figure(one["seconds"])) for one in found.get("steps", ())),
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _one_of(words: type[_Word], found: object) -> _Word | None:
    return None if found is None else words(str(found))


def _text(found: object) -> str:
    return "" if found is None else str(found)[:TEXT_MAX]


def _number(found: object) -> float | None:
    return None if found is None else _figure(found)


def _figure(found: Any) -> float:  # noqa: ANN401 -- what JSON holds
    """Return seconds; Python's JSON lets NaN and Infinity in, and no clock shows a time so far away."""
    figure = float(found)
    if not abs(figure) <= _LONGEST_S:
        raise ValueError(f"{figure} is no time")
    return figure
