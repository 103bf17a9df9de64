"""The kernel's word that the modem left its USB port or came back: netlink, so nothing polls.

A modem that comes back appears piece by piece (device, interfaces, ttys, cdc-wdm) within a second or two; `BACK` is
told once, when nothing more has come for `SETTLE_S`: an earlier dial would find half a modem.
"""

import os
import socket
import threading
from collections.abc import Callable, Mapping
from enum import Enum

SETTLE_S = 1.5
_KERNEL_GROUP = 1  # NETLINK_KOBJECT_UEVENT: group 1 is the kernel's, 2 is udev's
_BUFFER = 1 << 20  # a re-enumeration of a hub is some hundred messages at once
_MESSAGE = 8192  # UEVENT_BUFFER_SIZE is 2048
_NETLINK_KOBJECT_UEVENT = 15


class News(Enum):
    """What became of the modem."""

    GONE = "gone"
    BACK = "back"


def parse(message: bytes) -> Mapping[str, str]:
    r"""Return the properties of one message; empty for one that is not the kernel's.

    >>> parse(b"remove@/devices/usb1/1-1\0ACTION=remove\0SUBSYSTEM=usb\0")["ACTION"]
    'remove'
    """
    head, *pairs = message.decode("utf-8", errors="replace").split("\0")
    if "@" not in head:
        return {}
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def concerns(properties: Mapping[str, str], usb_path: str) -> News | None:
    """Return what a message says of the modem at `usb_path`; a piece of it that appears counts as `BACK`.

    >>> tty = {"ACTION": "add", "SUBSYSTEM": "tty", "DEVPATH": "/devices/usb1/1-1/1-1.4/1-1.4:1.2/ttyUSB2/tty/ttyUSB2"}
    >>> concerns(tty, "1-1.4"), concerns(tty, "1-1.5")
    (<News.BACK: 'back'>, None)
    """
    parts = properties.get("DEVPATH", "").split("/")
    if usb_path not in parts:
        return None
    action = properties.get("ACTION")
    if action == "remove" and parts[-1] == usb_path and properties.get("SUBSYSTEM") == "usb":
        return News.GONE
    return News.BACK if action in {"add", "bind"} else None


class Uevents(threading.Thread):
    """Listens from its making on; `tell` is called with each change, from this thread.

    `gone` says that the modem is not there as it begins: only one that left can come back.
    """

    def __init__(self, usb_path: str, tell: Callable[[News], None], messages: socket.socket | None = None) -> None:
        super().__init__(name="uevents", daemon=True)
        self.gone = False
        self._usb_path = usb_path
        self._tell = tell
        self._messages = messages or _open()

    def run(self) -> None:
        """Tell of the modem until the process ends."""
        appearing = False
        while True:
            self._messages.settimeout(SETTLE_S if appearing else None)
            try:
                message, sender = self._messages.recvfrom(_MESSAGE)
            except TimeoutError:
                appearing = self.gone = False
                self._tell(News.BACK)
                continue
            except OSError:
                if self._messages.fileno() < 0:
                    return
                # ENOBUFS: messages were lost. A loss of the modem its bearer sees for itself, but of its return nobody
                # else would tell; where it is not there after all, a dial says so and costs nothing.
                appearing = self.gone
                continue
            if not message and not sender:
                return
            if isinstance(sender, tuple) and sender[0] != 0:
                continue  # netlink(7): only the kernel has port 0; everybody else is not believed
            match concerns(parse(message), self._usb_path):
                case News.GONE:
                    appearing, self.gone = False, True
                    self._tell(News.GONE)
                case News.BACK:
                    appearing = self.gone
                case None:
                    pass


def _open() -> socket.socket:
    messages = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_KOBJECT_UEVENT)
    messages.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    messages.bind((os.getpid(), _KERNEL_GROUP))
    return messages
