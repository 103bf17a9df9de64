"""A family's TOML text to a `Family`, strictly: an unknown key, bad hex or a missing source names file and key."""

import re
import tomllib
from collections.abc import Callable, Sequence
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
from pppgen.modems.tables import Table, template

_T = TypeVar("_T")
_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")
_HIGHEST_INTERFACE = 31
_BAND_FIELDS = ("legacy", "lte_m", "nb_iot", "lte", "nr5g", "keep")
_HIGHEST_BAND = 261  # NR's highest band number (3GPP TS 38.101)


def _closed(table: Table, read: Callable[[Table], _T]) -> _T:
    value = read(table)
    table.close()
    return value


def _layout(table: Table) -> Layout:
    identity = table.text("id")
    if not _ID.fullmatch(identity):
        raise table.fault("id", f"{identity!r} is not four lower-case hex digits, a colon and four more")
    roles = table.table("roles")
    numbered = []
    for key in roles.left():
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


def _dialect(table: Table) -> Dialect:
    usual = Dialect()
    types = table.table("auth_types")
    numbers = tuple((key, types.number(key, 9) or 0) for key in types.left())
    if unknown := {key for key, _ in numbers} - {"none", "pap", "chap", "both"}:
        raise types.fault(", ".join(sorted(unknown)), "is none of none, pap, chap, both")
    registrations = table.texts("registrations", usual.registrations)
    if not set(registrations) <= {"creg", "cgreg", "cereg"}:
        raise table.fault("registrations", "only creg, cgreg and cereg exist")
    return Dialect(
        auth=template(table, "auth", usual.auth, {"cid", "type", "user", "password"}, may=frozenset({"apn", "ip"})),
        auth_types=numbers or usual.auth_types,
        overview=table.text("overview", usual.overview),
        dial=table.text("dial", usual.dial),
        dial_cid=template(table, "dial_cid", usual.dial_cid, {"cid"}),
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


def _bands(table: Table) -> BandTable:
    masks = table.table("legacy")
    legacy = tuple((name, _mask(masks, name)) for name in masks.left())
    writes = table.table("write")
    write = tuple((key, writes.text(key)) for key in writes.left())
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


def _mask(table: Table, name: str) -> int:
    text = table.text(name)
    if not re.fullmatch(r"[0-9A-F]+", text):
        raise table.fault(name, f"{text!r} is no upper-case hexadecimal mask")
    return int(text, 16)


def _setting(table: Table) -> Setting:
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
        write=template(table, "write", "", {"value"}),
        answer=answer,
        keep=table.texts("keep"),
        reboot=table.flag("reboot"),
    )


def _pairs(table: Table, known: set[str]) -> tuple[tuple[str, str], ...]:
    pairs = tuple((key, table.text(key)) for key in table.left())
    if unknown := {key for key, _ in pairs} - known:
        raise table.fault(", ".join(sorted(unknown)), "is no setting of this family")
    return pairs


def _radio(table: Table) -> Radio:
    settings = tuple(_closed(setting, _setting) for setting in table.tables("settings"))
    known = {setting.key for setting in settings}
    rats = table.table("rat")
    scan = table.table("scan")
    codes = scan.table("codes")
    radio = Radio(
        settings=settings,
        rats=tuple((_rat(rats, key), _pairs(rats.table(key), known)) for key in rats.left()),
        scan_key=scan.text("key", ""),
        scan_codes=tuple((_rat(codes, key), codes.text(key)) for key in codes.left()),
        scan_separator=scan.text("separator", ""),
        guide=_pairs(table.table("guide"), known),
    )
    if radio.scan_key and radio.scan_key not in known:
        raise scan.fault("key", f"{radio.scan_key!r} is no setting of this family")
    for part in (rats, scan, codes):
        part.close()
    return radio


def _rat(table: Table, key: str) -> Rat:
    try:
        return Rat(key)
    except ValueError:
        raise table.fault(key, f"is none of {', '.join(Rat)}") from None


def _quirk(table: Table) -> Quirk:
    return Quirk(
        name=table.text("name"),
        text=table.text("text"),
        source=table.text("source"),
        check=table.text("check", ""),
        seen=table.text("seen", ""),
        undo=table.text("undo", ""),
    )


def _models(table: Table) -> tuple[re.Pattern[str], ...]:
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
        table = Table(name, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadValue(f"{name}: {error}") from error
    family = _closed(table, _family)
    if f"{family.name}.toml" != name:
        raise table.fault("name", f"{family.name!r} is not the file's name")
    known = {setting.key for setting in family.radio.settings}
    if unknown := {key for key, _ in family.bands.write} - known:
        raise table.fault("bands", f"write: {', '.join(sorted(unknown))} is no setting of this family")
    return family


def _family(table: Table) -> Family:
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
