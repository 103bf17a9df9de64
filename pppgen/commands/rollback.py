"""`pppgen rollback`: every file as it was before pppgen came."""

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from pppgen.commands.changes import changes_json, radio_lines, show_changes
from pppgen.commands.options import json_option, root_option, sysroot_option
from pppgen.commands.present import clean, emit_json, say
from pppgen.commands.radio_undo import bring_back
from pppgen.errors import ChangedByHand, ExitCode, MissingProgram, PppgenError
from pppgen.install import FileChange, preview_rollback, rollback
from pppgen.memory import forget
from pppgen.radio import Row
from pppgen.system.files import Tree
from pppgen.system.spawn import run

_UDEV_S = 5.0


@click.command()
@root_option
@sysroot_option
@click.option("--radio", is_flag=True, help="Write the modem's old radio settings back too.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
@click.option("--diff", "differences", is_flag=True, help="Show how each file changes.")
@click.option("--force", is_flag=True, help="Take back files that were edited since, too; a copy is kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def command(
    *,
    root: Path,
    sysroot: Path,
    radio: bool,
    dry_run: bool,
    differences: bool,
    force: bool,
    yes: bool,
    as_json: bool,
) -> None:
    r"""Put back every file that pppgen replaced, remove those that it created, and forget which ports worked.

    \b
    Examples:
      sudo pppgen rollback --dry-run --diff
      sudo pppgen rollback --yes
      sudo pppgen rollback --radio      # also what --rat, --bands, --scan-order wrote to the modem
    """
    tree = Tree(root)
    done = _Done()
    try:
        done.changes = preview_rollback(tree, force=force)
        if not as_json:
            show_changes(tree, done.changes, differences=differences or _edited(done.changes))
        if _edited(done.changes) and not force:  # before the radio is touched
            raise ChangedByHand("files were edited since pppgen wrote them", hint="--force takes them back too")
        if bool(done.changes) and sys.stdin.isatty() and not (dry_run or yes or as_json):
            click.confirm("Take this back?", abort=True, err=True)
        if not dry_run:
            done.rows = bring_back(root, sysroot) if radio else ()
            forget(root)
            done.changes = rollback(tree, force=force)
            _reload_udev(root, done.changes)
    except PppgenError as error:
        if not as_json:
            raise
        done.error = error
        done.changes = done.changes if isinstance(error, ChangedByHand) else ()
    if as_json:
        emit_json({"dry_run": dry_run} | done.as_json(tree))
        sys.exit(done.error.exit if done.error else ExitCode.OK)
    for line in radio_lines(done.rows):
        click.echo(clean(line))
    if not done.changes and not done.rows:
        say(f"nothing to take back below {root}: pppgen has written nothing there")


@dataclass(slots=True)
class _Done:
    """What became of it, also where it failed half-way."""

    changes: tuple[FileChange, ...] = ()
    rows: tuple[Row, ...] = ()
    error: PppgenError | None = None

    def as_json(self, tree: Tree) -> dict[str, object]:
        return {
            "files": changes_json(tree, self.changes),
            "radio": [row.as_json() for row in self.rows],
            "error": self.error.as_json() if self.error else None,
        }


def _reload_udev(root: Path, changes: tuple[FileChange, ...]) -> None:
    """Let a running udev forget the rules that are gone; one that does not run has nothing to forget."""
    if root != Path("/") or not any(change.path.startswith("/etc/udev/") for change in changes):
        return
    with suppress(MissingProgram):
        run(["udevadm", "control", "--reload"], _UDEV_S)
    say("the port names and ModemManager's absence end when the modem is plugged in again, or with: udevadm trigger")


def _edited(changes: tuple[FileChange, ...]) -> bool:
    return any(change.by_hand for change in changes)
