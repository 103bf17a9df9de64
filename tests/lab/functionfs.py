"""The modem's QMI interface on the bus: a FunctionFS function of the gadget, bound by the host's own qmi_wwan.

Control messages go over ep0 (CDC WDM 1.1, 7.1: SEND_ENCAPSULATED_COMMAND, GET_ENCAPSULATED_RESPONSE, and the
notification RESPONSE_AVAILABLE), packets over a bulk pair. Endpoint files can't be polled: each has a thread. So has
ep0: a host that gives up in the middle of a transfer (qmicli killed) leaves its other side waiting until the next one.
"""

import asyncio
import contextlib
import os
import queue
import select
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from tests.lab import namespaces

NAME = "qmi"
INTERFACE = 4
# <linux/usb/functionfs.h>
DESCRIPTORS_V2, STRINGS = 3, 2
FULL_SPEED, HIGH_SPEED = 1, 2
ENABLE, DISABLE, UNBIND, SETUP = 2, 3, 1, 4
EVENT = struct.Struct("<BBHHHB3x")  # a control request, the event's kind
# Class requests of an interface: bmRequestType and bRequest.
SEND_ENCAPSULATED_COMMAND, GET_ENCAPSULATED_RESPONSE, SET_CONTROL_LINE_STATE = (0x21, 0x00), (0xA1, 0x01), (0x21, 0x22)
RESPONSE_AVAILABLE = struct.pack("<BBHHH", 0xA1, 0x01, 0, INTERFACE, 0)
BULK, INTERRUPT = 2, 3
BULK_PACKET = 512
# After four gser functions, dummy_hcd's next endpoints have addresses that are taken already; the host says "duplicate
# endpoint" and skips them. So two of each direction go before the real pair, in spite of bNumEndpoints.
ENDPOINTS = (
    (0x81, INTERRUPT), (0x82, BULK), (0x83, BULK), (0x01, BULK), (0x02, BULK), (0x84, BULK), (0x03, BULK),
)  # fmt: skip
NOTIFY, TO_HOST_FILE, FROM_HOST_FILE = "ep1", "ep6", "ep7"
TRANSFER = 2048  # more than any frame at an MTU of 1500
LOOK_S = 0.5  # how often ep0's thread looks whether it is over
BACKLOG = 256  # frames and messages that nobody takes; what comes then is lost
FORGOTTEN_S = 1.0  # the kernel fetches a response as soon as it is told of it, or as soon as the one before is read


def descriptors() -> bytes:
    """Return what ep0 wants first: the interface with its endpoints at full and at high speed."""
    interface = struct.pack("<BBBBBBBBB", 9, 4, 0, 0, 3, 0xFF, 0xFF, 0xFF, 1)

    def at(packet: int, interval: int) -> bytes:
        rows = (
            struct.pack("<BBBBHB", 7, 5, address, kind, packet if kind == BULK else 16, interval * (kind == INTERRUPT))
            for address, kind in ENDPOINTS
        )
        return interface + b"".join(rows)

    count = 1 + len(ENDPOINTS)
    body = struct.pack("<II", count, count) + at(64, 1) + at(BULK_PACKET, 4)
    return struct.pack("<III", DESCRIPTORS_V2, 12 + len(body), FULL_SPEED | HIGH_SPEED) + body


def strings() -> bytes:
    """Return what ep0 wants next: the interface's name."""
    body = struct.pack("<H", 0x0409) + b"QMI\0"
    return struct.pack("<IIII", STRINGS, 16 + len(body), 1, 1) + body


