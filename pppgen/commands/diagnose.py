"""`pppgen diagnose`: read any log and say why, with the lines that prove it and what to type next."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pppgen.causes import cause, harmless
from pppgen.commands.options import json_option, root_option
from pppgen.commands.present import clean, emit_json
from pppgen.diagnose import Diagnosis, Outcome, Sighting, Verdict, diagnose
from pppgen.errors import BadValue, ExitCode, NoPermission, NotRunning, UnknownCause
from pppgen.journal import PATH, older
from pppgen.model import Reason
from pppgen.system.logs import blocks_of, journal_blocks

if TYPE_CHECKING:
    from rich.text import Text

_EXAMPLES = """\b
Examples:
  pppgen diagnose forum-post.txt
  sudo pppgen diagnose --since -1h
  dmesg | pppgen diagnose --json -
"""
_OWN = PATH.lstrip("/")
_SHOWN = 200  # characters of a line that a screen shows; --json has them all


@dataclass(slots=True)
class Sources:
    """Several logs read as one story; remembers which line belongs to which."""

    starts: list[tuple[int, str]] = field(default_factory=list)
    count: int = 0

    def lines(self, name: str, blocks: Iterable[list[str]]) -> Iterator[str]:
        """Yield the lines of one source."""
        self.starts.append((self.count, name))
        for block in blocks:
            self.count += len(block)
            yield from block

    def place(self, line: int) -> tuple[str, int]:
        """Return the source of a line of the story and its number there."""
        start, name = next((start, name) for start, name in reversed(self.starts) if start < line)
        return name, line - start


@click.command(epilog=_EXAMPLES)
@click.argument("files", nargs=-1, metavar="[FILE|-]...", type=click.Path(allow_dash=True, readable=False))
@click.option("--journal", is_flag=True, help="Read the system's journal of this boot.")
@click.option("--since", metavar="TIME", help="Read the journal since TIME, in journalctl's words: '-1h', 'today'.")
@root_option
@json_option
def command(*, files: tuple[str, ...], journal: bool, since: str | None, root: Path, as_json: bool) -> None:
    """Say why a link did not come up, or ended, from any log: FILEs, `-`, the journal, or pppgen's own last run.

    A log may be what pppd, chat, wvdial, quectel-CM, udhcpc, qmicli, ModemManager, NetworkManager or the kernel wrote,
    mixed, and as people paste it. The answer names the cause, the lines that prove it, and what to type next. "Unknown"
    is an honest answer, and exit status 13.
    """
    sources = Sources()
    told = diagnose(_read(sources, files, since=since, journal=journal, root=root))
    if as_json:
        emit_json(as_answer(told, sources))
    else:
        _show(told, sources)
    sys.exit(ExitCode.OK if told.named else ExitCode.UNKNOWN_CAUSE)


def _read(sources: Sources, files: tuple[str, ...], *, journal: bool, since: str | None, root: Path) -> Iterator[str]:
    if journal or since is not None:
        yield from sources.lines("journal", journal_blocks(since))
    elif not files:
        files = _own_journal(root)
    for name in files:
        if name == "-":
            yield from sources.lines("-", blocks_of(sys.stdin.buffer))
            continue
        try:
            with Path(name).open("rb") as stream:
                yield from sources.lines(name, blocks_of(stream))
        except (FileNotFoundError, IsADirectoryError) as error:
            raise BadValue(f"{name}: {error.strerror}", hint="pppgen diagnose FILE") from error
        except PermissionError as error:
            raise NoPermission(f"{name}: {error.strerror}", hint=f"sudo pppgen diagnose {name}") from error
        except OSError as error:
            raise BadValue(f"{name}: {error.strerror}") from error


def _own_journal(root: Path) -> tuple[str, ...]:
    """Return our journal's files, the older one first: where one ends and the next begins says nothing of a run."""
    path = f"{root / _OWN}"
    try:
        found = tuple(name for name in (older(path), path) if Path(name).is_file())
    except PermissionError as error:
        raise NoPermission(f"{error.filename}: {error.strerror}", hint="sudo pppgen diagnose") from error
    if not found:
        raise NotRunning(
            f"pppgen has not run here yet: there is no {path}",
            hint="pppgen diagnose FILE\npppgen diagnose --journal",
        )
    return found


def as_answer(told: Diagnosis, sources: Sources) -> dict[str, object]:
    """Return the object of `--json`; docs/schema/diagnose.json describes it."""
    return {
        "outcome": told.outcome.value,
        "tool": [program.value for program in told.programs],
        "attempts": told.attempts,
        "lines": told.lines,
        "steps": [{"step": step.name, **_place(step.sighting, sources)} for step in told.steps],
        "findings": [_finding(found, told, sources) for found in told.findings],
        "harmless": [{**_place(found.sighting, sources), "reason": harmless()[found.slug]} for found in told.harmless],
        "error": None if told.named else UnknownCause(SAID_NOTHING, hint=ASK_FOR_MORE).as_json(),
    }


