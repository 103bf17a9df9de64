"""`pppgen probe`: ask every port what it is, and tell which one speaks AT and which one dials."""

import sys
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pppgen.at.replies.identity import identity, word
from pppgen.commands.options import json_option, root_option, sysroot_option
from pppgen.commands.present import clean, emit_json, show_notice, working
from pppgen.commands.survey import Survey, survey
from pppgen.errors import ExitCode, NoAtPort, NoPermission, PortBusy, PppgenError
from pppgen.interview import Seen
from pppgen.memory import read_memory
from pppgen.model import Device, Identity, Notice, Port, PortRole
from pppgen.modems.catalog import family_for
from pppgen.probe import Candidate, Modem, Outcome
from pppgen.probing import probe_devices

if TYPE_CHECKING:
    from rich.table import Table

# Without a terminal nobody folds: the longest row counts.
_PIPE_COLUMNS = 240


@dataclass(frozen=True, slots=True)
class Report:
    """All that `pppgen probe` has to say."""

    devices: tuple[Device, ...] = ()
    outcome: Outcome = field(default_factory=lambda: Outcome(()))
    notices: tuple[Notice, ...] = ()
    error: PppgenError | None = None

    @property
    def ports(self) -> list[tuple[Candidate, Seen]]:
        """The ports as a person counts them: by USB path and interface number, UARTs last."""
        return sorted(self.outcome.ports, key=lambda pair: _place(pair[0].port))

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """What a person should know beside the table."""
        return self.notices + tuple(notice for modem in self.outcome.modems for notice in modem.warnings)


def _place(port: Port) -> tuple[bool, str, int, str]:
    return port.usb_path is None, port.usb_path or "", port.interface or 0, port.device


@click.command()
@sysroot_option
@root_option
@click.option("--port", "ports", multiple=True, metavar="DEVICE", help="Ask this port only (several may be given).")
@click.option("--quick", is_flag=True, help="End as soon as the right AT port is known, and tell only that.")
@click.option("--no-recover", is_flag=True, help="Leave a port that is stuck in data mode as it is.")
@json_option
def command(*, sysroot: Path, root: Path, ports: tuple[str, ...], quick: bool, no_recover: bool, as_json: bool) -> None:
    r"""Ask each port AT and name what answers; a port that another process holds is not touched.

    Nothing is set or reset, and a port is left as it was found. One that a crash left in data mode is brought back.

    \b
    Examples:
      sudo pppgen probe
      sudo pppgen probe --port /dev/ttyUSB2
      pppgen probe --json --sysroot DIR     # a simulated modem's folder
    """
    report = look(sysroot, root, ports, whole=not quick, recover=not no_recover)
    if as_json:
        emit_json(as_answer(report))
        sys.exit(report.error.exit if report.error else ExitCode.OK)
    if report.outcome.ports and (report.error or not quick):
        _draw_ports(report)
    _tell_modems(report)
    for notice in report.warnings:
        show_notice(notice)
    if report.error:
        raise report.error


def look(sysroot: Path, root: Path, ports: tuple[str, ...] = (), *, whole: bool, recover: bool) -> Report:
    """Return what discovery, memory and probe say of the machine below `sysroot`; a failure is in the report too."""
    found = survey(sysroot)
    devices = (
        found.found.devices
        if not ports
        else chosen(tuple(candidate.device for candidate in found.found.candidates), _real_names(found, ports))
    )
    if not devices:
        missing = NoAtPort(f"no modem has a port named {' or '.join(ports)}", hint="pppgen ports") if ports else None
        return Report(error=missing or found.nothing_found())
    memory = read_memory(root)
    notices = (*found.found.notices, *memory.notices)
    if found.modem_manager and not found.found.usage.complete:
        unseen = NoPermission(
            "ModemManager runs, and without root it can't be seen which ports it holds: nothing was asked",
            hint="sudo pppgen probe",
        )
        return Report(devices, notices=notices, error=unseen)
    asking = f"asking {sum(len(device.ports) for device in devices)} ports (a silent one takes 3 s) …"
    try:
        with working(asking) if whole else nullcontext():
            outcome = probe_devices(devices, memory.by_path(devices), whole=whole, recover=recover)
    except PppgenError as error:
        return Report(devices, notices=notices, error=error)
    return Report(devices, outcome, notices, no_at_port(outcome))


