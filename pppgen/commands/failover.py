"""`pppgen failover`: go to the other bearer, for hooks and for people."""

from pathlib import Path

import click

from pppgen.commands.asking import ask_and_tell
from pppgen.commands.options import BEARERS, json_option, root_option
from pppgen.errors import BadValue
from pppgen.model import BearerKind
from pppgen.requests import REASON_MAX, Failover
from pppgen.system.files import Tree


@click.command()
@click.option(
    "--to",
    type=BEARERS,
    help="The bearer to go to; else the next in the order.",
)
@click.option("--reason", default="", metavar="TEXT", help="Why, for the journal: a slug of `diagnose`, or any words.")
@root_option
@json_option
def command(*, to: str | None, reason: str, root: Path, as_json: bool) -> None:
    r"""Have the running supervisor change to another bearer now.

    Asking twice, or from many places at once, switches once. A link is not given up for one that the carrier's
    limits forbid to try yet; the answer says so.

    \b
    Examples:
      pppgen failover --to ppp --reason no-dhcp-lease
      pppgen failover --reason 'the web shop does not answer'
    """
    if len(reason) > REASON_MAX or not reason.isprintable():
        raise BadValue(f"--reason is at most {REASON_MAX} printable characters", hint="--reason no-dhcp-lease")
    ask_and_tell(Tree(root), Failover(BearerKind(to) if to else None, reason), as_json=as_json)
