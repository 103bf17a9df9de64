"""Holds a lease: from the address to the proof that packets come back, and for as long as they do. For every bearer.

It lives in the bearer's thread, whose loop hands it the keys and letters that are not the bearer's own, and looks when
it is `due`.
"""

import selectors
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from pppgen.bearers.carry import Carry, Wishes
from pppgen.bearers.radio import Radio, Sky
from pppgen.bearers.teller import Ended, Teller
from pppgen.bearers.waiter import Waiter
from pppgen.errors import PppgenError
from pppgen.health import Flow, warming_up
from pppgen.model import Lease, Reason
from pppgen.reports import BearerDegraded, BearerLeased, BearerRecovered, Step
from pppgen.system.clock import boottime
from pppgen.system.dns import Dns

_RADIO_S = 60.0
_PORT_BACK_S = 3.0  # a few questions to a modem that answers; a silent one is not waited for


@dataclass(frozen=True, slots=True)
class _Heard:
    """The radio thread's letter."""

    sky: Sky | None


@dataclass(frozen=True, slots=True)
class Means:
    """What a lease is held with. `worked` is called when packets first came back.

    `device` is the node that the link occupies, `port` its stable name, both empty where no tty is used. `doubt_s`: as
    often the modem is asked whether the network is still there, while the link is not proved. `explain` is asked about
    a silence from the start: what is broken on this side has another reason.
    """

    wishes: Wishes = field(default_factory=Wishes)
    dns: Dns = field(default_factory=Dns)
    radio: Radio | None = None
    device: str = ""
    port: str = ""
    doubt_s: float = 15.0
    worked: Callable[[], None] = lambda: None
    explain: Callable[[Ended], Ended] = lambda silence: silence


