"""`pppgen setup`: from an unknown board to proved files on disk."""

import sys
from pathlib import Path

import click

from pppgen.commands.dial_options import DialRequest, dial_options
from pppgen.commands.options import json_option, root_option, sysroot_option
from pppgen.commands.present import emit_json, say
from pppgen.commands.setup_answer import Answer, show
from pppgen.commands.setup_steps import Radio, Run, Wish
from pppgen.errors import BadValue, ExitCode, PppgenError
from pppgen.modems.catalog import Rat


@click.command()
@dial_options
@click.option("--dial", "dial", is_flag=True, help="Bring the link up once, which proves port, APN and traffic.")
@click.option("--start", is_flag=True, help="Enable and start the service: the link comes up and stays up.")
@click.option("--rat", type=click.Choice([rat.value for rat in Rat]), help="Write this radio technology to the modem.")
@click.option("--bands", metavar="B2,B4", help="Write these bands to the modem (`pppgen bands` translates).")
@click.option("--scan-order", metavar="RAT,RAT", help="Write this scan order to the modem, such as lte-m,gsm.")
@click.option("--port", "ports", multiple=True, metavar="DEVICE", help="Ask this port only (several may be given).")
@click.option("--dry-run", is_flag=True, help="Find and read the modem, show what would be written, write nothing.")
@click.option("--diff", "differences", is_flag=True, help="Show each file's difference.")
@click.option("--force", is_flag=True, help="Overwrite files that were changed by hand (a copy is kept).")
@click.option("--yes", is_flag=True, help="Write without asking.")
@root_option
@sysroot_option
@json_option
def command(
    *,
    request: DialRequest,
    dial: bool,
    start: bool,
    rat: str | None,
    bands: str | None,
    scan_order: str | None,
    ports: tuple[str, ...],
    dry_run: bool,
    differences: bool,
    force: bool,
    yes: bool,
    root: Path,
    sysroot: Path,
    as_json: bool,
) -> None:
    r"""Find the modem, prove which port speaks AT, write pppd's files, and prove the chat script on the modem.

    Nothing is written when anything fails, and nothing at all to the modem's radio settings unless you ask for it.
    `pppgen rollback` takes everything back.

    \b
    Examples:
      sudo pppgen setup --apn super
      sudo pppgen setup --apn super --dial            # bring the link up once, too
      sudo pppgen setup --apn super --start           # and keep the link up from now on
      sudo pppgen setup --apn super --rat lte-m --bands B2,B4,B12
      pppgen setup --apn super --dry-run --diff       # only look
    """
    answer = Answer(root)
    try:
        radio = Radio(Rat(rat) if rat else None, _list(bands), tuple(map(_rat, _list(scan_order))))
        wish = Wish(
            request,
            radio,
            dial=dial,
            start=start,
            ports=ports,
            dry_run=dry_run,
            force=force,
            root=root,
            sysroot=sysroot,
        )
        run = Run(wish, answer)
        run.check()
        run.look()
        if dry_run or _wanted(answer, ask=not (yes or as_json), differences=differences):
            run.carry_out()
    except PppgenError as error:
        answer.failed(error)
    if as_json:
        emit_json(answer.as_json())
        sys.exit(answer.error.exit if answer.error else ExitCode.OK)
    show(answer, differences=differences)
    if answer.error:
        raise answer.error


def _list(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",")) if text else ()


def _rat(name: str) -> Rat:
    if name not in list(Rat):
        raise BadValue(f"--scan-order {name!r} is none of {', '.join(Rat)}", hint="--scan-order lte-m,gsm")
    return Rat(name)


def _wanted(answer: Answer, *, ask: bool, differences: bool) -> bool:
    """Ask a person before the first byte is written; a pipe is not asked."""
    changing = [change for change in answer.changes if change.action.value not in {"same", "kept"}]
    if not (ask and changing and sys.stdin.isatty()):
        return True
    show(answer, differences=differences)
    if click.confirm(f"Write {len(changing)} file{'' if len(changing) == 1 else 's'}?", default=True, err=True):
        return True
    say("nothing was written")
    return False
