"""What the machine says about its ports, before anybody decides: read by `system/`, judged by `discovery`.

Names below dev/ carry the sysroot (`DIR/dev/ttyUSB2`), so that they can be opened; `ours`, `by_path` and `by_id` are
written as the running system will know them (`/dev/...`), so that they can be put into a file.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from pppgen.model import Holder


@dataclass(frozen=True, slots=True)
class UsbTty:
    """One tty node of a USB interface; `port_number` is not 0 where one interface of a serial adapter has several."""

    name: str
    device: str
    port_number: int = 0
    ours: str | None = None
    by_path: str | None = None
    by_id: str | None = None


@dataclass(frozen=True, slots=True)
class UsbInterface:
    """One interface of a USB device; the three class codes are -1 where the tree does not tell them.

    `net` are interface names (`wwan0`), `wdm` are nodes below dev/ (`/dev/cdc-wdm0`).
    """

    number: int
    usb_class: int = -1
    subclass: int = -1
    protocol: int = -1
    driver: str | None = None
    ttys: tuple[UsbTty, ...] = ()
    net: tuple[str, ...] = ()
    wdm: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """One USB device; `path` is the kernel's name (`1-1.4`), `vid` and `pid` four lower-case hex digits."""

    path: str
    vid: str
    pid: str
    interfaces: tuple[UsbInterface, ...] = ()
    bcd_device: str = ""
    manufacturer: str = ""
    product: str = ""
    serial: str = ""

    @property
    def ttys(self) -> tuple[UsbTty, ...]:
        """All its ports, in the order of the interface numbers."""
        return tuple(tty for interface in self.interfaces for tty in interface.ttys)


@dataclass(frozen=True, slots=True)
class Uart:
    """A serial port of the board; `aliases` are the board's own links to it (`/dev/serial0`)."""

    name: str
    device: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Board:
    """What sysfs and dev/ tell; `consoles` are tty names the kernel or its command line uses (`ttyS0`, `serial0`)."""

    usb: tuple[UsbDevice, ...] = ()
    uarts: tuple[Uart, ...] = ()
    consoles: tuple[str, ...] = ()


class Grip(StrEnum):
    """How it is known that a process holds a port."""

    DESCRIPTOR = "descriptor"
    LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Claim:
    """A process that holds a port; `evidence` is what proves it (`/proc/812/fd/4`, `/run/lock/LCK..ttyUSB2`)."""

    device: str
    holder: Holder
    grip: Grip
    evidence: str


@dataclass(frozen=True, slots=True)
class StaleLock:
    """A UUCP lock file whose process is dead; it holds nothing, and a program may trip over it."""

    device: str
    path: str
    pid: int


@dataclass(frozen=True, slots=True)
class Process:
    """A running process: its kernel name and the words it was started with, bounded and cleaned."""

    pid: int
    name: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Who uses what. When `complete` is false a port without a claim is *unknown*, not free."""

    claims: tuple[Claim, ...] = ()
    stale_locks: tuple[StaleLock, ...] = ()
    processes: tuple[Process, ...] = field(default=(), repr=False)
    complete: bool = True

    def holder_of(self, device: str) -> Holder | None:
        """Return who holds a port: an open descriptor says more than a lock file.

        >>> held = Claim("/dev/ttyUSB2", Holder(812, "ModemManager"), Grip.DESCRIPTOR, "/proc/812/fd/4")
        >>> Usage((held,)).holder_of("/dev/ttyUSB2")
        Holder(pid=812, name='ModemManager')
        """
        found = [claim for claim in self.claims if claim.device == device]
        return (
            min(found, key=lambda claim: (claim.grip is not Grip.DESCRIPTOR, claim.holder.pid)).holder
            if found
            else None
        )

    def running(self, name: str) -> bool:
        """Return whether a process of this name runs."""
        return any(process.name == name for process in self.processes)


@dataclass(frozen=True, slots=True)
class Trace:
    """Something on disk or in the kernel that a vendor's guide may have left; `kind` is `path`, `module` or `line`."""

    kind: str
    name: str
    text: str = ""
