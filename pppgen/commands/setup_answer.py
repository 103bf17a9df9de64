"""What setup has to say: the one object of `--json`, and the same for people."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pppgen.commands.changes import radio_lines, show_difference
from pppgen.commands.present import clean, show_notice
from pppgen.commands.probe import port_json
from pppgen.commands.shipment import device_named
from pppgen.errors import PppgenError
from pppgen.install import Action, FileChange
from pppgen.interview import Seen
from pppgen.model import Device, Identity, Notice
from pppgen.modems.catalog import Family
from pppgen.probe import Candidate, Modem, Outcome
from pppgen.radio import Row

if TYPE_CHECKING:  # the bearers, and only --dial needs them
    from pppgen.commands.setup_call import Called


@dataclass(slots=True)
class Answer:
    """Filled as setup goes along, so that a failure still tells what was found before it."""

    root: Path
    device: Device | None = None
    family: Family | None = None
    identity: Identity = field(default_factory=Identity)
    outcome: Outcome = field(default_factory=lambda: Outcome(()))
    modem: Modem | None = None
    radio: tuple[Row, ...] = ()
    changes: tuple[FileChange, ...] = ()
    installed: bool = False
    dialled: bool | None = None
    called: "Called | None" = None
    notices: list[Notice] = field(default_factory=list)
    error: PppgenError | None = None

    def failed(self, error: PppgenError) -> None:
        """Take the error; of the files stays what is so, and not what would have been written."""
        self.error = error
        if not self.installed:
            self.changes = tuple(one for one in self.changes if one.action in {Action.SAME, Action.KEPT})

    def as_json(self) -> dict[str, object]:
        """Return the object that docs/schema/setup.json describes."""
        modem = self.modem
        return {
            "modem": self._modem_json(),
            "ports": [self._port_json(candidate, seen) for candidate, seen in self.outcome.ports],
            "at_port": modem.at.device if modem else None,
            "dial_port": modem.dial.device if modem and modem.dial else None,
            "dial_port_proven": bool(modem and modem.dial_proven),
            "radio": [row.as_json() for row in self.radio],
            "files": [{"path": shown(self.root, change), "action": change.action.value} for change in self.changes],
            "dialled": self.dialled,
            "called": self.called.as_json() if self.called else None,
            "warnings": [notice.as_json() for notice in self.notices],
            "error": self.error.as_json() if self.error else None,
        }

    def _port_json(self, candidate: Candidate, seen: Seen) -> dict[str, object]:
        """Return the port under the name that the rendered files give it."""
        port = candidate.port
        if self.device and port in self.device.ports:
            candidate = replace(candidate, port=replace(port, stable=device_named(self.device, port)))
        return port_json(candidate, seen)

    def _modem_json(self) -> dict[str, object] | None:
        if self.device is None or self.family is None:
            return None
        return {
            "family": self.family.name,
            "model": self.identity.model,
            "revision": self.identity.revision,
            "vid": self.device.vid,
            "pid": self.device.pid,
            "imei": self.identity.imei,
        }


def shown(root: Path, change: FileChange) -> str:
    """Return the file's path as it is on this machine."""
    return str(root / change.path.lstrip("/"))


def show(answer: Answer, *, differences: bool) -> None:
    """Tell a person what became of it: a line a port, a setting, a file; then what to know."""
    for line in _lines(answer):
        click.echo(clean(line))
    for change in answer.changes:
        note = ", edited by hand" if change.by_hand else ""
        copy = f", your version is kept as {change.copy}" if change.copy else ""
        click.echo(clean(f"{change.action.value:9}{shown(answer.root, change)}{note}{copy}"))
        if differences:
            show_difference(change.difference)
    if answer.changes and all(change.action is Action.SAME for change in answer.changes):
        click.echo("nothing to change: every file is as it should be")
    for notice in answer.notices:
        show_notice(notice)


def _lines(answer: Answer) -> Iterator[str]:
    modem = answer.modem
    if modem:
        yield f"AT port   {modem.at.device}"
    if modem and modem.dial:
        proof = "it dialled" if modem.dial_proven else "not proven: --dial does"
        yield f"dial port {modem.dial.device} ({proof})"
    yield from radio_lines(answer.radio)
    if answer.dialled:
        yield "dialled   CONNECT, and hung up again"
    if called := answer.called:
        yield f"link      {called.address} on {called.interface}, packets came back after {called.seconds:.1f} s; ended"
