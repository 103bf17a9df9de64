"""libqmi's tools and their relatives: qmicli, qmi-network, uqmi, mbimcli, and netifd's words about them.

The protocol errors and call end reasons are libqmi's own spellings (qmi-errors.h, qmi-enums-wds.h).
"""

import re

from pppgen.model import Reason, RegistrationStat, SimState
from pppgen.programs.at_session import SESSION_CAUSES
from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.grammar import Row, grammar
from pppgen.programs.sieve import Sieve

ROWS: tuple[Row, ...] = (
    Row(r"(?:Loading profile|Checking data format with|Starting network with)", Kind.CALL_STARTING),
    Row(r"error: cannot re-start network, PDH already exists", Kind.CALL_NO_EFFECT),
    Row(r"error: couldn't open the Qmi\w+: .*(?:[Ll]ocked|busy|[Ii]n use)", Kind.PORT_BUSY, ""),
    Row(r"error: couldn't open (?:the )?(?:Qmi|Mbim)\w+: .*(Permission denied)", Kind.PERMISSION_DENIED),
    Row(
        r"error: couldn't (?:open|create) (?:the )?(?:Qmi|Mbim)\w+: .*(?:[Tt]imed? ?out|[Hh]angup|closed)",
        Kind.QMI_TIMED_OUT,
    ),
    Row(r"error: couldn't (?:open|create) (?:the )?(?:Qmi|Mbim)\w+: (.*)", Kind.QMI_DEVICE_MISSING),
    Row(r".*(?:Transaction timed out|endpoint hangup|Endpoint hung up)", Kind.QMI_TIMED_OUT),
    Row(r".*[Cc]annot open device file '?(\S+?)'?: .*(?:busy|in use)", Kind.PORT_BUSY),
    Row(r".*[Cc]annot open device file '?(\S+?)'?: .*(?:denied|permitted)", Kind.PERMISSION_DENIED),
    Row(r".*[Cc]annot open device file '?([^': ]+)", Kind.QMI_DEVICE_MISSING),
    Row(r".*[Cc]annot (?:stat|access)\w* '?(/dev/(?:cdc-wdm|qcqmi)\d)", Kind.QMI_DEVICE_MISSING),
    Row(
        r".*(?:InvalidServiceType|couldn't create client for the '\w+' service: .*unsupported)",
        Kind.SERVICE_UNSUPPORTED,
    ),
    Row(r"(?:error: )?(?:couldn't|failed to) start network: .*'(NoEffect)'", Kind.CALL_NO_EFFECT),
    Row(r"\"?No effect\"?\s*$", Kind.CALL_NO_EFFECT),
    Row(
        r"error: couldn't start network: QMI protocol error \((\d+)\): '\(null\)'",
        Kind.QMI_REFUSED,
        "unknown to this libqmi",
    ),
    Row(r"(?:error: )?(?:couldn't|failed to) start network: QMI protocol error \(\d+\): '(\w+)'", Kind.CALL_FAILED),
    Row(r"(?:error: )?(?:couldn't|failed to) start network: (.*)", Kind.CALL_FAILED),
    Row(r"\"?Call [Ff]ailed\"?\s*$", Kind.CALL_FAILED),
    Row(r"error: network start failed", Kind.CALL_FAILED, ""),
    Row(r"(?:verbose )?call end reason \(\d+(?:, ?\d+)?\): (.*)", Kind.CALL_ENDED_WHY),
    Row(r"\[?/dev/\S+\]? Network started", Kind.CALL_UP),
    Row(r"Network started successfully", Kind.CALL_UP),
    Row(r"\s*Packet data handle: '?(\d+)", Kind.CALL_UP),
    Row(r".*Connection status: '(?:disconnected)'", Kind.CALL_DOWN),
    Row(r".*Connection status: '(?:connected)'", Kind.CALL_UP),
    Row(r"Device link layer protocol retrieved: (\S+)", Kind.MODEM_FRAMING),
    Row(r"\s*Link layer protocol: '(\S+)'", Kind.MODEM_FRAMING),
    Row(r"Expected link layer protocol retrieved: (\S+)", Kind.KERNEL_FRAMING),
    Row(r"Device and kernel link layer protocol match: (\S+)", Kind.KERNEL_FRAMING),
    Row(r"(?:New device|Kernel) link layer protocol (?:retrieved|updated)", Kind.RAW_IP_SET),
    Row(r"Error updating kernel link layer protocol", Kind.KERNEL_FRAMING, "802.3 (the change was refused)"),
    Row(r"Expected data format is: (\S+)", Kind.KERNEL_FRAMING),
    Row(r"Getting expected data format", Kind.CALL_STARTING),
    Row(
        r"Device only supports raw-ip mode but is missing this required driver attribute", Kind.KERNEL_FRAMING, "802.3"
    ),
    Row(r"\s*IPv4 address: (\d[\d.]+)", Kind.CONTEXT_ADDRESS),
    Row(r"\s*Registration state: '(\S+)'", Kind.REGISTRATION),
    Row(r"\s*\"?registration\": \"(\w+)\"", Kind.REGISTRATION),
    Row(r"\s*PS: 'attached'", Kind.ATTACHED),
    Row(r"\s*PS: 'detached'", Kind.DETACHED),
    Row(r"\s*Card state: '(\w+)", Kind.SIM),
    Row(r"\s*PIN1 (?:state|status): '(\S+)'", Kind.SIM),
    Row(r"\s*Application state: '(\S+)'", Kind.SIM),
    Row(r"\s*\"?pin1_status\": \"(\S+)\"", Kind.SIM),
    Row(r".*'(IncorrectPin|PinBlocked|SimNotInitialized|NoSim|UimUninitialized)'", Kind.SIM),
    Row(r".*'(PolicyMismatch)'", Kind.HARMLESS, "one-ip-family"),
    Row(r"error: .*QMI protocol error \(\d+\): '(\w+)'", Kind.QMI_REFUSED),
    Row(r"error: .*QMI protocol error \((\d+)\)", Kind.QMI_REFUSED),
    Row(r"error: operation failed: Timeout was reached", Kind.QMI_TIMED_OUT),
    Row(r"error: couldn't create client for the '\w+' service: .*Timeout was reached", Kind.QMI_TIMED_OUT),
    # mbimcli, umbim: libmbim's status words
    Row(r".*operation failed: (?:\S*\.)?'?(?:SimNotInserted|BadSim)", Kind.SIM, SimState.ABSENT),
    Row(r".*operation failed: (?:\S*\.)?'?PinRequired", Kind.SIM, SimState.PIN),
    Row(
        r".*operation failed: (?:\S*\.)?'?(NotRegistered|ProviderNotVisible|PacketService\w+)",
        Kind.NETWORK_MISSING,
    ),
    Row(r".*operation failed: (?:\S*\.)?'?(InvalidAccessString)", Kind.APN_REFUSED),
    Row(r".*operation failed: (?:\S*\.)?'?(InvalidUserNamePwd)", Kind.AUTH_FAILED),
    Row(r".*operation failed: (?:\S*\.)?'?(MaxActivatedContexts)", Kind.CALL_NO_EFFECT),
    Row(r"error: operation failed: (.*)", Kind.CALL_FAILED),
    Row(r"\s*Activation state: '(activated)'", Kind.CALL_UP),
    Row(r"\s*Ready state: '(sim-not-inserted|device-locked|bad-sim|initialized)'", Kind.SIM),
    # OpenWrt's uqmi and netifd
    Row(r"\"?connected\"\s*$", Kind.CALL_UP, ""),
    Row(r"Failed to connect to service", Kind.QMI_TIMED_OUT),
    Row(r"Unable to connect IPv4|Unable to connect IPv6 and IPv4", Kind.CALL_FAILED),
    Row(r"Failed to (?:get modem information|initialize modem)", Kind.MODEM_SILENT),
    Row(r"(?:Failed to (?:configure modem|set operating mode))", Kind.INIT_REFUSED),
    Row(r"(?:Failed to connect|Unable to verify PIN)\s*$", Kind.CALL_FAILED, ""),
    Row(r"(?:No control device specified|Control device not valid|No device found)", Kind.QMI_DEVICE_MISSING),
    Row(r"Connected, (?:starting DHCP|setting IP)", Kind.CALL_UP),
    Row(r"Starting network \S+", Kind.CALL_STARTING),
    Row(r"Network registration failed", Kind.NETWORK_MISSING),
    Row(r"Registering to \S+ on \S+ failed|Registration failed", Kind.NETWORK_MISSING),
    Row(r"(?:The specified control device does not exist|The interface could not be found)", Kind.QMI_DEVICE_MISSING),
    Row(r"SIM (?:card )?not (?:inserted|found|initialized)|SIM in illegal state", Kind.SIM, SimState.ABSENT),
    Row(r"(?:PUK needed|PIN is blocked)", Kind.SIM, SimState.PUK),
    Row(r"(?:PIN (?:is required|code is required|not specified|not verified)|PIN is not set)", Kind.SIM, SimState.PIN),
    Row(r"Interface '(\w+)' is now up", Kind.INTERFACE_UP),
    Row(r"Interface '\w+' has lost the connection", Kind.CALL_DOWN, ""),
    Row(r"Command failed: (?:Unknown error|Permission denied|Not found)", Kind.HARMLESS, "netifd-command"),
)

