"""A kernel's view of the simulated modem: `sys/` and `dev/` below a folder, with the links that udev and sysfs make."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pppgen.errors import BadValue, NoPermission
from pppgen.sim.transcript import Interface, Transcript

HUB = "devices/platform/scb/fd500000.pcie/pci0000:00/0000:00:00.0/0000:01:00.0/usb1"  # a Raspberry Pi 4's
CONTROLLER = "platform-fd500000.pcie-pci-0000:01:00.0"
TTY_MAJOR = 188  # Documentation/admin-guide/devices.txt: USB serial converters


@dataclass(frozen=True, slots=True)
class Tree:
    """The folder and the modem that appears in it."""

    root: Path
    transcript: Transcript

    @property
    def device(self) -> Path:
        """The folder of the USB device."""
        path = self.transcript.path
        bus, _, ports = path.partition("-")
        steps = ports.split(".")
        parents = [f"{bus}-{'.'.join(steps[:count])}" for count in range(1, len(steps) + 1)]
        return self.root.joinpath("sys", HUB, *parents)

    def claim(self) -> None:
        """Make sure that the folder is ours to fill.

        Raises:
            BadValue: it already has a sys/ or a dev/.
            NoPermission: it can't be filled.
        """
        try:
            if any((self.root / name).exists() for name in ("sys", "dev")):
                raise BadValue(f"{self.root} already has a sys/ or a dev/", hint="give --dir a new folder, or none")
            for folder in ("dev", "sys/bus/usb/devices", "sys/class/tty", "sys/class/net", "sys/class/usbmisc"):
                (self.root / folder).mkdir(parents=True)
        except OSError as error:
            raise NoPermission(f"{self.root}: {error.strerror}", hint="give --dir another folder, or none") from error

    def plug(self, terminals: dict[int, str], first: int = 0) -> dict[int, str]:
        """Let the modem appear; return the name below dev/ of each interface in `terminals` (its pty).

        `first` is the number of the first ttyUSB.
        """
        what = self.transcript
        self.device.mkdir(parents=True)
        _write(
            self.device,
            idVendor=what.vid,
            idProduct=what.pid,
            manufacturer=what.manufacturer,
            product=what.product,
            busnum="1",
            devnum="3",
            bConfigurationValue="1",
            bDeviceClass="00",
            bNumInterfaces=f"{len(what.interfaces):2}",
            speed="480",
            authorized="1",
            uevent=f"MAJOR=189\nMINOR=2\nDEVNAME=bus/usb/001/003\nDEVTYPE=usb_device\nDRIVER=usb\n"
            f"PRODUCT={what.vid.lstrip('0')}/{what.pid.lstrip('0')}/0",
        )
        if what.serial:
            _write(self.device, serial=what.serial)
        self._link(f"bus/usb/devices/{what.path}", self.device)
        self._link_from(self.device / "subsystem", "bus/usb")
        names: dict[int, str] = {}
        for each in what.interfaces:
            folder = self._interface(each)
            if each.number in terminals:
                names[each.number] = f"ttyUSB{first + len(names)}"
                self._tty(folder, names[each.number], each.number, terminals[each.number])
            elif each.driver:
                self._net(folder)
        return names

    def unplug(self) -> None:
        """Let everything disappear that `plug` made, and only that."""
        shutil.rmtree(self.device, ignore_errors=True)
        for folder in ("sys/bus/usb/devices", "sys/class/tty", "sys/class/net", "sys/class/usbmisc", "dev"):
            for link in (self.root / folder).rglob("*"):
                if link.is_symlink() and (folder == "dev" or not link.exists()):
                    link.unlink()

    def vanish(self, name: str) -> None:
        """Let one tty disappear."""
        for folder in self.device.glob(f"*/{name}"):
            shutil.rmtree(folder)
        for link in (self.root / "dev").rglob("*"):
            if link.is_symlink() and (link.name == name or link.readlink().name == name):
                link.unlink()
        (self.root / "sys/class/tty" / name).unlink(missing_ok=True)

    def release(self) -> None:
        """Take the whole tree away again."""
        for name in ("sys", "dev"):
            shutil.rmtree(self.root / name, ignore_errors=True)

    def _interface(self, each: Interface) -> Path:
        name = f"{self.transcript.path}:1.{each.number}"
        folder = self.device / name
        folder.mkdir()
        _write(
            folder,
            bInterfaceNumber=f"{each.number:02x}",
            bInterfaceClass="ff",
            bInterfaceSubClass="ff",
            bInterfaceProtocol="ff",
            bAlternateSetting=" 0",
            bNumEndpoints="03",
            uevent=f"DEVTYPE=usb_interface\nDRIVER={each.driver or 'option'}\nINTERFACE=255/255/255",
        )
        self._link(f"bus/usb/devices/{name}", folder)
        self._link_from(folder / "subsystem", "bus/usb")
        self._link_from(folder / "driver", f"bus/usb/drivers/{each.driver or 'option'}")
        return folder

    def _tty(self, interface: Path, name: str, number: int, terminal: str) -> None:
        port = interface / name
        node = port / "tty" / name
        node.mkdir(parents=True)
        minor = name.removeprefix("ttyUSB")
        _write(port, port_number="0", uevent="DRIVER=option1")
        _write(node, dev=f"{TTY_MAJOR}:{minor}", uevent=f"MAJOR={TTY_MAJOR}\nMINOR={minor}\nDEVNAME={name}")
        self._link_from(port / "driver", "bus/usb-serial/drivers/option1")
        self._link_from(port / "subsystem", "bus/usb-serial")
        self._link_from(node / "subsystem", "class/tty")
        (node / "device").symlink_to("../..")
        self._link(f"class/tty/{name}", node)
        devices = self.root / "dev"
        (devices / name).symlink_to(terminal)
        _, _, ports = self.transcript.path.partition("-")
        words = f"{self.transcript.manufacturer}_{self.transcript.product}"
        product = "".join(char if char.isalnum() or char in "#+-.:=@_" else "_" for char in words)
        serial = f"_{self.transcript.serial}" if self.transcript.serial else ""
        for folder, link in (
            ("by-path", f"{CONTROLLER}-usb-0:{ports}:1.{number}-port0"),
            ("by-id", f"usb-{product}{serial}-if{number:02x}-port0"),
        ):
            (devices / "serial" / folder).mkdir(parents=True, exist_ok=True)
            (devices / "serial" / folder / link).symlink_to(f"../../{name}")

    def _net(self, interface: Path) -> None:
        net, wdm = interface / "net/wwan0", interface / "usbmisc/cdc-wdm0"
        (net / "statistics").mkdir(parents=True)
        (net / "qmi").mkdir()
        wdm.mkdir(parents=True)
        _write(net, address="2e:59:6e:0c:4a:01", type="1", operstate="down", flags="0x1002", mtu="1500", ifindex="5")
        _write(net / "statistics", rx_bytes="0", tx_bytes="0", rx_packets="0", tx_packets="0")
        _write(net / "qmi", raw_ip="N")
        _write(wdm, dev="180:0", uevent="MAJOR=180\nMINOR=0\nDEVNAME=cdc-wdm0")
        for folder in (net, wdm):
            (folder / "device").symlink_to("../..")
        self._link("class/net/wwan0", net)
        self._link("class/usbmisc/cdc-wdm0", wdm)

    def _link(self, name: str, target: Path) -> None:
        link = self.root / "sys" / name
        link.symlink_to(os.path.relpath(target, link.parent))

    def _link_from(self, link: Path, name: str) -> None:
        target = self.root / "sys" / name
        target.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(target, link.parent))


def _write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n", encoding="ascii")
