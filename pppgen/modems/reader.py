"""A family's TOML text to a `Family`, strictly: an unknown key, bad hex or a missing source names file and key."""

import re
import tomllib
from collections.abc import Callable, Sequence
from enum import StrEnum
from string import Formatter
from typing import TypeVar

from pppgen.errors import BadValue
from pppgen.model import ExpectedRole
from pppgen.modems.catalog import (
    Ability,
    BandNumber,
    BandTable,
    Dialect,
    Family,
    Layout,
    Quirk,
    Radio,
    Rat,
    Setting,
)

_E = TypeVar("_E", bound=StrEnum)
_T = TypeVar("_T")
_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")
_HIGHEST_INTERFACE = 31
_BAND_FIELDS = ("legacy", "lte_m", "nb_iot", "lte", "nr5g", "keep")
_HIGHEST_BAND = 261  # NR's highest band number (3GPP TS 38.101)


class _Table:
    """One TOML table; every key must be asked for, or `close` refuses it."""

    def __init__(self, where: str, content: object) -> None:
        if not isinstance(content, dict):
            raise BadValue(f"{where}: a table is wanted")
        self._where = where
        self._left: dict[str, object] = dict(content)

    def fault(self, key: str, wanted: str) -> BadValue:
        return BadValue(f"{self._where}: {key}: {wanted}")

    def take(self, key: str) -> object:
        if key not in self._left:
            raise self.fault(key, "is missing")
        return self._left.pop(key)

    def has(self, key: str) -> bool:
        return key in self._left

    def text(self, key: str, default: str | None = None) -> str:
        if default is not None and not self.has(key):
            return default
        value = self.take(key)
        if not isinstance(value, str) or not value.isprintable():
            raise self.fault(key, "a printable text is wanted")
        return value

    def flag(self, key: str) -> bool:
        value = self.take(key) if self.has(key) else False
        if not isinstance(value, bool):
            raise self.fault(key, "true or false is wanted")
        return value

    def number(self, key: str, highest: int) -> int | None:
        if not self.has(key):
            return None
        value = self.take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= highest:
            raise self.fault(key, f"a number up to {highest} is wanted")
        return value

    def word(self, key: str, kind: type[_E], default: _E | None = None) -> _E:
        text = self.text(key, default)
        try:
            return kind(text)
        except ValueError:
            raise self.fault(key, f"{text!r} is none of {', '.join(kind)}") from None

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        values = self.take(key) if self.has(key) else list(default)
        if not isinstance(values, list) or not all(isinstance(value, str) and value.isprintable() for value in values):
            raise self.fault(key, "a list of printable texts is wanted")
        return tuple(values)

    def numbers(self, key: str, highest: int) -> tuple[int, ...]:
        values = self.take(key) if self.has(key) else []
        if not isinstance(values, list) or not all(type(value) is int and 0 <= value <= highest for value in values):
            raise self.fault(key, f"a list of numbers up to {highest} is wanted")
        return tuple(values)

    def table(self, key: str) -> "_Table":
        return _Table(f"{self._where}: {key}", self.take(key) if self.has(key) else {})

    def tables(self, key: str) -> list["_Table"]:
        values = self.take(key) if self.has(key) else []
        if not isinstance(values, list):
            raise self.fault(key, "a list of tables is wanted")
        return [_Table(f"{self._where}: {key}[{number}]", value) for number, value in enumerate(values)]

    def keys(self) -> list[str]:
        return list(self._left)

    def close(self) -> None:
        if self._left:
            raise self.fault(", ".join(self._left), "is no key that pppgen knows")


def _template(table: _Table, key: str, default: str, fields: set[str], *, may: frozenset[str] = frozenset()) -> str:
    text = table.text(key, default)
    try:
        used = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        raise table.fault(key, "its braces do not pair") from None
    if text and (used - may != fields):
        raise table.fault(key, f"must hold {', '.join(sorted('{' + name + '}' for name in fields))}")
    return text


def _closed(table: _Table, read: Callable[[_Table], _T]) -> _T:
    value = read(table)
    table.close()
    return value


