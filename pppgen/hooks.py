"""Runs the programs in /etc/pppgen/hooks.d when the link changes: in order, each with a limit, never in the link's way.

As run-parts has it: names of letters, digits, `_` and `-`, in the order of their names. They run as root, so a file or
a folder that others may change is refused and said. Each is told by its environment:

    PPPGEN_EVENT       up (with another address once more), down, failover, failback, degraded or blocked
    PPPGEN_BEARER      qmi or ppp: the bearer that the event is about (failover and failback: the one gone to)
    PPPGEN_INTERFACE   ppp0, wwan0; empty while there is none
    PPPGEN_ADDRESS     the address, likewise
    PPPGEN_DNS         the network's name servers, divided by blanks
    PPPGEN_REASON      the reason's slug (see `pppgen diagnose --list`); empty where all is well
    PPPGEN_DIAL        the number of the dial, which grows by one each time
"""

import os
import queue
import re
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pppgen.errors import PppgenError
from pppgen.model import BearerKind, Lease
from pppgen.policy.state import Blocked, Decided, Degraded, FallingBack, Online, Phase, State
from pppgen.reports import BearerReport
from pppgen.system.files import Tree
from pppgen.system.spawn import run

FOLDER = "/etc/pppgen/hooks.d"
QUEUE_MAX = 32
"""Events that may wait; a hook that hangs at each of them must not fill the memory."""
_NAME = re.compile(r"[A-Za-z0-9_-]+")  # run-parts(8)
_SHOWN = 500


class HookEvent(StrEnum):
    """What hooks are told of."""

    UP = "up"
    DOWN = "down"
    FAILOVER = "failover"
    FAILBACK = "failback"
    DEGRADED = "degraded"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Call:
    """One event, as the hooks are told of it."""

    event: HookEvent
    environment: Mapping[str, str]


_STANDS = Online | Degraded


def calls(decision: Decided) -> tuple[Call, ...]:
    """Return what the hooks are told of a decision, in order; pure.

    >>> lost = Online(BearerKind.QMI, 0.0, Lease("10.0.0.2", "wwan0"))
    >>> from pppgen.model import Reason
    >>> found = calls(Decided(lost, FallingBack(BearerKind.PPP, 9.0, Reason.LINK_DROPPED), 3, Reason.LINK_DROPPED))
    >>> [(call.event.value, call.environment["PPPGEN_BEARER"]) for call in found]
    [('down', 'qmi'), ('failover', 'ppp')]
    """
    before, after = decision.before, decision.after
    told: list[tuple[HookEvent, Phase, BearerKind | None]] = []
    if isinstance(before, _STANDS) and not isinstance(after, _STANDS):
        told.append((HookEvent.DOWN, before, before.kind))
    match after:
        case Online(lease=lease) if not isinstance(before, Online) or before.lease.address != lease.address:
            told.append((HookEvent.UP, after, after.kind))
        case Degraded() if not isinstance(before, Degraded):
            told.append((HookEvent.DEGRADED, after, after.kind))
        case FallingBack(to=to, why=why):
            told.append((HookEvent.FAILBACK if why is None else HookEvent.FAILOVER, after, to))
        case Blocked():
            told.append((HookEvent.BLOCKED, after, None))
        case _:
            pass
    return tuple(Call(event, _environment(event, phase, kind, decision)) for event, phase, kind in told)


def _environment(event: HookEvent, phase: Phase, kind: BearerKind | None, decision: Decided) -> Mapping[str, str]:
    lease: Lease | None = getattr(phase, "lease", None)
    reason = decision.reason or getattr(decision.after, "why", None)
    return {
        "PPPGEN_EVENT": event.value,
        "PPPGEN_BEARER": kind.value if kind else "",
        "PPPGEN_INTERFACE": lease.interface if lease else "",
        "PPPGEN_ADDRESS": lease.address if lease else "",
        "PPPGEN_DNS": " ".join(lease.dns) if lease else "",
        "PPPGEN_REASON": reason.value if reason and event is not HookEvent.UP else "",
        "PPPGEN_DIAL": str(decision.dial),
    }


class Hooks(threading.Thread):
    """The witness, and the one thread in which hooks run; `say` is told what they said and what was refused."""

    def __init__(self, tree: Tree, timeout_s: float, say: Callable[[str], None]) -> None:
        super().__init__(name="hooks", daemon=True)
        self._tree = tree
        self._timeout_s = timeout_s
        self._say = say
        self._queue: queue.Queue[Call | None] = queue.Queue(QUEUE_MAX)

    def reported(self, report: BearerReport, now: float) -> None:
        """Hooks hear of decisions only."""

    def decided(self, decision: Decided, state: State, now: float) -> None:  # noqa: ARG002 -- the decision says it all
        """Have the hooks told, later and elsewhere."""
        for call in calls(decision):
            try:
                self._queue.put_nowait(call)
            except queue.Full:
                self._say(f"hooks are too slow: they are not told of {call.event}")

    def finish(self, seconds: float) -> None:
        """Let what waits be told, at most that long; the thread ends then."""
        try:
            self._queue.put(None, timeout=seconds)
        except queue.Full:
            return
        self.join(seconds)

    def run(self) -> None:
        """Tell each event to each hook, one after the other."""
        while (call := self._queue.get()) is not None:
            for hook in self._hooks():
                self._run(hook, call)

    def _hooks(self) -> list[Path]:
        folder = Path(self._tree.shown(FOLDER))
        try:
            self._refuse_foreign(folder.lstat(), folder)
            names = sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))
        except FileNotFoundError:
            return []
        except (OSError, PppgenError) as error:
            self._say(f"no hook is run: {error}")
            return []
        return [path for name in names if self._may_run(path := folder / name)]

    def _may_run(self, path: Path) -> bool:
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or not status.st_mode & stat.S_IXUSR:
                return False
            self._refuse_foreign(status, path)
        except (OSError, PppgenError) as error:
            self._say(f"the hook is not run: {error}")
            return False
        return True

    def _refuse_foreign(self, status: os.stat_result, path: Path) -> None:
        others_write = status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and status.st_gid != 0)
        if status.st_uid not in {0, os.geteuid()} or others_write:
            raise PppgenError(f"{path} can be changed by others than root: chown root {path} && chmod go-w {path}")

    def _run(self, hook: Path, call: Call) -> None:
        try:
            done = run([str(hook)], self._timeout_s, environment=call.environment)
        except (OSError, PppgenError) as error:  # OSError: no descriptor or process is left
            self._say(f"{hook.name}: {error}")
            return
        for line in done.output[:_SHOWN].splitlines():
            self._say(f"{hook.name}: {line}")
        if done.status is None:
            self._say(f"{hook.name}: ended, because it took longer than {self._timeout_s:g} s (hook_timeout)")
        elif done.status:
            self._say(f"{hook.name}: exit status {done.status} at {call.event}")
