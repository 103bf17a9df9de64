"""What the programs say, as values: the one vocabulary of the live bearers and of `diagnose`.

A reader is fed one line at a time and answers with the events that the line proves, often none. It knows nothing of
line numbers, times or files: whoever feeds it does. It holds at most a small, bounded memory (an open question such
as "which command is this the answer to").
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Program(StrEnum):
    """Who spoke."""

    PPPD = "pppd"
    CHAT = "chat"
    WVDIAL = "wvdial"
    QMICLI = "qmicli"
    QUECTEL_CM = "quectel-CM"
    UDHCPC = "udhcpc"
    DHCLIENT = "dhclient"
    MODEM_MANAGER = "ModemManager"
    NETWORK_MANAGER = "NetworkManager"
    KERNEL = "kernel"
    AT = "at"
    PPPGEN = "pppgen"


class Kind(StrEnum):
    """What was said. The comment tells what `Event.value` holds; without one it is empty."""

    PROGRAM_STARTED = "program-started"  # the version, where it is told


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a line of a program's output proves."""

    program: Program
    kind: Kind
    value: str = ""


class Reader(Protocol):
    """Turns one program's lines into events."""

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what `line` (without its newline) proves; `()` for a line that proves nothing."""
        ...
