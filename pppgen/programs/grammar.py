"""A program's words as a table: one row a message, its pattern, and the event that it proves.

The rows of a program are compiled into one alternation, so that a line is looked at once however long the table is.
What makes it fast is the shape: each branch begins with the message's own first letter (no group, no `.*`), so that the
regular-expression engine drops a branch by one comparison; an empty group at a branch's end tells which one it was.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from pppgen.programs.events import Event, Kind, Program

VALUE_LIMIT = 200  # no value that anybody acts on is longer
KNOWN_LIMIT, KNOWN_LENGTH = 2000, 120  # lines whose answer is kept, and the longest of them: under 1 MB a table


@dataclass(frozen=True, slots=True)
class Row:
    """One message of a program.

    `pattern` is matched at the start of the line; one that begins with `.*` is searched for, after all others. The
    first group that took part is the event's value, unless `value` fixes it.
    """

    pattern: str
    kind: Kind
    value: str | None = None


@dataclass(frozen=True, slots=True)
class _Branch:
    kind: Kind
    value: str | None
    whole: bool
    groups: range


class Grammar:
    r"""The compiled table of one program.

    >>> rows = [Row(r"Modem hangup", Kind.HUNG_UP), Row(r"local  IP address (\S+)", Kind.LOCAL_ADDRESS)]
    >>> table = Grammar(Program.PPPD, rows)
    >>> table.match("local  IP address 10.0.0.1")
    Event(program=<Program.PPPD: 'pppd'>, kind=<Kind.LOCAL_ADDRESS: 'local-address'>, value='10.0.0.1')
    >>> table.match("nothing of mine") is None
    True
    """

    def __init__(self, program: Program, rows: Iterable[Row]) -> None:
        rows = tuple(rows)
        self._program = program
        self._starts, self._heads = _compiled(row for row in rows if not row.pattern.startswith(".*"))
        self._inside, self._inners = _compiled(row for row in rows if row.pattern.startswith(".*"))
        self._match = self._starts.match
        self._search = self._inside.search if self._inners else None
        self._known: dict[str, Event | None] = {}

    def match(self, line: str) -> Event | None:
        """Return the event of the first row that matches; programs repeat themselves, so the last answers are kept."""
        if line in self._known:
            return self._known[line]
        event = self._matched(line)
        if len(line) <= KNOWN_LENGTH:
            if len(self._known) >= KNOWN_LIMIT:
                self._known.clear()
            self._known[line] = event
        return event

    def _matched(self, line: str) -> Event | None:
        found, branches = self._match(line), self._heads
        if found is None:
            if self._search is None or (found := self._search(line)) is None:
                return None
            branches = self._inners
        branch = branches[found.lastindex or 0]
        value = branch.value
        if value is None:
            value = found[0] if branch.whole else ""
            for number in branch.groups:
                if (text := found[number]) is not None:
                    value = text
                    break
        return Event(self._program, branch.kind, value.strip()[:VALUE_LIMIT])


@cache
def grammar(program: Program, rows: tuple[Row, ...]) -> Grammar:
    """Return the compiled table; it holds no state, so all readers of a program share one."""
    return Grammar(program, rows)


def _compiled(rows: Iterable[Row]) -> tuple[re.Pattern[str], dict[int, _Branch]]:
    """Return the alternation of the rows' branches, and each branch by the number of its closing group."""
    parts: list[str] = []
    branches: dict[int, _Branch] = {}
    group = 0
    for row in rows:
        pattern = row.pattern.removeprefix(".*")
        inner = _unwrapped(pattern)
        for alternative in alternatives(inner if inner is not None else pattern):
            inside = sum(1 for index, _ in _depths(alternative) if _captures(alternative, index))
            branches[group + inside + 1] = _Branch(
                row.kind, row.value, inner is not None, range(group + 1, group + 1 + inside)
            )
            parts.append(f"{alternative}()")
            group += inside + 1
    return re.compile("|".join(parts) or r"(?!)"), branches


def _unwrapped(pattern: str) -> str | None:
    """Return what stands in the one group that is the whole pattern, `None` where there is no such group.

    >>> _unwrapped("(Fatal signal)"), _unwrapped("(a)(b)"), _unwrapped("(?:a)")
    ('Fatal signal', None, None)
    """
    if not pattern.startswith("(") or pattern.startswith("(?"):
        return None
    for index, depth in _depths(pattern):
        if depth == 0 and pattern[index] == ")":
            return pattern[1:-1] if index == len(pattern) - 1 else None
    return None


def alternatives(pattern: str) -> list[str]:
    """Return the pattern's outermost alternatives, also those of a group that it begins with.

    >>> alternatives("a|(b|c)"), alternatives("(?:x|y)z")
    (['a', '(b|c)'], ['xz', 'yz'])
    """
    cuts = [index for index, depth in _depths(pattern) if depth == 0 and pattern[index] == "|"]
    if cuts:
        ends = [*cuts, len(pattern)]
        starts = [0, *(cut + 1 for cut in cuts)]
        return [each for start, end in zip(starts, ends, strict=True) for each in alternatives(pattern[start:end])]
    if pattern.startswith("(?:"):
        close = next(index for index, depth in _depths(pattern) if depth == 0 and pattern[index] == ")")
        rest = pattern[close + 1 :]
        if rest[:1] == "?":
            return [*(f"{each}{rest[1:]}" for each in alternatives(pattern[3:close])), *alternatives(rest[1:])]
        if rest[:1] not in {"*", "+", "{"}:
            return [f"{each}{rest}" for each in alternatives(pattern[3:close])]
    return [pattern]


def _captures(pattern: str, index: int) -> bool:
    return pattern[index] == "(" and pattern[index + 1 : index + 2] != "?"


def _depths(pattern: str) -> Iterator[tuple[int, int]]:
    """Yield each character outside classes and escapes with the depth of groups after it."""
    depth, index, inside = 0, 0, False
    while index < len(pattern):
        char = pattern[index]
        if char == "\\":
            index += 2
            continue
        if inside:
            inside = char != "]"
        elif char == "[":
            inside = True
            index += 1 if pattern[index + 1 : index + 2] == "]" else 0
        else:
            depth += {"(": 1, ")": -1}.get(char, 0)
            yield index, depth
        index += 1
