"""The machine under test, seen as its owner sees it: pon, poff, ping, ip, the files in /etc and /run."""

import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pppgen.commands.shipment import shipment
from pppgen.config import Auth, Link, PdpType
from pppgen.install import install, rollback
from pppgen.modems.catalog import family_named
from pppgen.plan import Dial, make_plan
from pppgen.render import render
from pppgen.system.files import Tree
from pppgen.udev import NAMES_RULE
from tests.lab import namespaces
from tests.lab.places import WLAN, WLAN_GATEWAY, WLAN_METRIC
from tests.lab.stage import REPOSITORY

LOG = "/run/pppd.log"
ROOT = Tree(Path("/"))
USB_PATH = "1-1"


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that ended: its status and all that it said."""

    status: int
    said: str


def run(*argv: str, limit_s: float = 75) -> Ran:
    """Run a program as a person would at a prompt."""
    done = subprocess.run(
        argv, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit_s
    )
    return Ran(done.returncode, done.stdout.decode(errors="replace"))


def stable(interface: int) -> str:
    """Return our own udev link of a port."""
    return f"/dev/pppgen/{USB_PATH}-if{interface:02x}"


def name_ports() -> None:
    """Install the shipped udev rule, as setup does it."""
    target = Path("/etc/udev/rules.d") / NAMES_RULE
    if target.exists() and all(Path(stable(interface)).exists() for interface in range(4)):
        return
    shutil.copy(REPOSITORY / "etc/udev" / NAMES_RULE, target)
    run("udevadm", "control", "--reload")
    run("udevadm", "trigger", "--action=add", "--settle", *map(str, Path("/sys/class/tty").glob("ttyUSB*")))


def install_peers(
    interface: int,
    *,
    apn: str = "super",
    auth: Auth = Auth.NONE,
    user: str = "",
    password: str = "",
    guide: bool = False,
    hooks: bool = False,
) -> None:
    """Put the rendered files where pon finds them; with `hooks` pppd's ip-up hooks too, as setup does."""
    dial = Dial(apn, pdp=PdpType.IPV4, auth=auth, user=user, password=password, as_guide=guide)
    files = render(make_plan(dial, family_named("bg96"), stable(interface)))
    if hooks:
        whole = shipment(ROOT, Link("provider", apn, "bg96", stable(interface)))
        files = (*files, *(file for file in whole if file.path.startswith("/etc/ppp/")))
    install(ROOT, files, "provider", force=True)


def take_back() -> None:
    """Remove what was installed."""
    rollback(ROOT, force=True)


def pon(*arguments: str) -> Ran:
    """Bring the link up; with our peers file this returns when the link is up or has failed."""
    return run("pon", "provider", *arguments)


def poff() -> Ran:
    """End the link and wait until its pppd is gone."""
    pids = running("pppd")
    ran = run("poff")
    for pid in pids:
        await_end(pid)
    return ran


def running(name: str) -> list[int]:
    """Return the pids of the processes with this name."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/comm"):
        try:
            if entry.read_text().strip() == name:
                found.append(int(entry.parent.name))
        except OSError:
            continue  # it has just ended
    return found


def shown(pid: int) -> str:
    """Return a process with its parent, state and words; only the pid where it has just ended."""
    return run("ps", "-o", "pid=,ppid=,stat=,args=", "-p", str(pid)).said.strip() or str(pid)


def await_end(pid: int, limit_s: float = 30) -> None:
    """Wait for the end of a process that is not our child."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([fd], [], [], limit_s)[0]:
            raise TimeoutError(f"process {pid} is still there after {limit_s} s")
    finally:
        os.close(fd)


def address(interface: str = "ppp0") -> str:
    """Return the IPv4 address of an interface, empty where it has none or is not there."""
    ran = run("ip", "-j", "-4", "addr", "show", "dev", interface)
    if ran.status:
        return ""
    return next((each["local"] for link in json.loads(ran.said) for each in link.get("addr_info", ())), "")


def ping(count: int = 2, wait_s: int = 5, interface: str = "ppp0") -> Ran:
    """Ping through the interface: proves the link, not the route."""
    return run("ping", "-n", "-I", interface, "-c", str(count), "-W", str(wait_s), "8.8.8.8")


def fetch() -> str:
    """Fetch a page bound to nothing: the routing table decides; the page says which way it came."""
    return run("wget", "-q", "-T", "10", "-t", "1", "-O", "-", "http://8.8.8.8/").said.strip()


def routes() -> str:
    """Return all routes as text."""
    return run("ip", "-4", "route", "show", "table", "all").said


def await_default_route(interface: str = "ppp0") -> None:
    """Wait for the default route of our ip-up hook: pppd does not wait for its hooks, so pon may return before."""
    for _ in range(100):
        if run("ip", "-4", "route", "show", "default", "dev", interface).said.strip():
            return
    raise TimeoutError(f"no default route over {interface}:\n{routes()}")


@contextmanager
def no_default_route_over_wifi() -> Iterator[None]:
    """Be out of Wi-Fi's reach for a while."""
    route = ("default", "via", WLAN_GATEWAY, "dev", WLAN, "metric", str(WLAN_METRIC))
    namespaces.run("ip", "route", "del", *route)
    try:
        yield
    finally:
        namespaces.run("ip", "route", "add", *route)


def leftovers() -> list[str]:
    """Return what a link that has ended should not have left: processes, interface, routes, locks, pid files."""
    left = [f"pppd {pid}" for pid in running("pppd")] + [f"chat {pid}" for pid in running("chat")]
    left += [f"interface {path.name}" for path in Path("/sys/class/net").glob("ppp*")]
    left += [f"route {line}" for line in routes().splitlines() if "ppp" in line]
    left += [str(path) for path in Path("/run/lock").glob("LCK..*")]
    left += [str(path) for path in Path("/run").glob("ppp*.pid")]
    return left
