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
    NETIFD = "netifd"
    KERNEL = "kernel"
    AT = "at"
    NET_TOOLS = "net-tools"  # ping, ifconfig, ip, route: what people paste to show whether traffic flows
    PPPGEN = "pppgen"


class Kind(StrEnum):
    """What was said. The comment tells what `Event.value` holds; without one it is empty."""

    # Programs come and go.
    PROGRAM_STARTED = "program-started"  # the version, where it is told
    PROGRAM_EXITED = "program-exited"  # the exit status, empty where only the end is told
    STOPPED_BY_USER = "stopped-by-user"  # the signal or the words
    CRASHED = "crashed"  # the words
    PROGRAM_MISSING = "program-missing"  # the program that could not be run
    PERMISSION_DENIED = "permission-denied"  # what was refused
    OPTION_REFUSED = "option-refused"  # the words: a syntax error in pppd's own options
    AGAIN = "again"  # the same program tries once more; the seconds until then, where told

    # The port.
    PORT_OPENED = "port-opened"  # the tty
    PORT_BUSY = "port-busy"  # the holder's pid or name, where told
    PORT_MISSING = "port-missing"  # the device that is not there
    PORT_OPEN_FAILED = "port-open-failed"  # the words
    PORT_IO_FAILED = "port-io-failed"  # the words: a read, write or ioctl on an open port

    # The dial.
    ABORT_ON = "abort-on"  # the string
    COMMAND_SENT = "command-sent"  # the AT command, without its CR
    EXPECTING = "expecting"  # the string
    GOT_IT = "got-it"  # the string that was expected
    MODEM_SAID = "modem-said"  # one line of the modem's, cleaned
    CHAT_ABORTED = "chat-aborted"  # the ABORT string that matched
    CHAT_TIMED_OUT = "chat-timed-out"  # the string that never came
    CHAT_EXITED = "chat-exited"  # chat's exit status, decimal
    CONNECT_SCRIPT_FAILED = "connect-script-failed"
    DIALLING = "dialling"  # the dial command
    CARRIER_UP = "carrier-up"  # CONNECT was seen; the speed, where told
    SERIAL_UP = "serial-up"
    NO_CARRIER = "no-carrier"
    NO_DIALTONE = "no-dialtone"
    LINE_BUSY = "line-busy"
    NO_ANSWER = "no-answer"
    DIAL_TIMED_OUT = "dial-timed-out"
    DIAL_REFUSED = "dial-refused"  # the dialler's words: the modem answered ERROR to the dial
    INIT_REFUSED = "init-refused"  # the command that was answered ERROR
    MODEM_SILENT = "modem-silent"  # the command that got no answer
    COMMAND_REPEATED = "command-repeated"  # the command that was sent again because the answer was missing
    NO_MODEM_FOUND = "no-modem-found"  # the dialler's words: it asked every port
    MODEM_FOUND = "modem-found"  # the port

    # PPP.
    INTERFACE = "interface"  # ppp0
    LINK_CONNECTED = "link-connected"  # the tty: LCP begins on it
    PACKET_SENT = "packet-sent"  # protocol, a blank, code: "LCP ConfReq"
    PACKET_RECEIVED = "packet-received"  # likewise
    LCP_OPEN = "lcp-open"
    LCP_TIMED_OUT = "lcp-timed-out"
    LCP_UNANSWERED = "lcp-unanswered"  # several of our requests in a row, and not one packet of the peer's
    LOOPED_BACK = "looped-back"
    AUTH_ASKED = "auth-asked"  # what the peer asks of us: "chap MD5", "pap"
    AUTH_IMPOSSIBLE = "auth-impossible"  # "No auth is possible": nothing to answer with; the module may not insist
    AUTH_REFUSED_BY_US = "auth-refused-by-us"  # what we rejected: "chap MD5"
    SECRET_MISSING = "secret-missing"  # noqa: S105 -- the name of an event; the peer's name that no secret was found for
    AUTH_SUCCEEDED = "auth-succeeded"  # "pap" or "chap"
    AUTH_FAILED = "auth-failed"  # the peer's words, where told
    AUTH_REQUIRED_OF_PEER = "auth-required-of-peer"
    IPCP_ASKED = "ipcp-asked"  # we asked for an address
    IPCP_OFFERED = "ipcp-offered"  # the address that the peer offers us
    IPCP_LOOPS = "ipcp-loops"  # we ask again and again, and what comes back is no address
    IPCP_OPEN = "ipcp-open"
    IPCP_TIMED_OUT = "ipcp-timed-out"
    IPCP_BAD_NAK = "ipcp-bad-nak"  # the peer answers with values that make no sense
    IPCP_REFUSED = "ipcp-refused"  # the words: protocol-reject, or no agreement on an address
    LOCAL_ADDRESS = "local-address"  # the address
    REMOTE_ADDRESS = "remote-address"  # the address
    DNS_ADDRESS = "dns-address"  # one server
    REMOTE_INVENTED = "remote-invented"  # the address that pppd made up, because the peer gave none
    LOCAL_UNKNOWN = "local-unknown"  # no address for us: no link
    IPV6_ADDRESS = "ipv6-address"  # our link-local or global address
    ROUTE_KEPT = "route-kept"  # who holds the default route: "wlan0", "192.168.1.1"
    ROUTE_SET = "route-set"  # the interface or gateway of a default route that was added
    PEER_TERMINATED = "peer-terminated"  # the protocol: "LCP", "IPCP"
    WE_TERMINATED = "we-terminated"  # our reason: a TermReq that we sent
    HUNG_UP = "hung-up"
    CONNECTION_TERMINATED = "connection-terminated"
    CONNECT_TIME = "connect-time"  # minutes, as pppd writes them: "9.6"
    TRAFFIC = "traffic"  # bytes sent, a blank, bytes received
    ECHO_LOST = "echo-lost"  # how many echo requests stayed unanswered
    IDLE_LIMIT = "idle-limit"
    TIME_LIMIT = "time-limit"
    KERNEL_NO_PPP = "kernel-no-ppp"

    # SIM, network, signal.
    SIM = "sim"  # a model.SimState
    REGISTRATION = "registration"  # domain, a blank, a model.RegistrationStat: "cgreg home"
    ATTACHED = "attached"  # packet service is there
    DETACHED = "detached"
    SIGNAL = "signal"  # dBm where told, else the figure as it stands
    NO_SIGNAL = "no-signal"
    AT_ERROR = "at-error"  # the final result: "ERROR", "+CME ERROR: 30"
    NETWORK_MISSING = "network-missing"  # the words: a request failed for want of a network service
    APN_REFUSED = "apn-refused"  # the words: the network knows the APN for wrong
    CALL_ENDED_WHY = "call-ended-why"  # what +CEER, the QMI call end reason or the manager says
    CONTEXT_ADDRESS = "context-address"  # +CGPADDR
    CONTEXT_DEFINED = "context-defined"  # cid, a blank, apn
    PIN_GIVEN = "pin-given"
    NMEA = "nmea"  # the port speaks positions
    OTHER_PROGRAM_ON_PORT = "other-program-on-port"  # the command that nobody here sent

    # QMI and its relatives.
    QMI_DEVICE = "qmi-device"  # the node
    QMI_DEVICE_MISSING = "qmi-device-missing"  # the node or the words
    QMI_CLIENT = "qmi-client"  # service, a blank, client id
    QMI_TIMED_OUT = "qmi-timed-out"  # the request, where told
    QMI_REFUSED = "qmi-refused"  # the protocol error: "CallFailed", "InvalidServiceType", a number
    CALL_STARTING = "call-starting"  # the APN, where told
    CALL_UP = "call-up"  # the handle, where told
    CALL_FAILED = "call-failed"  # the protocol error's name or number, empty where not told
    CALL_DOWN = "call-down"  # the reason, where told
    CALL_RECONFIGURED = "call-reconfigured"  # the call stands, with another address
    CALL_NO_EFFECT = "call-no-effect"
    MODEM_FRAMING = "modem-framing"  # "raw-ip" or "802.3"
    KERNEL_FRAMING = "kernel-framing"  # likewise
    RAW_IP_SET = "raw-ip-set"  # the interface
    DRIVER = "driver"  # the network driver: qmi_wwan, GobiNet, cdc_mbim
    SERVICE_UNSUPPORTED = "service-unsupported"  # the QMI service that the firmware lacks

    # DHCP.
    DHCP_STARTED = "dhcp-started"  # the interface, where told
    DHCP_DISCOVER = "dhcp-discover"
    DHCP_OFFER = "dhcp-offer"  # the address
    DHCP_LEASE = "dhcp-lease"  # the address
    DHCP_NO_LEASE = "dhcp-no-lease"
    DHCP_REFUSED = "dhcp-refused"  # a NAK
    DHCP_LOST = "dhcp-lost"
    LINK_LOCAL_ONLY = "link-local-only"  # a 169.254/16 address: not a lease

    # ModemManager, NetworkManager, netifd.
    MODEM_STATE = "modem-state"  # the new state, the managers' word: "registered", "connecting", "connected"
    MANAGER_STEP = "manager-step"  # the step's words: "register", "bearer"
    CONNECT_STARTED = "connect-started"
    CONNECT_SUCCEEDED = "connect-succeeded"
    CONNECT_FAILED = "connect-failed"  # the words
    MANAGER_ON_PORT = "manager-on-port"  # a manager was seen to use this port
    INTERFACE_UP = "interface-up"  # the interface with an address
    UNLOCK_NEEDED = "unlock-needed"  # the lock: "sim-pin", "ph-net-pin"

    # The kernel and its buses.
    USB_FOUND = "usb-found"  # USB path
    USB_DISCONNECTED = "usb-disconnected"  # USB path
    USB_RESET = "usb-reset"  # USB path
    USB_FAULT = "usb-fault"  # the words: descriptor errors, over-current, a dead host controller
    TTY_ATTACHED = "tty-attached"  # ttyUSB2
    TTY_DETACHED = "tty-detached"  # ttyUSB2
    UNDER_VOLTAGE = "under-voltage"
    VOLTAGE_NORMAL = "voltage-normal"
    STORAGE_ONLY = "storage-only"  # the device showed itself as a CD-ROM
    MODE_SWITCHED = "mode-switched"

    # Does traffic flow?
    PING_REPLY = "ping-reply"  # sequence number, a blank, milliseconds
    PING_SUMMARY = "ping-summary"  # sent, a blank, received
    PING_FAILED = "ping-failed"  # the words
    COUNTERS = "counters"  # interface, received packets, sent packets
    DEFAULT_ROUTE = "default-route"  # the interface that holds it
    NAME_FAILED = "name-failed"  # the name that could not be resolved

    # pppgen's own journal.
    REPORTED = "reported"  # a model.Reason that a bearer gave

    # What looks alarming and is not, when the rest works.
    HARMLESS = "harmless"  # the slug of its explanation in causes.toml


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
