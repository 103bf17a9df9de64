"""What the policy knows, says and asks for: the phases, the memory, the events that are not reports, the actions."""

from dataclasses import dataclass, field

from pppgen.model import BearerKind, Lease, Reason
from pppgen.policy.governor import Budget, Ledger
from pppgen.reports import BearerReport, Step

# --- phases: where the link stands -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nobody wants a link."""


@dataclass(frozen=True, slots=True)
class Connecting:
    """A bearer is being brought up and has reached `step`."""

    kind: BearerKind
    since: float
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Verifying:
    """The network gave an address; nothing has come back through it yet."""

    kind: BearerKind
    since: float
    lease: Lease


@dataclass(frozen=True, slots=True)
class Online:
    """Packets came back."""

    kind: BearerKind
    since: float
    lease: Lease


@dataclass(frozen=True, slots=True)
class Degraded:
    """The link stands but nothing comes back. `held`: the other bearer was as silent, so nothing is switched."""

    kind: BearerKind
    since: float
    lease: Lease
    reason: Reason
    held: bool = False


@dataclass(frozen=True, slots=True)
class Repairing:
    """The bearer repairs a local fault within the same call."""

    kind: BearerKind
    since: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class FallingBack:
    """One bearer is going down and `to` is started as soon as it is gone; `why` is None for a planned return."""

    to: BearerKind
    since: float
    why: Reason | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is tried before `until`; None waits for the modem to come back to the bus. `then` is tried first."""

    until: float | None
    why: Reason
    rule: str = ""
    then: BearerKind | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nothing helps until a person acts."""

    why: Reason


Phase = Stopped | Connecting | Verifying | Online | Degraded | Repairing | FallingBack | Waiting | Blocked

# --- memory ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration and the catalog decide. `order` has no PPP where the modem's family says `ppp = no`.

    `seed` spreads the delays (the IMEI). `failback_after_s` 0 never returns. `patience_s` is how long a bearer waits
    for the first packet to come back.
    """

    order: tuple[BearerKind, ...] = (BearerKind.QMI, BearerKind.PPP)
    failback_after_s: float = 900.0
    repair: bool = True
    budget: Budget = field(default_factory=lambda: Budget(10, 3600.0))
    seed: str = ""
    patience_s: float = 90.0


@dataclass(frozen=True, slots=True)
class Going:
    """The bearer of an ended start that has not yet reported `BearerDown`."""

    kind: BearerKind
    dial: int


@dataclass(frozen=True, slots=True)
class Failure:
    """How a start of this round ended."""

    kind: BearerKind
    reason: Reason


@dataclass(frozen=True, slots=True)
class Memory:
    """What outlives the process: written before each attempt, read at the next start."""

    ledger: Ledger = field(default_factory=Ledger)
    last_good: BearerKind | None = None
    failed_returns: int = 0
    dial: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """All that the policy knows.

    Of the start under way: `heard_at` is its last report, `asked` whether it went beyond the local steps, `charged`
    whether it took a token that can be given back, `repaired` whether it had its repair. `round` lists the failures
    since a link last stood or the last wait ended, and `paid` tells whether any of them asked the network. `pauses`
    counts the waits in a row that came without that, `refusals` the WAIT verdicts in a row. `returning`: the first
    bearer is tried again, and has not yet held.
    """

    rules: Rules
    phase: Phase = field(default_factory=Stopped)
    memory: Memory = field(default_factory=Memory)
    wanted: bool = False
    present: bool = True
    going: Going | None = None
    round: tuple[Failure, ...] = ()
    paid: bool = False
    retries: int = 0
    pauses: int = 0
    refusals: int = 0
    heard_at: float = 0.0
    asked: bool = False
    charged: bool = False
    repaired: bool = False
    returning: bool = False
    return_at: float | None = None


# --- events that are not a bearer's reports ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WantUp:
    """Somebody asks for a link; `now` sets the governor's waits aside once."""

    now: bool = False


@dataclass(frozen=True, slots=True)
class WantDown:
    """Somebody asks for the link to end and to stay down."""


@dataclass(frozen=True, slots=True)
class SwitchAsked:
    """Somebody asks for another bearer: a hook, a person, `failover` and `failback`; `now` as with WantUp."""

    to: BearerKind
    reason: Reason = Reason.STOPPED
    now: bool = False


@dataclass(frozen=True, slots=True)
class ReturnChecked:
    """The answer to CheckReturn: whether the first bearer may work and the moment is quiet."""

    promising: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class ModemGone:
    """The modem left the bus."""


@dataclass(frozen=True, slots=True)
class ModemBack:
    """The modem is on the bus again."""


@dataclass(frozen=True, slots=True)
class BackoffSeen:
    """The modem's own back-off timer runs until then (3GPP T3396; `AT+QNWCFG="backoff"`)."""

    until: float


@dataclass(frozen=True, slots=True)
class Adopted:
    """A link that outlived an earlier supervisor is taken over under a new dial number; the bearer's reports follow."""

    kind: BearerKind
    dial: int


@dataclass(frozen=True, slots=True)
class Tick:
    """The time that `wake_at` named has come."""


Event = (
    BearerReport
    | WantUp
    | WantDown
    | SwitchAsked
    | ReturnChecked
    | ModemGone
    | ModemBack
    | BackoffSeen
    | Adopted
    | Tick
)

# --- actions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remember:
    """Write `memory` to the disk, and only then go on: a crash must not forget an attempt."""

    memory: Memory


@dataclass(frozen=True, slots=True)
class PrepareBearer:
    """Find out what the next start of `kind` asks first: the bearer before it takes as long to end."""

    kind: BearerKind


@dataclass(frozen=True, slots=True)
class StartBearer:
    """Begin the start of that number; `again` tells whether it may ask the network twice, on the modem's other port."""

    kind: BearerKind
    dial: int
    again: bool


@dataclass(frozen=True, slots=True)
class StopBearer:
    """End the start of that number; `BearerDown` follows."""

    kind: BearerKind
    dial: int


@dataclass(frozen=True, slots=True)
class RepairBearer:
    """Repair what the bearer said it can, within the same call."""

    kind: BearerKind
    dial: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class CheckReturn:
    """Find out, without touching the link, whether `kind` is likely to work; `ReturnChecked` follows."""

    kind: BearerKind


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision for the journal and the hooks: the phase changed, for this reason."""

    before: Phase
    after: Phase
    dial: int
    reason: Reason | None = None
    verdict: str = ""


Action = Remember | PrepareBearer | StartBearer | StopBearer | RepairBearer | CheckReturn | Decided
