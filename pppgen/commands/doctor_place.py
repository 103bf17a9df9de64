"""Where doctor's readers look, and how a fact that could not be had is told."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pppgen.doctor.facts import Missing
from pppgen.errors import BadValue, NoPermission, PppgenError
from pppgen.system.files import Tree

_T = TypeVar("_T")

ELSEWHERE = Missing("another machine's tree: only the running system can tell", skip=True)
SUDO = "sudo pppgen doctor"


class Skipped(Exception):
    """The question makes no sense here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look, and whether a slow modem is waited for.

    `runs` is whether sys/ and dev/ are this system's own, `own` whether etc/ and var/ are too.
    """

    sysroot: Path = Path("/")
    root: Path = Path("/")
    patient: bool = False

    @property
    def runs(self) -> bool:
        """Whether the kernel, its devices and processes may be asked."""
        return self.sysroot.resolve() == Path("/")

    @property
    def own(self) -> bool:
        """Whether the files are those that the running programs use."""
        return self.runs and self.root.resolve() == Path("/")

    @property
    def tree(self) -> Tree:
        """The files."""
        return Tree(self.root)


def known(read: Callable[[], _T | Missing]) -> _T | Missing:
    """Return what a reader found, or why it could not: a fact that is refused is unknown, not a fault of ours."""
    try:
        return read()
    except Skipped as error:
        return Missing(str(error), skip=True)
    except NoPermission as error:
        return Missing(error.message, SUDO if os.geteuid() else error.hint)
    except PermissionError as error:
        return Missing(f"{error.filename or 'it'}: {error.strerror}", SUDO)
    except BadValue as error:
        return Missing(error.message, error.hint, broken=True)
    except PppgenError as error:
        return Missing(error.message, error.hint)
    except OSError as error:
        return Missing(str(error))
