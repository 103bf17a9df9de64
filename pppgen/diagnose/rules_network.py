"""Rules about the SIM, the network and the signal, and what pppgen's own bearers reported."""

import re

from pppgen.diagnose.case import Answer, Case, Confidence, say
from pppgen.diagnose.story import Sighting
from pppgen.model import Reason, RegistrationStat, SimState
from pppgen.programs.events import Kind


def reported(case: Case) -> Answer:
    """What pppgen's own bearer gave as its reason; it looked before it spoke."""
    last = case.record.last(Kind.REPORTED)
    return None if last is None else say(Reason(last.value), Confidence.HIGH, last)


def sim(case: Case) -> Answer:
    """The last word on the SIM, unless the modem registered or called with it afterwards."""
    last = case.world.last(Kind.SIM)
    if last is None:
        return None
    causes = {
        SimState.ABSENT: Reason.SIM_MISSING,
        SimState.PIN: Reason.SIM_PIN,
        SimState.PUK: Reason.SIM_PUK,
        SimState.NETWORK_LOCK: Reason.NETWORK_LOCK,
    }
    state = SimState(last.value) if last.value in set(SimState) else SimState.UNKNOWN
    cause = causes.get(state)
    if cause is None:
        return None
    if cause is Reason.SIM_PIN and _pin_was_taken(case, last):
        return None
    said = [sighting for sighting in case.world.of(Kind.SIM) if sighting.value == last.value]
    return say(cause, Confidence.HIGH, said[:3], case.world.last(Kind.UNLOCK_NEEDED))


def _pin_was_taken(case: Case, asked: Sighting) -> bool:
    """Whether the PIN was given afterwards and the modem said OK to it."""
    given = case.world.last(Kind.PIN_GIVEN)
    if given is None or given.line < asked.line:
        return False
    answer = next((said for said in case.world.of(Kind.GOT_IT, Kind.AT_ERROR) if said.line > given.line), None)
    return answer is not None and answer.kind is Kind.GOT_IT


def last_stats(case: Case) -> dict[str, Sighting]:
    """Return the last registration of each domain."""
    return {sighting.value.partition(" ")[0]: sighting for sighting in case.world.of(Kind.REGISTRATION)}


def is_registered(case: Case) -> bool:
    """Whether the last word of any domain is home or roaming."""
    stats = {sighting.value.partition(" ")[2] for sighting in last_stats(case).values()}
    return bool(stats & {RegistrationStat.HOME, RegistrationStat.ROAMING})


def denied(case: Case) -> Answer:
    """A registration that the network refuses, in no domain granted."""
    found = [
        sighting
        for sighting in last_stats(case).values()
        if sighting.value.partition(" ")[2] == RegistrationStat.DENIED
    ]
    if not found or is_registered(case):
        return None
    return say(Reason.REGISTRATION_DENIED, Confidence.HIGH, found, case.down)


def no_signal(case: Case) -> Answer:
    """No cell is seen at all, and nothing is registered."""
    last = case.world.last(Kind.NO_SIGNAL, Kind.SIGNAL)
    if last is None or last.kind is Kind.SIGNAL or is_registered(case) or case.world.last(Kind.ATTACHED) is not None:
        return None
    return say(
        Reason.NO_SIGNAL, Confidence.MEDIUM, case.world.of(Kind.NO_SIGNAL)[:2], last_stats(case).values(), case.down
    )


def not_registered(case: Case) -> Answer:
    """Known registrations without one that is granted, or words that say so."""
    missing = case.record.of(Kind.NETWORK_MISSING)
    attached = case.world.last(Kind.ATTACHED, Kind.DETACHED)
    if missing and not (attached is not None and attached.kind is Kind.ATTACHED):
        return say(Reason.NOT_REGISTERED, Confidence.HIGH, missing[:2], last_stats(case).values(), case.down)
    if is_registered(case):
        return None
    stats = last_stats(case).values()
    words = {sighting.value.partition(" ")[2] for sighting in stats}
    absent = {RegistrationStat.NOT_REGISTERED, RegistrationStat.SEARCHING, RegistrationStat.LIMITED}
    if words & absent:
        return say(Reason.NOT_REGISTERED, Confidence.HIGH, stats, case.down)
    if attached is not None and attached.kind is Kind.DETACHED:
        return say(Reason.NOT_REGISTERED, Confidence.MEDIUM, attached, case.down)
    step = case.record.last(Kind.MANAGER_STEP)
    if step is not None and re.search(r"[Rr]egist|attach", step.value) and case.record.has(Kind.CONNECT_FAILED):
        return say(Reason.NOT_REGISTERED, Confidence.MEDIUM, step, stats, case.record.last(Kind.CONNECT_FAILED))
    if words == {RegistrationStat.UNKNOWN} and case.record.has(Kind.CONNECT_FAILED, Kind.DIAL_TIMED_OUT):
        return say(Reason.NOT_REGISTERED, Confidence.LOW, stats, case.down)
    return None


def searching_dial(case: Case) -> Answer:
    """A packet dial that is answered by silence, then by ERROR: the modem looks for a network all the while."""
    timed_out = case.world.last(Kind.DIAL_TIMED_OUT)
    refused = case.record.last(Kind.DIAL_REFUSED)
    dialled = case.world.last(Kind.DIALLING)
    if timed_out is None or refused is None or dialled is None or "*" not in dialled.value:
        return None
    chosen = [sent for sent in case.world.of(Kind.COMMAND_SENT) if "+COPS=" in sent.value.upper()]
    return say(Reason.NOT_REGISTERED, Confidence.LOW, timed_out, refused, chosen[:1])
