"""Asks, in order, what the ladder of a bring-up needs: facts in, one `Check` a rung out; nothing here reads anything.

The first rung that fails is the one to mend: what stands above it often fails for its sake.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pppgen.doctor import board, disk, modem, qmi, run
from pppgen.doctor.facts import Facts
from pppgen.doctor.verdict import Answer, Remedy, Verdict
from pppgen.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Rung:
    """One question: its slug, its title for people, the exit code of its failure, and who answers it."""

    name: str
    title: str
    exit: ExitCode
    judge: Callable[[Facts], Answer]


RUNGS: tuple[Rung, ...] = (
    Rung("kernel-ppp", "kernel: PPP", ExitCode.MISSING_PROGRAM, board.kernel_ppp),
    Rung("kernel-option", "kernel: serial ports", ExitCode.MISSING_PROGRAM, board.kernel_option),
    Rung("kernel-qmi", "kernel: QMI", ExitCode.MISSING_PROGRAM, board.kernel_qmi),
    Rung("usb-device", "modem present", ExitCode.NO_MODEM, board.usb_device),
    Rung("mode-switch", "modem mode", ExitCode.NO_MODEM, board.mode_switch),
    Rung("power", "power supply", ExitCode.UNEXPECTED, board.power),
    Rung("holders", "ports held", ExitCode.PORT_BUSY, board.holders),
    Rung("ports", "AT port", ExitCode.NO_AT_PORT, board.ports),
    Rung("modem-manager", "ModemManager", ExitCode.PORT_BUSY, board.modem_manager),
    Rung("network-manager", "NetworkManager", ExitCode.PORT_BUSY, board.network_manager),
    Rung("leftovers", "other tools", ExitCode.PORT_BUSY, board.leftovers),
    Rung("serial-console", "serial console", ExitCode.PORT_BUSY, board.serial_console),
    Rung("answers", "AT answers", ExitCode.NO_AT_PORT, modem.answers),
    Rung("sim", "SIM", ExitCode.SIM, modem.sim),
    Rung("pin-tries", "PIN tries", ExitCode.SIM, modem.pin_tries),
    Rung("registration", "registration", ExitCode.NOT_REGISTERED, modem.registration),
    Rung("signal", "signal", ExitCode.NOT_REGISTERED, modem.signal),
    Rung("apn", "APN", ExitCode.CONFIGURATION, modem.apn),
    Rung("attach-context", "attach context", ExitCode.CONFIGURATION, modem.attach_context),
    Rung("framing", "QMI framing", ExitCode.DIAL_FAILED, qmi.framing),
    Rung("qmi-device", "QMI port", ExitCode.NO_AT_PORT, qmi.device),
    Rung("pppd", "pppd", ExitCode.MISSING_PROGRAM, disk.pppd),
    Rung("files", "files", ExitCode.CONFIGURATION, disk.files),
    Rung("peers-syntax", "peers syntax", ExitCode.CONFIGURATION, disk.peers_syntax),
    Rung("chat-syntax", "chat syntax", ExitCode.CONFIGURATION, disk.chat_syntax),
    Rung("secrets", "secrets' modes", ExitCode.PERMISSION, disk.secrets),
    Rung("routes", "default route", ExitCode.UNEXPECTED, run.routes),
    Rung("dns", "name servers", ExitCode.UNEXPECTED, run.dns),
    Rung("time", "clock", ExitCode.UNEXPECTED, run.time),
    Rung("budget", "attempts", ExitCode.DIAL_FAILED, run.budget),
    Rung("last-failures", "last failures", ExitCode.DIAL_FAILED, run.last_failures),
)


@dataclass(frozen=True, slots=True)
class Check:
    """A rung and its answer."""

    name: str
    title: str
    answer: Answer
    exit: ExitCode

    @property
    def verdict(self) -> Verdict:
        """How it stands."""
        return self.answer.verdict

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """What `--fix` may do about it."""
        return self.answer.remedies


def examine(facts: Facts) -> tuple[Check, ...]:
    """Return every check, in the order of a bring-up.

    >>> {check.verdict.value for check in examine(Facts())} <= {"unknown", "fail", "skip", "ok", "warn"}
    True
    """
    answers = ((rung, rung.judge(facts)) for rung in RUNGS)
    return tuple(Check(rung.name, rung.title, answer, answer.exit or rung.exit) for rung, answer in answers)


def first_failure(checks: Iterable[Check]) -> Check | None:
    """Return the lowest rung that fails: its exit code is doctor's; a warning or something unknown fails nothing."""
    return next((check for check in checks if check.verdict is Verdict.FAIL), None)
