"""The QMI call by quectel-CM, for people who have it: it makes the call, runs udhcpc and sets the address by itself.

It is in no package and its options cannot say "only tell": its own default.script sets address, route and servers, and
from 1.6.0.19 on it switches raw_ip itself after a failure. So it is followed, and left alone while it may succeed.
"""

from collections.abc import Sequence
from dataclasses import replace

from pppgen.bearers import qmi_note
from pppgen.bearers.ears import Ears
from pppgen.bearers.qmi_note import Standing
from pppgen.bearers.qmi_parts import QmiSetup
from pppgen.bearers.teller import Ended, Teller
from pppgen.bearers.voice import Voice
from pppgen.lease_cause import Call, Dhcp, Framing
from pppgen.model import Lease, Reason, SimState
from pppgen.programs.events import Event, Kind
from pppgen.programs.qmi_calls import Settings, usable_address
from pppgen.programs.qmicli import reason_of, reason_of_end
from pppgen.programs.quectel_cm import QuectelCmReader, call_argv, repairs_itself
from pppgen.programs.udhcpc import UdhcpcReader
from pppgen.reports import Step
from pppgen.system.addresses import Addresses
from pppgen.system.clock import boottime
from pppgen.system.routes import Watch
from pppgen.system.spawn import Child, Exit, Mark

LOG = "quectel-cm.log"
_TERM_S = 6.0  # it ends the call and takes the interface down
_DHCP_S = 25.0  # `-t 5` takes 15.2 s, and is its own business
_ITSELF_S = 8.0  # for a version that switches raw_ip and sets the address after the first failure
_ADDRESS_S = 3.0  # udhcpc says that it has a lease before its script has set the address
_EVIDENCE = 6
_SIM_REASONS = {
    SimState.ABSENT.value: Reason.SIM_MISSING,
    SimState.PIN.value: Reason.SIM_PIN,
    SimState.PUK.value: Reason.SIM_PUK,
    SimState.NETWORK_LOCK.value: Reason.NETWORK_LOCK,
}


