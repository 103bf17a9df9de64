"""Strict reading of one TOML table: every key is asked for by kind, and what nobody asked for is a fault."""

from enum import StrEnum
from string import Formatter
from typing import TypeVar

from pppgen.errors import BadValue

_E = TypeVar("_E", bound=StrEnum)


class Table:
    """One TOML table; every key must be asked for, or `close` refuses it."""

    def __init__(self, where: str, content: object) -> None:
        if not isinstance(content, dict):
            raise BadValue(f"{where}: a table is wanted")
        self._where = where
        self._left: dict[str, object] = dict(content)

    def fault(self, key: str, wanted: str) -> BadValue:
        """Return the error that names file, table and key."""
        return BadValue(f"{self._where}: {key}: {wanted}")

    def take(self, key: str) -> object:
        """Return the value of a key that must be there."""
        if key not in self._left:
            raise self.fault(key, "is missing")
        return self._left.pop(key)

    def has(self, key: str) -> bool:
        """Tell whether the key is there and was not asked for yet."""
        return key in self._left

    def text(self, key: str, default: str | None = None) -> str:
        """Return a printable text; without a default it must be there."""
        if default is not None and not self.has(key):
            return default
        value = self.take(key)
        if not isinstance(value, str) or not value.isprintable():
            raise self.fault(key, "a printable text is wanted")
        return value

    def flag(self, key: str) -> bool:
        """Return a true or false, false where it is left out."""
        value = self.take(key) if self.has(key) else False
        if not isinstance(value, bool):
            raise self.fault(key, "true or false is wanted")
        return value

    def number(self, key: str, highest: int) -> int | None:
        """Return a number from 0 to `highest`, `None` where it is left out."""
        if not self.has(key):
            return None
        value = self.take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= highest:
            raise self.fault(key, f"a number up to {highest} is wanted")
        return value

    def word(self, key: str, kind: type[_E], default: _E | None = None) -> _E:
        """Return a member of a closed set of words."""
        text = self.text(key, default)
        try:
            return kind(text)
        except ValueError:
            raise self.fault(key, f"{text!r} is none of {', '.join(kind)}") from None

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of printable texts."""
        values = self.take(key) if self.has(key) else list(default)
        if not isinstance(values, list) or not all(isinstance(value, str) and value.isprintable() for value in values):
            raise self.fault(key, "a list of printable texts is wanted")
        return tuple(values)

    def numbers(self, key: str, highest: int) -> tuple[int, ...]:
        """Return a list of numbers from 0 to `highest`."""
        values = self.take(key) if self.has(key) else []
        if not isinstance(values, list) or not all(type(value) is int and 0 <= value <= highest for value in values):
            raise self.fault(key, f"a list of numbers up to {highest} is wanted")
        return tuple(values)

    def table(self, key: str) -> "Table":
        """Return a table inside this one, an empty one where it is left out."""
        return Table(f"{self._where}: {key}", self.take(key) if self.has(key) else {})

    def tables(self, key: str) -> list["Table"]:
        """Return a list of tables."""
        values = self.take(key) if self.has(key) else []
        if not isinstance(values, list):
            raise self.fault(key, "a list of tables is wanted")
        return [Table(f"{self._where}: {key}[{number}]", value) for number, value in enumerate(values)]

    def left(self) -> list[str]:
        """Return the keys that were not asked for yet."""
        return list(self._left)

    def close(self) -> None:
        """Refuse what nobody asked for."""
        if self._left:
            raise self.fault(", ".join(self._left), "is no key that pppgen knows")


def template(table: Table, key: str, default: str, fields: set[str], *, may: frozenset[str] = frozenset()) -> str:
    """Return a command with places to fill: all of `fields` must stand in it, those in `may` can; empty is none."""
    text = table.text(key, default)
    try:
        used = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        raise table.fault(key, "its braces do not pair") from None
    if text and (used - may != fields):
        raise table.fault(key, f"must hold {', '.join(sorted('{' + name + '}' for name in fields))}")
    return text
