"""The USB side of the simulated modem: a configfs gadget on dummy_hcd, bound and unbound as a plug is.

The host's side is the stock `option` driver (ttyUSBn); the modem's side are the gadget's own ttys (ttyGSn), whose
public nodes are removed, so that the program under test can't find them.
"""

import os
import stat
import termios
import tty
from dataclasses import dataclass
from pathlib import Path

from tests.lab.functionfs import FunctionFs

GADGETS = Path("/sys/kernel/config/usb_gadget")
TTY_CLASS = Path("/sys/class/tty")
CONTROLLER = "dummy_udc.0"
MODULES = ("dummy_hcd", "libcomposite", "usb_f_serial", "usb_f_fs", "usbmon", "option", "qmi_wwan", "tun")


@dataclass(frozen=True, slots=True)
class Plug:
    """What the modem says of itself on the bus; `serials` are the interface numbers that are serial ports."""

    vid: int
    pid: int
    manufacturer: str
    product: str
    serials: tuple[int, ...] = (0, 1, 2, 3)
    serial_number: str = ""


BG96 = Plug(0x2C7C, 0x0296, "Quectel, Incorporated", "Quectel LTE BG96 Module")
EC25 = Plug(0x2C7C, 0x0125, "Quectel", "EC25-A")


class Gadget:
    """One plug, made of gser functions in the order of their interface numbers.

    gser is ff/00/00, which `option` wants of an EC25's ports and takes of a BG96's. The QMI function is linked last:
    qmi_wwan takes BG96's interface by its number.
    """

    def __init__(self, plug: Plug, nodes: Path, qmi: FunctionFs, name: str = "modem") -> None:
        self.plug = plug
        self.qmi = qmi
        self.nodes = nodes
        self.root = GADGETS / name
        self.lines: dict[int, int] = {}

    def make(self) -> None:
        """Describe the gadget; nothing is on the bus yet."""
        self.root.mkdir()
        _write(self.root / "idVendor", f"0x{self.plug.vid:04x}")
        _write(self.root / "idProduct", f"0x{self.plug.pid:04x}")
        words = self.root / "strings/0x409"
        words.mkdir()
        _write(words / "manufacturer", self.plug.manufacturer)
        _write(words / "product", self.plug.product)
        if self.plug.serial_number:
            _write(words / "serialnumber", self.plug.serial_number)
        configuration = self.root / "configs/c.1"
        configuration.mkdir()
        lines = {}
        for number in self.plug.serials:
            function = self.root / f"functions/gser.{number}"
            function.mkdir()
            (configuration / function.name).symlink_to(function)
            lines[number] = int((function / "port_num").read_text())
        self.lines = lines
        for number, line in lines.items():
            self._hide(number, line)
        self.qmi.make(self.root)

    def _hide(self, number: int, line: int) -> None:
        """Take the public node away and make one of our own."""
        major, minor = (int(part) for part in (TTY_CLASS / f"ttyGS{line}/dev").read_text().split(":"))
        self.nodes.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.node(number).unlink(missing_ok=True)
        os.mknod(self.node(number), stat.S_IFCHR | 0o600, os.makedev(major, minor))
        Path(f"/dev/ttyGS{line}").unlink(missing_ok=True)

    def node(self, number: int) -> Path:
        """Return the modem's end of the serial interface `number`."""
        return self.nodes / f"if{number:02d}"

    def open(self, number: int) -> int:
        """Open the modem's end, raw.

        A ttyGS starts with ECHO and ICANON on: two echoes would talk to each other, so this comes before `plug_in`.
        """
        fd = os.open(self.node(number), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(fd, termios.TCSANOW)
        return fd

    def plug_in(self) -> None:
        """Put the modem on the bus."""
        _write(self.root / "UDC", CONTROLLER)

    def pull_out(self) -> None:
        """Take the modem off the bus; descriptors of the modem's ends read EOF from now on."""
        if self.plugged:
            _write(self.root / "UDC", "\n")

    @property
    def plugged(self) -> bool:
        """Whether the gadget is bound to the controller."""
        return bool((self.root / "UDC").read_text().strip())

    def remove(self) -> None:
        """Undo `make`; configfs wants the reverse order, one directory at a time."""
        self.pull_out()
        self.qmi.remove(self.root)
        configuration = self.root / "configs/c.1"
        for number in self.plug.serials:
            (configuration / f"gser.{number}").unlink()
            (self.root / f"functions/gser.{number}").rmdir()
            self.node(number).unlink(missing_ok=True)
        configuration.rmdir()
        (self.root / "strings/0x409").rmdir()
        self.root.rmdir()


def _write(path: Path, text: str) -> None:
    """Write an attribute in one call, as configfs wants it."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
