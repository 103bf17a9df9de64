"""A world around the policy: bearers that obey or never answer, a modem, a carrier that counts, a clock that jumps.

`World` is a value: `happen(world, name)` returns the world after one event, or None where that event cannot be. The
rules that must hold in every world stand in `broken`, in the words of the specification and not in the policy's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from pppgen.model import BearerKind, Lease, Reason
from pppgen.policy.governor import Clock
from pppgen.policy.record import dump_memory, load_memory
from pppgen.policy.state import (
    Action,
    Adopted,
    BackoffSeen,
    Blocked,
    CheckReturn,
    Connecting,
    Degraded,
    Event,
    FallingBack,
    Memory,
    ModemBack,
    ModemGone,
    Online,
    Remember,
    Repairing,
    ReturnChecked,
    Rules,
    StartBearer,
    State,
    Stopped,
    SwitchAsked,
    Tick,
    Verifying,
    Waiting,
    WantDown,
    WantUp,
)
from pppgen.policy.step import step, wake_at
from pppgen.reports import (
    BearerDegraded,
    BearerDown,
    BearerFailed,
    BearerLeased,
    BearerNeedsRepair,
    BearerProgress,
    BearerRecovered,
    BearerUp,
    Step,
)

QMI, PPP = BearerKind.QMI, BearerKind.PPP
LEASE = Lease("100.64.12.89", "wwan0")
YEAR_S = 365 * 86400.0
DAY_S = 86400.0
GAP_S = 60.0  # Telefonica: no more than one a minute
BACKOFF_S = 700.0
NEEDS_A_PERSON = frozenset(
    {
        Reason.SIM_MISSING,
        Reason.SIM_PIN,
        Reason.SIM_PUK,
        Reason.NETWORK_LOCK,
        Reason.PERMISSION_DENIED,
        Reason.USB_NOT_SWITCHED,
    }
)
ACTIVE = (Connecting, Verifying, Online, Degraded, Repairing)
_CALL = {QMI: Step.CALL, PPP: Step.CHAT}


@dataclass(frozen=True, slots=True)
class Running:
    """A start whose `BearerDown` has not come. `asked`: it has gone out to the network; `again`: it may once more."""

    dial: int
    kind: BearerKind
    asked: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """`now` is the boot's clock, which the policy sees; `true` the carrier's, which never jumps."""

    state: State
    now: float = 20.0
    true: float = 0.0
    boot: int = 0
    saved: tuple[Memory, Clock] | None = None
    running: tuple[Running, ...] = ()
    attempts: tuple[float, ...] = ()
    backed_off_until: float = 0.0
    overridden: bool = False
    present: bool = True
    asked_to_look: bool = False
    wrong: tuple[str, ...] = field(default=())


def happen(world: World, name: str) -> World | None:
    """Return the world after the event of that name."""
    return EVENTS[name](world)


# --- events --------------------------------------------------------------------------------------------------------


def tell(world: World, event: Event) -> World:
    """Give the policy an event, carry its actions out as far as they touch this world, and check the rules."""
    before = world
    state, actions = step(world.state, event, world.now)
    world = replace(world, state=state)
    for action in actions:
        world = _carry_out(world, before, action)
    return replace(world, wrong=(*world.wrong, *broken(before, event, world)))


def _carry_out(world: World, before: World, action: Action) -> World:
    match action:
        case Remember(memory=memory):
            return replace(world, saved=(memory, _clock(world)))
        case StartBearer(kind=kind, dial=dial, again=again):
            wrong = list(_wrong_start(world, before, kind))
            remembered = world.saved is not None and world.saved[0].dial == dial
            if not remembered:
                wrong.append("an attempt was made that the disk does not know")
            return replace(
                world,
                running=(*world.running, Running(dial, kind, again=again)),
                attempts=(*(at for at in world.attempts if at > world.true - 2 * DAY_S), world.true),
                overridden=False,
                wrong=(*world.wrong, *wrong),
            )
        case _:
            return replace(world, asked_to_look=True) if isinstance(action, CheckReturn) else world


def _wrong_start(world: World, before: World, kind: BearerKind) -> Iterator[str]:
    if world.running:
        yield f"{kind} starts while {world.running} is not down"
    if not world.present:
        yield "a bearer starts without a modem"
    if not world.state.wanted:
        yield "a bearer starts although nobody wants a link"
    if kind not in world.state.rules.order:
        yield f"{kind} is not in the order"
    if world.true < world.backed_off_until and not world.overridden:
        yield "an attempt was made while the modem's own back-off runs"
    soon = world.attempts and world.true - world.attempts[-1] < GAP_S - 1e-6
    if soon and not _was_promised(before):
        yield f"attempts {world.true - world.attempts[-1]:.0f} s apart"


def _was_promised(before: World) -> bool:
    """Whether the attempt is the switch whose token was put aside when the first bearer began."""
    return bool(before.state.memory.ledger.reserved) and isinstance(before.state.phase, (*ACTIVE, FallingBack))


def _report(make: Callable[[int, BearerKind], Event], *, asks: bool = False) -> Callable[[World], World | None]:
    """The start under way says something."""

    def event(world: World) -> World | None:
        if not world.running:
            return None
        last = world.running[-1]
        if asks:
            world = replace(world, running=(*world.running[:-1], replace(last, asked=True)))
        return tell(world, make(last.dial, last.kind))

    return event


def _other_port(world: World) -> World | None:
    """The start dials again, on the modem's other port, where it was told that it may."""
    if not world.running or not isinstance(world.state.phase, Connecting) or world.state.going:
        return None
    last = world.running[-1]
    if not last.again or not world.state.asked:  # a bearer names its steps in their order
        return None
    world = tell(world, BearerProgress(last.dial, last.kind, Step.PORT_OPEN))
    dialling = replace(last, again=False)
    world = replace(world, running=(*world.running[:-1], dialling), attempts=(*world.attempts, world.true))
    return tell(world, BearerProgress(last.dial, last.kind, _CALL[last.kind]))


