"""NetworkManager's journal (0.7 to 1.5x), where it speaks of a modem's connection.

Its `reason '…'` words are those of NMDeviceStateReason; each that tells something about a modem is a row of REASONS.
"""

import re

from pppgen.model import RegistrationStat, SimState
from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.grammar import Row, grammar
from pppgen.programs.modemmanager import changed, meaning
from pppgen.programs.pppd import exit_of_words
from pppgen.programs.sieve import Sieve

ROWS: tuple[Row, ...] = (
    Row(r"(?:device \(\S+\): |\(\S+\): )?[Aa]ctivation(?: \(\S+\))?:? [Ss]tarting connection", Kind.CONNECT_STARTED),
    Row(r".*\(?DHCPv?4\)?:? request timed out", Kind.DHCP_NO_LEASE),
    Row(r"dhcp4 \(\S+\): (?:request timed out|state changed \S+ -> (?:timeout|fail|expire))", Kind.DHCP_NO_LEASE),
    Row(r"(?:dhcp4 \(\S+\): |.*)Beginning DHCPv4 transaction", Kind.DHCP_STARTED),
    Row(r"dhcp4 \(\S+\): activation: beginning transaction", Kind.DHCP_STARTED),
    Row(r"dhcp4 \(\S+\):   ?(?:address |address=|option ip_address +=> ')(\d[\d.]+)", Kind.DHCP_LEASE),
    Row(r"dhcp4 \(\S+\): state changed .*(?:new lease, address=(\d[\d.]+)|-> bound)", Kind.DHCP_LEASE),
    Row(r".*Activation:? (?:\(\S+\) )?successful, device activated", Kind.CONNECT_SUCCEEDED),
    Row(r"(?:PPP manager\(IP Config Get\) reply received|.*IP Config Get\) reply received)", Kind.CONNECT_SUCCEEDED),
    Row(r".*GSM modem connection failed: (.*)", Kind.CONNECT_FAILED),
    Row(r".*(?:CDMA|GSM) (?:modem )?connection failed: (.*)", Kind.CONNECT_FAILED),
    Row(r".*(?:failed to connect modem|modem connection failed|Connect failed): (.*)", Kind.CONNECT_FAILED),
    Row(r".*ppp pid \d+ exited with error: (Authentication error.*)", Kind.AUTH_FAILED),
    Row(r".*ppp pid \d+.*exited with error: (.*)", Kind.PROGRAM_EXITED),
    Row(r".*pppd timed out or didn't initialize our dbus module", Kind.CONNECT_FAILED, "pppd timed out"),
    Row(r"Activation \(\S+\) failed", Kind.CONNECT_FAILED, ""),
    Row(r".*Activation: failed for connection", Kind.CONNECT_FAILED, ""),
    # 0.7 dialled by itself
    Row(r"Connected, Woo!", Kind.CARRIER_UP, ""),
    Row(r"No carrier\s*$", Kind.NO_CARRIER),
    Row(r"No dial ?tone\s*$", Kind.NO_DIALTONE),
    Row(r"Busy\s*$", Kind.LINE_BUSY),
    Row(r"Dialing timed out", Kind.DIAL_TIMED_OUT),
    Row(r"Dialing failed", Kind.DIAL_REFUSED),
    Row(r"(Setting APN .*failed)", Kind.INIT_REFUSED),
    Row(r"Registered on (?:Home|Roaming) network", Kind.REGISTRATION, f"cgreg {RegistrationStat.HOME}"),
    Row(r"Searching for a network", Kind.REGISTRATION, f"cgreg {RegistrationStat.SEARCHING}"),
    Row(r"((?:Automatic|Manual) registration timed out|Not searching for a network)", Kind.NETWORK_MISSING),
    Row(r"Network registration denied|Registration denied", Kind.REGISTRATION, f"cgreg {RegistrationStat.DENIED}"),
    Row(r"Modem (?:initialization|init) (?:timed out|failed)", Kind.MODEM_SILENT, ""),
    Row(r"\S+ .*: registration (?:state )?(denied|timed out)", Kind.NETWORK_MISSING),
)
_REASON = re.compile(r".*(?:state change[d]?: .*|\b)\(reason '([a-z-]+)'")
_NUMBERED = re.compile(r".*state change: (\d+) -> (\d+) \(reason (\d+)\)")
# NMDeviceStateReason by number, as 0.7 and 0.8 print it.
_NUMBERS = {
    5: "ip-config-unavailable",
    12: "ppp-start-failed",
    13: "ppp-disconnect",
    14: "ppp-failed",
    16: "dhcp-error",
    17: "dhcp-failed",
    23: "modem-busy",
    24: "modem-no-dialtone",
    25: "modem-no-carrier",
    26: "modem-dial-timeout",
    27: "modem-dial-failed",
    28: "modem-init-failed",
    29: "gsm-apn-failed",
    30: "gsm-registration-idle",
    31: "gsm-registration-denied",
    32: "gsm-registration-timeout",
    33: "gsm-registration-failed",
    34: "gsm-pin-check-failed",
    36: "removed",
    39: "user-requested",
}
_MODEM = re.compile(r".*modem state changed, '(\w+)' --> '(\w+)'")
_TO = re.compile(r"state change[d]?: \S+ -> (\S+)")
_LEVELS = (r"<\w+> +", r"\[\d+\.\d+\] +", r"<\w+> +", r"\[\S+\.c:\d+\] ", r"\w+\(\): ")
_LEVEL = re.compile("".join(f"(?:{level})?" for level in _LEVELS))
SIEVE = Sieve(ROWS, _REASON, _NUMBERED, _MODEM, leads=_LEVELS)

