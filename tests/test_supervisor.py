"""The real supervisor and policy, with bearers that misbehave and a clock that moves only when it is waited for."""

import queue
from collections.abc import Callable
from dataclasses import replace

import pytest

from pppgen.model import BearerKind, Reason
from pppgen.policy.governor import Clock, Ledger
from pppgen.policy.record import dump_memory, load_memory
from pppgen.policy.sentences import phase_name
from pppgen.policy.state import (
    Blocked,
    Decided,
    Event,
    Memory,
    ModemBack,
    ModemGone,
    Online,
    Rules,
    State,
    Stopped,
    SwitchAsked,
    Tick,
    Waiting,
    WantDown,
    WantUp,
)
from pppgen.reports import BearerDegraded, BearerDown, BearerFailed, BearerReport, BearerUp, Step
from pppgen.supervisor import Ask, Item, Leave, Supervisor
from tests.fakes.bearers import LEASES, Fails, FakeBearer, Hangs, Play, Repairable, Works

QMI, PPP = BearerKind.QMI, BearerKind.PPP
NO_LEASE = Fails(Reason.NO_DHCP_LEASE)


Appointment = tuple[float, Callable[[], None]]


class TimedInbox(queue.SimpleQueue[Item]):
    """An inbox in which waiting takes no time: the clock jumps to the end of the wait, or to the next appointment."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits = 0
        self.appointments: list[Appointment] = []

    def get(self, block: bool = True, timeout: float | None = None) -> Item:  # noqa: ARG002 -- the queue's form
        while True:
            try:
                return super().get_nowait()
            except queue.Empty:
                until = None if timeout is None else self.now + timeout
                due = min((at for at, _ in self.appointments), default=None)
                if due is None or (until is not None and until < due):
                    assert until is not None, "it waits for ever, and nobody has an appointment"
                    self.waits += 1
                    self.now = until
                    raise
                self.now = due
                timeout = None if until is None else until - due
                for appointment in [one for one in self.appointments if one[0] == due]:
                    self.appointments.remove(appointment)
                    appointment[1]()

    def at(self, seconds: float, *items: Item) -> None:
        """Put these in the inbox so long after the start."""
        for item in items:
            self.appointments.append((1000.0 + seconds, lambda item=item: self.put(item)))  # type: ignore[misc]  # mypy has no type for a lambda's default


class Crash(Exception):
    """The power goes out here."""


class Watcher:
    def __init__(self) -> None:
        self.phases: list[str] = []
        self.reports: list[BearerReport] = []

    def reported(self, report: BearerReport, now: float) -> None:  # noqa: ARG002 -- a witness's form
        self.reports.append(report)

    def decided(self, decision: Decided, state: State, now: float) -> None:  # noqa: ARG002 -- likewise
        self.phases.append(phase_name(decision.after))


class Bench:
    def __init__(self, *, qmi: Play | list[Play], ppp: Play | list[Play], memory: Memory | None = None) -> None:
        self.inbox = TimedInbox()
        self.log: list[str] = []
        self.disk: list[Memory] = []
        self.crash_after: int | None = None
        self.watcher = Watcher()
        plays = {QMI: qmi if isinstance(qmi, list) else [qmi], PPP: ppp if isinstance(ppp, list) else [ppp]}
        self.bearers = {kind: FakeBearer(kind, self.inbox.put, plays[kind], self.log) for kind in BearerKind}
        self.supervisor = Supervisor(
            State(Rules(seed="imei"), memory=memory or Memory()),
            self.bearers,
            inbox=self.inbox,
            clock=lambda: self.inbox.now,
            remember=self.remember,
            witnesses=(self.watcher,),
        )

    def remember(self, memory: Memory) -> None:
        self.disk.append(memory)
        self.log.append(f"remember {len(memory.ledger.spent)}")
        if self.crash_after is not None and len(self.disk) > self.crash_after:
            raise Crash

    def run(self, *, until: float, up: bool = True, keep: bool = False) -> State:
        self.inbox.at(until, Leave(keep))
        self.supervisor.run(up=up)
        return self.supervisor.state

    @property
    def starts(self) -> list[str]:
        return [line.removeprefix("start ") for line in self.log if line.startswith("start")]


def test_the_last_attempt_of_the_budget_is_started_once() -> None:
    spent = Ledger(spent=tuple(900.0 + second for second in range(8)))
    bench = Bench(qmi=NO_LEASE, ppp=Works(), memory=Memory(ledger=spent))
    bench.inbox.at(5, Leave(keep=True))
    bench.supervisor.run()
    assert [line for line in bench.log if line.startswith("start")] == ["start qmi 1", "start ppp 2 once"]


def test_a_lost_lease_falls_back_to_ppp_and_the_link_stays_there() -> None:
    bench = Bench(qmi=NO_LEASE, ppp=Works())
    state = bench.run(until=60, keep=True)
    assert state.phase == Online(PPP, 1000.0, LEASES[PPP])
    assert bench.starts == ["qmi 1", "ppp 2"]
    assert bench.watcher.phases == ["connecting", "falling-back", "connecting", "verifying", "online"]


def test_a_failed_return_is_back_on_ppp_at_once_and_the_next_one_comes_later() -> None:
    bench = Bench(qmi=NO_LEASE, ppp=Works())
    bench.run(until=4000, keep=True)
    assert bench.starts == ["qmi 1", "ppp 2", "qmi 3", "ppp 4", "qmi 5", "ppp 6"]
    assert bench.log.count("look qmi") == 2, "at 900 s, and 1800 s after the first return failed"


def test_a_return_waits_for_a_quiet_moment_and_for_a_promising_one() -> None:
    bench = Bench(qmi=NO_LEASE, ppp=Works())
    bench.bearers[PPP].quiet = False
    bench.run(until=2000, keep=True)
    assert bench.starts == ["qmi 1", "ppp 2"]


def test_every_attempt_is_on_the_disk_before_it_is_made() -> None:
    bench = Bench(qmi=NO_LEASE, ppp=Works())
    bench.run(until=10, keep=True)
    for number, line in enumerate(bench.log):
        if line.startswith("start"):
            spent = len([one for one in bench.log[: number + 1] if one.startswith("start")])
            assert f"remember {spent}" in bench.log[:number]


@pytest.mark.parametrize("crash_after", [0, 1, 2])
def test_a_crash_between_the_memory_and_the_attempt_costs_the_attempt_and_never_forgets_it(crash_after: int) -> None:
    bench = Bench(qmi=NO_LEASE, ppp=Works())
    bench.crash_after = crash_after
    with pytest.raises(Crash):
        bench.run(until=10)
    made = len(bench.starts)
    clock = Clock("boot", bench.inbox.now, 0.0, trusted=False)
    memory = load_memory(dump_memory(bench.disk[-1], clock), clock)
    assert len(memory.ledger.spent) >= made
    again = Bench(qmi=NO_LEASE, ppp=Works(), memory=memory)
    again.bearers[QMI].holds = again.bearers[PPP].holds = False
    state = again.run(until=300, keep=True)
    assert isinstance(state.phase, Online)
    assert state.memory.dial > memory.dial


def test_a_reboot_loop_cannot_make_more_attempts_than_the_budget() -> None:
    memory, attempts = Memory(), 0
    for boot in range(40):
        clock = Clock(f"boot {boot}", 1000.0, 0.0, trusted=False)
        bench = Bench(qmi=NO_LEASE, ppp=Fails(Reason.NO_CARRIER, Step.CHAT), memory=memory)
        # Ten seconds after its start each boot ends; no clock tells how long it was off.
        bench.run(until=10, keep=True)
        attempts += len(bench.starts)
        saved = Clock(clock.boot_id, bench.inbox.now, 0.0, trusted=False)
        memory = load_memory(
            dump_memory(bench.supervisor.state.memory, saved), Clock(f"boot {boot + 1}", 1000.0, 0.0, trusted=False)
        )
    assert attempts <= 10 * (40 * 1000 / 3600 + 1), "each boot proves 1000 s"


def test_of_two_links_that_stand_the_second_is_ended_and_its_reports_count_for_nothing() -> None:
    bench = Bench(qmi=Works(), ppp=Works())
    bench.bearers[QMI].standing = bench.bearers[PPP].standing = True
    assert bench.supervisor.adopt()
    state = bench.run(until=50, keep=True)
    asked = [line for line in bench.log if not line.startswith("remember")]
    assert asked == ["adopt qmi 1", "adopt ppp 0", "stop ppp 0", "abandon qmi", "abandon ppp"]
    assert (state.phase, state.going) == (Online(QMI, 1000.0, LEASES[QMI]), None)


def test_an_adopted_link_is_taken_over_without_a_dial() -> None:
    bench = Bench(qmi=Works(), ppp=Works())
    bench.bearers[PPP].standing = True
    assert bench.supervisor.adopt()
    state = bench.run(until=30, keep=True)
    assert isinstance(state.phase, Online)
    assert (state.phase.kind, bench.starts) == (PPP, [])
    assert state.memory.ledger.spent == ()


def test_every_bearer_is_asked_to_clear_what_an_earlier_run_left() -> None:
    bench = Bench(qmi=Works(), ppp=Works())
    assert not bench.supervisor.adopt()
    assert bench.log == ["adopt qmi 1", "adopt ppp 1"]


def test_leaving_ends_the_link_and_waits_until_it_is_gone() -> None:
    bench = Bench(qmi=Works(), ppp=Works())
    bench.bearers[QMI].slow = True
    bench.inbox.appointments.append((1050.0, bench.bearers[QMI].finish))
    state = bench.run(until=20)
    assert state.phase == Stopped()
    assert bench.inbox.now == 1050.0
    assert not bench.bearers[QMI].holds


def test_leaving_with_keep_touches_no_link() -> None:
    bench = Bench(qmi=Works(), ppp=Works())
    bench.run(until=20, keep=True)
    assert bench.log[-2:] == ["abandon qmi", "abandon ppp"]
    assert bench.bearers[QMI].holds


@pytest.mark.parametrize("downs", [2, 5])
def test_an_end_that_is_reported_twice_counts_once(downs: int) -> None:
    bench = Bench(qmi=NO_LEASE, ppp=Works())
    bench.bearers[QMI].downs = downs
    state = bench.run(until=60, keep=True)
    assert isinstance(state.phase, Online)
    assert bench.starts == ["qmi 1", "ppp 2"]


def test_a_late_failure_of_the_bearer_before_does_not_count_against_the_one_now() -> None:
    bench = Bench(qmi=NO_LEASE, ppp=Works())
    bench.bearers[QMI].stale = True
    state = bench.run(until=60, keep=True)
    assert isinstance(state.phase, Online), "the stale report said that the SIM is missing"


def test_a_bearer_that_goes_down_without_a_word_is_a_failure() -> None:
    bench = Bench(qmi=Fails(Reason.NO_DHCP_LEASE, quietly=True), ppp=Works())
    state = bench.run(until=60, keep=True)
    assert isinstance(state.phase, Online)
    assert state.phase.kind is PPP


def test_a_bearer_that_says_nothing_more_is_ended_in_the_end() -> None:
    bench = Bench(qmi=Hangs(), ppp=Works())
    state = bench.run(until=400, keep=True)
    assert isinstance(state.phase, Online)
    assert state.phase.kind is PPP
    assert "stop qmi 1" in bench.log


def test_a_bearer_that_does_not_go_down_keeps_the_other_one_waiting() -> None:
    bench = Bench(qmi=NO_LEASE, ppp=Works())
    bench.bearers[QMI].slow = True
    bench.inbox.appointments.append((1030.0, bench.bearers[QMI].finish))
    bench.run(until=60, keep=True)
    assert bench.starts == ["qmi 1", "ppp 2"]
    assert bench.inbox.now >= 1030.0


def test_a_repair_is_made_within_the_call() -> None:
    bench = Bench(qmi=Repairable(), ppp=Works())
    state = bench.run(until=30, keep=True)
    assert isinstance(state.phase, Online)
    assert (state.phase.kind, bench.starts) == (QMI, ["qmi 1"])


def test_a_link_that_is_lost_soon_after_it_came_is_followed_by_the_other_at_once() -> None:
    bench = Bench(qmi=Works(), ppp=Works())
    bench.inbox.at(5, BearerFailed(1, QMI, Reason.LINK_DROPPED, Step.TRAFFIC))
    state = bench.run(until=10, keep=True)
    assert isinstance(state.phase, Online)
    assert state.phase.kind is PPP
    assert state.memory.ledger.reserved == 0


def test_the_modem_that_leaves_and_comes_back_is_dialled_again() -> None:
    bench = Bench(qmi=Works(), ppp=Works())
    bench.inbox.at(30, ModemGone())
    bench.inbox.at(100, ModemBack())
    state = bench.run(until=130, keep=True)
    assert isinstance(state.phase, Online)
    assert bench.starts == ["qmi 1", "qmi 2"]


def test_what_only_a_person_can_change_is_never_dialled_again() -> None:
    bench = Bench(qmi=Fails(Reason.SIM_MISSING, Step.SIM), ppp=Works())
    bench.inbox.at(86400, WantDown())
    bench.run(until=86401)
    assert bench.starts == ["qmi 1"]
    assert "blocked" in bench.watcher.phases


def test_both_broken_is_no_storm() -> None:
    bench = Bench(qmi=NO_LEASE, ppp=Fails(Reason.NO_CARRIER, Step.CHAT))
    bench.run(until=3600, keep=True)
    assert len(bench.starts) <= 10
    bench = Bench(qmi=NO_LEASE, ppp=Fails(Reason.NO_CARRIER, Step.CHAT))
    bench.run(until=86400, keep=True)
    assert bench.inbox.waits < 100, "it sleeps until something is due"


STORM: list[Event] = [
    WantUp(),
    WantUp(now=True),
    SwitchAsked(PPP),
    SwitchAsked(QMI),
    ModemGone(),
    ModemBack(),
    Tick(),
    BearerDown(1, QMI),
    BearerFailed(1, PPP, Reason.NO_CARRIER, Step.CHAT),
    BearerUp(99, PPP, LEASES[PPP]),
    BearerDegraded(2, PPP, Reason.CARRIER_SILENT),
]


def test_a_storm_in_the_inbox_starts_no_two_bearers_and_stays_in_the_budget() -> None:
    bench = Bench(qmi=Works(), ppp=Works())
    for round_number in range(300):
        for number, event in enumerate(STORM):
            bench.inbox.at(round_number * 0.1 + number * 0.001, event)
    # The fakes assert that none is started while it holds the modem; both holding is asserted here.
    bench.inbox.appointments.append(
        (1015.0, lambda: check(not (bench.bearers[QMI].holds and bench.bearers[PPP].holds)))
    )
    bench.run(until=40)
    assert len(bench.starts) <= 10
    assert not any(bearer.holds for bearer in bench.bearers.values())


def check(fine: bool) -> None:
    assert fine


def test_questions_are_answered_in_the_owner_s_turn_and_while_it_leaves() -> None:
    bench = Bench(qmi=Works(), ppp=Works())
    bench.bearers[QMI].slow = True
    seen: list[tuple[object, object]] = []

    def question(event: Event | None) -> Ask:
        return Ask(lambda _: event, lambda before, after, _: seen.append((type(before.phase), type(after.phase))))

    bench.inbox.at(5, question(None))
    bench.inbox.at(21, question(WantUp()))
    bench.inbox.appointments.append((1050.0, bench.bearers[QMI].finish))
    state = bench.run(until=20)
    assert seen == [(Online, Online), (Stopped, Stopped)], "somebody who asks at the end must not start it anew"
    assert state.phase == Stopped()


def test_a_damaged_memory_starts_with_a_spent_budget_and_still_comes_up() -> None:
    spent = replace(Memory(), ledger=replace(Memory().ledger, spent=(1000.0,) * 9))
    bench = Bench(qmi=NO_LEASE, ppp=Works(), memory=spent)
    state = bench.run(until=7300, keep=True)
    assert isinstance(state.phase, Online | Waiting | Blocked)
    assert bench.starts, "within two hours there is a link again"