_STATES: dict[str, RegistrationStat] = {
    "registered": RegistrationStat.HOME,
    "not-registered": RegistrationStat.NOT_REGISTERED,
    "not_registered": RegistrationStat.NOT_REGISTERED,
    "searching": RegistrationStat.SEARCHING,
    "not-registered-searching": RegistrationStat.SEARCHING,
    "registration-denied": RegistrationStat.DENIED,
    "registering_denied": RegistrationStat.DENIED,
    "registration_denied": RegistrationStat.DENIED,
    "unknown": RegistrationStat.UNKNOWN,
}
_CARDS: dict[str, SimState] = {
    "present": SimState.UNKNOWN,
    "absent": SimState.ABSENT,
    "error": SimState.ABSENT,
    "enabled-not-verified": SimState.PIN,
    "not_verified": SimState.PIN,
    "enabled-verified": SimState.READY,
    "verified": SimState.READY,
    "disabled": SimState.READY,
    "ready": SimState.READY,
    "initialized": SimState.READY,
    "sim-not-inserted": SimState.ABSENT,
    "bad-sim": SimState.ABSENT,
    "device-locked": SimState.PIN,
    "pin1-or-upin-pin-required": SimState.PIN,
    "puk1-or-upin-puk-required": SimState.PUK,
    "blocked": SimState.PUK,
    "permanently-blocked": SimState.PUK,
    "PinBlocked": SimState.PUK,
    "IncorrectPin": SimState.PIN,
    "NoSim": SimState.ABSENT,
    "SimNotInitialized": SimState.ABSENT,
    "UimUninitialized": SimState.ABSENT,
}
_STAMP = re.compile(r"\[\d\d \w{3} \d{4}, \d\d:\d\d:\d\d\] ?")
_DEVICE = re.compile(r"\[?/dev/(?:cdc-wdm|qcqmi)\d\]? (?=[Cc]ouldn't|[Ff]ailed|[Ee]rror|call|verbose)")

