"""What only the running system can tell doctor: kernel, supply, NetworkManager, pppd, routes, name servers, clock."""

import os

from pppgen.commands.doctor_place import ELSEWHERE, SUDO, Place
from pppgen.config import Link
from pppgen.doctor.facts import DryRun, Kernel, ManagedDevice, Missing, Resolver, RouteSeen, Time
from pppgen.errors import MissingProgram
from pppgen.system import clock, kernel, network_manager
from pppgen.system import link as net_link
from pppgen.system.dns import Dns
from pppgen.system.pppd import dry_run, installed_pppd
from pppgen.system.routes import Routes

_DRIVERS = ("ppp_generic", "ppp_async", "option", "qmi_wwan")


def read_kernel(place: Place) -> Kernel | Missing:
    """Return the drivers that are there or could be loaded."""
    if not place.runs:
        return ELSEWHERE
    return Kernel(
        kernel.release(), kernel.present_drivers(_DRIVERS), kernel.loadable_drivers(_DRIVERS), kernel.is_replaced()
    )


def read_throttled(place: Place) -> int | Missing:
    """Return what a Raspberry Pi measured of its supply."""
    if not place.runs:
        return ELSEWHERE
    if not kernel.is_raspberry_pi():
        return Missing("only a Raspberry Pi measures its supply", skip=True)
    bits = kernel.throttled()
    return Missing("the firmware does not tell", "vcgencmd get_throttled") if bits is None else bits


def read_log(place: Place) -> tuple[str, ...] | Missing:
    """Return the kernel's log."""
    return tuple(kernel.kernel_log()) if place.runs else ELSEWHERE


def read_managed(place: Place) -> tuple[ManagedDevice, ...] | Missing:
    """Return NetworkManager's devices."""
    if not place.runs:
        return ELSEWHERE
    try:
        found = network_manager.devices()
    except MissingProgram:
        return Missing("it is not installed", skip=True)
    return Missing("it does not run", skip=True) if found is None else tuple(ManagedDevice(*row) for row in found)


def read_pppd(place: Place) -> tuple[int, ...] | Missing:
    """Return the installed pppd's version, nothing where there is none."""
    if not place.runs:
        return ELSEWHERE
    if version := installed_pppd():
        return version
    folders = ("/usr/sbin", "/sbin", "/usr/bin", "/usr/local/sbin")
    if os.geteuid() and any(os.path.lexists(f"{folder}/pppd") for folder in folders):
        return Missing("only root and the group dip may run it", SUDO)  # Debian's mode of it is 4754
    return ()


def run_dry(place: Place, link: Link | Missing) -> DryRun | Missing:
    """Let pppd read the peers file; it ends before it opens a port."""
    if not place.own:
        return ELSEWHERE
    if isinstance(link, Missing):
        return link
    if os.geteuid():
        return Missing("only root's pppd reads its files", SUDO)
    done = dry_run(link.provider)
    return DryRun(link.provider, done.status, tuple(line for line in done.output.splitlines() if line.strip()))


def read_routes(place: Place) -> tuple[RouteSeen, ...] | Missing:
    """Return the default routes, those in use first."""
    if not place.runs:
        return ELSEWHERE
    with Routes() as table:
        return tuple(
            RouteSeen(one.family, one.interface, one.metric, one.gateway, one.ours) for one in table.defaults()
        )


def read_resolver(place: Place, *, supervised: bool) -> Resolver | Missing:
    """Return who owns resolv.conf, and which of our links it still knows though they are gone."""
    if not place.own:
        return ELSEWHERE
    dns = Dns(place.root)
    lines = [line.split() for line in dns.facts().text.splitlines()]
    servers = tuple(words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1)
    orphans = () if supervised else tuple(name for name in dns.known() if not net_link.exists(name))
    return Resolver(dns.owner(), servers, orphans)


def read_time(place: Place) -> Time | Missing:
    """Return the clock, and whether somebody set it from the network."""
    if not place.runs:
        return ELSEWHERE
    now = clock.reading()
    return Time(now.wall, now.trusted)