class Quectel:
    """One start's quectel-CM. `note` is what stands on disk about it."""

    def __init__(self, teller: Teller, ears: Ears, setup: QmiSetup, note: Standing) -> None:
        self._teller, self._ears, self._setup = teller, ears, setup
        self.note = note
        self.handle = note.handle
        self._readers = (QuectelCmReader(), UdhcpcReader())
        self._voice = Voice(ears, self._heard, self._over)
        self._dhcp = Dhcp.NOT_ASKED
        self._address = ""
        self._version = ""
        self._why = ""
        self._telling: list[str] = []

    def obstacle(self) -> None:
        """It reads SIM and registration itself, and says so while it makes the call."""

    def framing(self) -> Framing:
        """It does not tell the modem's framing, and holds the node so that nobody else can ask."""
        return Framing.UNKNOWN

    def settings(self) -> Settings:
        """It asks the modem for itself only."""
        return Settings()

    def state(self) -> tuple[Call, str]:
        """Return whether the call stands, as far as it said."""
        return (Call.STANDS if self.handle else Call.UNKNOWN), self._why

    def call(self) -> None:
        """Start it and wait until it says that the call stands."""
        setup = self._setup
        apn = setup.apn if setup.profile is None else ""
        argv = call_argv(self.note.interface, apn, setup.profile, setup.programs.quectel_cm)
        qmi_note.write(setup.folder, self.note)
        self._write(replace(self.note, mark=self._voice.start(argv, setup.folder / LOG)))
        deadline = boottime() + setup.call_s
        while not self.handle:
            if boottime() >= deadline:
                why = f"quectel-CM made no call within {setup.call_s:g} s"
                raise Ended(Reason.QMI_TIMEOUT, Step.CALL, (*self._telling, why))
            self._ears.wait(deadline)
        self._write(replace(self.note, handle=self.handle))

    def own_lease(self) -> tuple[Dhcp, Lease | None]:
        """Wait for what its udhcpc brings; a version that repairs raw_ip by itself is given the time to."""
        deadline = boottime() + _DHCP_S
        while not self._address and boottime() < deadline:
            if self._dhcp in {Dhcp.UNANSWERED, Dhcp.REFUSED}:
                if not repairs_itself(self._version):
                    return self._dhcp, None
                deadline = min(deadline, boottime() + _ITSELF_S)
                self._dhcp = Dhcp.NOT_ASKED
            self._ears.wait(deadline)
        if not self._address:
            return Dhcp.UNANSWERED, None
        return Dhcp.ANSWERED, self._lease()

    def leased(self, lease: Lease, *, raw_ip: bool) -> None:
        """Note the lease for the next supervisor."""
        self._write(replace(self.note, lease=lease, raw_ip=raw_ip))

    def keeps_lease(self, client: Mark) -> None:
        """Its own udhcpc does."""

    def reconfigured(self) -> bool:
        """It sets another address up by itself."""
        return False

    def adopt(self, child: Child) -> None:
        """Go on with a call that stands."""
        self._voice.adopt(child, self._setup.folder / LOG)

    def hang_up(self, seconds: float) -> tuple[str, ...]:  # noqa: ARG002 -- it is asked for no answer
        """End it, and with it the call."""
        leftover = self._voice.end(_TERM_S)
        qmi_note.strike(self._setup.folder)
        return leftover

    def let_go(self) -> None:
        """Leave it and the call."""
        self._voice.let_go()

    def _lease(self) -> Lease:
        """Return the lease as its script set it up: the kernel tells when the address is there."""
        until = boottime() + _ADDRESS_S
        with Addresses(self.note.interface) as interface, Watch() as watch:
            self._ears.listen(watch, lambda: None)
            try:
                while boottime() < until:
                    for address, prefix in interface.addresses():
                        if usable_address(address):
                            return Lease(address, self.note.interface, prefix=prefix)
                    self._ears.wait(until)
                    watch.drain()
            finally:
                self._ears.forget(watch)
        return Lease(self._address, self.note.interface)

    def _heard(self, lines: Sequence[str]) -> None:
        for line in lines:
            for reader in self._readers:
                for event in reader.read(line):
                    self._note_event(event, line)

    def _note_event(self, event: Event, line: str) -> None:  # noqa: C901 -- one case an event
        match event.kind:
            case Kind.PROGRAM_STARTED:
                self._version = event.value
            case Kind.CALL_UP:
                self.handle = event.value or self.handle
            case Kind.SIM if event.value in _SIM_REASONS:
                raise Ended(_SIM_REASONS[event.value], Step.SIM, (line.strip(),))
            case Kind.DHCP_LEASE | Kind.LOCAL_ADDRESS:
                self._address, self._dhcp = event.value, Dhcp.ANSWERED
            case Kind.LINK_LOCAL_ONLY:
                self._dhcp = Dhcp.LINK_LOCAL
            case Kind.DHCP_NO_LEASE:
                self._dhcp = Dhcp.UNANSWERED
            case Kind.DHCP_REFUSED:
                self._dhcp = Dhcp.REFUSED
            case Kind.CALL_ENDED_WHY:
                self._why = event.value
            case _:
                pass
        reason = reason_of(event)
        if reason is not None or event.kind in _TELLING:
            self._telling = [*self._telling, line.strip()][-_EVIDENCE:]
        if reason is not None and event.kind is not Kind.QMI_REFUSED:
            raise self._end_of(reason)

    def _over(self, how: Exit) -> None:
        said = f"quectel-CM {'was killed' if how.signal is not None else f'ended with status {how.status}'}"
        reason = Reason.PROGRAM_KILLED if how.signal is not None else Reason.QMI_CALL_FAILED
        self._telling.append(said)
        raise self._end_of(reason)

    def _end_of(self, reason: Reason) -> Ended:
        if reason in {Reason.QMI_CALL_FAILED, Reason.LINK_DROPPED}:
            reason = reason_of_end(self._why) or reason
        return Ended(reason, self._teller.step, tuple(self._telling))

    def _write(self, note: Standing) -> None:
        self.note = note
        qmi_note.write(self._setup.folder, note)


_TELLING = frozenset(
    {Kind.CALL_UP, Kind.CALL_ENDED_WHY, Kind.DHCP_NO_LEASE, Kind.DHCP_REFUSED, Kind.RAW_IP_SET, Kind.ATTACHED}
)
