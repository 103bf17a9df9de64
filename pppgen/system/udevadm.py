"""Makes udev read the rules that were installed or removed, and name a modem's ports by them without a replug."""

from pppgen.model import Notice
from pppgen.system.spawn import run
from pppgen.values import usb_path as checked

_SETTLE_S = 5
_RUN_S = 10.0


def apply_rules(usb_path: str) -> Notice | None:
    """Let udev name the ports of the modem at this USB path anew; a notice says why that did not work.

    The `change` events also tell ModemManager to let go of a port that a rule has taken from it. A board without a
    running udev (a container, mdev) gets its names at no time: the notice says so, and by-path or the node remain.

    Raises:
        MissingProgram: there is no udevadm.
    """
    for argv in (
        ("udevadm", "control", "--reload"),
        ("udevadm", "trigger", "--action=change", f"--parent-match=/sys/bus/usb/devices/{checked(usb_path)}"),
        ("udevadm", "settle", f"--timeout={_SETTLE_S}"),
    ):
        done = run(argv, _RUN_S)
        if done.status != 0:
            return Notice(
                "udev-not-applied",
                f"udev did not name the ports of USB {usb_path} anew",
                "unplug the modem and plug it in again",
                (f"{' '.join(argv)}: {done.output.strip()[:200] or f'exit status {done.status}'}",),
            )
    return None
