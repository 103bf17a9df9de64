"""The one owner of state: an inbox, `step`, and the carrying out of what it decided.

Everything that happens comes through the inbox, from whatever thread: bearers' reports, the doors' requests, the
kernel's news. Only the thread in `run` takes from it, so nothing here is locked. It sleeps until something comes or
until the time that the policy itself named.
"""

import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pppgen.bearers.protocol import Bearer
from pppgen.model import BearerKind
from pppgen.policy.state import (
    Action,
    Adopted,
    CheckReturn,
    Decided,
    Event,
    Memory,
    Online,
    PrepareBearer,
    Remember,
    RepairBearer,
    ReturnChecked,
    StartBearer,
    State,
    StopBearer,
    Tick,
    WantDown,
    WantUp,
)
from pppgen.policy.step import step, wake_at
from pppgen.reports import BearerReport


class Witness(Protocol):
    """Somebody who is told: journal, status file, hooks, a person's screen. Must return at once and never raise."""

    def reported(self, report: BearerReport, now: float) -> None:
        """Take note of a bearer's report."""
        ...

    def decided(self, decision: Decided, state: State, now: float) -> None:
        """Take note of a decision, after the state has changed."""
        ...


@dataclass(frozen=True, slots=True)
class Ask:
    """A request from a door. Both are called in the owner's thread, and must return at once and never raise.

    `event` says what the request means in the state that it meets (None: nothing is to change); `answer` is told the
    state before and after it.
    """

    event: Callable[[State], Event | None]
    answer: Callable[[State, State, float], None]


@dataclass(frozen=True, slots=True)
class Leave:
    """The supervisor shall end; `keep` leaves a link that is up for the next supervisor to adopt."""

    keep: bool


_NOBODY_S = 0  # dials count from 1
Item = Event | Ask | Leave
Inbox = queue.SimpleQueue[Item]


class Supervisor:
    """Owns the state; `run` returns when it is told to leave.

    `remember` writes the memory to the disk and returns only when it is there. `breathe` is called each time round
    (systemd's watchdog).
    """

    def __init__(
        self,
        state: State,
        bearers: Mapping[BearerKind, Bearer],
        *,
        inbox: Inbox,
        clock: Callable[[], float],
        remember: Callable[[Memory], None],
        witnesses: tuple[Witness, ...] = (),
        breathe: Callable[[], None] = lambda: None,
        breath_s: float | None = None,
    ) -> None:
        self.state = state
        self._bearers = bearers
        self._inbox = inbox
        self._clock = clock
        self._remember = remember
        self._witnesses = witnesses
        self._breathe = breathe
        self._breath_s = breath_s

    def adopt(self) -> bool:
        """Take over a link that outlived an earlier supervisor, and have what a broken one left behind cleared."""
        dial, found = self.state.memory.dial + 1, False
        # Every bearer is asked, because each also clears its own leftovers. A second link, as of a `pon` beside QMI, is
        # ended under a number that no start has: nothing it reports counts.
        for kind, bearer in self._bearers.items():
            if not bearer.adopt(_NOBODY_S if found else dial):
                continue
            if found:
                bearer.stop(_NOBODY_S)
            else:
                found = True
                self._take(Adopted(kind, dial))
        return found

    def run(self, *, up: bool = True) -> None:
        """Serve the inbox until `Leave`; with `up` a link is wanted from the start."""
        if up:
            self._take(WantUp())
        leaving = False
        while not (leaving and self.state.going is None):
            item = self._next()
            self._breathe()
            match item:
                case None:
                    self._take(Tick())
                case Leave(keep=True):
                    for bearer in self._bearers.values():
                        bearer.abandon()
                    return
                case Leave():
                    leaving = True
                    self._take(WantDown())
                case Ask(event=event, answer=answer):
                    before = self.state
                    asked = None if leaving else event(before)
                    if asked is not None:
                        self._take(asked)
                    answer(before, self.state, self._clock())
                case _:
                    self._take(item)

    def _next(self) -> Item | None:
        due = wake_at(self.state)
        waits = [max(0.0, due - self._clock())] if due is not None else []
        if self._breath_s is not None:
            waits.append(self._breath_s)
        try:
            return self._inbox.get(timeout=min(waits, default=None))
        except queue.Empty:
            return None

    def _take(self, event: Event) -> None:
        now = self._clock()
        self.state, actions = step(self.state, event, now)
        # First what then takes its time elsewhere. To tell of it takes a tenth of a second on a small board.
        for action in actions:
            self._carry_out(action)
        if isinstance(event, BearerReport):
            for witness in self._witnesses:
                witness.reported(event, now)
        for action in actions:
            if isinstance(action, Decided):
                for witness in self._witnesses:
                    witness.decided(action, self.state, now)

    def _carry_out(self, action: Action) -> None:
        match action:
            case Remember(memory=memory):
                self._remember(memory)
            case PrepareBearer(kind=kind):
                self._bearers[kind].prepare()
            case StartBearer(kind=kind, dial=dial, again=again):
                self._bearers[kind].start(dial, again=again)
            case StopBearer(kind=kind, dial=dial):
                self._bearers[kind].stop(dial)
            case RepairBearer(kind=kind, dial=dial, reason=reason):
                self._bearers[kind].repair(dial, reason)
            case CheckReturn(kind=kind):
                self._look(kind)
            case Decided():
                pass  # for the witnesses

    def _look(self, kind: BearerKind) -> None:
        standing = self._bearers[self.state.phase.kind] if isinstance(self.state.phase, Online) else None

        def answer(promising: bool) -> None:
            self._inbox.put(ReturnChecked(promising, quiet=standing is None or standing.is_quiet()))

        self._bearers[kind].look(answer)
