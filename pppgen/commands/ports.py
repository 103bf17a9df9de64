"""`pppgen ports`: every device and port, its driver, its holder, its stable name; nothing is sent to any of them."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pppgen.commands.options import json_option, root_option, sysroot_option
from pppgen.commands.present import clean, emit_json, show_notice
from pppgen.commands.survey import Survey, named_below, survey
from pppgen.discovery import EXPLAINS, Candidate, Likelihood
from pppgen.errors import ExitCode
from pppgen.model import Device, ExpectedRole, Holder, Port
from pppgen.modems.catalog import Family, candidates

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# Without a terminal nobody folds: the longest row counts.
_PIPE_COLUMNS = 240


_EXAMPLES = """\b
Examples:
  sudo pppgen ports              # root sees every process that holds a port
  pppgen ports --json
  pppgen ports --sysroot DIR     # a simulated modem's folder
"""


@click.command(epilog=_EXAMPLES)
@sysroot_option
@root_option
@json_option
def command(sysroot: Path, root: Path, as_json: bool) -> None:
    """List every modem and serial port, who holds it, and its stable name; nothing is sent."""
    found = named_below(survey(sysroot), root)
    error = found.nothing_found()
    if as_json:
        emit_json(as_answer(found))
        sys.exit(error.exit if error else ExitCode.OK)
    _draw(found)
    for notice in found.found.notices:
        if not error or notice.code not in EXPLAINS:  # the error repeats those
            show_notice(notice)
    if error:
        raise error


def _family(device: Device) -> Family | None:
    return next(iter(candidates(device.vid, device.pid)), None)


def expected_role(family: Family | None, device: Device, interface: int | None) -> ExpectedRole:
    """Return what the catalog expects of an interface, `UNKNOWN` where it knows nothing."""
    layout = family.layout(device.vid, device.pid) if family else None
    return layout.role_of(interface) if layout and interface is not None else ExpectedRole.UNKNOWN


def _holder_json(holder: Holder | None) -> dict[str, object] | None:
    return {"pid": holder.pid, "name": holder.name} if holder else None


def _port_json(port: Port, role: ExpectedRole) -> dict[str, object]:
    return {
        "device": port.device,
        "stable": port.stable,
        "usb_path": port.usb_path,
        "interface": port.interface,
        "driver": port.driver,
        "by_path": port.by_path,
        "by_id": port.by_id,
        "expected_role": role,
        "holder": _holder_json(port.holder),
    }


def _device_json(candidate: Candidate, found: Survey) -> dict[str, object]:
    device = candidate.device
    family = _family(device)
    return {
        "usb_path": device.usb_path,
        "vid": device.vid,
        "pid": device.pid,
        "family": family.name if family else None,
        "manufacturer": device.manufacturer,
        "product": device.product,
        "candidate": candidate.asked,
        "why": candidate.why,
        "net": list(device.net),
        "wdm": list(device.wdm),
        "wdm_holder": _holder_json(_wdm_holder(device, found)),
        "ports": [_port_json(port, expected_role(family, device, port.interface)) for port in device.ports],
    }


def _wdm_holder(device: Device, found: Survey) -> Holder | None:
    return next((holder for node in device.wdm if (holder := found.found.usage.holder_of(node))), None)


def as_answer(found: Survey) -> dict[str, object]:
    """Return the one object of `pppgen ports --json`."""
    error = found.nothing_found()
    aliases = {uart.device: uart.aliases for uart in found.board.uarts}
    return {
        "devices": [
            _device_json(one, found) for one in found.found.candidates if one.likelihood is not Likelihood.UART
        ],
        "uarts": [
            {
                "device": port.device,
                "stable": port.stable,
                "aliases": list(aliases.get(port.device, ())),
                "candidate": candidate,
                "holder": _holder_json(port.holder),
            }
            for device, candidate in _uarts(found)
            for port in device.ports
        ],
        "modem_manager": found.modem_manager,
        "holders_complete": found.found.usage.complete,
        "warnings": [notice.as_json() for notice in found.found.notices],
        "error": error.as_json() if error else None,
    }


def _uarts(found: Survey) -> list[tuple[Device, bool]]:
    free = [(one.device, True) for one in found.found.candidates if one.likelihood is Likelihood.UART]
    return free + [(device, False) for device in found.found.consoles]


@dataclass(frozen=True, slots=True)
class _Row:
    device: str
    interface: str
    expected: str
    driver: str
    held: str
    stable: str


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    about: tuple[str, ...]
    rows: tuple[_Row, ...]


def _sections(found: Survey) -> Iterator[_Section]:
    for candidate in found.found.candidates:
        device = candidate.device
        if candidate.likelihood is Likelihood.UART:
            continue
        family = _family(device)
        names = " ".join(part for part in (device.manufacturer, device.product) if part)
        about = [f"{candidate.why[:1].upper()}{candidate.why[1:]}."]
        if device.net or device.wdm:
            holder = _wdm_holder(device, found)
            about.append(
                " ".join(("network:", *device.net, *device.wdm)) + (f", held by {_who(holder)}" if holder else "")
            )
        yield _Section(
            f"USB {device.usb_path}  {device.vid}:{device.pid}  {clean(names)}".rstrip(),
            tuple(map(clean, about)),
            tuple(_row(port, expected_role(family, device, port.interface), found) for port in device.ports),
        )
    uarts = [
        _row(port, ExpectedRole.UNKNOWN, found, "" if free else "console")
        for device, free in _uarts(found)
        for port in device.ports
    ]
    if uarts:
        yield _Section("UART  the board's own serial ports", (), tuple(uarts))


def _who(holder: Holder) -> str:
    return clean(f"{holder.name} (pid {holder.pid})")


def _row(port: Port, role: ExpectedRole, found: Survey, use: str = "") -> _Row:
    free = "nobody" if found.found.usage.complete else "unknown"
    return _Row(
        device=clean(port.device),
        interface="-" if port.interface is None else str(port.interface),
        expected="-" if role is ExpectedRole.UNKNOWN else role.value,
        driver=port.driver or "-",
        held=_who(port.holder) if port.holder else use or free,
        stable=clean(port.stable),
    )


def _draw(found: Survey) -> None:
    from rich.console import Console  # noqa: PLC0415 -- only loaded to draw

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPE_COLUMNS)
    for number, section in enumerate(_sections(found)):
        if number:
            console.print()
        console.print(section.title, style="bold", markup=False, soft_wrap=True)
        for line in section.about:
            console.print(line, style="dim", markup=False, soft_wrap=True)
        table = _table(section.rows)
        if console.measure(table, options=console.options.update(max_width=_PIPE_COLUMNS)).maximum <= console.width:
            console.print(table)
        else:
            _draw_list(console, section.rows)  # a folded name cannot be copied


def _table(rows: Sequence[_Row]) -> "Table":
    from rich.table import Table  # noqa: PLC0415 -- only loaded to draw
    from rich.text import Text  # noqa: PLC0415 -- same

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="underline")
    for title in ("port", "if", "expected", "driver", "held by", "stable name"):
        table.add_column(title, no_wrap=True)
    for row in rows:
        held = Text(row.held, style="" if row.held in {"nobody", "unknown"} else "yellow")
        table.add_row(
            Text(row.device), Text(row.interface), Text(row.expected), Text(row.driver), held, Text(row.stable)
        )
    return table


def _draw_list(console: "Console", rows: Sequence[_Row]) -> None:
    for row in rows:
        console.print(row.device, markup=False, soft_wrap=True)
        interface = "" if row.interface == "-" else f"interface {row.interface}, "
        expected = "" if row.expected == "-" else f"expected {row.expected}, "
        console.print(f"  {interface}{expected}driver {row.driver}", markup=False, soft_wrap=True)
        console.print(f"  held by {row.held}", markup=False, soft_wrap=True)
        console.print(f"  {row.stable}", markup=False, soft_wrap=True)
