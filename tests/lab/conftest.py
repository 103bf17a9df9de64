"""What the lab's tests share. They are collected in the guest only: elsewhere there is no modem to speak to."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab import control
from tests.lab.places import SOCKET

collect_ignore_glob = [] if SOCKET.exists() else ["test_*.py"]


class Lab:
    """The simulated modem and its network, moved from a test."""

    def fault(self, *texts: str) -> None:
        control.ask("fault", *texts)

    def ask(self, do: str, *words: object, seconds: float = 0.5) -> dict[str, object]:
        return control.ask(do, *words, seconds=seconds)

    def seen(self, site: str, kind: str) -> int:
        """Return how many requests of a kind (`http`, `dns`) a site (`operator`, `home`) has counted."""
        return int(control.ask("status")["seen"][site].get(kind, 0))

    def qmi(self) -> dict[str, Any]:
        """Return the QMI side: `clients` held, how many ids were `allocated`, network `starts`, `call`, `raw_ip`."""
        found: dict[str, Any] = control.ask("status")["qmi"]
        return found

    def dtr_drops(self, interface: int) -> int:
        return int(control.ask("status")["dtr_drops"].get(str(interface), 0))


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A modem as it was delivered: BG96, no faults, ttyUSB0 to 3."""
    control.ask("reset")
    yield Lab()
    control.ask("reset")
