"""What doctor's checks judge: everything that was read of the machine, the modem and our own files, as values.

A fact that could not be had is `Missing`, with the reason: a check then answers `unknown` or `skip` and never guesses.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from pppgen.at.reading import Reading
from pppgen.config import Config, Link
from pppgen.discovery import Found
from pppgen.errors import PppgenError
from pppgen.facts import Board
from pppgen.lease_cause import Framing
from pppgen.model import BearerKind, Device, Holder, Reason
from pppgen.modems.catalog import Family
from pppgen.policy.governor import Budget, Ledger
from pppgen.probe import Modem, Outcome
from pppgen.reports import Step
from pppgen.resolver import Owner


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that could not be had. With `skip` asking makes no sense here; else it is unknown, and `hint` may help.

    `broken` is a file that is there and makes no sense: whoever needs it fails.
    """

    why: str
    hint: str = ""
    skip: bool = False
    broken: bool = False


UNREAD = Missing("it was not read")


@dataclass(frozen=True, slots=True)
class Kernel:
    """The running kernel: drivers that are `present` (built in or loaded), those that could be loaded.

    `replaced` is whether /lib/modules has folders for other releases only: it was upgraded and not rebooted.
    """

    release: str
    present: frozenset[str] = frozenset()
    loadable: frozenset[str] = frozenset()
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class ManagedDevice:
    """A device as NetworkManager lists it: name, type (`gsm`, `ethernet`), state (`connected`, `unmanaged`)."""

    name: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What ports and modem said. `error` is why no port speaks AT; `reading` is missing where nothing was asked.

    `answer_s` is how long the modem took for an answer.
    """

    outcome: Outcome
    error: PppgenError | None = None
    modem: Modem | None = None
    device: Device | None = None
    family: Family | None = None
    reading: Reading | Missing = UNREAD
    answer_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Frames:
    """What each side of a QMI interface speaks; `driver` is the kernel's, `addressed` whether it carries an address."""

    interface: str
    kernel: Framing = Framing.UNKNOWN
    modem: Framing = Framing.UNKNOWN
    driver: str = ""
    addressed: bool = False


@dataclass(frozen=True, slots=True)
class QmiPort:
    """The QMI control port and whether it answered; `said` are the program's words where it did not."""

    node: str
    answers: bool
    said: str = ""


class FileState(StrEnum):
    """A file that pppgen wrote, now."""

    SAME = "same"
    EDITED = "edited"
    GONE = "gone"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class FileSeen:
    """One entry of the manifest, compared with the disk."""

    path: str
    state: FileState


@dataclass(frozen=True, slots=True)
class OptionLine:
    """A line of an options file of pppd's that counts for every call."""

    path: str
    line: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """What pppd said of the peers file without dialling; `status` is its exit status."""

    provider: str
    status: int | None
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """The chat script that dials, as it is on the disk; it may hold a password."""

    path: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file that may hold a password: its permission bits, and whether it belongs to root."""

    path: str
    mode: int
    of_root: bool


@dataclass(frozen=True, slots=True)
class RouteSeen:
    """A default route of the main table; the first of a family is the one in use."""

    family: int
    interface: str
    metric: int
    gateway: str = ""
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Resolver:
    """Who owns resolv.conf, the servers in it, and interfaces of ours that are gone but still told."""

    owner: Owner
    servers: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Time:
    """UTC seconds, and whether the kernel knows of somebody who set the clock."""

    wall: float
    synchronised: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """The governor's ledger now, on the clock that it is kept in."""

    ledger: Ledger
    budget: Budget
    now: float


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure of the journal; `ago_s` is by the wall clock, which may have jumped."""

    ago_s: float
    bearer: BearerKind
    reason: Reason
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """The journal's end: failures of the last day, the newest first, and whether a link came up after them."""

    failures: tuple[Failure, ...] = ()
    up_since: bool = False
    ever: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. `supervised` is whether a supervisor runs: what it owns is then left to it.

    `own` are the processes of its QMI call, whichever program makes that.
    """

    board: Board = field(default_factory=Board)
    found: Found = field(default_factory=Found)
    supervised: bool = False
    own: frozenset[int] = frozenset()
    link: Link | Missing = UNREAD
    config: Config | Missing = UNREAD
    kernel: Kernel | Missing = UNREAD
    throttled: int | Missing = UNREAD
    kernel_log: tuple[str, ...] | Missing = UNREAD
    asked: Asked | Missing = UNREAD
    heard: Reading | Missing = UNREAD  # signal and registrations as the supervisor read them last
    modem_manager: bool | Missing = UNREAD
    modem_manager_rule: bool = False
    network_manager: tuple[ManagedDevice, ...] | Missing = UNREAD
    providers: bytes | None = field(default=None, repr=False)
    framing: Frames | Missing = UNREAD
    qmi: QmiPort | Missing = UNREAD
    pppd: tuple[int, ...] | Missing = UNREAD  # () is none
    options: tuple[OptionLine, ...] | Missing = UNREAD
    files: tuple[FileSeen, ...] | Missing = UNREAD
    dry_run: DryRun | Missing = UNREAD
    script: Script | Missing = UNREAD
    secrets: tuple[SecretFile, ...] | Missing = UNREAD
    routes: tuple[RouteSeen, ...] | Missing = UNREAD
    resolver: Resolver | Missing = UNREAD
    time: Time | Missing = UNREAD
    standing: Standing | Missing = UNREAD
    past: Past | Missing = UNREAD

    @property
    def modems(self) -> tuple[Device, ...]:
        """The USB modems, the one that setup chose first; UARTs and serial adapters are none."""
        wanted = self.link.usb_path if isinstance(self.link, Link) else ""
        usb = [one.device for one in self.found.candidates if one.asked and one.device.usb_path]
        return tuple(sorted(usb, key=lambda device: device.usb_path != wanted))

    def holder(self, device: str) -> Holder | None:
        """Return who holds a port or a control port."""
        return self.found.usage.holder_of(device)
