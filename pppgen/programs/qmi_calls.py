"""qmicli's command lines as we run them, and the values in its answers (spellings of libqmi 1.32's qmicli-*.c).

Every command goes through the proxy, so that ModemManager or a person can ask the same modem at the same time. A call
lives as long as its client id: all commands about a call carry the id, and only the last one lets it be released.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface

from pppgen.model import Reason, RegistrationStat, SimState
from pppgen.programs.events import Event, Kind
from pppgen.programs.qmicli import QmicliReader

# QMI client ids are one byte, 255 is the broadcast (QMUX); handles are 32 bits.
_CID_MAX = 254
# The first is libqmi's own word, which `--verbose` prints (older ones with a capital letter), the other qmicli's last.
_CID = re.compile(r"(?:.*\b[Rr]egistered 'wds' .*client with ID|\s*CID:) '(\d{1,3})'")
_SETTING = re.compile(r"\s*(IPv[46] [\w ]+|MTU): ([0-9A-Fa-f.:/]+)\s*$")
_MTUS = range(576, 65536)  # RFC 791's least for IPv4 that anybody uses; above 64 KiB no packet exists


@dataclass(frozen=True, slots=True)
class Client:
    """One WDS client at one QMI node."""

    node: str
    cid: int


@dataclass(frozen=True, slots=True)
class Settings:
    """What the modem says about its call's address; `address` is empty where it gave none that can be used."""

    address: str = ""
    prefix: int = 32
    gateway: str = ""
    dns: tuple[str, ...] = ()
    mtu: int | None = None


def _qmicli(node: str, *options: str) -> tuple[str, ...]:
    return ("qmicli", f"--device={node}", "--device-open-proxy", *options)


def _with(client: Client, *options: str) -> tuple[str, ...]:
    return _qmicli(client.node, f"--client-cid={client.cid}", *options)


def release(client: Client) -> tuple[str, ...]:
    """Return the command that gives the client id back, which also ends its call."""
    return _with(client, "--wds-noop")


def data_format(node: str, usb_interface: int | None = None) -> tuple[str, ...]:
    """Return the question for the modem's framing; some firmware wants to be told which endpoint is meant."""
    endpoint = "" if usb_interface is None else f"=ep-type=hsusb,ep-iface-number={usb_interface}"
    return _qmicli(node, f"--wda-get-data-format{endpoint}")


def card_status(node: str) -> tuple[str, ...]:
    """Return the question for the SIM, where no AT port answers it."""
    return _qmicli(node, "--uim-get-card-status")


def serving_system(node: str) -> tuple[str, ...]:
    """Return the question for the registration, where no AT port answers it."""
    return _qmicli(node, "--nas-get-serving-system")


def start(node: str, apn: str, *, family: int = 4, profile: int | None = None) -> tuple[str, ...]:
    """Return the command that takes a client id, starts the call with it and stays to tell of the call's end.

    It asks for the call's state every 20 s; the network's own word comes at once, but only `--verbose` prints it.
    With `profile` the modem takes APN and credentials from that profile: on a command line everybody could read them.

    >>> start("/dev/cdc-wdm0", "super")[-1]
    '--wds-start-network=apn=super,ip-type=4'
    """
    what = f"3gpp-profile={profile}," if profile is not None else f"apn={apn}," if apn else ""
    options = ("--client-no-release-cid", "--verbose", "--wds-follow-network")
    return _qmicli(node, *options, f"--wds-start-network={what}ip-type={family}")


def stop(client: Client, handle: str) -> tuple[str, ...]:
    """Return the command that ends the call and gives the client id back."""
    return _with(client, f"--wds-stop-network={handle}")


def current_settings(client: Client) -> tuple[str, ...]:
    """Return the question for the address; only the call's own client is told it."""
    return _with(client, "--client-no-release-cid", "--wds-get-current-settings")


def status(client: Client) -> tuple[str, ...]:
    """Return the question whether the call stands."""
    return _with(client, "--client-no-release-cid", "--wds-get-packet-service-status")


def heard(lines: Iterable[str]) -> tuple[Event, ...]:
    """Return everything that an answer proves."""
    reader = QmicliReader()
    return tuple(event for line in lines for event in reader.read(line))


def value_of(events: Iterable[Event], kind: Kind) -> str:
    """Return the value of the first event of that kind, empty where there is none."""
    return next((event.value for event in events if event.kind is kind), "")


