"""`pppgen up`: have a link; asks a running supervisor, and without one is one in the foreground."""

import os
import select
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import click

from pppgen.commands.assembly import Running, asked_for, read_setting
from pppgen.commands.options import BEARERS, root_option, sysroot_option
from pppgen.commands.views import JsonLines, Lines, Live, View
from pppgen.config import Seconds
from pppgen.control import Conversation
from pppgen.errors import BadValue, ExitCode, Interrupted, NotRunning, PppgenError
from pppgen.model import BearerKind, Reason
from pppgen.policy.chronicle import Entry, Kind
from pppgen.policy.sentences import span
from pppgen.requests import Confirm, Events, Status, Up
from pppgen.system.files import Tree

_SETTLED = frozenset({"online", "waiting", "blocked", "stopped", "degraded"})
_SHORT_WAIT_S = 5.0
"""A pause before the same bearer is tried once more is no end yet."""
_CONFIRM_MIN_S = 10.0
_CONFIRM_MAX_S = 3600.0
_LAST_WORDS_S = 2.0  # what the view has still to print when the supervisor has ended
_EXITS: dict[Reason, ExitCode] = {
    Reason.SIM_MISSING: ExitCode.SIM,
    Reason.SIM_PIN: ExitCode.SIM,
    Reason.SIM_PUK: ExitCode.SIM,
    Reason.NETWORK_LOCK: ExitCode.SIM,
    Reason.NOT_REGISTERED: ExitCode.NOT_REGISTERED,
    Reason.REGISTRATION_DENIED: ExitCode.NOT_REGISTERED,
    Reason.NO_SIGNAL: ExitCode.NOT_REGISTERED,
    Reason.PORT_BUSY: ExitCode.PORT_BUSY,
    Reason.MODEM_MANAGER_CONFLICT: ExitCode.PORT_BUSY,
    Reason.USB_DISCONNECT: ExitCode.NO_MODEM,
    Reason.USB_NOT_SWITCHED: ExitCode.NO_MODEM,
    Reason.PERMISSION_DENIED: ExitCode.PERMISSION,
    Reason.PROGRAM_MISSING: ExitCode.MISSING_PROGRAM,
}


class NoLink(PppgenError):
    """The link did not come up; the supervisor goes on by its own rules."""

    code = "no-link"

    def __init__(self, text: str, reason: str | None) -> None:
        super().__init__(text, hint="pppgen explain\npppgen events")
        known = Reason(reason) if reason in list(Reason) else Reason.NONE
        self.exit = _EXITS.get(known, ExitCode.DIAL_FAILED)


class Unread(PppgenError):
    """Nobody reads what a foreground run writes."""

    code = "unread"


@click.command()
@click.option(
    "--bearer",
    type=BEARERS,
    help="Over this one; without a supervisor only over it.",
)
@click.option("--now", is_flag=True, help="Set the pause after failures aside once; says what it overrides.")
@click.option("--primary", is_flag=True, help="Before Wi-Fi and Ethernet (in the foreground only; see pppgen.toml).")
@click.option("--confirm", metavar="TIME", help="End the link by itself unless it is confirmed within TIME, like 90s.")
@click.option("--confirmed", is_flag=True, help="Confirm the link that `--confirm` brought up, from any shell.")
@root_option
@sysroot_option
@click.option("--json", "in_json", is_flag=True, help="Print JSON objects, one a line; the last is of the kind result.")
def command(
    *,
    bearer: str | None,
    now: bool,
    primary: bool,
    confirm: str | None,
    confirmed: bool,
    root: Path,
    sysroot: Path,
    in_json: bool,
) -> None:
    r"""Bring the link up, showing each step, and say why if it does not come.

    With the service running it asks that and returns when the link is up or will not be for a while. Without, it keeps
    the link up itself until Ctrl-C, which ends it cleanly.

    \b
    Examples:
      sudo pppgen up
      sudo pppgen up --bearer ppp            # PPP, whatever the order says
      sudo pppgen up --now                   # do not wait out the pause after failures
      sudo pppgen up --primary --confirm 90s # over SSH: comes back by itself if you are cut off
      sudo pppgen up --json | jq -r .text
    """
    tree = Tree(root)
    request = Up(now, BearerKind(bearer) if bearer else None, _seconds(confirm))
    view: View | None = None
    try:
        try:
            conversation = Conversation(tree)
        except NotRunning:
            if confirmed:
                raise
            # Before anything is drawn: a setting that is refused is an ordinary error.
            setting = asked_for(read_setting(tree), request.bearer, primary=primary)
            running = Running(tree, sysroot, setting=setting, ends_with_link=True)
            view = _view(tree, in_json=in_json)
            answer = _foreground(running, view, request)
        else:
            with conversation:
                if confirmed:
                    view = JsonLines() if in_json else Lines()
                    answer = conversation.ask(Confirm())
                    view.said(str(answer["said"]))
                    view.end(_result(answer, None))
                    return
                if primary:
                    raise BadValue("--primary is decided when the supervisor starts", hint=_PRIMARY)
                view = _view(tree, in_json=in_json)
                answer = watch(conversation, view, request, hold=False)
    except PppgenError as error:
        if view is not None:
            view.end(_result(None, error))
        if view is None and in_json:
            JsonLines().end(_result(None, error))
        if in_json:
            sys.exit(error.exit)
        raise
    view.end(_result(answer, None))


