"""What a modem tells of itself: which questions, in which order, to one `Reading`.

A question that is answered by ERROR, or by words that nobody understands, costs its field and nothing else. Only a
modem that falls silent twice in a row ends the reading: the rest would be silent too. The questions come in order of
worth, so that whoever has little time (`goes_on`) gets what decides about a dial.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import TypeVar

from pppgen.at.client import ANSWER_S, Ask
from pppgen.at.codec import Answer
from pppgen.at.replies import contexts, identity, network, signal, sim, states
from pppgen.at.replies.contexts import Bearer, Context
from pppgen.at.replies.fields import Unread
from pppgen.at.replies.network import Operator, Serving
from pppgen.at.replies.sim import PinTries
from pppgen.at.replies.states import CallEnd
from pppgen.errors import ModemSilent
from pppgen.model import Identity, Reason, Registration, RegistrationStat, Signal, SimState
from pppgen.modems.catalog import Family

_T = TypeVar("_T")
SILENCES_MAX = 2
"""So many silent answers in a row end a reading: twenty more deadlines would teach nothing."""
_HOLDING = {
    RegistrationStat.NOT_REGISTERED,
    RegistrationStat.SEARCHING,
    RegistrationStat.DENIED,
    RegistrationStat.LIMITED,
}


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that was not understood, as it came: an error's words, or lines without a known form."""

    command: str
    raw: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a modem. Empty texts and tuples are what it did not say; `unread` keeps what nobody understood.

    `registrations` stand in the family's order of weight, only those that were answered. `functionality` is `AT+CFUN?`
    (1 full, 0 and 4 without radio), `settings` the radio settings that exist on this firmware with their values.
    `unasked` are the questions that there was no time for.
    """

    identity: Identity = field(default_factory=Identity)
    iccid: str = ""
    imsi: str = ""
    sim: SimState = SimState.UNKNOWN
    pin_tries: PinTries = field(default_factory=lambda: PinTries(None))
    functionality: int | None = None
    signal: Signal = field(default_factory=Signal)
    signal_known: bool = False
    operator: str = ""
    rat: str = ""
    serving: Serving = field(default_factory=lambda: Serving(""))
    registrations: tuple[Registration, ...] = ()
    attached: bool | None = None
    contexts: tuple[Context, ...] = ()
    active: tuple[int, ...] = ()
    bearers: tuple[Bearer, ...] = ()
    call_end: CallEnd = field(default_factory=lambda: CallEnd("", Reason.NONE))
    backoff_s: int | None = None
    settings: tuple[tuple[str, str], ...] = ()
    unread: tuple[Said, ...] = ()
    unasked: tuple[str, ...] = ()


def _always() -> bool:
    return True


class _Questions:
    """Asks each command once, with one deadline each, while there is time, and keeps what was not understood."""

    def __init__(self, ask: Ask, timeout_s: float, goes_on: Callable[[], bool]) -> None:
        self._ask = ask
        self._goes_on = goes_on
        self._timeout_s = timeout_s
        self._silences = 0
        self._answers: dict[str, Answer | None] = {}
        self.unread: list[Said] = []
        self.unasked: list[str] = []

    def answer(self, command: str) -> Answer | None:
        """Return the modem's answer, `None` for one silence or no time; raises ModemSilent at the second in a row."""
        if command in self._answers:
            return self._answers[command]
        answer: Answer | None = None
        if not self._goes_on():
            self.unasked.append(command)
            self._answers[command] = None
            return None
        try:
            answer = self._ask(command, self._timeout_s)
            self._silences = 0
        except ModemSilent:
            self._silences += 1
            self.unread.append(Said(command, ""))
            if self._silences >= SILENCES_MAX:
                raise
        self._answers[command] = answer
        return answer

    def maybe(self, command: str, parse: Callable[[Sequence[str]], _T | Unread]) -> _T | None:
        """Return the parsed answer, `None` where the family has no such command or nothing came of it."""
        if not command or (answer := self.answer(command)) is None:
            return None
        if not answer.ok:
            self.unread.append(Said(command, str(answer.final)))
            return None
        value = parse(answer.lines)
        if isinstance(value, Unread):
            self.unread.append(Said(command, value.raw))
            return None
        return value

    def get(self, command: str, parse: Callable[[Sequence[str]], _T | Unread], default: _T) -> _T:
        """Return the parsed answer, or `default`."""
        value = self.maybe(command, parse)
        return default if value is None else value


