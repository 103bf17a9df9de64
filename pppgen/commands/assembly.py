"""Puts the running supervisor together: configuration, link and catalog in, bearers, doors and witnesses around it.

The only place that knows all the parts; `pppgen run` and `pppgen up` in the foreground share it. Nothing that draws or
renders is imported here: the process it makes runs for months on a small board.
"""

import fcntl
import os
import queue
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Self

from pppgen.bearers.carry import Wishes
from pppgen.bearers.dialog import Dialog
from pppgen.bearers.modem import Modem
from pppgen.bearers.ppp import PppBearer
from pppgen.bearers.protocol import Bearer
from pppgen.bearers.qmi import QmiBearer
from pppgen.bearers.qmi_parts import QmiSetup
from pppgen.bearers.run import PppSetup
from pppgen.causes import causes
from pppgen.commands.shipment import CONFIG, LINK
from pppgen.config import Auth, Config, Link, PdpType, QmiBackend, parse_config, parse_link
from pppgen.door import Door
from pppgen.errors import BadValue, NoPermission, PppgenError
from pppgen.health import Rules as HealthRules
from pppgen.hooks import Hooks
from pppgen.journal import Chronicler, Journal
from pppgen.model import BearerKind
from pppgen.modems.catalog import Ability, Family, family_named
from pppgen.policy.chronicle import Entry, Kind, Moment
from pppgen.policy.governor import BUDGETS, Budget
from pppgen.policy.record import after_damage, dump_memory, load_memory
from pppgen.policy.sentences import sentence
from pppgen.policy.state import Decided, Memory, ModemBack, ModemGone, Rules, State
from pppgen.programs.qmicli import QmicliReader
from pppgen.reports import BearerReport
from pppgen.samples import Samples
from pppgen.status import StatusFile
from pppgen.supervisor import Ask, Inbox, Leave, Supervisor, Witness
from pppgen.system import clock
from pppgen.system.files import Snapshot, Tree
from pppgen.system.notify import Notifier
from pppgen.system.routes import Routes
from pppgen.system.signals import Signals
from pppgen.system.stderr import complain
from pppgen.system.uevents import News, Uevents

STATE = "/var/lib/pppgen/state.json"
LOCK = "/run/pppgen/lock"
_HOOKS_END_S = 15.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What the two files say, and the modem's family."""

    config: Config
    link: Link
    family: Family


def read_setting(tree: Tree) -> Setting:
    """Return what setup and the person wrote.

    Raises:
        BadValue: there is no link.toml yet, or a value in one of the files is refused.
        NoPermission: link.toml holds a password and is root's.
    """
    written = tree.read(LINK)
    if written is None:
        raise BadValue(f"there is no {tree.shown(LINK)} yet", hint="sudo pppgen setup --apn YOUR_APN")
    found = tree.read(CONFIG)
    config = parse_config(text_of(found, tree.shown(CONFIG)), tree.shown(CONFIG)) if found else Config()
    link = parse_link(text_of(written, tree.shown(LINK)), tree.shown(LINK))
    return Setting(config, link, family_named(link.family))


def text_of(found: Snapshot, name: str) -> str:
    """Return a configuration file's text; `name` stands in the error.

    Raises:
        BadValue: it is not UTF-8.
    """
    try:
        return found.content.decode()
    except UnicodeDecodeError as error:
        raise BadValue(f"{name} is not UTF-8", hint=f"edit {name}") from error


def rules_of(setting: Setting, available: Mapping[BearerKind, object]) -> Rules:
    """Return what the policy goes by: the order holds only bearers that this modem and this pppgen have."""
    config, family = setting.config, setting.family
    able = {BearerKind.QMI: family.qmi, BearerKind.PPP: family.ppp}
    order = tuple(kind for kind in config.bearers if kind in available and able[kind] is not Ability.NO)
    if not order:
        names = ", ".join(config.bearers)
        raise BadValue(
            f"none of the configured bearers ({names}) is possible with {family.title}",
            hint=f"bearers = … in {CONFIG}",
        )
    return Rules(
        order=order,
        failback_after_s=config.failback_after.s,
        repair=config.qmi.repair,
        budget=BUDGETS[config.attempts.profile],
        seed=setting.link.imei or setting.link.usb_path or setting.link.device,
        patience_s=config.traffic.patience.s,
    )


