"""The simulated modem at work: its core, a line for each port, the operator, and one loop that waits for all of them.

One thread, no polling: the loop sleeps until a descriptor has something or `Modem.wake_at` is reached.
"""

import select
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from pppgen.errors import BadValue
from pppgen.sim import modem as core
from pppgen.sim.faults import QMI_FIELDS, Auth, Faults, in_force
from pppgen.sim.line import EVENTS, READ_BOUND, Line
from pppgen.system.opens import Opens


class Network(Protocol):
    """Who answers on the other side of a call."""

    def dialled(self, call: core.Dialled) -> int | None:
        """Begin to serve; return a descriptor of the network's bytes, `None` if the line is only held."""

    def ends(self, port: int) -> int:
        """Return a descriptor that becomes readable when the network has hung up."""

    def send(self, port: int, data: bytes) -> None:
        """Take bytes of the subscriber."""

    def read(self, port: int) -> bytes:
        """Return the network's bytes."""

    def hung_up(self, port: int) -> None:
        """End what `dialled` began."""


class Held:
    """No operator: the line is held after CONNECT and nothing comes back."""

    def dialled(self, _call: core.Dialled) -> int | None:
        """Serve nobody."""
        return None

    def ends(self, port: int) -> int:
        """Never asked: no call has a descriptor."""
        raise NotImplementedError(port)

    def send(self, port: int, data: bytes) -> None:
        """Drop the bytes."""

    def read(self, _port: int) -> bytes:
        """Never asked: no call has a descriptor."""
        return b""

    def hung_up(self, port: int) -> None:
        """End nothing."""


