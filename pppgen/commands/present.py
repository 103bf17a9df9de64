"""How a command speaks: answers on standard output, progress and errors on standard error.

rich is imported inside the functions that draw more than a line, so that nobody else pays for it.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import click

from pppgen.errors import PppgenError
from pppgen.model import Notice

# What JSON may hold as it is and a terminal may obey: C1 controls (0x9b begins a sequence), bidirectional overrides.
# A lone surrogate is a half of a character that UTF-8 has no bytes for.
_UNSAFE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def clean(text: str) -> str:
    r"""Return `text` with control characters written out: what a modem or a log said must not drive a terminal.

    >>> print(clean("a\x1b[2Jb"))
    a\x1b[2Jb
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def say(message: str) -> None:
    """Write a line of progress to standard error; that nobody reads it any more ends no work."""
    with suppress(OSError):
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()


@contextmanager
def working(message: str) -> Iterator[None]:
    """Tell on standard error what takes its time: a moving bar with the time on a terminal, a plain line elsewhere."""
    if not sys.stderr.isatty():
        say(message)
        yield
        return
    from rich.console import Console  # noqa: PLC0415 -- only loaded to draw
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415 -- same

    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(clean(message), total=None)
        yield
        bar.update(task, total=1, completed=1)


def emit_json(answer: object, *, one_line: bool = False) -> None:
    """Write the one object of a `--json` run to standard output; on one line where each line is an object."""
    # Where standard output is not UTF-8, it would write what it lacks in its own way, which is no JSON.
    foreign = sys.stdout.encoding.lower() != "utf-8"
    text = json.dumps(answer, indent=None if one_line else 2, ensure_ascii=foreign)
    sys.stdout.write(_UNSAFE.sub(_escaped, text) + "\n")
    sys.stdout.flush()


def show_error(error: PppgenError) -> None:
    """Show what was asked and came back, and what to type next; in colour on a terminal only."""
    _tell("pppgen: ", clean(error.message), fg="red", bold=True)
    _tell_each("  try: ", error.hint.splitlines(), bold=True)


def show_notice(notice: Notice) -> None:
    """Show what the user should know on standard error, with what proves it and what to type."""
    _tell("warning: ", clean(notice.message), fg="yellow", bold=True)
    _tell_each("  seen: ", notice.evidence, dim=True)
    _tell_each("  try: ", notice.hint.splitlines(), bold=True)


def _tell_each(label: str, lines: Iterable[str], *, bold: bool = False, dim: bool = False) -> None:
    for line in lines:
        _tell(label, clean(line), bold=bold, dim=dim)


def _tell(label: str, text: str, *, fg: str | None = None, bold: bool = False, dim: bool = False) -> None:
    """Write a line of which only the label is styled. By click, which each command has loaded already."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    styled = label if plain else click.style(label, fg=fg, bold=bold or None, dim=dim or None)
    click.echo(styled + text, err=True)
