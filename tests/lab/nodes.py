"""The modem's device nodes on the host's side, as the kernel and udev have named them now."""

from pathlib import Path

from tests.lab import namespaces

WDM, WWAN = Path("/dev/cdc-wdm0"), Path("/sys/class/net/wwan0")


def by_path(interface: int) -> Path:
    """Return udev's name of a port by where it is plugged in."""
    return Path(f"/dev/serial/by-path/platform-dummy_hcd.0-usb-0:1:1.{interface}-port0")


def fresh_wwan() -> None:
    """Bring wwan0 back as the driver made it: down, no address, Ethernet."""
    raw_ip = WWAN / "qmi/raw_ip"
    if int((WWAN / "flags").read_text(), 16) & 1 or raw_ip.read_text().strip() == "Y":
        namespaces.run_ip(f"addr flush dev {WWAN.name}", f"link set {WWAN.name} down")
        raw_ip.write_text("N")


def tty_of(interface: int) -> Path:
    """Return the host's node of an interface, as the kernel numbered it now."""
    found = list(Path(f"/sys/bus/usb/devices/1-1:1.{interface}").glob("ttyUSB*"))
    if not found:
        raise RuntimeError(f"interface {interface} has no ttyUSB node now")
    return Path("/dev") / found[0].name
