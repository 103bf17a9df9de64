"""`pppgen bands`: a modem's band masks in names, and names in the command that sets them; no modem is touched."""

import sys
from collections.abc import Callable
from typing import Any

import click

from pppgen import radio
from pppgen.commands.options import json_option
from pppgen.commands.present import clean, emit_json
from pppgen.errors import ExitCode, PppgenError
from pppgen.modems import bands, catalog
from pppgen.modems.bands import Decoded
from pppgen.modems.catalog import Family, Rat, family_named

_USUAL = "bg96"
_FIELD_NAMES = {
    "lte": "LTE",
    "lte-m": "LTE-M",
    "nb-iot": "NB-IoT",
    "nr5g": "5G",
    "gsm": "GSM",
    "gsm+wcdma": "GSM, WCDMA",
}
_EXAMPLES = """\b
Examples:
  pppgen bands decode 400A0E189F
  pppgen bands decode 0x93,0x80800c5,0x0 --family ec25
  pppgen bands encode B2,B4,B12 --rat lte-m
"""
_DECODE_EXAMPLES = """\b
Examples:
  pppgen bands decode 400A0E189F
  pppgen bands decode 0xf,0x400a0e189f,0xa0e189f
  pppgen bands decode 1:3:7:20 --family rm5xx
"""
_ENCODE_EXAMPLES = """\b
Examples:
  pppgen bands encode B2,B4,B12
  pppgen bands encode B20 --rat lte-m
  pppgen bands encode GSM900,B3 --family ec25
"""


def _family_option(callback: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--family",
        "family_name",
        type=click.Choice(catalog.names()),
        default=_USUAL,
        show_default=True,
        metavar="NAME",
        help=f"The modem's family: {', '.join(catalog.names())}.",
    )(callback)


@click.group("bands", no_args_is_help=True, epilog=_EXAMPLES)
def command() -> None:
    """Translate a modem's band masks, both ways; nothing is sent to a modem."""


@command.command(epilog=_DECODE_EXAMPLES)
@click.argument("value")
@_family_option
@json_option
def decode(value: str, family_name: str, as_json: bool) -> None:
    """Name the bands of VALUE: a mask as the modem answers it, of one field or of all of them."""
    family = family_named(family_name)
    fields: tuple[Decoded, ...] = ()
    error: PppgenError | None = None
    try:
        fields = bands.decode(family, value)
    except PppgenError as refused:
        error = refused
    if as_json:
        _answer(decoded_answer(family, value, fields, error), error)
    if error:
        raise error
    for field in fields:
        named = " ".join(field.bands) or "none"
        unknown = f"   ({family.title} has no {', '.join(field.unknown)})" if field.unknown else ""
        click.echo(f"{_FIELD_NAMES[field.field]}: {clean(named + unknown)}")


@command.command(epilog=_ENCODE_EXAMPLES)
@click.argument("names", metavar="BANDS")
@click.option(
    "--rat",
    type=click.Choice([str(Rat.LTE_M), str(Rat.NB_IOT), str(Rat.LTE)]),
    help="Set the bands of this technology only.",
)
@_family_option
@json_option
def encode(names: str, rat: str | None, family_name: str, as_json: bool) -> None:
    """Give the command that allows exactly BANDS, a comma-separated list; what is not named stays as it is."""
    family = family_named(family_name)
    settings: radio.Wanted = ()
    error: PppgenError | None = None
    try:
        settings = bands.encode(family, names.split(","), Rat(rat) if rat else Rat.AUTO)
    except PppgenError as refused:
        error = refused
    if as_json:
        _answer(encoded_answer(family, names, settings, error), error)
    if error:
        raise error
    for key, value in settings:
        click.echo(radio.command_for(family, key, value) or f"{key}: {value}   (empty: read the modem's and keep it)")


def _answer(answer: dict[str, object], error: PppgenError | None) -> None:
    emit_json(answer)
    sys.exit(error.exit if error else ExitCode.OK)


def decoded_answer(
    family: Family, value: str, fields: tuple[Decoded, ...], error: PppgenError | None
) -> dict[str, object]:
    """Return the one object of `pppgen bands decode --json`."""
    return {
        "action": "decode",
        "family": family.name,
        "value": clean(value[:200]),
        "fields": [
            {"field": field.field, "bands": list(field.bands), "unknown": list(field.unknown)} for field in fields
        ],
        "error": error.as_json() if error else None,
    }


def encoded_answer(family: Family, names: str, settings: radio.Wanted, error: PppgenError | None) -> dict[str, object]:
    """Return the one object of `pppgen bands encode --json`; `command` is null where old values must be read first."""
    return {
        "action": "encode",
        "family": family.name,
        "bands": [clean(name.strip()[:20]) for name in names.split(",")[:64]],
        "settings": [
            {"key": key, "value": value, "command": radio.command_for(family, key, value)} for key, value in settings
        ],
        "error": error.as_json() if error else None,
    }
