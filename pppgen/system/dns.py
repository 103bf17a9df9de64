"""Tells the owner of /etc/resolv.conf about a link's name servers, and takes them back.

Before anything is told, a note below /run/pppgen names the owner that will know: a start after kill -9 can untell it.
The note and the owners' own state live in /run and end with a reboot; a block in a plain file carries its own mark.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pppgen.errors import NoPermission, PppgenError
from pppgen.resolver import (
    INTERFACE,
    MECHANISMS,
    TEXT_BOUND,
    Command,
    Owner,
    ResolverFacts,
    Told,
    blocks,
    owner,
    telling,
    untelling,
    usable,
    with_block,
    without_block,
)
from pppgen.system.spawn import Completed, run

_COMMAND_S = 5.0
_NOTES = "run/pppgen/dns"

Runner = Callable[[Command], Completed]


def run_command(command: Command) -> Completed:
    """Run one command of a mechanism on this machine."""
    return run(command.argv, _COMMAND_S, command.given.encode())


@dataclass(frozen=True, slots=True)
class Dns:
    """The name servers of this machine; `root` is where etc/ and run/ lie."""

    root: Path = Path("/")
    runner: Runner = run_command

    def owner(self) -> Owner:
        """Return who owns resolv.conf now."""
        return owner(self.facts())

    def facts(self) -> ResolverFacts:
        """Return what tells who owns resolv.conf; no program is run for it."""
        resolv = self.root / "etc/resolv.conf"
        text = _read(resolv)
        target = os.path.normpath(Path("/etc") / resolv.readlink()) if resolv.is_symlink() else "/etc/resolv.conf"
        return ResolverFacts(
            target=target,
            text=text,
            # It ends with the daemon, where the file below the same folder may outlive it.
            resolved_runs=(self.root / "run/systemd/resolve/io.systemd.Resolve").exists(),
            # /proc is only read through where the answer matters.
            network_manager_runs="networkmanager" in (text + target).lower() and _runs("NetworkManager"),
            resolvconf=_resolvconf(self.root),
        )

    def tell(self, interface: str, servers: Iterable[str], *, first: bool) -> str:
        """Let the owner know of the link's servers and return how it was told, for people.

        Telling again what is known changes nothing that others see, so it may follow each change of the routes.

        Raises:
            PppgenError: the owner refused, or resolv.conf cannot be written.
        """
        if not INTERFACE.fullmatch(interface):
            raise PppgenError(f"{interface!r} is no name of an interface")
        wanted = usable(servers)
        if not wanted:
            return "the network named no name server that can be asked"
        who = self.owner()
        note = self.root / _NOTES / interface
        told_before = _read(note).strip()
        if told_before and told_before != who:
            self.untell(interface)
        try:
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(f"{who.value}\n", encoding="utf-8")
            self._carry_out(
                telling(who, interface, wanted, first=first),
                lambda text: with_block(text, interface, wanted, first=first),
            )
        except OSError as error:  # a full /run must cost the names, not the link
            raise PppgenError(f"{note}: {error.strerror}", hint="df -h /run") from error
        return f"{who.value}: {MECHANISMS[who]}"

    def untell(self, interface: str) -> None:
        """Take the link's servers back from whom they were told to; a link that nobody was told of changes nothing."""
        if not INTERFACE.fullmatch(interface):
            return
        note = self.root / _NOTES / interface
        name = _read(note).strip()
        if name in set(Owner):
            told = untelling(Owner(name), interface)
            # The interface may be gone, and with it what the owner knew: that is what was wanted.
            with suppress(PppgenError):
                self._carry_out(Told(told.commands, told.file))
        self._edit(lambda text: without_block(text, interface))
        note.unlink(missing_ok=True)

    def known(self) -> tuple[str, ...]:
        """Return the interfaces of ours that an owner still knows of, from the notes and from the marked blocks."""
        folder = self.root / _NOTES
        noted = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return tuple(sorted({*noted, *blocks(_read(self.root / "etc/resolv.conf"))}))

    def _carry_out(self, told: Told, change: Callable[[str], str] | None = None) -> None:
        if told.block and change is not None:
            self._set_aside_old_backups()
            self._edit(change)
        if told.file:
            path = self.root / told.file.lstrip("/")
            if told.text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(told.text, encoding="utf-8")
            else:
                path.unlink(missing_ok=True)
        for command in told.commands:
            done = self.runner(command)
            if done.status != 0:
                why = done.output.strip()[:200] or "it did not answer in time"
                raise PppgenError(f"{' '.join(command.argv)}: {why}", hint="pppgen doctor")

    def _set_aside_old_backups(self) -> None:
        """Move what a killed pppd left: Debian's ip-down hook puts such a backup back whatever stands there by then."""
        real = (self.root / "etc/resolv.conf").resolve()
        for stale in real.parent.glob(f"{real.name}.pppd-backup.*"):
            if stale.suffix != ".stale":
                with suppress(OSError):
                    stale.rename(f"{stale}.stale")

    def _edit(self, change: Callable[[str], str]) -> None:
        """Change resolv.conf where it really lies, keeping its mode and owner; an unchanged text is not written."""
        path = self.root / "etc/resolv.conf"
        old = _read(path)
        new = change(old)
        if new == old:
            return
        real = path.resolve()
        if len(old) >= TEXT_BOUND:  # only its beginning was read, and only that would be written back
            raise PppgenError(f"{real} is longer than a resolv.conf can be, so it is left alone", hint=f"ls -l {real}")
        try:
            _replace(real, new)
        except OSError as error:
            raise NoPermission(f"{real}: {error.strerror}", hint=f"ls -l {real}; lsattr {real}") from error


def _read(path: Path) -> str:
    """Return a text's honest part; empty for what is not there."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            return file.read(TEXT_BOUND)
    except OSError:
        return ""


def _replace(real: Path, text: str) -> None:
    """Write a file whole or not at all, with the mode and the owner that it had."""
    data = text.encode("utf-8", errors="surrogateescape")
    try:
        had = real.stat()
        mode, uid, gid = stat.S_IMODE(had.st_mode), had.st_uid, had.st_gid
    except FileNotFoundError:
        mode, uid, gid = 0o644, os.geteuid(), os.getegid()
    beside = real.with_name(f".{real.name}.pppgen")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(descriptor, mode)
            os.fchown(descriptor, uid, gid)
            file.flush()
            os.fsync(descriptor)
        beside.rename(real)
    except OSError as error:
        beside.unlink(missing_ok=True)
        if error.errno not in {errno.EBUSY, errno.EXDEV}:
            raise
        # A container's resolv.conf is a mount of its own, which can only be written in place.
        real.write_bytes(data)


def _resolvconf(root: Path) -> str:
    """Return which resolvconf is installed: they share a name, not their options."""
    for folder in ("sbin", "usr/sbin", "usr/bin"):
        path = root / folder / "resolvconf"
        if path.is_symlink() and path.readlink().name == "resolvectl":
            return "systemd"
        if path.exists():
            return "openresolv" if "openresolv" in _read(path) else "resolvconf"
    return ""


def _runs(name: str) -> bool:
    """Whether a process of that kernel name runs."""
    return any(_read(folder / "comm").strip() == name for folder in Path("/proc").glob("[0-9]*"))
