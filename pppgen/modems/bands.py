"""Bands between a person's names (B2, n78, GSM900) and a family's masks and lists.

One rule serves every LTE mask: band N is bit N-1, whatever its width (Quectel, SIMCom, u-blox, Telit, Huawei and
Sierra alike; B66 and above need more than 64 bits, as Python has). The GSM and WCDMA bits differ by maker and stand in
the family's table.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pppgen.errors import BadValue
from pppgen.modems.catalog import BandNumber, Family, Rat, family_named, names

KEEP = ""
"""A field of a setting's value that shall stay as it is."""
_MASK_MAX = 80
"""The longest mask read, in digits: 261 bands are 66 hexadecimal digits."""
_LIST_MAX = 1024
"""The longest list read: 261 bands with their separators."""
_LISTS = {"lte_m": "lte-m", "nb_iot": "nb-iot", "lte": "lte", "nr5g": "nr5g"}
_FIELDS_OF = {
    Rat.LTE_M: ("lte_m",),
    Rat.NB_IOT: ("nb_iot",),
    Rat.LTE: ("lte", "lte_m", "nb_iot"),
    Rat.NR5G: ("nr5g",),
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """One field of a band setting: what it is for, its bands by name, and those bits that the family does not name."""

    field: str
    bands: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def mask_of(numbers: Iterable[int]) -> int:
    """Return the mask of LTE bands.

    >>> f"{mask_of([2, 4]):X}"
    'A'
    """
    mask = 0
    for number in numbers:
        mask |= 1 << (number - 1)
    return mask


def bands_in(mask: int) -> tuple[int, ...]:
    """Return the LTE bands of a mask, in order.

    >>> bands_in(0x400A0E189F)
    (1, 2, 3, 4, 5, 8, 12, 13, 18, 19, 20, 26, 28, 39)
    """
    return tuple(bit + 1 for bit in range(mask.bit_length()) if mask >> bit & 1)


def mask_from(text: str, *, decimal: bool = False) -> int:
    """Return the number that a mask's text means, with or without 0x and quotes.

    Raises:
        BadValue: it is no mask.

    >>> mask_from("400A0E189F") == mask_from("0x400a0e189f")
    True
    """
    digits = text.strip().strip('"').lower().removeprefix("0x")
    pattern = r"[0-9]+" if decimal else r"[0-9a-f]+"
    if len(digits) > _MASK_MAX or not re.fullmatch(pattern, digits):
        kind = "decimal" if decimal else "hexadecimal"
        raise BadValue(f"{text[:40]!r} is no {kind} band mask", hint="pppgen bands decode 400A0E189F")
    return int(digits, 10 if decimal else 16)


def settable() -> tuple[str, ...]:
    """Return the families whose bands pppgen can set.

    >>> {"bg96", "ec25"} <= set(settable())
    True
    """
    return tuple(name for name in names() if family_named(name).bands.write)


def available(family: Family) -> tuple[str, ...]:
    """Return the names of all bands that a family's modules have between them.

    >>> from pppgen.modems.catalog import family_named
    >>> available(family_named("bg96"))[:5]
    ('GSM900', 'GSM1800', 'GSM850', 'GSM1900', 'B1')
    """
    table = family.bands
    lte = sorted({*table.lte_m, *table.nb_iot, *table.lte})
    legacy = tuple(name for name, _ in table.legacy)
    return legacy + tuple(f"B{number}" for number in lte) + tuple(f"n{number}" for number in table.nr5g)


def encode(family: Family, bands: Sequence[str], rat: Rat = Rat.AUTO) -> tuple[tuple[str, str], ...]:
    """Return the settings that allow exactly `bands`, as pairs of key and value; an empty field stays as it is.

    With a technology only its own field is written. A band that only one of two technologies has is given to that one.

    Raises:
        BadValue: the family's bands are not settable, or it lacks a band; the message lists those it has.

    >>> from pppgen.modems.catalog import family_named
    >>> encode(family_named("bg96"), ["B2", "B4"])
    (('band', ',A,A'),)
    >>> encode(family_named("ec25"), ["B2", "GSM900"])
    (('band', '1,2,'),)
    """
    table = family.bands
    if not table.write:
        raise BadValue(
            f"{family.title}: its bands are not settable by pppgen",
            hint=f"pppgen at 'AT+CGMM'\nfamilies that are: {', '.join(settable())}",
        )
    chosen = _chosen(family, bands, rat)
    settings = []
    for key, template in table.write:
        names_of_fields = [name.strip("{}") for name in template.split(",")]
        values = [_written(table.number, chosen.get(name, 0)) for name in names_of_fields]
        if any(values):
            settings.append((key, ",".join(values)))
    return tuple(settings)


def _chosen(family: Family, bands: Sequence[str], rat: Rat) -> dict[str, int]:
    """The mask of each field, only fields that gain a band."""
    table = family.bands
    have: dict[str, dict[str, int]] = {"legacy": dict(table.legacy)}
    for field in _LISTS:
        letter = "n" if field == "nr5g" else "B"
        have[field] = {f"{letter}{number}": 1 << (number - 1) for number in getattr(table, field)}
    fields = ("legacy", *_FIELDS_OF.get(rat, tuple(_LISTS)))
    chosen: dict[str, int] = {}
    for band in bands:
        name = _name(band)
        owners = [field for field in fields if name in have[field]]
        if not owners:
            listed = [one for one in available(family) if any(one in have[field] for field in fields)]
            of_rat = "" if rat is Rat.AUTO else f" for {rat}"
            raise BadValue(
                f"{family.title} has no band {band[:20]!r}{of_rat}; it has {', '.join(listed)}",
                hint=f"pppgen bands encode {','.join(listed[-2:])} --family {family.name}",
            )
        for field in owners:
            chosen[field] = chosen.get(field, 0) | have[field][name]
    return chosen


def _name(band: str) -> str:
    """A band's name in the catalog's form: `b02` is B2, `N78` n78, `gsm900` GSM900."""
    text = band.strip()
    if found := re.fullmatch(r"[Bb]?0*([0-9]{1,3})", text):
        return f"B{found.group(1)}"
    if found := re.fullmatch(r"[Nn]0*([0-9]{1,3})", text):
        return f"n{found.group(1)}"
    return text.upper()


def _written(number: BandNumber, mask: int) -> str:
    if not mask:
        return KEEP
    match number:
        case BandNumber.HEX:
            return f"{mask:X}"
        case BandNumber.HEX_0X:
            return f"0x{mask:016X}"
        case BandNumber.DECIMAL:
            return str(mask)
        case BandNumber.COMMAS:
            return ",".join(str(band) for band in bands_in(mask))
        case BandNumber.COLONS:
            return ":".join(str(band) for band in bands_in(mask))


def decode(family: Family, value: str, key: str = "") -> tuple[Decoded, ...]:
    """Return the bands of a setting's value, field by field; a value of one field alone is an LTE mask.

    Raises:
        BadValue: a field is no mask of this family's form, or there are more fields than the family has.

    >>> from pppgen.modems.catalog import family_named
    >>> [(field.field, len(field.bands)) for field in decode(family_named("bg96"), "F,400A0E189F,A0E189F")]
    [('gsm', 4), ('lte-m', 14), ('nb-iot', 13)]
    """
    templates = dict(family.bands.write)
    template = templates.get(key) or next(iter(templates.values()), "")
    fields = [name.strip("{}") for name in template.split(",")]
    if len(fields) == 1 or "," not in value:
        field = fields[0] if len(fields) == 1 and template else _lte_field(family)
        return (_decoded(family, field, value),)
    parts = value.split(",")
    if len(parts) > len(fields):
        raise BadValue(
            f"{value[:60]!r} has {len(parts)} fields; {family.title} has {len(fields)}",
            hint="pppgen bands decode VALUE --family NAME",
        )
    return tuple(
        _decoded(family, field, part) for field, part in zip(fields, parts, strict=False) if field != "keep" and part
    )


def _lte_field(family: Family) -> str:
    table = family.bands
    return "lte" if table.lte else "lte_m" if table.lte_m else "lte"


def _decoded(family: Family, field: str, text: str) -> Decoded:
    table = family.bands
    if table.number in {BandNumber.COMMAS, BandNumber.COLONS}:
        if len(text) > _LIST_MAX or not re.fullmatch(r"[0-9]{1,3}(?:[:,][0-9]{1,3})*", text):
            raise BadValue(f"{text[:60]!r} is no list of bands", hint="pppgen bands decode 1:3:7 --family rm5xx")
        mask = mask_of(number for part in re.split("[:,]", text) if 0 < (number := int(part)) <= 261)
    else:
        mask = mask_from(text, decimal=table.number is BandNumber.DECIMAL)
    if field == "legacy":
        named = tuple(name for name, bits in table.legacy if mask & bits)
        left = mask & ~sum(bits for _, bits in table.legacy)
        unknown = tuple(f"bit {bit - 1}" for bit in bands_in(left))
        wcdma_too = any(name.startswith("WCDMA") for name, _ in table.legacy)
        return Decoded("gsm+wcdma" if wcdma_too else "gsm", named, unknown)
    letter = "n" if field == "nr5g" else "B"
    have = getattr(table, field)
    found = bands_in(mask)
    return Decoded(
        _LISTS[field],
        tuple(f"{letter}{number}" for number in found),
        tuple(f"{letter}{number}" for number in found if have and number not in have),
    )
