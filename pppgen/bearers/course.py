"""The course of one start as its supervisor hears it: which step, since when, how long each took, how it ended."""

from collections.abc import Sequence

from pppgen.bearers.protocol import Inbox
from pppgen.bearers.radio import Sky
from pppgen.errors import MissingProgram, NoPermission, PppgenError
from pppgen.model import BearerKind, Reason
from pppgen.reports import BearerDown, BearerFailed, BearerProgress, BearerReport, RadioSeen, Step, StepTime
from pppgen.system.clock import boottime

_REASON_OF_ERROR: dict[type[PppgenError], Reason] = {
    MissingProgram: Reason.PROGRAM_MISSING,
    NoPermission: Reason.PERMISSION_DENIED,
}
_SIM_REASONS = frozenset({Reason.SIM_MISSING, Reason.SIM_PIN, Reason.SIM_PUK, Reason.NETWORK_LOCK})


class Ended(Exception):
    """A start, or a link that stood, is over."""

    def __init__(self, reason: Reason, step: Step, evidence: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.step = step
        self.evidence = tuple(evidence)


class Course:
    """Tells the inbox how a start goes."""

    def __init__(self, dial: int, kind: BearerKind, inbox: Inbox, first: Step) -> None:
        self.dial, self.kind = dial, kind
        self._inbox = inbox
        self.step, self.since = first, boottime()
        self.steps: list[StepTime] = []

    def tell(self, report: BearerReport) -> None:
        """Report."""
        self._inbox(report)

    def enter(self, step: Step, note: str = "") -> None:
        """Begin a step, or begin its time anew."""
        if step is not self.step:
            self.close()
        self.step, self.since = step, boottime()
        self.say(note)

    def close(self) -> None:
        """Note how long the step took; a second call changes nothing."""
        if not self.steps or self.steps[-1].step is not self.step:
            self.steps.append(StepTime(self.step, round(boottime() - self.since, 3)))

    def say(self, note: str) -> None:
        """Say something about the step."""
        self._inbox(BearerProgress(self.dial, self.kind, self.step, note))

    def seen(self, sky: Sky | None) -> Sky | None:
        """Report what the modem said about its network, if it said anything."""
        if sky is not None:
            self._inbox(RadioSeen(self.dial, self.kind, sky.signal, sky.registrations, sky.backoff_s))
        return sky

    def failed(self, failure: Ended) -> None:
        """Report the reason."""
        self._inbox(
            BearerFailed(self.dial, self.kind, failure.reason, failure.step, failure.evidence, tuple(self.steps))
        )

    def down(self, leftover: tuple[str, ...]) -> None:
        """Report that nothing is left: the last word of a start."""
        self._inbox(BearerDown(self.dial, self.kind, leftover))

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
