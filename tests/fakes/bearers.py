"""Bearers that do what a test says, also what no bearer should: late reports, two ends, an end without a word."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pppgen.model import BearerKind, Lease, Reason
from pppgen.reports import (
    BearerDown,
    BearerFailed,
    BearerLeased,
    BearerNeedsRepair,
    BearerProgress,
    BearerReport,
    BearerUp,
    Step,
    StepTime,
)

LEASES = {
    BearerKind.QMI: Lease("10.0.0.2", "wwan0", dns=("10.0.0.1",)),
    BearerKind.PPP: Lease("100.64.12.89", "ppp0", peer="10.64.64.64", dns=("8.8.8.8",)),
}


@dataclass(frozen=True)
class Works:
    """It comes up."""


@dataclass(frozen=True)
class Fails:
    """It fails and goes down; with `quietly` it goes down without having said why."""

    reason: Reason
    step: Step = Step.LEASE
    evidence: tuple[str, ...] = ()
    quietly: bool = False


@dataclass(frozen=True)
class Repairable:
    """It asks for a repair, and works after it."""

    reason: Reason = Reason.RAW_IP_MISMATCH


@dataclass(frozen=True)
class Hangs:
    """It begins and says nothing more."""


Play = Works | Fails | Repairable | Hangs


@dataclass
class FakeBearer:
    """Plays one play a start, the last one for ever. `log` is shared by all bearers of a test: what was asked of whom.

    `downs` is how often it reports its end; `stale` has it report a failure of its last dial again, after its end;
    `slow` keeps it from going down until `finish` is called.
    """

    kind: BearerKind
    put: Callable[[BearerReport], None]
    plays: Sequence[Play]
    log: list[str]
    downs: int = 1
    stale: bool = False
    slow: bool = False
    promising: bool = True
    quiet: bool = True
    standing: bool = False
    holds: bool = field(default=False, init=False)
    starts: int = field(default=0, init=False)
    dial: int = field(default=0, init=False)

    def start(self, dial: int, *, again: bool = True) -> None:
        assert not self.holds, f"{self.kind} was started while it held the modem"
        self.log.append(f"start {self.kind} {dial}{'' if again else ' once'}")
        self.holds, self.dial = True, dial
        play = self.plays[min(self.starts, len(self.plays) - 1)]
        self.starts += 1
        match play:
            case Works():
                self._come_up()
            case Fails(reason=reason, step=step, evidence=evidence, quietly=quietly):
                self.put(BearerProgress(dial, self.kind, step))
                if quietly:
                    self._go_down()
                else:
                    self.put(BearerFailed(dial, self.kind, reason, step, evidence, (StepTime(step, 3.1),)))
            case Repairable(reason=reason):
                self.put(BearerNeedsRepair(dial, self.kind, reason, Step.LEASE, ("raw_ip is N",)))
            case Hangs():
                self.put(BearerProgress(dial, self.kind, Step.CALL))

    def prepare(self) -> None:
        self.log.append(f"prepare {self.kind}")

    def stop(self, dial: int) -> None:
        self.log.append(f"stop {self.kind} {dial}")
        if dial == self.dial and self.holds and not self.slow:
            self._go_down()

    def finish(self) -> None:
        self._go_down()

    def repair(self, dial: int, reason: Reason) -> None:
        self.log.append(f"repair {self.kind} {dial} {reason}")
        self._come_up()

    def look(self, answer: Callable[[bool], None]) -> None:
        self.log.append(f"look {self.kind}")
        answer(self.promising)

    def is_quiet(self) -> bool:
        return self.quiet

    def adopt(self, dial: int) -> bool:
        self.log.append(f"adopt {self.kind} {dial}")
        if self.standing:
            self.holds, self.dial = True, dial
            self._come_up()
        return self.standing

    def abandon(self) -> None:
        self.log.append(f"abandon {self.kind}")

    def say(self, report: BearerReport) -> None:
        self.put(report)

    def _come_up(self) -> None:
        lease = LEASES[self.kind]
        self.put(BearerProgress(self.dial, self.kind, Step.LEASE))
        self.put(BearerLeased(self.dial, self.kind, lease))
        self.put(BearerProgress(self.dial, self.kind, Step.TRAFFIC, "warming up"))
        self.put(BearerUp(self.dial, self.kind, lease, (StepTime(Step.LEASE, 1.5), StepTime(Step.TRAFFIC, 0.2))))

    def _go_down(self) -> None:
        self.holds = False
        for _ in range(self.downs):
            self.put(BearerDown(self.dial, self.kind))
        if self.stale:
            self.put(BearerFailed(self.dial, self.kind, Reason.SIM_MISSING, Step.SIM))