def read_identity(ask: Ask, timeout_s: float = ANSWER_S) -> Identity:
    """Return who the modem is, by `ATI` and, where that leaves something open, by TS 27.007's own questions.

    Raises:
        ModemSilent: two questions in a row were not answered.
        PortGone: the port vanished.
    """
    return _identity(_Questions(ask, timeout_s, _always))


def _identity(questions: _Questions) -> Identity:
    found = questions.get("ATI", identity.identity, Identity())
    if not found.manufacturer:
        found = replace(found, manufacturer=questions.get("AT+CGMI", identity.word, ""))
    if not found.model:
        found = replace(found, model=questions.get("AT+CGMM", identity.word, ""))
    if not found.revision:
        found = replace(found, revision=questions.get("AT+CGMR", identity.word, ""))
    if not found.imei:
        found = replace(found, imei=questions.get("AT+CGSN", identity.imei, ""))
    return found


def words(found: Identity) -> str:
    """Return what a modem calls itself in one line, for `family_for`.

    >>> words(Identity("Quectel", "BG96", "BG96MAR02A07M1G"))
    'Quectel BG96 BG96MAR02A07M1G'
    """
    return " ".join(part for part in (found.manufacturer, found.model, found.revision) if part)


def _sim(questions: _Questions) -> SimState:
    if (answer := questions.answer("AT+CPIN?")) is None:
        return SimState.UNKNOWN
    state = sim.sim_state(answer)
    if isinstance(state, Unread):
        questions.unread.append(Said("AT+CPIN?", state.raw))
        return SimState.UNKNOWN
    return state


def _with(known: Signal, more: Signal) -> Signal:
    """Fill what the better query left open with what the next one says."""
    return Signal(
        rssi_dbm=known.rssi_dbm if known.rssi_dbm is not None else more.rssi_dbm,
        rsrp_dbm=known.rsrp_dbm if known.rsrp_dbm is not None else more.rsrp_dbm,
        rsrq_db=known.rsrq_db if known.rsrq_db is not None else more.rsrq_db,
        sinr_db=known.sinr_db if known.sinr_db is not None else more.sinr_db,
        rat=known.rat or more.rat,
    )


def _cpsi_signal(lines: Sequence[str]) -> Signal | Unread:
    found = network.cpsi(lines)
    return found if isinstance(found, Unread) else found[1]


def _cpsi_serving(lines: Sequence[str]) -> Serving | Unread:
    found = network.cpsi(lines)
    return found if isinstance(found, Unread) else found[0]


def _air(questions: _Questions, family: Family) -> Reading:
    dialect = family.dialect
    asked = [questions.maybe(f"AT+{domain.upper()}?", network.registration) for domain in dialect.registrations]
    heard = [questions.maybe(command, signal.READERS.get(command, _cpsi_signal)) for command in dialect.signal]
    return Reading(
        signal=reduce(_with, [one for one in heard if one is not None], Signal()),
        signal_known=any(one is not None for one in heard),
        registrations=tuple(one for one in asked if one is not None),
    )


def _network(questions: _Questions, family: Family, air: Reading) -> Reading:
    dialect = family.dialect
    operator = questions.get("AT+COPS?", network.cops, Operator(0))
    read_serving = _cpsi_serving if dialect.serving == "AT+CPSI?" else network.qnwinfo
    serving = questions.get(dialect.serving, read_serving, Serving(""))
    acts = [one.act for one in air.registrations if one.registered and one.act]
    rat = serving.rat or operator.rat or air.signal.rat or next(iter(acts), "")
    return replace(air, operator=operator.name, rat=rat, serving=serving)


def read_network(ask: Ask, family: Family, timeout_s: float = ANSWER_S) -> Reading:
    """Return signal and registrations only: the look while a link is up, and after one failed.

    Raises:
        ModemSilent: two questions in a row were not answered.
        PortGone: the port vanished.
    """
    questions = _Questions(ask, timeout_s, _always)
    return replace(_air(questions, family), unread=tuple(questions.unread))


def read_chances(ask: Ask, family: Family, timeout_s: float = ANSWER_S) -> Reading:
    """Return what `obstacle` needs of signal and registrations, and ask no further: a dial waits for it.

    One domain with service is enough, and one figure of a signal, whatever the others say.

    Raises:
        ModemSilent: two questions in a row were not answered.
        PortGone: the port vanished.
    """
    questions, dialect = _Questions(ask, timeout_s, _always), family.dialect
    asked: list[Registration] = []
    for domain in dialect.registrations:
        if (stat := questions.maybe(f"AT+{domain.upper()}?", network.registration)) is not None:
            asked.append(stat)
            if stat.registered:
                break
    heard: Signal | None = None
    for command in dialect.signal:
        if (more := questions.maybe(command, signal.READERS.get(command, _cpsi_signal))) is not None:
            heard = _with(heard or Signal(), more)
            if heard.usable:
                break
    return Reading(
        signal=heard or Signal(),
        signal_known=heard is not None,
        registrations=tuple(asked),
        unread=tuple(questions.unread),
    )


