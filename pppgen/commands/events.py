"""`pppgen events`: the journal as a timeline, and what happens now."""

import sys
from collections import deque
from pathlib import Path

import click

from pppgen.commands.lines import day, writer
from pppgen.commands.options import root_option
from pppgen.commands.present import emit_json
from pppgen.control import Conversation
from pppgen.errors import ExitCode, NotRunning, PppgenError
from pppgen.journal import read
from pppgen.policy.chronicle import Entry, Kind, as_json
from pppgen.requests import Events
from pppgen.system.files import Tree


@click.command()
@click.option("-n", "--lines", "count", default=40, metavar="N", type=click.IntRange(0), help="The last N entries.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@click.option("--decisions", is_flag=True, help="Only what was decided, without the steps.")
@root_option
@click.option("--json", "in_json", is_flag=True, help="Print one JSON object; with --follow one object a line.")
def command(*, count: int, follow: bool, decisions: bool, root: Path, in_json: bool) -> None:
    r"""Show what happened: each step, failure and decision with its time, and the lines that prove it.

    \b
    Examples:
      pppgen events
      pppgen events -n 10 --follow
      pppgen events --decisions --json | jq -r '.events[].text'
    """
    tree = Tree(root)
    wanted = {Kind.DECISION, Kind.RUN} if decisions else set(Kind)
    try:
        found = deque((entry for entry in read(tree) if entry.kind in wanted), maxlen=min(count, sys.maxsize))
        if not follow:
            _show(found, in_json=in_json)
            return
        _follow(tree, found, wanted, in_json=in_json)
    except PppgenError as error:
        if not in_json:
            raise
        emit_json({"events": [], "error": error.as_json()}, one_line=follow)
        sys.exit(error.exit)


def _show(found: deque[Entry], *, in_json: bool) -> None:
    if in_json:
        emit_json({"events": [as_json(entry) for entry in found], "error": None})
        return
    _timeline(found)
    if not found:
        click.echo("nothing has happened yet", err=True)


def _timeline(found: deque[Entry]) -> None:
    take = writer(click.echo)
    today = ""
    for entry in found:
        if (this := day(entry.at.wall)) != today:
            today = this
            click.secho(today, bold=True)
        take(entry)


def _follow(tree: Tree, found: deque[Entry], wanted: set[Kind], *, in_json: bool) -> None:
    def line(entry: Entry) -> None:
        emit_json(as_json(entry), one_line=True)

    take = line if in_json else writer(click.echo)
    with Conversation(tree) as conversation:
        conversation.ask(Events())
        try:
            if in_json:
                for entry in found:
                    take(entry)
            else:
                _timeline(found)
            for entry in conversation.events():
                if entry.kind in wanted:
                    take(entry)
        except NotRunning:
            click.echo("the supervisor ended", err=True)
        except KeyboardInterrupt:
            sys.exit(ExitCode.INTERRUPTED)  # the usual end, so no object about it among the entries
