from importlib import import_module

import click
import pytest
from click.testing import CliRunner

from pppgen.cli import COMMANDS, tree
from pppgen.errors import SENTENCES, ExitCode, PppgenError


@pytest.mark.parametrize("name", COMMANDS)
def test_every_name_in_the_tree_has_its_command(name: str) -> None:
    command = import_module(f"pppgen.commands.{name.replace('-', '_')}").command
    assert isinstance(command, click.Command)
    assert command.help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_shows_its_examples_as_they_are_typed(name: str) -> None:
    told = CliRunner().invoke(tree, [name, "--help"]).output
    assert "Example" in told or name == "demo"  # which has no options worth one
    assert "\\b" not in told


def test_every_exit_code_has_a_sentence() -> None:
    assert set(SENTENCES) == set(ExitCode)


def test_every_error_has_a_slug_of_its_own() -> None:
    kinds: list[type[PppgenError]] = [PppgenError, *PppgenError.__subclasses__()]
    slugs = [kind.code for kind in kinds]
    assert len(slugs) == len(set(slugs))


@pytest.mark.parametrize("name", ["setup", "ports", "probe", "render", "rollback", "at", "doctor"])
def test_every_command_that_reads_or_writes_can_do_it_below_folders_of_its_own(name: str) -> None:
    command = import_module(f"pppgen.commands.{name}").command
    assert {"--root", "--sysroot"} <= {flag for option in command.params for flag in option.opts}
