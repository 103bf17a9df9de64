"""What brings the modem's radio settings back: noted by setup at once, used by `rollback --radio`.

The first note of a key wins: it holds what the modem had before pppgen ever came.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from pppgen.at.client import Client
from pppgen.commands.probe import look
from pppgen.errors import NoModem, PppgenError
from pppgen.model import Device
from pppgen.modems.catalog import Family, family_named
from pppgen.radio import Result, Row, Wanted, apply
from pppgen.system.files import Snapshot, Tree
from pppgen.system.tty import open_tty

PATH = "/var/lib/pppgen/radio.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Undo:
    """The old values of one modem's settings, in the order in which they are written back."""

    usb_path: str
    family: str
    settings: Wanted


def note(root: Path, device: Device, family: Family, settings: Wanted) -> None:
    """Add the old values of what was just written."""
    tree = Tree(root)
    with tree.alone():
        known = read(tree)
        mine = next((undo for undo in known if undo.usb_path == device.usb_path), None)
        before = dict(mine.settings) if mine else {}
        merged = Undo(device.usb_path, family.name, tuple({**dict(settings), **before}.items()))
        _write(tree, (*(undo for undo in known if undo is not mine), merged))


def read(tree: Tree) -> tuple[Undo, ...]:
    """Return what is noted.

    Raises:
        PppgenError: the file is damaged; it is left as it is.
    """
    found = tree.read(PATH)
    if found is None:
        return ()
    try:
        return _parse(found.content)
    except (ValueError, KeyError, TypeError) as error:
        raise PppgenError(
            f"{tree.shown(PATH)} is damaged ({error}): the old radio settings can't be read from it",
            hint=f"move it away and set the radio by hand: mv {tree.shown(PATH)} {tree.shown(PATH)}.damaged",
        ) from error


def _parse(content: bytes) -> tuple[Undo, ...]:
    data = json.loads(content)
    if data["version"] != VERSION:
        raise ValueError(f"version {data['version']!r} is not {VERSION}")
    return tuple(
        Undo(
            str(one["usb_path"]),
            str(one["family"]),
            tuple((str(key), str(value)) for key, value in one["settings"]),
        )
        for one in data["modems"]
    )


def bring_back(root: Path, sysroot: Path) -> tuple[Row, ...]:
    """Write back what is noted, to each modem that is there, and forget what succeeded.

    Raises:
        PppgenError: the notes are damaged, or a modem that is noted does not answer.
    """
    rows: list[Row] = []
    for undo in read(Tree(root)):
        report = look(sysroot, root, whole=False, recover=True)
        modem = next((one for one in report.outcome.modems if one.usb_path == undo.usb_path), None)
        if modem is None:
            raise NoModem(
                f"the modem at USB {undo.usb_path} does not answer, so its radio settings stay as they are",
                hint="pppgen probe",
            )
        with open_tty(modem.at.device) as tty:
            done = apply(Client(tty, monotonic).ask, family_named(undo.family), undo.settings)
        rows += done
        if not any(row.result is Result.FAILED for row in done):
            forget(root, undo.usb_path)
    return tuple(rows)


def forget(root: Path, usb_path: str) -> None:
    """Drop the note of a modem whose settings were brought back."""
    tree = Tree(root)
    with tree.alone():
        rest = tuple(undo for undo in read(tree) if undo.usb_path != usb_path)
        if rest:
            _write(tree, rest)
        else:
            tree.remove(PATH)


def _write(tree: Tree, undos: tuple[Undo, ...]) -> None:
    modems = [{"usb_path": one.usb_path, "family": one.family, "settings": one.settings} for one in undos]
    content = json.dumps({"version": VERSION, "modems": modems}, indent=2).encode() + b"\n"
    for directory in tree.missing_directories(PATH):
        tree.make_directory(directory)
    tree.stage(PATH, Snapshot(content, 0o600, *tree.owner_of("root")))
    tree.commit(PATH)
