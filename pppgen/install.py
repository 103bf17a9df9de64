"""Files onto the disk and off again: a difference first, everything or nothing, each step safe against a power cut.

The order is what makes it so: backups, then the manifest that tells of the new files, then the files. Whatever the
moment of a crash, the manifest on disk explains every file, so a second `install` or a `rollback` ends what was begun.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pppgen.errors import ChangedByHand, NoPermission
from pppgen.manifest import (
    BACKUPS,
    MANIFEST,
    Before,
    Entry,
    Manifest,
    backup_path,
    digest,
    dump_manifest,
    parse_manifest,
)
from pppgen.render import RenderedFile
from pppgen.system.files import Snapshot, Tree

# A line that may hold a secret: chat's \q, pppd's `password`, and the AT commands that carry credentials.
_SECRET = re.compile(
    r"\\q|^\s*password\b|\+(?:CGAUTH|QICSGP|UAUTHREQ)\b|\$QCPDPP\b|#PDPAUTH\b|\^AUTHDATA\b", re.IGNORECASE
)


class Action(StrEnum):
    """What happens to a file; `KEPT` is one that a person edited and that stays."""

    CREATED = "created"
    CHANGED = "changed"
    SAME = "same"
    KEPT = "kept"
    REMOVED = "removed"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file's fate; `difference` is a unified diff without secrets.

    `by_hand` tells that a person edited the file; where it was overwritten all the same, `copy` is the edited version.
    """

    path: str
    action: Action
    difference: str = ""
    by_hand: bool = False
    copy: str = ""


@dataclass(frozen=True, slots=True)
class _Step:
    """One file: what is there, what shall be there (`None`: nothing), and what will be said about it.

    `back` marks a step that takes back what pppgen did.
    """

    change: FileChange
    now: Snapshot | None
    wanted: Snapshot | None
    back: bool = False

    @property
    def path(self) -> str:
        return self.change.path

    @property
    def writes(self) -> bool:
        return self.change.action not in {Action.SAME, Action.KEPT}


def preview(tree: Tree, files: Sequence[RenderedFile], owner: str, *, force: bool = False) -> tuple[FileChange, ...]:
    """Return what `install` would do; writes nothing."""
    return tuple(step.change for step in _survey(tree, _manifest(tree), files, owner, force=force))


def install(tree: Tree, files: Sequence[RenderedFile], owner: str, *, force: bool = False) -> tuple[FileChange, ...]:
    """Write the files, and take back what an earlier run wrote for the same `owner` and is not among them.

    Raises:
        ChangedByHand: a person edited a file since, and `force` is not given; nothing was written.
        NoPermission: a file or directory can't be read or written, or is not root's alone.
    """
    with tree.alone():
        manifest = _manifest(tree)
        steps = _survey(tree, manifest, files, owner, force=force)
        _refuse_edits(steps)
        if any(step.writes or step.back for step in steps):
            _begin(tree, manifest, steps, owner)
            _carry_out(tree, steps)
            _forget(tree, {step.path for step in steps if step.back})
    return tuple(step.change for step in steps)


def preview_rollback(tree: Tree, *, force: bool = False) -> tuple[FileChange, ...]:
    """Return what `rollback` would do; writes nothing."""
    return tuple(step.change for step in _survey_rollback(tree, _manifest(tree).entries, force=force))


def rollback(tree: Tree, *, force: bool = False) -> tuple[FileChange, ...]:
    """Put back every file as it was before pppgen came, remove what it created, and forget.

    Raises:
        ChangedByHand: a person edited a file since, and `force` is not given; nothing was changed.
    """
    with tree.alone():
        manifest = _manifest(tree)
        steps = _survey_rollback(tree, manifest.entries, force=force)
        _refuse_edits(steps)
        _keep(tree, steps, manifest)
        _carry_out(tree, steps)
        for entry in manifest.entries:
            tree.discard(entry.path)  # staged by an install that was cut short
            if entry.before:
                tree.remove(backup_path(entry.before.digest))
        tree.discard(MANIFEST)
        _remove_empty(tree, manifest)
        tree.remove(MANIFEST)  # until now a second rollback can end what this one began
        _remove_empty(tree, manifest)
    return tuple(step.change for step in steps)


