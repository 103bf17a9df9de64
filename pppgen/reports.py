"""What a bearer tells its supervisor: each report carries the dial number that started the bearer.

The order of one start is  Progress* [Leased Progress* [Degraded] [Up (Degraded Recovered)*]] [Failed] Down.
`BearerFailed` comes as soon as the reason is known; `BearerDown` comes exactly once and last, when process, lock,
interface, route and name servers are gone, and only then may another bearer touch the modem. Whoever gets a report
with an older dial number than the current one drops it.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from pppgen.model import BearerKind, Lease, Reason, Registration, Signal


class Step(StrEnum):
    """The named steps of a bring-up, of both bearers; a failure names the one at which it died."""

    # PPP
    PORT_OPEN = "port-open"
    CHAT = "chat"
    LCP = "lcp"
    AUTH = "auth"
    IPCP = "ipcp"
    # QMI
    DEVICE = "device"
    SIM = "sim"
    REGISTRATION = "registration"
    FRAMING = "framing"
    CALL = "call"
    LEASE = "lease"
    # both
    ROUTE = "route"
    DNS = "dns"
    TRAFFIC = "traffic"


LOCAL_STEPS = frozenset({Step.PORT_OPEN, Step.DEVICE, Step.SIM, Step.REGISTRATION, Step.FRAMING})
"""A start that came no further than these has not asked the network for anything."""

ATTEMPT_STEPS = frozenset({Step.CHAT, Step.CALL})
"""Entering one of these asks the network for a link; entering it again, on another port, asks again."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """How long one step took; the step that failed is the last."""

    step: Step
    seconds: float


@dataclass(frozen=True, slots=True)
class BearerProgress:
    """A step begins, or has something to say (`note`, a sentence for people)."""

    dial: int
    kind: BearerKind
    step: Step
    note: str = ""


@dataclass(frozen=True, slots=True)
class BearerLeased:
    """The network gave an address; nothing has come back through it yet."""

    dial: int
    kind: BearerKind
    lease: Lease


@dataclass(frozen=True, slots=True)
class BearerNeedsRepair:
    """A local fault that the bearer can repair within the same call; it waits for `repair(dial)` or `stop(dial)`."""

    dial: int
    kind: BearerKind
    reason: Reason
    step: Step
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BearerUp:
    """Packets came back. `port` is the stable name of the port that dialled, empty where no tty is used."""

    dial: int
    kind: BearerKind
    lease: Lease
    steps: tuple[StepTime, ...] = ()
    port: str = ""


@dataclass(frozen=True, slots=True)
class BearerDegraded:
    """The link stands but nothing comes back: not any more, or, before `BearerUp`, not within the patience."""

    dial: int
    kind: BearerKind
    reason: Reason
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BearerRecovered:
    """Packets come back again on a link that was degraded."""

    dial: int
    kind: BearerKind


@dataclass(frozen=True, slots=True)
class BearerFailed:
    """The start did not succeed, or the link died: why, at which step, the lines that prove it."""

    dial: int
    kind: BearerKind
    reason: Reason
    step: Step
    evidence: tuple[str, ...] = ()
    steps: tuple[StepTime, ...] = ()


@dataclass(frozen=True, slots=True)
class BearerDown:
    """Nothing of this start is left. `leftover` names what could not be removed; empty is the rule."""

    dial: int
    kind: BearerKind
    leftover: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RadioSeen:
    """Signal and registration, read on the command port: before a dial, after a failed one, while the link is up.

    `backoff_s`: the network's own back-off runs for so long yet.
    """

    dial: int
    kind: BearerKind
    signal: Signal = field(default_factory=Signal)
    registrations: tuple[Registration, ...] = ()
    backoff_s: int | None = None


BearerReport = (
    BearerProgress
    | BearerLeased
    | BearerNeedsRepair
    | BearerUp
    | BearerDegraded
    | BearerRecovered
    | BearerFailed
    | BearerDown
    | RadioSeen
)
