r"""A modem as a text file: what it is on USB, and what it answers to which command.

    family: bg96                     header, `key: value`
    origin: recorded                 at least one line below is marked `!`, and `source` says where it was seen
    base: _standard                  what this file does not say, that one does
    [interfaces]
    2 at+dial                        USB interface number, role, for `net` the driver
    [registration]  [settings]  [contexts]
    ! cgreg 4                        a fact; `!` was recorded, `<` is synthetic
    [accepts]
    +CNMI &C -+CGAUTH                commands that this modem knows (`-`: that the base knows and this one does not);
                                     `modem.py` keeps the state of some, the rest are answered OK
    [answers]
    > AT+CSQ when signal=none        a command, and the condition under which this answer holds
    ~ 300                            wait so many milliseconds before what follows
    < +CSQ: 99,99                    a line of the answer; \r, \n and \xNN make the oddities
    = +CME ERROR: 10                 the final result, OK where it is left out

`parse` is pure and strict: an error names the file and the line.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path

from pppgen.errors import BadValue
from pppgen.model import ExpectedRole
from pppgen.sim.lines import normalise

FOLDER = Path(__file__).parent / "transcripts"
HEADERS = frozenset(
    {"family", "title", "origin", "source", "base", "usb", "manufacturer", "product", "serial", "path", "boot_ms"}
)
DOMAINS = ("creg", "cgreg", "cereg")


class Origin(StrEnum):
    """Whether any line of a transcript was seen on a real modem."""

    RECORDED = "recorded"
    SYNTHETIC = "synthetic"


class Condition(StrEnum):
    """The states of modem and network that an answer may depend on."""

    NO_SIGNAL = "signal=none"
    NOT_REGISTERED = "registered=no"
    SIM_ABSENT = "sim=absent"
    SIM_LOCKED = "sim=locked"
    RADIO_OFF = "radio=off"


@dataclass(frozen=True, slots=True)
class Interface:
    """One USB interface; `driver` is only given for a network function."""

    number: int
    role: ExpectedRole
    driver: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows a command: lines, pauses before them, and the final result."""

    command: str
    condition: Condition | None
    lines: tuple[tuple[int, str], ...]  # (milliseconds to wait, text)
    final: str
    final_wait_ms: int
    recorded: int


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that the modem keeps in its flash: `AT<command>?`, or `AT<command>="<key>"` where it has a key.

    `@0` as a key: written as `AT<command>=0,...` and read with all others in one line. `listed`: what is written
    replaces all values, however many there are (in the file, the values end in ` ...`).
    """

    command: str
    key: str
    values: tuple[str, ...]
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Transcript:
    """One simulated modem family; `recorded_lines` and `synthetic_lines` count what stands in its own file."""

    family: str
    title: str
    origin: Origin
    source: str
    vid: str
    pid: str
    manufacturer: str
    product: str
    serial: str
    path: str
    boot_ms: int
    interfaces: tuple[Interface, ...]
    registration: dict[str, tuple[int, str]]
    settings: tuple[Setting, ...]
    contexts: tuple[str, ...]
    accepts: frozenset[str]
    answers: dict[str, tuple[Answer, ...]] = field(repr=False)
    recorded_lines: int = 0
    synthetic_lines: int = 0

    def answer(self, command: str, holding: frozenset[Condition]) -> Answer | None:
        """Return the answer to a normalised command: one whose condition holds goes before one without."""
        found = self.answers.get(command, ())
        conditional = [answer for answer in found if answer.condition in holding]
        plain = [answer for answer in found if answer.condition is None]
        return next(iter(conditional + plain), None)

    @property
    def tty_interfaces(self) -> tuple[Interface, ...]:
        """The interfaces that become ttys, in the order of their numbers."""
        return tuple(each for each in self.interfaces if each.role is not ExpectedRole.NET)


def families() -> tuple[str, ...]:
    """Return the names of the families that have a transcript; a leading underscore is a base, not a modem."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.at") if not path.stem.startswith("_")))


@cache
def load(family: str) -> Transcript:
    """Return the shipped transcript of `family`.

    Raises:
        BadValue: there is none of that name.
    """
    if not (FOLDER / f"{Path(family).name}.at").is_file() or Path(family).name != family:
        raise BadValue(f"no simulated modem is called {family!r}", hint=f"one of: {', '.join(families())}")
    path = FOLDER / f"{family}.at"
    return parse(path.read_text(encoding="utf-8"), path.name, load)


