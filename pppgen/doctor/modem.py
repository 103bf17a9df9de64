"""The modem's rungs: the card, the network, the radio, and what the APN would do."""

from collections.abc import Callable

from pppgen.apn import NotADatabase, proposals
from pppgen.at.reading import Reading, obstacle
from pppgen.attach import Attach, attach_risk, other_cid, plain_apn
from pppgen.causes import cause
from pppgen.config import Config, Link, Profile
from pppgen.doctor.facts import Asked, Facts, Missing
from pppgen.doctor.verdict import Answer, Verdict, missing, ok
from pppgen.model import Reason, SimState
from pppgen.modems.catalog import Dialect

_Questions = Callable[[Dialect], tuple[str, ...]]
_Judge = Callable[[Facts], Answer]
_NETWORK = frozenset({Reason.NOT_REGISTERED, Reason.REGISTRATION_DENIED, Reason.NO_SIGNAL})
_CARDS = {
    SimState.ABSENT: Reason.SIM_MISSING,
    SimState.PIN: Reason.SIM_PIN,
    SimState.PUK: Reason.SIM_PUK,
    SimState.NETWORK_LOCK: Reason.NETWORK_LOCK,
}
_PIN_TRIES = 3  # what a card starts with (ETSI TS 102 221 9.5.1 leaves it to the issuer; three is what they give)
# Where a link becomes slow or breaks; a network's own edge is near -120 dBm (3GPP TS 36.133 reports -140..-44).
_WEAK_RSRP_DBM = -115
_WEAK_RSSI_DBM = -101
_NOISY_SINR_DB = 0


def _read(facts: Facts) -> Reading | Answer:
    """Return what the modem said, or the answer of every rung that needs it."""
    if isinstance(facts.asked, Missing):
        return missing(facts.asked)
    if facts.asked.modem is None:
        return Answer(Verdict.UNKNOWN, "the modem could not be asked: see `AT port`")
    return missing(facts.asked.reading) if isinstance(facts.asked.reading, Missing) else facts.asked.reading


def _heard(facts: Facts) -> tuple[Reading | Answer, str]:
    """Return what the modem said, else what the supervisor heard of it last, and a remark that says so.

    A modem with one AT port cannot be asked while pppd has it.
    """
    reading = _read(facts)
    if isinstance(reading, Answer) and isinstance(facts.heard, Reading):
        return facts.heard, " (as the supervisor heard it last)"
    return reading, ""


_PATIENTLY = ("sudo pppgen doctor --patient    # waits for all answers",)


def _answer_s(facts: Facts) -> float:
    return facts.asked.answer_s if isinstance(facts.asked, Asked) else 0.0


def _unasked(facts: Facts, reading: Reading, *questions: _Questions) -> Answer | None:
    """Return that one of these questions was not asked for want of time, `None` where all were."""
    asked = dict.fromkeys(command for some in questions for command in some(_dialect(facts)))
    left = [command for command in asked if command and command in reading.unasked]
    if not left:
        return None
    seen = f"not asked: the modem takes {_answer_s(facts):.1f} s for an answer"
    return Answer(Verdict.UNKNOWN, seen, (f"not sent: {' '.join(left)}",), _PATIENTLY)


def _dialect(facts: Facts) -> Dialect:
    family = facts.asked.family if isinstance(facts.asked, Asked) else None
    return family.dialect if family is not None else Dialect()


def _card(_dialect: Dialect) -> tuple[str, ...]:
    return ("AT+CPIN?",)


def _tries(dialect: Dialect) -> tuple[str, ...]:
    return (dialect.pin_tries,)


def _radio(_dialect: Dialect) -> tuple[str, ...]:
    return ("AT+CFUN?",)


def _domains(dialect: Dialect) -> tuple[str, ...]:
    return tuple(f"AT+{domain.upper()}?" for domain in dialect.registrations)


def _strength(dialect: Dialect) -> tuple[str, ...]:
    return dialect.signal


def _subscriber(dialect: Dialect) -> tuple[str, ...]:
    return ("AT+CIMI", dialect.iccid)


def _contexts(_dialect: Dialect) -> tuple[str, ...]:
    return ("AT+CGCONTRDP", "AT+CGDCONT?")


_JUDGED: list[_Questions] = []
"""What the rungs below judge; the rest of a reading is for other commands."""


def _judges(*questions: _Questions) -> Callable[[_Judge], _Judge]:
    """Mark a rung with the questions whose answers it judges: `answers` tells of those that were not asked."""
    _JUDGED.extend(questions)
    return lambda rung: rung