def is_silence(lines: Iterable[str]) -> bool:
    """Whether that is no answer of the modem's but libqmi's own word that none came.

    >>> is_silence(["error: couldn't release client: Transaction timed out"])
    True
    """
    return any(event.kind is Kind.QMI_TIMED_OUT for event in heard(lines))


def obstacle(lines: Iterable[str]) -> Reason | None:
    """Return why a call would be in vain, from the answers about card and registration; `None` when it may be tried.

    A modem of two slots has an absent card beside a present one: only where none is present is the SIM missing.

    >>> obstacle(["Card state: 'present'", "PIN1 state: 'enabled-not-verified'", "Card state: 'absent'"]).value
    'sim-pin'
    """
    said = tuple(lines)
    present = any("Card state: 'present'" in line for line in said)
    for event in heard(said):
        if event.kind is Kind.SIM and not (present and event.value == SimState.ABSENT):
            return _CARD_REASONS.get(event.value)
        if event.kind is Kind.REGISTRATION:
            return _NETWORK_REASONS.get(event.value.partition(" ")[2])
    return None


_CARD_REASONS: dict[str, Reason] = {
    SimState.ABSENT: Reason.SIM_MISSING,
    SimState.PIN: Reason.SIM_PIN,
    SimState.PUK: Reason.SIM_PUK,
}
_NETWORK_REASONS: dict[str, Reason] = {
    RegistrationStat.NOT_REGISTERED: Reason.NOT_REGISTERED,
    RegistrationStat.SEARCHING: Reason.NOT_REGISTERED,
    RegistrationStat.DENIED: Reason.REGISTRATION_DENIED,
}


def client_id(lines: Iterable[str]) -> int | None:
    r"""Return the call's id, from the words of the program that took it.

    >>> client_id(["[Debug] [/dev/cdc-wdm0] Registered 'wds' (version 1.67) client with ID '20'"])
    20
    >>> client_id(["[/dev/cdc-wdm0] Client ID not released:", "\tService: 'wds'", "\t    CID: '20'"])
    20
    """
    found = [int(match[1]) for line in lines if (match := _CID.match(line))]
    return found[0] if found and 0 < found[0] <= _CID_MAX else None


def settings(lines: Iterable[str]) -> Settings:
    """Return the address that the modem names, of either family; one that no host can have is none.

    >>> settings(["        IPv4 address: 10.0.0.2", "    IPv4 subnet mask: 255.255.255.252", "      MTU: 1430"])
    Settings(address='10.0.0.2', prefix=30, gateway='', dns=(), mtu=1430)
    """
    told: dict[str, str] = {}
    for line in lines:
        if (match := _SETTING.match(line)) is not None:
            told.setdefault(match[1], match[2])
    address, _, bits = told.get("IPv4 address", told.get("IPv6 address", "")).partition("/")
    if not usable_address(address):
        return Settings()
    version = ip_address(address).version
    gateway = told.get(f"IPv{version} gateway address", "").partition("/")[0]
    servers = (told.get(f"IPv{version} {which} DNS", "") for which in ("primary", "secondary"))
    return Settings(
        address,
        prefix(address, told.get("IPv4 subnet mask", "") if version == 4 else bits),
        gateway if usable_address(gateway) else "",
        tuple(server for server in servers if usable_address(server)),
        mtu(told.get("MTU", "")),
    )


def usable_address(text: str) -> bool:
    """Whether a host can have that address: 169.254/16 and fe80::/10 are what one gives itself for want of a lease.

    >>> [usable_address(text) for text in ("10.0.0.2", "169.254.7.7", "0.0.0.0", "no", "2001:db8::1%a b")]
    [True, False, False, False, False]
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    nobody_s = address.is_unspecified or address.is_link_local or address.is_loopback or address.is_multicast
    return not nobody_s and "%" not in text  # a zone may hold anything, and no network gives one


def prefix(address: str, mask: str) -> int:
    """Return the prefix length of a mask or of digits, a host's own where it makes no sense.

    >>> prefix("10.0.0.2", "255.255.255.252"), prefix("10.0.0.2", "255.0.255.0"), prefix("2001:db8::1", "64")
    (30, 32, 64)
    """
    try:
        return ip_interface(f"{address}/{mask}").network.prefixlen
    except ValueError:
        return ip_address(address).max_prefixlen


def mtu(text: str) -> int | None:
    """Return an MTU that a link can have."""
    return int(text) if text.isdecimal() and len(text) < 6 and int(text) in _MTUS else None
