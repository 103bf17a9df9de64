"""The guest's files near: Python, the repository and the lab's programs in its memory, all others remembered once read.

vng's own root asks the host over 9p at every look at every file, 60 questions for one `true`, a millisecond each. A
board has its files on a card with the kernel's caches before it; without a cache is nothing that a user has.
"""

import os
import re
import shutil
import subprocess
import sysconfig
import tarfile
from pathlib import Path

from tests.lab import namespaces

ARCHIVE = "near.tar"
REPOSITORY = Path(__file__).resolve().parent.parent.parent
RESULTS = REPOSITORY / "build" / "lab"
SHARED = RESULTS / "shared"  # what every machine of a run sees
# The host's root once more, by a device of its own: the first one is mounted for good, and without a cache.
FAR = Path("/mnt")
PLACE = Path("/run/lab-near")
ROOT = PLACE / "root"
UDEVD = "/usr/lib/systemd/systemd-udevd"
# What the guest never imports, and what is large.
LEFT_OUT = {
    *("test", "idlelib", "tkinter", "lib2to3", "ensurepip", "turtledemo", "pydoc_data"),
    *("mypy", "mypyc", "ast_serialize", "librt", "ruff", "pip", "setuptools", "pkg_resources", "virtme", "coverage"),
}
PROGRAMS = (
    *("python3", "sh", "bash", "env", "cat", "cp", "cut", "grep", "sed", "sleep", "true", "kill", "ps", "run-parts"),
    *("mount", "umount", "modprobe", "udevadm", UDEVD, "dbus-daemon", "ip", "ping", "wget", "busybox", "udhcpc"),
    *("pppd", "chat", "pon", "poff", "qmicli", "/usr/libexec/qmi-proxy"),
)


def packed() -> list[Path]:
    """Return what is brought near: the standard library, the environment's packages, the code, its tests, programs."""
    paths = sysconfig.get_paths()
    return [Path(paths["stdlib"]), Path(paths["purelib"]), REPOSITORY / "pppgen", REPOSITORY / "tests", *programs()]


def programs() -> list[Path]:
    """Return the programs that this machine has, and every library that they are linked to."""
    files = {Path(found).resolve() for name in PROGRAMS if (found := shutil.which(name))}
    for program in list(files):
        said = subprocess.run(["ldd", program], check=False, capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", said):
            files |= {Path(library).parent.resolve() / Path(library).name, Path(library).resolve()}
    return sorted(files)


def pack() -> None:
    """On the host: put it into one file, which 9p reads fast."""

    def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        name = Path(member.name).name
        return None if name in LEFT_OUT or "__mypyc." in name or name.endswith(".a") else member

    with tarfile.open(SHARED / ARCHIVE, "w") as archive:
        for path in packed():
            archive.add(path, str(path).lstrip("/"), filter=wanted)


def enter() -> None:
    """In the guest: make that root and change into it."""
    lower, upper, work = (PLACE / name for name in ("lower", "upper", "work"))
    PLACE.mkdir()
    namespaces.run("mount", "-t", "tmpfs", "near", str(PLACE))
    for folder in (lower, upper, work, ROOT):
        folder.mkdir()
    mounted = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    device = next(words[0] for words in mounted if words[1] == str(FAR))
    namespaces.run("umount", str(FAR))
    options = "ro,version=9p2000.L,trans=virtio,access=any,msize=512000,cache=loose"
    namespaces.run("mount", "-t", "9p", "-o", options, device, str(lower))
    namespaces.run("tar", "-xf", str(SHARED / ARCHIVE), "-C", str(upper))
    overlay = f"lowerdir={lower},upperdir={upper},workdir={work}"
    namespaces.run("mount", "-t", "overlay", "-o", overlay, "near", str(ROOT))
    for shown in ("/proc", "/sys", "/dev", "/run", "/usr/lib/modules", str(RESULTS)):
        (ROOT / shown.lstrip("/")).mkdir(parents=True, exist_ok=True)
        namespaces.run("mount", "--rbind", shown, f"{ROOT}{shown}")
    namespaces.run("udevadm", "control", "--exit")
    # For every process of the guest: in a mere chroot udevadm does nothing and says so to nobody.
    namespaces.run("mount", "--make-rprivate", "/")
    namespaces.run("pivot_root", str(ROOT), f"{ROOT}{FAR}")
    os.chdir(REPOSITORY)
    namespaces.run(UDEVD, "--daemon")
