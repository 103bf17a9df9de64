"""Radio settings: a person's words to the family's settings, and read, compare, write with the old value kept.

They live in the modem's flash and outlast us. So nothing is written without a request, only a difference is written,
and what was there before is kept for `rollback --radio`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pppgen.at.client import ANSWER_S, Ask
from pppgen.at.replies.fields import Unread
from pppgen.at.replies.states import setting_value
from pppgen.errors import BadValue, ModemSilent
from pppgen.modems import bands
from pppgen.modems.catalog import BandNumber, Family, Rat, Setting

Wanted = tuple[tuple[str, str], ...]
"""Settings as pairs of key and value, in the order of writing; an empty field of a value stays as the modem has it."""

Keep = Callable[[str, str], None]
"""Takes the key and the old value of a setting that is about to be written."""


class Result(StrEnum):
    """What became of one setting."""

    WRITTEN = "written"
    SAME = "same"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: what it was, what it is to be, and what became of it; `old` is empty where it could not be read.

    `reboot` tells that the new value counts after a restart, `doubtful` that the write was sent and not answered: it
    may have been done.
    """

    key: str
    old: str
    new: str
    result: Result
    reboot: bool = False
    doubtful: bool = False

    def as_json(self) -> dict[str, str]:
        """Return the row of `setup --json`'s `radio`."""
        return {"key": self.key, "old": self.old, "new": self.new, "result": str(self.result)}


def wanted(
    family: Family,
    *,
    rat: Rat | None = None,
    band_names: Sequence[str] = (),
    scan_order: Sequence[Rat] = (),
    guide: bool = False,
) -> Wanted:
    """Return the settings that a request means; no request means none.

    Raises:
        BadValue: the family cannot do it; the message lists what it can.

    >>> from pppgen.modems.catalog import family_named
    >>> wanted(family_named("bg96"), rat=Rat.LTE_M, scan_order=[Rat.LTE_M, Rat.GSM])
    (('nwscanmode', '3'), ('iotopmode', '0'), ('nwscanseq', '0201'))
    >>> wanted(family_named("bg96"))
    ()
    """
    found: dict[str, str] = {}
    if guide:
        if not family.radio.guide:
            raise BadValue(
                f"{family.title}: no guide's radio settings are known for it", hint="pppgen setup --rat auto"
            )
        found.update(family.radio.guide)
    if rat is not None:
        found.update(_rat_settings(family, rat))
    for key, value in bands.encode(family, band_names, rat or Rat.AUTO) if band_names else ():
        found[key] = _overlaid(found.get(key, ""), value)
    if scan_order:
        found[family.radio.scan_key] = _scan_value(family, scan_order)
    return tuple(found.items())


def _rat_settings(family: Family, rat: Rat) -> Wanted:
    known = dict(family.radio.rats)
    if rat not in known:
        has = f"it has {', '.join(known)}" if known else "its radio is not settable by pppgen"
        raise BadValue(f"{family.title}: --rat {rat} is not possible; {has}", hint="pppgen setup --rat auto")
    return known[rat]


def _scan_value(family: Family, order: Sequence[Rat]) -> str:
    codes = dict(family.radio.scan_codes)
    missing = [rat for rat in order if rat not in codes]
    if missing:
        has = f"it scans {', '.join(codes)}" if codes else "its scan order is not settable by pppgen"
        raise BadValue(f"{family.title}: --scan-order {','.join(missing)} is not possible; {has}", hint="leave it out")
    if len(set(order)) != len(order) or (Rat.AUTO in order and len(order) > 1):
        raise BadValue(f"--scan-order {','.join(order)}: each technology once, auto alone", hint="--scan-order auto")
    return family.radio.scan_separator.join(codes[rat] for rat in order)


def _overlaid(under: str, over: str) -> str:
    """Put the fields of `over` that are not empty on those of `under`."""
    if not under or under.count(",") != over.count(","):
        return over
    pairs = zip(under.split(","), over.split(","), strict=True)
    return ",".join(top or bottom for bottom, top in pairs)


def guide_commands(family: Family) -> tuple[str, ...]:
    """Return the guide's own commands as its chat script sends them, in its order.

    >>> from pppgen.modems.catalog import family_named
    >>> guide_commands(family_named("bg96"))[0]
    'AT+QCFG="band",F,400A0E189F,A0E189F,1'
    """
    pairs = [(family.radio.setting(key), value) for key, value in family.radio.guide]
    return tuple(setting.write.format(value=value) for setting, value in pairs if setting is not None)


def command_for(family: Family, key: str, value: str) -> str | None:
    """Return the command that writes `value`, `None` where a field must be kept that only the modem knows.

    >>> from pppgen.modems.catalog import family_named
    >>> command_for(family_named("bg96"), "band", ",A,A")
    'AT+QCFG="band",0,A,A,1'
    >>> command_for(family_named("sim7600"), "CNBP", ",0xA,") is None
    True
    """
    setting = family.radio.setting(key)
    if setting is None:
        return None
    fields = value.split(",")
    marks = setting.keep + ("",) * len(fields)
    filled = [field or mark for field, mark in zip(fields, marks, strict=False)]
    return setting.write.format(value=",".join(filled)) if all(filled) else None


