"""Makes a lease carry traffic: default route, name servers, and the proof that packets come back. For every bearer."""

import selectors
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from pppgen import health
from pppgen.errors import PppgenError
from pppgen.health import Counters, Flow
from pppgen.model import Lease
from pppgen.resolver import Owner, only_placeholders, usable
from pppgen.system import link
from pppgen.system.clock import boottime
from pppgen.system.dns import Dns
from pppgen.system.probes import Probes, targets
from pppgen.system.routes import CELLULAR_METRIC, PRIMARY_METRIC, Routes, Watch

# After somebody changed the table: they are mostly not done yet, and a fight with them must not spin.
_SETTLE_S = 0.3
_AGAIN_S = 2.0
# An address that any default route leads to; nothing is sent there.
_ANYWHERE = {4: "192.0.2.1", 6: "2001:db8::1"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the configuration says about traffic."""

    metric: int = CELLULAR_METRIC
    primary: bool = False
    manage_dns: bool = True
    targets: tuple[str, ...] = ()
    rules: health.Rules = field(default_factory=health.Rules)


class Carry:
    """One lease at work, in its bearer's thread. `watch` tells of changes of the table; it is the owner's to select."""

    def __init__(
        self, lease: Lease, wishes: Wishes, dns: Dns, selector: selectors.BaseSelector, say: Callable[[str], None]
    ) -> None:
        now = boottime()
        self.lease = lease
        self._say = say
        self._wishes = wishes
        self._dns = dns
        self._routes = Routes()
        self.watch = Watch()
        self._selector = selector
        self._probes = self._asked_of(lease)
        self.counters = link.counters(lease.interface) or Counters()
        self.pulse = health.fresh(self.counters, now)
        self._answered = False
        self._first: bool | None = None
        self._strict = ""  # the reverse-path filter's value before ours
        self._settled_at: float | None = None
        self._calm_until = now
        self.look_at = now

    def believe(self, now: float) -> None:
        """Take the link for one that flows already: an earlier supervisor proved it."""
        self.pulse = health.adopted(self.counters, now)

    def set_route(self) -> str:
        """Add our default route and return a sentence about it; raises PppgenError."""
        wishes, lease = self._wishes, self.lease
        metric = PRIMARY_METRIC if wishes.primary else wishes.metric
        route = self._routes.add_default(
            lease.interface, metric, gateway=lease.gateway, family=self._family, mtu=self._narrower_mtu()
        )
        if lease.address6:
            self._routes.add_default(lease.interface, metric, family=6)
        before = link.loosen_reverse_path(lease.interface)
        self._strict = self._strict or before
        loosened = ", reverse-path filter made loose" if before else ""
        chosen = self._chosen()
        used = "it carries the traffic" if chosen == lease.interface else f"{chosen} goes before it"
        return f"default route by {lease.interface}, metric {route.metric}{loosened}: {used}"

    def set_dns(self) -> str:
        """Tell the name servers' owner and return a sentence about it; a refusal is said, never fatal."""
        return self._tell_dns(first=self._chosen() == self.lease.interface)

    def _tell_dns(self, *, first: bool) -> str:
        self._first = first
        if not self._wishes.manage_dns:
            return "name servers left alone, as configured"
        if only_placeholders(self.lease.dns):
            return f"the network named {', '.join(self.lease.dns)}, which no name server has: left out"
        try:
            return self._dns.tell(self.lease.interface, self.lease.dns, first=first)
        except PppgenError as error:
            return f"the name servers could not be told: {error.message}"

    def take(self, lease: Lease) -> None:
        """Go on with another lease on the same interface; route and servers are the caller's to set anew."""
        self.lease = lease
        self._probes.close()
        self._probes = self._asked_of(lease)

    def narrow(self, mtu: int) -> str:
        """Go on with a smaller MTU, which the route carries from now on, and say so; raises PppgenError."""
        self.lease = replace(self.lease, mtu=mtu)
        return f"the network's path carries {mtu} bytes: {self.set_route()}"

    def noticed(self, now: float) -> None:
        """The table changed: look at it when its changer is done."""
        if self.watch.drain() and self._settled_at is None:
            self._settled_at = max(now + _SETTLE_S, self._calm_until)

    def heard(self, key: selectors.SelectorKey) -> None:
        """Take in what came for a probe."""
        self._answered |= self._probes.heard(key)

    def look(self, now: float) -> Flow:
        """Return what to believe of the link now; sends probes and puts route and servers back where it is time."""
        if self._settled_at is not None and now >= self._settled_at:
            self._settled_at = None
            self._calm_until = now + _AGAIN_S
            self._put_back()
        if now >= self.look_at or self._answered:
            self.counters = link.counters(self.lease.interface) or self.counters
            self.pulse, advice = health.look(
                self.pulse, self._wishes.rules, self.counters, answered=self._answered, now=now
            )
            self.look_at = advice.look_at
            if advice.probe:
                self._probes.ask(first_only=self.pulse.rounds <= 1)
            if self.pulse.flow is Flow.FLOWING:
                self._probes.close()
            self._answered = False
        return self.pulse.flow

    @property
    def due(self) -> float:
        """When to `look` next, if nothing happens before."""
        return self.look_at if self._settled_at is None else min(self.look_at, self._settled_at)

    @property
    def proof(self) -> str:
        """What came back, for people."""
        return f"answered by {self._probes.answered_by}" if self._probes.answered_by else "packets came in"

    def clear(self) -> tuple[str, ...]:
        """Take route and servers back; what could not be removed is named."""
        leftover = []
        if self._strict:
            link.restore_reverse_path(self.lease.interface, self._strict)
        self._probes.close()
        self.watch.close()
        try:
            self._routes.remove_ours(self.lease.interface)
        except PppgenError as error:
            leftover.append(error.message)
        try:
            self._dns.untell(self.lease.interface)
        except PppgenError as error:
            leftover.append(error.message)
        self._routes.close()
        return tuple(leftover)

    def let_go(self) -> None:
        """Close what is open and leave the link as it is."""
        self._probes.close()
        self.watch.close()
        self._routes.close()

    def _put_back(self) -> None:
        """Put our route back if somebody took it, and order the servers by who carries the traffic now."""
        interface = self.lease.interface
        stood = any(route.ours and route.interface == interface for route in self._routes.defaults())
        try:
            sentence = self.set_route()
        except PppgenError:
            return  # the interface is going: its program says why in a moment
        first = self._chosen() == interface
        if not stood or first != self._first:
            self._say(f"somebody changed the routes: {sentence}")
        # By that one look: a table that changes once more meanwhile is looked at once more, and then said as well.
        if first != self._first:
            self._say(self._tell_dns(first=first))
        elif self._wishes.manage_dns and self._dns.owner() in {Owner.FILE, Owner.DHCPCD}:
            self._tell_dns(first=first)  # writes only if somebody took the block out

    def _asked_of(self, lease: Lease) -> Probes:
        return Probes(lease.interface, targets(usable(lease.dns), self._wishes.targets), self._selector)

    @property
    def _family(self) -> int:
        return ip_address(self.lease.address).version

    def _chosen(self) -> str:
        return self._routes.chosen(_ANYWHERE[self._family])

    def _narrower_mtu(self) -> int | None:
        """Return the lease's MTU where the interface believes in a greater one: TCP would send what gets lost."""
        wide = link.mtu(self.lease.interface)
        return self.lease.mtu if self.lease.mtu and wide and self.lease.mtu < wide else None
