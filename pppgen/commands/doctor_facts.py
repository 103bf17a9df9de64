"""Reads what doctor judges, all readers side by side; each is a small function and none changes anything.

A tree of another machine (`--sysroot`, `--root`) tells of its ports and files; what only a running system can tell is
`skip` there, never this machine's.
"""

import os
import time as wall_clock
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from pppgen import journal, status
from pppgen.at.client import Client
from pppgen.at.reading import Reading, read_modem, words
from pppgen.commands.assembly import STATE
from pppgen.commands.probe import look
from pppgen.commands.shipment import CONFIG, LINK
from pppgen.commands.survey import Survey, survey
from pppgen.config import Config, Link, parse_config, parse_link
from pppgen.doctor.facts import (
    Asked,
    DryRun,
    Facts,
    Failure,
    FileSeen,
    FileState,
    Frames,
    Kernel,
    ManagedDevice,
    Missing,
    OptionLine,
    Past,
    QmiPort,
    Resolver,
    RouteSeen,
    SecretFile,
    Standing,
    Time,
)
from pppgen.errors import MissingProgram, NoModem, NoPermission, NotRunning, PppgenError
from pppgen.lease_cause import Framing
from pppgen.manifest import MANIFEST, Manifest, digest, parse_manifest
from pppgen.model import Device, Registration, RegistrationStat, Signal
from pppgen.modems.catalog import family_for
from pppgen.plan import PROVIDER, chat_path, secret_path
from pppgen.policy.chronicle import Entry, Kind
from pppgen.policy.governor import BUDGETS
from pppgen.policy.record import load_memory
from pppgen.system import clock, kernel, network_manager, qmi_look
from pppgen.system import link as net_link
from pppgen.system.dns import Dns
from pppgen.system.files import Tree
from pppgen.system.pppd import dry_run, installed_pppd
from pppgen.system.providers import read_providers
from pppgen.system.routes import Routes
from pppgen.system.tty import open_tty
from pppgen.udev import MODEM_MANAGER_RULE

_T = TypeVar("_T")