def read_modem(ask: Ask, family: Family, timeout_s: float = ANSWER_S, goes_on: Callable[[], bool] = _always) -> Reading:
    """Return everything that helps to decide whether and how to dial; nothing is changed in the modem.

    `timeout_s` is the deadline of each question, `goes_on` whether there is time for one more: a question that was
    asked is waited for, since a late answer would be taken for the next one's.

    Raises:
        ModemSilent: two questions in a row were not answered.
        PortGone: the port vanished.
    """
    questions = _Questions(ask, timeout_s, goes_on)
    dialect = family.dialect
    card = _sim(questions)
    air = _air(questions, family)
    functionality = questions.maybe("AT+CFUN?", states.cfun)
    imsi = questions.get("AT+CIMI", identity.imsi, "") if card in {SimState.READY, SimState.UNKNOWN} else ""
    bearers = _bearers(questions)
    defined: tuple[Context, ...] = questions.get("AT+CGDCONT?", contexts.cgdcont, ())
    there = card is not SimState.ABSENT
    tries = questions.get(dialect.pin_tries, sim.pin_tries, PinTries(None)) if there else PinTries(None)
    iccid = questions.get(dialect.iccid, identity.iccid, "") if there else ""
    who = _identity(questions)
    firmware = questions.get(dialect.revision, identity.word, "")
    found = replace(
        _network(questions, family, air),
        identity=replace(who, revision=who.revision or firmware),
        iccid=iccid,
        imsi=imsi,
        sim=card,
        pin_tries=tries,
        functionality=functionality,
        attached=questions.maybe("AT+CGATT?", contexts.cgatt),
        contexts=defined,
        active=questions.get("AT+CGACT?", contexts.cgact, ()),
        bearers=bearers,
        call_end=questions.get("AT+CEER", states.ceer, CallEnd("", Reason.NONE)),
        backoff_s=questions.maybe(dialect.backoff, states.backoff_s),
        settings=_settings(questions, family),
    )
    return replace(found, unread=tuple(questions.unread), unasked=tuple(questions.unasked))


def _settings(questions: _Questions, family: Family) -> tuple[tuple[str, str], ...]:
    read = (
        (setting.key, questions.get(setting.read, partial(states.setting_value, answer=setting.answer), ""))
        for setting in family.radio.settings
    )
    return tuple((key, value) for key, value in read if value)


def _bearers(questions: _Questions) -> tuple[Bearer, ...]:
    """What the network gave, in full where the modem knows AT+CGCONTRDP, else the addresses alone."""
    return questions.get("AT+CGCONTRDP", contexts.cgcontrdp, ()) or questions.get("AT+CGPADDR", contexts.cgpaddr, ())


def obstacle(reading: Reading) -> Reason | None:
    """Return why a dial would be in vain, `None` when it may be tried.

    Only what is known holds a dial: a stat of 4 ("unknown") with a signal is no refusal (a BG96 in LTE-M says so while
    it works), and a modem that tells nothing may dial. Without any signal 4 does hold: such a modem answers CONNECT
    and then fails.
    """
    if reading.sim in _SIM_REASONS:
        return _SIM_REASONS[reading.sim]
    stats = {registration.stat for registration in reading.registrations}
    silent = reading.signal_known and not reading.signal.usable
    if stats and stats <= _HOLDING:
        if RegistrationStat.DENIED in stats:
            return Reason.REGISTRATION_DENIED
        return Reason.NO_SIGNAL if silent else Reason.NOT_REGISTERED
    if RegistrationStat.UNKNOWN in stats and stats <= {*_HOLDING, RegistrationStat.UNKNOWN} and silent:
        return Reason.NO_SIGNAL
    return None


_SIM_REASONS = {
    SimState.ABSENT: Reason.SIM_MISSING,
    SimState.PIN: Reason.SIM_PIN,
    SimState.PUK: Reason.SIM_PUK,
    SimState.NETWORK_LOCK: Reason.NETWORK_LOCK,
}
