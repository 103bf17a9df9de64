"""What sysfs and dev/ tell of the ports, below any root; nothing is opened but small text files, nothing is sent.

A modem may vanish between two reads: whatever is gone, refuses or makes no sense is left out. The names of a tree are
checked against the kernel's grammar before they may become part of a file's content or of a path.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pppgen.facts import Board, Trace, Uart, UsbDevice, UsbInterface, UsbTty

# Documentation/ABI/stable/sysfs-bus-usb: <bus>-<port>[.<port>]... for a device, with :<config>.<interface> behind it.
# Seven tiers are the most that USB 2.0 (4.1.1) allows; the digits are bounded so that a name stays a name.
_DEVICE = re.compile(r"\d{1,3}-\d{1,3}(?:\.\d{1,3}){0,6}", re.ASCII)
_INTERFACE = re.compile(rf"({_DEVICE.pattern}):\d{{1,3}}\.\d{{1,3}}", re.ASCII)
_TTY = re.compile(r"tty[A-Z]{2,8}\d{1,4}", re.ASCII)  # ttyUSB2, ttyACM0, ttyHS1
_WDM = re.compile(r"cdc-wdm\d{1,4}", re.ASCII)
_NET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,14}")  # IFNAMSIZ is 16 with its NUL
# 8250 and PL011 (a Pi's two), and the boards that name theirs otherwise: Jetson, i.MX, OMAP, STM32.
_UART = re.compile(r"tty(?:S|AMA|THS|mxc|O|STM)\d{1,4}", re.ASCII)
# What udev leaves in a link's name (util_replace_chars), less `#` and `\`, which mean something to pppd.
_LINK = re.compile(r"[A-Za-z0-9+\-.:=@_]{1,255}")
_HEX4 = re.compile(r"[0-9a-f]{4}")

_ATTRIBUTE_BYTES = 512  # a USB string descriptor holds 126 UTF-16 characters
_STRING_CHARS = 126
_TEXT_BYTES = 65_536  # a hook script or a command line; a longer one is not read to its end


def _read(path: Path, limit: int = _ATTRIBUTE_BYTES) -> str:
    """Return the text of a small file, `""` when it is gone, is no file or refuses."""
    try:
        if not path.is_file():  # a pipe planted in a tree would block the open
            return ""
        with path.open("rb", buffering=0) as file:
            return file.read(limit).decode(errors="replace")
    except OSError:  # ENODEV and EIO are how an attribute of a vanished device answers
        return ""


def _is_there(path: Path) -> bool:
    """Return whether there is such a path that may be seen."""
    try:
        return path.exists()
    except OSError:
        return False


def _words(path: Path) -> str:
    """Return a descriptor's text for a person: one line, printable, bounded."""
    text = " ".join(_read(path).split())
    return "".join(char if char.isprintable() and char != "\ufffd" else "?" for char in text)[:_STRING_CHARS]


def _hex(path: Path) -> int:
    """Return a hexadecimal attribute, -1 when it is not there or not one."""
    try:
        return int(_read(path).strip(), 16)
    except ValueError:
        return -1


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 -- a Path for each of hundreds costs too much
    except OSError:
        return []


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts ttyUSB10 behind ttyUSB2, and 1-1.10 behind 1-1.2."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name))


def _links(root: Path, folder: str) -> dict[str, list[str]]:
    """Return the links of a folder below dev/ by the last part of what they point to (`../../ttyUSB2` -> `ttyUSB2`)."""
    found: dict[str, list[str]] = {}
    for name in _names(root / "dev" / folder):
        link = root / "dev" / folder / name
        try:
            target = link.readlink().name
        except OSError:
            continue
        if _LINK.fullmatch(name):
            found.setdefault(target, []).append(f"/dev/{folder}/{name}")
    return found


def _driver(interface: Path) -> str | None:
    try:
        name = (interface / "driver").readlink().name
    except OSError:
        return None
    return name if re.fullmatch(r"[A-Za-z0-9_.\-]{1,64}", name) else None


