"""One start of the QMI bearer, in a thread of its own, which creates, follows and reaps its programs.

How to read it. The way is straight, one method a step: device, SIM and registration, framing, call, lease; then
`_live` waits for whatever ends the link. What a program says comes in through `Ears` at any moment of it, also while
another one is being asked. Whatever ends it is an `Ended`, and `_tidy` leaves nothing behind.
"""

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from pppgen.bearers import dhcp, qmi_note
from pppgen.bearers.ears import Ears
from pppgen.bearers.holding import Holding, Means
from pppgen.bearers.libqmi import Libqmi
from pppgen.bearers.qmi_note import Standing
from pppgen.bearers.qmi_parts import Backend, QmiAround, QmiSetup
from pppgen.bearers.quectel import Quectel
from pppgen.bearers.quiet import Quiet
from pppgen.bearers.teller import Ended, Teller, refuse_hopeless
from pppgen.bearers.waiter import LeaveAsked, StopAsked, Waiter
from pppgen.config import Addressing, QmiBackend
from pppgen.errors import PppgenError
from pppgen.health import Counters
from pppgen.lease_cause import Cause, Dhcp, Framing, LeaseFacts, framing_cause, lease_cause
from pppgen.model import BearerKind, Device, Lease, Reason
from pppgen.reports import BearerDown, BearerNeedsRepair, Step
from pppgen.resolver import INTERFACE
from pppgen.system import addresses, link, qmi_proxy
from pppgen.system.addresses import Addresses
from pppgen.system.clock import boottime
from pppgen.system.spawn import Child

# What the modem's own account of the call can explain; the rest has been named already, or lies on this side of it.
_NETWORK_MAY_TELL = frozenset({Reason.QMI_CALL_FAILED, Reason.CARRIER_SILENT})


@dataclass(frozen=True, slots=True)
class Repair:
    """The supervisor's letter: what was found broken may be repaired."""


@dataclass(frozen=True, slots=True)
class Lost:
    """How the last start ended, for who asks whether another one is likely to end otherwise."""

    reason: Reason
    modem: Framing
    kernel: Framing


