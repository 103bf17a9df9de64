"""The nouns that travel between the parts: frozen values, no behaviour beyond what their own fields say."""

from dataclasses import dataclass
from enum import StrEnum


class PortRole(StrEnum):
    """What a port was *seen* to be; `UNPROBED` until something was asked."""

    AT = "at"
    DIAL = "dial"
    AT_DIAL = "at+dial"
    NMEA = "nmea"
    SILENT = "silent"
    BUSY = "busy"
    GONE = "gone"
    DATA = "data"
    UNPROBED = "unprobed"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know that is no failure; `code` is a slug, `evidence` what proves it."""

    code: str
    message: str
    hint: str = ""
    evidence: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return one element of a `--json` answer's `warnings`."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "evidence": list(self.evidence)}


class ExpectedRole(StrEnum):
    """What the catalog says a port is for; the probe decides."""

    DIAG = "diag"
    NMEA = "nmea"
    AT = "at"
    DIAL = "dial"
    AT_DIAL = "at+dial"
    AUDIO = "audio"
    NET = "net"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a port, by an open descriptor or by a UUCP lock file."""

    pid: int
    name: str


@dataclass(frozen=True, slots=True)
class Port:
    """A tty of a device, as sysfs tells it; nothing was sent to it.

    `device` is the name under dev/ (`/dev/ttyUSB2`, with a sysroot `DIR/dev/ttyUSB2`), never what a link resolves to.
    `stable` is a name that survives renumbering (`/dev/pppgen/1-1.4-if02`, by-path, or the node itself for a UART).
    `interface` is the USB interface number, `None` for a UART.
    """

    device: str
    stable: str
    usb_path: str | None
    interface: int | None
    driver: str | None = None
    by_path: str | None = None
    by_id: str | None = None
    holder: Holder | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """One USB device (or one UART) with its ports; `vid` and `pid` are four lower-case hex digits, empty for a UART."""

    usb_path: str
    vid: str
    pid: str
    ports: tuple[Port, ...]
    manufacturer: str = ""
    product: str = ""
    serial: str = ""
    net: tuple[str, ...] = ()
    wdm: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """What the modem calls itself, cleaned of control characters; empty where it did not say."""

    manufacturer: str = ""
    model: str = ""
    revision: str = ""
    imei: str = ""


class SimState(StrEnum):
    """`AT+CPIN?` and `+CME ERROR` 10..18 in 3GPP TS 27.007's terms."""

    READY = "ready"
    ABSENT = "absent"
    PIN = "pin"
    PUK = "puk"
    NETWORK_LOCK = "network-lock"
    BUSY = "busy"
    UNKNOWN = "unknown"


class RegistrationStat(StrEnum):
    """`<stat>` of +CREG, +CGREG and +CEREG (3GPP TS 27.007 7.2, 10.1.20, 10.1.22)."""

    NOT_REGISTERED = "not-registered"
    HOME = "home"
    SEARCHING = "searching"
    DENIED = "denied"
    UNKNOWN = "unknown"
    ROAMING = "roaming"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class Registration:
    """One of the three registrations; `domain` is `creg`, `cgreg` or `cereg`; area and cell are hex texts."""

    domain: str
    stat: RegistrationStat
    area: str = ""
    cell: str = ""
    act: str = ""

    @property
    def registered(self) -> bool:
        """Whether this domain has service at home or roaming."""
        return self.stat in {RegistrationStat.HOME, RegistrationStat.ROAMING}


@dataclass(frozen=True, slots=True)
class Signal:
    """Radio figures in dBm and dB; `None` where the modem did not say, `rat` empty likewise."""

    rssi_dbm: int | None = None
    rsrp_dbm: int | None = None
    rsrq_db: int | None = None
    sinr_db: float | None = None
    rat: str = ""

    @property
    def usable(self) -> bool:
        """Whether any figure shows a cell at all."""
        return self.rssi_dbm is not None or self.rsrp_dbm is not None


class BearerKind(StrEnum):
    """The two ways to a link, in the usual bearer order."""

    QMI = "qmi"
    PPP = "ppp"


@dataclass(frozen=True, slots=True)
class Lease:
    """What the network gave: an address in text form, its peer (may be empty), name servers, the interface, its MTU.

    `address6` is the address beside an IPv4 one, empty on a link of one family.
    """

    address: str
    interface: str
    peer: str = ""
    dns: tuple[str, ...] = ()
    mtu: int | None = None
    prefix: int = 32
    gateway: str = ""
    address6: str = ""


class Reason(StrEnum):
    """Why a link is not there: one vocabulary for live bearers, `diagnose` and exit codes.

    The first group is the closed set that `diagnose` names (causes.toml has a sentence and an action for each); the
    second, `INTERNAL_REASONS`, can only be seen live.
    """

    NONE = "none"
    NO_DHCP_LEASE = "no-dhcp-lease"
    RAW_IP_MISMATCH = "raw-ip-mismatch"
    APN_REJECTED = "apn-rejected"
    IPCP_TIMEOUT = "ipcp-timeout"
    AUTH_FAILED = "auth-failed"
    AUTH_REQUIRED_OF_PEER = "auth-required-of-peer"
    NOT_REGISTERED = "not-registered"
    REGISTRATION_DENIED = "registration-denied"
    SIM_MISSING = "sim-missing"
    SIM_PIN = "sim-pin"
    SIM_PUK = "sim-puk"
    NETWORK_LOCK = "network-lock"
    PORT_BUSY = "port-busy"
    MODEM_MANAGER_CONFLICT = "modem-manager-conflict"
    WRONG_PORT = "wrong-port"
    MODEM_NOT_RESPONDING = "modem-not-responding"
    NO_CARRIER = "no-carrier"
    DIAL_REJECTED = "dial-rejected"
    CHAT_TIMEOUT = "chat-timeout"
    LCP_TIMEOUT = "lcp-timeout"
    LOOPBACK = "loopback"
    PEER_HANGUP = "peer-hangup"
    PPPD_CONFIG = "pppd-config"
    LINK_DROPPED = "link-dropped"
    ECHO_UNANSWERED = "echo-unanswered"
    CARRIER_SILENT = "carrier-silent"
    DNS_PLACEHOLDER = "dns-placeholder"
    DEFAULT_ROUTE_KEPT = "default-route-kept"
    KERNEL_NO_PPP = "kernel-no-ppp"
    PERMISSION_DENIED = "permission-denied"
    USB_DISCONNECT = "usb-disconnect"
    UNDER_VOLTAGE = "under-voltage"
    USB_NOT_SWITCHED = "usb-not-switched"
    QMI_CALL_FAILED = "qmi-call-failed"
    QMI_NO_EFFECT = "qmi-no-effect"
    QMI_VERSION_MISMATCH = "qmi-version-mismatch"
    QMI_DEVICE_MISSING = "qmi-device-missing"
    QMI_TIMEOUT = "qmi-timeout"
    SLOW_START = "slow-start"
    NO_SIGNAL = "no-signal"
    # Internal: seen live only.
    STOPPED = "stopped"
    PROGRAM_KILLED = "program-killed"
    PROGRAM_MISSING = "program-missing"
    BUDGET_SPENT = "budget-spent"


INTERNAL_REASONS = frozenset({Reason.STOPPED, Reason.PROGRAM_KILLED, Reason.PROGRAM_MISSING, Reason.BUDGET_SPENT})
