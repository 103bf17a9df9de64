"""Every reason in people's words: what happened, what it means, what to type; read from causes.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pppgen.model import Reason


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of causes.toml."""

    reason: Reason
    sentence: str
    explanation: str
    action: tuple[str, ...]
    command: str
    internal: bool = False


@cache
def _table() -> dict[str, dict[str, object]]:
    # Not importlib.resources: it brings zipfile, tempfile and their like into a process that runs for months.
    table = tomllib.loads(Path(__file__).with_name("causes.toml").read_text(encoding="utf-8"))
    return {str(slug): dict(entry) for slug, entry in table.items()}


@cache
def causes() -> dict[Reason, Cause]:
    """Return every cause by its reason, in the table's order."""
    return {
        Reason(slug): Cause(
            reason=Reason(slug),
            sentence=str(entry["sentence"]),
            explanation=str(entry["explanation"]),
            action=tuple(str(line) for line in _lines(entry["action"])),
            command=str(entry["command"]),
            internal=bool(entry.get("internal", False)),
        )
        for slug, entry in _table().items()
        if slug != "harmless"
    }


@cache
def harmless() -> dict[str, str]:
    """Return why each alarming line that is not a cause is none, by its slug."""
    return {slug: str(why) for slug, why in _table()["harmless"].items()}


def _lines(value: object) -> list[object]:
    assert isinstance(value, list)  # noqa: S101 -- our own file, held by a test
    return value


def cause(reason: Reason) -> Cause:
    """Return what people are told of a reason.

    >>> cause(Reason.PORT_BUSY).sentence
    'Another process holds the port.'
    """
    return causes()[reason]
