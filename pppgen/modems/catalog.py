"""What is known of each modem family: one text file a family, read into frozen values.

A new modem is a new `*.toml` beside this file, never an `if`. The catalog gives an order and a vocabulary; what a port
really is, the probe decides. Only the files that mention what was asked for are parsed, because TOML is slow.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path

from pppgen.model import ExpectedRole

FOLDER = Path(__file__).parent
GENERIC = "generic"


class Ability(StrEnum):
    """Whether a family can do something; `UNKNOWN` is an answer, and is said to the user as one."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class BandNumber(StrEnum):
    """How a family writes a set of bands."""

    HEX = "hex"  # a mask, no 0x when written: AT+QCFG="band",F,400A0E189F,A0E189F
    HEX_0X = "0x"  # a mask with 0x: AT+CNBP=0x0000000000000180,0x00000000080800C5
    DECIMAL = "decimal"  # a mask in decimal: AT+UBANDMASK=0,524288
    COMMAS = "commas"  # the numbers themselves: AT+CBANDCFG="CAT-M",1,19
    COLONS = "colons"  # the numbers themselves: AT+QNWPREFCFG="lte_band",1:3:7


class Rat(StrEnum):
    """The radio access technologies in a person's words: the values of `--rat` and `--scan-order`."""

    LTE_M = "lte-m"
    NB_IOT = "nb-iot"
    GSM = "gsm"
    WCDMA = "wcdma"
    LTE = "lte"
    NR5G = "nr5g"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Layout:
    """One USB identity of a family and what its interfaces are for, in the order of their numbers."""

    vid: str
    pid: str
    roles: tuple[tuple[int, ExpectedRole], ...]
    net: int | None = None
    note: str = ""
    default: bool = False

    def role_of(self, interface: int) -> ExpectedRole:
        """Return what the interface is for; the catalog may not know."""
        return dict(self.roles).get(interface, ExpectedRole.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The commands in which a family differs; each default is 3GPP TS 27.007's own form.

    An empty command means that the family has none. `auth` holds `{cid}`, `{type}`, `{user}` and `{password}` in the
    family's own order (a SIMCom wants the password first), and `{apn}` and `{ip}` where the one command sets them too.
    """

    auth: str = 'AT+CGAUTH={cid},{type},"{user}","{password}"'
    auth_types: tuple[tuple[str, int], ...] = (("none", 0), ("pap", 1), ("chap", 2))
    dial: str = "ATD*99#"
    dial_cid: str = "ATD*99***{cid}#"
    reset: str = "AT+CFUN=1,1"
    radio_off: str = "AT+CFUN=4"
    radio_on: str = "AT+CFUN=1"
    revision: str = "AT+CGMR"
    overview: str = "ATI;+CSQ;+COPS?;+CGREG?;&D2"  # one line for a chat script's log: modem, signal, operator
    signal: tuple[str, ...] = ("AT+CSQ",)
    serving: str = ""
    iccid: str = "AT+CCID"
    pin_tries: str = "AT+CPINR"
    backoff: str = ""
    registrations: tuple[str, ...] = ("cereg", "cgreg", "creg")

    def dial_string(self, cid: int) -> str:
        """Return the dial command for a PDP context.

        >>> Dialect().dial_string(1), Dialect().dial_string(3)
        ('ATD*99#', 'ATD*99***3#')
        """
        return self.dial if cid == 1 else self.dial_cid.format(cid=cid)

    def auth_command(self, cid: int, kind: str, user: str, password: str, *, apn: str = "", ip: str = "IP") -> str:
        """Return the command that gives a context its credentials, `""` where the family has none for `kind`.

        The values must have been checked for quotes and control characters before; `ip` is `AT+CGDCONT`'s type.

        >>> Dialect().auth_command(1, "chap", "u", "p")
        'AT+CGAUTH=1,2,"u","p"'
        """
        number = dict(self.auth_types).get(kind)
        if not self.auth or number is None:
            return ""
        ip_type = {"IP": 1, "IPV6": 2, "IPV4V6": 3}.get(ip.upper(), 1)  # AT+QICSGP's numbers
        return self.auth.format(cid=cid, type=number, user=user, password=password, apn=apn, ip=ip_type)


@dataclass(frozen=True, slots=True)
class BandTable:
    """The bands that a family's modules have between them, and the settings they are written to.

    A single module may have fewer: it answers ERROR, and that is reported. `legacy` gives a mask to each GSM and WCDMA
    band. `write` pairs a setting's key with its fields, `{legacy}`, `{lte_m}`, `{nb_iot}`, `{lte}` or `{nr5g}`, and
    `{keep}` for a field that stays as it is; empty means that pppgen cannot set this family's bands.
    """

    number: BandNumber = BandNumber.HEX
    legacy: tuple[tuple[str, int], ...] = ()
    lte_m: tuple[int, ...] = ()
    nb_iot: tuple[int, ...] = ()
    lte: tuple[int, ...] = ()
    nr5g: tuple[int, ...] = ()
    write: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One radio setting that lives in the modem: how it is read, recognised and written.

    `answer` is a regular expression whose one group is the value; `write` holds `{value}`. `keep` is what to write to
    each field that shall stay, where the family has such words; else the field's old value is written. `reboot` tells
    that the value counts only after a restart of the modem.
    """

    key: str
    read: str
    write: str
    answer: re.Pattern[str]
    keep: tuple[str, ...] = ()
    reboot: bool = False


@dataclass(frozen=True, slots=True)
class Radio:
    """A person's words translated into a family's settings, as pairs of a setting's key and its value.

    `scan_codes` are joined to the value of the setting `scan_key`, the first technology first.
    """

    settings: tuple[Setting, ...] = ()
    rats: tuple[tuple[Rat, tuple[tuple[str, str], ...]], ...] = ()
    scan_key: str = ""
    scan_codes: tuple[tuple[Rat, str], ...] = ()
    scan_separator: str = ""
    guide: tuple[tuple[str, str], ...] = ()

    def setting(self, key: str) -> Setting | None:
        """Return the setting of that key."""
        return next((setting for setting in self.settings if setting.key == key), None)


@dataclass(frozen=True, slots=True)
class Quirk:
    """Something this family does that would surprise; `check` asks, `seen` is how the answer begins, `undo` heals."""

    name: str
    text: str
    source: str
    check: str = ""
    seen: str = ""
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Everything pppgen knows of one modem family.

    `models` are regular expressions over what the modem calls itself. `attach_cids` are the contexts that LTE attaches
    with: writing another APN there can cost the registration.
    """

    name: str
    title: str
    vendor: str
    source: str
    ppp: Ability
    qmi: Ability
    models: tuple[re.Pattern[str], ...] = ()
    layouts: tuple[Layout, ...] = ()
    attach_cids: tuple[int, ...] = ()
    dialect: Dialect = field(default_factory=Dialect)
    bands: BandTable = field(default_factory=BandTable)
    radio: Radio = field(default_factory=Radio)
    quirks: tuple[Quirk, ...] = ()

    def layout(self, vid: str, pid: str) -> Layout | None:
        """Return the layout of a USB identity (four lower-case hex digits each)."""
        return next((layout for layout in self.layouts if (layout.vid, layout.pid) == (vid, pid)), None)

    def is_model(self, text: str) -> bool:
        """Tell whether the modem's own words (`ATI`, `AT+CGMM`) name a member of this family."""
        return any(pattern.search(text) for pattern in self.models)


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _family(path: Path) -> Family:
    from pppgen.modems.reader import read_family  # noqa: PLC0415 -- it needs this module's classes

    return read_family(path.name, _text(path))


def _paths() -> list[Path]:
    return sorted(FOLDER.glob("*.toml"))


@cache
def load() -> tuple[Family, ...]:
    """Return every family, checked against each other; a fault names the file and the key."""
    from pppgen.modems.reader import check_ids  # noqa: PLC0415 -- it needs this module's classes

    families = tuple(_family(path) for path in _paths())
    check_ids(families)
    return families


def names() -> tuple[str, ...]:
    """Return the names of all families, for a choice on the command line; parses nothing.

    >>> "bg96" in names()
    True
    """
    return tuple(path.stem for path in _paths())


def family_named(name: str) -> Family:
    """Return the family of that name; `KeyError` for a name that is not in `names()`.

    >>> family_named("bg96").title
    'Quectel BG96'
    """
    if name not in names():
        raise KeyError(name)
    return _family(FOLDER / f"{name}.toml")


def candidates(vid: str, pid: str) -> tuple[Family, ...]:
    """Return the families that share a USB identity, the likeliest first.

    >>> [family.name for family in candidates("1e0e", "9001")]
    ['sim7600', 'sim7000']
    """
    mention = f'"{vid}:{pid}"'
    found = [_family(path) for path in _paths() if mention in _text(path)]
    return tuple(sorted(found, key=lambda family: not _is_default(family, vid, pid)))


def _is_default(family: Family, vid: str, pid: str) -> bool:
    layout = family.layout(vid, pid)
    return layout is not None and layout.default


def family_for(vid: str, pid: str, model: str = "") -> Family:
    """Return what a modem is, by its USB identity and, once it spoke, by its own words.

    The words win among families that share an identity, and for an identity (or a UART) that no family names.

    >>> family_for("2c7c", "0296").name, family_for("1e0e", "9001", "SIMCOM_SIM7000E").name
    ('bg96', 'sim7000')
    >>> family_for("", "", "Quectel BG96 Revision: BG96MAR02A07M1G").name, family_for("dead", "beef").name
    ('bg96', 'generic')
    """
    sharing = candidates(vid, pid)
    told = [family for family in sharing if model and family.is_model(model)]
    if told or sharing:
        return (told or list(sharing))[0]
    by_words = [family for family in load() if family.is_model(model)] if model else []
    return by_words[0] if by_words else family_named(GENERIC)


def quirks_of(family: Family) -> tuple[Quirk, ...]:
    """Return the family's quirks and those of every modem, such as what ModemManager leaves behind.

    >>> [quirk.undo for quirk in quirks_of(family_named("generic")) if quirk.seen == "+CFUN: 4"]
    ['AT+CFUN=1']
    """
    every = family_named(GENERIC).quirks
    return every if family.name == GENERIC else family.quirks + every
