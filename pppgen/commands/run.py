"""`pppgen run`: the supervisor, for systemd."""

from pathlib import Path

import click

from pppgen.commands.assembly import Running
from pppgen.commands.lines import writer
from pppgen.commands.options import root_option, sysroot_option
from pppgen.commands.present import say
from pppgen.system.files import Tree
from pppgen.system.notify import Notifier


@click.command()
@click.option("--stay-down", is_flag=True, help="Bring nothing up before `pppgen up` asks for it.")
@root_option
@sysroot_option
def command(*, stay_down: bool, root: Path, sysroot: Path) -> None:
    r"""Keep the link up until told to end; this is what pppgen.service starts.

    TERM ends the link and the supervisor. HUP ends the supervisor alone: the link stays, and the next start adopts it
    without losing a packet (`systemctl reload pppgen` after a change of pppgen.toml).

    \b
    Examples:
      sudo systemctl enable --now pppgen     # the usual way
      sudo pppgen run                        # the same in a terminal, with every step on standard error
      sudo pppgen run --stay-down            # wait for `pppgen up`
    """
    notifier = Notifier()
    with Running(Tree(root), sysroot, takers=(writer(say, timed=False),), notifier=notifier) as running:
        running.heed_signals(hup_keeps=True)
        running.serve(up=not stay_down)