def bearers_of(
    setting: Setting, modem: Modem, report: Callable[[BearerReport], None], root: Path
) -> Mapping[BearerKind, Bearer]:
    """Return the bearers that this pppgen has, ready to start."""
    config, link = setting.config, setting.link
    wishes = Wishes(
        metric=config.metric,
        primary=config.primary,
        manage_dns=config.dns.manage,
        targets=config.traffic.targets,
        rules=HealthRules(patience_s=config.traffic.patience.s, idle_s=config.traffic.idle.s),
    )
    options = (
        "lcp-echo-interval",
        f"{config.ppp.lcp_echo_interval.s:.0f}",
        "lcp-echo-failure",
        str(config.ppp.lcp_echo_failure),
    )
    ppp = PppBearer(
        PppSetup(link.provider, wishes, options, folder=root / "run/pppgen"),
        report,
        ports=modem.ports,
        holder=modem.holder,
        worked=modem.worked,
        radio=modem,
    )
    if not link.usb_path:
        return {BearerKind.PPP: ppp}
    qmi = QmiBearer(
        QmiSetup(
            link.apn,
            config.qmi.backend,
            config.qmi.addressing,
            config.qmi.repair,
            # Credentials stand in the modem's own profile: on a command line everybody could read them.
            profile=link.cid if link.auth is not Auth.NONE else None,
            family=6 if link.pdp_type is PdpType.IPV6 else 4,
            usb_interface=modem.qmi_interface(),
            wishes=wishes,
            folder=root / "run/pppgen",
        ),
        report,
        device=modem.device,
        radio=modem,
        free=modem.free_context,
        login=modem.login,
    )
    return {BearerKind.QMI: qmi, BearerKind.PPP: ppp}


def moment() -> Moment:
    """Return what all clocks say now."""
    return Moment(time.time(), clock.boottime(), _boot())


@cache
def _boot() -> str:
    return clock.reading().boot_id[:8]


class Store:
    """The policy's memory on the disk."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def load(self, budget: Budget) -> Memory:
        """Return what was remembered; a damaged file is said, and costs all but one round of the budget."""
        now = clock.reading()
        found = self._tree.read(STATE)
        if found is None:
            return Memory()
        try:
            return load_memory(found.content.decode(), now)
        except ValueError as error:
            complain(f"pppgen: {self._tree.shown(STATE)} is damaged, so the budget starts spent: {error}")
            return after_damage(budget, now)

    def save(self, memory: Memory) -> None:
        """Write the memory; when this returns it is on the disk, or it was said that it cannot be."""
        content = dump_memory(memory, clock.reading()).encode()
        try:
            for directory in self._tree.missing_directories(STATE):
                self._tree.make_directory(directory)
            self._tree.stage(STATE, Snapshot(content, 0o600, *self._tree.owner_of("root")))
            self._tree.commit(STATE)
        except (OSError, PppgenError) as error:
            # A full or read-only card: a link without a memory is better than none, and this process still counts.
            complain(f"pppgen: {self._tree.shown(STATE)} cannot be written: {error}")


class Teller:
    """A witness that hands each decision's sentence on, to systemd and to whoever wants the last word."""

    def __init__(self, notifier: Notifier, stopped: Callable[[], None] | None = None) -> None:
        self._notifier = notifier
        self._stopped = stopped

    def reported(self, report: BearerReport, now: float) -> None:
        """Only decisions are told."""

    def decided(self, decision: Decided, state: State, now: float) -> None:  # noqa: ARG002 -- the state says it all
        """Tell systemd where the link stands; tell of the end of a link that nobody wants any more."""
        self._notifier.status(sentence(state.phase, now))
        if self._stopped is not None and not state.wanted:
            self._stopped()