def _kept_by_the_rows(_key: str, _old: str) -> None:
    """Keep nothing more than the rows do."""


def apply(
    ask: Ask, family: Family, settings: Wanted, timeout_s: float = ANSWER_S, *, keep: Keep = _kept_by_the_rows
) -> tuple[Row, ...]:
    """Read each setting, write it only where it differs, and return what became of each.

    A setting that this firmware lacks is `unsupported`, one that it refuses is `failed`; neither stops the next.
    `keep` gets the key and the old value before the modem is written to, so that no crash between the two loses it;
    what it raises leaves the modem as it is.

    Raises:
        PortGone: the port vanished.
    """
    return tuple(_applied(ask, family, key, value, timeout_s, keep=keep) for key, value in settings)


def _applied(ask: Ask, family: Family, key: str, value: str, timeout_s: float, *, keep: Keep) -> Row:
    setting = family.radio.setting(key)
    if setting is None:
        return Row(key, "", value, Result.UNSUPPORTED)
    try:
        answer = ask(setting.read, timeout_s)
    except ModemSilent:
        return Row(key, "", value, Result.FAILED)
    old = setting_value(answer.lines, setting.answer) if answer.ok else Unread("")
    if isinstance(old, Unread):
        return Row(key, "", value, Result.UNSUPPORTED)
    fitted = _fitted(value, old)
    if fitted is None:
        return Row(key, old, value, Result.UNSUPPORTED)
    if same(fitted, old, fieldwise=_has_fields(family, key)):
        return Row(key, old, fitted, Result.SAME)
    new = _filled(family, setting, fitted, old)
    keep(key, old)
    try:
        written = ask(setting.write.format(value=new), timeout_s).ok
    except ModemSilent:
        return Row(key, old, new, Result.FAILED, setting.reboot, doubtful=True)
    return Row(key, old, new, Result.WRITTEN if written else Result.FAILED, setting.reboot)


def _has_fields(family: Family, key: str) -> bool:
    """Whether the setting's value is a row of fields with a meaning each, not a list."""
    return "," in dict(family.bands.write).get(key, "")


def undo_of(rows: Sequence[Row]) -> Wanted:
    """Return what brings back the old values of the rows that were, or may have been, written; the last one first.

    >>> undo_of([Row("iotopmode", "2", "0", Result.WRITTEN), Row("band", "0xf", "F", Result.SAME)])
    (('iotopmode', '2'),)
    """
    return tuple((row.key, row.old) for row in reversed(rows) if row.result is Result.WRITTEN or row.doubtful)


def same(value: str, old: str, *, fieldwise: bool = True) -> bool:
    """Tell whether each field that `value` gives is what the modem has, whatever its case, 0x, zeros and quotes.

    Fieldwise the modem may have more fields than we know; a list (`1,3,8`) must be the same as a whole.

    >>> same("F,400A0E189F,A0E189F", "0xf,0x400a0e189f,0xa0e189f"), same(",A,", "0xf,0xa,0x5,0x7")
    (True, True)
    >>> same("1,3", "1,3,8", fieldwise=False), same("02", "0201")
    (False, False)
    """
    new_fields, old_fields = value.split(","), old.split(",")
    if len(new_fields) > len(old_fields) or (len(new_fields) < len(old_fields) and not fieldwise):
        return False
    return all(not new or _plain(new) == _plain(was) for new, was in zip(new_fields, old_fields, strict=False))


def _plain(field: str) -> str:
    text = field.strip().strip('"').lower().removeprefix("0x")
    return text.lstrip("0") or "0"


def _fitted(value: str, old: str) -> str | None:
    """The value cut to the number of fields that this modem has, `None` when a field that is wanted has no place.

    A SIM7600 has two or three fields in AT+CNBP by firmware; a list of bands (`1,3,8`) has as many as it has bands.
    """
    fields, places = value.split(","), old.count(",") + 1
    if len(fields) <= places or all(fields):
        return value
    return None if any(fields[places:]) else ",".join(fields[:places])


def _filled(family: Family, setting: Setting, value: str, old: str) -> str:
    """The value with something in each field: the family's words for "no change", else what the modem has."""
    fields, was = value.split(","), old.split(",")
    if all(fields):
        return _bare_hex(family, value)
    filled = []
    for index, field in enumerate(fields):
        marks = setting.keep[index] if index < len(setting.keep) else ""
        filled.append(field or marks or (was[index] if index < len(was) else ""))
    return _bare_hex(family, ",".join(filled))


def _bare_hex(family: Family, value: str) -> str:
    """A mask as the family writes it: Quectel answers 0xf and wants F."""
    if family.bands.number is not BandNumber.HEX:
        return value
    return re.sub(r"0x([0-9a-fA-F]+)", lambda found: found.group(1).upper(), value)
