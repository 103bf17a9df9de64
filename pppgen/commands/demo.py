"""`pppgen demo`: the whole path on a machine without a modem; what is simulated says so."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import click

from pppgen.commands import ports, rollback, setup
from pppgen.commands.present import clean, say
from pppgen.errors import ExitCode, PppgenError
from pppgen.sim.bench import Bench
from pppgen.sim.faults import Faults, with_fault
from pppgen.sim.transcript import load
from pppgen.system.spawn import program

FAMILY = "bg96"
# The catalog expects AT on interface 2; a guide that names a port by number would be wrong on this modem.
FAULT = "at=3"
_SHOWN = ("etc/ppp/peers/provider", "etc/chatscripts/chat-connect")


@click.command(
    epilog="\b\nExample:\n  pppgen demo\n",
)
def command() -> None:
    """Show the whole path on a machine without a modem: ports, setup with a dial, the files, rollback.

    Needs no root: everything is written below a temporary folder, which is removed at the end.
    """
    program("chat")  # before anything is shown, the one program that setup cannot do without
    with tempfile.TemporaryDirectory(prefix="pppgen-demo-") as folder:
        modem, root = Path(folder, "modem"), Path(folder, "root")
        with _modem(modem) as bench:
            _scene("1. A modem hangs on USB, on four ports without names.")
            _run(ports.command, "ports", "--sysroot", str(modem))
            _scene("2. One command finds the port that speaks AT, reads the modem, writes the files, and dials.")
            where = ("--sysroot", str(modem), "--root", str(root))
            _run(setup.command, "setup", "--apn", "super", "--dial", *where)
            _scene("3. What it wrote.")
            for name in _SHOWN:
                click.secho(f"--- /{name}", bold=True)
                click.echo((root / name).read_text(), nl=False)
            _scene("4. And taken back.")
            _run(rollback.command, "rollback", "--yes", "--root", str(root))
        _scene("What was real here, and what was simulated.")
        click.echo(
            f"simulated: the {bench.transcript.title} on pseudo-terminals, with AT on interface 3 only; the network"
        )
        click.echo("real:      discovery, probe, the files, and Debian's chat, which ran the very bytes up to CONNECT")
        click.echo(f"the modem: {clean(bench.summary())}")
        click.echo("\nOn a board with a modem:  sudo pppgen setup --apn YOUR_APN")


@contextmanager
def _modem(folder: Path) -> Iterator[Bench]:
    """Run the simulated modem in a thread of its own until the block ends."""
    with Bench(load(FAMILY), with_fault(Faults(), FAULT), folder, held="no operator in the demo") as bench:
        worker = Thread(target=bench.run, name="modem")
        worker.start()
        try:
            yield bench
        finally:
            bench.stop()
            worker.join()


def _scene(title: str) -> None:
    click.secho(f"\n{title}", bold=True, fg="cyan")


def _run(target: click.Command, *words: str) -> None:
    """Run a command as it would be typed, and stop the demo where it fails."""
    click.secho(f"$ pppgen {' '.join(words)}", bold=True)
    sys.stdout.flush()
    try:
        target.main(list(words[1:]), prog_name=f"pppgen {words[0]}", standalone_mode=False)
    except PppgenError:
        say("the demo ends here: this should have worked")
        raise
    except SystemExit as leaving:
        if leaving.code not in {None, ExitCode.OK}:
            raise