class _Tree:
    """One look at a root: the link tables are read once for all ports."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bus = root / "sys/bus/usb/devices"
        self.ours = _links(root, "pppgen")
        self.by_path = _links(root, "serial/by-path")
        self.by_id = _links(root, "serial/by-id")

    def node(self, name: str) -> str:
        return str(self.root / "dev" / name)

    def one(self, name: str) -> UsbDevice | None:
        matches = ((self.bus / inner, _INTERFACE.fullmatch(inner)) for inner in _names(self.bus))
        return self._device(name, {path for path, match in matches if match and match[1] == name})

    def devices(self) -> tuple[UsbDevice, ...]:
        names = _names(self.bus)
        interfaces: dict[str, set[Path]] = {name: set() for name in names if _DEVICE.fullmatch(name)}
        for name in names:  # the kernel lists the interfaces beside their device, too
            match = _INTERFACE.fullmatch(name)
            if match and match[1] in interfaces:
                interfaces[match[1]].add(self.bus / name)
        found = (self._device(name, beside) for name, beside in interfaces.items())
        return tuple(sorted((device for device in found if device), key=lambda device: _natural(device.path)))

    def _device(self, name: str, beside: set[Path]) -> UsbDevice | None:
        folder = self.bus / name
        vid, pid = (_read(folder / attribute).strip().lower() for attribute in ("idVendor", "idProduct"))
        if not (_HEX4.fullmatch(vid) and _HEX4.fullmatch(pid)):
            return None
        paths = {path.name: path for path in beside}
        for inner in _names(folder) if not beside else ():
            match = _INTERFACE.fullmatch(inner)
            if match and match[1] == name:
                paths[inner] = folder / inner
        interfaces = [found for path in paths.values() if (found := self._interface(path))]
        return UsbDevice(
            path=name,
            vid=vid,
            pid=pid,
            interfaces=tuple(sorted(interfaces, key=lambda interface: interface.number)),
            bcd_device=_words(folder / "bcdDevice")[:4],
            manufacturer=_words(folder / "manufacturer"),
            product=_words(folder / "product"),
            serial=_words(folder / "serial"),
        )

    def _interface(self, folder: Path) -> UsbInterface | None:
        number = _hex(folder / "bInterfaceNumber")
        if not 0 <= number <= 0xFF:
            return None
        here = _names(folder)
        # usb-serial puts its ports below the interface (ttyUSB2/tty/ttyUSB2), cdc_acm has them in tty/.
        ttys = {name: folder / name for name in here if _TTY.fullmatch(name)}
        inside = {group: _names(folder / group) for group in ("tty", "usbmisc", "usb", "net") if group in here}
        ttys |= {name: folder / "tty" / name for name in inside.get("tty", ()) if _TTY.fullmatch(name)}
        wdm = {name for group in ("usbmisc", "usb") for name in inside.get(group, ()) if _WDM.fullmatch(name)}
        return UsbInterface(
            number=number,
            usb_class=_hex(folder / "bInterfaceClass"),
            subclass=_hex(folder / "bInterfaceSubClass"),
            protocol=_hex(folder / "bInterfaceProtocol"),
            driver=_driver(folder),
            ttys=tuple(self._tty(name, ttys[name]) for name in sorted(ttys, key=_natural)),
            net=tuple(name for name in inside.get("net", ()) if _NET.fullmatch(name)),
            wdm=tuple(self.node(name) for name in sorted(wdm, key=_natural)),
        )

    def _tty(self, name: str, folder: Path) -> UsbTty:
        port = _read(folder / "port_number").strip()
        return UsbTty(
            name=name,
            device=self.node(name),
            port_number=int(port) if re.fullmatch(r"[0-9]{1,3}", port) else 0,
            ours=_first(self.ours, name),
            by_path=_first(self.by_path, name),
            by_id=_first(self.by_id, name),
        )

    def uarts(self) -> tuple[Uart, ...]:
        aliases: dict[str, list[str]] = {}
        for alias in ("serial0", "serial1"):
            try:
                aliases.setdefault((self.root / "dev" / alias).readlink().name, []).append(f"/dev/{alias}")
            except OSError:
                continue
        folder = self.root / "sys/class/tty"
        return tuple(
            Uart(name, self.node(name), tuple(aliases.get(name, ())))
            for name in sorted(_names(folder), key=_natural)
            if _UART.fullmatch(name) and _is_fitted(folder / name)
        )


def _first(links: Mapping[str, list[str]], name: str) -> str | None:
    return min(links.get(name, ()), default=None)


def _is_fitted(tty: Path) -> bool:
    """Return whether a UART has a device behind it: a PC registers 32 names whose `type` is 0, PORT_UNKNOWN."""
    return _is_there(tty / "device") and _read(tty / "type").strip() != "0"


def _consoles(root: Path) -> tuple[str, ...]:
    """Return the ttys on which the kernel or its command line puts a console (`console=serial0,115200`)."""
    active = _read(root / "sys/class/tty/console/active").split()
    wanted = re.findall(r"(?:^|\s)console=(?:/dev/)?([A-Za-z0-9]+)", _read(root / "proc/cmdline", _TEXT_BYTES))
    return tuple(dict.fromkeys([*active, *wanted]))


def read_board(root: Path) -> Board:
    """Return the USB devices, the UARTs and the consoles below `root`; an empty tree is an empty board."""
    tree = _Tree(root)
    return Board(tree.devices(), tree.uarts(), _consoles(root))


def read_usb(root: Path, path: str) -> UsbDevice | None:
    """Return the device at one USB path, `None` when there is none; of all others nothing is read."""
    return _Tree(root).one(path) if _DEVICE.fullmatch(path) else None


def read_traces(root: Path, paths: Iterable[str], modules: Iterable[str], scripts: Iterable[str]) -> tuple[Trace, ...]:
    """Return which of the paths and kernel modules are there, and every line that is not a comment of the scripts."""
    return (
        *(Trace("path", path) for path in paths if _is_there(root / path.lstrip("/"))),
        *(Trace("module", module) for module in modules if _is_there(root / "sys/module" / module)),
        *(
            Trace("line", script, line.strip())
            for script in scripts
            for line in _read(root / script.lstrip("/"), _TEXT_BYTES).splitlines()
            if line.strip() and not line.lstrip().startswith("#")
        ),
    )
