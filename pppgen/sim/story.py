"""Bearers that run no program: they replay what programs said, word for word, to the real readers.

What is simulated is the words alone. The readers, the diagnosis, the supervisor and the policy around them are the ones
that keep a real link up, so a story ends as a board's would.
"""

from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from threading import Event as Flag
from threading import Thread

from pppgen.bearers.dialog import Dialog
from pppgen.diagnose import diagnose
from pppgen.model import BearerKind, Lease, Reason
from pppgen.programs.events import Event, Kind
from pppgen.programs.router import Router
from pppgen.reports import BearerDown, BearerFailed, BearerLeased, BearerProgress, BearerReport, BearerUp, Step

PACE_S = 0.02
"""Between two lines: slow enough to be read as it goes by, fast enough for a demonstration."""

# Which of quectel-CM's and udhcpc's words begin a step of the QMI bearer.
_BEGINS = {
    Kind.QMI_DEVICE: Step.DEVICE,
    Kind.SIM: Step.SIM,
    Kind.ATTACHED: Step.REGISTRATION,
    Kind.CALL_STARTING: Step.CALL,
    Kind.DHCP_STARTED: Step.LEASE,
}


@cache
def words(name: str) -> tuple[str, ...]:
    """Return the lines of a shipped story."""
    return tuple(files("pppgen.sim").joinpath("stories", f"{name}.log").read_text(encoding="utf-8").splitlines())


class Replay:
    """A bearer whose programs' words are `lines`; each is shown before it is read."""

    def __init__(
        self,
        kind: BearerKind,
        lines: Iterable[str],
        show: Callable[[str], None],
        report: Callable[[BearerReport], None],
    ) -> None:
        self.kind = kind
        self._lines = tuple(lines)
        self._show = show
        self._report = report
        self._ended = Flag()

    def prepare(self) -> None:
        """Nothing is asked ahead in a story."""

    def start(self, dial: int, *, again: bool = True) -> None:  # noqa: ARG002 -- what follows stands in the story
        """Replay the words in a thread of their own."""
        self._ended.clear()
        Thread(target=self._run, args=(dial,), name=f"{self.kind}-{dial}", daemon=True).start()

    def stop(self, dial: int) -> None:  # noqa: ARG002 -- the one start is meant
        """End the replay, or the link that it brought up."""
        self._ended.set()

    def repair(self, dial: int, reason: Reason) -> None:
        """Nothing is asked to be repaired in a story."""

    def look(self, answer: Callable[[bool], None]) -> None:
        """Say that another start is not likely to go otherwise."""
        answer(False)

    def is_quiet(self) -> bool:
        """Nothing flows in a story."""
        return True

    def adopt(self, dial: int) -> bool:  # noqa: ARG002 -- the protocol's form
        """Find nothing of an earlier run."""
        return False

    def abandon(self) -> None:
        """End: there is no program that could go on."""
        self._ended.set()

    def _run(self, dial: int) -> None:
        told = _Qmi(dial) if self.kind is BearerKind.QMI else _Ppp(dial)
        for line in self._lines:
            if self._ended.wait(PACE_S):
                break
            self._show(line)
            for report in told.hear(line):
                self._report(report)
        else:
            last = told.end(self._lines)
            if last is not None:
                self._report(last)
            else:
                self._ended.wait()
        self._report(BearerDown(dial, self.kind))


class _Qmi:
    """What quectel-CM and udhcpc say, as the steps of the QMI bearer."""

    def __init__(self, dial: int) -> None:
        self._dial = dial
        self._router = Router()
        self._step = Step.DEVICE

    def hear(self, line: str) -> Iterable[BearerReport]:
        for event in self._router.route(line):
            step = _BEGINS.get(event.kind, self._step)
            if step is not self._step:
                self._step = step
                yield BearerProgress(self._dial, BearerKind.QMI, step)

    def end(self, lines: tuple[str, ...]) -> BearerReport | None:
        """Say why it failed, as `pppgen diagnose` does of the same words."""
        told = diagnose(lines)
        if not told.findings:
            return None
        main = told.findings[0]
        evidence = tuple(sighting.text.strip() for sighting in main.evidence)
        return BearerFailed(self._dial, BearerKind.QMI, main.cause, self._step, evidence)


class _Ppp:
    """What chat and pppd say, by the dialog that the PPP bearer itself goes by."""

    def __init__(self, dial: int) -> None:
        self._dial = dial
        self._dialog = Dialog()
        self._router = Router()
        self._lease: Lease | None = None

    def hear(self, line: str) -> Iterable[BearerReport]:
        before = self._dialog.step
        self._dialog.hear(line)
        if self._dialog.step is not before:
            yield BearerProgress(self._dial, BearerKind.PPP, self._dialog.step)
        if self._lease is None and self._dialog.leased and self._dialog.told_all:
            self._lease = self._dialog.lease()
            yield BearerLeased(self._dial, BearerKind.PPP, self._lease)
            yield BearerProgress(self._dial, BearerKind.PPP, Step.TRAFFIC)
        elif self._lease is not None and any(_came_back(event) for event in self._router.route(line)):
            yield BearerUp(self._dial, BearerKind.PPP, self._lease)

    def end(self, lines: tuple[str, ...]) -> BearerReport | None:  # noqa: ARG002 -- a link that stands
        return None


def _came_back(event: Event) -> bool:
    return event.kind is Kind.PING_REPLY
