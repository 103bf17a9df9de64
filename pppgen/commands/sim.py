"""`pppgen sim`: a simulated modem on pseudo-terminals."""

import shlex
import signal
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from pppgen.commands.options import json_option
from pppgen.commands.present import emit_json, say
from pppgen.sim.bench import Bench
from pppgen.sim.faults import FAULTS, Faults, usage, with_fault
from pppgen.sim.operator import Operator, why_held
from pppgen.sim.transcript import families, load
from pppgen.system.signals import Signals

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FAULT_LINES = "\n".join(f"  {usage(name):33}{row.sentence}" for name, row in FAULTS.items())
EPILOG = f"""\b
Faults (several may be given):
{FAULT_LINES}

\b
Examples:
  pppgen sim --family bg96
  pppgen sim --family ec25 --dir /tmp/modem --fault at=3 --fault late=3:300
  pppgen ports --sysroot /tmp/modem
  pppgen sim --control /tmp/modem.sock     then: echo 'fault reg=3' | nc -U /tmp/modem.sock
"""


@click.command("sim", epilog=EPILOG)
@click.option("--family", default="bg96", show_default=True, type=click.Choice(families()), help="Which modem.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Put dev/ and sys/ below DIR, which has neither yet (default: a temporary folder).",
    metavar="DIR",
)
@click.option("--fault", "faults", multiple=True, metavar="NAME[=VALUE]", help="What shall be wrong; see below.")
@click.option(
    "--control",
    type=click.Path(path_type=Path),
    metavar="SOCKET",
    help="Take commands on this socket while running: fault, clear, hangup, unplug, plug, urc, state.",
)
@json_option
def command(family: str, folder: Path | None, faults: tuple[str, ...], control: Path | None, as_json: bool) -> None:
    """Run a simulated modem on pseudo-terminals until it is ended by Ctrl-C or TERM.

    Its ports appear as a kernel's would below a folder of its own, so every command finds it with `--sysroot`.
    """
    wanted = Faults()
    for text in faults:
        wanted = with_fault(wanted, text)
    with _folder(folder) as root, tempfile.TemporaryDirectory(prefix="pppgen-operator-") as words:
        held = why_held()
        network = None if held else Operator(Path(words) / "operator.log")
        _work(Bench(load(family), wanted, root, control=control, network=network, held=held), as_json=as_json)


def _work(plugged: Bench, *, as_json: bool) -> None:
    with plugged as bench, closing(Signals(_ENDING, lambda _: bench.stop())):
        if as_json:
            emit_json(bench.ready())
        else:
            typed = shlex.quote(str(bench.root))
            click.echo(f"ready: {bench.transcript.title} below {bench.root}; try: pppgen ports --sysroot {typed}")
        bench.run()
    say(bench.summary())


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="pppgen-sim-") as made:
        yield Path(made)