def answers(facts: Facts) -> Answer:
    """How fast the modem answers: a slow one is not asked everything, and setup and a dial wait for it too."""
    reading = _read(facts)
    if isinstance(reading, Answer):
        return reading
    dialect, pace = _dialect(facts), _answer_s(facts)
    judged = {command for questions in _JUDGED for command in questions(dialect)}
    left = [command for command in reading.unasked if command in judged]
    if not left:
        return ok(f"{pace * 1000:.0f} ms each")
    seen = f"slow: {pace:.1f} s each, so {len(left)} question{'s were' if len(left) > 1 else ' was'} not asked"
    return Answer(Verdict.WARN, seen, (f"not sent: {' '.join(left)}",), _PATIENTLY)


def _of(reason: Reason, *evidence: str) -> Answer:
    told = cause(reason)
    return Answer(Verdict.FAIL, told.sentence, evidence, told.action)


@_judges(_card)
def sim(facts: Facts) -> Answer:
    """The card, and whether it lets us in."""
    reading = _read(facts)
    if isinstance(reading, Answer):
        return reading
    if reading.sim in _CARDS:
        return _of(_CARDS[reading.sim], f"AT+CPIN? says {reading.sim.value}")
    match reading.sim:
        case SimState.READY:
            return ok("ready")
        case SimState.BUSY:
            return Answer(Verdict.WARN, "it is still starting", fix=("sudo pppgen doctor    # in ten seconds",))
        case _:
            silent = Answer(Verdict.UNKNOWN, "the modem does not say", fix=("sudo pppgen at 'AT+CPIN?'",))
            return _unasked(facts, reading, _card) or silent


@_judges(_card, _tries)
def pin_tries(facts: Facts) -> Answer:
    """How often a wrong PIN may still be given."""
    reading = _read(facts)
    if isinstance(reading, Answer):
        return reading
    if reading.sim is SimState.ABSENT:
        return Answer(Verdict.SKIP, "no SIM")
    tries = reading.pin_tries.pin
    if tries is None:
        silent = Answer(Verdict.UNKNOWN, "the modem does not say how many are left")
        return _unasked(facts, reading, _tries) or silent
    if tries >= _PIN_TRIES:
        return ok(f"{tries} left")
    if tries == 0:
        puk = reading.pin_tries.puk
        left = "" if puk is None else f"; {puk} tries of the PUK are left"
        # A card without a PIN question works although its PIN is blocked.
        verdict = Verdict.WARN if reading.sim is SimState.READY else Verdict.FAIL
        return Answer(verdict, f"none left{left}", fix=("# unlock it in a phone with the PUK that came with the card",))
    fix = ("# pppgen never tries a PIN by itself; take the PIN off in a phone, where a wrong one is seen",)
    return Answer(Verdict.WARN, f"only {tries} left: wrong ones were given", fix=fix)


@_judges(_card, _radio, _domains, _strength)
def registration(facts: Facts) -> Answer:
    """All three registrations; one that serves is enough, and stat 4 with a signal is no refusal."""
    reading, remark = _heard(facts)
    if isinstance(reading, Answer):
        return reading
    told = tuple(
        f"{one.domain.upper()} {one.stat.value}{', ' + one.act if one.act else ''}" for one in reading.registrations
    )
    if reading.functionality in {0, 4}:
        fix = ("sudo pppgen at 'AT+CFUN=1'    # then wait a minute", "rfkill list")
        return Answer(Verdict.FAIL, f"the radio is off (AT+CFUN? is {reading.functionality})", told, fix)
    reason = obstacle(reading)
    serves = any(one.registered for one in reading.registrations)
    # Without any answer about the signal nobody knows whether a stat of 4 is a refusal.
    telling = (_domains, _strength) if reason is None and not reading.signal_known else (_domains,)
    if not serves and reason in {*_NETWORK, None} and (left := _unasked(facts, reading, *telling)) is not None:
        return left
    if reason in _NETWORK:
        return _of(reason, *told)
    if reason is not None:
        return Answer(Verdict.SKIP, "no network lets a modem in before its SIM does", told)
    if not told:
        return Answer(Verdict.UNKNOWN, "the modem does not say", fix=("sudo pppgen at 'AT+CEREG?;+CGREG?;+CREG?'",))
    where = " ".join(filter(None, (reading.operator, reading.rat)))
    if not serves:
        seen = f"none of the three says so, but the modem has a signal{': ' + where if where else ''}; it may well dial"
        return Answer(Verdict.WARN, seen, told, ("sudo pppgen at 'AT+COPS?;+CGATT?;+CEREG?'",))
    return ok(f"registered{': ' + where if where else ''}{remark}", *told)