def _failed(reason: Reason) -> Callable[[World], World | None]:
    """The start fails: at its first step if it never asked the network, and then it has cost nothing."""

    def event(world: World) -> World | None:
        if not world.running:
            return None
        last = world.running[-1]
        current = isinstance(world.state.phase, Connecting) and last.dial == world.state.memory.dial
        if current and not last.asked:
            world = replace(world, attempts=world.attempts[:-1])
            return tell(world, BearerFailed(last.dial, last.kind, reason, Step.REGISTRATION))
        return tell(world, BearerFailed(last.dial, last.kind, reason, Step.TRAFFIC))

    return event


def _down(world: World) -> World | None:
    if not world.running:
        return None
    gone, *rest = world.running
    return tell(replace(world, running=tuple(rest)), BearerDown(gone.dial, gone.kind))


def later(world: World, seconds: float) -> World:
    """Let time pass."""
    return replace(world, now=world.now + seconds, true=world.true + seconds)


def ring(world: World) -> World | None:
    """Let the time come that the policy asked to be woken at."""
    due = wake_at(world.state)
    return None if due is None else tell(later(world, max(0.0, due - world.now)), Tick())


def restart(world: World) -> World:
    """The process dies; a new one reads the file. The modem's links die with it here, which is the harder case."""
    return _begin_again(world, _clock(world))


def reboot(world: World) -> World:
    """The machine reboots at once, and its clock, which nobody has set, jumps by a year."""
    clock = Clock(f"boot-{world.boot + 1}", 20.0, world.boot * YEAR_S, trusted=False)
    return _begin_again(replace(later(world, 20.0), now=20.0, boot=world.boot + 1, present=True), clock)


def adopt(world: World) -> World | None:
    """The process dies, the link stays, and the next process takes it over."""
    if not world.running or not isinstance(world.state.phase, Online):
        return None
    kind = world.running[-1].kind
    reborn = replace(_begin_again(world, _clock(world)), running=())
    dial = reborn.state.memory.dial + 1
    held = replace(reborn, running=(Running(dial, kind, asked=True),))
    promised = world.state.memory.ledger.reserved
    after = tell(held, Adopted(kind, dial))
    if after.state.memory.ledger.reserved != promised:
        return replace(after, wrong=(*after.wrong, "the promise was lost with the process that made it"))
    return after


def _begin_again(world: World, clock: Clock) -> World:
    memory = load_memory(dump_memory(*world.saved), clock) if world.saved else Memory()
    state = State(world.state.rules, memory=memory, present=world.present)
    return replace(world, state=state, running=(), overridden=False, asked_to_look=False)


def _clock(world: World) -> Clock:
    return Clock(f"boot-{world.boot}", world.now, world.true, trusted=False)


def _up_now(world: World) -> World:
    waits = isinstance(world.state.phase, Stopped | Blocked | Waiting)
    hurried = replace(world, overridden=True, backed_off_until=0.0) if waits else world
    return tell(hurried, WantUp(now=True))


def _looked(world: World) -> World | None:
    if not world.asked_to_look:
        return None
    return tell(replace(world, asked_to_look=False), ReturnChecked(promising=True, quiet=True))


