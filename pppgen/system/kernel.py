"""What the running kernel tells of itself: its drivers, its log, and a Raspberry Pi's word on the supply."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pppgen.errors import MissingProgram
from pppgen.system.spawn import run

LOG_LINES = 20_000
"""The kernel's ring holds fewer; one that fills faster than it is read must end."""
_RECORD = 8192  # dev-kmsg: a record is never longer
_THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
_MODEL = Path("/proc/device-tree/model")
_ANSWER_S = 2.0
_MODULE = re.compile(r"([A-Za-z0-9_\-]+)\.ko(?:\.(?:xz|zst|gz))?(?=:|$)", re.MULTILINE)

# A driver that is built in is in no list of modules; each of these appears while the driver is there.
_SIGNS: dict[str, str] = {
    "ppp_generic": "sys/class/ppp",
    "option": "sys/bus/usb-serial/drivers/option1",
    "qmi_wwan": "sys/bus/usb/drivers/qmi_wwan",
}


def release() -> str:
    """Return the running kernel's release, such as `6.1.0-rpi7-rpi-v8`."""
    return os.uname().release


def present_drivers(names: Iterable[str], root: Path = Path("/")) -> frozenset[str]:
    """Return which of the drivers are loaded or built in."""
    wanted = frozenset(names)
    loaded = {line.split(" ", 1)[0] for line in _text(root / "proc/modules").splitlines()}
    built_in = _modules(root / "lib/modules" / release() / "modules.builtin")
    signs = {name for name, sign in _SIGNS.items() if (root / sign).exists()}
    return wanted & (loaded | built_in | signs)


def loadable_drivers(names: Iterable[str], root: Path = Path("/")) -> frozenset[str]:
    """Return which of the drivers modprobe would find for the running kernel."""
    return frozenset(names) & _modules(root / "lib/modules" / release() / "modules.dep")


def is_replaced(root: Path = Path("/")) -> bool:
    """Whether there are modules for other kernels and none for the running one: it was upgraded and not rebooted."""
    folder = root / "lib/modules"
    try:
        releases = {entry.name for entry in folder.iterdir() if (entry / "modules.dep").exists()}
    except OSError:
        return False
    return bool(releases) and not (folder / release()).is_dir()


def load_module(name: str) -> None:
    """Load a module; raises MissingProgram, and OSError with modprobe's own words."""
    done = run(["modprobe", "--", name], 10.0)
    if done.status != 0:
        raise OSError(done.output.strip()[:200] or f"modprobe ended with {done.status}")


def is_raspberry_pi() -> bool:
    """Whether the board calls itself one."""
    return "Raspberry Pi" in _text(_MODEL)


def throttled() -> int | None:
    """Return the bits of get_throttled; `None` where neither the driver nor vcgencmd tells them."""
    said = _text(_THROTTLED).strip()
    if not said:
        with suppress(MissingProgram):
            said = run(["vcgencmd", "get_throttled"], _ANSWER_S).output.strip().removeprefix("throttled=")
    try:
        return int(said, 16)
    except ValueError:
        return None


def kernel_log() -> Iterator[str]:
    """Yield the lines of the kernel's log as the reader of kernel lines wants them: without level and stamp.

    Raises:
        PermissionError: kernel.dmesg_restrict keeps it for root.
    """
    descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for _ in range(LOG_LINES):
            try:
                record = os.read(descriptor, _RECORD)
            except BlockingIOError:
                return
            except BrokenPipeError:  # older records were overwritten while we read; the next read goes on behind them
                continue
            if not record:
                return
            text = record.decode("utf-8", errors="replace").partition("\n")[0]
            yield text.partition(";")[2]
    finally:
        os.close(descriptor)


def _modules(path: Path) -> frozenset[str]:
    return frozenset(found.replace("-", "_") for found in _MODULE.findall(_text(path)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