def parse(text: str, name: str, base: Callable[[str], Transcript]) -> Transcript:
    """Return the transcript in `text`; `name` stands in error messages, `base` finds the file it builds on.

    Raises:
        BadValue: naming file and line.
    """
    return _Parser(name, base).run(text)


class _Parser:
    """One pass over the lines; the state is the section and the answer that is being read."""

    def __init__(self, name: str, base: Callable[[str], Transcript]) -> None:
        self.name, self.base, self.number = name, base, 0
        self.headers: dict[str, str] = {}
        self.interfaces: dict[int, Interface] = {}
        self.registration: dict[str, tuple[int, str]] = {}
        self.settings: dict[tuple[str, str], Setting] = {}
        self.contexts: list[str] = []
        self.accepts: set[str] = set()
        self.answers: dict[str, list[Answer]] = {}
        self.marks = {"!": 0, "<": 0}
        self.open: _OpenAnswer | None = None

    def bad(self, what: str) -> BadValue:
        return BadValue(f"{self.name}:{self.number}: {what}")

    def run(self, text: str) -> Transcript:
        section = self.header
        sections = {
            "[interfaces]": self.interface,
            "[registration]": self.domain,
            "[settings]": self.setting,
            "[contexts]": self.context,
            "[accepts]": self.accept,
            "[answers]": self.answer,
        }
        for self.number, raw in enumerate(text.split("\n"), start=1):
            line = raw.rstrip()
            if not line or line.startswith("# ") or line == "#":
                continue
            if line.startswith("["):
                self.close()
                if line not in sections:
                    raise self.bad(f"unknown section {line}")
                section = sections[line]
            else:
                section(line)
        self.close()
        return self.result()

    def header(self, line: str) -> None:
        key, colon, value = line.partition(":")
        if not colon or key not in HEADERS:
            raise self.bad(f"expected one of the headers {', '.join(sorted(HEADERS))}, found {line!r}")
        if key in self.headers:
            raise self.bad(f"{key} was given before")
        self.headers[key] = value.strip()

    def interface(self, line: str) -> None:
        number, role, driver = [*line.split(), "", ""][:3]
        if not number.isdigit() or role not in set(ExpectedRole) or (role == ExpectedRole.NET) != bool(driver):
            raise self.bad(f"expected NUMBER ROLE, or NUMBER net DRIVER, found {line!r}")
        if int(number) in self.interfaces:
            raise self.bad(f"interface {number} was given before")
        self.interfaces[int(number)] = Interface(int(number), ExpectedRole(role), driver)

    def marked(self, line: str) -> str:
        mark, _, rest = line.partition(" ")
        if mark not in self.marks:
            raise self.bad(f"expected a line marked ! (recorded) or < (synthetic), found {line!r}")
        self.marks[mark] += 1
        return rest

    def domain(self, line: str) -> None:
        found = re.fullmatch(r"(creg|cgreg|cereg) (\d{1,2})(?: (.+))?", self.marked(line))
        if not found:
            raise self.bad(f"expected creg, cgreg or cereg and its number, found {line!r}")
        self.registration[found[1]] = (int(found[2]), found[3] or "")

    def setting(self, line: str) -> None:
        found = re.fullmatch(r'([+^$#*%!]\w+) (?:("[^"]+"|@\d) )?(\S+?|".*?")( \.\.\.)?', self.marked(line))
        if not found:
            raise self.bad(f"expected a command, a key between quotes or none, and its values, found {line!r}")
        command, key, values = found[1], found[2] or "", found[3]
        self.settings[command, key] = Setting(command, key, tuple(values.split(",")), bool(found[4]))

    def context(self, line: str) -> None:
        value = self.marked(line)
        if not re.fullmatch(r'\d{1,2},"[A-Z0-9]+","[^"]*"', value):
            raise self.bad(f'expected CID,"TYPE","APN", found {value!r}')
        self.contexts.append(value)

    def accept(self, line: str) -> None:
        self.accepts.update(line.upper().split())

    def answer(self, line: str) -> None:
        mark, _, rest = line.partition(" ")
        if mark == ">":
            self.close()
            command, when, condition = rest.partition(" when ")
            if when and condition not in set(Condition):
                raise self.bad(f"unknown condition {condition!r}; one of {', '.join(Condition)}")
            self.open = _OpenAnswer(normalise(command), Condition(condition) if when else None)
        elif self.open is None:
            raise self.bad(f"expected a command, `> AT...`, found {line!r}")
        elif self.open.final is not None:
            raise self.bad("nothing may follow the final result")
        elif mark == "~":
            if not rest.isdigit():
                raise self.bad(f"expected milliseconds, found {rest!r}")
            self.open.wait_ms += int(rest)
        elif mark == "=":
            self.open.final = self.escaped(rest)
        else:
            text = self.escaped(self.marked(line))
            self.open.lines.append((self.open.wait_ms, text))
            self.open.recorded += mark == "!"
            self.open.wait_ms = 0

    def escaped(self, text: str) -> str:
        try:
            return re.sub(r"\\(r|n|\\|x[0-9a-fA-F]{2}|.?)", _unescape, text)
        except KeyError as error:
            raise self.bad(f"unknown escape \\{error.args[0]}") from None

    def close(self) -> None:
        if self.open is None:
            return
        answer = self.open.frozen()
        others = self.answers.setdefault(answer.command, [])
        if any(other.condition is answer.condition for other in others):
            raise self.bad(f"{answer.command} was answered before")
        others.append(answer)
        self.open = None

    def result(self) -> Transcript:
        for key in ("family", "title", "origin", "source", "usb", "manufacturer", "product"):
            if key not in self.headers:
                raise self.bad(f"the header {key} is missing")
        origin, usb = self.headers["origin"], re.fullmatch(r"([0-9a-f]{4}):([0-9a-f]{4})", self.headers["usb"])
        if usb is None:
            raise self.bad("usb must be vid:pid, four lower-case hex digits each")
        if origin not in set(Origin):
            raise self.bad(f"origin must be one of {', '.join(Origin)}")
        if (origin == Origin.RECORDED) != bool(self.marks["!"]):
            raise self.bad("origin must be recorded where a line is marked !, and only there")
        base = self.base(self.headers["base"]) if self.headers.get("base") else None
        return Transcript(
            family=self.headers["family"],
            title=self.headers["title"],
            origin=Origin(origin),
            source=self.headers["source"],
            vid=usb[1],
            pid=usb[2],
            manufacturer=self.headers["manufacturer"],
            product=self.headers["product"],
            serial=self.headers.get("serial", ""),
            path=self.headers.get("path") or "1-1.4",
            boot_ms=int(self.headers.get("boot_ms") or 2000),
            interfaces=tuple(self.interfaces[number] for number in sorted(self.interfaces))
            or (base.interfaces if base else ()),
            registration=(base.registration if base else {}) | self.registration,
            settings=self.merged_settings(base),
            contexts=tuple(self.contexts) or (base.contexts if base else ()),
            accepts=self.merged_accepts(base),
            answers=self.merged_answers(base),
            recorded_lines=self.marks["!"],
            synthetic_lines=self.marks["<"],
        )

    def merged_accepts(self, base: Transcript | None) -> frozenset[str]:
        dropped = {each[1:] for each in self.accepts if each.startswith("-")}
        return (
            frozenset((base.accepts if base else frozenset()) | self.accepts)
            - dropped
            - {f"-{each}" for each in dropped}
        )

    def merged_settings(self, base: Transcript | None) -> tuple[Setting, ...]:
        inherited = {(each.command, each.key): each for each in base.settings} if base else {}
        return tuple((inherited | self.settings).values())

    def merged_answers(self, base: Transcript | None) -> dict[str, tuple[Answer, ...]]:
        inherited = base.answers if base else {}
        commands = dict.fromkeys((*self.answers, *inherited))
        return {each: (*self.answers.get(each, ()), *inherited.get(each, ())) for each in commands}


@dataclass(slots=True)
class _OpenAnswer:
    command: str
    condition: Condition | None
    lines: list[tuple[int, str]] = field(default_factory=list)
    final: str | None = None
    wait_ms: int = 0
    recorded: int = 0

    def frozen(self) -> Answer:
        final = "OK" if self.final is None else self.final
        return Answer(self.command, self.condition, tuple(self.lines), final, self.wait_ms, self.recorded)


def _unescape(found: re.Match[str]) -> str:
    code = found[1]
    if code.startswith("x"):
        return chr(int(code[1:], 16))
    return {"r": "\r", "n": "\n", "\\": "\\"}[code]
