"""What shall stand on disk, before any text is made: options and the modem's family in, a list of files out.

Nothing here reads a clock, a file or the modem. A `Dial` that exists has passed every check of `values`.
"""

import re
from dataclasses import dataclass, field

from pppgen import values
from pppgen.config import Auth, PdpType
from pppgen.errors import BadValue
from pppgen.model import Notice
from pppgen.modems.catalog import Dialect, Family

PROVIDER = "provider"  # what plain `pon` calls
GROUP = "dip"  # Debian's group of people who may dial; /etc/ppp/peers and /etc/chatscripts belong to it
METRIC = 700  # behind Wi-Fi's 600
DEBIAN_PPPD = (2, 4, 9)  # Debian 12 and Raspberry Pi OS of 2023
# `defaultroute` beside another default route: up to 2.5.2 pppd refuses, whatever the metric; from 2.5.3 on it always
# adds one, so that without a metric it would win over Wi-Fi's.
FIRST_WITH_METRIC = (2, 5, 0)
# The option went with IPX itself; an unknown option ends pppd with status 2.
FIRST_WITHOUT_IPX = (2, 5, 0)
_VERSION = re.compile(r"\b(\d{1,3}\.\d{1,3}(?:\.\d{1,3})?)")


@dataclass(frozen=True, slots=True)
class Dial:
    """What a person asked for. Refused by `BadValue` as soon as it is made, if any part of it is not fit for a file."""

    apn: str
    provider: str = PROVIDER
    cid: int = 1
    pdp: PdpType = PdpType.IPV4
    auth: Auth = Auth.NONE
    user: str = ""
    password: str = field(default="", repr=False)
    as_guide: bool = False
    speed: int = 115200

    def __post_init__(self) -> None:
        values.apn(self.apn)
        values.provider(self.provider)
        values.cid(self.cid)
        values.speed(self.speed)
        if self.auth is Auth.NONE:
            if self.user or self.password:
                raise BadValue(
                    "--user and a password were given with --auth none", hint="leave out --auth, or the user"
                )
            return
        if not self.user or not self.password:
            missing = "--user" if not self.user else "--password-file"
            raise BadValue(f"--auth {self.auth} needs a user and a password; {missing} is missing")
        values.user(self.user)
        values.password(self.password)
        if self.as_guide:
            raise BadValue(
                "--as-guide has no credentials: the guide's files dial without any",
                hint="leave out --as-guide, or the user and the password",
            )


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file to be: where, from which template, for whom. `secret` files are never shown."""

    path: str
    template: str
    mode: int
    group: str = "root"
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the templates ask for; `attempts` are commands whose ERROR is no reason not to dial."""

    dial: Dial
    device: str
    dial_command: str
    context_command: str
    pppd: tuple[int, ...]
    files: tuple[PlannedFile, ...]
    attempts: tuple[str, ...] = field(default=(), repr=False)
    radio: tuple[str, ...] = ()
    overview: str = ""
    notices: tuple[Notice, ...] = ()

    @property
    def ipparam(self) -> str:
        """Return what the ip-up hooks know our links by."""
        return ipparam(self.dial.provider)

    @property
    def linkname(self) -> str:
        """Return the name under which pppd's pid file is found: `/run/ppp-NAME.pid`."""
        return linkname(self.dial.provider)

    @property
    def ipv4(self) -> bool:
        """Whether the context has IPv4."""
        return self.dial.pdp is not PdpType.IPV6

    @property
    def ipv6(self) -> bool:
        """Whether the context has IPv6."""
        return self.dial.pdp is not PdpType.IPV4

    @property
    def has_metric(self) -> bool:
        """Whether this pppd heeds `defaultroute-metric`."""
        return self.pppd >= FIRST_WITH_METRIC

    @property
    def has_ipx(self) -> bool:
        """Whether this pppd still knows `noipx`."""
        return self.pppd < FIRST_WITHOUT_IPX


def pppd_version(text: str) -> tuple[int, ...] | None:
    """Return the version in what `pppd --version` says, `None` where it does not say.

    >>> pppd_version("pppd version 2.4.9"), pppd_version("pppd version 2.5.2-1+1.1"), pppd_version("")
    ((2, 4, 9), (2, 5, 2), None)
    """
    found = _VERSION.search(text)
    return tuple(int(number) for number in found[1].split(".")) if found else None


def ipparam(provider: str) -> str:
    """Return the ipparam of a link that was brought up by plain `pon`: Debian's 0000usepeerdns then does its work.

    >>> ipparam("provider")
    'pppgen:provider'
    """
    return f"pppgen:{provider}"


