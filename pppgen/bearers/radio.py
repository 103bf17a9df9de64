"""What a bearer asks of the modem beside the link: may it dial, why did it fail, how is the signal."""

from dataclasses import dataclass, field
from typing import Protocol

from pppgen.model import Reason, Registration, Signal
from pppgen.reports import Step


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a dial cannot succeed, known before it costs an attempt."""

    reason: Reason
    step: Step
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sky:
    """What the modem says about its network; `lost` is the reason when it proves that no traffic can come."""

    signal: Signal = field(default_factory=Signal)
    registrations: tuple[Registration, ...] = ()
    lost: Reason | None = None
    evidence: tuple[str, ...] = ()


class Radio(Protocol):
    """The modem's command port. Each call opens and closes it, may take seconds and never raises.

    `busy_port` is the node that pppd holds: a modem with no other AT port says nothing then.
    """

    def refusal(self) -> Refusal | None:
        """Return why a dial cannot succeed; `None` also where the modem does not say."""
        ...

    def after_failure(self) -> Sky:
        """Return what the modem says about a dial that failed: `+CEER`, registration."""
        ...

    def sky(self, busy_port: str) -> Sky | None:
        """Return signal and registration while the link is up; `None` where no port is free to ask."""
        ...
