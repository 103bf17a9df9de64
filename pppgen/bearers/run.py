"""One start of the PPP bearer, in a thread of its own, which creates, follows and reaps pppd and reports to the inbox.

How to read it. The way is straight: the gate, then a dial on one port after the other (`_dial`), and inside a dial one
loop (`_live`) that waits for words, for pppd's end, for the routes, for probes and for letters. Whatever ends it is an
`_Ended`, and `_tidy` leaves nothing behind.
"""

import os
import selectors
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pppgen.bearers import standing
from pppgen.bearers.carry import Carry, Wishes
from pppgen.bearers.dialog import Dialog
from pppgen.bearers.protocol import Inbox
from pppgen.bearers.radio import Radio, Sky
from pppgen.bearers.standing import Standing
from pppgen.bearers.waiter import LeaveAsked, StopAsked, Waiter
from pppgen.errors import MissingProgram, NoPermission, PppgenError
from pppgen.health import Counters, Flow, warming_up
from pppgen.model import BearerKind, Holder, Port, Reason
from pppgen.plan import linkname, supervised_ipparam
from pppgen.programs.events import Kind
from pppgen.programs.pppd import call_argv
from pppgen.reports import (
    BearerDegraded,
    BearerDown,
    BearerFailed,
    BearerLeased,
    BearerProgress,
    BearerRecovered,
    BearerUp,
    RadioSeen,
    Step,
    StepTime,
)
from pppgen.system import link
from pppgen.system.clock import boottime
from pppgen.system.dns import Dns
from pppgen.system.follow import Follower, new_log
from pppgen.system.letterbox import Letterbox
from pppgen.system.processes import LOCK_FOLDERS
from pppgen.system.routes import Routes
from pppgen.system.spawn import Child, Exit, spawn

NOTE = "ppp.json"
LOG = "pppd.log"
LETTERBOX = "ppp.fifo"  # etc/ppp/ip-up.d/pppgen knows the path

# How long a step may take before it is called dead. pppd's and chat's own limits come first where they are sane; these
# are for a script without a TIMEOUT and for a module that keeps a negotiation going.
LIMITS_S: dict[Step, float] = {
    Step.PORT_OPEN: 15.0,
    Step.CHAT: 150.0,
    Step.LCP: 33.0,  # pppd asks 10 times, 3 s apart
    Step.AUTH: 45.0,
    Step.IPCP: 100.0,  # ipcp-max-failure 30, 3 s apart: the radio is being set up
}
_OUT_OF_TIME: dict[Step, Reason] = {
    Step.PORT_OPEN: Reason.MODEM_NOT_RESPONDING,
    Step.CHAT: Reason.CHAT_TIMEOUT,
    Step.LCP: Reason.LCP_TIMEOUT,
    Step.AUTH: Reason.AUTH_FAILED,
    Step.IPCP: Reason.IPCP_TIMEOUT,
}
# After these the modem's other AT port may do better; after the rest (SIM, network, this host) it would say the same.
_OTHER_PORT_MAY_DIAL = frozenset(
    {
        Reason.CHAT_TIMEOUT,
        Reason.MODEM_NOT_RESPONDING,
        Reason.LCP_TIMEOUT,
        Reason.LOOPBACK,
        Reason.DIAL_REJECTED,
        Reason.NO_CARRIER,
        Reason.PEER_HANGUP,
        Reason.PORT_BUSY,
        Reason.MODEM_MANAGER_CONFLICT,
        Reason.WRONG_PORT,
    }
)
_ORDER = tuple(Step)
_LEASE_WORDS_S = 0.2  # pppd writes all of a lease in one go; without `debug` nothing marks its end
_RADIO_S = 60.0
_UNPLUGGED_S = 0.3  # how long the kernel may take to remove the node of a port whose loss pppd has noticed
_OWN_END_S = 1.5  # after its decisive line pppd ends by itself, and tidily
_LINGER_S = 0.3  # after a terminate from the peer it would linger 3 s, and does not heed TERM
_QUIET_BYTES = 2000  # since the last look