class Simulation:
    """A `Modem` on `lines` (interface number -> line); `heard` is told each effect, for summaries and the lab."""

    def __init__(
        self,
        modem: core.Modem,
        lines: dict[int, Line],
        network: Network,
        heard: Callable[[core.Effect], None] = lambda _: None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        _check(modem.faults)
        self.modem, self.lines, self.network, self.heard, self.clock = modem, lines, network, heard, clock
        self._poller = select.epoll()
        self._ready: dict[int, Callable[[], None]] = {}
        self._closed: set[int] = set()
        self._rest: set[int] = set()
        self._opens = Opens()
        self._calls: dict[int, tuple[int, int]] = {}  # what to read, what tells the end
        self._back_at: float | None = None
        self.on_unplug: Callable[[], None] = lambda: None
        self.on_vanish: Callable[[int], None] = lambda _: None
        self.on_plug: Callable[[int], dict[int, Line]] | None = None
        self.watch(self._opens.descriptor, self._reopened)
        modem.boot(clock())
        self._attach()

    def watch(self, descriptor: int, ready: Callable[[], None], events: int = select.EPOLLIN) -> None:
        """Have `ready` called when a descriptor of somebody else's (a control socket) has something."""
        self._poller.register(descriptor, events)
        self._ready[descriptor] = ready

    def unwatch(self, descriptor: int) -> None:
        """Watch it no longer; harmless when it was not."""
        if self._ready.pop(descriptor, None) is not None:
            self._poller.unregister(descriptor)

    def step(self, limit_s: float | None = None) -> None:
        """Wait for the next thing to happen, at most `limit_s`, and let it happen."""
        times = [at for at in (self.modem.wake_at(), self._back_at) if at is not None]
        wait = max(0.0, min(times) - self.clock()) if times else None
        wait = limit_s if wait is None else wait if limit_s is None else min(wait, limit_s)
        rest, self._rest = self._rest & self.lines.keys(), set()
        wait = 0.0 if rest else wait
        for port in rest:
            if port in self.lines:  # the one before may have rebooted the modem
                self._from_host(port)
        for descriptor, _ in self._poller.poll(wait):
            ready = self._ready.get(descriptor)
            if ready is not None:
                ready()
        now = self.clock()
        if self._back_at is not None and now >= self._back_at:
            self.plug()
        self.carry_out(self.modem.advance(now))

    def carry_out(self, effects: Iterable[core.Effect]) -> None:
        """Do what the core asks for."""
        for effect in effects:
            self.heard(effect)
            match effect:
                case core.Send(port, data):
                    if port in self.lines:
                        self.lines[port].write(data)
                case core.Dialled():
                    self._begin(effect)
                case core.ToNetwork(port, data):
                    self.network.send(port, data)
                case core.HungUp(port):
                    self._end(port)
                case core.Vanished(port):
                    self.vanish(port)
                case core.Encapsulated():
                    pass  # a pty has no control channel
                case core.Rebooting(seconds):
                    self.unplug()
                    self._back_at = self.clock() + seconds

    def set_faults(self, faults: Faults) -> None:
        """Change the faults while running.

        Raises:
            BadValue: one of them needs an operator that we are not.
        """
        _check(faults)
        self.carry_out(self.modem.set_faults(faults, self.clock()))

    def unplug(self) -> None:
        """Let all ports go away, calls and all."""
        for port in tuple(self._calls):
            self._end(port)
        self.on_unplug()
        for port in tuple(self.lines):
            self._drop(port)

    def plug(self, first: int = 0) -> None:
        """Let all ports come back, after a boot; `first` is the number of the first ttyUSB."""
        self._back_at = None
        if self.lines or self.on_plug is None:
            return
        self.modem.boot(self.clock())
        self.lines = self.on_plug(first)
        self._attach()

    def vanish(self, port: int) -> None:
        """Let one port go away."""
        if port in self.lines:
            self._end(port)
            self.on_vanish(port)  # its names go before its reader learns of it
            self._drop(port)

    def close(self) -> None:
        """End calls and close lines."""
        self.unplug()
        self._poller.close()
        self._opens.close()

    def _attach(self) -> None:
        self._closed = set(self.lines)
        for port, line in self.lines.items():
            self._opens.watch(line.name)
            self.watch(line.descriptor, partial(self._from_host, port), EVENTS)

    def _drop(self, port: int) -> None:
        line = self.lines.pop(port)
        self._opens.unwatch(line.name)
        self.unwatch(line.descriptor)
        line.close()

    def _reopened(self) -> None:
        """See a close even when the next open followed before the hang-up could be read."""
        for name in self._opens.reopened():
            for port in [port for port, line in self.lines.items() if line.name == name]:
                self.carry_out(self.modem.closed(port, self.clock()))

    def _from_host(self, port: int) -> None:
        line = self.lines[port]
        line.flush()
        data, closed = line.read()
        if not closed:
            self._reopened()  # these bytes may come after a close that nobody has told of yet
        if data:
            self._closed.discard(port)
            self.carry_out(self.modem.receive(port, data, self.clock()))
        if closed and port in self.lines and port not in self._closed:
            self._closed.add(port)
            self.carry_out(self.modem.closed(port, self.clock()))
        if len(data) >= READ_BOUND and port in self.lines:
            self._rest.add(port)  # edge-triggered: nobody tells of the rest again

    def _begin(self, call: core.Dialled) -> None:
        descriptor = self.network.dialled(call) if call.served else None
        if descriptor is not None:
            ends = self.network.ends(call.port)
            self._calls[call.port] = (descriptor, ends)
            self.watch(descriptor, partial(self._from_network, call.port))
            self.watch(ends, partial(self._network_ended, call.port))

    def _from_network(self, port: int) -> None:
        if data := self.network.read(port):
            self.carry_out(self.modem.from_network(port, data, self.clock()))

    def _network_ended(self, port: int) -> None:
        self._end(port)
        self.carry_out(self.modem.carrier_lost(port, self.clock()))

    def _end(self, port: int) -> None:
        if port in self._calls:
            for descriptor in self._calls.pop(port):
                self.unwatch(descriptor)
            self.network.hung_up(port)


def _check(faults: Faults) -> None:
    if faults.auth is not Auth.NONE:
        raise BadValue("only the lab's operator asks for a password: here it has the machine's own", hint="make lab")
    if lab_only := sorted(QMI_FIELDS & set(in_force(faults))):
        raise BadValue(f"{', '.join(lab_only)}: only the lab's modem has QMI, a pty has none", hint="make lab")
