"""What this system is made of, by name and version: for a report that somebody else reads."""

import os
import platform
from contextlib import suppress
from pathlib import Path

from pppgen.errors import MissingProgram
from pppgen.system.spawn import run

_ANSWER_S = 2.0
# program -> how it tells its version; the first line of the answer counts
_ASKED: dict[str, tuple[str, ...]] = {
    "pppd": ("pppd", "--version"),
    "qmicli": ("qmicli", "--version"),
    "udhcpc": ("busybox",),
    "ModemManager": ("ModemManager", "--version"),
    "NetworkManager": ("NetworkManager", "--version"),
    "systemd": ("systemctl", "--version"),
}
_LINE = 100


def versions() -> tuple[tuple[str, str], ...]:
    """Return (name, version) of the board, the system, the kernel, Python, and the programs that are installed."""
    known = [
        ("board", _first_line(Path("/proc/device-tree/model")) or platform.machine()),
        ("system", _pretty_name()),
        ("kernel", f"{os.uname().release} {os.uname().machine}"),
        ("Python", platform.python_version()),
        *((name, _asked(argv)) for name, argv in _ASKED.items()),
    ]
    return tuple((name, said) for name, said in known if said)


def _asked(argv: tuple[str, ...]) -> str:
    with suppress(MissingProgram):
        done = run(argv, _ANSWER_S)
        return next(iter(done.output.splitlines()), "")[:_LINE].strip()
    return ""


def _pretty_name() -> str:
    with suppress(OSError):
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    return ""


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")[:_LINE]
    except OSError:
        return ""