@dataclass(frozen=True, slots=True)
class PppSetup:
    """What does not change from dial to dial.

    `options` go behind `call NAME` and win over the peers file. `doubt_s`: as often the modem is asked whether the
    network is still there, while a link is not proved.
    """

    provider: str
    wishes: Wishes = field(default_factory=Wishes)
    options: tuple[str, ...] = ()
    doubt_s: float = 15.0
    pppd: str = "pppd"
    folder: Path = standing.FOLDER
    locks: tuple[Path, ...] = tuple(LOCK_FOLDERS)


@dataclass(frozen=True, slots=True)
class Around:
    """What a start reaches out to."""

    inbox: Inbox
    ports: Callable[[], Sequence[Port]]
    holder: Callable[[Port], Holder | None]
    worked: Callable[[Port], None]
    radio: Radio | None
    dns: Dns


_MAY_BE_UNPLUGGED = frozenset(
    {Reason.PEER_HANGUP, Reason.LINK_DROPPED, Reason.USB_DISCONNECT, Reason.APN_REJECTED, Reason.MODEM_NOT_RESPONDING}
)
# What the modem's own account of the call can explain; the rest happened on this side of it.
_NETWORK_MAY_TELL = frozenset(
    {
        Reason.NO_CARRIER,
        Reason.DIAL_REJECTED,
        Reason.CHAT_TIMEOUT,
        Reason.LCP_TIMEOUT,
        Reason.PEER_HANGUP,
        Reason.AUTH_FAILED,
        Reason.APN_REJECTED,
        Reason.IPCP_TIMEOUT,
        Reason.CARRIER_SILENT,
    }
)
_SIM_REASONS = frozenset({Reason.SIM_MISSING, Reason.SIM_PIN, Reason.SIM_PUK, Reason.NETWORK_LOCK})
_REASON_OF_ERROR: dict[type[PppgenError], Reason] = {
    MissingProgram: Reason.PROGRAM_MISSING,
    NoPermission: Reason.PERMISSION_DENIED,
}


@dataclass(frozen=True, slots=True)
class _Heard:
    """The radio thread's letter."""

    sky: Sky | None


