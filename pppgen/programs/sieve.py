"""Which lines can prove anything at all: a question that costs a twentieth of asking every reader.

Most lines of most logs say nothing to anybody here. A reader's own patterns tell what a line must hold for it to speak:
either the line begins as one of them does, or a text that the pattern cannot do without stands somewhere in it. Both
are taken from the patterns themselves, so that a new row is let through without anybody thinking of it. A line that is
let through proves nothing yet; one that is held back would have proved nothing. Which readers to ask is told for all of
them by the same look: asking eleven sieves in turn costs more than most readers.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from typing import cast

from pppgen.programs.grammar import Row, alternatives

# From the commonest to the rarest in prose and in other programs' logs; what is not named here is rarer still.
_COMMON = " etaoinshrdlcu0123456789/.:-m\",gypwbfvkTxMH()=PG'jqz"
_RANKS = {char: rank for rank, char in enumerate(_COMMON)}
_PORT = 100  # so much rarer than its letters is "tty": anybody's line may say "failed", few speak of a port
_LONG = 9  # a beginning of so many letters is looked for by itself, a shorter one with all that follows it
_TOKEN = re.compile(
    r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:P<\w+>|<?[=!]|\w*:))?|[^\\\[(])([?*+]\??|\{[\d,]+\}\??)?", re.DOTALL
)
_OPTIONAL = ("?", "*", "{")
_ASIDE = ("(?=", "(?!", "(?<=", "(?<!", "(?i:")  # what stands there is no text of the line's own, or in any case
_PLAIN = r"(?:\\[^A-Za-z0-9]|[^\\\[(.^$|*+?{])(?![?*{])"
_HEAD = re.compile(rf"(?:{_PLAIN})+")
_EITHER = re.compile(r"\[([A-Za-z]{2})\]")
_Match = Callable[[str], re.Match[str] | None]


class Sieve:
    """What the lines have that a reader may say something of.

    `rows` and `others` are its patterns, `leads` what it takes away in front of a line before.
    """

    def __init__(
        self,
        rows: Iterable[Row],
        *others: re.Pattern[str] | str,
        leads: Iterable[re.Pattern[str] | str] = (),
    ) -> None:
        self.patterns = (*(row.pattern for row in rows), *map(_words, others))
        self.leads = tuple(map(_words, leads))

    @property
    def begins(self) -> dict[str, str]:
        """How a line may begin: by its first letter, a pattern each."""
        found: dict[str, set[str]] = {}
        for begin in (begin for pattern in self.patterns for begin in _parts(pattern)[0]):
            found.setdefault(begin.removeprefix("\\")[0], set()).add(begin)
        return {first: "|".join(sorted(of_it)) for first, of_it in found.items()}

    @property
    def holds(self) -> list[str]:
        """The texts one of which stands in any other line."""
        return _shortest(text for pattern in self.patterns for text in _parts(pattern)[1])


class Sorter:
    """Asks several sieves by one look at a line.

    >>> sorter = Sorter(Sieve([], r"Modem hangup"), Sieve([], r".*(?:timed out)", leads=[r"pppd: "]))
    >>> [sorter.whose(line) for line in ("Modem hangup", "pppd: Modem hangup timed out", "a modem")]
    [1, 3, 0]
    """

    def __init__(self, *sieves: Sieve) -> None:
        self._sieves = {1 << number: sieve for number, sieve in enumerate(sieves)}

    @cached_property
    def whose(self) -> Callable[[str], int]:
        """Return which sieves let a line through, the first one's bit the lowest; compiled for the first line.

        One too many may be named, none too few.
        """
        begun, begun_by = self._beginnings()
        holding, found_at = self._texts()
        leads = (lead for sieve in self._sieves.values() for lead in sieve.leads)
        led = re.compile(
            "|".join(dict.fromkeys(branch for lead in (r"\s+", *leads) for branch in alternatives(lead)))
        ).match

        def whose(text: str) -> int:
            bits, found = 0, holding(text)
            while found is not None:
                for bit, known in found_at[found[0]]:
                    if not bits & bit and known in text:
                        bits |= bit
                found = holding(text, found.start() + 1)
            while True:
                first = text[:1]
                if (begins := begun.get(first)) is not None and begins(text) is not None:
                    for bit, begins in begun_by[first]:
                        if begins(text) is not None:
                            bits |= bit
                if (lead := led(text)) is None:
                    return bits
                text = text[lead.end() :]

        return whose

    def _beginnings(self) -> tuple[dict[str, _Match], dict[str, list[tuple[int, _Match]]]]:
        """By a line's first letter: how it may begin, and the same for each sieve by itself."""
        patterns: dict[str, dict[int, str]] = {}
        for bit, sieve in self._sieves.items():
            for first, pattern in sieve.begins.items():
                patterns.setdefault(first, {})[bit] = pattern
        anybody: dict[str, _Match] = {
            first: re.compile("|".join(of_it.values())).match for first, of_it in patterns.items()
        }
        each: dict[str, list[tuple[int, _Match]]] = {
            first: [(bit, re.compile(pattern).match) for bit, pattern in of_it.items()]
            for first, of_it in patterns.items()
        }
        return anybody, each

    def _texts(self) -> tuple[Callable[..., re.Match[str] | None], dict[str, list[tuple[int, str]]]]:
        """Return what finds any text, and by what it finds, the texts that may stand there and whose they are."""
        wanted = [(bit, text) for bit, sieve in self._sieves.items() for text in sieve.holds]
        holding = any_of(text for _, text in wanted).search
        places = [(cast("re.Match[str]", holding(text))[0], bit, text) for bit, text in wanted]
        found_at = {
            place: [(bit, text) for other, bit, text in places if place.startswith(other) or other.startswith(place)]
            for place, _, _ in places
        }
        return holding, found_at


