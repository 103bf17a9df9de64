"""One port of the simulated modem: what it does with bytes, and what it has still to say."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from pppgen.sim.effects import Effect
from pppgen.sim.lcp import Refusal

GUARD_S = 1.0  # S12: silence before and after `+++`


class Mode(StrEnum):
    """What a port does with the bytes that it gets."""

    COMMAND = "command"
    DATA = "data"
    ONLINE_COMMAND = "online-command"  # escaped from a call that is still up
    NMEA = "nmea"
    SILENT = "silent"


@dataclass(slots=True)
class Port:
    """One port's own state; `tail` is when the last thing to be said is due."""

    number: int
    mode: Mode
    line: bytearray = field(default_factory=bytearray)
    overlong: bool = False
    echoed: bytearray = field(default_factory=bytearray)  # goes out before whatever comes next
    last_line: str = ""
    queue: deque[tuple[float, Effect]] = field(default_factory=deque)
    tail: float = 0.0
    echo: bool = True
    verbose: bool = True
    quiet: bool = False
    dtr: int = 2
    registers: dict[int, int] = field(default_factory=lambda: {0: 0, 3: 13, 4: 10, 5: 8, 7: 60, 12: 50})
    cid: int = 0
    stuck: bool = False
    heard_at: float = -GUARD_S
    pluses: int = 0
    ends_at: float | None = None
    refusal: Refusal | None = None

    @property
    def in_data(self) -> bool:
        """Whether the host's bytes go to the network."""
        return self.mode is Mode.DATA

    @property
    def in_call(self) -> bool:
        """Whether a call is up, seen or escaped from."""
        return self.mode in {Mode.DATA, Mode.ONLINE_COMMAND}
