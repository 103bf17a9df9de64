"""`pppgen down`: end the link and keep it down."""

from pathlib import Path

import click

from pppgen.commands.asking import ask_and_tell
from pppgen.commands.options import json_option, root_option
from pppgen.requests import Down
from pppgen.system.files import Tree


@click.command()
@root_option
@json_option
def command(*, root: Path, as_json: bool) -> None:
    r"""End the link and keep it down until `pppgen up`.

    \b
    Examples:
      pppgen down
      pppgen down && sudo systemctl stop pppgen
    """
    ask_and_tell(Tree(root), Down(), as_json=as_json)