def redacted(text: str) -> str:
    r"""Return `text` with every line hidden that may hold a secret.

    >>> redacted("user \"u\"\npassword \"p\"\n")
    'user "u"\n(hidden)\n'
    """
    return "".join(
        "(hidden)" + line[len(line.rstrip("\n")) :] if _SECRET.search(line) and not line.startswith("#") else line
        for line in text.splitlines(keepends=True)
    )


def _survey(
    tree: Tree, manifest: Manifest, files: Sequence[RenderedFile], owner: str, *, force: bool
) -> tuple[_Step, ...]:
    wanted = {file.path for file in files}
    stale = [entry for entry in manifest.entries if entry.owner == owner and entry.path not in wanted]
    return (
        *(_step(tree, manifest, file, force=force) for file in files),
        *_survey_rollback(tree, stale, force=force),
    )


def _step(tree: Tree, manifest: Manifest, file: RenderedFile, *, force: bool) -> _Step:
    now = tree.read(file.path)
    wanted = Snapshot(file.content, file.mode, *tree.owner_of(file.group))
    if now is None:
        return _Step(FileChange(file.path, Action.CREATED, _difference(file.path, now, wanted)), now, wanted)
    if tree.same(now, wanted):
        return _Step(FileChange(file.path, Action.SAME), now, wanted)
    entry = manifest.entry(file.path)
    by_hand = entry is not None and now.content != wanted.content and digest(now.content) not in entry.known
    return _Step(_overwriting(tree, file.path, Action.CHANGED, now, wanted, by_hand=by_hand, force=force), now, wanted)


def _survey_rollback(tree: Tree, entries: Iterable[Entry], *, force: bool) -> tuple[_Step, ...]:
    steps = []
    for entry in entries:
        now, wanted = tree.read(entry.path), _before(tree, entry)
        by_hand = now is not None and digest(now.content) not in entry.known
        action = Action.REMOVED if wanted is None else Action.RESTORED
        change = FileChange(entry.path, Action.SAME)
        if not tree.same(now, wanted):
            change = _overwriting(tree, entry.path, action, now, wanted, by_hand=by_hand, force=force)
        steps.append(_Step(change, now, wanted, back=True))
    return tuple(steps)


def _overwriting(
    tree: Tree, path: str, action: Action, now: Snapshot | None, wanted: Snapshot | None, *, by_hand: bool, force: bool
) -> FileChange:
    """Return the change of a file that differs, kept if a person edited it and nobody forces us."""
    difference = _difference(path, now, wanted)
    if not by_hand or now is None:
        return FileChange(path, action, difference)
    if not force:
        return FileChange(path, Action.KEPT, difference, by_hand=True)
    return FileChange(path, action, difference, by_hand=True, copy=tree.shown(backup_path(digest(now.content))))


def _before(tree: Tree, entry: Entry) -> Snapshot | None:
    if entry.before is None:
        return None
    backup = tree.read(backup_path(entry.before.digest))
    if backup is None or digest(backup.content) != entry.before.digest:
        # Already put back by a rollback that was cut short after it removed the backups.
        now = tree.read(entry.path)
        if now is not None and digest(now.content) == entry.before.digest:
            return now
        raise NoPermission(
            f"the backup of {tree.shown(entry.path)} is missing or damaged: "
            f"{tree.shown(backup_path(entry.before.digest))}",
            hint="nothing was changed; restore the file yourself, then remove its entry from the manifest",
        )
    return Snapshot(backup.content, entry.before.mode, entry.before.uid, entry.before.gid)


def _refuse_edits(steps: Iterable[_Step]) -> None:
    edited = [step.path for step in steps if step.change.action is Action.KEPT]
    if edited:
        raise ChangedByHand(
            f"changed by hand since pppgen wrote it: {', '.join(edited)}; nothing was written",
            hint="--diff shows what would be lost, --force overwrites it (a copy is kept)",
        )


