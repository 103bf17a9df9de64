"""One look at the machine that every command about ports shares: read the facts, then judge them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pppgen.bearers import notes
from pppgen.discovery import Found, discover, no_modem, port_names, with_our_names
from pppgen.errors import NoModem
from pppgen.facts import Board, Process
from pppgen.leftovers import MODULES, PATHS, SCRIPTS, leftovers
from pppgen.model import Notice
from pppgen.system.files import Tree
from pppgen.system.processes import read_usage
from pppgen.system.sysfs import read_board, read_traces
from pppgen.udev import NAMES_RULE

MODEM_MANAGER = "ModemManager"
QUECTEL_CM = "quectel-CM"
NAMES_FILE = f"/etc/udev/rules.d/{NAMES_RULE}"


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found, with the facts behind it; `modem_manager` tells whether it runs on this system.

    `own` are the processes that our supervisor's QMI call consists of: what they hold, they may.
    """

    board: Board
    found: Found
    modem_manager: bool = False
    own: frozenset[int] = frozenset()

    def nothing_found(self) -> NoModem | None:
        """Return the error of a machine without anything to ask, `None` where there is a candidate."""
        return None if self.found.devices else no_modem(self.board, self.found)


def survey(sysroot: Path = Path("/")) -> Survey:
    """Look at the machine below `sysroot`; nothing is sent to any port.

    What runs is only held against ports of the running system: a tree of another machine says nothing of this one's
    ModemManager or reconnect scripts.
    """
    live = sysroot.resolve() == Path("/")
    board = read_board(sysroot)
    usage = read_usage(port_names(board))
    found = discover(board, usage)
    traces = read_traces(sysroot, PATHS, MODULES, SCRIPTS)
    own = own_processes(usage.processes) if live else frozenset()
    strangers = [process for process in usage.processes if live and process.pid not in own]
    notices = [*found.notices, *leftovers(traces, strangers)]
    modem_manager = live and usage.running(MODEM_MANAGER)
    if modem_manager and found.devices:
        notices.append(_modem_manager_notice(found))
    return Survey(board, replace(found, notices=tuple(notices)), modem_manager, own)


def own_processes(processes: Iterable[Process], folder: Path = notes.FOLDER) -> frozenset[int]:
    """Return those of our own QMI call. Only root may read which one that is; for others the program's name decides."""
    note = folder / notes.QMI
    if not note.exists():
        return frozenset()
    if not os.access(note, os.R_OK):
        return frozenset(process.pid for process in processes if process.name == QUECTEL_CM)
    from pppgen.bearers import qmi_note  # noqa: PLC0415 -- pexpect and more, a third of a probe's imports, for a call

    session = qmi_note.session(folder)
    return frozenset(process.pid for process in processes if session and _session_of(process.pid) == session)


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None  # it ended meanwhile


def named_below(found: Survey, root: Path) -> Survey:
    """Return the survey with the names that the udev rule gives which setup wrote below `root`, a tree of its own.

    On the running system the links that udev really made are what counts.
    """
    if root == Path("/") or Tree(root).read(NAMES_FILE) is None:
        return found
    candidates = tuple(replace(one, device=with_our_names(one.device)) for one in found.found.candidates)
    return replace(found, found=replace(found.found, candidates=candidates))


def _modem_manager_notice(found: Found) -> Notice:
    held = [claim for claim in found.usage.claims if claim.holder.name == MODEM_MANAGER]
    pids = [process.pid for process in found.usage.processes if process.name == MODEM_MANAGER]
    return Notice(
        "modem-manager",
        "ModemManager runs and asks each modem's ports by itself; a connection of its own ends when it lets go",
        "systemctl stop ModemManager    # until the next boot; never purge it",
        (
            *(f"pid {pid} {MODEM_MANAGER}" for pid in pids),
            *(f"{claim.device} is held by pid {claim.holder.pid} ({claim.evidence})" for claim in held),
        ),
    )
