"""Remembers which ports of a modem worked: /var/lib/pppgen/ports.json, by USB path and by ICCID.

The file helps and never hinders: one that is missing, damaged or of another version is an empty memory and a warning,
and is put aside, not overwritten, when something is next remembered.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pppgen.errors import NoPermission
from pppgen.model import Device, Notice
from pppgen.probe import Remembered
from pppgen.system.files import Snapshot, Tree

PATH = "/var/lib/pppgen/ports.json"
VERSION = 1
_MODEMS_MAX = 64
"""Modems remembered; a board that is moved between sockets and SIMs for years stays below it."""


@dataclass(frozen=True, slots=True)
class ModemMemory:
    """What is remembered of one modem; `iccid` is empty where the SIM was not read. Interfaces as in `Remembered`."""

    usb_path: str
    vid: str
    pid: str
    iccid: str = ""
    at: int | None = None
    dial: int | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything remembered, newest first, and what was wrong with the file."""

    modems: tuple[ModemMemory, ...] = ()
    notices: tuple[Notice, ...] = ()

    def of(self, device: Device, iccid: str = "") -> Remembered:
        """Return what worked for this modem: at its USB path, or with its SIM wherever that was plugged.

        >>> memory = Memory((ModemMemory("1-1.4", "2c7c", "0296", "8988", at=3, dial=2),))
        >>> memory.of(Device("1-1.4", "2c7c", "0296", ())), memory.of(Device("2-1", "2c7c", "0296", ()), "8988").dial
        (Remembered(at=3, dial=2), 2)
        >>> memory.of(Device("1-1.4", "1e0e", "9001", ()))
        Remembered(at=None, dial=None)
        """
        same = [one for one in self.modems if (one.vid, one.pid) == (device.vid, device.pid)]
        here = [one for one in same if one.usb_path == device.usb_path]
        moved = [one for one in same if iccid and one.iccid == iccid]
        return next((Remembered(one.at, one.dial) for one in here + moved), Remembered())

    def by_path(self, devices: Iterable[Device]) -> Mapping[str, Remembered]:
        """Return what is remembered of these modems, as the probe takes it."""
        return {device.usb_path: self.of(device) for device in devices if device.usb_path}


def read_memory(root: Path) -> Memory:
    """Return what is remembered below `root`; never raises for what the file holds."""
    tree = Tree(root)
    try:
        found = tree.read(PATH)
    except NoPermission as error:
        return _forgotten(error.message)
    return parse(found.content, tree.shown(PATH)) if found else Memory()


def remember(
    root: Path, device: Device, *, at: int | None = None, dial: int | None = None, iccid: str = ""
) -> tuple[Notice, ...]:
    """Note the interfaces that worked (what is not given stays), and return what was wrong with the old file.

    Raises:
        NoPermission: the file may not be written.
    """
    tree = Tree(root)
    tree.make_root()
    with tree.alone():
        found = tree.read(PATH)
        old = parse(found.content, tree.shown(PATH)) if found else Memory()
        if found and old.notices:
            _write(tree, f"{PATH}.unreadable", found.content)
        new = with_noted(old, ModemMemory(device.usb_path, device.vid, device.pid, iccid, at, dial))
        content = render(new)
        if not found or found.content != content:
            _write(tree, PATH, content)
    return old.notices


def forget(root: Path) -> None:
    """Remember nothing any more: `rollback` leaves the board as it was before pppgen came."""
    tree = Tree(root)
    with tree.alone():
        tree.remove(PATH)
        tree.remove(f"{PATH}.unreadable")


def _write(tree: Tree, path: str, content: bytes) -> None:
    for directory in tree.missing_directories(path):
        tree.make_directory(directory)
    tree.stage(path, Snapshot(content, 0o644, *tree.owner_of("root")))
    tree.commit(path)


def with_noted(memory: Memory, noted: ModemMemory) -> Memory:
    """Return the memory with `noted` in front; the fields that it leaves open are taken from the older entry."""
    here = (noted.usb_path, noted.vid, noted.pid)
    older = next((one for one in memory.modems if (one.usb_path, one.vid, one.pid) == here), noted)
    merged = replace(
        noted,
        iccid=noted.iccid or older.iccid,
        at=older.at if noted.at is None else noted.at,
        dial=older.dial if noted.dial is None else noted.dial,
    )
    rest = tuple(one for one in memory.modems if one is not older)
    return replace(memory, modems=(merged, *rest)[:_MODEMS_MAX])


def render(memory: Memory) -> bytes:
    """Return the file's content."""
    return (
        json.dumps({"version": VERSION, "modems": [asdict(one) for one in memory.modems]}, indent=2) + "\n"
    ).encode()


def parse(content: bytes, path: str = PATH) -> Memory:
    """Return what the file says; entries that make no sense are left out, and named.

    >>> [notice.message for notice in parse(b"{").notices]
    ['/var/lib/pppgen/ports.json is damaged, so no port is remembered']
    """
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return _forgotten(f"{path} is damaged, so no port is remembered")
    if not isinstance(whole, dict) or whole.get("version") != VERSION or not isinstance(whole.get("modems"), list):
        return _forgotten(f"{path} was written by another version of pppgen, so no port is remembered")
    entries = [_entry(one) for one in whole["modems"][:_MODEMS_MAX]]
    known = Memory(tuple(one for one in entries if one))
    if len(known.modems) == len(whole["modems"]):
        return known
    return replace(known, notices=_forgotten(f"{path} is damaged in part; the rest is used").notices)


def _forgotten(message: str) -> Memory:
    return Memory((), (Notice("port-memory", message, "pppgen setup --dial    # proves the ports anew"),))


def _entry(one: Any) -> ModemMemory | None:  # noqa: ANN401 -- what JSON holds
    """Return one modem if every field is what it should be: the numbers go on into port names."""
    if not isinstance(one, dict) or set(one) != {"usb_path", "vid", "pid", "iccid", "at", "dial"}:
        return None
    texts = [one[name] for name in ("usb_path", "vid", "pid", "iccid")]
    numbers = [one[name] for name in ("at", "dial")]
    if not all(isinstance(text, str) and len(text) <= 64 and text.isprintable() for text in texts):
        return None
    if not all(number is None or (type(number) is int and 0 <= number <= 255) for number in numbers):
        return None
    return ModemMemory(*texts, *numbers)
