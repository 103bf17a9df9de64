"""What pppgen wrote and what stood there before, as a JSON text: what `rollback` works from.

The manifest is written before the files, so that a run that was cut short can be understood: a file on disk is ours
when it is any of `written`, `replaced` (what the last run found in its place) or `before` (what stood there when we
came).
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field

from pppgen.errors import BadValue

VERSION = 1
FOLDER = "/var/lib/pppgen"
MANIFEST = f"{FOLDER}/manifest.json"
BACKUPS = f"{FOLDER}/backups"
# `--root` can be an empty folder, in which even /etc is made by us.
_OURS = re.compile(r"/(?:etc|var|usr)(?:/[^/\0]+)*")
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Before:
    """A file that stood there before pppgen came; its bytes lie in the backups under their own digest."""

    digest: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that pppgen wrote. `owner` is the provider it was written for."""

    path: str
    owner: str
    written: str
    replaced: str = ""
    before: Before | None = None

    @property
    def known(self) -> frozenset[str]:
        """The digests under which the file is not a person's edit."""
        return frozenset({self.written, self.replaced, self.before.digest if self.before else ""} - {""})


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything pppgen did below one root; `directories` are those that it made, the outermost first."""

    entries: tuple[Entry, ...] = ()
    directories: tuple[str, ...] = ()
    version: int = field(default=VERSION)

    def entry(self, path: str) -> Entry | None:
        """Return the entry of that path."""
        return next((entry for entry in self.entries if entry.path == path), None)


def digest(content: bytes) -> str:
    """Return the SHA-256 of `content` in hex.

    >>> digest(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()


def backup_path(name: str) -> str:
    """Return where the bytes with that digest lie."""
    return f"{BACKUPS}/{name}"


def dump_manifest(manifest: Manifest) -> bytes:
    r"""Return the text of the manifest.

    >>> parse_manifest(dump_manifest(Manifest()), "manifest.json")
    Manifest(entries=(), directories=(), version=1)
    """
    return (json.dumps(asdict(manifest), indent=2) + "\n").encode()


def parse_manifest(text: bytes, name: str) -> Manifest:
    """Return the manifest of `text`; every path in it is checked, because rollback writes and removes by them.

    Raises:
        BadValue: not a manifest, or one of a later version.
    """
    try:
        data = json.loads(text)
        if data["version"] != VERSION:
            raise BadValue(f"{name} has version {data['version']!r}, this pppgen knows {VERSION}", hint=_HINT)
        return Manifest(
            tuple(_entry(entry) for entry in data["entries"]), tuple(_path(path) for path in data["directories"])
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadValue(f"{name} can't be read: {type(error).__name__}: {error}", hint=_HINT) from error


_HINT = f"move it away to start anew (then rollback knows nothing): mv {MANIFEST} {MANIFEST}.bad"


def _entry(data: dict[str, object]) -> Entry:
    before = data["before"]
    if before is not None and not isinstance(before, dict):
        raise TypeError("before is no object")
    return Entry(
        path=_path(data["path"]),
        owner=_text(data["owner"]),
        written=_digest(data["written"]),
        replaced=_digest(data["replaced"]) if data["replaced"] else "",
        before=None
        if before is None
        else Before(
            _digest(before["digest"]), _number(before["mode"]) & 0o7777, _number(before["uid"]), _number(before["gid"])
        ),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _path(value: object) -> str:
    text = _text(value)
    if not _OURS.fullmatch(text) or ".." in text.split("/"):
        raise ValueError(f"{text!r} is no path of ours")
    return text


def _digest(value: object) -> str:
    text = _text(value)
    if len(text) != 64 or not set(text) <= _HEX:
        raise ValueError(f"{text!r} is no digest")
    return text


def _number(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} is no number")
    return value
