"""One start of the QMI bearer, in a thread of its own, which creates, follows and reaps its programs.

How to read it. The way is straight, one method a step: device, SIM and registration, framing, call, lease; then
`_live` waits for whatever ends the link. What a program says comes in through `Ears` at any moment of it, also while
another one is being asked. Whatever ends it is an `Ended`, and `_tidy` leaves nothing behind.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from pppgen.bearers import qmi_note
from pppgen.bearers.ears import Ears
from pppgen.bearers.holding import Holding, Means
from pppgen.bearers.leasing import Leasing
from pppgen.bearers.libqmi import Libqmi
from pppgen.bearers.qmi_note import Standing
from pppgen.bearers.qmi_parts import Backend, QmiAround, QmiSetup
from pppgen.bearers.quectel import Quectel
from pppgen.bearers.standing import unroute
from pppgen.bearers.start import Start
from pppgen.bearers.teller import Ended, refuse_hopeless
from pppgen.bearers.waiter import StopAsked, Waiter
from pppgen.config import QmiBackend
from pppgen.errors import PppgenError
from pppgen.lease_cause import Framing
from pppgen.model import BearerKind, Device, Lease, Reason
from pppgen.reports import Step
from pppgen.resolver import INTERFACE
from pppgen.system import addresses, link, qmi_proxy
from pppgen.system.addresses import Addresses
from pppgen.system.clock import boottime
from pppgen.system.routes import Watch
from pppgen.system.spawn import Child

# How a modem that is being pulled out looks to its programs, before the kernel has removed node and interface.
_MAY_BE_UNPLUGGED = frozenset({Reason.QMI_TIMEOUT, Reason.PROGRAM_KILLED, Reason.QMI_DEVICE_MISSING})
_UNPLUGGED_S = 0.3
_HUNG_S = 2.0  # a modem that has just been silent for longer is given this last chance


@dataclass(frozen=True, slots=True)
class Repair:
    """The supervisor's letter: what was found broken may be repaired."""


@dataclass(frozen=True, slots=True)
class Lost:
    """How the last start ended before it was up, for who asks whether another one is likely to end otherwise."""

    reason: Reason
    modem: Framing
    kernel: Framing


