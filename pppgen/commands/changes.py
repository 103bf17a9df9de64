"""How what happened to files is told: as lines, as differences, as JSON."""

from collections.abc import Iterable, Iterator

import click

from pppgen.commands.present import clean
from pppgen.install import FileChange
from pppgen.radio import Result, Row
from pppgen.system.files import Tree

_RESULTS = {
    Result.WRITTEN: "written",
    Result.SAME: "is so already",
    Result.UNSUPPORTED: "unknown to this firmware",
    Result.FAILED: "refused by the modem",
}
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def changes_json(tree: Tree, changes: Iterable[FileChange]) -> list[dict[str, str]]:
    """Return the `files` of an answer; paths as they are on this machine, `--root` included."""
    return [{"path": tree.shown(change.path), "action": change.action.value} for change in changes]


def show_changes(tree: Tree, changes: Iterable[FileChange], *, differences: bool) -> None:
    """Write a line for each file to standard output, and its difference where that is wanted."""
    for change in changes:
        note = ", edited by hand" if change.by_hand else ""
        copy = f", your version is kept as {change.copy}" if change.copy else ""
        click.echo(f"{change.action.value:9} {clean(tree.shown(change.path))}{note}{copy}")
        if differences:
            show_difference(change.difference)


def radio_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Return a line for each radio setting: what it was, what it was to be, what became of it."""
    for row in rows:
        yield f"radio     {row.key} {row.old or '?'} -> {row.new}: {_RESULTS[row.result]}"


def show_difference(difference: str) -> None:
    """Write a unified diff to standard output, coloured on a terminal."""
    for line in difference.splitlines():
        click.secho(f"    {clean(line)}", fg=_COLOURS.get(line[:1]))