class FunctionFs:
    """The function, from mount to unmount; `on_message` and `on_frame` are called in the loop's thread."""

    def __init__(self, folder: Path, on_message: Callable[[bytes], None], on_frame: Callable[[bytes], None]) -> None:
        self.folder = folder
        self.on_message, self.on_frame = on_message, on_frame
        self._responses: deque[bytes] = deque()
        self._undelivered = 0  # notices that the host has not taken yet
        self._heard_at = 0.0  # when it last took a notice or a response
        self._saying = threading.Lock()  # for these three

    def make(self, gadget: Path) -> None:
        """Make the function and link it after all others: qmi_wwan takes BG96's interface by its number."""
        function = gadget / f"functions/ffs.{NAME}"
        function.mkdir()
        self.folder.mkdir(parents=True, exist_ok=True)
        namespaces.run("mount", "-t", "functionfs", NAME, str(self.folder))
        self._ep0 = os.open(self.folder / "ep0", os.O_RDWR)
        os.write(self._ep0, descriptors())
        os.write(self._ep0, strings())
        (gadget / f"configs/c.1/ffs.{NAME}").symlink_to(function)
        self._start()

    def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._enabled = threading.Event()
        self._closing = False
        self._notices: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._frames: queue.Queue[bytes | None] = queue.Queue(BACKLOG)
        # Non-blocking only means: don't wait for the host to configure us.
        self._files = {
            name: os.open(self.folder / name, os.O_RDWR | os.O_NONBLOCK)
            for name in (NOTIFY, TO_HOST_FILE, FROM_HOST_FILE)
        }
        self._threads = [
            threading.Thread(target=target, name=f"qmi {target.__name__}", daemon=True)
            for target in (self._notify, self._send, self._receive, self._control)
        ]
        for thread in self._threads:
            thread.start()

    def remove(self, gadget: Path) -> None:
        """Undo `make`; the gadget is off the bus."""
        self._closing = True
        self._notices.put(None)
        self._frames.put(None)
        self._enabled.set()
        for thread in self._threads:
            thread.join()
        for fd in (*self._files.values(), self._ep0):
            os.close(fd)
        (gadget / f"configs/c.1/ffs.{NAME}").unlink()
        namespaces.run("umount", str(self.folder))
        (gadget / f"functions/ffs.{NAME}").rmdir()

    # To the host, from the loop's thread.

    def say(self, message: bytes) -> None:
        """Have a control message fetched by the host: exactly one notice for each.

        A notice too many is answered by a response of no length, after which a libqmi reads that device no more.
        """
        with self._saying:
            if self._enabled.is_set() and len(self._responses) < BACKLOG:
                self._responses.append(message)
                self._announce()

    def send(self, frame: bytes) -> None:
        """Send a frame; it is lost where the host takes none."""
        with contextlib.suppress(queue.Full):
            self._frames.put_nowait(frame)

    def _announce(self) -> None:
        self._undelivered += 1
        self._notices.put(RESPONSE_AVAILABLE)

    def _remind(self) -> None:
        """Announce again what the host was told of and forgot: its driver does so when the last reader closes."""
        with self._saying:
            if time.monotonic() - self._heard_at > FORGOTTEN_S:
                for _ in range(len(self._responses) - self._undelivered):
                    self._announce()

    def _forget(self) -> None:
        """Drop what the host has not fetched: it has unplugged us."""
        with self._saying:
            self._responses.clear()
            with contextlib.suppress(queue.Empty):
                while self._notices.get_nowait():
                    self._undelivered -= 1
                self._notices.put(None)

    # Threads, one a file.

    def _control(self) -> None:
        while not self._closing:
            if not select.select([self._ep0], [], [], LOOK_S)[0]:
                self._remind()
                continue
            with contextlib.suppress(OSError):
                for event in EVENT.iter_unpack(os.read(self._ep0, EVENT.size * 4)):
                    self._happened(*event)

    def _happened(self, kind_of: int, request: int, _value: int, _index: int, length: int, kind: int) -> None:
        if kind == SETUP:
            with contextlib.suppress(OSError):  # the host has given up on it meanwhile, or it is refused
                self._setup((kind_of, request), length)
        elif kind == ENABLE:
            self._enabled.set()
        elif kind in {DISABLE, UNBIND}:
            self._enabled.clear()
            self._forget()

    def _setup(self, request: tuple[int, int], length: int) -> None:
        if request == SEND_ENCAPSULATED_COMMAND:
            self._loop.call_soon_threadsafe(self.on_message, os.read(self._ep0, length))
        elif request == GET_ENCAPSULATED_RESPONSE:
            with self._saying:
                response = self._responses.popleft() if self._responses else b""
                self._heard_at = time.monotonic()
            os.write(self._ep0, response[:length])
        elif request == SET_CONTROL_LINE_STATE or request[0] & 0x80:
            os.read(self._ep0, 0)  # taken, or refused by turning its direction
        else:
            os.write(self._ep0, b"")

    def _notify(self) -> None:
        while (notice := self._notices.get()) is not None:
            with contextlib.suppress(OSError):
                os.write(self._files[NOTIFY], notice)
            with self._saying:
                self._notifying = False

    def _send(self) -> None:
        while (frame := self._frames.get()) is not None:
            with contextlib.suppress(OSError):
                os.write(self._files[TO_HOST_FILE], frame)
                if len(frame) % BULK_PACKET == 0:
                    os.write(self._files[TO_HOST_FILE], b"")  # else the host waits for the rest

    def _receive(self) -> None:
        while self._enabled.wait() and not self._closing:
            try:
                frame = os.read(self._files[FROM_HOST_FILE], TRANSFER)
            except OSError:
                continue  # pulled out: the event of it is on its way
            if frame:
                self._loop.call_soon_threadsafe(self.on_frame, frame)
