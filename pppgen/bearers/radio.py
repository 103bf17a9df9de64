"""What a bearer asks of the modem beside the link: may it dial, why did it fail, how is the signal."""

from dataclasses import dataclass, field
from typing import Protocol

from pppgen.model import Reason, Registration, Signal


@dataclass(frozen=True, slots=True)
class Sky:
    """What the modem says about its network; `lost` is the reason when it proves that no traffic can come.

    `backoff_s`: for so long the network lets nobody try again; `mtu`: what the network's path carries. Both are `None`
    where the modem does not say.
    """

    signal: Signal = field(default_factory=Signal)
    registrations: tuple[Registration, ...] = ()
    lost: Reason | None = None
    evidence: tuple[str, ...] = ()
    backoff_s: int | None = None
    mtu: int | None = None


class Radio(Protocol):
    """The modem's command port. Each call opens and closes it, may take seconds and never raises.

    Each returns `None` where the modem does not say. `busy_port` is the node that pppd holds: a modem with no other AT
    port says nothing then.
    """

    def before_dial(self) -> Sky | None:
        """Return what the modem says before a dial; with `lost` the dial is not made."""
        ...

    def look_ahead(self) -> None:
        """Have the next `before_dial`'s answer ready, while a lost link is taken down; returns at once."""
        ...

    def after_failure(self) -> Sky | None:
        """Return what the modem says about a dial that failed: `+CEER`, registration."""
        ...

    def sky(self, busy_port: str) -> Sky | None:
        """Return signal and registration while the link is up."""
        ...
