"""What people paste to show whether traffic flows: ping, ifconfig, ip, route, usb_modeswitch."""

import re

from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.grammar import Row, grammar
from pppgen.programs.sieve import Sieve
from pppgen.programs.translated import TRANSLATED, english

ROWS: tuple[Row, ...] = (
    Row(r"(?:From \S+ )?.*Destination (?:Host|Net) Unreachable", Kind.PING_FAILED),
    Row(r"ping: (?:unknown host|bad address) '?(\S+?)'?\s*$", Kind.NAME_FAILED),
    Row(r"ping: (\S+): (?:Name or service not known|Temporary failure in name resolution)", Kind.NAME_FAILED),
    Row(r"(?:minicom: |picocom: )?(?:[Dd]evice )?/dev/(tty\w+) is locked", Kind.PORT_BUSY, ""),
    Row(
        r".*[Cc]annot (?:open|lock) (?:line )?'?/dev/\S+: (?:Device or resource busy|Resource)",
        Kind.PORT_BUSY,
        "",
    ),
    Row(r"(?:minicom|picocom|FATAL|bash|cat|-bash|sh)\b.*/dev/tty\w+.*: Device or resource busy", Kind.PORT_BUSY, ""),
    Row(r"(?:minicom|picocom|FATAL|bash|cat|-bash|sh)\b.*(/dev/tty\w+).*: Permission denied", Kind.PERMISSION_DENIED),
    Row(r"(?:minicom|picocom|FATAL|bash|cat|-bash|sh)\b.*(/dev/tty\w+).*: No such (?:file|device)", Kind.PORT_MISSING),
    Row(
        r"(?:-?bash|sh|dash|ash|sudo):(?: line)?(?: \d+:)? (\S*(?:ppp|chat)\S*):"
        r" (?:Permission denied|Operation not permitted|cannot execute)",
        Kind.PERMISSION_DENIED,
    ),
    Row(
        r"(?:-?bash|sh|dash|ash|sudo):(?: line)?(?: \d+:)? (\S*(?:ppp|chat|wvdial)\S*):"
        r" (?:command not found|not found|No such file)",
        Kind.PROGRAM_MISSING,
    ),
    Row(r"ls: cannot access '?(/dev/tty\S+?)'?: No such", Kind.PORT_MISSING),
    Row(r"connect: Network is unreachable", Kind.PING_FAILED),
    Row(r"default (?:via \S+ )?dev (\S+)", Kind.DEFAULT_ROUTE),
    Row(r"(?:default|0\.0\.0\.0)\s+\S+\s+(?:default|0\.0\.0\.0)\s+U\S*\s+.*?(\S+)\s*$", Kind.DEFAULT_ROUTE),
    Row(r"(?:No driver found|-> device not switched|(?:-> )?Mode switch (?:has )?failed)", Kind.STORAGE_ONLY),
    Row(r"(?:(?:-> )?Mode switch succeeded|-> Correct mode|Found correct target)", Kind.MODE_SWITCHED),
    Row(
        r"(?:Bus \d+ Device \d+: ID [0-9a-f:]{9} ).*(?i:mass storage|CD-?ROM|Modem \(storage\)|ZeroCD|initial mode)",
        Kind.STORAGE_ONLY,
    ),
)
_REPLY = re.compile(r"\d+ bytes from \S+(?: \(\S+\))?: icmp_[rs]eq[=:](\d+).* time=(\d+(?:\.\d+)?) ?ms")
_SUMMARY = re.compile(r"(\d+) packets transmitted, (\d+) (?:packets )?received")
_FLAGS = r"<[A-Z_,-]*(?:UP|BROADCAST|LOOPBACK|POINTOPOINT|NOARP)[A-Z_,-]*>"  # every interface has one of these
_HEADER = re.compile(rf"(?:\d+: )?(\S+?)(?:@\S+)?:?\s+(?:Link encap|flags=|{_FLAGS})")
_ADDRESS = re.compile(r"inet (?:addr:)?(\d+\.\d+\.\d+\.\d+)")
_RECEIVED = re.compile(r"RX packets[: ](\d+)")
_SENT = re.compile(r"TX packets[: ](\d+)")
_LINKS = ("ppp", "wwan", "wwp", "wwx", "rmnet")  # a usb0 may be anybody's
_SHELLS = ("bash", "-bash", "sh:", "dash", "ash:", "cat", "sudo", "minicom", "picocom")  # who translates such words
SIEVE = Sieve(
    ROWS, _REPLY, _SUMMARY, _HEADER, _RECEIVED, _SENT, _ADDRESS, *(f".*{re.escape(said)}" for said in TRANSLATED)
)
_CELLULAR = re.compile(r"(?:ppp|wwan|wwp|wwx|usb|rmnet)\w*$")


class NetToolsReader:
    """Remembers of which interface `ifconfig` or `ip addr` speaks."""

    def __init__(self) -> None:
        self._grammar = grammar(Program.NET_TOOLS, ROWS)
        self._interface = ""
        self._received = ""

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line proves."""
        if line.startswith(_SHELLS):
            line = english(line)
        if (reply := _REPLY.match(line)) is not None:
            return (_event(Kind.PING_REPLY, f"{reply[1]} {reply[2]}"),)
        if (summary := _SUMMARY.match(line)) is not None:
            return (_event(Kind.PING_SUMMARY, f"{summary[1]} {summary[2]}"),)
        if (header := _HEADER.match(line)) is not None:
            self._interface = header[1][:20] if _CELLULAR.match(header[1]) else ""
            return ()
        if self._interface and (received := _RECEIVED.match(line)) is not None:
            self._received = received[1][:20]
            return (_event(Kind.COUNTERS, f"{self._interface} {self._received}"),)
        if self._interface and (sent := _SENT.match(line)) is not None:
            return (_event(Kind.COUNTERS, f"{self._interface} {self._received or '0'} {sent[1][:20]}"),)
        if self._interface.startswith(_LINKS) and (address := _ADDRESS.match(line)) is not None:
            own = address[1].startswith("169.254.")
            return (_event(Kind.LINK_LOCAL_ONLY if own else Kind.LOCAL_ADDRESS, address[1]),)
        event = self._grammar.match(line)
        return () if event is None else (event,)


def _event(kind: Kind, value: str) -> Event:
    return Event(Program.NET_TOOLS, kind, value)
