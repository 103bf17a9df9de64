"""`pppgen failback`: go back to the first bearer."""

from pathlib import Path

import click

from pppgen.commands.asking import ask_and_tell
from pppgen.commands.options import json_option, root_option
from pppgen.requests import Failback
from pppgen.system.files import Tree


@click.command()
@root_option
@json_option
def command(*, root: Path, as_json: bool) -> None:
    r"""Have the running supervisor go back to the first bearer of the order now, rather than when its time comes.

    Should that one fail, the link is back on the other within the time of one dial.

    \b
    Examples:
      pppgen failback
    """
    ask_and_tell(Tree(root), Failback(), as_json=as_json)
