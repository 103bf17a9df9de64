"""From a modem that answers to a lease: its framing compared and repaired, and the sources of an address in order.

Local repairs happen within the same call and ask the network for nothing.
"""

from collections.abc import Callable
from dataclasses import replace

from pppgen.bearers import dhcp
from pppgen.bearers.ears import Ears
from pppgen.bearers.qmi_parts import Backend, QmiSetup
from pppgen.bearers.teller import Ended, Teller
from pppgen.config import Addressing
from pppgen.health import Counters
from pppgen.lease_cause import Cause, Dhcp, Framing, LeaseFacts, framing_cause, lease_cause
from pppgen.model import Lease
from pppgen.reports import BearerNeedsRepair, Step
from pppgen.system import link
from pppgen.system.addresses import Addresses


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
        self._dhcp = Dhcp.NOT_ASKED
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
            interface.up()
        self.kernel = cause.cure

    def find(self, backend: Backend) -> Lease:
        """Return the lease from whichever source gives one.

        Raises:
            Ended: none does; the cause is named.
        """
        self._teller.enter(Step.LEASE)
        self.touched = True
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
            case Addressing.AUTO if self.modem is self.kernel is not Framing.UNKNOWN or self._setup.family == 6:
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
        gateway = "" if self.kernel is Framing.RAW_IP else found.gateway
        return Lease(found.address, self._interface, "", found.dns, found.mtu, found.prefix, gateway)

    def _lease_of_dhcp(self) -> Lease | None:
        self._teller.say(f"asking by DHCP on {self._interface}")
        self._dhcp, lease = dhcp.ask(self._ears, self._setup, self._interface, self._teller.say)
        if lease is not None and self.kernel is Framing.RAW_IP:
            return replace(lease, gateway="")
        return lease

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
