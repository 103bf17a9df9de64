r"""A plan becomes the bytes of files: templates, and the quoting of the two programs that read them.

The quoting is checked against the real programs' own reading in tests/test_render.py. chat(8) and pppd(8) each have
their own rules, so each value meets the filter of the program that will read it; text from outside is never a template.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pppgen.errors import BadValue
from pppgen.plan import METRIC, Plan, PlannedFile, chat_path, secret_path
from pppgen.programs.chat import ABORTS
from pppgen.shipped import shipped
from pppgen.udev import MODEM_MANAGER_RULE, NAMES_RULE, modem_manager_rule

if TYPE_CHECKING:
    from jinja2 import Environment

# chat reads its script by fgets into 1024 bytes, and takes the rest of a longer line for a new one.
CHAT_LINE_MAX = 1022
_RULES = "/etc/udev/rules.d"


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A file as it shall stand on disk. `path` is absolute, without any `--root` before it."""

    path: str
    content: bytes
    mode: int = 0o644
    group: str = "root"
    secret: bool = False

    def __repr__(self) -> str:
        """Leave out the content, which may hold a password."""
        return f"RenderedFile({self.path!r}, {len(self.content)} bytes, {self.mode:#o})"


def render(plan: Plan) -> tuple[RenderedFile, ...]:
    """Return every file of the plan."""
    return tuple(
        RenderedFile(file.path, _text(plan, file).encode("ascii"), file.mode, file.group, file.secret)
        for file in plan.files
    )


def udev_files(usb_path: str | None, *, keep_modem_manager_off: bool = False) -> tuple[RenderedFile, ...]:
    """Return the udev rules of a plan: our port names, and on request ModemManager's absence; none for a UART.

    >>> [file.path for file in udev_files("1-1.4", keep_modem_manager_off=True)]
    ['/etc/udev/rules.d/70-pppgen.rules', '/etc/udev/rules.d/85-pppgen-modemmanager.rules']
    """
    if usb_path is None:
        return ()
    names = RenderedFile(f"{_RULES}/{NAMES_RULE}", (shipped("etc") / "udev" / NAMES_RULE).read_bytes())
    if not keep_modem_manager_off:
        return (names,)
    return names, RenderedFile(f"{_RULES}/{MODEM_MANAGER_RULE}", modem_manager_rule(usb_path).encode())


def chat_word(text: str, prefix: str = "") -> str:
    r"""Return `text` as one word of a chat script that sends exactly these characters and a carriage return.

    `prefix` is taken as it stands, for chat's own escapes such as `\q`.

    >>> print(chat_word('AT+CGDCONT=1,"IP","super"'))
    'AT+CGDCONT=1,"IP","super"'
    >>> print(chat_word(r"it's \T ^M"))
    'it\'s \\T \^M'
    """
    return "'" + prefix + "".join(f"\\{char}" if char in "'\\^" else char for char in _printable(text)) + "'"


def pppd_word(text: str) -> str:
    r"""Return `text` as one word of a pppd options file.

    >>> print(pppd_word('a "b" #c \\T'))
    "a \"b\" #c \\T"
    """
    return '"' + "".join(f"\\{char}" if char in '"\\' else char for char in _printable(text)) + '"'


def cut_before_dial(script: bytes) -> bytes:
    r"""Return a chat script that ends where it would send its first ATD, after the answer before it has come.

    >>> cut_before_dial(b"'' AT\nOK 'ATD*99#'\nCONNECT\n")
    b"'' AT\nOK '\\c'\n"
    """
    kept: list[bytes] = []
    for line in script.splitlines(keepends=True):
        expect, _, send = line.strip().partition(b" ")
        if not line.startswith(b"#") and send.lstrip(b" '").startswith(b"ATD"):
            return b"".join([*kept, expect, b" '\\c'\n"])
        kept.append(line)
    return script


def _printable(text: str) -> str:
    """Return `text`; `values` has refused what is not printable ASCII, and this holds it a second time."""
    if not (text.isascii() and text.isprintable()):
        raise BadValue("a value with control characters or non-ASCII text can't be written into a file of pppd's")
    return text


def _with_argument(text: str) -> str:
    r"""Return a chat word in which `\T` stays chat's own escape for the argument of -T."""
    before, _, after = text.partition(r"\T")
    return chat_word(before)[:-1] + r"\T" + chat_word(after)[1:]


def _text(plan: Plan, file: PlannedFile) -> str:
    name = plan.dial.provider
    text = (
        _environment()
        .get_template(file.template)
        .render(
            dial=plan.dial,
            device=plan.device,
            attempts=plan.attempts,
            radio=plan.radio,
            aborts=ABORTS,
            overview=plan.overview,
            context_command=plan.context_command,
            dial_command=plan.dial_command,
            linkname=plan.linkname,
            ipparam=plan.ipparam,
            ipv4=plan.ipv4,
            ipv6=plan.ipv6,
            has_metric=plan.has_metric,
            has_ipx=plan.has_ipx,
            metric=METRIC,
            chat_connect=chat_path("connect", name),
            chat_disconnect=chat_path("disconnect", name),
            secret=secret_path(name),
        )
    )
    if file.template.startswith("chat-") and max(map(len, text.splitlines())) > CHAT_LINE_MAX:
        raise BadValue(
            "a line of the chat script would be longer than chat can read", hint="a shorter user or password"
        )
    return text


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 -- only loaded to render

    environment = Environment(  # noqa: S701 -- no HTML here: each reader has its own filter
        loader=FileSystemLoader(shipped("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["chat"] = chat_word
    environment.filters["chat_with_argument"] = _with_argument
    environment.filters["pppd"] = pppd_word
    return environment
