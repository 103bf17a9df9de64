"""From a modem that answers to a lease: its framing compared and repaired, the sources of an address in order.

Local repairs happen within the same call and ask the network for nothing.
"""

from collections.abc import Callable
from dataclasses import replace

from pppgen.bearers import dhcp
from pppgen.bearers.dhcp import DhcpClient
from pppgen.bearers.ears import Ears
from pppgen.bearers.qmi_parts import Backend, QmiSetup
from pppgen.bearers.teller import Ended, Teller
from pppgen.config import Addressing
from pppgen.health import Counters
from pppgen.lease_cause import Cause, Dhcp, Framing, LeaseFacts, framing_cause, lease_cause
from pppgen.model import Lease, Reason
from pppgen.reports import BearerNeedsRepair, Step
from pppgen.system import link
from pppgen.system.addresses import Addresses
from pppgen.system.clock import boottime
from pppgen.system.spawn import Mark, adopt

_DEAF_S = 0.5
_SPINNING_S = 10.0  # one that was started anew so lately, and is gone again, is not started once more


class Leasing:
    """One start's way to a lease on `interface`.

    `modem` and `kernel` are the framings as far as they are known, `touched` tells whether the interface was changed.
    Set `may_repair` when the supervisor allows what was asked for.
    """

    def __init__(self, teller: Teller, ears: Ears, setup: QmiSetup, interface: str) -> None:
        self._teller, self._ears, self._setup, self._interface = teller, ears, setup, interface
        self.modem, self.kernel = Framing.UNKNOWN, kernel_framing(interface, setup)
        self.may_repair = False
        self.touched = False
        self._repaired = False
        self._up = False
        self._dhcp = Dhcp.NOT_ASKED
        self._client: DhcpClient | None = None
        self._asked_at = -_SPINNING_S
        self._before = Counters()

    def compare(self, backend: Backend) -> None:
        """Compare before the call is made: a mismatch is known to end without a lease, so it costs no attempt.

        Raises:
            Ended: they differ and that cannot be repaired.
        """
        self._teller.enter(Step.FRAMING)
        self.modem = backend.framing()
        self._teller.say(f"the modem speaks {self.modem}, the kernel expects {self.kernel}")
        cause = framing_cause(self._interface, self.modem, self.kernel)
        if cause is not None:
            self._repair(cause, Step.FRAMING)
        elif self.kernel is Framing.ETHERNET:
            with Addresses(self._interface) as interface:
                self._tell_apart(interface)

    def _repair(self, cause: Cause, step: Step) -> None:
        """Ask whether to repair, wait for the answer, repair.

        Raises:
            Ended: it was repaired already, or cannot be.
        """
        if cause.cure is None or self._repaired:
            raise Ended(cause.reason, step, (cause.sentence,))
        teller = self._teller
        teller.send(BearerNeedsRepair(teller.dial, teller.kind, cause.reason, step, (cause.sentence,)))
        while not self.may_repair:
            self._ears.wait(None)
        self._repaired = True
        self._teller.enter(step, f"making the kernel expect {cause.cure} on {self._interface}")
        self.touched = True
        with Addresses(self._interface) as interface:
            interface.flush()
            interface.down()
            why = link.set_raw_ip(self._interface, cause.cure is Framing.RAW_IP, self._setup.net)
            if why:
                raise Ended(cause.reason, step, (cause.sentence, why))
            if cause.cure is Framing.ETHERNET:
                self._tell_apart(interface)
            interface.up()
        self._up = True
        self.kernel = cause.cure

    def _tell_apart(self, interface: Addresses) -> None:
        address = interface.tell_apart()
        if address:
            self.touched = True
            self._teller.say(f"{self._interface} has {address} now: its kernel took frames to the old one for bare IP")

    def find(self, backend: Backend) -> Lease:
        """Return the lease from whichever source gives one.

        Raises:
            Ended: none does; the cause is named.
        """
        self._teller.enter(Step.LEASE)
        self.touched = True
        if not self._up:
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
        cause = self.cause(backend)
        raise Ended(cause.reason, Step.LEASE, (cause.sentence,))

    def _lease_after_repair(self, backend: Backend) -> Lease | None:
        """Return what DHCP brings once the framing is repaired, where its silence is the framing's fault."""
        if self._dhcp is not Dhcp.UNANSWERED or self._repaired:
            return None
        cause = self.cause(backend)
        if cause.cure is None:
            return None
        self._repair(cause, Step.LEASE)
        return self._lease_of_dhcp(backend)

    def _sources(self, backend: Backend) -> tuple[Callable[[], Lease | None], ...]:
        """Return where to ask for an address, in order.

        With a known framing the modem's own word is quicker. With an unknown one only DHCP proves that packets are
        understood on both sides.
        """

        def modem() -> Lease | None:
            return self._lease_of_modem(backend)

        def server() -> Lease | None:
            return self._lease_of_dhcp(backend)

        match self._setup.addressing:
            case Addressing.MODEM:
                return (modem,)
            case Addressing.DHCP:
                return (server,)
            case Addressing.AUTO if self.modem is self.kernel is not Framing.UNKNOWN or self._setup.family == 6:
                return (modem, server) if self._setup.family == 4 else (modem,)
            case Addressing.AUTO:
                return (server, modem)

    def _lease_of_modem(self, backend: Backend) -> Lease | None:
        self._teller.say("asking the modem for the call's address")
        found = backend.settings()
        if not found.address:
            self._teller.say("the modem names no address")
            return None
        return self._routed(
            Lease(found.address, self._interface, "", found.dns, found.mtu, found.prefix, found.gateway)
        )

    def _lease_of_dhcp(self, backend: Backend) -> Lease | None:
        self._teller.say(f"asking by DHCP on {self._interface}")
        self._dhcp, lease = self._start_client(backend).first()
        if lease is None:
            self.end()
        return self._routed(lease)

    def _routed(self, lease: Lease | None) -> Lease | None:
        """On bare IP there is nobody to resolve a gateway for: the interface is the way."""
        return replace(lease, gateway="") if lease is not None and self.kernel is Framing.RAW_IP else lease

    # --- while the lease stands ---

    def renewed(self, backend: Backend) -> Lease | None:
        """Return the lease as it is by now, where anything was told of it since the last call.

        Raises:
            Ended: it was lost, and no server gives another.
        """
        other = backend.reconfigured()
        if other:
            self._teller.say("the modem says that its call has another address")
        if self._client is None:
            return self._other_address(backend) if other else None
        if other:
            self._client.renew()
        news = self._client.news()
        if news is None:
            return None
        self._dhcp, lease = news
        if self._dhcp is Dhcp.NOT_ASKED:
            self._ask_on(backend)
        elif lease is None:
            cause = self.cause(backend)
            raise Ended(cause.reason, Step.LEASE, ("the DHCP lease was lost", cause.sentence))
        return self._routed(lease)

    def _other_address(self, backend: Backend) -> Lease | None:
        try:
            return self._lease_of_modem(backend)
        except Ended as ended:
            if ended.reason is not Reason.QMI_TIMEOUT:
                raise
            # A question that hangs is no end of a link: whether packets come back is told by the packets.
            self._teller.say(f"the other address stays unknown: {ended.evidence[-1]}")
            return None

    def adopt(self, backend: Backend, client: Mark) -> None:
        """Go on with a lease that an earlier supervisor got by DHCP."""
        child = adopt(client)
        if child is not None and (self._setup.folder / dhcp.LOG).exists():
            self._client = DhcpClient(self._ears, self._setup, self._interface, self._teller.say)
            self._client.adopt(child)
            return
        if child is not None:  # nobody could hear it
            with child:
                child.end(_DEAF_S)
        self._ask_on(backend)

    def end(self) -> tuple[str, ...]:
        """Have nobody ask for a lease any more; name what does not end."""
        client, self._client = self._client, None
        return client.end() if client is not None else ()

    def let_go(self) -> None:
        """Leave the lease's keeper for the next supervisor."""
        if self._client is not None:
            self._client.let_go()

    def _ask_on(self, backend: Backend) -> None:
        """Start another udhcpc for a lease whose keeper is gone: unasked for, it would run out."""
        if boottime() - self._asked_at < _SPINNING_S:
            raise Ended(Reason.PROGRAM_KILLED, Step.LEASE, ("udhcpc, which keeps the lease, ends again and again",))
        self._teller.say("udhcpc, which kept the lease, is gone: another one is started")
        self._asked_at = boottime()
        self.end()
        self._start_client(backend)

    def _start_client(self, backend: Backend) -> DhcpClient:
        self._client = client = DhcpClient(self._ears, self._setup, self._interface, self._teller.say)
        backend.keeps_lease(client.start())
        return client

    def cause(self, backend: Backend, address: str = "") -> Cause:
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
            LeaseFacts(self._interface, self.modem, self.kernel, call, why, self._dhcp, address, received)
        )
        self._teller.say(cause.sentence)
        return cause


def kernel_framing(interface: str, setup: QmiSetup) -> Framing:
    """Return what the kernel expects; a driver without the choice does not tell."""
    raw = link.raw_ip(interface, setup.net)
    return Framing.UNKNOWN if raw is None else Framing.RAW_IP if raw else Framing.ETHERNET
