"""The status file, /run/pppgen/status.json: readable by all, replaced whole and only when something changed."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pppgen.errors import NotRunning, PppgenError
from pppgen.policy.chronicle import Moment
from pppgen.policy.state import Decided, State
from pppgen.policy.status import VERSION, Seen, as_json, note
from pppgen.reports import BearerReport
from pppgen.system.files import Tree
from pppgen.system.spawn import Mark, start_time
from pppgen.system.stderr import complain

PATH = "/run/pppgen/status.json"
_MAX = 65536


class StatusFile:
    """A witness that keeps the file. `standing` gives the owner's state; `seen` adds what only reports tell."""

    def __init__(self, tree: Tree, moment: Callable[[], Moment], standing: Callable[[], State]) -> None:
        self._tree = tree
        self._moment = moment
        self._standing = standing
        self._written: dict[str, object] = {}
        self._mark = Mark(os.getpid(), start_time(os.getpid()) or 0)
        self.seen = Seen()

    def reported(self, report: BearerReport, now: float) -> None:
        """Take note of what was seen, and write it."""
        self.seen = note(self.seen, report, now)
        self.write()

    def decided(self, decision: Decided, state: State, now: float) -> None:  # noqa: ARG002 -- the state says it all
        """Write the new state."""
        self.write()

    def answer(self, state: State) -> dict[str, object]:
        """Return the status as the doors and the file tell it."""
        return as_json(state, self.seen, self._moment()) | {"pid": self._mark.pid, "started": self._mark.started}

    def write(self) -> None:
        """Replace the file if anything but the time changed; a failure is said and never stops the link."""
        found = self.answer(self._standing())
        # Without the sentence's seconds and the time of writing, is it the same?
        if {**found, "written": 0, "sentence": ""} == {**self._written, "written": 0, "sentence": ""}:
            return
        self._written = found
        path = Path(self._tree.shown(PATH))
        fresh = path.with_name(".status.json.new")
        try:
            # /run is a memory: nothing to wait for, so not through Tree, whose care for the disk costs two fsyncs.
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, 0o644)
                file.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
            fresh.replace(path)
        except OSError as error:
            complain(f"pppgen: {path} cannot be written: {error}")

    def remove(self) -> None:
        """Take the file away: the supervisor ends."""
        Path(self._tree.shown(PATH)).unlink(missing_ok=True)


def read(tree: Tree) -> dict[str, Any]:
    """Return the running supervisor's status; needs no rights.

    Raises:
        NotRunning: there is no file, or whoever wrote it is gone.
    """
    path = Path(tree.shown(PATH))
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MAX))
        if not isinstance(found, dict) or found.get("version") != VERSION:
            raise PppgenError(f"{path} was written by another version of pppgen", hint="sudo systemctl restart pppgen")
        pid, started = int(found["pid"]), int(found["started"])
    except FileNotFoundError as error:
        raise not_running() from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PppgenError(f"{path} cannot be read: {error}", hint="sudo systemctl restart pppgen") from error
    if start_time(pid) != started:
        raise not_running()
    return found


def not_running() -> NotRunning:
    """Return the error of a command that needs a supervisor."""
    return NotRunning(
        "no supervisor is running",
        hint="sudo systemctl start pppgen\nsudo pppgen up    # in the foreground, without the service",
    )
