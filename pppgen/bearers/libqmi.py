"""The QMI call by qmicli, through the proxy: one client id, one program that stays as long as the call does."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pppgen.bearers import qmi_note
from pppgen.bearers.ears import Ears, Said
from pppgen.bearers.qmi_note import CALL_LOG, Standing
from pppgen.bearers.qmi_parts import QmiSetup
from pppgen.bearers.teller import Ended, Teller
from pppgen.bearers.voice import Voice
from pppgen.lease_cause import Call, Dhcp, Framing
from pppgen.model import Lease, Reason
from pppgen.programs import qmi_calls
from pppgen.programs.events import Event, Kind
from pppgen.programs.qmi_calls import Client, Settings
from pppgen.programs.qmicli import QmicliReader, reason_of, reason_of_end
from pppgen.reports import Step
from pppgen.system.clock import boottime
from pppgen.system.spawn import Child, Exit, Mark

_ANSWERS = "qmi-answer.log"
# qmicli buffers what it shows when it does not speak to a terminal: the end of a call would be heard up to 20 s late.
_UNBUFFERED = ("stdbuf", "-oL")
_TERM_S = 1.0
_LAST_WORDS_S = 1.0  # after a refused start qmicli writes the network's reason and ends
_EVIDENCE = 6


class Libqmi:
    """One start's conversation with qmicli; `note` is what stands on disk about it."""

    def __init__(self, teller: Teller, ears: Ears, setup: QmiSetup, note: Standing) -> None:
        self._teller, self._ears, self._setup = teller, ears, setup
        self.note = note
        self._node = note.node
        self._reader = QmicliReader()
        self._voice = Voice(ears, self._heard, self._over)
        self._decisive: Reason | None = None
        self._why = ""
        self._telling: list[str] = []
        self._reconfigured = self._deaf = False
        self.handle = note.handle

    # --- questions ---

    def obstacle(self) -> None:
        """End the start where SIM or registration make it vain; asked where no AT port told."""
        for step, question in (
            (Step.SIM, qmi_calls.card_status(self._node)),
            (Step.REGISTRATION, qmi_calls.serving_system(self._node)),
        ):
            self._teller.enter(step, "asking over QMI, since no AT port tells")
            said = self._ask(question)
            if (reason := qmi_calls.obstacle(said.lines)) is not None:
                raise Ended(reason, step, _last(said.lines))

    def framing(self) -> Framing:
        """Return the modem's framing; a firmware without the WDA service does not tell."""
        for endpoint in (None, self._setup.usb_interface):
            said = self._ask(qmi_calls.data_format(self._node, endpoint))
            told = qmi_calls.value_of(qmi_calls.heard(said.lines), Kind.MODEM_FRAMING)
            if told in set(Framing):
                return Framing(told)
            if self._setup.usb_interface is None:
                break
        self._teller.say(f"the modem does not tell its framing: {' '.join(_last(said.lines, 1))}")
        return Framing.UNKNOWN

    def settings(self) -> Settings:
        """Return the address that the modem names for its call."""
        return qmi_calls.settings(self._ask(qmi_calls.current_settings(self._client)).lines)

    def own_lease(self) -> tuple[Dhcp, Lease | None]:
        """Qmicli sets nothing up."""
        return Dhcp.NOT_ASKED, None

    def state(self) -> tuple[Call, str]:
        """Return whether the call stands."""
        events = qmi_calls.heard(self._ask(qmi_calls.status(self._client)).lines)
        kinds = {event.kind for event in events}
        if Kind.CALL_DOWN in kinds:
            return Call.NONE, self._why
        return (Call.STANDS if Kind.CALL_UP in kinds else Call.UNKNOWN), self._why

    def _ask(self, argv: Sequence[str]) -> Said:
        """Run one command; a modem, proxy or qmicli that hangs ends the start."""
        setup = self._setup
        said = self._ears.run(setup.programs.asked(argv), setup.folder / _ANSWERS, setup.answer_s)
        if said.status is None or qmi_calls.is_silence(said.lines):
            raise self._end_of(Reason.QMI_TIMEOUT, (f"{argv[-1]}: no answer within {self._setup.answer_s:g} s",))
        for event in qmi_calls.heard(said.lines):
            if (reason := reason_of(event)) in _THE_NODE_S and reason is not None:
                raise self._end_of(reason, _last(said.lines))
        return said

    # --- the call ---

    def call(self) -> None:
        """Start the call, note the client id that qmicli takes for it, wait until it stands."""
        setup = self._setup
        log = setup.folder / CALL_LOG
        log.unlink(missing_ok=True)  # an earlier call's id is not ours to give back
        self._write(self.note)
        start = qmi_calls.start(self._node, setup.apn, family=setup.family, profile=setup.profile)
        argv = (*_UNBUFFERED, *setup.programs.asked(start))
        self._write(replace(self.note, mark=self._voice.start(argv, log)))
        if not self._heard_within(setup.answer_s, lambda: self.note.cid is not None):
            self._deaf = True
            raise Ended(Reason.QMI_TIMEOUT, Step.CALL, (f"{start[-1]}: no answer within {setup.answer_s:g} s",))
        if not self._heard_within(setup.call_s, lambda: self.handle):
            raise Ended(Reason.QMI_TIMEOUT, Step.CALL, (f"the call did not stand within {setup.call_s:g} s",))
        self._write(replace(self.note, handle=self.handle))

    def _heard_within(self, seconds: float, known: Callable[[], object]) -> bool:
        """Listen until something is known; whether it came in time."""
        deadline = boottime() + seconds
        while not known():
            if boottime() >= deadline:
                return False
            self._ears.wait(deadline)
        return True

    def leased(self, lease: Lease, *, raw_ip: bool) -> None:
        """Note the lease for the next supervisor."""
        self._write(replace(self.note, lease=lease, raw_ip=raw_ip))

    def keeps_lease(self, client: Mark) -> None:
        """Note the udhcpc that keeps the call's lease."""
        self._write(replace(self.note, dhcp=client))

    def reconfigured(self) -> bool:
        """Whether the modem said since the last call of this that its call has another address."""
        told, self._reconfigured = self._reconfigured, False
        return told

    def adopt(self, child: Child) -> None:
        """Go on with a call that stands."""
        self._voice.adopt(child, self._setup.folder / CALL_LOG)

    @property
    def _client(self) -> Client:
        assert self.note.client is not None  # noqa: S101 -- asked only once there is one
        return self.note.client

    def _heard(self, lines: Sequence[str]) -> None:
        """Hear what qmicli wrote; a refusal decides once the network's reason, which follows it, is there as well."""
        first = self._decisive is None
        for line in lines:
            if self.note.cid is None and (cid := qmi_calls.client_id((line,))) is not None:
                self._write(replace(self.note, cid=cid))
            for event in self._reader.read(line):
                self._note_event(event)
                if reason_of(event) is not None or event.kind in {Kind.CALL_ENDED_WHY, Kind.CALL_UP}:
                    self._telling = [*self._telling, line.strip()][-_EVIDENCE:]
        if self._decisive is None or not first:
            return
        if self._decisive is not Reason.LINK_DROPPED:
            self._voice.last_words(_LAST_WORDS_S)
        raise self._end_of(self._decisive, tuple(self._telling))

    def _note_event(self, event: Event) -> None:
        if event.kind is Kind.CALL_UP and event.value:
            self.handle = event.value
        elif event.kind is Kind.CALL_RECONFIGURED:
            self._reconfigured = True
        elif event.kind is Kind.CALL_ENDED_WHY:
            self._why = f"{self._why}, {event.value}" if self._why and event.value not in self._why else event.value
        elif self._decisive is None:
            self._decisive = reason_of(event)

    def _over(self, how: Exit) -> None:
        """The program that stood for the call has ended, and said no reason."""
        ended = f"killed by signal {how.signal}" if how.signal is not None else f"ended with status {how.status}"
        reason = Reason.PROGRAM_KILLED if how.signal is not None or self.handle else Reason.QMI_CALL_FAILED
        raise self._end_of(reason, (*self._telling, f"qmicli, which stood for the call, was {ended}"))

    def _end_of(self, reason: Reason, evidence: Sequence[str]) -> Ended:
        """Return the end, by what the network said about it."""
        if reason in {Reason.QMI_CALL_FAILED, Reason.LINK_DROPPED}:
            reason = reason_of_end(self._why) or reason
        return Ended(reason, self._teller.step, evidence)

    # --- the end ---

    def hang_up(self, seconds: float) -> tuple[str, ...]:
        """End the call, give the client id back and strike the note."""
        if self._voice.child is not None and not self._deaf:
            self.note = qmi_note.learned(self.note, self._voice.child, self._setup.folder, seconds)
        leftover = self._voice.end(_TERM_S)
        given = qmi_note.give_back(self.note, self._setup.folder, self._setup.programs.ask, seconds)
        return (*leftover, *given)

    def let_go(self) -> None:
        """Close what is open; qmicli and the call stay."""
        self._voice.let_go()

    def _write(self, note: Standing) -> None:
        self.note = note
        qmi_note.write(self._setup.folder, note)


# What a question about anything shows to be wrong with the node itself.
_THE_NODE_S = frozenset({Reason.QMI_DEVICE_MISSING, Reason.PERMISSION_DENIED, Reason.PORT_BUSY})


def _last(lines: Sequence[str], count: int = _EVIDENCE) -> tuple[str, ...]:
    return tuple(line.strip() for line in lines if line.strip())[-count:]
