"""The command tree: a name and a sentence each; the module behind a name is imported when it is called.

A hundred milliseconds count on a Pi Zero, so `--help` and `--version` import nothing but click.
"""

import errno
import io
import os
import signal
import sys
from importlib import import_module
from typing import NoReturn

import click

from pppgen import __version__
from pppgen.errors import ExitCode, Interrupted, PppgenError, WrongUsage

# name -> the sentence shown in `pppgen --help`. The module is pppgen.commands.<name>, its command `command`.
COMMANDS: dict[str, str] = {
    "setup": "Find the modem, prove its ports, write pppd's files, prove the chat script.",
    "up": "Bring the link up, showing each step; asks the service, or is one in the foreground.",
    "down": "End the link and keep it down.",
    "pon": "Bring the link up as Debian's pon does; the service is asked where it runs.",
    "poff": "End the link as Debian's poff does; under the service it stays down.",
    "status": "Tell how the link stands, without root.",
    "events": "Show what happened as a timeline, and follow it.",
    "explain": "Tell the last switch in five sentences.",
    "failover": "Change to the other bearer now.",
    "failback": "Go back to the first bearer now.",
    "run": "Keep the link up: what pppgen.service starts.",
    "ports": "List every modem and serial port, who holds it, and its stable name; nothing is sent.",
    "probe": "Ask each port what it is: which one speaks AT, which one dials.",
    "at": "Ask the modem one AT command on the port that speaks AT.",
    "render": "Print the files that setup would write, for any modem family.",
    "rollback": "Put back every file as it was before pppgen came.",
    "bands": "Translate a modem's band masks, both ways.",
    "diagnose": "Say why a link failed, from any log, with the lines that prove it.",
    "doctor": "Look at everything that a link needs, and say what is in the way.",
    "report": "Write one HTML file that tells what happened and how the system stands.",
    "demo": "Show the whole path on a machine without a modem.",
    "sim": "Run a simulated modem on pseudo-terminals.",
}


class LazyTree(click.Group):
    """A group whose commands are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Return the names in the order that a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's
        """Import the module of the command, if there is one of that name."""
        if cmd_name not in COMMANDS:
            return None
        loaded = import_module(f"pppgen.commands.{cmd_name.replace('-', '_')}").command
        assert isinstance(loaded, click.Command)  # noqa: S101 -- a wiring fault, seen by the first test
        # The raw docstrings write click's mark for "as it is typed" as a backslash and a b.
        loaded.help = (loaded.help or "").replace("\\b\n", "\b\n")
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's
        """Write the list from the table, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyTree,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with:  sudo pppgen setup --apn YOUR_APN",
)
@click.version_option(__version__, prog_name="pppgen")
def tree() -> None:
    """Find the modem, prove its ports, write pppd's files, keep the link up, and say why at each step."""


def main() -> None:
    """Run the command line; the one place where an exception becomes a message, a hint and an exit code.

    With `--json` it becomes the object: what a command could not answer itself still is one on standard output.
    """
    _have_streams()
    _end_as_by_ctrl_c()
    try:
        _run()
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EPIPE}:
            raise
        # Python would try once more to write what waits there when it ends, and say so with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.errno == errno.ENOSPC:
            from pppgen.commands.present import show_error  # noqa: PLC0415 -- only an error needs it

            show_error(PppgenError(f"{error.filename or 'standard output'}: {error.strerror}"))
        sys.exit(ExitCode.UNEXPECTED)


def _run() -> None:
    try:
        tree.main(prog_name="pppgen", standalone_mode=False)
    except click.exceptions.Abort:
        if _as_json():
            _emit(Interrupted("broken off before its end"))
        sys.exit(ExitCode.INTERRUPTED)
    except click.ClickException as error:
        if _as_json():
            where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "pppgen"
            _emit(WrongUsage(error.format_message(), hint=f"{where} --help"))
        error.show()
        sys.exit(ExitCode.USAGE)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except PppgenError as error:
        if _as_json():
            _emit(error)
        from pppgen.commands.present import show_error  # noqa: PLC0415 -- only an error needs it

        show_error(error)
        sys.exit(error.exit)


def _have_streams() -> None:
    """Have three streams that take whatever is said: cron and `<&-` leave them closed, an old locale knows no `│`.

    A closed one is opened on /dev/null, so that no port is opened under its number and written to.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 -- as long as we live
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end_as_by_ctrl_c() -> None:
    """Have TERM, and the loss of the terminal, put back what Ctrl-C does: a port's settings, its lock, half a setup.

    Who runs for long (`run`, `up`, `sim`) installs handlers of its own.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, signal.default_int_handler)


def _as_json() -> bool:
    return "--json" in sys.argv[1:]


def _emit(error: PppgenError) -> NoReturn:
    from pppgen.commands.failure import failure  # noqa: PLC0415 -- a failure pays for itself
    from pppgen.commands.present import emit_json  # noqa: PLC0415 -- same

    emit_json(failure(sys.argv[1:], error), one_line=sys.argv[1:2] == ["up"])
    sys.exit(error.exit)
