"""What setup installs beside pppd's own files: the udev rules, the link's description, the sample configuration."""

from pppgen.config import Link, dump_link
from pppgen.discovery import with_our_names
from pppgen.model import Device, Port
from pppgen.render import RenderedFile
from pppgen.shipped import shipped
from pppgen.system.files import Tree
from pppgen.udev import modem_manager_rule

LINK = "/etc/pppgen/link.toml"
CONFIG = "/etc/pppgen/pppgen.toml"
RULES = "/etc/udev/rules.d"

# shipped file -> where it goes, and its mode
_FILES = {"udev/70-pppgen.rules": (f"{RULES}/70-pppgen.rules", 0o644)}


def shipment(tree: Tree, link: Link) -> tuple[RenderedFile, ...]:
    """Return the files that go with `link`; pppgen.toml only where there is none, for it is a person's file."""
    files = [RenderedFile(path, (shipped("etc") / name).read_bytes(), mode) for name, (path, mode) in _FILES.items()]
    if link.usb_path:
        rule = modem_manager_rule(link.usb_path).encode("ascii")
        files.append(RenderedFile(f"{RULES}/78-pppgen-modemmanager.rules", rule))
    files.append(RenderedFile(LINK, dump_link(link).encode("ascii"), 0o600, secret=True))
    sample = RenderedFile(CONFIG, (shipped("etc") / "pppgen.toml").read_bytes())
    there = tree.read(CONFIG)
    if there is not None:
        # Kept in the list as it is, so that setup's manifest neither overwrites it nor takes it back.
        sample = RenderedFile(CONFIG, there.content, there.mode)
    return (*files, sample)


def device_named(device: Device, port: Port) -> str:
    """Return the port's name once our rules are installed; `--sysroot` is never part of it."""
    named = with_our_names(device)
    return next(one.stable for one, before in zip(named.ports, device.ports, strict=True) if before == port)