def _back_off(world: World) -> World:
    backed_off = replace(world, backed_off_until=world.true + BACKOFF_S)
    return tell(backed_off, BackoffSeen(world.now + BACKOFF_S))


EVENTS: dict[str, Callable[[World], World | None]] = {
    "up": lambda world: tell(world, WantUp()),
    "up --now": _up_now,
    "down": lambda world: tell(replace(world, overridden=False), WantDown()),
    "to qmi": lambda world: tell(world, SwitchAsked(QMI)),
    "to ppp": lambda world: tell(world, SwitchAsked(PPP)),
    "hook: lease lost": lambda world: tell(world, SwitchAsked(PPP, Reason.NO_DHCP_LEASE)),
    "unplug": lambda world: tell(replace(world, present=False), ModemGone()),
    "plug": lambda world: tell(replace(world, present=True), ModemBack()),
    "back-off": _back_off,
    "looked": _looked,
    "asks": _report(lambda dial, kind: BearerProgress(dial, kind, _CALL[kind]), asks=True),
    "asks again": _other_port,
    "needs repair": _report(
        lambda dial, kind: BearerNeedsRepair(dial, kind, Reason.RAW_IP_MISMATCH, Step.LEASE), asks=True
    ),
    "leased": _report(lambda dial, kind: BearerLeased(dial, kind, LEASE), asks=True),
    "works": _report(lambda dial, kind: BearerUp(dial, kind, LEASE), asks=True),
    "silent": _report(lambda dial, kind: BearerDegraded(dial, kind, Reason.CARRIER_SILENT), asks=True),
    "recovered": _report(BearerRecovered),
    "fails: next": _failed(Reason.LCP_TIMEOUT),
    "fails: retry": _failed(Reason.PROGRAM_KILLED),
    "fails: wait": _failed(Reason.NOT_REGISTERED),
    "fails: block": _failed(Reason.SIM_MISSING),
    "poff": _failed(Reason.STOPPED),
    "gone": _down,
    "ring": ring,
    "a minute": lambda world: later(world, 61.0),
    "crash": restart,
    "reboot": reboot,
    "adopt": adopt,
}


# --- what must hold ------------------------------------------------------------------------------------------------


def broken(before: World, event: Event, world: World) -> Iterator[str]:
    """Name every rule that this world breaks."""
    state, phase, ledger = world.state, world.state.phase, world.state.memory.ledger
    if state.wanted == isinstance(phase, Stopped):
        yield f"wanted is {state.wanted} in {phase}"
    if isinstance(phase, Blocked) and phase.why not in NEEDS_A_PERSON:
        yield f"blocked for {phase.why}"
    if ledger.reserved not in {0, 1} or (ledger.reserved and not isinstance(phase, (*ACTIVE, FallingBack))):
        yield f"{ledger.reserved} tokens promised in {phase}"
    yield from _wrong_traffic(world)
    yield from _wrong_wait(event, world)
    was = before.state
    if (
        isinstance(was.phase, FallingBack)
        and isinstance(event, BearerDown)
        and was.memory.ledger.reserved
        and before.true >= before.backed_off_until
        and not isinstance(phase, Connecting)
    ):
        yield f"the promised switch did not begin when the old bearer was gone, but {phase}"


def _wrong_traffic(world: World) -> Iterator[str]:
    """A route lives and dies within its bearer's start, so one start at a time is one default route of ours."""
    state, phase = world.state, world.state.phase
    if len(world.running) > 1:
        yield f"two bearers at once: {world.running}"
    for attempts, window_s in state.rules.budget.limits:
        if sum(at > world.true - window_s + 1e-3 for at in world.attempts) > attempts:
            yield f"more than {attempts} attempts in {window_s:.0f} s"
    current = [one for one in world.running if one.dial == state.memory.dial]
    if isinstance(phase, ACTIVE):
        if state.going or not current or current[0].kind is not phase.kind:
            yield f"{phase} but {world.running} runs"
    elif world.running and (state.going is None or state.going.dial != world.running[0].dial):
        yield f"nobody waits for {world.running} to go down"


def _wrong_wait(event: Event, world: World) -> Iterator[str]:
    state, phase, due = world.state, world.state.phase, wake_at(world.state)
    if isinstance(phase, Waiting):
        if phase.until is None and world.present:
            yield "waits for a modem that is there"
        if phase.until is not None and not 0 <= phase.until - world.now <= DAY_S and not state.going:
            yield f"waits for {phase.until - world.now:.0f} s"
        if phase.until is not None and not state.going and due != phase.until:
            yield f"wakes at {due}, waits until {phase.until}"
    if isinstance(event, Tick) and due is not None and due <= world.now:
        yield f"spins in {phase}: due {due}, now {world.now}"


