"""A program's words as a table: one row a message, its pattern, and the event that it proves.

The rows of a program are compiled into one alternation, so that a line is looked at once however long the table is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pppgen.programs.events import Event, Kind, Program


@dataclass(frozen=True, slots=True)
class Row:
    """One message of a program.

    `pattern` is matched at the start of the line, without groups of its own except `(?P<v>...)`-like plain groups:
    the first group that took part is the event's value, unless `value` fixes it.
    """

    pattern: str
    kind: Kind
    value: str | None = None


class Grammar:
    r"""The compiled table of one program.

    >>> rows = [Row(r"Modem hangup", Kind.HUNG_UP), Row(r"local  IP address (\S+)", Kind.LOCAL_ADDRESS)]
    >>> table = Grammar(Program.PPPD, rows)
    >>> table.match("local  IP address 10.0.0.1")
    Event(program=<Program.PPPD: 'pppd'>, kind=<Kind.LOCAL_ADDRESS: 'local-address'>, value='10.0.0.1')
    >>> table.match("nothing of mine") is None
    True
    """

    def __init__(self, program: Program, rows: Iterable[Row], *, flags: int = 0) -> None:
        self._program = program
        self._rows: dict[int, tuple[Kind, str | None, range]] = {}
        parts: list[str] = []
        group = 1
        for row in rows:
            inner = re.compile(row.pattern).groups
            self._rows[group] = (row.kind, row.value, range(group + 1, group + 1 + inner))
            parts.append(f"({row.pattern})")
            group += 1 + inner
        self._whole = re.compile("|".join(parts), flags)
        # `lastindex` is the group that closed last: the outermost, which is the row's own.

    def match(self, line: str) -> Event | None:
        """Return the event of the first row that matches at the start of `line`."""
        found = self._whole.match(line)
        if found is None or found.lastindex is None:
            return None
        kind, value, groups = self._rows[found.lastindex]
        if value is None:
            value = next((text for number in groups if (text := found.group(number)) is not None), "")
        return Event(self._program, kind, value.strip()[:200])