_PRIMARY = "primary = true in /etc/pppgen/pppgen.toml, then: sudo systemctl reload pppgen"


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = Seconds.parse(text).s
    except ValueError as error:
        raise BadValue(f"--confirm {text!r}: {error}", hint="--confirm 90s") from error
    if not _CONFIRM_MIN_S <= found <= _CONFIRM_MAX_S:
        raise BadValue(f"--confirm {text!r} is out of 10s … 1h", hint="--confirm 90s")
    return found


def _view(tree: Tree, *, in_json: bool) -> View:
    if in_json:
        return JsonLines()
    return Live(tree) if sys.stdout.isatty() else Lines()


def _result(answer: dict[str, Any] | None, error: PppgenError | None) -> dict[str, Any]:
    return {
        "ok": error is None,
        "status": answer["status"] if answer else None,
        "error": error.as_json() if error else None,
    }


def _foreground(running: Running, view: View, request: Up) -> dict[str, Any] | None:
    """Be the supervisor until Ctrl-C, showing what a thread of ours learns through the same door as everybody else."""
    failed: list[PppgenError] = []

    def look_on() -> None:
        try:
            with Conversation(running.tree) as conversation:
                watch(conversation, view, request, hold=True)
        except NotRunning:
            return  # the supervisor ended, as it was told to
        except PppgenError as error:
            failed.append(error)
            running.leave(keep=False)
        except OSError:  # whom it was shown to has gone: `pppgen up | head`
            failed.append(Unread("nobody reads this any more; the link is down"))
            running.leave(keep=False)

    with running:
        running.heed_signals(hup_keeps=False)
        thread = threading.Thread(target=look_on, name="view", daemon=True)
        thread.start()
        running.serve(up=False)
    thread.join(_LAST_WORDS_S)
    if failed:
        raise failed[0]
    if running.signal == signal.SIGINT:
        raise Interrupted("ended by Ctrl-C; the link is down")
    return None


def watch(conversation: Conversation, view: View, request: Up, *, hold: bool) -> dict[str, Any]:
    """Ask for the link and show what happens, until it is there or will not be for a while; `hold` goes on from there.

    Raises:
        NoLink: it did not come up.
        NotRunning: the supervisor ended.
    """
    conversation.ask(Events())
    answer = conversation.ask(request)
    phase, reason = str(answer["status"]["phase"]), answer["status"]["reason"]
    text = str(answer["status"]["sentence"])
    # A start that begins tells of itself in its events.
    if answer["said"] != text or phase in _SETTLED:
        view.said(str(answer["said"]))
    while hold or phase not in _SETTLED:
        entry = conversation.event(None)
        assert entry is not None  # noqa: S101 -- without a limit there is one, or an exception
        # The journal wants to know who asked; whoever just typed it does.
        if not (entry.kind is Kind.ASKED and f"pid {os.getpid()}," in entry.text):
            view.take(entry)
        if entry.kind is Kind.DECISION and not _is_short_wait(entry):
            phase, reason, text = entry.phase, entry.reason, entry.text
            if phase == "online" and (seconds := answer.get("confirm_s")) is not None:
                _have_confirmed(conversation, view, seconds)
    if phase not in {"online", "degraded"}:
        raise NoLink(text.removesuffix("."), reason)
    return conversation.ask(Status())


def _is_short_wait(entry: Entry) -> bool:
    return entry.phase == "waiting" and entry.wait_s is not None and entry.wait_s <= _SHORT_WAIT_S


def _have_confirmed(conversation: Conversation, view: View, seconds: float) -> None:
    """Ask whoever sits at the terminal; no answer, no terminal: the supervisor's own time runs out."""
    view.said(f"Press Enter within {span(seconds)} to keep the link (or, from any shell: sudo pppgen up --confirmed).")
    if sys.stdin.isatty() and select.select([sys.stdin], [], [], seconds)[0] and sys.stdin.readline():
        view.said(str(conversation.ask(Confirm())["said"]))
    elif sys.stdin.isatty():
        view.said("Nobody confirmed it, so the link ends.")
