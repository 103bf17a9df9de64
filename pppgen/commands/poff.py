"""`pppgen poff`: what Debian's `poff` does; under a supervisor the link stays down."""

from pathlib import Path

import click

from pppgen.commands.asking import ask_and_tell
from pppgen.commands.options import root_option
from pppgen.commands.pon import is_the_link
from pppgen.errors import NotRunning
from pppgen.requests import Down
from pppgen.system.files import Tree
from pppgen.system.spawn import become

_DEBIANS = "/usr/bin/poff"


@click.command()
@click.option("-r", "how", flag_value="-r", help="Drop the line and redial.")
@click.option("-d", "how", flag_value="-d", help="Toggle pppd's debug option.")
@click.option("-c", "how", flag_value="-c", help="Have pppd renegotiate compression.")
@click.option("-a", "how", flag_value="-a", help="Stop every pppd; PROVIDER is ignored.")
@root_option
@click.argument("provider", required=False)
def command(*, provider: str | None, how: str | None, root: Path) -> None:
    r"""End the link as `poff` does: that of PROVIDER, or the only one.

    A running supervisor ends its link and keeps it down until `pon` or `pppgen up`. After -r it redials by itself; -r,
    -d and -c are signals to pppd, sent by Debian's own poff.

    \b
    Examples:
      pppgen poff
      pppgen poff -r provider
      pppgen poff -a
    """
    if how == "-a" or (how is None and is_the_link(Tree(root), provider)):
        try:
            ask_and_tell(Tree(root), Down(), as_json=False)
        except NotRunning:
            pass
        else:
            if how is None:
                return
    become([_DEBIANS, *([how] if how else []), *([provider] if provider else [])])
