"""The owners of /etc/resolv.conf that Debian packages, each laid over the guest for as long as a test lasts."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.lab import board, control, namespaces
from tests.lab.places import OWNERS, WLAN, WLAN_GATEWAY

RESOLV = Path("/etc/resolv.conf")
WIFI = f"nameserver {WLAN_GATEWAY}\n"


@contextmanager
def plain_file() -> Iterator[None]:
    """Nobody but a person owns the file."""
    RESOLV.write_text(f"# a person's own\nsearch lan\n{WIFI}options edns0\n")
    with _restored():
        yield


@contextmanager
def openresolv() -> Iterator[None]:
    """Debian's openresolv, told of Wi-Fi's server as a DHCP client does it."""
    with _restored(), _laid("openresolv"):
        try:
            namespaces.run("sh", "-c", f"echo nameserver {WLAN_GATEWAY} | resolvconf -a {WLAN}.dhcp")
            yield
        finally:
            shutil.rmtree("/run/resolvconf", ignore_errors=True)


@contextmanager
def systemd_resolved() -> Iterator[None]:
    """Debian's systemd-resolved, told of Wi-Fi's server as a DHCP client does it, and resolv.conf leading to it."""
    control.ask("bus")
    with _restored(), _laid("systemd-resolved"), ExitStack() as ending:
        # Its daemon gives up root for this user; systemd-sysusers cannot replace the guest's /etc/shadow.
        for name, entry in (("passwd", "x:993:993::/:/usr/sbin/nologin"), ("group", "x:993:")):
            accounts = Path("/etc", name)
            if "systemd-resolve:" not in accounts.read_text():
                accounts.write_text(f"{accounts.read_text()}systemd-resolve:{entry}\n")
        bus = "--system --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus"
        namespaces.run("dbus-send", *f"{bus}.ReloadConfig".split())
        namespaces.run("ip", "link", "set", "lo", "up")
        state = Path("/run/systemd/resolve")
        state.parent.mkdir(exist_ok=True)
        ending.callback(shutil.rmtree, state, ignore_errors=True)
        # Before its start: it would take the servers of a plain file for its own.
        RESOLV.unlink()
        RESOLV.symlink_to("../run/systemd/resolve/stub-resolv.conf")
        resolved = subprocess.Popen(["/lib/systemd/systemd-resolved"], stderr=subprocess.DEVNULL)
        ending.callback(resolved.wait)
        ending.callback(resolved.terminate)
        while board.run("busctl", "status", "org.freedesktop.resolve1").status:
            assert resolved.poll() is None, "systemd-resolved has ended"
        namespaces.run("resolvectl", "dns", WLAN, WLAN_GATEWAY)
        yield


@contextmanager
def _restored() -> Iterator[None]:
    """Leave the guest's own resolv.conf behind, and nothing beside it."""
    try:
        yield
    finally:
        RESOLV.unlink(missing_ok=True)
        RESOLV.write_text(WIFI)


@contextmanager
def _laid(package: str) -> Iterator[None]:
    """Lay a package's files over the guest; what stood there before must not be in its way."""
    folder = OWNERS / package
    laid: list[Path] = []
    try:
        for file in sorted(folder.rglob("*")):
            target = Path("/") / file.relative_to(folder)
            if (file.is_symlink() or not file.is_dir()) and not target.is_symlink() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target, follow_symlinks=False)
                laid.append(target)
        yield
    finally:
        for target in laid:
            target.unlink()
