"""`pppgen pon`: what Debian's `pon` does, by the supervisor where one runs."""

from pathlib import Path

import click

from pppgen.commands.asking import ask_and_tell
from pppgen.commands.options import root_option
from pppgen.commands.shipment import LINK
from pppgen.config import parse_link
from pppgen.errors import MissingProgram, NotRunning, PppgenError
from pppgen.plan import PROVIDER
from pppgen.requests import Up
from pppgen.system.files import Tree
from pppgen.system.spawn import become, program

# By its full path: the name alone may be our wrapper, which would come back here.
_DEBIANS = "/usr/bin/pon"


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-q", "--quick", is_flag=True, help="Hang up when all ip-up scripts have run.")
@root_option
@click.argument("provider", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(*, provider: str | None, arguments: tuple[str, ...], quick: bool, root: Path) -> None:
    r"""Bring the link up as `pon` does: PROVIDER is a file in /etc/ppp/peers, ARGUMENTS go to pppd.

    A running supervisor is asked for its link. For any other provider, with arguments or with -q, Debian's own pon
    runs.

    \b
    Examples:
      pppgen pon
      pppgen pon -q provider
      pppgen pon provider debug
    """
    tree = Tree(root)
    if not quick and not arguments and is_the_link(tree, provider):
        try:
            ask_and_tell(tree, Up(), as_json=False)
        except NotRunning:
            pass
        else:
            return
    words = [*(["-q"] if quick else []), *([provider] if provider else []), *arguments]
    try:
        program(_DEBIANS)
    except MissingProgram:  # pppd without Debian's scripts around it
        become(["pppd", "call", provider or PROVIDER, *arguments])
    become([_DEBIANS, *words])


def is_the_link(tree: Tree, provider: str | None) -> bool:
    """Whether this is the link that a supervisor here looks after; without a name it is."""
    if provider is None:
        return True
    try:
        found = tree.read(LINK)
        return provider == (parse_link(found.content.decode(), LINK).provider if found else PROVIDER)
    except (PppgenError, ValueError):  # only root may read it, and it may be damaged
        return provider == PROVIDER