def supervised_ipparam(provider: str) -> str:
    """Return the ipparam that the supervisor gives after `call`; Debian's 0000usepeerdns stands aside for this form.

    >>> supervised_ipparam("provider")
    'nm-pppgen-service-provider'
    """
    return f"nm-pppgen-service-{provider}"


def linkname(provider: str) -> str:
    """Return the link's name for pppd's `linkname`.

    >>> linkname("provider")
    'pppgen-provider'
    """
    return f"pppgen-{provider}"


def peers_path(provider: str) -> str:
    """Return the options file that `pppd call NAME` reads.

    >>> peers_path("provider")
    '/etc/ppp/peers/provider'
    """
    return f"/etc/ppp/peers/{provider}"


def chat_path(kind: str, provider: str) -> str:
    """Return where a chat script lies; the default provider's has the name that the guides use.

    >>> chat_path("connect", "provider"), chat_path("disconnect", "backup")
    ('/etc/chatscripts/chat-connect', '/etc/chatscripts/chat-disconnect-backup')
    """
    return f"/etc/chatscripts/chat-{kind}" + ("" if provider == PROVIDER else f"-{provider}")


def secret_path(provider: str) -> str:
    """Return the 0600 options file with the user and the password.

    >>> secret_path("provider")
    '/etc/ppp/pppgen/provider.secret'
    """
    return f"/etc/ppp/pppgen/{provider}.secret"


def make_plan(dial: Dial, family: Family, device: str, *, pppd: tuple[int, ...] = DEBIAN_PPPD) -> Plan:
    """Return what shall be written for `dial` on `device`, a port's stable name; `pppd` is the installed version."""
    values.device(device)
    attempts, notices = _credentials_for_the_modem(dial, family.dialect)
    form = "-as-guide" if dial.as_guide else ""
    name = dial.provider
    # chat runs as the person who called pon, so the group that may dial can read its script, unless it holds a secret.
    connect = (0o600, "root") if attempts else (0o640, GROUP)
    files = [
        PlannedFile(peers_path(name), f"peers{form}", 0o640, GROUP),
        PlannedFile(chat_path("connect", name), f"chat-connect{form}", *connect, secret=bool(attempts)),
        PlannedFile(chat_path("disconnect", name), "chat-disconnect", 0o640, GROUP),
    ]
    if dial.auth is not Auth.NONE:
        files.append(PlannedFile(secret_path(name), "secrets", 0o600, secret=True))
    tail = ",,0,0" if dial.as_guide else ""
    # The guide hands its APN to chat by -T.
    apn = r"\T" if dial.as_guide else dial.apn
    return Plan(
        dial=dial,
        device=device,
        dial_command=family.dialect.dial_string(dial.cid),
        context_command=f'AT+CGDCONT={dial.cid},"{dial.pdp.value}","{apn}"{tail}',
        pppd=pppd,
        files=tuple(files),
        attempts=attempts,
        radio=_guide_commands(family) if dial.as_guide else (),
        overview=family.dialect.overview,
        notices=notices,
    )


def _guide_commands(family: Family) -> tuple[str, ...]:
    """Return the radio settings that the vendor's guide writes at each dial, as commands; few families have a guide."""
    pairs = ((family.radio.setting(key), value) for key, value in family.radio.guide)
    return tuple(setting.write.format(value=value) for setting, value in pairs if setting)


def _credentials_for_the_modem(dial: Dial, dialect: Dialect) -> tuple[tuple[str, ...], tuple[Notice, ...]]:
    """Return the command that tells the modem the credentials too, or a warning why it is not told.

    pppd answers the module's PAP or CHAP in any case; some firmware heeds only what AT told it.
    """
    if dial.auth is Auth.NONE:
        return (), ()
    # V.250 5.4.2.2 writes a quote inside a string as \22, but no modem's manual that we know of heeds it.
    if any(char in text for text in (dial.user, dial.password) for char in '"\\'):
        return (), (
            Notice(
                "credentials-not-by-at",
                "the user or password has a quote or backslash, which AT commands can't carry: only pppd gives them",
            ),
        )
    kinds = (Auth.BOTH, Auth.CHAP) if dial.auth is Auth.BOTH else (dial.auth,)
    commands = (
        dialect.auth_command(dial.cid, kind, dial.user, dial.password, apn=dial.apn, ip=dial.pdp) for kind in kinds
    )
    return tuple(command for command in commands if command)[:1], ()