SAID_NOTHING = "the log does not say why"
ASK_FOR_MORE = "pppgen diagnose --since -1h\npppd call provider nodetach debug"


def _finding(found: Verdict, told: Diagnosis, sources: Sources) -> dict[str, object]:
    words = cause(found.cause)
    return {
        "cause": found.cause.value,
        "confidence": found.confidence.value,
        "evidence": [_place(sighting, sources) for sighting in found.evidence],
        "meaning": words.sentence,
        "explanation": words.explanation,
        "rules_out": [gone.value for gone in told.rules_out(found.cause)],
        "action": list(words.action),
        "command": words.command,
    }


def _place(sighting: Sighting, sources: Sources) -> dict[str, object]:
    name, line = sources.place(sighting.line)
    return {"file": name, "line": line, "text": sighting.text}


# For people.


def _show(told: Diagnosis, sources: Sources) -> None:
    """Write the answer: what happened, its proof, what to type; then what else it may be, and what is harmless."""
    from rich.console import Console  # noqa: PLC0415 -- only loaded to draw
    from rich.padding import Padding  # noqa: PLC0415 -- same

    # A pipe's reader folds for itself; on a terminal a long line folds at its own indent.
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    for indent, text in _screen(told, sources):
        console.print(
            Padding(text, (0, 0, 0, indent)) if console.is_terminal else f"{' ' * indent}{text.plain}", markup=False
        )


def _screen(told: Diagnosis, sources: Sources) -> "Iterator[tuple[int, Text]]":
    from rich.text import Text  # noqa: PLC0415 -- only loaded to draw

    yield 0, _headline(told)
    if not told.findings:
        yield 0, Text("Nothing in these lines proves a cause. More of the log may:")
        yield from ((4, Text(line, style="bold")) for line in ASK_FOR_MORE.splitlines())
    for found in told.findings[:1]:
        yield from _main_cause(found, sources)
    for found in told.findings[1:]:
        yield 0, Text("")
        yield (
            0,
            Text.assemble((_beside(told, found), "dim"), cause(found.cause).sentence, (f"  [{found.cause}]", "dim")),
        )
        yield from ((2, _quoted(sighting, sources, "yellow")) for sighting in found.evidence[:2])
    if told.harmless:
        yield 0, Text("")
        yield 0, Text("Looks bad, is not the cause:", style="dim")
    for calm in told.harmless:
        yield 2, Text.assemble(_quoted(calm.sighting, sources, ""), (f"  ({harmless()[calm.slug]})", "dim"))


def _beside(told: Diagnosis, found: Verdict) -> str:
    """How a second finding stands to the first."""
    if told.outcome is Outcome.UP:
        return "Also: "
    explains = told.findings[0].cause is Reason.NO_DHCP_LEASE and found.cause is Reason.RAW_IP_MISMATCH
    return "Most likely because: " if explains else "Possibly also: "


def _main_cause(found: Verdict, sources: Sources) -> "Iterator[tuple[int, Text]]":
    from rich.text import Text  # noqa: PLC0415 -- only loaded to draw

    words = cause(found.cause)
    yield 0, Text("")
    yield 0, Text.assemble((words.sentence, "bold"), (f"  [{found.cause}, {found.confidence} confidence]", "dim"))
    yield 2, Text(words.explanation)
    yield from ((2, _quoted(sighting, sources, "bold yellow")) for sighting in found.evidence)
    if found.cause is not Reason.NONE:
        yield 0, Text("What to type:")
        yield from ((4, _typed(line)) for line in words.action)
        yield 2, Text.assemble("or let pppgen do it:  ", (words.command, "bold"))


def _headline(told: Diagnosis) -> "Text":
    from rich.text import Text  # noqa: PLC0415 -- only loaded to draw

    words = {Outcome.UP: ("The link is up", "bold green"), Outcome.FAILED: ("The link failed", "bold red")}
    said, style = words.get(told.outcome, ("Unknown", "bold yellow"))
    reached = ", ".join(step.name for step in told.steps)
    tries = f"{told.attempts} attempt{'' if told.attempts == 1 else 's'}"
    tail = f"  ({told.lines} lines, {tries}{'; reached: ' + reached if reached else ''})"
    return Text(said, style=style) + Text(tail, style="dim")


def _quoted(sighting: Sighting, sources: Sources, style: str) -> "Text":
    from rich.text import Text  # noqa: PLC0415 -- only loaded to draw

    name, line = sources.place(sighting.line)
    where = f"{line:>5}" if len(sources.starts) == 1 else f"{clean(Path(name).name)}:{line}"
    return Text(f"{where} │ ", style="dim") + Text(clean(sighting.text.strip()[:_SHOWN]), style=style)


def _typed(line: str) -> "Text":
    from rich.text import Text  # noqa: PLC0415 -- only loaded to draw

    typed, mark, aside = line.partition("#")
    return Text(typed, style="bold") + Text(mark + aside, style="dim")
