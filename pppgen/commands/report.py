"""`pppgen report`: what happened, how the system stands and is configured, as one HTML file to read or to send."""

import json
import os
import shlex
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from time import time

import click

from pppgen import __version__, journal, samples
from pppgen.at.reading import Reading
from pppgen.commands.doctor_facts import gather
from pppgen.commands.doctor_place import Place
from pppgen.commands.lines import lines
from pppgen.commands.options import json_option, root_option, sysroot_option
from pppgen.commands.present import clean, emit_json, say
from pppgen.commands.shipment import CONFIG, LINK
from pppgen.config import Link, Seconds
from pppgen.doctor import examine
from pppgen.doctor.facts import Asked, Facts
from pppgen.errors import BadValue, ExitCode, NoPermission, PppgenError
from pppgen.plan import PROVIDER, chat_path, peers_path, secret_path
from pppgen.policy.chronicle import Entry
from pppgen.redact import Known, Redactor, Secret
from pppgen.report.page import Material, Text, page
from pppgen.report.story import Story, tell
from pppgen.system.files import Tree
from pppgen.system.versions import versions

DEFAULT = "pppgen-report.html"
LOG_MAX = 400
_SECRETS = ("/etc/ppp/pap-secrets", "/etc/ppp/chap-secrets")


@click.command()
@click.option(
    "-o",
    "--output",
    default=DEFAULT,
    show_default=True,
    metavar="FILE",
    help="Where to write it; - for the standard output.",
)
@click.option("--since", default="24h", show_default=True, metavar="TIME", help="How far back: 90min, 24h, 7d.")
@click.option("--no-redact", is_flag=True, help="Leave secrets in; what it discloses is said.")
@sysroot_option
@root_option
@json_option
def command(*, output: str, since: str, no_redact: bool, sysroot: Path, root: Path, as_json: bool) -> None:
    r"""Write one HTML file: what happened and why, signal and traffic, doctor's answers, versions, configuration.

    It needs no network to be read and opens on a phone. IMEI, IMSI, ICCID, phone numbers, credentials, MAC and public
    addresses and cells are taken out, so that it can be attached to a forum post; --no-redact leaves them in and says
    what the file then discloses.

    \b
    Examples:
      sudo pppgen report
      sudo pppgen report --since 7d -o week.html
      sudo pppgen report -o - | ssh desk 'cat > report.html'
    """
    try:
        span_s = _span(since)
        if not as_json:
            say("looking at the system and the modem …")
        text, redactor = write(Place(sysroot, root), span_s, hides=not no_redact)
        if output == "-":
            if as_json:
                raise BadValue("--json and -o - both want the standard output", hint=f"-o {DEFAULT}")
            sys.stdout.write(text)
        else:
            save(Path(output), text, private=no_redact)
    except PppgenError as error:
        if not as_json:
            raise
        emit_json({"file": None, "size": 0, "redacted": not no_redact, "found": {}, "error": error.as_json()})
        sys.exit(error.exit)
    if as_json:
        found = {kind.value: number for kind, number in sorted(redactor.found.items())}
        size = len(text.encode())
        emit_json({"file": output, "size": size, "redacted": not no_redact, "found": found, "error": None})
        sys.exit(ExitCode.OK)
    _say_done(output, text, redactor)


def _say_done(output: str, text: str, redactor: Redactor) -> None:
    if output != "-":
        say(f"written: {clean(output)} ({len(text.encode()) / 1000:.0f} kB)")
    if redactor.hides:
        say(f"hidden in it: {redactor.disclosed()}")
    else:
        say(f"warning: not redacted, it discloses {redactor.disclosed()}; do not post it")


def _span(words: str) -> float:
    try:
        span_s = Seconds.parse(words).s
    except ValueError as error:
        raise BadValue(f"--since {words!r}: {error}", hint="--since 24h") from error
    if span_s < 1:
        raise BadValue("--since is under a second", hint="--since 24h")
    return span_s


def write(place: Place, span_s: float, *, hides: bool) -> tuple[str, Redactor]:
    """Return the report's text, and what was found to hide in it.

    Raises:
        NoPermission: the journal may not be read.
    """
    zone = _zone()
    with ThreadPoolExecutor(max_workers=2) as pool:
        looked = pool.submit(gather, place)
        asked = pool.submit(versions) if place.runs else None
        story = _story(place, span_s)
        facts = looked.result()
        programs = asked.result() if asked else ()
    redactor = Redactor(known_secrets(facts, place.tree), hides=hides)
    material = Material(
        story=story,
        made=time(),
        zone=zone,
        doctor=examine(facts),
        versions=tuple(Text(*row) for row in (("pppgen", __version__), *_modem(facts), *programs)),
        files=tuple(_files(facts, place.tree)),
        log=tuple(_log(story.entries, zone)),
    )
    return page(material, redactor), redactor


