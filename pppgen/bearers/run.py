"""One start of the PPP bearer, in a thread of its own, which creates, follows and reaps pppd and reports to the inbox.

How to read it. The way is straight: the gate, then a dial on one port after the other (`_dial`), and inside a dial one
loop (`_live`) that waits for words, for pppd's end, and for whatever holds the lease. Whatever ends it is an `Ended`,
and `_tidy` leaves nothing behind.
"""

import os
import selectors
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pppgen.bearers import notes, standing
from pppgen.bearers.carry import Wishes
from pppgen.bearers.dialog import Dialog
from pppgen.bearers.endings import (
    LIMITS_S,
    MAY_BE_UNPLUGGED,
    NETWORK_MAY_TELL,
    OTHER_PORT_MAY_DIAL,
    OUT_OF_TIME,
)
from pppgen.bearers.holding import Holding, Means
from pppgen.bearers.protocol import Inbox
from pppgen.bearers.radio import Radio
from pppgen.bearers.standing import Standing
from pppgen.bearers.start import Start
from pppgen.bearers.teller import Ended, refuse_hopeless
from pppgen.bearers.waiter import StopAsked
from pppgen.errors import NoPermission, PppgenError
from pppgen.model import BearerKind, Holder, Port, Reason
from pppgen.plan import linkname, supervised_ipparam
from pppgen.programs.events import Kind
from pppgen.programs.pppd import call_argv
from pppgen.reports import Step
from pppgen.system import link
from pppgen.system.clock import boottime
from pppgen.system.dns import Dns
from pppgen.system.follow import Follower, new_log
from pppgen.system.inotify import is_gone_within
from pppgen.system.letterbox import Letterbox
from pppgen.system.processes import LOCK_FOLDERS
from pppgen.system.spawn import Child, Exit, spawn

LOG = "pppd.log"
LETTERBOX = "ppp.fifo"  # etc/ppp/ip-up.d/pppgen knows the path

_ORDER = (*LIMITS_S, Step.ROUTE, Step.DNS, Step.TRAFFIC)
_LEASE_WORDS_S = 0.2  # pppd writes all of a lease in one go; without `debug` nothing marks its end
# How long the kernel may take to remove the node of a port whose loss pppd or chat has noticed: during a dial, and of a
# link, whose loss is to be told at once.
_UNPLUGGED_DIAL_S = 1.0
_UNPLUGGED_LINK_S = 0.3
_OWN_END_S = 1.5  # after its decisive line pppd ends by itself, and tidily
_LINGER_S = 0.1  # after a terminate from the peer, answered at once, it would linger 3 s, and does not heed TERM
# Debian's and resolvconf's own hooks then tell the servers, as for any other link.
_DNS_NOT_OURS = "pppgen-routes-only"


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
    folder: Path = notes.FOLDER
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