ANSWER_S = 2.0
"""How long the modem may take for one answer; two silences in a row end the reading."""
_DAY_S = 86400.0
_DRIVERS = ("ppp_generic", "ppp_async", "option", "qmi_wwan")
_ELSEWHERE = Missing("another machine's tree: only the running system can tell", skip=True)
_OPTIONS = "/etc/ppp/options"
_SECRETS = ("/etc/ppp/pap-secrets", "/etc/ppp/chap-secrets")
_SUDO = "sudo pppgen doctor"
_KERNEL = {True: Framing.RAW_IP, False: Framing.ETHERNET, None: Framing.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look. `runs` is whether sys/ and dev/ are this system's own, `own` whether etc/ and var/ are too."""

    sysroot: Path = Path("/")
    root: Path = Path("/")

    @property
    def runs(self) -> bool:
        """Whether the kernel, its devices and processes may be asked."""
        return self.sysroot.resolve() == Path("/")

    @property
    def own(self) -> bool:
        """Whether the files are those that the running programs use."""
        return self.runs and self.root.resolve() == Path("/")

    @property
    def tree(self) -> Tree:
        """The files."""
        return Tree(self.root)


def known(read: Callable[[], _T | Missing]) -> _T | Missing:
    """Return what a reader found, or why it could not: a fact that is refused is unknown, not a fault of ours."""
    try:
        return read()
    except _Skipped as error:
        return Missing(str(error), skip=True)
    except NoPermission as error:
        return Missing(error.message, _SUDO if os.geteuid() else error.hint)
    except PermissionError as error:
        return Missing(f"{error.filename or 'it'}: {error.strerror}", _SUDO)
    except PppgenError as error:
        return Missing(error.message, error.hint)
    except OSError as error:
        return Missing(str(error))


def gather(place: Place) -> Facts:
    """Return every fact; it lasts as long as the slowest reader, usually the modem."""
    link, config = known(lambda: read_link(place)), known(lambda: read_config(place))
    seen = survey(place.sysroot)
    provider = link.provider if isinstance(link, Link) else PROVIDER
    device = _chosen(seen, link)
    heard = known(lambda: read_heard(place))
    supervised = not (isinstance(heard, Missing) and heard.skip)
    with ThreadPoolExecutor(max_workers=12) as pool:
        asked = pool.submit(known, lambda: ask_modem(place, seen, device))
        qmi = pool.submit(known, lambda: ask_qmi(place, seen, device))
        ran = pool.submit(known, lambda: run_dry(place, link))
        kernel_facts = pool.submit(known, lambda: read_kernel(place))
        throttled = pool.submit(known, lambda: read_throttled(place))
        log = pool.submit(known, lambda: read_log(place))
        managed = pool.submit(known, lambda: read_managed(place))
        pppd = pool.submit(known, lambda: read_pppd(place))
        routes = pool.submit(known, lambda: read_routes(place))
        resolver = pool.submit(known, lambda: read_resolver(place, supervised=supervised))
        past = pool.submit(known, lambda: read_past(place))
        framing, port = _sides(qmi.result())
        return Facts(
            board=seen.board,
            found=seen.found,
            supervised=supervised,
            link=link,
            config=config,
            kernel=kernel_facts.result(),
            throttled=throttled.result(),
            kernel_log=log.result(),
            asked=asked.result(),
            heard=heard,
            modem_manager=seen.modem_manager if place.runs else _ELSEWHERE,
            modem_manager_rule=os.path.lexists(place.tree.shown(f"/etc/udev/rules.d/{MODEM_MANAGER_RULE}")),
            network_manager=managed.result(),
            providers=read_providers(place.sysroot),
            framing=framing,
            qmi=port,
            pppd=pppd.result(),
            options=known(lambda: read_options(place)),
            files=known(lambda: read_files(place)),
            dry_run=ran.result(),
            secrets=known(lambda: read_secrets(place, provider)),
            routes=routes.result(),
            resolver=resolver.result(),
            time=read_time(place),
            standing=known(lambda: read_standing(place, config)),
            past=past.result(),
        )


# --- what we wrote -------------------------------------------------------------------------------------------------


def read_link(place: Place) -> Link | Missing:
    """Return setup's link.toml."""
    found = place.tree.read(LINK)
    if found is None:
        return Missing("setup has not run here yet", "sudo pppgen setup --apn YOUR_APN", skip=True)
    return parse_link(found.content.decode(errors="replace"), place.tree.shown(LINK))


def read_config(place: Place) -> Config | Missing:
    """Return the person's pppgen.toml, or the defaults where there is none."""
    found = place.tree.read(CONFIG)
    return Config() if found is None else parse_config(found.content.decode(errors="replace"), place.tree.shown(CONFIG))


def read_files(place: Place) -> tuple[FileSeen, ...]:
    """Return every file of the manifest and how it is now; pppgen.toml is a person's and never wrong here."""
    found = place.tree.read(MANIFEST)
    manifest = Manifest() if found is None else parse_manifest(found.content, place.tree.shown(MANIFEST))
    return tuple(
        FileSeen(entry.path, _state(place.tree, entry.path, entry.known))
        for entry in manifest.entries
        if entry.path != CONFIG
    )


def _state(tree: Tree, path: str, digests: frozenset[str]) -> FileState:
    try:
        found = tree.read(path)
    except NoPermission:
        return FileState.UNREADABLE
    if found is None:
        return FileState.GONE
    return FileState.SAME if digest(found.content) in digests else FileState.EDITED


def read_secrets(place: Place, provider: str) -> tuple[SecretFile, ...]:
    """Return the modes of the files with passwords; a chat script is one when a line of it is hidden from its log."""
    paths = [path for path in (LINK, secret_path(provider), *_SECRETS) if os.path.lexists(place.tree.shown(path))]
    script = chat_path("connect", provider)
    try:
        found = place.tree.read(script)
    except NoPermission:
        found = None
    if found is not None and b"\\q" in found.content:
        paths.append(script)
    return tuple(_mode(place.tree, path) for path in paths)


def _mode(tree: Tree, path: str) -> SecretFile:
    found = Path(tree.shown(path)).lstat()
    # A tree that is not the system's own belongs to whoever made it.
    return SecretFile(path, found.st_mode & 0o7777, of_root=found.st_uid in {0, os.geteuid()})


def read_options(place: Place) -> tuple[OptionLine, ...]:
    """Return the lines of /etc/ppp/options that are no comment."""
    found = place.tree.read(_OPTIONS)
    lines = found.content.decode(errors="replace").splitlines() if found else []
    return tuple(OptionLine(_OPTIONS, line.strip()) for line in lines if line.strip() and line.lstrip()[0] != "#")


def read_standing(place: Place, config: Config | Missing) -> Standing | Missing:
    """Return the governor's ledger, translated to this boot's clock."""
    if isinstance(config, Missing):
        return config
    if not place.own:
        return _ELSEWHERE
    budget, now = BUDGETS[config.attempts.profile], clock.reading()
    found = place.tree.read(STATE)
    if found is None:
        return Missing("nothing was dialled here yet", skip=True)
    try:
        memory = load_memory(found.content.decode(errors="replace"), now)
    except ValueError as error:
        return Missing(f"{place.tree.shown(STATE)} is damaged, so the budget starts spent: {error}")
    return Standing(memory.ledger, budget, now.boottime)


def read_past(place: Place) -> Past:
    """Return the failures of the last day and whether a link came up after them."""
    failed: list[Entry] = []
    up_since = ever = False
    now = wall_clock.time()
    for entry in journal.read(place.tree):
        ever = True
        if entry.kind is Kind.UP:
            up_since = True
        elif entry.kind is Kind.FAILED and entry.reason and entry.bearer and now - entry.at.wall < _DAY_S:
            failed.append(entry)
            up_since = False
    return Past(tuple(_failures(reversed(failed), now)), up_since, ever)


def _failures(entries: Iterator[Entry], now: float) -> Iterator[Failure]:
    for entry in entries:
        if entry.bearer and entry.reason:
            yield Failure(max(0.0, now - entry.at.wall), entry.bearer, entry.reason, entry.step)


def read_heard(place: Place) -> Reading | Missing:
    """Return what the running supervisor heard of the modem last; `skip` where none runs."""
    if not place.own:
        return _ELSEWHERE
    try:
        found = status.read(place.tree)
    except NotRunning as error:
        return Missing(error.message, skip=True)
    return heard_in(found)


def heard_in(found: Mapping[str, Any]) -> Reading | Missing:
    """Return signal and registrations of a supervisor's status."""
    signal = Signal(**{one.name: found["signal"][one.name] for one in fields(Signal)})
    stats = tuple(
        Registration(one["domain"], RegistrationStat(one["stat"]), act=one["act"]) for one in found["registrations"]
    )
    if not (signal.usable or stats):
        return Missing("the supervisor has heard nothing of the modem yet")
    return Reading(signal=signal, signal_known=signal.usable, rat=signal.rat, registrations=stats)


# --- the modem -----------------------------------------------------------------------------------------------------


def _chosen(seen: Survey, link: Link | Missing) -> Device | None:
    """Return the modem that setup chose, else the likeliest one."""
    wanted = link.usb_path if isinstance(link, Link) else ""
    devices = sorted(seen.found.devices, key=lambda device: not wanted or device.usb_path != wanted)
    return devices[0] if devices else None


def ask_modem(place: Place, seen: Survey, device: Device | None) -> Asked | Missing:
    """Find the port that speaks AT and read the modem there; a port that another process holds is not touched."""
    if device is None or not device.ports:
        return Missing("no modem to ask", skip=True)
    # One modem of several is asked alone; where setup chose none, every candidate is.
    names = tuple(port.device for port in device.ports) if device.usb_path else ()
    # A port in data mode is left in it: bringing it back would end a call.
    report = look(place.sysroot, place.root, names, whole=False, recover=False)
    if isinstance(report.error, NoModem):
        return Missing("no modem to ask", skip=True)
    modem = report.outcome.modem
    if modem is None:
        return Asked(report.outcome, report.error)
    found = next((one for one in seen.found.devices if modem.at.device in {port.device for port in one.ports}), device)
    family = family_for(found.vid, found.pid, " ".join(modem.said))

    def read() -> Reading:
        with open_tty(modem.at.device) as tty:
            return read_modem(Client(tty, monotonic).ask, family, ANSWER_S)

    reading = known(read)
    if isinstance(reading, Reading):
        family = family_for(found.vid, found.pid, words(reading.identity) or " ".join(modem.said))
    return Asked(report.outcome, report.error, modem, found, family, reading)


def ask_qmi(place: Place, seen: Survey, device: Device | None) -> tuple[Frames | Missing, QmiPort]:
    """Ask the QMI port for its frames, unless somebody other than the shared proxy holds it."""
    if not place.runs:
        raise _Skipped(_ELSEWHERE.why)
    if device is None or not device.wdm:
        raise _Skipped("the modem has no QMI port")
    node, interface = device.wdm[0], next(iter(device.net), "")
    holder = seen.found.usage.holder_of(node)
    if holder and holder.name != "qmi-proxy":
        raise PppgenError(f"{node} is held by {holder.name} (pid {holder.pid}), so it is not asked")
    if os.geteuid() and not os.access(node, os.R_OK | os.W_OK):
        raise NoPermission(f"{node} may not be opened")
    numbers = (one.number for usb in seen.board.usb for one in usb.interfaces if node in one.wdm)
    heard = qmi_look.ask_framing(node, next(numbers, None))
    port = QmiPort(node, heard.answers, heard.said)
    if not interface:
        return Missing("the modem has no QMI network interface", skip=True), port
    sides = Frames(
        interface,
        kernel=_KERNEL[net_link.raw_ip(interface)],
        modem=heard.framing,
        driver=qmi_look.driver(interface),
        addressed=qmi_look.has_address(interface),
    )
    return sides, port


class _Skipped(Exception):
    """The question makes no sense here."""


def _sides(found: tuple[Frames | Missing, QmiPort] | Missing) -> tuple[Frames | Missing, QmiPort | Missing]:
    return (found, found) if isinstance(found, Missing) else found


# --- the running system --------------------------------------------------------------------------------------------


def read_kernel(place: Place) -> Kernel | Missing:
    """Return the drivers that are there or could be loaded."""
    if not place.runs:
        return _ELSEWHERE
    return Kernel(
        kernel.release(), kernel.present_drivers(_DRIVERS), kernel.loadable_drivers(_DRIVERS), kernel.is_replaced()
    )


def read_throttled(place: Place) -> int | Missing:
    """Return what a Raspberry Pi measured of its supply."""
    if not place.runs:
        return _ELSEWHERE
    if not kernel.is_raspberry_pi():
        return Missing("only a Raspberry Pi measures its supply", skip=True)
    bits = kernel.throttled()
    return Missing("the firmware does not tell", "vcgencmd get_throttled") if bits is None else bits


def read_log(place: Place) -> tuple[str, ...] | Missing:
    """Return the kernel's log."""
    return tuple(kernel.kernel_log()) if place.runs else _ELSEWHERE


def read_managed(place: Place) -> tuple[ManagedDevice, ...] | Missing:
    """Return NetworkManager's devices."""
    if not place.runs:
        return _ELSEWHERE
    try:
        found = network_manager.devices()
    except MissingProgram:
        return Missing("it is not installed", skip=True)
    return Missing("it does not run", skip=True) if found is None else tuple(ManagedDevice(*row) for row in found)


def read_pppd(place: Place) -> tuple[int, ...] | Missing:
    """Return the installed pppd's version, nothing where there is none."""
    if not place.runs:
        return _ELSEWHERE
    if version := installed_pppd():
        return version
    folders = ("/usr/sbin", "/sbin", "/usr/bin", "/usr/local/sbin")
    if os.geteuid() and any(os.path.lexists(f"{folder}/pppd") for folder in folders):
        return Missing("only root and the group dip may run it", _SUDO)  # Debian's mode of it is 4754
    return ()


def run_dry(place: Place, link: Link | Missing) -> DryRun | Missing:
    """Let pppd read the peers file; it ends before it opens a port."""
    if not place.own:
        return _ELSEWHERE
    if isinstance(link, Missing):
        return link
    if os.geteuid():
        return Missing("only root's pppd reads its files", _SUDO)
    done = dry_run(link.provider)
    return DryRun(link.provider, done.status, tuple(line for line in done.output.splitlines() if line.strip()))


def read_routes(place: Place) -> tuple[RouteSeen, ...] | Missing:
    """Return the default routes, those in use first."""
    if not place.runs:
        return _ELSEWHERE
    with Routes() as table:
        return tuple(
            RouteSeen(one.family, one.interface, one.metric, one.gateway, one.ours) for one in table.defaults()
        )


def read_resolver(place: Place, *, supervised: bool) -> Resolver | Missing:
    """Return who owns resolv.conf, and which of our links it still knows though they are gone."""
    if not place.own:
        return _ELSEWHERE
    dns = Dns(place.root)
    lines = [line.split() for line in dns.facts().text.splitlines()]
    servers = tuple(words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1)
    orphans = () if supervised else tuple(name for name in dns.known() if not net_link.exists(name))
    return Resolver(dns.owner(), servers, orphans)


def read_time(place: Place) -> Time | Missing:
    """Return the clock, and whether somebody set it from the network."""
    if not place.runs:
        return _ELSEWHERE
    now = clock.reading()
    return Time(now.wall, now.trusted)
