"""What setup installs beside pppd's own files: udev rules, ip-up hooks, link.toml, the sample pppgen.toml."""

from pppgen.config import Link, dump_link
from pppgen.discovery import with_our_names
from pppgen.model import Device, Port
from pppgen.render import RenderedFile, udev_files
from pppgen.shipped import shipped
from pppgen.system.files import Tree

LINK = "/etc/pppgen/link.toml"
CONFIG = "/etc/pppgen/pppgen.toml"
# run-parts runs the names of a folder in order: this one behind 000resolvconf and 0000usepeerdns.
_HOOKS = ("ppp/ip-up.d/pppgen", "ppp/ip-down.d/pppgen", "ppp/ipv6-up.d/pppgen")


def shipment(tree: Tree, link: Link) -> tuple[RenderedFile, ...]:
    """Return the files that go with `link`; pppgen.toml only where there is none, for it is a person's file."""
    sample = RenderedFile(CONFIG, (shipped("etc") / "pppgen.toml").read_bytes())
    there = tree.read(CONFIG)
    if there is not None:
        # Kept in the list as it is, so that setup's manifest neither overwrites it nor takes it back.
        sample = RenderedFile(CONFIG, there.content, there.mode)
    return (
        *udev_files(link.usb_path or None, keep_modem_manager_off=True),
        *(RenderedFile(f"/etc/{name}", (shipped("etc") / name).read_bytes(), 0o755) for name in _HOOKS),
        RenderedFile(LINK, dump_link(link).encode("ascii"), 0o600, secret=True),
        sample,
    )


def device_named(device: Device, port: Port) -> str:
    """Return the port's name once our rules are installed; `--sysroot` is never part of it."""
    named = with_our_names(device)
    return next(one.stable for one, before in zip(named.ports, device.ports, strict=True) if before == port)
