"""From a lease to packets that come back, and as long as the link stands: the same for every bearer."""

import selectors
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from pppgen.bearers.carry import Carry, Wishes
from pppgen.bearers.course import Course, Ended
from pppgen.bearers.radio import Radio, Sky
from pppgen.bearers.waiter import Waiter
from pppgen.health import Counters, Flow, warming_up
from pppgen.model import Lease, Reason
from pppgen.reports import BearerDegraded, BearerLeased, BearerRecovered, BearerUp, Step
from pppgen.system import link
from pppgen.system.clock import boottime
from pppgen.system.dns import Dns

_RADIO_S = 60.0
_QUIET_BYTES = 2000  # since the last look


@dataclass(frozen=True, slots=True)
class HeardRadio:
    """The radio thread's letter."""

    sky: Sky | None


class Proof:
    """One lease on its way to traffic, in its bearer's thread; `up` once packets came back.

    `doubt_s`: as often the modem is asked whether the network is still there, while the link is not proved.
    """

    def __init__(
        self,
        course: Course,
        waiter: Waiter,
        wishes: Wishes,
        dns: Dns,
        radio: Radio | None,
        *,
        doubt_s: float,
        busy_port: str = "",
        port: str = "",
        worked: Callable[[], None] = lambda: None,
    ) -> None:
        self._course, self._waiter, self._wishes, self._dns, self._radio = course, waiter, wishes, dns, radio
        self._doubt_s, self._busy_port, self._port, self._worked = doubt_s, busy_port, port, worked
        self._carry: Carry | None = None
        self.up = False
        self._degraded = False
        self._told_rounds = 0
        self._radio_at: float | None = None
        self._asking: threading.Thread | None = None
        self._quiet_from = Counters()

    def begin(self, lease: Lease, *, believed: bool = False) -> None:
        """Set route and name servers, and begin to look for traffic; `believed` where an earlier supervisor saw some.

        Raises:
            Ended: already silent.
            PppgenError: the route cannot be set.
        """
        course = self._course
        lease = replace(lease, mtu=lease.mtu or link.mtu(lease.interface))
        course.enter(Step.ROUTE)
        course.tell(BearerLeased(course.dial, course.kind, lease))
        self._carry = carry = Carry(lease, self._wishes, self._dns, self._waiter.selector, course.say)
        self._waiter.watch(carry.watch)
        if believed:
            carry.believe(boottime())
        course.say(carry.set_route())
        course.enter(Step.DNS)
        course.say(carry.set_dns())
        course.enter(Step.TRAFFIC)
        self._radio_at = boottime() + self._doubt_s if self._radio is not None else None
        self.look(boottime())

    @property
    def due(self) -> float | None:
        """When to `look` again if nothing happens."""
        if self._carry is None:
            return None
        return self._carry.due if self._radio_at is None else min(self._carry.due, self._radio_at)

    @property
    def address(self) -> str:
        """The lease's address, empty before there is one."""
        return self._carry.lease.address if self._carry is not None else ""

    def heard(self, key: selectors.SelectorKey) -> None:
        """Take in what woke the thread and is nobody else's."""
        if self._carry is None:
            return
        if key.fileobj is self._carry.watch:
            self._carry.noticed(boottime())
        else:
            self._carry.heard(key)

    def look(self, now: float) -> None:
        """Believe what is to be believed now, and report where that changes.

        Raises:
            Ended: patience is over before anything came back.
        """
        carry, course = self._carry, self._course
        if carry is None:
            return
        match carry.look(now):
            case Flow.FLOWING if not self.up:
                self.up = True
                course.close()
                course.say(carry.proof)
                self._worked()
                course.tell(BearerUp(course.dial, course.kind, carry.lease, tuple(course.steps), self._port))
            case Flow.FLOWING if self._degraded:
                self._degraded = False
                course.tell(BearerRecovered(course.dial, course.kind))
            case Flow.SILENT if not self.up:
                silence = f"nothing came back within {self._wishes.rules.patience_s:g} s"
                raise Ended(Reason.CARRIER_SILENT, Step.TRAFFIC, (silence, str(carry.counters)))
            case Flow.SILENT if not self._degraded:
                self._degraded = True
                evidence = (f"nothing came in since {now - carry.pulse.heard_at:.0f} s", str(carry.counters))
                course.tell(BearerDegraded(course.dial, course.kind, Reason.CARRIER_SILENT, evidence))
            case Flow.WARMING if carry.pulse.rounds != self._told_rounds:
                self._told_rounds = carry.pulse.rounds
                course.say(warming_up(carry.lease, now - carry.pulse.since, carry.pulse.rounds))
            case _:
                pass
        if self._radio_at is not None and now >= self._radio_at:
            self._radio_at = None
            self._ask_radio()

    def letter(self, letter: object, now: float) -> None:
        """Take in the radio thread's letter.

        Raises:
            Ended: the network is gone, which ends patience early; on a link that flows the packets know better.
        """
        if not isinstance(letter, HeardRadio):
            return
        self._radio_at = now + (_RADIO_S if self.up else self._doubt_s)
        sky = self._course.seen(letter.sky)
        flowing = self._carry is not None and self._carry.pulse.flow is Flow.FLOWING
        if sky is not None and sky.lost is not None and not flowing and not self.up:
            raise Ended(sky.lost, Step.TRAFFIC, sky.evidence)

    def is_quiet(self) -> bool:
        """Whether hardly a byte went through since the last call; called by another thread."""
        carry = self._carry
        counters = (link.counters(carry.lease.interface) if carry is not None else None) or Counters()
        before, self._quiet_from = self._quiet_from, counters
        moved = counters.rx_bytes + counters.tx_bytes - before.rx_bytes - before.tx_bytes
        return moved < _QUIET_BYTES

    def clear(self) -> tuple[str, ...]:
        """Take route and servers back; what could not be is named. A second call finds nothing to do."""
        carry, self._carry = self._carry, None
        if carry is None:
            return ()
        self._waiter.forget(carry.watch)
        return carry.clear()

    def let_go(self) -> None:
        """Leave route and servers for the next supervisor."""
        if self._carry is not None:
            self._carry.let_go()

    def rest(self) -> None:
        """Wait until the radio thread has given the command port back: the next bearer may need it at once."""
        if self._asking is not None:
            self._asking.join()

    def _ask_radio(self) -> None:
        """Read the command port in a thread of its own: it takes seconds, and the bearer's words must not wait."""
        radio = self._radio
        if radio is None:
            return

        def ask() -> None:
            self._waiter.send(HeardRadio(radio.sky(self._busy_port)))

        self._asking = threading.Thread(target=ask, name=f"radio-{self._course.dial}", daemon=True)
        self._asking.start()
