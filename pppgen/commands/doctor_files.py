"""What pppgen and pppd have on disk, for doctor: configuration, manifest, secrets, ledger, journal, status."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from pppgen import journal, status
from pppgen.at.reading import Reading
from pppgen.commands.assembly import STATE, text_of
from pppgen.commands.doctor_place import ELSEWHERE, Place
from pppgen.commands.shipment import CONFIG, LINK
from pppgen.config import Config, Link, parse_config, parse_link
from pppgen.doctor.facts import Failure, FileSeen, FileState, Missing, OptionLine, Past, Script, SecretFile, Standing
from pppgen.errors import NoPermission, NotRunning
from pppgen.manifest import MANIFEST, Manifest, digest, parse_manifest
from pppgen.model import Registration, RegistrationStat, Signal
from pppgen.plan import chat_path, secret_path
from pppgen.policy.chronicle import Entry, Kind
from pppgen.policy.governor import BUDGETS
from pppgen.policy.record import load_memory
from pppgen.system import clock
from pppgen.system.files import Tree

_DAY_S = 86400.0
_OPTIONS = "/etc/ppp/options"
_SECRETS = ("/etc/ppp/pap-secrets", "/etc/ppp/chap-secrets")


def read_link(place: Place) -> Link | Missing:
    """Return setup's link.toml."""
    found = place.tree.read(LINK)
    if found is None:
        return Missing("setup has not run here yet", "sudo pppgen setup --apn YOUR_APN", skip=True)
    return parse_link(text_of(found, place.tree.shown(LINK)), place.tree.shown(LINK))


def read_config(place: Place) -> Config | Missing:
    """Return the person's pppgen.toml, or the defaults where there is none."""
    found = place.tree.read(CONFIG)
    name = place.tree.shown(CONFIG)
    return Config() if found is None else parse_config(text_of(found, name), name)


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


def read_script(place: Place, provider: str) -> Script | Missing:
    """Return the chat script that dials."""
    path = chat_path("connect", provider)
    found = place.tree.read(path)
    if found is None:
        return Missing("setup has not written one", skip=True)
    return Script(path, found.content.decode(errors="replace"))


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
        return ELSEWHERE
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
    now = time.time()
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
        return ELSEWHERE
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
