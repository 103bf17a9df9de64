"""`pppgen at`: ask the modem one AT command on the port that is proved to speak AT."""

import re
import sys
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from time import monotonic

import click

from pppgen.at.client import ANSWER_S, Client, checked_command
from pppgen.at.codec import Answer
from pppgen.at.unasked import parts_of
from pppgen.commands.options import json_option, root_option, sysroot_option
from pppgen.commands.present import clean, emit_json, show_notice
from pppgen.commands.probe import chosen, look
from pppgen.commands.survey import survey
from pppgen.errors import BadValue, ExitCode, NoAtPort, PortBusy, PppgenError, RefusedByModem
from pppgen.model import Notice
from pppgen.system.tty import open_tty

_DIALS = re.compile(r"D|A\d*$|O\d*$|\+CGDATA")
_SLOW = re.compile(r"\+COPS=|\+CGATT=|\+CGACT=|\+CFUN=|\+CPIN=|\$QCRMCALL|\+QNWPREFCFG")
SLOW_S = 180.0
"""A search for networks takes up to 180 s (the manuals' maximum for AT+COPS=?)."""

# What a command does beyond answering, for the reader who pastes one from a thread.
_EFFECTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"Z\d*$|&F"), "resets the modem's settings"),
    (re.compile(r"&W"), "stores settings in the modem"),
    (re.compile(r"\+CFUN=\d,1|\^RESET|!RESET|\+QPOWD|#REBOOT|\+CRESET|\+CPOF"), "restarts or powers off the modem"),
    (re.compile(r"\+CFUN="), "switches the radio"),
    (re.compile(r"\+QCFG=.*,|\+CNMP=|\+CMNB=|\+CBANDCFG=|\+QNVFW=|\+CUSBPIDSWITCH|\^SYSCFG"), "writes to the flash"),
    (re.compile(r"\+CGDCONT=|\+QICSGP=\d+,|\+CGAUTH="), "changes a PDP context, which the modem keeps"),
    (re.compile(r"\+CGACT=|\+CGATT=|\+COPS=[^?]"), "makes an attempt at the network, which carriers count"),
    (re.compile(r"\+CPIN=|\+CLCK=|\+CPWD="), "uses up a try of the SIM's PIN if it is wrong"),
)


@dataclass(frozen=True, slots=True)
class Report:
    """What was asked, on which port, and what came back."""

    asked: str
    port: str | None = None
    answer: Answer | None = None
    notices: tuple[Notice, ...] = ()
    error: PppgenError | None = None


@click.command()
@click.argument("at_command", metavar="COMMAND")
@click.option("--port", metavar="DEVICE", help="Ask on this port instead of the one that the probe proves.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 600),
    metavar="SECONDS",
    help=f"How long the answer may take (default {ANSWER_S:g}; {SLOW_S:g} for AT+COPS=? and the like).",
)
@sysroot_option
@root_option
@json_option
def command(
    *, at_command: str, port: str | None, timeout: float | None, sysroot: Path, root: Path, as_json: bool
) -> None:
    r"""Ask the modem COMMAND and print its answer; a port that another process holds is not touched.

    \b
    Examples:
      sudo pppgen at ATI
      sudo pppgen at 'AT+CSQ;+COPS?'
      sudo pppgen at 'AT+QCFG="band"' --port /dev/ttyUSB2
    """
    report = ask(at_command, port, timeout, sysroot, root)
    if as_json:
        emit_json(as_answer(report))
        sys.exit(report.error.exit if report.error else ExitCode.OK)
    for notice in report.notices:
        show_notice(notice)
    if report.answer:
        for line in (*report.answer.lines, str(report.answer.final)):
            click.echo(clean(line))
    if report.error:
        raise report.error


def ask(asked: str, port: str | None, timeout_s: float | None, sysroot: Path, root: Path) -> Report:
    """Return what the modem answers; a failure is in the report too."""
    notices: tuple[Notice, ...] = ()
    try:
        if timeout_s is not None and isnan(timeout_s):  # which every range lets through, and which never ends
            raise BadValue("--timeout nan is no time", hint="--timeout 10")
        notices = effects_of(_allowed(asked))
        device = _named_port(port, sysroot) if port else _proved_port(sysroot, root)
        with open_tty(device) as tty:
            answer = Client(tty, monotonic).ask(asked, timeout_s or patience_of(asked))
    except PppgenError as error:
        return Report(asked, port, notices=notices, error=error)
    refusal = None if answer.ok else RefusedByModem(f"the modem answered {asked} with {answer.final}", hint=_HINT)
    return Report(asked, device, answer, notices, refusal)


def _allowed(asked: str) -> str:
    if any(_DIALS.match(part) for part in parts_of(checked_command(asked))):
        raise BadValue(f"refused {asked!r}: it dials", hint="sudo pppgen setup --apn YOUR_APN --dial")
    return asked


_HINT = "sudo pppgen at ATI    # does it answer at all?\nsudo pppgen at AT+CMEE=2    # then ask again: errors in words"


def patience_of(asked: str) -> float:
    """Return how long the answer may take, in seconds.

    >>> patience_of("AT+CSQ"), patience_of("AT+COPS=?")
    (5.0, 180.0)
    """
    return SLOW_S if any(_SLOW.match(part) for part in parts_of(asked)) else ANSWER_S


def effects_of(asked: str) -> tuple[Notice, ...]:
    """Return what the command does beyond answering.

    >>> [notice.message for notice in effects_of("AT+CFUN=1,1")], effects_of('AT+QCFG="band"')
    (['AT+CFUN=1,1 restarts or powers off the modem'], ())
    """
    for part in parts_of(asked):
        for pattern, effect in _EFFECTS:
            if pattern.match(part):
                return (Notice("has-effects", f"{asked} {effect}"),)
    return ()


def _named_port(port: str, sysroot: Path) -> str:
    """Return the device of a port that a person named, if nobody holds it."""
    found = survey(sysroot).found
    known = tuple(candidate.device for candidate in found.candidates) + found.consoles
    picked = [one for device in chosen(known, (port,)) for one in device.ports]
    if not picked:
        raise NoAtPort(f"there is no port {port}", hint="pppgen ports")
    if holder := picked[0].holder:
        raise PortBusy(f"{port} is held by {holder.name} ({holder.pid})", hint="sudo pppgen ports")
    return picked[0].device


def _proved_port(sysroot: Path, root: Path) -> str:
    """Return the first right port that speaks AT."""
    report = look(sysroot, root, whole=False, recover=True)
    if report.error:
        raise report.error
    assert report.outcome.modem  # noqa: S101 -- without one there is an error
    return report.outcome.modem.at.device


def as_answer(report: Report) -> dict[str, object]:
    """Return the one object of `pppgen at --json`."""
    answer = report.answer
    return {
        "command": report.asked,
        "port": report.port,
        "ok": answer is not None and answer.ok,
        "lines": list(answer.lines) if answer else [],
        "final": {"kind": answer.final.kind, "detail": answer.final.detail} if answer else None,
        "urcs": list(answer.urcs) if answer else [],
        "warnings": [notice.as_json() for notice in report.notices],
        "error": report.error.as_json() if report.error else None,
    }
