"""What the parts of a QMI start share: the setup, what it reaches out to, and what a backend must do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pppgen.bearers.carry import Wishes
from pppgen.bearers.notes import FOLDER
from pppgen.bearers.protocol import Inbox
from pppgen.bearers.radio import Radio
from pppgen.config import Addressing, QmiBackend
from pppgen.lease_cause import Call, Dhcp, Framing
from pppgen.model import Device, Lease
from pppgen.programs.qmi_calls import Settings
from pppgen.shipped import shipped
from pppgen.system.dns import Dns
from pppgen.system.spawn import Child, Completed, Mark, run

SCRIPT = shipped("etc") / "udhcpc/pppgen.script"


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs by name, or by full path where they lie elsewhere (quectel-CM is in no package)."""

    qmicli: str = "qmicli"
    udhcpc: str = "udhcpc"
    busybox: str = "busybox"
    quectel_cm: str = "quectel-CM"

    def asked(self, argv: Sequence[str]) -> tuple[str, ...]:
        """Return one of qmicli's command lines with the program that is meant."""
        return (self.qmicli, *argv[1:])

    def ask(self, argv: tuple[str, ...], seconds: float) -> Completed:
        """Run one of qmicli's commands to its end; blocks."""
        return run(self.asked(argv), seconds)


@dataclass(frozen=True, slots=True)
class QmiSetup:
    """What does not change from dial to dial.

    `profile` is the modem's own profile that holds APN and credentials; without one the APN is named, which needs no
    secret. `family` is 4 or 6. `usb_interface` is the QMI function's, for firmware that wants to be told. `net` is
    where the kernel's interfaces are read, `call_s` how long the network may take to answer a call.
    """

    apn: str
    backend: QmiBackend = QmiBackend.LIBQMI
    addressing: Addressing = Addressing.AUTO
    repair: bool = True
    profile: int | None = None
    family: int = 4
    usb_interface: int | None = None
    wishes: Wishes = field(default_factory=Wishes)
    doubt_s: float = 15.0
    call_s: float = 60.0
    answer_s: float = 10.0  # qmicli and a proxy have to start first, on a board that may be busy
    folder: Path = FOLDER
    net: Path = Path("/sys/class/net")
    script: Path = SCRIPT
    programs: Programs = field(default_factory=Programs)


@dataclass(frozen=True, slots=True)
class QmiAround:
    """What a start reaches out to.

    `free` frees the modem's context over AT when QMI hangs, and tells in sentences what it did; `login` writes the
    profile's credentials over AT, and tells why it could not (empty when it could).
    """

    inbox: Inbox
    device: Callable[[], Device | None]
    radio: Radio | None
    free: Callable[[], tuple[str, ...]]
    login: Callable[[], str]
    dns: Dns


class Backend(Protocol):
    """One program that speaks QMI. Each call may raise `Ended`, StopAsked and PppgenError; none blocks a stop."""

    @property
    def handle(self) -> str:
        """What the modem calls the call; empty before it stands."""
        ...

    def obstacle(self) -> None:
        """End the start where SIM or registration make it vain."""
        ...

    def framing(self) -> Framing:
        """Return how the modem sends packets, where it tells."""
        ...

    def call(self) -> None:
        """Start the call and wait until it stands; its end is heard from then on."""
        ...

    def settings(self) -> Settings:
        """Return the address that the modem names for the call."""
        ...

    def own_lease(self) -> tuple[Dhcp, Lease | None]:
        """Return what the program's own DHCP brought and set up; NOT_ASKED where it sets nothing up."""
        ...

    def state(self) -> tuple[Call, str]:
        """Return whether the call stands, and the modem's words about its end."""
        ...

    def leased(self, lease: Lease, *, raw_ip: bool) -> None:
        """Note the lease for the next supervisor."""
        ...

    def keeps_lease(self, client: Mark) -> None:
        """Note the udhcpc that keeps the call's lease, for the next supervisor."""
        ...

    def reconfigured(self) -> bool:
        """Whether the modem said since the last call of this that its call has another address."""
        ...

    def adopt(self, child: Child) -> None:
        """Go on with a call that an earlier supervisor left; what was said meanwhile counts."""
        ...

    def hang_up(self, seconds: float) -> tuple[str, ...]:
        """End the call and give everything back, each answer within `seconds`; name what could not be."""
        ...

    def let_go(self) -> None:
        """Close what is open; the call stays."""
        ...