@_judges(_strength)
def signal(facts: Facts) -> Answer:
    """How well the modem hears its cell."""
    reading, remark = _heard(facts)
    if isinstance(reading, Answer):
        return reading
    heard = reading.signal
    left = _unasked(facts, reading, _strength)
    if not reading.signal_known:
        return left or Answer(Verdict.UNKNOWN, "the modem does not say", fix=("sudo pppgen at AT+CSQ",))
    if not heard.usable and left is not None:
        return left
    if not heard.usable:
        return _of(Reason.NO_SIGNAL)
    figures = (
        ("RSSI", heard.rssi_dbm, "dBm"),
        ("RSRP", heard.rsrp_dbm, "dBm"),
        ("RSRQ", heard.rsrq_db, "dB"),
        ("SINR", heard.sinr_db, "dB"),
    )
    words = ", ".join(f"{name} {value:g} {unit}" for name, value, unit in figures if value is not None) + remark
    fix = ("# move the antenna to a window, away from the board; check that its plug sits on MAIN",)
    if heard.rsrp_dbm is not None:
        weak = heard.rsrp_dbm < _WEAK_RSRP_DBM
    else:
        weak = heard.rssi_dbm is not None and heard.rssi_dbm < _WEAK_RSSI_DBM
    if weak:
        return Answer(Verdict.WARN, f"weak: {words}", fix=fix)
    if heard.sinr_db is not None and heard.sinr_db < _NOISY_SINR_DB:
        return Answer(Verdict.WARN, f"strong but noisy: {words}", fix=fix)
    return ok(words)


@_judges(_card, _subscriber)
def apn(facts: Facts) -> Answer:
    """The APN of the link against those that the SIM's operator is known to have."""
    if isinstance(facts.link, Missing):
        return missing(facts.link)
    reading = _read(facts)
    if isinstance(reading, Answer):
        return reading
    if reading.sim is SimState.ABSENT:
        return Answer(Verdict.SKIP, "no SIM")
    if not reading.imsi and (left := _unasked(facts, reading, _subscriber)) is not None:
        return left
    ours = facts.link.apn
    try:
        known = proposals(reading.imsi, reading.iccid, facts.providers)
    except NotADatabase as error:
        again = ("sudo apt install --reinstall mobile-broadband-provider-info",)
        return Answer(Verdict.UNKNOWN, f"the provider database is damaged: {error}", fix=again)
    if not known:
        install = () if facts.providers else ("sudo apt install mobile-broadband-provider-info",)
        return Answer(
            Verdict.UNKNOWN, f"{ours}; nothing is known of this SIM's operator to compare it with", fix=install
        )
    named = {plain_apn(one.apn): one for one in known}
    if plain_apn(ours) in named:
        one = named[plain_apn(ours)]
        return ok(f"{ours}, as {one.provider} has it", one.source)
    others = tuple(dict.fromkeys(f"{one.apn} ({one.provider}, {one.source})" for one in known))
    fix = (f"sudo pppgen setup --apn {known[0].apn}", "# an APN of your own contract is right even if nobody lists it")
    return Answer(Verdict.WARN, f"{ours} is none of those that this SIM's operator is known for", others, fix)


@_judges(_contexts)
def attach_context(facts: Facts) -> Answer:
    """Whether dialling would write another APN over the one that LTE attached with."""
    if isinstance(facts.link, Missing):
        return missing(facts.link)
    reading = _read(facts)
    if isinstance(reading, Answer):
        return reading
    family = facts.asked.family if isinstance(facts.asked, Asked) else None
    if family is None:
        return Answer(Verdict.UNKNOWN, "the modem's family is not known")
    link = facts.link
    risk = attach_risk(family, reading, link.cid, link.apn)
    left = _unasked(facts, reading, _contexts)
    if risk is not Attach.FREE and left is not None:
        return left
    match risk:
        case Attach.FREE:
            return ok(f"context {link.cid} is not the one that LTE attaches with")
        case Attach.SAME:
            return ok(f"LTE attached in context {link.cid} with this very APN")
        case Attach.UNKNOWN:
            seen = f"LTE attaches with context {link.cid}, and the modem does not say with which APN"
            return Answer(Verdict.UNKNOWN, seen, fix=("sudo pppgen at 'AT+CGCONTRDP'",))
        case Attach.REATTACH:
            return _reattach(facts, reading, link, other_cid(family, reading))


def _reattach(facts: Facts, reading: Reading, link: Link, other: int) -> Answer:
    told = tuple(f"context {one.cid}: {one.apn or '(blank)'}" for one in reading.contexts)
    strict = isinstance(facts.config, Config) and facts.config.attempts.profile is Profile.VERIZON
    seen = f"LTE attached with another APN in context {link.cid}: dialling writes {link.apn} there"
    costs = ", which some networks answer by refusing the next attach" if strict else ", which takes a new attach"
    fix = (f"sudo pppgen setup --apn {link.apn} --cid {other}    # a context of its own",)
    return Answer(Verdict.WARN, seen + costs, told, fix)
