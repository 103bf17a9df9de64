"""A USB device in a sysfs tree below a folder, as small as a test wants it; each attribute may be any bytes."""

from dataclasses import dataclass, field
from pathlib import Path

Attribute = str | bytes


def put(path: Path, content: Attribute) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())


@dataclass(frozen=True)
class FakeUsb:
    """One device; `attributes` are its files (idVendor ...)."""

    root: Path
    path: str = "1-1.4"
    vid: Attribute = "2c7c"
    pid: Attribute = "0296"
    attributes: dict[str, Attribute] = field(default_factory=dict)
    nested: bool = False

    def __post_init__(self) -> None:
        for name, content in {"idVendor": self.vid, "idProduct": self.pid, **self.attributes}.items():
            put(self.folder / name, content)

    @property
    def folder(self) -> Path:
        return self.root / "sys/bus/usb/devices" / self.path

    def interface(self, number: int, kind: str = "", driver: str = "") -> Path:
        """Add an interface; `kind` is its three class codes (`ff/00/00`)."""
        home = self.folder if self.nested else self.folder.parent
        folder = home / f"{self.path}:1.{number}"
        put(folder / "bInterfaceNumber", f"{number:02x}")
        names = ("bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol")
        for name, code in zip(names, kind.split("/") if kind else (), strict=False):
            put(folder / name, code)
        if driver:
            (folder / "driver").symlink_to(f"../../drivers/{driver}")
        return folder

    def tty(self, number: int, name: str, target: str = "", kind: str = "ff/ff/ff", driver: str = "option") -> Path:
        """Add an interface with a usb-serial tty, and its node: a link to `target`, or an empty file."""
        folder = self.interface(number, kind, driver)
        (folder / name / "tty" / name).mkdir(parents=True)
        return self.node(name, target)

    def node(self, name: str, target: str = "") -> Path:
        node = self.root / "dev" / name
        node.parent.mkdir(parents=True, exist_ok=True)
        if target:
            node.symlink_to(target)
        else:
            node.touch()
        return node

    def link(self, link: str, name: str) -> None:
        """Add a udev link below dev/ to a node."""
        path = self.root / "dev" / link
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to("/".join([*[".."] * link.count("/"), name]))


def bg96(root: Path, path: str = "1-1.4", first: int = 0) -> FakeUsb:
    """Add a BG96 with its four ports and its QMI interface."""
    modem = FakeUsb(root, path, attributes={"manufacturer": "Quectel, Incorporated", "product": "Quectel BG96"})
    for number in range(4):
        modem.tty(number, f"ttyUSB{first + number}")
    qmi = modem.interface(4, "ff/ff/ff", "qmi_wwan")
    (qmi / "net/wwan0").mkdir(parents=True)
    (qmi / "usbmisc/cdc-wdm0").mkdir(parents=True)
    return modem
