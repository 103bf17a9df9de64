"""README is true: every command in it is run, and every line that it shows of an answer comes out of it."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from pppgen.cli import COMMANDS
from tests.fakes.simulator import simulator

ROOT = Path(__file__).parent.parent
LOGS = ROOT / "tests" / "fixtures" / "diagnose"
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"(?:<!-- run: ([^\n]*) -->\n)?```console\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A console block: what it runs on, and pairs of a command and the lines that README shows of its answer."""

    world: str
    scenes: tuple[tuple[str, tuple[str, ...]], ...]


def blocks() -> list[Block]:
    found = []
    for world, text in BLOCK.findall(README):
        scenes = []
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, *lines = part.rstrip("\n").split("\n")
            scenes.append((command, tuple(line for line in lines if line and line != "…")))
        found.append(Block(world, tuple(scenes)))
    return found


def arguments_of(command: str, folder: Path) -> list[str]:
    """What to run for a command of README, told where the simulated modem is and where to write."""
    words = shlex.split(command.removeprefix("sudo "))
    assert words[0] == "pppgen", command
    options = {option for one in import_module(f"pppgen.commands.{words[1]}").command.params for option in one.opts}
    where = [("--sysroot", folder / "modem"), ("--root", folder / "root")]
    return [*words[1:], *(str(word) for pair in where if pair[0] in options for word in pair)]


def run(command: str, folder: Path) -> tuple[int, str]:
    """Run a command of README as on a terminal; a simulated modem is ended when it is ready, as Ctrl-C does."""
    with subprocess.Popen(
        [sys.executable, "-m", "pppgen", *arguments_of(command, folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
    ) as process:
        assert process.stdout
        first = ""
        if command.startswith("pppgen sim"):
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    return process.returncode, first + rest


@pytest.mark.skipif(not shutil.which("chat", path="/usr/sbin:/usr/bin"), reason="no chat: apt install ppp")
@pytest.mark.parametrize(
    "block", [one for one in blocks() if not one.world.startswith("lab")], ids=lambda one: one.world
)
def test_every_command_of_readme_answers_as_it_shows(block: Block, tmp_path: Path) -> None:
    kind, *words = block.world.split()
    with ExitStack() as stack:
        if kind == "simulated":
            stack.enter_context(simulator(tmp_path / "modem", *words))
        elif kind == "log":
            shutil.copy(LOGS / words[0], tmp_path)
        else:
            assert kind == "alone", "say above the block what it runs on"
        for command, shown in block.scenes:
            status, answer = run(command, tmp_path)
            assert status == 0, f"{command}: {answer}"
            said = (
                re.sub(rf"{re.escape(str(tmp_path))}/(modem|root)", "", answer)
                .replace(str(tmp_path), "/home/pi")
                .splitlines()
            )
            position = 0
            for line in shown:
                assert line in said[position:], f"{command}: README shows {line!r}, but it says {said}"
                position = said.index(line, position) + 1


def test_every_block_of_readme_says_what_it_runs_on() -> None:
    assert blocks()
    assert all(block.world for block in blocks())


def test_readmes_tables_are_made_from_the_code() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "tables.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_readmes_make_targets_are_there() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"\bmake ([a-z-]+)", README)) <= set(targets)


def test_readme_names_no_command_that_is_not_there() -> None:
    assert set(re.findall(r"`(?:sudo )?pppgen ([a-z]+)", README)) <= set(COMMANDS)
