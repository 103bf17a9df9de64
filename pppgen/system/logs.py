"""Lines of log files, standard input and the system's journal: any bytes, any length, bounded memory."""

import codecs
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from pppgen.errors import BadValue, MissingProgram
from pppgen.system.spawn import ENVIRONMENT

CHUNK = 1 << 18
# No program writes longer lines; what an endless line holds beyond it is dropped while it is read.
LINE_BOUND = 1 << 14
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def lines_of(stream: IO[bytes]) -> Iterator[str]:
    """Yield the lines of `stream` one by one; see `blocks_of`."""
    for block in blocks_of(stream):
        yield from block


def blocks_of(stream: IO[bytes]) -> Iterator[list[str]]:
    r"""Yield the lines of `stream`, many at a time, without their ends (\n, \r\n or \r).

    What is no UTF-8 becomes U+FFFD.

    >>> from io import BytesIO
    >>> list(blocks_of(BytesIO(b"one\r\ntwo\rthree\xff")))
    [['one', 'two'], ['three\ufffd']]
    """
    chunk = stream.read(CHUNK)
    encoding = next((name for mark, name in _MARKS if chunk.startswith(mark)), "utf-8")
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    kept = ""
    while chunk:
        text = decoder.decode(chunk)
        chunk = stream.read(CHUNK)
        if "\r" in text or kept.endswith("\r"):
            kept, text = _unified(kept, text, last=not chunk)
        *whole, rest = text.split("\n")
        if whole:
            whole[0] = (kept + whole[0])[:LINE_BOUND]
            yield whole
            kept = rest
        elif len(kept) < LINE_BOUND:
            kept += rest
    kept = kept.removesuffix("\r") + decoder.decode(b"", final=True)
    if kept:
        yield [kept[:LINE_BOUND]]


def _unified(kept: str, text: str, *, last: bool) -> tuple[str, str]:
    r"""Return both halves with \n as the only end; a \r at the very end waits for the \n that may follow it."""
    if kept.endswith("\r"):
        kept, text = kept[:-1], "\r" + text
    waits = text.endswith("\r") and not last
    text = text[:-1] if waits else text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return kept, text + "\r" if waits else text


def journal_blocks(since: str | None) -> Iterator[list[str]]:
    """Yield the journal's lines of this boot, or since a time in journalctl's own words.

    Raises:
        MissingProgram: there is no journalctl here.
        BadValue: it refuses that time.
    """
    argv = ["journalctl", "--no-pager", "--output=short", "--quiet", f"--since={since}" if since else "--boot"]
    try:
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    except FileNotFoundError as error:
        raise MissingProgram(
            "journalctl is not installed", hint="give a log file: pppgen diagnose /var/log/syslog"
        ) from error
    assert child.stdout is not None  # noqa: S101 -- asked for above
    silent = True
    try:
        for block in blocks_of(child.stdout):
            silent = False
            yield block
        if since and silent and child.wait():
            hint = f"what it says: journalctl --since={shlex.quote(since)}"
            raise BadValue(f"--since {since!r}: journalctl reads nothing since then and calls it an error", hint=hint)
    finally:
        child.stdout.close()
        with suppress(ProcessLookupError):
            child.terminate()
        child.wait()
