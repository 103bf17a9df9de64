"""`pppgen demo`: the whole path on a machine without a modem; what is simulated says so."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import click

from pppgen.bearers.protocol import Bearer
from pppgen.commands import ports, rollback, setup
from pppgen.commands.assembly import Running
from pppgen.commands.lines import writer
from pppgen.commands.present import clean, say
from pppgen.errors import ExitCode, PppgenError
from pppgen.model import BearerKind
from pppgen.policy.state import Decided, Online, State
from pppgen.reports import BearerReport
from pppgen.sim.bench import Bench
from pppgen.sim.faults import Faults, with_fault
from pppgen.sim.story import Replay, words
from pppgen.sim.transcript import load
from pppgen.system.files import Tree
from pppgen.system.spawn import program

FAMILY = "bg96"
# The catalog expects AT on interface 2; a guide that names a port by number would be wrong on this modem.
FAULT = "at=3"
_STORY_S = 30.0
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
            _scene("4. The link: QMI gets no lease, the cause is named, and PPP takes over.")
            tell_story(root)
            _scene("5. And taken back.")
            _run(rollback.command, "rollback", "--yes", "--root", str(root))
        _scene("What was real here, and what was simulated.")
        for line in (
            f"simulated: the {bench.transcript.title} on pseudo-terminals, with AT on interface 3 only; the network",
            "           the words of quectel-CM, udhcpc, chat, pppd and ping in part 4: our first user's, replayed",
            "real:      discovery, probe, the files, and Debian's chat, which ran the very bytes up to CONNECT",
            "           what read those words, found the cause and decided: the supervisor that runs on a board",
        ):
            click.echo(line)
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


def tell_story(root: Path) -> None:
    """Run the real supervisor on replayed words until PPP is up; anything else is a fault of the demo."""

    def bearers(report: Callable[[BearerReport], None]) -> dict[BearerKind, Bearer]:
        stories = {BearerKind.QMI: "qmi-no-lease", BearerKind.PPP: "ppp-up"}
        return {kind: Replay(kind, words(name), _show, report) for kind, name in stories.items()}

    online = _Online()
    with Running(
        Tree(root), bearers=bearers, takers=(writer(click.echo, timed=False),), witnesses=(online,)
    ) as running:

        def serve() -> None:
            try:
                running.serve(up=True)
            finally:
                online.flag.set()  # also when it died: nobody waits for a dead supervisor

        worker = Thread(target=serve, name="supervisor")
        worker.start()
        came_up = online.flag.wait(_STORY_S)
        running.leave(keep=False)
        worker.join()
    if not came_up or online.kind is not BearerKind.PPP:
        raise PppgenError("the demo's PPP link did not come up", hint="this is a fault in pppgen: make test")


def _show(line: str) -> None:
    click.secho(f"[simulated] {clean(line)}", dim=True)


class _Online:
    """A witness that waits for traffic."""

    def __init__(self) -> None:
        self.flag = Flag()
        self.kind: BearerKind | None = None

    def reported(self, report: BearerReport, now: float) -> None:
        """Only decisions count."""

    def decided(self, decision: Decided, state: State, now: float) -> None:  # noqa: ARG002 -- the witness's form
        """Note which bearer carries traffic."""
        if isinstance(state.phase, Online):
            self.kind = state.phase.kind
            self.flag.set()


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
