"""The options that say how to dial, shared by `render` and `setup`; a password comes by a file or a question."""

import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from pppgen.commands.present import say
from pppgen.config import Auth, PdpType
from pppgen.errors import BadValue, NoPermission
from pppgen.plan import PROVIDER, Dial
from pppgen.values import CREDENTIAL_MAX

_F = TypeVar("_F", bound=Callable[..., Any])
# More than the longest password, so that one that is too long is refused and not cut.
_FILE_MAX = 4 * CREDENTIAL_MAX
_PDP = {"ipv4": PdpType.IPV4, "ipv6": PdpType.IPV6, "ipv4v6": PdpType.IPV4V6}


@dataclass(frozen=True, slots=True)
class DialRequest:
    """What the command line says about the dial; `apn` is `None` where it is left to be proposed."""

    apn: str | None
    provider: str
    cid: int
    pdp: PdpType
    auth: Auth | None
    user: str
    password: str = field(repr=False)
    as_guide: bool
    speed: int

    def dial(self, apn: str | None = None) -> Dial:
        """Return the checked dial, with `apn` where the command line names none.

        Raises:
            BadValue: any of it is not fit for the files, or there is no APN.
        """
        name = self.apn if self.apn is not None else apn
        if name is None:
            raise BadValue("no access point name", hint="give it: --apn NAME (your SIM's vendor tells it)")
        return Dial(
            apn=name,
            provider=self.provider,
            cid=self.cid,
            pdp=self.pdp,
            auth=self.auth if self.auth is not None else Auth.BOTH if self.user or self.password else Auth.NONE,
            user=self.user,
            password=self.password,
            as_guide=self.as_guide,
            speed=self.speed,
        )


_OPTIONS = (
    click.option("--apn", metavar="NAME", help="The access point name, such as iot.1nce.net."),
    click.option("--provider", default=PROVIDER, show_default=True, metavar="NAME", help="Names the peers file."),
    click.option("--cid", type=int, default=1, show_default=True, metavar="N", help="The PDP context to dial."),
    click.option(
        "--pdp", type=click.Choice(list(_PDP)), default="ipv4", show_default=True, help="The addresses wanted."
    ),
    click.option(
        "--auth", type=click.Choice([auth.value for auth in Auth]), help="Default: both with --user, else none."
    ),
    click.option("--user", default="", metavar="NAME", help="The user name, where the network wants one."),
    click.option(
        "--password-file",
        type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
        metavar="FILE",
        help="Read the password from FILE, - for standard input; without it you are asked.",
    ),
    click.option("--password", metavar="TEXT", help="The password itself; others can see it in `ps`: prefer a file."),
    click.option(
        "--as-guide", is_flag=True, help="Write the files as the vendor's guide has them, radio settings too."
    ),
    click.option("--speed", type=int, default=115200, show_default=True, metavar="BAUD", help="Counts on a UART only."),
)


def dial_options(command: _F) -> _F:
    """Add the options of a dial; the command gets them as one `request: DialRequest`."""

    @wraps(command)
    def gathered(
        *args: Any,  # noqa: ANN401 -- passed through
        apn: str | None,
        provider: str,
        cid: int,
        pdp: str,
        auth: str | None,
        user: str,
        password_file: Path | None,
        password: str | None,
        as_guide: bool,
        speed: int,
        **others: Any,  # noqa: ANN401 -- passed through
    ) -> Any:  # noqa: ANN401 -- passed through
        wanted = Auth(auth) if auth else None
        if (not password and user and wanted is not Auth.NONE) or password_file:
            password = _password(password, password_file, may_ask=not others.get("as_json", False))
        elif password:
            say("warning: a password on the command line is seen by everybody in `ps`; --password-file hides it")
        request = DialRequest(apn, provider, cid, _PDP[pdp], wanted, user, password or "", as_guide, speed)
        return command(*args, request=request, **others)

    decorated: Any = gathered
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return] # the same command with options, as click's own decorators return it


def _password(given: str | None, file: Path | None, *, may_ask: bool) -> str:
    if given and file:
        raise click.UsageError("--password and --password-file exclude each other")
    if file is None:
        if not (may_ask and sys.stdin.isatty()):
            return ""  # the check of the dial then names the option that is missing
        answer = click.prompt("Password", hide_input=True, err=True)
        return str(answer)
    text = sys.stdin.buffer.read(_FILE_MAX) if str(file) == "-" else _read(file)
    try:
        return text.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise BadValue("--password-file: the password is not UTF-8 text") from error


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            if stat.S_IMODE(file.stat().st_mode) & 0o077:
                say(f"warning: others may read {file}; chmod 600 {file} hides it")
            return opened.read(_FILE_MAX)
    except OSError as error:
        raise NoPermission(f"--password-file {file}: {error.strerror}", hint=f"ls -l {file}") from error