class Holding:
    """One lease; `up` once packets came back. `proven`: an earlier supervisor has seen them."""

    def __init__(self, lease: Lease, means: Means, teller: Teller, waiter: Waiter, *, proven: bool = False) -> None:
        self.lease = lease
        self.up = False
        self._means, self._teller, self._waiter = means, teller, waiter
        self._degraded = False
        self._told_rounds = 0
        self._asking: threading.Thread | None = None
        self._carry = Carry(lease, means.wishes, means.dns, waiter.selector, teller.say)
        self._radio_at = boottime() + means.doubt_s if means.radio is not None else None
        if proven:
            self._carry.believe(boottime())
        waiter.watch(self._carry.watch)

    def begin(self) -> None:
        """Report the lease, set route and name servers, begin to prove them.

        Raises:
            PppgenError: the route cannot be added.
            Ended: as `look`.
        """
        teller = self._teller
        teller.enter(Step.ROUTE)
        teller.send(BearerLeased(teller.dial, teller.kind, self.lease))
        teller.say(self._carry.set_route())
        teller.enter(Step.DNS)
        teller.say(self._carry.set_dns())
        teller.enter(Step.TRAFFIC)
        self.look(boottime())

    def renew(self, lease: Lease) -> None:
        """Go on with another address or other name servers, which the interface has already.

        Raises:
            PppgenError: the route cannot be added.
        """
        teller, self.lease = self._teller, lease
        self._carry.take(lease)
        teller.say(self._carry.set_route())
        teller.say(self._carry.set_dns())
        teller.send(BearerLeased(teller.dial, teller.kind, lease))

    def answer(self, key: selectors.SelectorKey, now: float) -> None:
        """Take in what became readable."""
        if key.fileobj is self._carry.watch:
            self._carry.noticed(now)
        else:
            self._carry.heard(key)

    def take(self, letter: object, now: float) -> None:
        """Take in a letter; those that are not for it change nothing.

        Raises:
            Ended: the modem proves that no packet can come, and none has.
        """
        if not isinstance(letter, _Heard):
            return
        self._radio_at = now + (_RADIO_S if self.up else self._means.doubt_s)
        # A modem whose only AT port carries the link says nothing; that it was time to look is told all the same.
        sky = self._teller.seen(letter.sky or Sky())
        # Evidence ends patience early; of a link that flowed, the packets and its program know better.
        if sky is not None and sky.lost is not None and not self.up:
            raise Ended(sky.lost, Step.TRAFFIC, sky.evidence)
        if sky is not None and sky.mtu is not None:
            self._narrow(sky.mtu)

    def _narrow(self, mtu: int) -> None:
        """Have the path's own MTU heeded where the lease has a greater one."""
        if self.lease.mtu is None or mtu >= self.lease.mtu:
            return
        # An interface that is going takes its route along, and its program says why in a moment.
        with suppress(PppgenError):
            self._teller.say(self._carry.narrow(mtu))
            self.lease = self._carry.lease
            self._teller.send(BearerLeased(self._teller.dial, self._teller.kind, self.lease))

    def look(self, now: float) -> None:
        """See whether packets come back, and say what changed.

        Silence alone ends nothing, not even a link on which no packet ever came: whether another bearer may do better,
        or this one is to be kept, is the policy's to decide.

        Raises:
            Ended: patience is over, and the bearer knows what is broken.
        """
        flow = self._carry.look(now)
        pulse, teller = self._carry.pulse, self._teller
        match flow:
            case Flow.FLOWING if not self.up:
                self.up = True
                self._degraded = False
                teller.leave()
                teller.say(self._carry.proof)
                teller.up(self.lease, self._means.port)
                # Before the dial only the little was asked that decides; now nobody waits.
                self._radio_at = now if self._radio_at is not None else None
                self._means.worked()  # looks the modem up anew and writes a file: nobody shall wait for it
            case Flow.FLOWING if self._degraded:
                self._degraded = False
                teller.send(BearerRecovered(teller.dial, teller.kind))
            case Flow.SILENT if not self._degraded:
                self._degraded = True
                silence = self._silence(now)
                teller.send(BearerDegraded(teller.dial, teller.kind, silence.reason, silence.evidence))
            case Flow.WARMING if pulse.rounds != self._told_rounds:
                self._told_rounds = pulse.rounds
                teller.say(warming_up(self.lease, now - pulse.since, pulse.rounds))
            case _:
                pass
        if self._radio_at is not None and now >= self._radio_at:
            self._radio_at = None
            self._ask_radio()

    @property
    def due(self) -> float:
        """When to look again, if nothing happens before."""
        return self._carry.due if self._radio_at is None else min(self._carry.due, self._radio_at)

    def clear(self) -> tuple[str, ...]:
        """Take route and name servers back; what could not be removed is named."""
        self._waiter.forget(self._carry.watch)
        leftover = self._carry.clear()
        if self._asking is not None:
            self._asking.join(_PORT_BACK_S)  # the next bearer may want the command port at once
        return leftover

    def let_go(self) -> None:
        """Leave route and name servers for the next supervisor."""
        self._carry.let_go()

    def _ask_radio(self) -> None:
        """Read the command port in a thread of its own: it takes seconds, and the program's words must not wait."""
        radio, device = self._means.radio, self._means.device
        if radio is None:
            return

        def ask() -> None:
            self._waiter.send(_Heard(radio.sky(device)))

        self._asking = threading.Thread(target=ask, name=f"radio-{self._teller.dial}", daemon=True)
        self._asking.start()

    def _silence(self, now: float) -> Ended:
        """Return the silence with its evidence; raises `Ended` as `look`."""
        if self.up:
            lasted = f"nothing came in for {now - self._carry.pulse.heard_at:.0f} s"
            return Ended(Reason.CARRIER_SILENT, Step.TRAFFIC, (lasted, self._counted()))
        lasted = f"nothing came back within {self._means.wishes.rules.patience_s:g} s"
        silence = self._means.explain(Ended(Reason.CARRIER_SILENT, Step.TRAFFIC, (lasted, self._counted())))
        if silence.reason is not Reason.CARRIER_SILENT:
            raise silence
        return silence

    def _counted(self) -> str:
        counters = self._carry.counters
        return f"{self.lease.interface}: {counters.rx_packets} packets came in, {counters.tx_packets} went out"
