"""What setup installs beside pppd's own files: the udev rules, the link's description, the sample configuration."""

from pppgen.config import Link, dump_link
from pppgen.discovery import with_our_names
from pppgen.model import Device, Port
from pppgen.render import RenderedFile, udev_files
from pppgen.shipped import shipped
from pppgen.system.files import Tree

LINK = "/etc/pppgen/link.toml"
CONFIG = "/etc/pppgen/pppgen.toml"


def shipment(tree: Tree, link: Link) -> tuple[RenderedFile, ...]:
    """Return the files that go with `link`; pppgen.toml only where there is none, for it is a person's file."""
    sample = RenderedFile(CONFIG, (shipped("etc") / "pppgen.toml").read_bytes())
    there = tree.read(CONFIG)
    if there is not None:
        # Kept in the list as it is, so that setup's manifest neither overwrites it nor takes it back.
        sample = RenderedFile(CONFIG, there.content, there.mode)
    return (
        *udev_files(link.usb_path or None, keep_modem_manager_off=True),
        RenderedFile(LINK, dump_link(link).encode("ascii"), 0o600, secret=True),
        sample,
    )


def device_named(device: Device, port: Port) -> str:
    """Return the port's name once our rules are installed; `--sysroot` is never part of it."""
    named = with_our_names(device)
    return next(one.stable for one, before in zip(named.ports, device.ports, strict=True) if before == port)
