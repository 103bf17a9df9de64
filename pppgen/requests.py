"""What may be asked of a running supervisor: requests and answers as values and as lines of JSON. Pure.

One object a line, `{"v": 1, "ask": "up", "now": true}`. The answer is `{"v": 1, "ok": true, "said": …, "status": {…}}`
or `{"v": 1, "ok": false, "error": {…}}`; after `events` each entry follows as `{"v": 1, "event": {…}}`. Unknown keys
are refused: a person who writes to the socket by hand learns of a slip instead of wondering.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pppgen.model import BearerKind

VERSION = 1
LINE_MAX = 4096
"""Bytes of one request; the longest honest one, a reason in escaped characters, is under 3 kB."""
REASON_MAX = 200
_CONFIRM_MAX_S = 86400.0


@dataclass(frozen=True, slots=True)
class Status:
    """How does the link stand?"""


@dataclass(frozen=True, slots=True)
class Up:
    """Have a link; `now` sets the governor's pauses aside once.

    `bearer` asks for one of the two. With `confirm_s` a link that this request starts ends by itself, so long after it
    came up, unless `Confirm` was said.
    """

    now: bool = False
    bearer: BearerKind | None = None
    confirm_s: float | None = None


@dataclass(frozen=True, slots=True)
class Confirm:
    """Whoever asked with `confirm_s` still reaches this machine."""


@dataclass(frozen=True, slots=True)
class Down:
    """End the link and keep it down."""


@dataclass(frozen=True, slots=True)
class Failover:
    """Go to another bearer: `to`, or the next in the order. `reason` is for people and for the journal."""

    to: BearerKind | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failback:
    """Go back to the first bearer of the order."""


@dataclass(frozen=True, slots=True)
class Events:
    """Tell each event from now on."""


Request = Status | Up | Confirm | Down | Failover | Failback | Events

_WORDS: dict[str, type[Request]] = {
    "status": Status,
    "up": Up,
    "confirm": Confirm,
    "down": Down,
    "failover": Failover,
    "failback": Failback,
    "events": Events,
}


def word(request: Request) -> str:
    """Return what a request is called.

    >>> word(Failback())
    'failback'
    """
    return next(name for name, kind in _WORDS.items() if type(request) is kind)


def dump(request: Request) -> bytes:
    r"""Return the request as one line.

    >>> dump(Up(now=True))
    b'{"v":1,"ask":"up","now":true}\n'
    """
    values = {name: value for name in request.__slots__ if (value := getattr(request, name))}
    return (json.dumps({"v": VERSION, "ask": word(request), **values}, separators=(",", ":")) + "\n").encode()


def parse(line: bytes) -> Request:
    r"""Return what a line asks for.

    >>> parse(b'{"v":1,"ask":"failover","to":"ppp","reason":"no lease"}\n')
    Failover(to=<BearerKind.PPP: 'ppp'>, reason='no lease')

    Raises:
        ValueError: it is no request; the message is for whoever sent it.
    """
    try:
        found = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    except ValueError as error:
        raise ValueError("not a line of JSON") from error
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 -- every refusal of a line is a ValueError
    if found.pop("v", None) != VERSION:
        raise ValueError(f"only version {VERSION} is spoken here")
    asked = found.pop("ask", None)
    if not isinstance(asked, str) or asked not in _WORDS:
        raise ValueError(f"`ask` is none of {', '.join(_WORDS)}")
    kind = _WORDS[asked]
    unknown = sorted(set(found) - set(kind.__slots__))
    if unknown:
        raise ValueError(f"`{asked}` has no {unknown[0][:40]!r}")
    values: dict[str, Any] = {key: _READERS[key](value) for key, value in found.items()}
    try:
        return kind(**values)
    except TypeError as error:  # a key that must be there
        raise ValueError(f"`{asked}` lacks a value") from error


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("a flag is true or false")  # noqa: TRY004 -- as above
    return value


def _bearer(value: object) -> BearerKind | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in list(BearerKind):
        raise ValueError(f"a bearer is one of {', '.join(BearerKind)}")
    return BearerKind(value)


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= _CONFIRM_MAX_S:
        raise ValueError(f"a time is 1 … {_CONFIRM_MAX_S:.0f} seconds")
    return float(value)


def _words(value: object) -> str:
    if not isinstance(value, str) or len(value) > REASON_MAX or not value.isprintable():
        raise ValueError(f"a text is at most {REASON_MAX} printable characters")
    return value


_READERS: Mapping[str, Callable[[object], object]] = {
    "now": _flag,
    "bearer": _bearer,
    "confirm_s": _seconds,
    "to": _bearer,
    "reason": _words,
}