class Run(Start):
    """A start; `taken` is a link that an earlier supervisor left, instead of a dial. `again`: it may dial twice."""

    def __init__(
        self, dial: int, setup: PppSetup, around: Around, taken: tuple[Standing, Child] | None, *, again: bool
    ) -> None:
        super().__init__(dial, BearerKind.PPP, around.inbox, Step.PORT_OPEN)
        self._setup, self._around, self._taken, self._again = setup, around, taken, again
        self._dialog = Dialog()
        self._port: Port | None = None
        self._note: Standing | None = None
        self._child: Child | None = None
        self._follower: Follower | None = None
        self._letterbox: Letterbox | None = None
        self._leased_at: float | None = None

    # --- the way ---

    def _whole(self) -> tuple[str, ...]:
        failure: Ended | None = None
        try:
            if self._taken is not None:
                self._take_over(*self._taken)
            else:
                self._refuse_hopeless()
                self._dial_all()
        except StopAsked:
            pass
        except Ended as ended:
            failure = ended
        except PppgenError as error:
            failure = self._teller.ended_by(error)
        self._teller.leave()
        self.waiter.heeds_stop = False
        was_up = self._holding is not None and self._holding.up
        if failure and was_up:
            self._teller.failed(failure)
        leftover = self._tidy(asked=failure is None)
        if failure and not was_up:
            self._teller.failed(self._with_the_modem_s_word(failure))
        return leftover

    def _refuse_hopeless(self) -> None:
        """Ask the modem first: a dial that cannot succeed would only cost an attempt."""
        if self._around.radio is None:
            return
        self._teller.begin_again(Step.REGISTRATION, "reading SIM, registration and signal")
        refuse_hopeless(self._teller.seen(self._around.radio.before_dial()))

    def _dial_all(self) -> None:
        """Dial on the best port, and on another one if that died before the modem spoke PPP."""
        ports = self._around.ports()
        if not ports:
            raise Ended(Reason.USB_DISCONNECT, Step.PORT_OPEN, ("the modem is not on its USB bus",))
        worst: Ended | None = None
        allowed = 2 if self._again else 1
        for left, port in zip(range(len(ports) - 1, -1, -1), ports, strict=True):
            try:
                self._dial(port)
            except Ended as ended:
                worst = _further(worst, ended)
                if not left or self._dialog.lcp_open or ended.reason not in OTHER_PORT_MAY_DIAL:
                    raise worst from None
                allowed -= self._dialog.dialled
                if not allowed:
                    self._teller.say("no other port is tried: the budget has no further attempt")
                    raise worst from None
                self._teller.say(f"{port.stable}: {ended.reason.value}; trying the modem's other port")
                self._tidy()

    def _dial(self, port: Port) -> None:
        """Run pppd on one port until something ends it."""
        self._port = port
        self._teller.begin_again(Step.PORT_OPEN, f"{port.stable} is {port.device} now")
        if (holder := self._around.holder(port)) is not None:
            manager = holder.name == "ModemManager"
            reason = Reason.MODEM_MANAGER_CONFLICT if manager else Reason.PORT_BUSY
            held = f"{port.device} is held by {holder.name}, pid {holder.pid}"
            by_pon = f"; if it was dialled by hand: sudo poff {self._setup.provider}" if holder.name == "pppd" else ""
            raise Ended(reason, Step.PORT_OPEN, (held + by_pon,))
        if not Path(port.device).exists():
            raise Ended(Reason.USB_DISCONNECT, Step.PORT_OPEN, (f"{port.device} is not there",))
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
        self._live()

    # --- the loop ---

    def _live(self) -> None:
        """Wait and answer until something ends it: it leaves by an exception only."""
        for thing in (self._follower, self._child, self._letterbox):
            if thing is not None:
                self.waiter.watch(thing)
        while True:
            self._advance(boottime())
            woken = self.waiter.wait(self._due())
            now = boottime()
            for key in woken.keys:
                self._answer(key, now)
            for letter in woken.letters:
                if self._holding is not None:
                    self._holding.take(letter, now)

    def _answer(self, key: selectors.SelectorKey, now: float) -> None:
        """Answer what became readable."""
        if key.fileobj is self._follower:
            self._listen()
        elif key.fileobj is self._child:
            self._child_ended()
        elif key.fileobj is self._letterbox:
            self._take_words()
        elif self._holding is not None:
            self._holding.answer(key, now)

    def _due(self) -> float:
        """When to look again if nothing happens."""
        if self._holding is not None:
            return self._holding.due
        if self._leased_at is not None:
            return self._leased_at + _LEASE_WORDS_S
        return self._teller.since + LIMITS_S[self._teller.step]

    def _advance(self, now: float) -> None:
        """Move on as far as what was heard and the time allow."""
        step = self._teller.step
        if self._holding is not None:
            self._holding.look(now)
        elif self._dialog.leased:
            self._leased_at = now if self._leased_at is None else self._leased_at
            if self._dialog.told_all or now >= self._leased_at + _LEASE_WORDS_S:
                self._hold()
        elif now >= self._teller.since + LIMITS_S[step]:
            if self._moved_on(step):
                self._advance(boottime())
                return
            waited = f"nothing more within {LIMITS_S[step]:g} s at the step {step.value}"
            raise Ended(OUT_OF_TIME[step], step, (*self._dialog.evidence, waited))

    def _hold(self) -> None:
        """The network gave an address: make it carry traffic."""
        note, port = self._note, self._port
        assert note is not None  # noqa: S101 -- written before the first word
        lease = note.lease or self._dialog.lease()
        lease = replace(lease, mtu=lease.mtu or link.mtu(lease.interface))
        if not link.exists(lease.interface):
            raise Ended(Reason.LINK_DROPPED, Step.IPCP, (f"pppd named the interface {lease.interface!r}: not there",))
        self._write(replace(note, lease=lease))
        means = Means(
            self._setup.wishes,
            self._around.dns,
            self._around.radio,
            note.device,
            note.port,
            self._setup.doubt_s,
            (lambda: self._around.worked(port)) if port is not None else lambda: None,
        )
        self._holding = Holding(lease, means, self._teller, self.waiter, proven=self._taken is not None)
        try:
            self._holding.begin()
        except NoPermission:
            raise
        except PppgenError:
            # An interface that is gone already has its reason in pppd's last words.
            if self._child is not None and self._child.wait(_OWN_END_S) is not None:
                self._child_ended()
            raise

    def _listen(self) -> None:
        """Hear what pppd and chat wrote."""
        assert self._follower is not None  # noqa: S101 -- the loop has one
        for line in self._follower.lines():
            self._dialog.hear(line)
            step = self._dialog.step
            if step in LIMITS_S and _ORDER.index(step) > _ORDER.index(self._teller.step):
                self._teller.enter(step)
            if self._dialog.reason is not None:
                self._decided(self._dialog.reason)

    def _moved_on(self, step: Step) -> bool:
        """Hear what was written while this thread was held up, as on a busy board; whether it led beyond `step`."""
        self._listen()
        self._take_words()
        return self._dialog.leased or self._teller.step is not step

    def _take_words(self) -> None:
        """Take what the ip-up hook brought of our own pppd."""
        assert self._letterbox is not None  # noqa: S101 -- the loop has one
        for word in self._letterbox.words():
            if self._child is not None and word.pid == self._child.mark.pid:
                self._dialog.handed(word.interface, word.address, word.dns)

    def _decided(self, reason: Reason) -> None:
        """A line said why the link ends: say so at once, then find out whether the port is still there."""
        evidence = self._dialog.evidence
        # Over a port that goes away no terminate would have come.
        waits = reason in MAY_BE_UNPLUGGED and self._dialog.decisive is not Kind.PEER_TERMINATED
        # The failure of a link that was up is told in a moment, with this line: two reports would only delay the one.
        if waits or self._holding is None or not self._holding.up:
            self._teller.say(evidence[-1])
        if reason in MAY_BE_UNPLUGGED and self._unplugged(wait=waits):
            gone = f"{self._note.device} is gone" if self._note else ""
            raise Ended(Reason.USB_DISCONNECT, self._teller.step, (*evidence, gone))
        raise Ended(reason, self._teller.step, evidence)

    def _child_ended(self) -> None:
        """Hear the last words; without a decisive one among them the exit status is the reason."""
        self._listen()
        how = self._child.poll() if self._child is not None else None
        how = how or Exit()
        status = how.status if how.signal is None else -how.signal
        reason = self._dialog.ended(status, device_there=self._port_there())
        raise Ended(reason, self._teller.step, self._dialog.evidence)

    # --- the end ---

    def _with_the_modem_s_word(self, failure: Ended) -> Ended:
        """Return the failure with what the modem says about it, where the network may be the cause."""
        if self._around.radio is None or failure.reason not in NETWORK_MAY_TELL:
            return failure
        sky = self._teller.seen(self._around.radio.after_failure())
        if sky is None:
            return failure
        return Ended(sky.lost or failure.reason, failure.step, (*failure.evidence, *sky.evidence))

    def _tidy(self, *, asked: bool = False) -> tuple[str, ...]:
        """End pppd and take everything back; what is left is named. A second call finds nothing to do."""
        leftover: list[str] = []
        for thing in (self._follower, self._letterbox, self._child):
            if thing is not None:
                with suppress(KeyError):
                    self.waiter.forget(thing)
        for reader in (self._follower, self._letterbox):
            if reader is not None:
                reader.close()
        carries = True
        if self._holding is not None:
            leftover += self._holding.clear()
            carries = bool(leftover)
        if self._child is not None:
            if self._dialog.decisive is Kind.PEER_TERMINATED:
                self._child.end(_LINGER_S)
            elif not asked:
                self._child.wait(_OWN_END_S)
            if self._note is not None:
                leftover += standing.clear(
                    self._note,
                    self._child,
                    self._around.dns,
                    carries=carries,
                    locks=self._setup.locks,
                    pid_files=self._setup.folder.parent,
                )
            self._child.close()
        (self._setup.folder / notes.PPP).unlink(missing_ok=True)
        self._follower = self._letterbox = self._holding = self._child = self._note = self._leased_at = None
        return tuple(leftover)

    def _let_go(self) -> None:
        """Leave pppd, the route and the servers for the next supervisor."""
        for open_thing in (self._follower, self._letterbox, self._child):
            if open_thing is not None:
                open_thing.close()
        if self._holding is not None:
            self._holding.let_go()

    # --- small things ---

    def _write(self, note: Standing) -> None:
        self._note = note
        standing.write(self._setup.folder / notes.PPP, note)

    def _unplugged(self, *, wait: bool) -> bool:
        """Whether the port is gone, or goes in a moment: its users hear of that before its node is removed."""
        if not wait or self._note is None:
            return not self._port_there()
        moment = _UNPLUGGED_DIAL_S if self._holding is None else _UNPLUGGED_LINK_S
        return is_gone_within(Path(self._note.device), moment)

    def _port_there(self) -> bool:
        return self._note is not None and Path(self._note.device).exists()


def _further(one: Ended | None, other: Ended) -> Ended:
    """Return the failure that got further; it knows more about the cause."""
    return one if one is not None and _ORDER.index(one.step) >= _ORDER.index(other.step) else other