class _Ended(Exception):
    """A dial is over."""

    def __init__(self, reason: Reason, step: Step, evidence: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.step = step
        self.evidence = tuple(evidence)


# Debian's and resolvconf's own hooks then tell the servers, as for any other link.
_DNS_NOT_OURS = "pppgen-routes-only"


class Run(threading.Thread):
    """A start; `taken` is a link that an earlier supervisor left, instead of a dial."""

    def __init__(self, dial: int, setup: PppSetup, around: Around, taken: tuple[Standing, Child] | None) -> None:
        super().__init__(name=f"ppp-{dial}", daemon=True)
        self.dial = dial
        self.waiter = Waiter(boottime)
        self._setup, self._around, self._taken = setup, around, taken
        self._inbox, self._radio, self._dns = around.inbox, around.radio, around.dns
        self._step, self._since = Step.PORT_OPEN, boottime()
        self._steps: list[StepTime] = []
        self._dialog = Dialog()
        self._port: Port | None = None
        self._note: Standing | None = None
        self._child: Child | None = None
        self._follower: Follower | None = None
        self._letterbox: Letterbox | None = None
        self._carry: Carry | None = None
        self._leased_at: float | None = None
        self._up = False
        self._degraded = False
        self._told_rounds = 0
        self._radio_at: float | None = None
        self._quiet_from = Counters()

    # --- the way ---

    def run(self) -> None:
        """Bring the link up, hold it, take it down; the last report is `BearerDown`."""
        with self.waiter:
            leftover: tuple[str, ...] = ()
            try:
                leftover = self._whole()
            except LeaveAsked:
                self._let_go()
                return
            except Exception as error:  # noqa: BLE001 -- a thread that dies silently would leave the supervisor waiting
                traceback.print_exc()
                self._failed(_Ended(Reason.PROGRAM_KILLED, self._step, (f"a fault in pppgen: {error!r}",)))
                leftover = self._tidy()
            self._inbox(BearerDown(self.dial, BearerKind.PPP, leftover))

    def is_quiet(self) -> bool:
        """Whether hardly a byte went through since the last call; called by another thread."""
        counters = link.counters(self._dialog.interface) or Counters()
        before, self._quiet_from = self._quiet_from, counters
        moved = counters.rx_bytes + counters.tx_bytes - before.rx_bytes - before.tx_bytes
        return moved < _QUIET_BYTES

    def _whole(self) -> tuple[str, ...]:
        failure: _Ended | None = None
        try:
            if self._taken is not None:
                self._take_over(*self._taken)
            else:
                self._refuse_hopeless()
                self._dial_all()
        except StopAsked:
            pass
        except _Ended as ended:
            failure = ended
        except PppgenError as error:
            failure = _Ended(_REASON_OF_ERROR.get(type(error), Reason.PROGRAM_KILLED), self._step, (error.message,))
        self._close_step()
        self.waiter.heeds_stop = False
        if failure and self._up:
            self._failed(failure)
        leftover = self._tidy(asked=failure is None)
        if failure and not self._up:
            self._failed(self._with_the_modem_s_word(failure))
        return leftover

    def _refuse_hopeless(self) -> None:
        """Ask the modem first: a dial that cannot succeed would only cost an attempt."""
        if self._radio is None:
            return
        self._enter(Step.REGISTRATION, "reading SIM, registration and signal")
        sky = self._seen(self._radio.before_dial())
        if sky is not None and sky.lost is not None:
            step = Step.SIM if sky.lost in _SIM_REASONS else Step.REGISTRATION
            raise _Ended(sky.lost, step, sky.evidence)

    def _dial_all(self) -> None:
        """Dial on the best port, and on another one if that died before the modem spoke PPP."""
        ports = self._around.ports()
        if not ports:
            raise _Ended(Reason.USB_DISCONNECT, Step.PORT_OPEN, ("the modem is not on its USB bus",))
        worst: _Ended | None = None
        for left, port in zip(range(len(ports) - 1, -1, -1), ports, strict=True):
            try:
                self._dial(port)
            except _Ended as ended:
                worst = _further(worst, ended)
                if not left or self._dialog.lcp_open or ended.reason not in _OTHER_PORT_MAY_DIAL:
                    raise worst from None
                self._say(f"{port.stable}: {ended.reason.value}; trying the modem's other port")
                self._tidy()

    def _dial(self, port: Port) -> None:
        """Run pppd on one port until something ends it."""
        self._steps.clear()
        self._port = port
        self._enter(Step.PORT_OPEN, f"{port.stable} is {port.device} now")
        if (holder := self._around.holder(port)) is not None:
            manager = holder.name == "ModemManager"
            reason = Reason.MODEM_MANAGER_CONFLICT if manager else Reason.PORT_BUSY
            raise _Ended(reason, Step.PORT_OPEN, (f"{port.device} is held by {holder.name}, pid {holder.pid}",))
        if not Path(port.device).exists():
            raise _Ended(Reason.USB_DISCONNECT, Step.PORT_OPEN, (f"{port.device} is not there",))
        provider = self._setup.provider
        argv = call_argv(
            provider,
            port.device,
            pppd=self._setup.pppd,
            ipparam=supervised_ipparam(provider) if self._setup.wishes.manage_dns else _DNS_NOT_OURS,
            linkname=linkname(provider),
            options=self._setup.options,
        )
        path = self._setup.folder / LOG
        log = new_log(path)
        try:
            self._dialog = Dialog()
            self._follower = Follower(path)
            self._letterbox = Letterbox(self._setup.folder / LETTERBOX)
            self._child = spawn(argv, log)
        finally:
            os.close(log)
        self._write(Standing(self._child.mark, provider, port.device, port.stable))
        Routes().close()  # pyroute2 takes a while to import: now, while chat talks, and not when the lease is there
        self._live()

    def _take_over(self, left: Standing, child: Child) -> None:
        """Go on with a link as if this start had brought it up."""
        assert left.lease is not None  # noqa: S101 -- adopt() asked
        lease = left.lease
        self._child = child
        self._note = left
        self._follower = Follower(self._setup.folder / LOG, from_end=True)
        self._dialog = Dialog(
            step=Step.ROUTE, interface=lease.interface, address=lease.address, lcp_open=True, told_all=True
        )
        self._start_carrying(boottime())
        self._live()

    # --- the loop ---

    def _live(self) -> None:
        """Wait and answer until something ends it: it leaves by an exception only."""
        assert self._follower is not None  # noqa: S101 -- made by the callers
        assert self._child is not None  # noqa: S101 -- likewise
        self.waiter.watch(self._follower)
        self.waiter.watch(self._child)
        if self._letterbox is not None:
            self.waiter.watch(self._letterbox)
        while True:
            woken = self.waiter.wait(self._due())
            now = boottime()
            for key in woken.keys:
                self._answer(key, now)
            for letter in woken.letters:
                if isinstance(letter, _Heard):
                    self._heard_radio(letter.sky, now)
            self._advance(now)

    def _answer(self, key: selectors.SelectorKey, now: float) -> None:
        """Answer what became readable."""
        if key.fileobj is self._follower:
            self._listen()
        elif key.fileobj is self._child:
            self._child_ended()
        elif key.fileobj is self._letterbox:
            self._take_words()
        elif self._carry is not None and key.fileobj is self._carry.watch:
            self._carry.noticed(now)
        elif self._carry is not None:
            self._carry.heard(key)

    def _due(self) -> float:
        """When to look again if nothing happens."""
        times = [self._carry.due] if self._carry is not None else [self._since + LIMITS_S.get(self._step, 0.0)]
        if self._leased_at is not None and self._carry is None:
            times.append(self._leased_at + _LEASE_WORDS_S)
        if self._radio_at is not None:
            times.append(self._radio_at)
        return min(times)

    def _listen(self) -> None:
        """Hear what pppd and chat wrote."""
        assert self._follower is not None  # noqa: S101 -- the loop has one
        for line in self._follower.lines():
            self._dialog.hear(line)
            if _ORDER.index(self._step) < _ORDER.index(self._dialog.step) < _ORDER.index(Step.ROUTE):
                self._enter(self._dialog.step)
            if self._dialog.reason is not None:
                self._decided(self._dialog.reason)

    def _take_words(self) -> None:
        """Take what the ip-up hook brought of our own pppd."""
        assert self._letterbox is not None  # noqa: S101 -- the loop has one
        for word in self._letterbox.words():
            if self._child is not None and word.pid == self._child.mark.pid:
                self._dialog.handed(word.interface, word.address, word.dns)

    def _decided(self, reason: Reason) -> None:
        """A line said why the link ends: say so at once, then find out whether the port is still there."""
        self._say(self._dialog.evidence[-1])
        if self._dialog.decisive in {Kind.HUNG_UP, Kind.PORT_IO_FAILED} and self._child is not None:
            self._child.wait(_UNPLUGGED_S)
        if reason in _MAY_BE_UNPLUGGED and not self._port_there():
            evidence = (*self._dialog.evidence, f"{self._device()} is gone")
            raise _Ended(Reason.USB_DISCONNECT, self._step, evidence)
        raise _Ended(reason, self._step, self._dialog.evidence)

    def _child_ended(self) -> None:
        """Hear the last words; without a decisive one among them the exit status is the reason."""
        self._listen()
        assert self._child is not None  # noqa: S101 -- it is the child that woke us
        how = self._child.poll() or Exit()
        status = how.status if how.signal is None else -how.signal
        reason = self._dialog.ended(status, device_there=self._port_there())
        raise _Ended(reason, self._step, self._dialog.evidence)

    def _advance(self, now: float) -> None:
        """Move on as far as what was heard and the time allow."""
        if self._carry is not None:
            self._look_at_traffic(self._carry, now)
            return
        if self._dialog.leased:
            self._leased_at = now if self._leased_at is None else self._leased_at
            if self._dialog.told_all or now >= self._leased_at + _LEASE_WORDS_S:
                self._start_carrying(now)
        elif now >= self._since + LIMITS_S[self._step]:
            waited = f"nothing more within {LIMITS_S[self._step]:g} s at the step {self._step.value}"
            raise _Ended(_OUT_OF_TIME[self._step], self._step, (*self._dialog.evidence, waited))

    def _start_carrying(self, now: float) -> None:
        """The network gave an address: route, name servers, and then the proof."""
        lease = self._dialog.lease()
        if self._note is not None and self._taken is not None and self._note.lease is not None:
            lease = self._note.lease
        lease = replace(lease, mtu=lease.mtu or link.mtu(lease.interface))
        if not link.exists(lease.interface):
            raise _Ended(Reason.LINK_DROPPED, Step.IPCP, (f"pppd named the interface {lease.interface!r}: not there",))
        if self._note is not None:
            self._write(replace(self._note, lease=lease))
        self._enter(Step.ROUTE)
        self._inbox(BearerLeased(self.dial, BearerKind.PPP, lease))
        self._carry = Carry(lease, self._setup.wishes, self._dns, self.waiter.selector, self._say)
        self.waiter.watch(self._carry.watch)
        if self._taken is not None:
            self._carry.believe(now)
        self._say(self._route(self._carry))
        self._enter(Step.DNS)
        self._say(self._carry.set_dns())
        self._enter(Step.TRAFFIC)
        self._radio_at = now + self._setup.doubt_s if self._radio is not None else None
        self._look_at_traffic(self._carry, boottime())

    def _route(self, carry: Carry) -> str:
        """Add the route; an interface that is gone already has its reason in pppd's words."""
        try:
            return carry.set_route()
        except NoPermission:
            raise
        except PppgenError:
            if self._child is not None and self._child.wait(_OWN_END_S) is not None:
                self._child_ended()
            raise

    def _look_at_traffic(self, carry: Carry, now: float) -> None:
        flow = carry.look(now)
        waited = now - carry.pulse.since
        match flow:
            case Flow.FLOWING if not self._up:
                self._up = True
                self._close_step()
                self._say(carry.proof)
                if self._port is not None:
                    self._around.worked(self._port)
                port = self._note.port if self._note is not None else ""
                self._inbox(BearerUp(self.dial, BearerKind.PPP, carry.lease, tuple(self._steps), port))
            case Flow.FLOWING if self._degraded:
                self._degraded = False
                self._inbox(BearerRecovered(self.dial, BearerKind.PPP))
            case Flow.SILENT if not self._up:
                silence = f"nothing came back within {self._setup.wishes.rules.patience_s:g} s"
                raise _Ended(Reason.CARRIER_SILENT, Step.TRAFFIC, (silence, str(carry.counters)))
            case Flow.SILENT if not self._degraded:
                self._degraded = True
                evidence = (f"nothing came in since {now - carry.pulse.heard_at:.0f} s", str(carry.counters))
                self._inbox(BearerDegraded(self.dial, BearerKind.PPP, Reason.CARRIER_SILENT, evidence))
            case Flow.WARMING if carry.pulse.rounds != self._told_rounds:
                self._told_rounds = carry.pulse.rounds
                self._say(warming_up(carry.lease, waited, carry.pulse.rounds))
            case _:
                pass
        if self._radio_at is not None and now >= self._radio_at:
            self._radio_at = None
            self._ask_radio()

    # --- the modem beside the link ---

    def _ask_radio(self) -> None:
        """Read the command port in a thread of its own: it takes seconds, and pppd's words must not wait."""
        radio, device = self._radio, self._device()
        if radio is None:
            return

        def ask() -> None:
            self.waiter.send(_Heard(radio.sky(device)))

        threading.Thread(target=ask, name=f"radio-{self.dial}", daemon=True).start()

    def _heard_radio(self, sky: Sky | None, now: float) -> None:
        self._radio_at = now + (_RADIO_S if self._up else self._setup.doubt_s)
        if sky is None:
            return
        self._seen(sky)
        flowing = self._carry is not None and self._carry.pulse.flow is Flow.FLOWING
        # Evidence ends patience early; on a link that flows, the packets know better.
        if sky.lost is not None and not flowing and not self._up:
            raise _Ended(sky.lost, Step.TRAFFIC, sky.evidence)

    def _with_the_modem_s_word(self, failure: _Ended) -> _Ended:
        """Return the failure with what the modem says about it, where the network may be the cause."""
        if self._radio is None or failure.reason not in _NETWORK_MAY_TELL:
            return failure
        sky = self._seen(self._radio.after_failure())
        if sky is None:
            return failure
        return _Ended(sky.lost or failure.reason, failure.step, (*failure.evidence, *sky.evidence))

    def _seen(self, sky: Sky | None) -> Sky | None:
        """Report what the modem said, if it said anything."""
        if sky is not None:
            self._inbox(RadioSeen(self.dial, BearerKind.PPP, sky.signal, sky.registrations, sky.backoff_s))
        return sky

    # --- the end ---

    def _tidy(self, *, asked: bool = False) -> tuple[str, ...]:
        """End pppd and take everything back; what is left is named. A second call finds nothing to do."""
        leftover: list[str] = []
        for reader in (self._follower, self._letterbox):
            if reader is not None:
                with suppress(KeyError):
                    self.waiter.forget(reader)
                reader.close()
        self._follower = self._letterbox = None
        if self._carry is not None:
            self.waiter.forget(self._carry.watch)
            leftover += self._carry.clear()
            self._carry = None
        if self._child is not None:
            with suppress(KeyError):
                self.waiter.forget(self._child)
            if self._dialog.decisive is Kind.PEER_TERMINATED:
                self._child.end(_LINGER_S)
            elif not asked:
                self._child.wait(_OWN_END_S)
            if self._note is not None:
                leftover += standing.clear(self._note, self._child, self._dns, self._setup.locks)
            self._child.close()
            self._child = None
        (self._setup.folder / NOTE).unlink(missing_ok=True)
        self._note = None
        self._leased_at = None
        return tuple(leftover)

    def _let_go(self) -> None:
        """Leave pppd, the route and the servers for the next supervisor."""
        for reader in (self._follower, self._letterbox):
            if reader is not None:
                reader.close()
        if self._carry is not None:
            self._carry.let_go()
        if self._child is not None:
            self._child.close()

    # --- small things ---

    def _enter(self, step: Step, note: str = "") -> None:
        if step is not self._step:
            self._close_step()
        self._step, self._since = step, boottime()
        self._inbox(BearerProgress(self.dial, BearerKind.PPP, step, note))

    def _close_step(self) -> None:
        if not self._steps or self._steps[-1].step is not self._step:
            self._steps.append(StepTime(self._step, round(boottime() - self._since, 3)))

    def _say(self, note: str) -> None:
        self._inbox(BearerProgress(self.dial, BearerKind.PPP, self._step, note))

    def _failed(self, failure: _Ended) -> None:
        report = BearerFailed(
            self.dial, BearerKind.PPP, failure.reason, failure.step, failure.evidence, tuple(self._steps)
        )
        self._inbox(report)

    def _write(self, note: Standing) -> None:
        self._note = note
        standing.write(self._setup.folder / NOTE, note)

    def _device(self) -> str:
        return self._note.device if self._note is not None else ""

    def _port_there(self) -> bool:
        return Path(self._device()).exists()


def _further(one: _Ended | None, other: _Ended) -> _Ended:
    """Return the failure that got further; it knows more about the cause."""
    return one if one is not None and _ORDER.index(one.step) >= _ORDER.index(other.step) else other
