"""Ports on real ptys whose other ends misbehave as told, all served by one thread."""

import os
import pty
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector
from time import monotonic

Reply = Callable[[bytes], bytes | None]
"""Bytes that were written to the port -> bytes that come back; `None` makes the port vanish."""


def silent(_: bytes) -> bytes:
    return b""


def modem(data: bytes) -> bytes:
    """A modem that speaks AT."""
    return b"\r\nBG96\r\n\r\nOK\r\n" if data == b"ATI\r" else b"\r\nOK\r\n"


def vanishing(_: bytes) -> None:
    return None


@dataclass(frozen=True)
class FakePort:
    """How a port answers, and after how long."""

    reply: Reply
    late_s: float = 0.0


@contextmanager
def pty_ports(*ports: FakePort) -> Iterator[list[str]]:
    """Serve the ports in a thread until the block ends; yield the names of their ttys, in order."""
    pairs = [pty.openpty() for _ in ports]
    names = [os.ttyname(slave) for _, slave in pairs]
    # The slave stays open here too: a master whose port nobody has open reads as hung up, without end.
    keepers = dict(pairs)
    wake_read, wake_write = os.pipe()
    served = {master: port for (master, _), port in zip(pairs, ports, strict=True)}
    thread = threading.Thread(target=_serve, args=(served, keepers, wake_read), daemon=True)
    thread.start()
    try:
        yield names
    finally:
        os.write(wake_write, b"x")
        thread.join()
        os.close(wake_read)
        os.close(wake_write)


def _serve(ports: dict[int, FakePort], keepers: dict[int, int], wake: int) -> None:
    selector = DefaultSelector()
    selector.register(wake, EVENT_READ)
    for master in ports:
        os.set_blocking(master, False)
        selector.register(master, EVENT_READ)
    due: list[tuple[float, int, bytes]] = []
    running = True
    while running:
        wait = max(0.0, due[0][0] - monotonic()) if due else None
        for key, _ in selector.select(wait):
            master = key.fd
            if master == wake:
                running = False
                continue
            with suppress(BlockingIOError):
                reply = ports[master].reply(os.read(master, 4096))
                if reply is None:
                    selector.unregister(master)
                    os.close(keepers.pop(master))
                    os.close(master)
                elif reply:
                    due.append((monotonic() + ports[master].late_s, master, reply))
        due.sort()
        while due and due[0][0] <= monotonic():
            _, master, reply = due.pop(0)
            os.write(master, reply)
    for master, slave in keepers.items():
        os.close(slave)
        os.close(master)
    selector.close()
