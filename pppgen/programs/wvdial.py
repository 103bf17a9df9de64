"""wvdial and wvdialconf: their own words; the modem's stand between them and go to the AT reader."""

import re

from pppgen.programs.at_session import commanded
from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.grammar import Row, grammar
from pppgen.programs.sieve import Sieve

ROWS: tuple[Row, ...] = (
    Row(r"WvDial: Internet dialer version (\S+)", Kind.PROGRAM_STARTED),
    Row(r"Initializing modem", Kind.AGAIN),
    Row(r"Sending: (.*)", Kind.COMMAND_SENT),
    Row(r"Re-Sending: (.*)", Kind.COMMAND_REPEATED),
    Row(r"Modem initialized", Kind.GOT_IT, "init"),
    Row(r"Modem not responding", Kind.MODEM_SILENT),
    Row(r"Bad init string", Kind.INIT_REFUSED),
    Row(r"Carrier detected", Kind.CARRIER_UP),
    Row(r"PPP negotiation detected", Kind.CARRIER_UP),
    Row(r"No Carrier!", Kind.NO_CARRIER),
    Row(r"No dial ?tone", Kind.NO_DIALTONE),
    Row(r"The line is busy", Kind.LINE_BUSY),
    Row(r"(?:No answer|The line was (?:answered|busy))", Kind.NO_ANSWER),
    Row(r"Timed out while dialing", Kind.DIAL_TIMED_OUT),
    Row(r"Invalid dial command", Kind.DIAL_REFUSED),
    Row(r"Connected, but carrier signal lost", Kind.HUNG_UP),
    Row(r"Cannot open \S+: (?:Device or resource busy|Resource temporarily unavailable)", Kind.PORT_BUSY, ""),
    Row(r"Cannot open (\S+): (?:Permission denied|Operation not permitted)", Kind.PERMISSION_DENIED),
    Row(r"Cannot open (\S+): No such (?:file|device)", Kind.PORT_MISSING),
    Row(r"(Cannot open .*)", Kind.PORT_OPEN_FAILED),
    Row(r"Unable to run (\S+?)\.?\s*$", Kind.PERMISSION_DENIED),
    Row(r"(Check permissions, or specify.*)", Kind.PERMISSION_DENIED),
    Row(r"(Configuration does not specify .*)", Kind.OPTION_REFUSED),
    Row(r"Starting pppd at", Kind.SERIAL_UP),
    Row(r"[Pp]id of pppd: (\d+)", Kind.LINK_CONNECTED, ""),
    Row(r"(?:The )?PPP daemon has died.*\(exit code = (\d+)\)", Kind.PROGRAM_EXITED),
    Row(r".*\(exit code = (\d+)\)", Kind.PROGRAM_EXITED),
    Row(r"Authentication \((\w+)\) successful", Kind.AUTH_SUCCEEDED),
    Row(r"(Authentication \(\w+\) failed)", Kind.AUTH_FAILED),
    Row(r"(We failed to authenticate ourselves to the peer|Maybe bad account or password)", Kind.AUTH_FAILED),
    Row(r"The PPP daemon has died: (Authentication error)", Kind.AUTH_FAILED),
    Row(r"Maximum Attempts Exceeded", Kind.PROGRAM_EXITED, ""),
    Row(r"(?:\^C)?(Caught signal #?\d+)", Kind.STOPPED_BY_USER),
    Row(r"Disconnecting at", Kind.CONNECTION_TERMINATED),
    Row(r"Auto Reconnect will be attempted in (\d+)", Kind.AGAIN),
    Row(r"warning, (?:can't find address|address lookup does not work)", Kind.NAME_FAILED),
    Row(r"Nameserver \(DNS\) failed", Kind.NAME_FAILED),
    Row(r"Default route Ok", Kind.DEFAULT_ROUTE, "ppp"),
    Row(r"Cannot get information for serial port", Kind.HARMLESS, "serial-information"),
    Row(r"Warning: Could not modify /etc/ppp/", Kind.HARMLESS, "secrets-not-written"),
    # wvdialconf
    Row(r"Sorry, no modem was detected", Kind.NO_MODEM_FOUND),
    Row(r"Found (?:a )?modem on (\S+)", Kind.MODEM_FOUND),
    Row(r"Found an? (?:USB |CDMA |)?.*modem.*using \"(\S+?)\"", Kind.MODEM_FOUND),
)

_PPPD = re.compile(r"(?:--> )*pppd: (.*)")
_PREFIX = re.compile(r"(?:(?:--> ?)+|Wv(?:Dial|Modem)(?: Modem)?<[^>]*>: *)")
_SCANNED = re.compile(r"(ttyUSB\d+|ttyS\d+|ttyACM\d+|\S+)<\*\d+>: (.*)")
SIEVE = Sieve(ROWS, _SCANNED)


class WvdialReader:
    """wvdial's words; remembers what it sent, so that a command of nobody here can be told."""

    def __init__(self) -> None:
        self._grammar = grammar(Program.WVDIAL, ROWS)
        self._sent: set[str] = set()
        self._last = ""

    @property
    def dialling(self) -> bool:
        """Whether a dial or an init command waits for its answer."""
        return bool(self._last)

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line, without its arrow, proves."""
        if (scanned := _SCANNED.match(line)) is not None:
            return self._scanned(scanned[1], scanned[2])
        event = self._grammar.match(line)
        if event is None:
            return ()
        match event.kind:
            case Kind.COMMAND_SENT:
                return self._command(event)
            case Kind.MODEM_SILENT | Kind.INIT_REFUSED | Kind.DIAL_REFUSED:
                event = Event(Program.WVDIAL, event.kind, self._last)
                self._last = ""
            case Kind.PROGRAM_STARTED:
                self._sent.clear()
            case Kind.CARRIER_UP | Kind.CONNECTION_TERMINATED | Kind.PROGRAM_EXITED:
                self._last = ""
            case _:
                pass
        return (event,)

    def foreign(self, command: str) -> bool:
        """Whether an echoed command was sent by nobody here while wvdial waits for an answer."""
        return bool(self._last) and not any(command.startswith(sent) or sent.startswith(command) for sent in self._sent)

    def _command(self, event: Event) -> tuple[Event, ...]:
        command = event.value
        self._last = command
        if len(self._sent) < 64:  # an init section has nine strings; more is not wvdial's
            self._sent.add(command)
        return commanded(Program.WVDIAL, command)

    def _scanned(self, port: str, words: str) -> tuple[Event, ...]:
        """wvdialconf: `ttyUSB0<*1>: ATQ0 V1 E1 -- OK`."""
        command, _, answer = words.partition(" -- ")
        if answer.startswith("OK"):
            return (Event(Program.WVDIAL, Kind.MODEM_FOUND, port),)
        if answer.startswith("ERROR"):
            return (Event(Program.WVDIAL, Kind.AT_ERROR, command),)
        if "giving up" in words:
            return (Event(Program.WVDIAL, Kind.COMMAND_REPEATED, command),)
        return ()


def bare(line: str) -> str | None:
    """Return the words behind wvdial's arrow or log name, `None` for a line without.

    >>> bare("--> Modem not responding."), bare("WvDial<*1>: Initializing modem."), bare("OK")
    ('Modem not responding.', 'Initializing modem.', None)
    """
    found = _PREFIX.match(line)
    return None if found is None else line[found.end() :]
