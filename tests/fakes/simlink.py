"""A link straight into a simulated modem, with a clock of its own: what takes seconds takes none."""

from pppgen.model import ExpectedRole
from pppgen.sim.faults import Faults
from pppgen.sim.modem import Effect, Modem, Send
from pppgen.sim.transcript import load

_SPEAKS = {ExpectedRole.AT, ExpectedRole.AT_DIAL, ExpectedRole.DIAL}


class SimLink:
    """The first AT port of a family's simulated modem; `clock` goes with it into an AT client."""

    def __init__(self, family: str, faults: Faults | None = None) -> None:
        self.modem = Modem(load(family), faults)
        self.port = next(each.number for each in self.modem.transcript.tty_interfaces if each.role in _SPEAKS)
        self.name = f"{family}:{self.port}"
        self.now = 0.0
        self._heard = b""

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes) -> None:
        self._take(self.modem.receive(self.port, data, self.now))

    def read(self, timeout_s: float) -> bytes:
        until = self.now + timeout_s
        while not self._heard and self.now < until:
            wake = self.modem.wake_at()
            self.now = until if wake is None else min(until, max(wake, self.now + 0.001))
            self._take(self.modem.advance(self.now))
        heard, self._heard = self._heard, b""
        return heard

    def close(self) -> None:
        self._take(self.modem.closed(self.port, self.now))

    def _take(self, effects: list[Effect]) -> None:
        self._heard += b"".join(each.data for each in effects if isinstance(each, Send) and each.port == self.port)
