"""How `pppgen up` shows what happens: a live view on a terminal, a line a step elsewhere, JSON lines for programs."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import click

from pppgen.commands.lines import lines
from pppgen.commands.present import clean, emit_json
from pppgen.commands.status import signal_words
from pppgen.errors import PppgenError
from pppgen.policy.chronicle import Entry, as_json
from pppgen.policy.sentences import DOING
from pppgen.reports import Step
from pppgen.status import read
from pppgen.system.clock import boottime
from pppgen.system.files import Tree

if TYPE_CHECKING:
    from rich.text import Text


class View(Protocol):
    """Who is shown what happens."""

    def said(self, text: str) -> None:
        """Show what the supervisor answered."""
        ...

    def take(self, entry: Entry) -> None:
        """Show an event."""
        ...

    def end(self, result: dict[str, Any]) -> None:
        """Show how it came out; nothing follows."""
        ...


class Lines:
    """A line a step."""

    def said(self, text: str) -> None:
        """Write the sentence."""
        click.echo(clean(text))

    def take(self, entry: Entry) -> None:
        """Write the event's lines."""
        for line in lines(entry):
            click.echo(line)

    def end(self, result: dict[str, Any]) -> None:
        """The last line has said it."""


class JsonLines:
    """An object a line: events as the journal has them, then one of the kind `result`."""

    def said(self, text: str) -> None:
        """The events and the result say it."""

    def take(self, entry: Entry) -> None:
        """Write the event's object."""
        self._write(as_json(entry))

    def end(self, result: dict[str, Any]) -> None:
        """Write the result."""
        self._write({"kind": "result", **result})

    def _write(self, answer: object) -> None:
        emit_json(answer, one_line=True)


class Live:
    """The events as they come, and below them a line that keeps moving: step, time, signal, address."""

    def __init__(self, tree: Tree) -> None:
        from rich.console import Console  # noqa: PLC0415 -- only loaded to draw
        from rich.live import Live as RichLive  # noqa: PLC0415 -- same

        self._tree = tree
        self._live = RichLive(
            get_renderable=self._line, console=Console(highlight=False), refresh_per_second=2, transient=True
        )
        self._live.start()

    def said(self, text: str) -> None:
        """Print the sentence above the moving line."""
        self._print(clean(text))

    def take(self, entry: Entry) -> None:
        """Print the event above the moving line."""
        for line in lines(entry):
            self._print(line)

    def end(self, result: dict[str, Any]) -> None:  # noqa: ARG002 -- the last line has said it
        """Take the moving line away."""
        self._live.stop()

    def _print(self, line: str) -> None:
        from rich.text import Text  # noqa: PLC0415 -- only loaded to draw

        self._live.console.print(Text(line, style="bold" if "=> " in line[:14] else ""), soft_wrap=True)

    def _line(self) -> "Text":
        from rich.text import Text  # noqa: PLC0415 -- only loaded to draw

        found: dict[str, Any] = {}
        with suppress(PppgenError):
            found = read(self._tree)
        return Text(moving_line(found, boottime()), style="dim", no_wrap=True, overflow="ellipsis")


def moving_line(found: dict[str, Any], now: float) -> str:
    """Return the one line that tells how it stands.

    >>> moving_line({"phase": "connecting", "bearer": "ppp", "step": "lcp", "step_since": 3.0, "since": 1.0, "note": "",
    ...              "address": "", "signal": {"rat": "", "rssi_dbm": -62, "rsrp_dbm": None, "rsrq_db": None,
    ...                                        "sinr_db": None}}, 7.4)
    'PPP  lcp: agreeing on the line 4 s  (6 s in all)  RSSI -62 dBm'
    """
    if not found:
        return "…"
    parts = [str(found["bearer"]).upper()] if found["bearer"] else []
    if found["step"]:
        doing = clean(found["note"]) or DOING[Step(found["step"])]
        since = found["step_since"]
        parts.append(f"{found['step']}: {doing}{'' if since is None else f' {now - since:.0f} s'}")
    else:
        parts.append(str(found["phase"]))
    if found["since"] is not None:
        parts.append(f"({now - found['since']:.0f} s in all)" if found["step"] else f"{now - found['since']:.0f} s")
    parts += [part for part in (clean(found["address"]), clean(signal_words(found["signal"]))) if part]
    return "  ".join(parts)
