"""The radio between the modem and the operator: what is lost, held back, or answered with silence. Pure.

Two directions, one `Carrier`; it takes bytes and the time and returns what comes out, and when to ask again.
"""

from dataclasses import dataclass, field

from tests.lab.frames import Splitter, carries_ip, pardon, unasked


@dataclass(frozen=True, slots=True)
class Weather:
    """The faults in force on the air.

    `black_hole`: LCP is answered, IP is lost both ways. `lost_s`, `held_s`: counted from the first IP packet, those
    sent before `lost_s` are lost, those sent before `held_s` arrive all at once then (the user's first pings: 20 and 47
    seconds). `pardon`: the operator's CHAP Failure arrives as a Success; his terminate follows it.

    Frames that are lost altogether and bits that turn are the modem's own faults (`freeze`, `bit-errors`).
    """

    black_hole: bool = False
    lost_s: float = 0.0
    held_s: float = 0.0
    pardon: bool = False


@dataclass(slots=True)
class Carrier:
    """One call on the air; `opened` is when its first IP packet was sent."""

    weather: Weather
    opened: float | None = None
    up: Splitter = field(default_factory=Splitter)
    down: Splitter = field(default_factory=Splitter)
    held: list[tuple[float, bytes]] = field(default_factory=list)

    def to_operator(self, data: bytes, now: float) -> bytes:
        """Return what arrives at the operator of what the modem sent, now."""
        return b"".join(self._pass(frame, now, hold=True) for frame in map(unasked, self.up.feed(data)))

    def to_modem(self, data: bytes, now: float) -> bytes:
        """Return what arrives at the modem of what the operator sent, now."""
        frames = self.down.feed(data)
        if self.weather.pardon:
            frames = [pardon(frame) for frame in frames]
        return b"".join(self._pass(frame, now, hold=False) for frame in frames)

    def released(self, now: float) -> bytes:
        """Return what was held back on its way to the operator and is due."""
        out = b""
        while self.held and self.held[0][0] <= now:
            out += b"~" + self.held.pop(0)[1]
        return out

    @property
    def wake_at(self) -> float | None:
        """When `released` has something to give."""
        return self.held[0][0] if self.held else None

    def _pass(self, frame: bytes, now: float, *, hold: bool) -> bytes:
        weather = self.weather
        if not (weather.black_hole or weather.held_s) or not carries_ip(frame):
            return frame
        if self.opened is None:
            self.opened = now
        age = now - self.opened
        if weather.black_hole or age < weather.lost_s:
            return b""
        if hold and age < weather.held_s:
            self.held.append((self.opened + weather.held_s, frame))
            return b""
        return frame