class QmiRun(threading.Thread):
    """A start; `taken` is a call that an earlier supervisor left, instead of a new one."""

    def __init__(
        self, dial: int, setup: QmiSetup, around: QmiAround, taken: tuple[Standing, Child] | None = None
    ) -> None:
        super().__init__(name=f"qmi-{dial}", daemon=True)
        self.dial = dial
        self.waiter = Waiter(boottime)
        self.lost: Lost | None = None
        self._setup, self._around, self._taken = setup, around, taken
        self._teller = Teller(dial, BearerKind.QMI, around.inbox, Step.DEVICE)
        self._ears = Ears(self.waiter)
        self._ears.letters = self._letter
        self._holding: Holding | None = None
        self._quiet = Quiet()
        self._backend: Backend | None = None
        self._node, self._interface = "", ""
        self._modem, self._kernel = Framing.UNKNOWN, Framing.UNKNOWN
        self._dhcp = Dhcp.NOT_ASKED
        self._before = Counters()
        self._may_repair = False
        self._repaired = False

    # --- the way ---

    def run(self) -> None:
        """Bring the link up, hold it, take it down; the last report is `BearerDown`."""
        with self.waiter:
            try:
                leftover = self._whole()
            except LeaveAsked:
                self._let_go()
                return
            except Exception as error:  # noqa: BLE001 -- a thread that dies silently would leave the supervisor waiting
                traceback.print_exc()
                self._teller.failed(Ended(Reason.PROGRAM_KILLED, self._teller.step, (f"a fault in pppgen: {error!r}",)))
                leftover = self._tidy()
            self._around.inbox(BearerDown(self.dial, BearerKind.QMI, leftover))

    def is_quiet(self) -> bool:
        """Whether hardly a byte went through since the last call; called by another thread."""
        return self._quiet.look(self._interface)

    def _whole(self) -> tuple[str, ...]:
        try:
            failure = self._until_its_end()
        except StopAsked:
            failure = None
        self._teller.leave()
        self.waiter.heeds_stop = False
        if failure is not None:
            self.lost = Lost(failure.reason, self._modem, self._kernel)
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
            return self._teller.ended_by(error)

    def _bring_up(self) -> None:
        self._find_device()
        backend = self._begin()
        self._refuse_hopeless(backend)
        self._compare_framing(backend)
        self._teller.enter(Step.CALL, f"starting a call{f' to {self._setup.apn}' if self._setup.apn else ''}")
        if self._setup.profile is not None and (why := self._around.login()):
            raise Ended(Reason.AUTH_FAILED, Step.CALL, (why,))
        backend.call()
        self._start_carrying(backend, self._find_lease(backend))

    def _find_device(self) -> None:
        self._teller.enter(Step.DEVICE)
        device = self._around.device()
        if device is None:
            raise Ended(Reason.USB_DISCONNECT, Step.DEVICE, ("the modem is not on its USB bus",))
        self._node, self._interface = qmi_function(device)
        self._teller.say(f"{self._node} with {self._interface}")
        self._kernel = kernel_framing(self._interface, self._setup)

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

    # --- framing ---

    def _compare_framing(self, backend: Backend) -> None:
        """Compare before the call is made: a mismatch is known to end without a lease, so it costs no attempt."""
        self._teller.enter(Step.FRAMING)
        self._modem = backend.framing()
        self._teller.say(f"the modem speaks {self._modem}, the kernel expects {self._kernel}")
        cause = framing_cause(self._interface, self._modem, self._kernel)
        if cause is not None:
            self._repair(cause, Step.FRAMING)

    def _repair(self, cause: Cause, step: Step) -> None:
        """Ask whether to repair, wait for the answer, repair.

        Raises:
            Ended: it was repaired already, or cannot be.
        """
        if cause.cure is None or self._repaired:
            raise Ended(cause.reason, step, (cause.sentence,))
        self._teller.send(BearerNeedsRepair(self.dial, BearerKind.QMI, cause.reason, step, (cause.sentence,)))
        while not self._may_repair:
            self._ears.wait(None)
        self._repaired = True
        self._teller.enter(step, f"making the kernel expect {cause.cure} on {self._interface}")
        with Addresses(self._interface) as interface:
            interface.flush()
            interface.down()
            why = link.set_raw_ip(self._interface, cause.cure is Framing.RAW_IP, self._setup.net)
            if why:
                raise Ended(cause.reason, step, (cause.sentence, why))
            interface.up()
        self._kernel = cause.cure

    # --- the lease ---

    def _find_lease(self, backend: Backend) -> Lease:
        """Return the lease from whichever source gives one.

        Raises:
            Ended: none does; the cause is named.
        """
        self._teller.enter(Step.LEASE)
        with Addresses(self._interface) as interface:
            interface.up()
        self._before = link.counters(self._interface) or Counters()
        self._dhcp, lease = backend.own_lease()
        sources = self._sources(backend) if self._dhcp is Dhcp.NOT_ASKED else ()
        lease = lease or self._lease_after_repair(backend)
        for source in sources:
            lease = lease or source() or self._lease_after_repair(backend)
        if lease is not None:
            return lease
        cause = self._cause(backend)
        raise Ended(cause.reason, Step.LEASE, (cause.sentence,))

    def _lease_after_repair(self, backend: Backend) -> Lease | None:
        """Return what DHCP brings once the framing is repaired, where its silence is the framing's fault."""
        if self._dhcp is not Dhcp.UNANSWERED or self._repaired:
            return None
        cause = self._cause(backend)
        if cause.cure is None:
            return None
        self._repair(cause, Step.LEASE)
        return self._lease_of_dhcp()

    def _sources(self, backend: Backend) -> tuple[Callable[[], Lease | None], ...]:
        """Return where to ask for an address, in order.

        With a known framing the modem's own word is quicker. With an unknown one only DHCP proves that packets are
        understood on both sides.
        """

        def modem() -> Lease | None:
            return self._lease_of_modem(backend)

        match self._setup.addressing:
            case Addressing.MODEM:
                return (modem,)
            case Addressing.DHCP:
                return (self._lease_of_dhcp,)
            case Addressing.AUTO if self._modem is self._kernel is not Framing.UNKNOWN or self._setup.family == 6:
                return (modem, self._lease_of_dhcp) if self._setup.family == 4 else (modem,)
            case Addressing.AUTO:
                return (self._lease_of_dhcp, modem)

    def _lease_of_modem(self, backend: Backend) -> Lease | None:
        self._teller.say("asking the modem for the call's address")
        found = backend.settings()
        if not found.address:
            self._teller.say("the modem names no address")
            return None
        # On bare IP there is nobody to resolve a gateway for: the interface is the way.
        gateway = "" if self._kernel is Framing.RAW_IP else found.gateway
        return Lease(found.address, self._interface, "", found.dns, found.mtu, found.prefix, gateway)

    def _lease_of_dhcp(self) -> Lease | None:
        self._teller.say(f"asking by DHCP on {self._interface}")
        self._dhcp, lease = dhcp.ask(self._ears, self._setup, self._interface, self._teller.say)
        if lease is not None and self._kernel is Framing.RAW_IP:
            return replace(lease, gateway="")
        return lease

    def _cause(self, backend: Backend, address: str = "") -> Cause:
        """Return why there is no lease, or no traffic, from what can be seen now."""
        call, why = backend.state()
        now = link.counters(self._interface) or Counters()
        before = self._before
        received = Counters(
            now.rx_packets - before.rx_packets,
            now.tx_packets - before.tx_packets,
            now.rx_bytes - before.rx_bytes,
            now.tx_bytes - before.tx_bytes,
        )
        cause = lease_cause(
            LeaseFacts(self._interface, self._modem, self._kernel, call, why, self._dhcp, address, received)
        )
        self._teller.say(cause.sentence)
        return cause

    # --- the link ---

    def _start_carrying(self, backend: Backend, lease: Lease) -> None:
        with Addresses(self._interface) as interface:
            interface.assign(lease.address, lease.prefix, lease.mtu)
        backend.leased(lease, raw_ip=self._kernel is Framing.RAW_IP)
        self._prove(lease, proven=False)

    def _prove(self, lease: Lease, *, proven: bool) -> None:
        # With Ethernet framing the module itself answers ARP and DHCP, so counters that grow prove nothing at first.
        wishes = self._setup.wishes
        rules = replace(wishes.rules, counters_prove=wishes.rules.counters_prove and self._kernel is Framing.RAW_IP)
        around = self._around
        means = Means(replace(wishes, rules=rules), around.dns, around.radio, doubt_s=self._setup.doubt_s)
        lease = replace(lease, mtu=lease.mtu or link.mtu(lease.interface))
        self._holding = holding = Holding(lease, means, self._teller, self.waiter, proven=proven)
        self._ears.others = lambda key: holding.answer(key, boottime())
        self._holding.begin()

    def _take_over(self, left: Standing, child: Child) -> None:
        """Go on with a call as if this start had made it."""
        assert left.lease is not None  # noqa: S101 -- adopt() asked
        self._node, self._interface = left.node, left.interface
        self._kernel = kernel_framing(left.interface, self._setup)
        self._backend = backend = self._made(left)
        backend.adopt(child)
        self._prove(left.lease, proven=True)

    def _live(self) -> NoReturn:
        """Wait and answer until something ends it: it leaves by an exception only."""
        assert self._holding is not None  # noqa: S101 -- made by both ways here
        while True:
            self._ears.wait(self._holding.due)
            if not link.exists(self._interface):
                gone = not Path(self._node).exists()
                reason = Reason.USB_DISCONNECT if gone else Reason.LINK_DROPPED
                raise Ended(reason, self._teller.step, (f"{self._interface} is gone",))
            self._holding.look(boottime())

    def _letter(self, letter: object) -> None:
        if isinstance(letter, Repair):
            self._may_repair = True
        elif self._holding is not None:
            self._holding.take(letter, boottime())

    def _explained(self, ended: Ended) -> Ended:
        """Return the failure with what the modem and its call say about it, where they may know better."""
        backend, holding = self._backend, self._holding
        if holding is not None and holding.up:
            return ended
        if ended.reason is Reason.CARRIER_SILENT and backend is not None and holding is not None:
            try:
                cause = self._cause(backend, address=holding.lease.address)
                ended = Ended(cause.reason, ended.step, (*ended.evidence, cause.sentence))
            except (Ended, PppgenError):
                pass
        radio = self._around.radio
        if ended.reason not in _NETWORK_MAY_TELL or radio is None:
            return ended
        sky = self._teller.seen(radio.after_failure())
        if sky is None:
            return ended
        return Ended(sky.lost or ended.reason, ended.step, (*ended.evidence, *sky.evidence))

    # --- the end ---

    def _tidy(self, *, hung: bool = False) -> tuple[str, ...]:
        """End the call and take everything back; what is left is named. A second call finds nothing to do."""
        leftover: list[str] = []
        holding, self._holding = self._holding, None
        if holding is not None:
            leftover += holding.clear()
        elif self._taken is not None:
            leftover += qmi_note.unroute(self._interface, self._around.dns)
        backend, self._backend = self._backend, None
        if backend is not None:
            leftover += backend.hang_up()
            addresses.clear(self._interface)
        if hung:
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


def kernel_framing(interface: str, setup: QmiSetup) -> Framing:
    """Return what the kernel expects; a driver without the choice does not tell."""
    raw = link.raw_ip(interface, setup.net)
    return Framing.UNKNOWN if raw is None else Framing.RAW_IP if raw else Framing.ETHERNET
