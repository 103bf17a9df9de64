"""Python and the repository in the guest's memory: over 9p each import costs the guest milliseconds a file.

A board has its files on a card with the kernel's caches before it; 9p without a cache is nothing that a user has.
"""

import subprocess
import sysconfig
import tarfile
from pathlib import Path

from tests.lab import namespaces

ARCHIVE = "near.tar"
PLACE = Path("/run/lab-near")
REPOSITORY = Path(__file__).resolve().parent.parent.parent
SHARED = REPOSITORY / "build" / "lab" / "shared"  # what every machine of a run sees
# What the guest never imports, and what is large.
LEFT_OUT = {
    *("test", "idlelib", "tkinter", "lib2to3", "ensurepip", "turtledemo", "pydoc_data"),
    *("mypy", "mypyc", "ast_serialize", "librt", "ruff", "pip", "setuptools", "pkg_resources", "virtme", "coverage"),
}


def folders() -> list[Path]:
    """Return what is brought near: the standard library, the environment's packages, the code and its tests."""
    paths = sysconfig.get_paths()
    return [Path(paths["stdlib"]), Path(paths["purelib"]), REPOSITORY / "pppgen", REPOSITORY / "tests"]


def pack() -> None:
    """On the host: put it into one file, which 9p reads fast."""

    def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        name = Path(member.name).name
        return None if name in LEFT_OUT or "__mypyc." in name or name.endswith(".a") else member

    with tarfile.open(SHARED / ARCHIVE, "w") as archive:
        for folder in folders():
            archive.add(folder, str(folder).lstrip("/"), filter=wanted)


def unpack() -> None:
    """In the guest: lay it over the same paths."""
    PLACE.mkdir()
    namespaces.run("mount", "-t", "tmpfs", "near", str(PLACE))
    subprocess.run(["tar", "-xf", str(SHARED / ARCHIVE), "-C", str(PLACE)], check=True)
    for folder in folders():
        namespaces.run("mount", "--bind", f"{PLACE}{folder}", str(folder))