def _layout(table: _Table) -> Layout:
    identity = table.text("id")
    if not _ID.fullmatch(identity):
        raise table.fault("id", f"{identity!r} is not four lower-case hex digits, a colon and four more")
    roles = table.table("roles")
    numbered = []
    for key in roles.keys():  # noqa: SIM118 -- a table is no mapping: it forgets what is taken
        if not key.isdecimal() or int(key) > _HIGHEST_INTERFACE:
            raise roles.fault(key, "is no USB interface number")
        numbered.append((int(key), roles.word(key, ExpectedRole)))
    vid, pid = identity.split(":")
    return Layout(
        vid=vid,
        pid=pid,
        roles=tuple(sorted(numbered)),
        net=table.number("net", _HIGHEST_INTERFACE),
        note=table.text("note", ""),
        default=table.flag("default"),
    )


def _dialect(table: _Table) -> Dialect:
    usual = Dialect()
    types = table.table("auth_types")
    numbers = tuple((key, types.number(key, 9) or 0) for key in types.keys())  # noqa: SIM118 -- as above
    if unknown := {key for key, _ in numbers} - {"none", "pap", "chap", "both"}:
        raise types.fault(", ".join(sorted(unknown)), "is none of none, pap, chap, both")
    registrations = table.texts("registrations", usual.registrations)
    if not set(registrations) <= {"creg", "cgreg", "cereg"}:
        raise table.fault("registrations", "only creg, cgreg and cereg exist")
    return Dialect(
        auth=_template(table, "auth", usual.auth, {"cid", "type", "user", "password"}, may=frozenset({"apn", "ip"})),
        auth_types=numbers or usual.auth_types,
        overview=table.text("overview", usual.overview),
        dial=table.text("dial", usual.dial),
        dial_cid=_template(table, "dial_cid", usual.dial_cid, {"cid"}),
        reset=table.text("reset", usual.reset),
        radio_off=table.text("radio_off", usual.radio_off),
        radio_on=table.text("radio_on", usual.radio_on),
        revision=table.text("revision", usual.revision),
        signal=table.texts("signal", usual.signal),
        serving=table.text("serving", usual.serving),
        iccid=table.text("iccid", usual.iccid),
        pin_tries=table.text("pin_tries", usual.pin_tries),
        backoff=table.text("backoff", usual.backoff),
        registrations=registrations,
    )


def _bands(table: _Table) -> BandTable:
    masks = table.table("legacy")
    legacy = tuple((name, _mask(masks, name)) for name in masks.keys())  # noqa: SIM118 -- as above
    writes = table.table("write")
    write = tuple((key, writes.text(key)) for key in writes.keys())  # noqa: SIM118 -- as above
    for key, fields in write:
        if unknown := set(fields.split(",")) - {f"{{{name}}}" for name in _BAND_FIELDS} - {""}:
            raise writes.fault(key, f"{', '.join(sorted(unknown))} is none of {', '.join(_BAND_FIELDS)} in braces")
    return BandTable(
        number=table.word("number", BandNumber, BandNumber.HEX),
        legacy=legacy,
        lte_m=table.numbers("lte_m", _HIGHEST_BAND),
        nb_iot=table.numbers("nb_iot", _HIGHEST_BAND),
        lte=table.numbers("lte", _HIGHEST_BAND),
        nr5g=table.numbers("nr5g", _HIGHEST_BAND),
        write=write,
    )


def _mask(table: _Table, name: str) -> int:
    text = table.text(name)
    if not re.fullmatch(r"[0-9A-F]+", text):
        raise table.fault(name, f"{text!r} is no upper-case hexadecimal mask")
    return int(text, 16)


def _setting(table: _Table) -> Setting:
    pattern = table.text("answer")
    try:
        answer = re.compile(pattern)
    except re.error as error:
        raise table.fault("answer", f"{pattern!r} is no regular expression: {error.msg}") from None
    if answer.groups != 1:
        raise table.fault("answer", "must have one group, the value")
    return Setting(
        key=table.text("key"),
        read=table.text("read"),
        write=_template(table, "write", "", {"value"}),
        answer=answer,
        keep=table.texts("keep"),
        reboot=table.flag("reboot"),
    )


def _pairs(table: _Table, known: set[str]) -> tuple[tuple[str, str], ...]:
    pairs = tuple((key, table.text(key)) for key in table.keys())  # noqa: SIM118 -- as above
    if unknown := {key for key, _ in pairs} - known:
        raise table.fault(", ".join(sorted(unknown)), "is no setting of this family")
    return pairs