def _real_names(found: Survey, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names with a UART's aliases (`/dev/serial0`) told as the device that they stand for."""
    aliases = {alias: uart.device for uart in found.board.uarts for alias in uart.aliases}
    return tuple(aliases.get(name, name) for name in names)


def chosen(devices: tuple[Device, ...], names: tuple[str, ...]) -> tuple[Device, ...]:
    """Return the devices with only those ports that are named, by node or by stable name."""
    kept = (
        replace(device, ports=tuple(port for port in device.ports if names_of(port) & {*names})) for device in devices
    )
    return tuple(device for device in kept if device.ports)


def names_of(port: Port) -> frozenset[str]:
    """Return what a person may call the port."""
    return frozenset(name for name in (port.device, port.stable, port.by_path, port.by_id) if name)


def no_at_port(outcome: Outcome) -> PppgenError | None:
    """Return the error of a machine where nothing speaks AT, `None` where something does."""
    if outcome.modem:
        return None
    seen = ", ".join(f"{one.device} {one.role}" for _, one in outcome.ports)
    if any(one.role is PortRole.BUSY for _, one in outcome.ports):
        hint = "sudo pppgen ports    # names the process\nsudo systemctl stop ModemManager    # if it is that one"
        return PortBusy(f"no free port speaks AT: {seen}", hint=hint)
    hint = (
        "sudo pppgen ports\nhold the HAT's PWRKEY for 2 s and wait 15 s    # switched on, but still starting or frozen"
    )
    return NoAtPort(f"no port speaks AT: {seen}", hint=hint)


def as_answer(report: Report) -> dict[str, object]:
    """Return the one object of `pppgen probe --json`."""
    modem = report.outcome.modem
    return {
        "modems": [_modem_json(report, one) for one in report.outcome.modems],
        "ports": [port_json(candidate, seen) for candidate, seen in report.ports],
        "at_port": modem.at.device if modem else None,
        "dial_port": modem.dial.device if modem and modem.dial else None,
        "dial_port_proven": modem is not None and modem.dial_proven,
        "warnings": [notice.as_json() for notice in report.warnings],
        "error": report.error.as_json() if report.error else None,
    }


def port_json(candidate: Candidate, seen: Seen) -> dict[str, object]:
    """Return one element of `ports`: what was seen beside what the catalog expects."""
    port = candidate.port
    holder = seen.holder or port.holder
    return {
        "device": port.device,
        "stable": port.stable,
        "usb_path": port.usb_path,
        "interface": port.interface,
        "role": seen.role,
        "expected_role": candidate.expected,
        "holder": {"pid": holder.pid, "name": holder.name} if holder else None,
        "note": seen.note,
        "answer_ms": None if seen.answer_s is None else round(seen.answer_s * 1000, 1),
    }


def _identity(modem: Modem) -> Identity:
    read, alone = identity(modem.said), word(modem.said)
    return read if isinstance(read, Identity) else Identity(model=alone if isinstance(alone, str) else "")


def _modem_json(report: Report, modem: Modem) -> dict[str, object]:
    device = next((one for one in report.devices if one.usb_path and one.usb_path == modem.usb_path), None)
    vid, pid = (device.vid, device.pid) if device else ("", "")
    named = _identity(modem)
    return {
        "usb_path": modem.usb_path,
        "vid": vid or None,
        "pid": pid or None,
        "family": family_for(vid, pid, " ".join(modem.said)).name,
        "manufacturer": named.manufacturer,
        "model": named.model,
        "revision": named.revision,
        "said": list(modem.said),
        "at_port": modem.at.device,
        "dial_port": modem.dial.device if modem.dial else None,
        "dial_port_proven": modem.dial_proven,
    }


def _draw_ports(report: Report) -> None:
    from rich.console import Console  # noqa: PLC0415 -- only loaded to draw

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPE_COLUMNS)
    table = _table(report)
    if console.measure(table).maximum <= console.width:
        console.print(table)
    else:
        for candidate, seen in report.ports:  # a folded name cannot be copied
            console.print(clean(candidate.port.device), markup=False, soft_wrap=True)
            console.print(f"  {'  '.join(filter(None, _cells(candidate, seen)[1:]))}", markup=False, soft_wrap=True)


def _tell_modems(report: Report) -> None:
    for modem in report.outcome.modems:
        dial = "not asked for" if modem.dial is None else modem.dial.device
        proof = "" if modem.dial is None else " (it dialled before)" if modem.dial_proven else " (not proven)"
        named = _identity(modem)
        click.echo(clean(f"modem: {' '.join(filter(None, (named.manufacturer, named.model, named.revision)))}"))
        click.echo(clean(f"AT port: {modem.at.device}   dial port: {dial}{proof}"))


def _cells(candidate: Candidate, seen: Seen) -> tuple[str, ...]:
    """Return a port's row; `-` where nothing is known."""
    port = candidate.port
    holder = seen.holder or port.holder
    return (
        clean(port.device),
        "-" if port.interface is None else str(port.interface),
        seen.role.value,
        candidate.expected.value,
        clean(f"{holder.name} (pid {holder.pid})") if holder else "-",
        "-" if seen.answer_s is None else f"{seen.answer_s * 1000:.0f} ms",
        clean(seen.note),
    )


def _table(report: Report) -> "Table":
    from rich.table import Table  # noqa: PLC0415 -- only loaded to draw
    from rich.text import Text  # noqa: PLC0415 -- same

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="underline")
    for title in ("port", "if", "seen", "expected", "held by", "answer", "note"):
        table.add_column(title, no_wrap=True)
    for candidate, seen in report.ports:
        device, number, role, *rest = _cells(candidate, seen)
        style = "bold green" if seen.role in {PortRole.AT, PortRole.DIAL, PortRole.AT_DIAL} else "dim"
        table.add_row(Text(device), Text(number), Text(role, style=style), *map(Text, rest))
    return table