def _begin(tree: Tree, manifest: Manifest, steps: Sequence[_Step], owner: str) -> None:
    """Make the directories and write down everything that explains the disk before, during and after the steps."""
    own = tree.missing_directories(backup_path("x"))
    for path in own:
        tree.make_directory(path)
    _keep(tree, steps, manifest)
    missing = [path for step in steps if step.writes and step.wanted for path in tree.missing_directories(step.path)]
    entries = {entry.path: entry for entry in manifest.entries}
    for step in steps:
        if step.wanted is None or step.back or not step.writes:
            continue
        old, written = entries.get(step.path), digest(step.wanted.content)
        entries[step.path] = (
            Entry(step.path, owner, written, before=_as_before(step.now))
            if old is None
            else replace(old, owner=owner, written=written, replaced=digest(step.now.content) if step.now else "")
        )
    directories = dict.fromkeys([*manifest.directories, *own, *missing])
    _write_manifest(tree, Manifest(tuple(entries.values()), tuple(directories)))
    for path in dict.fromkeys(missing):
        tree.make_directory(path)


def _forget(tree: Tree, paths: set[str]) -> None:
    """Take out of the manifest what has been taken back."""
    if not paths:
        return
    manifest = _manifest(tree)
    for entry in manifest.entries:
        if entry.path in paths and entry.before:
            tree.remove(backup_path(entry.before.digest))
    _write_manifest(tree, replace(manifest, entries=tuple(e for e in manifest.entries if e.path not in paths)))


def _remove_empty(tree: Tree, manifest: Manifest) -> None:
    """Remove the directories that we made, the innermost first, and leave those that are not empty."""
    for directory in (BACKUPS, *reversed(manifest.directories)):
        tree.remove_directory(directory)


def _as_before(now: Snapshot | None) -> Before | None:
    return None if now is None else Before(digest(now.content), now.mode, now.uid, now.gid)


def _keep(tree: Tree, steps: Iterable[_Step], manifest: Manifest) -> None:
    """Copy what stood there before us, and what a person edited, into the backups under the digest of its bytes."""
    for step in steps:
        foreign = step.change.by_hand or (not step.back and manifest.entry(step.path) is None)
        if step.now is not None and step.writes and foreign:
            path = backup_path(digest(step.now.content))
            tree.stage(path, Snapshot(step.now.content, 0o600, *tree.owner_of("root")))
            tree.commit(path)


def _write_manifest(tree: Tree, manifest: Manifest) -> None:
    tree.stage(MANIFEST, Snapshot(dump_manifest(manifest), 0o600, *tree.owner_of("root")))
    tree.commit(MANIFEST)


def _carry_out(tree: Tree, steps: Sequence[_Step]) -> None:
    """Write everything beside its place first, so that a full disk is met before the first file changes."""
    steps = [step for step in steps if step.writes]
    done: list[_Step] = []
    try:
        for step in steps:
            if step.wanted is not None:
                tree.stage(step.path, step.wanted)
        for step in steps:
            done.append(step)
            if step.wanted is None:
                tree.remove(step.path)
            else:
                tree.commit(step.path)
    except NoPermission:
        for step in steps:
            tree.discard(step.path)
        for step in reversed(done):
            _put_back(tree, step)
        raise


def _put_back(tree: Tree, step: _Step) -> None:
    if tree.same(tree.read(step.path), step.now):
        return
    if step.now is None:
        tree.remove(step.path)
    else:
        tree.stage(step.path, step.now)
        tree.commit(step.path)


def _manifest(tree: Tree) -> Manifest:
    file = tree.read(MANIFEST)
    return Manifest() if file is None else parse_manifest(file.content, tree.shown(MANIFEST))


def _difference(path: str, now: Snapshot | None, wanted: Snapshot | None) -> str:
    """Return a unified diff from what is there to what shall be, without secrets; modes are told when they differ."""
    old, new = (redacted(_shown(side)).splitlines(keepends=True) for side in (now, wanted))
    names = (path if now else "/dev/null", path if wanted else "/dev/null")
    lines = list(difflib.unified_diff(old, new, *names))
    if now and wanted and now.mode != wanted.mode:
        lines.append(f"mode {now.mode:04o} -> {wanted.mode:04o}\n")
    if not lines and now != wanted:
        lines.append(f"{path}: a hidden line or the owner differs\n")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _shown(side: Snapshot | None) -> str:
    return "" if side is None else side.content.decode("utf-8", "backslashreplace")