def stale_reports(world: World) -> Iterator[Event]:
    """Every report that an earlier start might still send."""
    dial = world.state.memory.dial - 1
    for kind in world.state.rules.order:
        yield BearerProgress(dial, kind, Step.CALL)
        yield BearerLeased(dial, kind, LEASE)
        yield BearerUp(dial, kind, LEASE)
        yield BearerDegraded(dial, kind, Reason.CARRIER_SILENT)
        yield BearerRecovered(dial, kind)
        yield BearerNeedsRepair(dial, kind, Reason.RAW_IP_MISMATCH, Step.LEASE)
        yield BearerFailed(dial, kind, Reason.SIM_MISSING, Step.SIM)
        yield BearerDown(dial, kind)


def key(world: World) -> tuple[object, ...]:
    """Return what makes a world the same as another one: times as distances from now, the newest dial as 0."""
    state, now, phase, ledger = world.state, world.now, world.state.phase, world.state.memory.ledger
    newest = state.memory.dial

    def ago(at: float | None) -> object:
        return None if at is None else at - now if at - now > -2 * 3600 else "long ago"

    dated = isinstance(phase, ACTIVE)
    return (
        type(phase).__name__,
        *(getattr(phase, name, None) for name in ("kind", "to", "why", "reason", "held", "step", "then")),
        ago(getattr(phase, "since", None)) if dated else None,
        ago(getattr(phase, "until", None)),
        state.wanted,
        state.present,
        state.going and newest - state.going.dial,
        state.round,
        state.paid,
        state.retries,
        state.pauses,
        state.refusals,
        ago(state.heard_at) if dated else None,
        state.asked if dated else None,
        state.charged if dated else None,
        state.repaired if dated else None,
        state.returning,
        ago(state.return_at),
        tuple(ago(at) for at in ledger.spent),
        ledger.reserved,
        ledger.failures,
        ago(ledger.delay_until),
        ago(ledger.modem_until),
        state.memory.last_good,
        state.memory.failed_returns,
        tuple((newest - one.dial, one.kind, one.asked, one.again) for one in world.running),
        tuple(world.true - at for at in world.attempts),
        ago(world.backed_off_until - world.true + now),
        world.overridden,
        world.asked_to_look,
    )


# --- the same world, with bearers that behave in one way -------------------------------------------------------------


def seconds_until_online(world: World, works: BearerKind, other: str) -> float:
    """Return how long it takes to be online when `works` works and the other bearer behaves as `other` says.

    Somebody wants the link, the modem is there, and what goes down says so within a second.
    """
    begun = world.true
    if isinstance(world.state.phase, Stopped | Blocked):
        world = tell(world, WantUp())
    if not world.present:
        world = tell(replace(world, present=True), ModemBack())
    for _ in range(3000):
        if isinstance(world.state.phase, Online) and world.state.phase.kind is works:
            return world.true - begun
        world = _next(world, works, other)
        if world.wrong:
            raise AssertionError(world.wrong)
    raise AssertionError(f"never online over {works}: {world.state}")


def _next(world: World, works: BearerKind, other: str) -> World:
    if not world.running:
        rung = ring(world)
        assert rung is not None, f"waits for nothing: {world.state}"
        return rung
    last = world.running[-1]
    if isinstance(world.state.phase, Online):
        # The other bearer's link stood already: it goes.
        return happen(later(world, 5.0), "silent" if other == "silent" else "fails: next") or world
    if not isinstance(world.state.phase, ACTIVE):
        gone = happen(later(world, 1.0), "gone")
        assert gone is not None
        return gone
    if last.kind is works:
        return happen(later(world, 5.0), "recovered" if isinstance(world.state.phase, Degraded) else "works") or world
    if other == "never answers" or (isinstance(world.state.phase, Degraded) and other == "silent"):
        return ring(world) or world
    if other == "silent" and not isinstance(world.state.phase, Verifying):
        return happen(later(world, 5.0), "leased") or world
    if other.startswith("asks, ") and not last.asked:
        return happen(later(world, 5.0), "asks") or world
    return happen(later(world, 5.0), other.removeprefix("asks, ")) or world


MISBEHAVIOURS = (
    "never answers",
    "silent",
    "fails: next",
    "asks, fails: next",
    "fails: retry",
    "asks, fails: retry",
    "fails: wait",
    "asks, fails: wait",
)


def rules(*order: BearerKind, **more: object) -> Rules:
    """Return rules for an order."""
    return replace(Rules(order=order or (QMI, PPP)), **more)  # type: ignore[arg-type]  # the caller's own fields