# What a call end reason means, by the words that libqmi and ModemManager print (3GPP TS 24.008 10.5.6.6 and 24.301).
APN_WORDS = re.compile(
    r"unknown[ -_]?apn|null-apn|apn-(?:mismatch|format|disallowed|type)|apn-disabled|missing or unknown apn|"
    r"(?:not-subscribed|unsubscribed|not subscribed|not-authorized)|operator-determined-barring|ggsn-reject|"
    r"unknown-pdp|pdn-connection-does-not-exist|connection-deny-billing|no-gprs-context",
    re.IGNORECASE,
)
AUTH_WORDS = re.compile(r"authentication", re.IGNORECASE)
SERVICE_WORDS = re.compile(
    r"no-?service|no-srv|no-full-service|not-attached|detach|roaming|lower-layer|out-of-service|no service"
    r"|limited-service|no-cell|no-suitable|network-unavailable|attach-failed|searching",
    re.IGNORECASE,
)
DENIED_WORDS = re.compile(
    r"services?-not-allowed|illegal-(?:ms|me|subscriber)|plmn-not-allowed|unknown-in-hlr|imei-not",
    re.IGNORECASE,
)

_END_WORDS: tuple[tuple[re.Pattern[str], Reason], ...] = (
    (AUTH_WORDS, Reason.AUTH_FAILED),
    (DENIED_WORDS, Reason.REGISTRATION_DENIED),
    (APN_WORDS, Reason.APN_REJECTED),
    (SERVICE_WORDS, Reason.NOT_REGISTERED),
)


def reason_of_end(words: str) -> Reason | None:
    """Return what a call end reason means; `None` where its words tell nothing.

    >>> reason_of_end("[3gpp] unknown-apn").value, reason_of_end("[cm] client-end")
    ('apn-rejected', None)
    """
    return next((reason for pattern, reason in _END_WORDS if pattern.search(words)), None)


