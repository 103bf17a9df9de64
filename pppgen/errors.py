"""Every way pppgen can fail, each with its exit code, its slug and a hint that can be typed.

`message` says what was asked and what came back; `hint` says what to type next.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a shell sees; README prints this table, and a test holds the two together."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    CONFIGURATION = 3
    NO_MODEM = 4
    NO_AT_PORT = 5
    PORT_BUSY = 6
    SIM = 7
    NOT_REGISTERED = 8
    DIAL_FAILED = 9
    PERMISSION = 10
    CHANGED_BY_HAND = 11
    MISSING_PROGRAM = 12
    UNKNOWN_CAUSE = 13
    NOT_RUNNING = 14
    REFUSED_BY_MODEM = 15
    INTERRUPTED = 130


SENTENCES: dict[ExitCode, str] = {
    ExitCode.OK: "what was asked was done",
    ExitCode.UNEXPECTED: "a fault in pppgen or in the machine that nothing below names",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.CONFIGURATION: "a value in an option or in pppgen.toml is refused",
    ExitCode.NO_MODEM: "no modem was found",
    ExitCode.NO_AT_PORT: "a modem was found but none of its ports answers AT",
    ExitCode.PORT_BUSY: "another process holds the port",
    ExitCode.SIM: "the SIM is missing, locked or refused",
    ExitCode.NOT_REGISTERED: "the modem is not registered in a network",
    ExitCode.DIAL_FAILED: "the dial failed",
    ExitCode.PERMISSION: "root is needed, or a file may not be read or written",
    ExitCode.CHANGED_BY_HAND: "a file was changed by hand since pppgen wrote it",
    ExitCode.MISSING_PROGRAM: "a program that is needed is not installed",
    ExitCode.UNKNOWN_CAUSE: "the log does not say why",
    ExitCode.NOT_RUNNING: "no supervisor is running",
    ExitCode.REFUSED_BY_MODEM: "the modem answered a command with an error",
    ExitCode.INTERRUPTED: "ended by Ctrl-C, by TERM or with its terminal",
}


class PppgenError(Exception):
    """A failure with an answer for the reader; every other exception is a fault of ours."""

    exit = ExitCode.UNEXPECTED
    code = "unexpected"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def as_json(self) -> dict[str, object]:
        """Return the `error` object of every `--json` answer."""
        return {"code": self.code, "exit": int(self.exit), "message": self.message, "hint": self.hint}


class WrongUsage(PppgenError):
    """A command line that click refuses, where the caller wants the refusal as an object."""

    exit = ExitCode.USAGE
    code = "usage"


class BadValue(PppgenError):
    """An option or a configuration value that is refused before anything is written."""

    exit = ExitCode.CONFIGURATION
    code = "configuration"


class NoModem(PppgenError):
    """No USB device with tty ports, and no UART that answers."""

    exit = ExitCode.NO_MODEM
    code = "no-modem"


class NoAtPort(PppgenError):
    """A modem whose ports do not answer AT."""

    exit = ExitCode.NO_AT_PORT
    code = "no-at-port"


class PortBusy(PppgenError):
    """Another process holds the port; nothing was sent to it."""

    exit = ExitCode.PORT_BUSY
    code = "port-busy"


class PortGone(PppgenError):
    """The port vanished while it was used."""

    exit = ExitCode.NO_AT_PORT
    code = "port-gone"


class ModemSilent(PppgenError):
    """The modem did not answer a command before its deadline, or its answer exceeded its bound."""

    exit = ExitCode.NO_AT_PORT
    code = "modem-silent"


class RefusedByModem(PppgenError):
    """The modem answered a command with ERROR, +CME ERROR or the like."""

    exit = ExitCode.REFUSED_BY_MODEM
    code = "refused-by-modem"


class SimProblem(PppgenError):
    """No SIM, or one that waits for a PIN or PUK."""

    exit = ExitCode.SIM
    code = "sim"


class NotRegistered(PppgenError):
    """The modem is not registered in a network."""

    exit = ExitCode.NOT_REGISTERED
    code = "not-registered"


class DialFailed(PppgenError):
    """The dial, or the proof of the chat script, did not end in CONNECT."""

    exit = ExitCode.DIAL_FAILED
    code = "dial-failed"


class NoPermission(PppgenError):
    """The right to read, write or run something is missing."""

    exit = ExitCode.PERMISSION
    code = "permission"


class ChangedByHand(PppgenError):
    """A file that a person edited since pppgen wrote it; it stays as it is."""

    exit = ExitCode.CHANGED_BY_HAND
    code = "changed-by-hand"


class MissingProgram(PppgenError):
    """A program that is needed is not installed."""

    exit = ExitCode.MISSING_PROGRAM
    code = "missing-program"


class UnknownCause(PppgenError):
    """The log does not prove any cause: an honest answer."""

    exit = ExitCode.UNKNOWN_CAUSE
    code = "unknown-cause"


class NotRunning(PppgenError):
    """The command needs a running supervisor."""

    exit = ExitCode.NOT_RUNNING
    code = "not-running"


class Interrupted(PppgenError):
    """Ctrl-C, TERM or the loss of the terminal ended it: done as asked, and told apart by its status."""

    exit = ExitCode.INTERRUPTED
    code = "interrupted"
