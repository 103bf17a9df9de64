"""Tells the supervisor how one start goes, step by step, and how it ended; for every bearer."""

from collections.abc import Sequence

from pppgen.bearers.protocol import Inbox
from pppgen.bearers.radio import Sky
from pppgen.errors import MissingProgram, NoPermission, PppgenError
from pppgen.model import BearerKind, Lease, Reason
from pppgen.reports import BearerFailed, BearerProgress, BearerUp, RadioSeen, Step, StepTime
from pppgen.system.clock import boottime

_SIM_REASONS = frozenset({Reason.SIM_MISSING, Reason.SIM_PIN, Reason.SIM_PUK, Reason.NETWORK_LOCK})
_REASON_OF_ERROR: dict[type[PppgenError], Reason] = {
    MissingProgram: Reason.PROGRAM_MISSING,
    NoPermission: Reason.PERMISSION_DENIED,
}


class Ended(Exception):
    """A start is over."""

    def __init__(self, reason: Reason, step: Step, evidence: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.step = step
        self.evidence = tuple(evidence)


class Teller:
    """The reports of one start, and the time that each of its steps took."""

    def __init__(self, dial: int, kind: BearerKind, inbox: Inbox, first: Step) -> None:
        self.dial, self.kind, self.send = dial, kind, inbox
        self.step, self.since = first, boottime()
        self._steps: list[StepTime] = []

    def enter(self, step: Step, note: str = "") -> None:
        """A step begins."""
        if step is not self.step:
            self.leave()
        self.step, self.since = step, boottime()
        self.send(BearerProgress(self.dial, self.kind, step, note))

    def leave(self) -> None:
        """The present step has ended; a second call changes nothing."""
        if not self._steps or self._steps[-1].step is not self.step:
            self._steps.append(StepTime(self.step, round(boottime() - self.since, 3)))

    def begin_again(self, first: Step, note: str) -> None:
        """The start is tried another way: what the first one took is not counted."""
        self._steps.clear()
        self.step = first
        self.enter(first, note)

    def say(self, note: str) -> None:
        """Say something for people at the present step."""
        self.send(BearerProgress(self.dial, self.kind, self.step, note))

    def up(self, lease: Lease, port: str) -> None:
        """Packets came back."""
        self.send(BearerUp(self.dial, self.kind, lease, tuple(self._steps), port))

    def failed(self, failure: Ended) -> None:
        """The start did not succeed, or the link died."""
        steps = tuple(self._steps)
        self.send(BearerFailed(self.dial, self.kind, failure.reason, failure.step, failure.evidence, steps))

    def seen(self, sky: Sky | None) -> Sky | None:
        """Report what the modem said, if it said anything, and return it."""
        if sky is not None:
            self.send(RadioSeen(self.dial, self.kind, sky.signal, sky.registrations, sky.backoff_s))
        return sky

    def ended_by(self, error: PppgenError) -> Ended:
        """Return the end that an error of this machine means."""
        return Ended(_REASON_OF_ERROR.get(type(error), Reason.PROGRAM_KILLED), self.step, (error.message,))


def refuse_hopeless(sky: Sky | None) -> None:
    """End a start that the modem's own word shows to be in vain.

    Raises:
        Ended: at the step of the SIM or of the registration.
    """
    if sky is not None and sky.lost is not None:
        raise Ended(sky.lost, Step.SIM if sky.lost in _SIM_REASONS else Step.REGISTRATION, sky.evidence)
