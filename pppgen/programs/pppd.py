"""pppd: its command line, its log lines and `debug` packets as events, its exit statuses as reasons.

The messages are those of pppd 2.4.1 to 2.5.2 (main.c, auth.c, fsm.c, lcp.c, ipcp.c, sys-linux.c, tty.c, lock code);
the exit statuses those of the man page of 2.4.9. What decides is the earliest line that says why, never the status
alone: after a terminate from the peer pppd lingers three seconds and ends with "Modem hangup" and 16.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pppgen.model import Reason
from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.grammar import Row, grammar
from pppgen.programs.sieve import Sieve

_DEVICE = r"(/dev/[^\s':,]+(?:[:,]\d[^\s']*)*)"
_NAMES_A_DEVICE = r"(?:/dev/|[a-z0-9]+-[^\s']*(?:usb|tty))"

ROWS: tuple[Row, ...] = (
    # The packets come first: they are the most frequent lines of a debug log. See _packet.
    Row(r"pppd (\d[\w.+-]*) started by ", Kind.PROGRAM_STARTED),
    Row(r"pppd options in effect:", Kind.PROGRAM_STARTED),
    Row(r"Starting link", Kind.AGAIN),
    Row(r"Exit\.", Kind.PROGRAM_EXITED),
    Row(r"(?:\^C)?(Terminating on signal \d+|User request|Interrupt)", Kind.STOPPED_BY_USER),
    Row(r"(Fatal signal \d+)", Kind.CRASHED),
    # The port.
    Row(r"(?:\**Device \S+|/dev/\S+) is locked by pid (\d+)", Kind.PORT_BUSY),
    Row(r"(?:Can't|Couldn't) create lock file \S+: (Permission denied)", Kind.PERMISSION_DENIED),
    Row(rf"(?:Failed to open|Can't open device|Couldn't open|Couldn't stat) {_DEVICE}: No such", Kind.PORT_MISSING),
    Row(rf"Failed to (?:re)?open {_DEVICE}: (?:Device or resource busy|EBUSY)", Kind.PORT_BUSY, ""),
    Row(rf"Failed to (?:re)?open {_DEVICE}: (?:Permission denied|Operation not permitted)", Kind.PERMISSION_DENIED),
    Row(r"(Failed to (?:re)?open /dev/.*)", Kind.PORT_OPEN_FAILED),
    Row(r"(?:In file \S+: )?unrecognized option '(/dev/[^']*)'", Kind.PORT_MISSING),
    Row(rf"unknown host: (\S*{_NAMES_A_DEVICE}\S*)", Kind.PORT_MISSING),
    Row(r"(\S+ is not a character device)", Kind.OPTION_REFUSED),
    Row(r"((?:tcflush|tcgetattr|tcsetattr)(?: failed)?: .*|(?:read|write) to serial.*: .*)", Kind.PORT_IO_FAILED),
    Row(r"Couldn't set tty to PPP discipline: Invalid argument", Kind.KERNEL_NO_PPP),
    Row(
        r"(Couldn't (?:set tty to PPP|get channel number|attach to channel|make tty exclusive).*)", Kind.PORT_IO_FAILED
    ),
    Row(
        r"((?:ioctl\(PPPIO\w+\)|Couldn't set PPP MRU|Can't (?:get|restore) terminal parameters):?"
        r" Input/output error.*)",
        Kind.PORT_IO_FAILED,
    ),
    # The dial.
    Row(r"Connect script failed", Kind.CONNECT_SCRIPT_FAILED),
    Row(r"Initializer script failed", Kind.CONNECT_SCRIPT_FAILED),
    Row(r"Serial (?:connection|port) (?:established|initialized)\.", Kind.SERIAL_UP),
    Row(r"Using interface (\S+)", Kind.INTERFACE),
    Row(r"Connect: \S+ <--> (\S+)", Kind.LINK_CONNECTED),
    # LCP.
    Row(r"LCP: timeout sending Config-Requests", Kind.LCP_TIMED_OUT),
    Row(r"Serial line is looped back", Kind.LOOPED_BACK),
    Row(r"Loopback detected", Kind.LOOPED_BACK),
    Row(r"(LCP|IPCP|IPV6CP|CCP) terminated by peer", Kind.PEER_TERMINATED),
    Row(r"No response to (\d+) echo-requests", Kind.ECHO_LOST),
    Row(r"Serial link appears to be disconnected", Kind.ECHO_LOST, ""),
    Row(r"Peer not responding", Kind.ECHO_LOST, ""),
    # Authentication.
    Row(r"No auth is possible", Kind.AUTH_IMPOSSIBLE),
    Row(r"No (?:CHAP|PAP|EAP) secret found for authenticating us to ?(.*)", Kind.SECRET_MISSING),
    Row(r"No secret found for PAP login", Kind.SECRET_MISSING),
    Row(r"Unable to obtain (?:CHAP|PAP) password for (.*) from plugin", Kind.SECRET_MISSING),
    Row(r"(CHAP|PAP|EAP)(?: \(?MS[^)]*\)?)? authentication succeeded", Kind.AUTH_SUCCEEDED),
    Row(r"(?:MS-)?(?:CHAP|PAP|EAP)(?:v2)? (?:mutual )?authentication failed:? ?(.*)", Kind.AUTH_FAILED),
    Row(r"(Failed to authenticate ourselves to peer.*)", Kind.AUTH_FAILED),
    Row(r"(EAP: peer reports authentication failure.*|Unknown MS-CHAP authentication failure.*)", Kind.AUTH_FAILED),
    Row(r"(No response to PAP authenticate-requests|CHAP authentication timed out)", Kind.AUTH_FAILED),
    Row(r"(E=6\d\d .*)", Kind.AUTH_FAILED),
    Row(r"The remote system (?:\([^)]*\) )?is required to authenticate itself", Kind.AUTH_REQUIRED_OF_PEER),
    Row(r"By default the remote system is required to authenticate itself", Kind.AUTH_REQUIRED_OF_PEER),
    Row(r"but I couldn't find any suitable secret", Kind.AUTH_REQUIRED_OF_PEER),
    Row(r"[Pp]eer refused to authenticate", Kind.AUTH_REQUIRED_OF_PEER),
    # IPCP and addresses.
    Row(r"IPCP: timeout sending Config-Requests", Kind.IPCP_TIMED_OUT),
    Row(r"IPV6CP: timeout sending Config-Requests", Kind.HARMLESS, "ipv6-refused"),
    Row(r"Received bad configure-(?:nak|rej|ack)", Kind.IPCP_BAD_NAK),
    Row(
        r"Protocol-Reject for (?:unsupported protocol )?(?:'IP Control Protocol' \(0x8021\)|0x8021)", Kind.IPCP_REFUSED
    ),
    Row(r"(Peer refused to agree to (?:our|his) IP address|Unauthorized remote IP address)", Kind.IPCP_REFUSED),
    Row(r"(Refused our IP address|Peer is not authorized to use remote address)", Kind.IPCP_REFUSED),
    Row(r"(No network protocols running)", Kind.WE_TERMINATED),
    Row(r"Could not determine remote IP address: defaulting to (\S+)", Kind.REMOTE_INVENTED),
    Row(r"Could not determine local IP address", Kind.LOCAL_UNKNOWN),
    Row(r"local +IP address(?: (\S+)|$)", Kind.LOCAL_ADDRESS),  # people take the address out before they post
    Row(r"Local IP address changed to (\S+)", Kind.LOCAL_ADDRESS),
    Row(r"remote +IP address (\S+)", Kind.REMOTE_ADDRESS),
    Row(r"Remote IP address changed to (\S+)", Kind.REMOTE_ADDRESS),
    Row(r"(?:primary|secondary) +DNS address (\S+)", Kind.DNS_ADDRESS),
    Row(r"local +LL address (\S+)", Kind.IPV6_ADDRESS),
    Row(
        r"not replacing (?:existing )?default route (?:to|via|through) (?:gateway )?(\S+)",
        Kind.ROUTE_KEPT,
    ),
    Row(r"(?:default route |Couldn't add default route: )?ioctl\(SIOCADDRT\).*File exists", Kind.ROUTE_KEPT, ""),
    Row(r"replacing old default route to (\S+)", Kind.ROUTE_SET),
    # The end.
    Row(r"Modem hangup", Kind.HUNG_UP),
    Row(r"Hangup \(SIGHUP\)", Kind.HUNG_UP),
    Row(r"Connection terminated", Kind.CONNECTION_TERMINATED),
    Row(r"Link terminated", Kind.CONNECTION_TERMINATED),
    Row(r"Connect time (\d+\.\d+) minutes", Kind.CONNECT_TIME),
    Row(r"(Terminating connection due to lack of activity)", Kind.IDLE_LIMIT),
    Row(r"Connect time expired", Kind.TIME_LIMIT),
    # The system.
    Row(
        r"Couldn't open (?:the )?/dev/ppp(?: device)?: (Permission denied|Operation not permitted)",
        Kind.PERMISSION_DENIED,
    ),
    Row(r"Couldn't (?:re)?open (?:the )?/dev/ppp", Kind.KERNEL_NO_PPP),
    Row(r"(?:Sorry - )?[Tt]his system lacks (?:PPP kernel|kernel) support", Kind.KERNEL_NO_PPP),
    Row(r"You need to create the /dev/ppp device node", Kind.KERNEL_NO_PPP),
    Row(r"Please load the ppp_generic kernel module", Kind.KERNEL_NO_PPP),
    Row(r"(must be root to run \S+, since it is not setuid-root)", Kind.PERMISSION_DENIED),
    Row(r"(using the .* requires root privilege)", Kind.PERMISSION_DENIED),
    Row(r"((?:In file \S+: )?unrecognized option '.*)", Kind.OPTION_REFUSED),
    Row(r"((?:In file \S+: |In secrets file: )?too few parameters for option.*)", Kind.OPTION_REFUSED),
    Row(r"(Can't open options file .*Permission denied)", Kind.PERMISSION_DENIED),
    Row(
        r"(Can't open options file .*|warning: (?:quoted word runs to end of file|word in file).*)", Kind.OPTION_REFUSED
    ),
    Row(r"(invalid (?:numeric )?parameter '.*|.* option precludes specifying device name)", Kind.OPTION_REFUSED),
    Row(r"(no device specified and stdin is not a tty|Input/output is not a tty)", Kind.OPTION_REFUSED),
    Row(r"(bad (?:local|remote) IP address .*|unknown host: .*|Couldn't load plugin .*)", Kind.OPTION_REFUSED),
    Row(r"(call option value may not contain .*)", Kind.OPTION_REFUSED),
    # Alarming, and not a cause.
    Row(r"Cannot determine ethernet address for proxy ARP", Kind.HARMLESS, "proxy-arp"),
    Row(r"speed \d+ not supported", Kind.HARMLESS, "speed-not-supported"),
    Row(r"Protocol-Reject for ", Kind.HARMLESS, "protocol-reject"),
    Row(r"Unsupported protocol ", Kind.HARMLESS, "protocol-reject"),
    Row(r"Warning - secret file \S+ has world and/or group access", Kind.HARMLESS, "secrets-readable"),
    Row(r"Warning: couldn't open ppp database", Kind.HARMLESS, "ppp-database"),
    Row(r"Removed stale lock on ", Kind.HARMLESS, "stale-lock"),
)

_CALLED = re.compile(r"(?:/\S*/)?pppd: ")
_SCRIPT = re.compile(
    r"Script (?!/etc/ppp/(?:ip|ipv6|auth)-(?:pre-)?(?:up|down))(.+) finished \(pid \d+\), status = 0x([0-9a-f]+)"
)
_BYTES = re.compile(r"Sent (\d+) bytes, received (\d+) bytes")
_PACKET = re.compile(r"(sent|rcvd) \[(LCP|IPCP|IPV6CP|CHAP|PAP|CCP|EAP) (\w+)")
_AUTH = re.compile(r"<auth ([^>]{1,40})>")
_ADDRESS = re.compile(r"<addr (\d+\.\d+\.\d+\.\d+)>")
_TERM_WORDS = re.compile(r'TermReq id=0x[0-9a-f]+ "([^"]*)"')
SIEVE = Sieve(ROWS, _SCRIPT, _BYTES, _PACKET, leads=(_CALLED,))


# Requests until a missing answer is told: a healthy peer needs two or three rounds, pppd gives up after ten.
PATIENCE = 5


class PppdReader:
    """pppd's log, with or without `debug`; remembers which half of LCP and IPCP is acknowledged."""

    def __init__(self) -> None:
        self._grammar = grammar(Program.PPPD, ROWS)
        self._acked: set[tuple[str, str]] = set()
        self._unanswered = 0
        self._asked = 0

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line (without syslog's prefix) proves."""
        if line.startswith(("pppd: ", "/")):
            line = _CALLED.sub("", line, count=1)
        if line.startswith(("sent [", "rcvd [")):
            return self._packet(line)
        event = self._grammar.match(line)
        if event is not None:
            if event.kind in {Kind.LINK_CONNECTED, Kind.PROGRAM_STARTED}:
                self._acked.clear()
                self._unanswered = self._asked = 0
            return (event,)
        if line.startswith("Script "):
            return self._script(line)
        if (counts := _BYTES.match(line)) is not None:
            return (Event(Program.PPPD, Kind.TRAFFIC, f"{counts[1]} {counts[2]}"),)
        return ()

    def _script(self, line: str) -> tuple[Event, ...]:
        found = _SCRIPT.match(line)
        if found is None or "disconnect" in found[1]:
            return ()
        return (Event(Program.PPPD, Kind.CHAT_EXITED, str(int(found[2][:8], 16))),)

    def _packet(self, line: str) -> tuple[Event, ...]:
        found = _PACKET.match(line)
        if found is None:
            return ()
        way, protocol, code = found.groups()
        kind = Kind.PACKET_SENT if way == "sent" else Kind.PACKET_RECEIVED
        return (Event(Program.PPPD, kind, f"{protocol} {code}"), *self._meaning(way, protocol, code, line))

    def _meaning(self, way: str, protocol: str, code: str, line: str) -> tuple[Event, ...]:
        """What a packet proves beyond that it was seen."""
        if way == "rcvd":
            self._unanswered = 0
        match way, protocol, code:
            case _, "LCP" | "IPCP", "ConfAck":
                return self._acknowledged(way, protocol)
            case "rcvd", "LCP", "ConfReq" if (auth := _AUTH.search(line)) is not None:
                return (Event(Program.PPPD, Kind.AUTH_ASKED, auth[1]),)
            case "sent", "LCP", "ConfRej" | "ConfNak" if (auth := _AUTH.search(line)) is not None:
                return (Event(Program.PPPD, Kind.AUTH_REFUSED_BY_US, auth[1]),)
            case "sent", "LCP", "TermReq" if (words := _TERM_WORDS.search(line)) is not None:
                return (Event(Program.PPPD, Kind.WE_TERMINATED, words[1][:200]),)
            case "sent", "LCP", "ConfReq":
                self._unanswered += 1
                return (Event(Program.PPPD, Kind.LCP_UNANSWERED),) if self._unanswered == PATIENCE else ()
            case "sent", "IPCP", "ConfReq":
                self._asked += 1
                asked = Event(Program.PPPD, Kind.IPCP_ASKED)
                return (asked, Event(Program.PPPD, Kind.IPCP_LOOPS)) if self._asked == PATIENCE else (asked,)
            case "rcvd", "LCP" | "IPCP", "TermReq":
                return (Event(Program.PPPD, Kind.PEER_TERMINATED, protocol),)
            case "rcvd", "IPCP", "ConfNak" if (address := _ADDRESS.search(line)) is not None:
                return (Event(Program.PPPD, Kind.IPCP_OFFERED, address[1]),)
            case _:
                return ()

    def _acknowledged(self, way: str, protocol: str) -> tuple[Event, ...]:
        """A protocol is open when both sides acknowledged; LCP that opens again starts IPCP anew."""
        self._acked.add((protocol, way))
        if not {(protocol, "sent"), (protocol, "rcvd")} <= self._acked:
            return ()
        self._acked -= {(protocol, "sent"), (protocol, "rcvd")}
        return (Event(Program.PPPD, Kind.LCP_OPEN if protocol == "LCP" else Kind.IPCP_OPEN),)


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """One exit status of the man page: what it says to people, and the reason when no line said more."""

    sentence: str
    reason: Reason


EXIT_STATUSES: dict[int, ExitStatus] = {
    0: ExitStatus("the link was up and ended as asked, or pppd went to the background", Reason.NONE),
    1: ExitStatus("a system call failed that pppd cannot do without", Reason.PROGRAM_KILLED),
    2: ExitStatus("pppd refused its own options", Reason.PPPD_CONFIG),
    3: ExitStatus("pppd is not setuid root and was not started by root", Reason.PERMISSION_DENIED),
    4: ExitStatus("the kernel has no PPP, or its module could not be loaded", Reason.KERNEL_NO_PPP),
    5: ExitStatus("pppd was told to stop by a signal", Reason.STOPPED),
    6: ExitStatus("another process has locked the serial port", Reason.PORT_BUSY),
    7: ExitStatus("the serial port could not be opened", Reason.USB_DISCONNECT),
    8: ExitStatus("the connect script failed", Reason.CHAT_TIMEOUT),
    9: ExitStatus("the program behind the pty option could not be run", Reason.PPPD_CONFIG),
    10: ExitStatus("the negotiation failed before any network protocol ran", Reason.LCP_TIMEOUT),
    11: ExitStatus("the peer did not authenticate itself to us", Reason.AUTH_REQUIRED_OF_PEER),
    12: ExitStatus("the link was idle for as long as its options allow", Reason.LINK_DROPPED),
    13: ExitStatus("the link was up for as long as its options allow", Reason.LINK_DROPPED),
    14: ExitStatus("callback was agreed on; the peer will call", Reason.PEER_HANGUP),
    15: ExitStatus("the peer stopped answering echo requests", Reason.ECHO_UNANSWERED),
    16: ExitStatus("the modem hung up", Reason.PEER_HANGUP),
    17: ExitStatus("the serial line is looped back: the modem echoes instead of talking PPP", Reason.LOOPBACK),
    18: ExitStatus("the init script failed", Reason.MODEM_NOT_RESPONDING),
    19: ExitStatus("the peer refused our user name or password", Reason.AUTH_FAILED),
}


# What wvdial and NetworkManager say instead of the number (pppd's manual, in the words of their sources).
EXIT_WORDS: tuple[tuple[str, int], ...] = (
    ("Fatal pppd error", 1),
    ("pppd options error", 2),
    ("No root priv error", 3),
    ("No ppp module error", 4),
    ("pppd received a signal", 5),
    ("Serial port lock failed", 6),
    ("Serial port open failed", 7),
    ("Connect script failed", 8),
    ("Pty program error", 9),
    ("PPP negotiation failed", 10),
    ("Peer didn't authenticat", 11),
    ("Link idle", 12),
    ("Connect time limit reached", 13),
    ("Callback negotiated", 14),
    ("Lack of LCP echo responses", 15),
    ("A modem hung up the phone", 16),
    ("Loopback detected", 17),
    ("The init script failed", 18),
    ("Authentication error", 19),
)


def exit_of_words(words: str) -> int | None:
    """Return the exit status that a program tells in words, `None` for other words.

    >>> exit_of_words("Lack of LCP echo responses")
    15
    """
    return next((status for start, status in EXIT_WORDS if words.startswith(start)), None)


def reason_of_exit(status: int, *, device_there: bool = True) -> Reason:
    """Return the reason of an exit status that no line explains; beyond the table (a signal) that it was killed.

    A missing node is read as an unknown option or host by pppd 2.4.9, so 2 without the node means: the device is gone.

    >>> reason_of_exit(2, device_there=False)
    <Reason.USB_DISCONNECT: 'usb-disconnect'>
    >>> reason_of_exit(19)
    <Reason.AUTH_FAILED: 'auth-failed'>
    """
    if status in {2, 7} and not device_there:
        return Reason.USB_DISCONNECT
    known = EXIT_STATUSES.get(status)
    return known.reason if known is not None else Reason.PROGRAM_KILLED


_DECISIVE: dict[Kind, Reason] = {
    Kind.STOPPED_BY_USER: Reason.STOPPED,
    Kind.CRASHED: Reason.PROGRAM_KILLED,
    Kind.PORT_BUSY: Reason.PORT_BUSY,
    Kind.PORT_MISSING: Reason.USB_DISCONNECT,
    Kind.PORT_OPEN_FAILED: Reason.USB_DISCONNECT,
    Kind.PORT_IO_FAILED: Reason.USB_DISCONNECT,
    Kind.PERMISSION_DENIED: Reason.PERMISSION_DENIED,
    Kind.OPTION_REFUSED: Reason.PPPD_CONFIG,
    Kind.KERNEL_NO_PPP: Reason.KERNEL_NO_PPP,
    Kind.LCP_TIMED_OUT: Reason.LCP_TIMEOUT,
    Kind.LOOPED_BACK: Reason.LOOPBACK,
    Kind.AUTH_FAILED: Reason.AUTH_FAILED,
    Kind.AUTH_REQUIRED_OF_PEER: Reason.AUTH_REQUIRED_OF_PEER,
    Kind.IPCP_TIMED_OUT: Reason.IPCP_TIMEOUT,
    Kind.IPCP_REFUSED: Reason.IPCP_TIMEOUT,
    Kind.LOCAL_UNKNOWN: Reason.IPCP_TIMEOUT,
    Kind.ECHO_LOST: Reason.ECHO_UNANSWERED,
    Kind.IDLE_LIMIT: Reason.LINK_DROPPED,
    Kind.TIME_LIMIT: Reason.LINK_DROPPED,
}


def reason_of(event: Event, *, authenticated: bool, leased: bool) -> Reason | None:
    """Return why the link ends when this event says so; the first that is not `None` is the reason of the attempt.

    A peer that ends the call right after it accepted our name and password, and before it gave an address, refuses the
    APN: the module checks credentials by itself and only then asks the network for the context.

    >>> ended = Event(Program.PPPD, Kind.PEER_TERMINATED, "LCP")
    >>> reason_of(ended, authenticated=True, leased=False)
    <Reason.APN_REJECTED: 'apn-rejected'>
    >>> reason_of(ended, authenticated=False, leased=True)
    <Reason.LINK_DROPPED: 'link-dropped'>
    """
    if event.kind in {Kind.PEER_TERMINATED, Kind.HUNG_UP}:
        if event.kind is Kind.PEER_TERMINATED and event.value not in {"LCP", "IPCP"}:
            return None
        if leased:
            return Reason.LINK_DROPPED
        return Reason.APN_REJECTED if authenticated else Reason.PEER_HANGUP
    return _DECISIVE.get(event.kind)


def call_argv(
    provider: str,
    device: str,
    *,
    pppd: str = "pppd",
    ipparam: str = "",
    linkname: str = "",
    logfile: str = "",
    debug: bool = True,
    options: Sequence[str] = (),
) -> list[str]:
    """Return the argv of one supervised run: in the foreground, without a default route, on the resolved tty.

    `call NAME` comes first, because `poff` looks for it; options after `call` win over those in the peers file.

    >>> call_argv("provider", "/dev/ttyUSB2", ipparam="pppgen")
    ['pppd', 'call', 'provider', 'nodetach', 'nodefaultroute', 'debug', 'ipparam', 'pppgen', '/dev/ttyUSB2']
    """
    argv = [pppd, "call", provider, "nodetach", "nodefaultroute"]
    if debug:
        argv.append("debug")
    for option, value in (("ipparam", ipparam), ("linkname", linkname), ("logfile", logfile)):
        if value:
            argv += [option, value]
    return [*argv, *options, device]