def _story(place: Place, span_s: float) -> Story:
    entries = tuple(journal.read(place.tree))
    heard = tuple(samples.read(place.tree))
    # A tree of another machine ends when its last line was written, not now.
    last = max([*(one.at.wall for one in entries), *(one.at.wall for one in heard)], default=time())
    return tell(entries, heard, time() if place.own else last, span_s)


def _zone() -> tzinfo:
    return datetime.now(UTC).astimezone().tzinfo or UTC


def _log(entries: tuple[Entry, ...], zone: tzinfo) -> Iterator[str]:
    for entry in entries[-LOG_MAX:]:
        at = datetime.fromtimestamp(entry.at.wall, zone).strftime("%m-%d %H:%M:%S")
        first, *proof = lines(entry, timed=False)
        yield f"{at} {first}"
        yield from (f"{'':14} {line}" for line in proof)


def _modem(facts: Facts) -> Iterator[tuple[str, str]]:
    if isinstance(facts.asked, Asked) and isinstance(facts.asked.reading, Reading):
        who = facts.asked.reading.identity
        yield "modem", " ".join(filter(None, (who.manufacturer, who.model, who.revision)))
    elif facts.modems:
        yield "modem", f"USB {facts.modems[0].vid}:{facts.modems[0].pid}, not asked"


def _files(facts: Facts, tree: Tree) -> Iterator[Text]:
    """Yield the configuration files that are there and may be read; never a file that holds nothing but secrets."""
    provider = facts.link.provider if isinstance(facts.link, Link) else PROVIDER
    paths = (
        *(CONFIG, LINK, peers_path(provider), chat_path("connect", provider), chat_path("disconnect", provider)),
        *("/etc/ppp/options", "/etc/resolv.conf"),
    )
    for path in paths:
        with suppress(PppgenError):
            found = tree.read(path)
            if found is not None:
                yield Text(path, _without_comments(found.content.decode("utf-8", "replace")))


def _without_comments(text: str) -> str:
    """Return what counts of a configuration: its own comments help its editor, not the reader of a report."""
    kept = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return "\n".join(kept) or "(comments only)"


def known_secrets(facts: Facts, tree: Tree) -> Iterator[Known]:
    """Yield what is secret by its letters, wherever it is written: the files' credentials, the modem's numbers."""
    if isinstance(facts.link, Link):
        # As it is, and as link.toml writes it: with its quotes and backslashes escaped.
        yield from (Known(kind, form) for kind, text in _of_link(facts.link) for form in {text, json.dumps(text)[1:-1]})
    provider = facts.link.provider if isinstance(facts.link, Link) else PROVIDER
    if isinstance(facts.asked, Asked) and isinstance(facts.asked.reading, Reading):
        reading = facts.asked.reading
        yield Known(Secret.IMEI, reading.identity.imei)
        yield Known(Secret.IMSI, reading.imsi)
        yield Known(Secret.ICCID, reading.iccid)
    for path in (secret_path(provider), *_SECRETS):
        with suppress(PppgenError):
            found = tree.read(path)
            if found is not None:
                yield from _words(found.content.decode("utf-8", "replace"))


def _of_link(link: Link) -> tuple[tuple[Secret, str], ...]:
    return ((Secret.PASSWORD, link.password), (Secret.USER, link.user), (Secret.IMEI, link.imei))


def _words(text: str) -> Iterator[Known]:
    """Yield user and password of pppd's secrets files (client, server, secret) and of our own (`password "x"`)."""
    for line in text.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:  # a quote that is not closed
            words = line.split()
        if words[:1] in (["user"], ["password"]) and len(words) == 2:
            yield Known(Secret.USER if words[0] == "user" else Secret.PASSWORD, words[1])
        elif len(words) > 2:
            yield Known(Secret.USER, words[0])
            yield Known(Secret.PASSWORD, words[2])


def save(path: Path, text: str, *, private: bool) -> None:
    """Write the file whole or not at all, never through a link; one with secrets is for its owner only.

    Raises:
        NoPermission: it may not be written there, or what stands there is no file: root would replace /dev/null.
    """
    try:
        if os.path.lexists(path) and not (path.is_symlink() or path.is_file()):
            raise NoPermission(f"{path} is not a plain file", hint=f"pppgen report -o /tmp/{DEFAULT}")
        fresh = path.with_name(f".{path.name}.pppgen-new")
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(fresh, flags, 0o600 if private else 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        raise NoPermission(f"{path}: {error.strerror}", hint=f"pppgen report -o /tmp/{DEFAULT}") from error
