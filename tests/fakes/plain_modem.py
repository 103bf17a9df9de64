"""The least modem that a chat script can dial: notes every line that arrives, byte for byte, and answers it."""

import os
import pty
import select
import threading
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Self


def obliging(command: bytes) -> bytes:
    """OK to everything, CONNECT to a dial."""
    return b"\r\nCONNECT\r\n" if command.startswith(b"ATD") else b"\r\nOK\r\n"


class PlainModem:
    """On a pty of its own, in a thread of its own; `answer` is asked for each line."""

    def __init__(self, answer: Callable[[bytes], bytes] = obliging, greeting: bytes = b"") -> None:
        self.heard: list[bytes] = []
        self._answer = answer
        self._greeting = greeting

    def __enter__(self) -> Self:
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        self.device = os.ttyname(self._theirs)
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._stopped, b"x")
        self._thread.join()
        for descriptor in (self._ours, self._theirs, self._stop, self._stopped):
            os.close(descriptor)

    def _run(self) -> None:
        line = b""
        while self._stop not in (ready := select.select([self._ours, self._stop], [], [])[0]):
            if self._ours in ready:
                line += os.read(self._ours, 4096)
            while b"\r" in line:
                command, line = line.split(b"\r", 1)
                self.heard.append(command)
                # The greeting comes with the first answer: opening a port throws away what lay in its buffer.
                os.write(self._ours, self._greeting + self._answer(command))
                self._greeting = b""
