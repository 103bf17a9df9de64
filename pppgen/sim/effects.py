"""What the simulated modem wants done, as values: the core decides, whoever holds the ports carries out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes to the host on a port."""

    port: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Dialled:
    """The port is in data mode; `served` is false where nobody shall answer on the other side."""

    port: int
    cid: int
    apn: str
    served: bool


@dataclass(frozen=True, slots=True)
class ToNetwork:
    """Bytes that the host sent in data mode."""

    port: int
    data: bytes


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call of a port ended."""

    port: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """A port goes away for good, as a loose plug does it."""

    port: int


@dataclass(frozen=True, slots=True)
class Rebooting:
    """All ports go away and come back after so many seconds; then `Modem.boot` is called."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Encapsulated:
    """A QMI message to the host's /dev/cdc-wdm."""

    data: bytes


Effect = Encapsulated | Send | Dialled | ToNetwork | HungUp | Vanished | Rebooting
