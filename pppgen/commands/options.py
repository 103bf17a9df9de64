"""The options that several commands share, each written once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pppgen.model import BearerKind

_F = TypeVar("_F", bound=Callable[..., Any])


BEARERS = click.Choice([kind.value for kind in BearerKind])


def sysroot_option(command: _F) -> _F:
    """Add `--sysroot DIR`: where sys/ and dev/ are read."""
    return click.option(
        "--sysroot",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=Path("/"),
        metavar="DIR",
        help="Read sys/ and dev/ below DIR (a simulated modem's folder).",
    )(command)


def root_option(command: _F) -> _F:
    """Add `--root DIR`: where etc/ is written."""
    return click.option(
        "--root",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("/"),
        metavar="DIR",
        help="Write etc/ and var/ below DIR instead of the system's own.",
    )(command)


def json_option(command: _F) -> _F:
    """Add `--json`: one object on standard output, nothing else there, and no questions."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON object and ask nothing.",
    )(command)