REASONS: dict[str, tuple[Kind, str]] = {
    "ip-config-unavailable": (Kind.DHCP_NO_LEASE, ""),
    "ip-config-expired": (Kind.DHCP_LOST, ""),
    "dhcp-failed": (Kind.DHCP_NO_LEASE, ""),
    "dhcp-error": (Kind.DHCP_NO_LEASE, ""),
    "modem-busy": (Kind.LINE_BUSY, ""),
    "modem-no-dialtone": (Kind.NO_DIALTONE, ""),
    "modem-no-dial-tone": (Kind.NO_DIALTONE, ""),
    "modem-no-carrier": (Kind.NO_CARRIER, ""),
    "modem-dial-timeout": (Kind.DIAL_TIMED_OUT, ""),
    "modem-dial-failed": (Kind.CONNECT_FAILED, "modem-dial-failed"),
    "modem-init-failed": (Kind.MODEM_SILENT, ""),
    "modem-failed": (Kind.CONNECT_FAILED, "modem-failed"),
    "modem-not-found": (Kind.CONNECT_FAILED, "modem-not-found"),
    "gsm-apn-failed": (Kind.APN_REFUSED, "gsm-apn-failed"),
    "gsm-registration-idle": (Kind.REGISTRATION, f"cgreg {RegistrationStat.NOT_REGISTERED}"),
    "gsm-registration-denied": (Kind.REGISTRATION, f"cgreg {RegistrationStat.DENIED}"),
    "gsm-registration-timeout": (Kind.NETWORK_MISSING, "gsm-registration-timeout"),
    "gsm-registration-failed": (Kind.NETWORK_MISSING, "gsm-registration-failed"),
    "gsm-pin-check-failed": (Kind.SIM, SimState.PIN),
    "gsm-sim-not-inserted": (Kind.SIM, SimState.ABSENT),
    "gsm-sim-pin-required": (Kind.SIM, SimState.PIN),
    "gsm-sim-puk-required": (Kind.SIM, SimState.PUK),
    "gsm-sim-wrong": (Kind.SIM, SimState.ABSENT),
    "sim-pin-incorrect": (Kind.SIM, SimState.PIN),
    "ppp-start-failed": (Kind.CONNECT_FAILED, "ppp-start-failed"),
    "ppp-failed": (Kind.CONNECT_FAILED, "ppp-failed"),
    "ppp-disconnect": (Kind.HUNG_UP, ""),
    "user-requested": (Kind.STOPPED_BY_USER, "user-requested"),
    "removed": (Kind.USB_DISCONNECTED, ""),
}


class NetworkManagerReader:
    """The lines of the daemon, without syslog's prefix."""

    def __init__(self) -> None:
        self._grammar = grammar(Program.NETWORK_MANAGER, ROWS)

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line proves."""
        line = line[_LEVEL.match(line).end() :].lstrip()  # type: ignore[union-attr] # every part is optional
        if "(reason " in line:
            if (reason := _REASON.match(line)) is not None:
                return self._reason(line, reason[1])
            if (numbered := _NUMBERED.match(line)) is not None:
                word = _NUMBERS.get(int(numbered[3][:4]), "")
                return (Event(Program.NETWORK_MANAGER, *REASONS[word]),) if word else ()
        if (moved := _MODEM.match(line)) is not None:
            return changed(moved[1], moved[2])
        event = self._grammar.match(line)
        if event is None or _CELLULAR_ONLY.match(line):
            return ()
        if event.kind is Kind.PROGRAM_EXITED:
            status = exit_of_words(event.value)
            return (Event(Program.PPPD, Kind.PROGRAM_EXITED, "" if status is None else str(status)),)
        return (event, *meaning(event.value)) if event.kind is Kind.CONNECT_FAILED and event.value else (event,)

    def _reason(self, line: str, word: str) -> tuple[Event, ...]:
        to = _TO.search(line)
        events: list[Event] = []
        if word in REASONS:
            events.append(Event(Program.NETWORK_MANAGER, *REASONS[word]))
        if word == "removed" and "activated -> " in line:
            events.append(Event(Program.NETWORK_MANAGER, Kind.CALL_DOWN, word))
        if to is not None and to[1] == "activated":
            events.append(Event(Program.NETWORK_MANAGER, Kind.CONNECT_SUCCEEDED))
        elif to is not None and to[1] == "failed" and not events:
            events.append(Event(Program.NETWORK_MANAGER, Kind.CONNECT_FAILED, word))
        return tuple(events)


# A Wi-Fi or Ethernet device's activation is nobody's business here.
_CELLULAR_ONLY = re.compile(r".*\((?:wl\w+|eth\d+|en[opsx]\w+|lo|docker\d*|br\w*|veth\w+)\)")
