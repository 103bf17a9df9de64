"""DHCP clients: busybox udhcpc (both spellings of its messages), ISC dhclient, dhcpcd, and udhcpc's event script."""

import re
from dataclasses import dataclass

from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.grammar import Row, grammar
from pppgen.programs.sieve import Sieve

ROWS: tuple[Row, ...] = (
    Row(r"(?:udhcpc: )?started, v", Kind.DHCP_STARTED),
    Row(r"udhcpc \(v[^)]*\) started", Kind.DHCP_STARTED),
    Row(r"(?:sending|Sending|broadcasting) discover", Kind.DHCP_DISCOVER),
    Row(r"(?:sending|Sending|broadcasting) (?:select|request)s? for (\S+?),?(?:\.\.\.|\s|$)", Kind.DHCP_OFFER),
    Row(r"[Ll]ease of (169\.254\.[\d.]+) obtained", Kind.LINK_LOCAL_ONLY),
    Row(r"[Ll]ease of (\S+) obtained", Kind.DHCP_LEASE),
    Row(r"[Nn]o lease, (?:failing|forking to background)", Kind.DHCP_NO_LEASE),
    Row(r"received DHCP NAK", Kind.DHCP_REFUSED),
    Row(r"lease lost", Kind.DHCP_LOST),
    # ISC dhclient
    Row(r"Internet Systems Consortium DHCP Client", Kind.DHCP_STARTED),
    Row(r"Listening on LPF/(\w+)/", Kind.DHCP_STARTED),
    Row(r"DHCPDISCOVER on (\S+)", Kind.DHCP_DISCOVER, ""),
    Row(r"DHCPOFFER (?:of (\S+) )?from", Kind.DHCP_OFFER),
    Row(r"DHCPNAK ", Kind.DHCP_REFUSED),
    Row(r"bound to (169\.254\.[\d.]+)", Kind.LINK_LOCAL_ONLY),
    Row(r"bound to (\S+) -- renewal", Kind.DHCP_LEASE),
    Row(r"No DHCPOFFERS received", Kind.DHCP_NO_LEASE),
    Row(r"No working leases in persistent database", Kind.DHCP_NO_LEASE),
    # dhcpcd
    Row(r"\w+: soliciting a DHCP lease", Kind.DHCP_DISCOVER),
    Row(r"\w+: offered (\S+) from", Kind.DHCP_OFFER),
    Row(r"\w+: leased (\S+) for", Kind.DHCP_LEASE),
    Row(r"\w+: DHCPv4 address (\d[\d.]+)", Kind.DHCP_LEASE),
    Row(r"\w+: adding default route", Kind.ROUTE_SET),
    Row(r"\w+: using IPv4LL address (\S+)", Kind.LINK_LOCAL_ONLY),
    Row(r"\w+: (?:timed out|DHCP lease expired)", Kind.DHCP_NO_LEASE),
    # the scripts
    Row(r"No resolv\.conf for interface ", Kind.HARMLESS, "resolv-conf"),
)
_DHCLIENT = re.compile(r"DHCP[A-Z]+ |bound to|Listening on|No DHCPOFFERS|No working|Internet Systems")
_NAMES = ("udhcpc: ", "dhclient: ")
SIEVE = Sieve(ROWS, leads=_NAMES)


class UdhcpcReader:
    """The lines of a DHCP client, with or without its name in front."""

    def __init__(self) -> None:
        self._udhcpc = grammar(Program.UDHCPC, ROWS)
        self._dhclient = grammar(Program.DHCLIENT, ROWS)

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line proves."""
        for name in _NAMES:
            line = line.removeprefix(name)
        table = self._dhclient if _DHCLIENT.match(line) else self._udhcpc
        event = table.match(line)
        return () if event is None else (event,)


def environment_event(argument: str, environment: dict[str, str]) -> Event | None:
    """Return what udhcpc tells its event script: its one argument and the `ip` variable.

    >>> environment_event("bound", {"ip": "10.0.0.2"}).value
    '10.0.0.2'
    """
    address = environment.get("ip", "")[:40]
    match argument:
        case "bound" | "renew" if address.startswith("169.254."):
            return Event(Program.UDHCPC, Kind.LINK_LOCAL_ONLY, address)
        case "bound" | "renew":
            return Event(Program.UDHCPC, Kind.DHCP_LEASE, address)
        case "leasefail":
            return Event(Program.UDHCPC, Kind.DHCP_NO_LEASE)
        case "nak":
            return Event(Program.UDHCPC, Kind.DHCP_REFUSED)
        case "deconfig":
            return Event(Program.UDHCPC, Kind.DHCP_STARTED)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One event as our script (etc/udhcpc/pppgen.script) wrote it; what it did not tell is empty."""

    event: str
    address: str = ""
    mask: str = ""
    gateway: str = ""
    dns: tuple[str, ...] = ()
    mtu: str = ""


EVENTS = "PPPGEN_DHCP_EVENTS"
"""The variable that tells our script where to write."""


def call_argv(interface: str, script: str) -> tuple[str, ...]:
    """Return the command line of a short try: three discovers, a second apart, then the end; with a lease it stays.

    Its default of three every three seconds, and quectel-CM's of five, keep a person waiting for what is known by then.
    """
    return ("udhcpc", "-f", "-n", "-t", "3", "-T", "1", "-i", interface, "-s", script)


def script_line(line: str) -> ScriptLine | None:
    """Return what a line of our script says; `None` for one that is not its own.

    >>> told = script_line("event=bound ip=10.0.0.2 router= dns=8.8.8.8,8.8.4.4 mtu=")
    >>> told.event, told.address, told.gateway, told.dns
    ('bound', '10.0.0.2', '', ('8.8.8.8', '8.8.4.4'))
    """
    told = {name: value for name, _, value in (word.partition("=") for word in line[:1024].split())}
    if not line.startswith("event=") or not told.get("event"):
        return None
    return ScriptLine(
        told["event"],
        told.get("ip", ""),
        told.get("subnet", ""),
        told.get("router", "").partition(",")[0],
        tuple(server for server in told.get("dns", "").split(",") if server),
        told.get("mtu", ""),
    )