# What ends a start by one line; a line that is missing here does not decide.
_REASONS: dict[Kind, Reason] = {
    Kind.CALL_FAILED: Reason.QMI_CALL_FAILED,
    Kind.CALL_NO_EFFECT: Reason.QMI_NO_EFFECT,
    Kind.CALL_DOWN: Reason.LINK_DROPPED,
    Kind.QMI_TIMED_OUT: Reason.QMI_TIMEOUT,
    Kind.QMI_DEVICE_MISSING: Reason.QMI_DEVICE_MISSING,
    Kind.SERVICE_UNSUPPORTED: Reason.QMI_VERSION_MISMATCH,
    Kind.PERMISSION_DENIED: Reason.PERMISSION_DENIED,
    Kind.PORT_BUSY: Reason.PORT_BUSY,
    Kind.PORT_IO_FAILED: Reason.QMI_TIMEOUT,
    Kind.NETWORK_MISSING: Reason.NOT_REGISTERED,
    Kind.APN_REFUSED: Reason.APN_REJECTED,
    Kind.AUTH_FAILED: Reason.AUTH_FAILED,
    Kind.QMI_REFUSED: Reason.QMI_CALL_FAILED,
}


def reason_of(event: Event) -> Reason | None:
    """Return why a QMI call cannot be, if this event says so."""
    return _REASONS.get(event.kind)


# `qmicli --verbose` shows each message as it goes over the wire, so also what the modem tells unasked: a value's name,
# and some lines later the value. 1.32 draws the same arrows for both directions.
_NAME = re.compile(r"[<>]{6}\s+type\s+= \"([\w ]+)\"")
_VALUE = re.compile(r"[<>]{6}\s+translated = (.*)")
_ENDED = re.compile(r"(?:\[ status = ')?disconnected\b")
_OTHER_ADDRESS = re.compile(r"\[ status = 'connected' reconfiguration_required = 'yes' \]")
_VERBOSE_END = re.compile(r"\[ type = '(\w+)' reason = '(-?\d+)' \]")
SIEVE = Sieve(ROWS, _NAME, _VALUE, leads=(_STAMP, _DEVICE))


class QmicliReader:
    """The lines of qmicli, qmi-network, uqmi and netifd; with `--verbose` it remembers which value is shown next."""

    def __init__(self) -> None:
        self._grammar = grammar(Program.QMICLI, ROWS)
        self._value_of = ""

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line proves."""
        if line.startswith(("<<<<<<", ">>>>>>")):
            return self._shown(line)
        for prefix in (_STAMP, _DEVICE):
            if (found := prefix.match(line)) is not None:
                line = line[found.end() :]
        event = self._grammar.match(line)
        if event is None:
            return ()
        if event.kind is Kind.REGISTRATION:
            stat = _STATES.get(event.value)
            return () if stat is None else (Event(Program.QMICLI, Kind.REGISTRATION, f"cgreg {stat}"),)
        if event.kind in {Kind.MODEM_FRAMING, Kind.KERNEL_FRAMING}:
            return (Event(Program.QMICLI, event.kind, event.value.replace("802-3", "802.3").strip("'")),)
        if event.kind is Kind.SIM and event.value not in set(SimState):
            state = _CARDS.get(event.value)
            return () if state in {None, SimState.UNKNOWN} else (Event(Program.QMICLI, Kind.SIM, str(state)),)
        return (event,)

    def _shown(self, line: str) -> tuple[Event, ...]:
        """Return what one line of a message that was shown proves."""
        if (name := _NAME.match(line)) is not None:
            self._value_of = name[1]
        if (value := _VALUE.match(line)) is None:
            return ()
        match self._value_of:
            case "Connection Status" if _ENDED.match(value[1]):
                return (Event(Program.QMICLI, Kind.CALL_DOWN),)
            case "Connection Status" if _OTHER_ADDRESS.match(value[1]):
                return (Event(Program.QMICLI, Kind.CALL_RECONFIGURED),)
            case "Call End Reason":
                return (Event(Program.QMICLI, Kind.CALL_ENDED_WHY, value[1][:200]),)
            case "Verbose Call End Reason" if (verbose := _VERBOSE_END.match(value[1])) is not None:
                kind, number = verbose.groups()
                said = SESSION_CAUSES.get(number, number) if kind == "3gpp" else number
                return (Event(Program.QMICLI, Kind.CALL_ENDED_WHY, f"[{kind}] {said}"),)
            case _:
                return ()