def _words(pattern: re.Pattern[str] | str) -> str:
    return pattern if isinstance(pattern, str) else pattern.pattern


@cache
def _parts(pattern: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    r"""Return how a line may begin that the pattern matches, and which texts one of which stands in any other.

    >>> _parts(r"Modem hangup"), _parts(r".*\bPS state: *Attached")
    ((('Modem hangup',), ()), ((), ('PS state:',)))
    """
    begins: list[str] = []
    holds: list[str] = []
    for branch in _branches(pattern.removeprefix(".*")):
        head = _HEAD.match(branch)
        if pattern.startswith(".*") or head is None:
            holds += needed(branch)
        else:
            begins.append(head[0] if head.end() >= _LONG else branch)
    return tuple(begins), tuple(holds)


def _branches(pattern: str) -> Iterator[str]:
    """Yield the pattern's alternatives, each without the group or the choice of letters that it begins with."""
    for branch in alternatives(pattern.removeprefix(r"\s*")):
        if branch.startswith("(") and not branch.startswith("(?"):
            yield from _branches(f"(?:{branch[1:]}")
        elif branch.startswith("(?P<"):
            yield from _branches(f"(?:{branch.partition('>')[2]}")
        elif (either := _EITHER.match(branch)) is not None:
            yield from (letter + branch[either.end() :] for letter in either[1])
        else:
            yield branch


def needed(pattern: str) -> tuple[str, ...]:
    r"""Return the texts one of which stands in everything that the pattern matches, the rarest choice of them.

    >>> needed(r"\w+: leased (\S+) for"), needed(r"\d+ (?:no SIM)?\w*(?:waited|stop+ed)\b")
    ((': leased ',), ('waited', 'stop'))

    Raises:
        ValueError: it may match a line without any text of its own.
    """
    if not (found := _group(iter(_TOKEN.findall(pattern)))[0]):
        raise ValueError(pattern)
    return found


def _group(tokens: Iterator[tuple[str, str]]) -> tuple[tuple[str, ...], bool]:
    """Read a group to its end; return its texts, none where it may go without, and whether it may be left out."""
    branches: list[list[tuple[str, ...]]] = [[]]
    run, left_out = "", False
    for atom, times in tokens:
        left_out = times[:1] in _OPTIONAL
        letter = "" if left_out else _letter(atom)
        run += letter
        if (letter and not times) or atom == r"\b":
            continue
        if run:
            branches[-1].append((run,))
        run = letter  # the last of several may be followed by more text
        if atom == "|":
            branches.append([])
        elif atom == ")":
            break
        elif atom.startswith("("):
            inner, without = _group(tokens)
            if inner and not without and not atom.startswith(_ASIDE):
                branches[-1].append(inner)
    if run:
        branches[-1].append((run,))
    chosen = [max(choices, key=lambda texts: min(map(_rarity, texts)), default=()) for choices in branches]
    return tuple(text for texts in chosen for text in texts) if all(chosen) else (), left_out


def _letter(atom: str) -> str:
    """The one character that a token stands for, if it is one."""
    if atom.startswith("\\"):
        return "" if atom[1].isalnum() else atom[1]
    return atom if len(atom) == 1 and atom not in ".^$|()" else ""


def _rank(char: str) -> int:
    return _RANKS.get(char, len(_COMMON))


def _rarity(text: str) -> int:
    return sum(map(_rank, text)) + _PORT * ("tty" in text)


def _shortest(texts: Iterable[str]) -> list[str]:
    """Leave out each text that another one stands in."""
    wanted = set(texts)
    return sorted(text for text in wanted if not any(other != text and other in text for other in wanted))


def any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of the texts: it stops at few letters, rare ones, and looks both ways there.

    >>> any_of(["timed out", "time is out"]).search("it timed out")[0]
    'med out'
    """
    shortest = _shortest(texts)
    stops = set("".join(shortest))
    for letter in sorted(stops, key=lambda letter: (_rank(letter), letter)):
        if all((stops - {letter}) & set(text) for text in shortest):
            stops.remove(letter)
    found: dict[str, list[str]] = {}
    for text in shortest:
        letter = max(stops & set(text), key=lambda letter: (_rank(letter), letter))
        at = text.index(letter) + 1
        # What follows tells most places at the first comparison; what stands before is looked at last.
        found.setdefault(letter, []).append(re.escape(text[at:]) + (f"(?<={re.escape(text)})" if at > 1 else ""))
    return re.compile(
        "|".join(f"{re.escape(letter)}(?:{'|'.join(rests)})" for letter, rests in found.items()) or r"(?!)"
    )