class QmiRun(Start):
    """A start; `taken` is a call that an earlier supervisor left, instead of a new one."""

    def __init__(
        self, dial: int, setup: QmiSetup, around: QmiAround, taken: tuple[Standing, Child] | None = None
    ) -> None:
        super().__init__(dial, BearerKind.QMI, around.inbox, Step.DEVICE)
        self.lost: Lost | None = None
        self._setup, self._around, self._taken = setup, around, taken
        self._ears = Ears(self.waiter)
        self._ears.letters = self._letter
        self._backend: Backend | None = None
        self._node, self._interface = "", ""
        self._leasing = Leasing(self._teller, self._ears, setup, "")

    # --- the way ---

    def _whole(self) -> tuple[str, ...]:
        try:
            failure = self._until_its_end()
        except StopAsked:
            failure = None
        self._teller.leave()
        self.waiter.heeds_stop = False
        if failure is not None:
            if self._holding is None or not self._holding.up:
                self.lost = Lost(failure.reason, self._leasing.modem, self._leasing.kernel)
            self._teller.failed(failure)
        return self._tidy(hung=failure is not None and failure.reason is Reason.QMI_TIMEOUT)

    def _until_its_end(self) -> Ended:
        """Bring the link up and hold it; return why it ended."""
        try:
            if self._taken is not None:
                self._take_over(*self._taken)
            else:
                self._bring_up()
            self._live()
        except Ended as ended:
            return self._explained(ended)
        except PppgenError as error:
            return self._explained(self._teller.ended_by(error))

    def _bring_up(self) -> None:
        self._find_device()
        backend = self._begin()
        self._refuse_hopeless(backend)
        self._leasing.compare(backend)
        self._teller.enter(Step.CALL, f"starting a call{f' to {self._setup.apn}' if self._setup.apn else ''}")
        if self._setup.profile is not None and (why := self._around.login()):
            raise Ended(Reason.AUTH_FAILED, Step.CALL, (why,))
        backend.call()
        self._start_carrying(backend, self._leasing.find(backend))

    def _find_device(self) -> None:
        self._teller.enter(Step.DEVICE)
        device = self._around.device()
        if device is None:
            raise Ended(Reason.USB_DISCONNECT, Step.DEVICE, ("the modem is not on its USB bus",))
        self._node, self._interface = qmi_function(device)
        self._teller.say(f"{self._node} with {self._interface}")
        self._leasing = Leasing(self._teller, self._ears, self._setup, self._interface)

    def _begin(self) -> Backend:
        """Return the backend, with nothing begun yet."""
        setup = self._setup
        note = Standing(setup.backend, self._node, qmi_note.inode_of(self._node), self._interface)
        self._backend = self._made(note)
        if setup.backend is QmiBackend.LIBQMI and not qmi_note.settle(setup.folder, self._node, setup.programs.ask):
            raise Ended(Reason.QMI_TIMEOUT, Step.DEVICE, (f"{self._node}: a client id of ours is not taken back",))
        return self._backend

    def _made(self, note: Standing) -> Backend:
        kind = Libqmi if note.backend is QmiBackend.LIBQMI else Quectel
        return kind(self._teller, self._ears, self._setup, note)

    def _refuse_hopeless(self, backend: Backend) -> None:
        """Ask the modem first: a call that cannot succeed would only cost an attempt."""
        sky = None
        if (radio := self._around.radio) is not None:
            self._teller.enter(Step.SIM, "reading SIM, registration and signal")
            sky = self._teller.seen(radio.before_dial())
            refuse_hopeless(sky)
        if sky is None:
            backend.obstacle()
        else:
            self._teller.enter(Step.REGISTRATION, "registered, as far as the modem tells")

    # --- the link ---

    def _start_carrying(self, backend: Backend, lease: Lease) -> None:
        with Addresses(self._interface) as interface:
            interface.assign(lease.address, lease.prefix, lease.mtu)
        backend.leased(lease, raw_ip=self._leasing.kernel is Framing.RAW_IP)
        self._prove(lease, proven=False)

    def _prove(self, lease: Lease, *, proven: bool) -> None:
        # With Ethernet framing the module itself answers ARP and DHCP, so counters that grow prove nothing at first.
        wishes = self._setup.wishes
        rules = replace(
            wishes.rules, counters_prove=wishes.rules.counters_prove and self._leasing.kernel is Framing.RAW_IP
        )
        around = self._around
        means = Means(
            replace(wishes, rules=rules),
            around.dns,
            around.radio,
            doubt_s=self._setup.doubt_s,
            explain=self._why_silent,
        )
        lease = replace(lease, mtu=lease.mtu or link.mtu(lease.interface))
        self._holding = holding = Holding(lease, means, self._teller, self.waiter, proven=proven)
        self._ears.others = lambda key: holding.answer(key, boottime())
        self._holding.begin()

    def _take_over(self, left: Standing, child: Child) -> None:
        """Go on with a call as if this start had made it."""
        assert left.lease is not None  # noqa: S101 -- adopt() asked
        self._node, self._interface = left.node, left.interface
        self._leasing = leasing = Leasing(self._teller, self._ears, self._setup, left.interface)
        leasing.touched = True
        self._backend = backend = self._made(left)
        backend.adopt(child)
        self._prove(left.lease, proven=True)
        if left.dhcp is not None:
            leasing.adopt(backend, left.dhcp)

    def _live(self) -> NoReturn:
        """Wait and answer until something ends it: it leaves by an exception only."""
        assert self._holding is not None  # noqa: S101 -- made by both ways here
        while True:
            self._ears.wait(self._holding.due)
            if not link.exists(self._interface):
                raise Ended(Reason.LINK_DROPPED, self._teller.step, (f"{self._interface} is gone",))
            self._follow_lease(self._holding)
            self._holding.look(boottime())

    def _follow_lease(self, holding: Holding) -> None:
        """Carry out what became of the lease; most renewals change nothing."""
        assert self._backend is not None  # noqa: S101 -- it stands while a lease is held
        lease = self._leasing.renewed(self._backend)
        if lease is None or (lease := replace(lease, mtu=lease.mtu or holding.lease.mtu)) == holding.lease:
            return
        self._teller.say(f"the lease is another one now: {lease.address}")
        self._backend.leased(lease, raw_ip=self._leasing.kernel is Framing.RAW_IP)
        with Addresses(self._interface) as interface:
            interface.assign(lease.address, lease.prefix, lease.mtu)
        holding.renew(lease)

    def _letter(self, letter: object) -> None:
        if isinstance(letter, Repair):
            self._leasing.may_repair = True
        elif self._holding is not None:
            self._holding.take(letter, boottime())

    def _explained(self, ended: Ended) -> Ended:
        """Return the failure with what the modem and its call say about it, where they may know better."""
        if self._unplugged(ended.reason):
            return Ended(Reason.USB_DISCONNECT, ended.step, (*ended.evidence, f"{self._node} is gone"))
        radio = self._around.radio
        was_up = self._holding is not None and self._holding.up
        if was_up or radio is None or ended.reason is not Reason.QMI_CALL_FAILED:
            return ended
        sky = self._teller.seen(radio.after_failure())
        if sky is None:
            return ended
        return Ended(sky.lost or ended.reason, ended.step, (*ended.evidence, *sky.evidence))

    def _why_silent(self, silence: Ended) -> Ended:
        """Return a silence from the start with its cause: the framing and the call have other reasons."""
        assert self._backend is not None  # noqa: S101 -- it made the lease that is silent
        assert self._holding is not None  # noqa: S101 -- it asks
        try:
            cause = self._leasing.cause(self._backend, address=self._holding.lease.address)
        except (Ended, PppgenError):
            return silence
        return Ended(cause.reason, silence.step, (*silence.evidence, cause.sentence))

    def _unplugged(self, reason: Reason) -> bool:
        """Whether the modem left its bus; a program may have noticed before the kernel has removed the node."""
        node = Path(self._node)
        if not self._node:
            return False
        if reason not in _MAY_BE_UNPLUGGED and link.exists(self._interface):
            return not node.exists()
        with Watch() as watch, Waiter(boottime) as waiter:
            waiter.watch(watch)
            until = boottime() + _UNPLUGGED_S
            while node.exists() and boottime() < until:
                waiter.wait(until)
                watch.drain()
        return not node.exists()

    # --- the end ---

    def _tidy(self, *, hung: bool = False) -> tuple[str, ...]:
        """End the call and take everything back; what is left is named. A second call finds nothing to do."""
        leftover: list[str] = []
        holding, self._holding = self._holding, None
        if holding is not None:
            leftover += holding.clear()
        elif self._taken is not None:
            leftover += unroute(self._interface, self._around.dns)
        leftover += self._leasing.end()
        backend, self._backend = self._backend, None
        if backend is not None:
            owed = backend.hang_up(_HUNG_S if hung else self._setup.answer_s)
            leftover += owed
            if self._leasing.touched:
                addresses.clear(self._interface)
            if owed or hung:
                self._free_the_modem()
        return tuple(leftover)

    def _free_the_modem(self) -> None:
        """QMI hangs: end a proxy that only we used, and free the modem's context over AT before PPP wants it."""
        if qmi_proxy.end_unused():
            self._teller.say("ended a qmi-proxy that nobody else used")
        for sentence in self._around.free():
            self._teller.say(sentence)

    def _let_go(self) -> None:
        """Leave the call, its program, the route and the servers for the next supervisor."""
        if self._holding is not None:
            self._holding.let_go()
        self._leasing.let_go()
        if self._backend is not None:
            self._backend.let_go()


def qmi_function(device: Device) -> tuple[str, str]:
    """Return the QMI node and its interface.

    Raises:
        Ended: the modem has none.
    """
    node = next(iter(device.wdm), "")
    interface = next((name for name in device.net if INTERFACE.fullmatch(name)), "")
    if not node or not interface:
        said = "the modem shows no QMI port (cdc-wdm)" if not node else "the modem shows no network interface"
        raise Ended(Reason.QMI_DEVICE_MISSING, Step.DEVICE, (f"{said}: its USB mode may be another one",))
    return node, interface