class Running:
    """A supervisor with everything around it; a context manager that holds the one place on this machine.

    `bearers` stand in for the machine's own in a demonstration or a test. `takers` are handed each event. With
    `ends_with_link` it leaves when somebody asked for the link to end: a foreground run.
    """

    def __init__(
        self,
        tree: Tree,
        sysroot: Path = Path("/"),
        *,
        setting: Setting | None = None,
        bearers: Callable[[Callable[[BearerReport], None]], Mapping[BearerKind, Bearer]] | None = None,
        takers: tuple[Callable[[Entry], None], ...] = (),
        witnesses: tuple[Witness, ...] = (),
        notifier: Notifier | None = None,
        ends_with_link: bool = False,
    ) -> None:
        self.tree = tree
        self.setting = setting or read_setting(tree)
        self._lock = take_place(tree)
        self.inbox: Inbox = queue.SimpleQueue()
        modem = Modem(self.setting.link, sysroot=sysroot, root=tree.root)
        if bearers is None:
            _warm(self.setting.config)
        made = bearers(self.inbox.put) if bearers else bearers_of(self.setting, modem, self.inbox.put, tree.root)
        rules = rules_of(self.setting, made)
        self._store = Store(tree)
        self._notifier = notifier or Notifier({})
        self._uevents = self._watch_usb() if bearers is None else None
        # Only a USB modem's coming back would be told, so only of one is it asked whether it is there.
        present = bearers is not None or not self.setting.link.usb_path or modem.device() is not None
        if self._uevents is not None:
            self._uevents.gone = not present
        self._journal = Journal(tree, moment)
        self._status = StatusFile(tree, moment, lambda: self.supervisor.state)
        self._hooks = Hooks(tree, self.setting.config.hook_timeout.s, lambda text: complain(f"hooks: {text}"))
        self._door = Door(tree, self.inbox, describe=self._status.answer, log=self._asked)
        teller = Teller(self._notifier, (lambda: self.leave(keep=False)) if ends_with_link else None)
        self.signal: int | None = None
        self._signals: Signals | None = None
        self._chronicler = Chronicler(moment, self._journal.write, self._door.publish, *takers)
        self.supervisor = Supervisor(
            State(rules, memory=self._store.load(rules.budget), present=present),
            {kind: made[kind] for kind in rules.order},
            inbox=self.inbox,
            clock=clock.boottime,
            remember=self._store.save,
            witnesses=(self._chronicler, self._status, self._hooks, Samples(tree, moment), teller, *witnesses),
            breathe=self._notifier.alive,
            breath_s=self._notifier.breath_s,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._signals is not None:
            self._signals.close()
        self._door.close()
        self._status.remove()
        self._journal.close()
        self._notifier.close()
        os.close(self._lock)

    def serve(self, *, up: bool) -> None:
        """Adopt what is there, open the doors, and keep the link until somebody says `leave`."""
        self._chronicler.tell(Entry(Kind.RUN, moment(), text=f"the supervisor starts, pid {os.getpid()}"))
        self._hooks.start()
        self._door.start()
        if self._uevents is not None:
            self._uevents.start()
        adopted = self.supervisor.adopt()
        self._status.write()
        self._notifier.ready("a link was adopted" if adopted else "ready")
        try:
            self.supervisor.run(up=up)
        finally:
            self._notifier.stopping()
            self._hooks.finish(_HOOKS_END_S)
            self._chronicler.tell(Entry(Kind.RUN, moment(), text="the supervisor ends"))

    def leave(self, *, keep: bool) -> None:
        """End, from any thread; `keep` leaves the link for the next supervisor."""
        self.inbox.put(Leave(keep))

    def heed_signals(self, *, hup_keeps: bool) -> None:
        """TERM and INT end the link and us; with `hup_keeps` HUP ends only us, and the next start adopts the link."""

        def heed(number: signal.Signals) -> None:
            self.signal = number
            self.leave(keep=hup_keeps and number == signal.SIGHUP)

        self._signals = Signals((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), heed)

    def _watch_usb(self) -> Uevents | None:
        usb_path = self.setting.link.usb_path
        if not usb_path:
            return None
        try:
            return Uevents(usb_path, lambda news: self.inbox.put(ModemGone() if news is News.GONE else ModemBack()))
        except OSError as error:  # a container without netlink: an unplugged modem is then seen by its bearer
            complain(f"pppgen: the kernel does not tell of USB here: {error}")
            return None

    def _asked(self, words: str) -> None:
        """Note a request; called by the door's thread, so it goes through the inbox like all else."""
        entry = Entry(Kind.ASKED, moment(), text=words)
        self.inbox.put(Ask(lambda _: None, lambda _before, _after, _now: self._chronicler.tell(entry)))


def _warm(config: Config) -> None:
    """Import pyroute2, compile what the programs may say, and read what people are told of a failure.

    That takes a while: now, before anybody is told that we are ready, and not when a person waits for the first link,
    or a lost one for the other bearer.
    """
    Routes().close()
    causes()
    if BearerKind.PPP in config.bearers:
        Dialog()
    if BearerKind.QMI in config.bearers and config.qmi.backend is QmiBackend.LIBQMI:
        QmicliReader()


def asked_for(setting: Setting, kind: BearerKind | None, *, primary: bool) -> Setting:
    """Return the setting as a foreground run was asked for it."""
    config = replace(setting.config, primary=primary or setting.config.primary)
    return replace(setting, config=replace(config, bearers=(kind,)) if kind else config)


def take_place(tree: Tree) -> int:
    """Return the descriptor whose lock makes this the only supervisor; the kernel frees it, however we end.

    Raises:
        NoPermission: /run/pppgen is root's.
        PppgenError: another supervisor is running.
    """
    path = Path(tree.shown(LOCK))
    try:
        with suppress(FileExistsError):
            path.parent.mkdir(parents=True)
            path.parent.chmod(0o755)  # whatever the umask: the status there is for everybody
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)  # whoever may open it may hold it, and keep every supervisor out
    except OSError as error:
        raise NoPermission(f"{path}: {error.strerror}", hint="run it with sudo") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise PppgenError("another supervisor is running", hint="pppgen status\nsudo systemctl stop pppgen") from error
    return descriptor
