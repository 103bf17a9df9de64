"""`pppgen rollback`: every file as it was before pppgen came."""

import sys
from pathlib import Path

import click

from pppgen.commands.changes import changes_json, show_changes
from pppgen.commands.options import json_option, root_option
from pppgen.commands.present import emit_json, say
from pppgen.errors import ChangedByHand, PppgenError
from pppgen.install import FileChange, preview_rollback, rollback
from pppgen.system.files import Tree


@click.command()
@root_option
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
@click.option("--diff", "differences", is_flag=True, help="Show how each file changes.")
@click.option("--force", is_flag=True, help="Take back files that were edited since, too; a copy is kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def command(*, root: Path, dry_run: bool, differences: bool, force: bool, yes: bool, as_json: bool) -> None:
    r"""Put back every file that pppgen replaced, and remove those that it created.

    \b
    Examples:
      sudo pppgen rollback --dry-run --diff
      sudo pppgen rollback --yes
    """
    tree = Tree(root)
    try:
        changes = preview_rollback(tree, force=force)
        asked = not (dry_run or yes or as_json) and bool(changes) and sys.stdin.isatty()
        if not as_json:
            show_changes(tree, changes, differences=differences or _edited(changes))
        if asked:
            click.confirm("Take this back?", abort=True, err=True)
        if not dry_run:
            changes = rollback(tree, force=force)
        elif _edited(changes) and not force:
            raise ChangedByHand("files were edited since pppgen wrote them", hint="--force takes them back too")
    except PppgenError as error:
        if not as_json:
            raise
        changes = () if not isinstance(error, ChangedByHand) else changes
        emit_json({"dry_run": dry_run, "files": changes_json(tree, changes), "error": error.as_json()})
        sys.exit(error.exit)
    if as_json:
        emit_json({"dry_run": dry_run, "files": changes_json(tree, changes), "error": None})
    elif not changes:
        say(f"nothing to take back below {root}: pppgen has written nothing there")


def _edited(changes: tuple[FileChange, ...]) -> bool:
    return any(change.by_hand for change in changes)
