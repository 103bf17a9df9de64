"""Write the man pages from the commands' own help texts: `python docs/man/make.py FOLDER`."""

import sys
from pathlib import Path

from click_man.core import write_man_pages

from pppgen import __version__
from pppgen.cli import tree


def write(folder: Path) -> None:
    """Write pppgen.1 and one page a sub-command into `folder`.

    The year alone as date: a page changes when its command does, not when it is made again.
    """
    write_man_pages("pppgen", tree, version=__version__, target_dir=str(folder), date="2026")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
