"""DTR as the host's driver really sets it, seen by usbmon: gser itself does not pass it on.

`option` sends SET_CONTROL_LINE_STATE (CDC PSTN 1.2, 6.3.14) to each interface; usbmon shows the request.
"""

import re
import threading
from collections.abc import Callable
from pathlib import Path

USBMON = Path("/sys/kernel/debug/usb/usbmon")
# usbmon's text form (Documentation/usb/usbmon.rst): tag, time, S(ubmit), Co:bus:device:0, s, then the setup packet.
CONTROL_LINE_STATE = re.compile(r" S Co:\d+:\d+:0 s 21 22 ([0-9a-f]{4}) ([0-9a-f]{4}) ")


def line_state(text: str) -> tuple[int, bool] | None:
    """Return (interface, DTR) when a line of usbmon sets them.

    >>> line_state("ff3d 20 S Co:1:002:0 s 21 22 0003 0002 0000 0")
    (2, True)
    >>> line_state("ff3d 21 C Co:1:002:0 0 0")
    """
    found = CONTROL_LINE_STATE.search(text)
    return (int(found[2], 16), bool(int(found[1], 16) & 1)) if found else None


def watch(bus: int, changed: Callable[[int, bool], None]) -> None:
    """Call `changed(interface, dtr)` from a thread of its own, for as long as the process lives.

    usbmon's text file can't be polled, so the thread sits in read().
    """

    def follow() -> None:
        with (USBMON / f"{bus}u").open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                if state := line_state(line):
                    changed(*state)

    threading.Thread(target=follow, name="usbmon", daemon=True).start()
