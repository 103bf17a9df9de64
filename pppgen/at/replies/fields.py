"""The ground of all answer parsers: cleaned, bounded text, and fields that may be quoted."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

TEXT_MAX = 200
"""The longest text kept from an answer: no name, address or cause is longer, and it ends up in tables and logs."""
_FIELD_MAX = 128
_FIELDS_MAX = 64
_FIELD = re.compile(r'\s*("[^"]*"?[^,]*|[^,]*)(?:,|$)')


@dataclass(frozen=True, slots=True)
class Unread:
    """An answer that no variant explains; `raw` is what the modem said, cleaned and bounded, for the user to see."""

    raw: str


def clean(text: str, limit: int = TEXT_MAX) -> str:
    r"""Return `text` without control characters, without blanks around it, and not longer than `limit`.

    >>> clean(" a\x00\x1b[2Jb ")
    'a[2Jb'
    """
    return "".join(char for char in text[: limit * 2] if char.isprintable()).strip()[:limit]


def unread(lines: Sequence[str]) -> Unread:
    """Return the lines as something that could not be read.

    >>> unread(["+CSQ: fog", "x"])
    Unread(raw='+CSQ: fog | x')
    """
    return Unread(clean(" | ".join(line[:TEXT_MAX] for line in lines[:8])))


def after(lines: Sequence[str], *prefixes: str) -> Iterator[str]:
    """Yield what follows `+PREFIX:` in each line that begins with one of the prefixes, whatever its case.

    >>> list(after(["+CSQ: 22,99", "noise", "+csq:1,2"], "+CSQ"))
    ['22,99', '1,2']
    """
    for line in lines:
        head, colon, rest = line[: TEXT_MAX * 4].partition(":")
        if colon and head.strip().upper() in prefixes:
            yield rest.strip()


def fields(text: str) -> tuple[str, ...]:
    """Return the comma-separated fields as they stand, quotes included; a comma inside quotes does not separate.

    >>> fields('0,0,"AT&T, Twilio",8')
    ('0', '0', '"AT&T, Twilio"', '8')
    >>> fields("1,,3")
    ('1', '', '3')
    >>> fields("")
    ()
    """
    found: list[str] = []
    position, end = 0, min(len(text), TEXT_MAX * 4)
    while position < end and len(found) < _FIELDS_MAX:
        match = _FIELD.match(text, position, end)
        if match is None:
            break
        found.append(clean(match.group(1), _FIELD_MAX))
        position = match.end()
    if found and text[:end].endswith(",") and len(found) < _FIELDS_MAX:
        found.append("")
    return tuple(found)


def bare(field: str) -> str:
    """Return a field without its quotes.

    >>> bare('"super"'), bare("super")
    ('super', 'super')
    """
    return field.strip().strip('"').strip()


def at(found: Sequence[str], index: int) -> str:
    """Return the field at `index` without quotes, empty where the answer is shorter.

    >>> at(("1", '"a"'), 1), at((), 3)
    ('a', '')
    """
    return bare(found[index]) if index < len(found) else ""


def number(text: str) -> int | None:
    """Return a decimal number, `None` where the text is none; a Chinese digit is none.

    >>> number("-85"), number("3.7"), number("²"), number("")
    (-85, None, None, None)
    """
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None