def _radio(table: _Table) -> Radio:
    settings = tuple(_closed(setting, _setting) for setting in table.tables("settings"))
    known = {setting.key for setting in settings}
    rats = table.table("rat")
    scan = table.table("scan")
    codes = scan.table("codes")
    radio = Radio(
        settings=settings,
        rats=tuple((_rat(rats, key), _pairs(rats.table(key), known)) for key in rats.keys()),  # noqa: SIM118 -- as above
        scan_key=scan.text("key", ""),
        scan_codes=tuple((_rat(codes, key), codes.text(key)) for key in codes.keys()),  # noqa: SIM118 -- as above
        scan_separator=scan.text("separator", ""),
        guide=_pairs(table.table("guide"), known),
    )
    if radio.scan_key and radio.scan_key not in known:
        raise scan.fault("key", f"{radio.scan_key!r} is no setting of this family")
    for part in (rats, scan, codes):
        part.close()
    return radio


def _rat(table: _Table, key: str) -> Rat:
    try:
        return Rat(key)
    except ValueError:
        raise table.fault(key, f"is none of {', '.join(Rat)}") from None


def _quirk(table: _Table) -> Quirk:
    return Quirk(
        name=table.text("name"),
        text=table.text("text"),
        source=table.text("source"),
        check=table.text("check", ""),
        seen=table.text("seen", ""),
        undo=table.text("undo", ""),
    )


def _models(table: _Table) -> tuple[re.Pattern[str], ...]:
    patterns = table.texts("models")
    try:
        return tuple(re.compile(pattern) for pattern in patterns)
    except re.error as error:
        raise table.fault("models", f"{error.pattern!r} is no regular expression: {error.msg}") from None


def read_family(name: str, text: str) -> Family:
    """Return the family that a file describes; `name` is the file's, and must be the family's with `.toml`.

    Raises:
        BadValue: the text is not TOML, or a key is unknown, missing or of the wrong kind.
    """
    try:
        table = _Table(name, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadValue(f"{name}: {error}") from error
    family = _closed(table, _family)
    if f"{family.name}.toml" != name:
        raise table.fault("name", f"{family.name!r} is not the file's name")
    known = {setting.key for setting in family.radio.settings}
    if unknown := {key for key, _ in family.bands.write} - known:
        raise table.fault("bands", f"write: {', '.join(sorted(unknown))} is no setting of this family")
    return family


def _family(table: _Table) -> Family:
    return Family(
        name=table.text("name"),
        title=table.text("title"),
        vendor=table.text("vendor"),
        source=table.text("source"),
        ppp=table.word("ppp", Ability),
        qmi=table.word("qmi", Ability),
        models=_models(table),
        layouts=tuple(_closed(layout, _layout) for layout in table.tables("layouts")),
        attach_cids=table.numbers("attach_cids", 16),
        dialect=_closed(table.table("dialect"), _dialect),
        bands=_closed(table.table("bands"), _bands),
        radio=_closed(table.table("radio"), _radio),
        quirks=tuple(_closed(quirk, _quirk) for quirk in table.tables("quirks")),
    )


def check_ids(families: Sequence[Family]) -> None:
    """Refuse USB identities that two families claim without a way to tell them apart.

    Raises:
        BadValue: an identity stands twice in a family, or a shared one lacks `models` or its one `default`.
    """
    owners: dict[str, list[Family]] = {}
    for family in families:
        for layout in family.layouts:
            sharing = owners.setdefault(f"{layout.vid}:{layout.pid}", [])
            if family in sharing:
                raise BadValue(f"{family.name}.toml: layouts: {layout.vid}:{layout.pid} stands twice")
            sharing.append(family)
    for identity, sharing in owners.items():
        if len(sharing) == 1:
            continue
        vid, pid = identity.split(":")
        defaults = [family.name for family in sharing if (found := family.layout(vid, pid)) and found.default]
        where = ", ".join(f"{family.name}.toml" for family in sharing)
        if len(defaults) != 1:
            raise BadValue(f"{where}: layouts: {identity} is shared: exactly one must say default = true")
        if not all(family.models for family in sharing):
            raise BadValue(f"{where}: models: {identity} is shared: each must tell how its modems call themselves")
