"""`pppgen status`: how the link stands, without root."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pppgen.commands.lines import clock_time, day
from pppgen.commands.options import json_option, root_option
from pppgen.commands.present import clean, emit_json
from pppgen.errors import PppgenError
from pppgen.model import BearerKind, Reason
from pppgen.policy.sentences import NAMES, span, why
from pppgen.status import PATH, read
from pppgen.system import link
from pppgen.system.clock import boottime
from pppgen.system.files import Tree


@click.command()
@root_option
@json_option
def command(*, root: Path, as_json: bool) -> None:
    r"""Tell how the link stands: bearer, step, address, signal, what failed last, what comes next.

    \b
    Examples:
      pppgen status
      pppgen status --json | jq -r .phase
    """
    try:
        found = read(Tree(root))
    except PppgenError as error:
        if not as_json:
            raise
        emit_json({"running": False, "status": None, "traffic": None, "error": error.as_json()})
        sys.exit(error.exit)
    traffic = _traffic(str(found.get("interface", "")))
    if as_json:
        emit_json({"running": True, "status": found, "traffic": traffic, "error": None})
        return
    try:
        sentence, rows = str(found["sentence"]), tuple(_rows(found, traffic, boottime()))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        # Only root can write there, so somebody did by hand.
        raise PppgenError(
            f"{Tree(root).shown(PATH)} makes no sense: {type(error).__name__}: {error}",
            hint="sudo systemctl restart pppgen",
        ) from error
    click.secho(clean(sentence), bold=True)
    for name, value in rows:
        click.echo(f"  {name:<9} {clean(value)}")


def _traffic(interface: str) -> dict[str, int] | None:
    counters = link.counters(interface) if interface.isprintable() and "/" not in interface else None
    return {"rx_bytes": counters.rx_bytes, "tx_bytes": counters.tx_bytes} if counters else None


def _rows(found: dict[str, Any], traffic: dict[str, int] | None, now: float) -> Iterator[tuple[str, str]]:
    if found["since"] is not None:
        yield "since", f"{_clock(found['since'], now)} ({span(now - found['since'])})"
    if found["note"]:
        yield "now", str(found["note"])
    if found["port"]:
        yield "port", str(found["port"])
    if found["dns"]:
        yield "DNS", " ".join(map(str, found["dns"]))
    if traffic:
        yield "traffic", f"{amount(traffic['rx_bytes'])} in, {amount(traffic['tx_bytes'])} out"
    if signal := signal_words(found["signal"]):
        yield "signal", signal
    for one in found["registrations"]:
        yield one["domain"], f"{one['stat']}{', ' + one['act'] if one['act'] else ''}"
    yield "attempts", _attempts(found["attempts"])
    if following := _following(found, now):
        yield "next", following
    for number, one in enumerate(found["last"]):
        said = f"{NAMES[BearerKind(one['bearer'])]} at {one['step']}: {why(Reason(one['reason']))}"
        yield "" if number else "failed", f"{_clock(one['at'], now)} {said}"


def _clock(at: float, now: float) -> str:
    """Return a time of CLOCK_BOOTTIME as people read it; the day only where it is not today."""
    wall = time.time() - (now - at)
    return clock_time(wall) if day(wall) == day(time.time()) else f"{day(wall)} {clock_time(wall)}"


def _attempts(found: dict[str, Any]) -> str:
    return f"{found['spent']} of {found['allowed']} in {span(found['window_s'])}"


def _following(found: dict[str, Any], now: float) -> str:
    if found["return_at"] is not None:
        return f"{NAMES[BearerKind(found['return_to'])]} again at {_clock(found['return_at'], now)}, in a quiet moment"
    if found["next_attempt"] is not None and found["next_attempt"] > now:
        return f"an attempt at {_clock(found['next_attempt'], now)}; sudo pppgen up --now does not wait"
    if found["phase"] == "stopped":
        return "sudo pppgen up"
    return ""


def amount(count: float) -> str:
    """Return bytes for people.

    >>> amount(999), amount(12_345), amount(3_456_789_012)
    ('999 B', '12.3 kB', '3.5 GB')
    """
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def signal_words(found: dict[str, Any]) -> str:
    """Return the radio figures that are known.

    >>> signal_words({"rat": "eMTC", "rssi_dbm": -62, "rsrp_dbm": None, "rsrq_db": -14, "sinr_db": None})
    'eMTC, RSSI -62 dBm, RSRQ -14 dB'
    """
    figures = (
        ("RSSI", "rssi_dbm", "dBm"),
        ("RSRP", "rsrp_dbm", "dBm"),
        ("RSRQ", "rsrq_db", "dB"),
        ("SINR", "sinr_db", "dB"),
    )
    known = [f"{name} {found[key]:g} {unit}" for name, key, unit in figures if found[key] is not None]
    return ", ".join([found["rat"], *known] if found["rat"] else known)
