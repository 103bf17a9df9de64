"""What a check answers: a verdict, what was seen, what to type, and what `--fix` may do by itself."""

from dataclasses import dataclass
from enum import StrEnum

from pppgen.doctor.facts import Missing
from pppgen.errors import ExitCode


class Verdict(StrEnum):
    """How a rung of the ladder stands."""

    OK = "ok"
    WARN = "warn"  # it works, or will, but not as well as it could
    FAIL = "fail"  # no link comes up, or none stays, while this is so
    SKIP = "skip"  # the question makes no sense here
    UNKNOWN = "unknown"  # it could not be seen, and nobody guesses


@dataclass(frozen=True, slots=True)
class LoadModule:
    """Load a kernel module."""

    module: str


@dataclass(frozen=True, slots=True)
class Tighten:
    """Take a secret file's rights from everybody but its owner."""

    path: str


@dataclass(frozen=True, slots=True)
class Unlock:
    """Remove a lock file whose process `pid` is gone (0: it names none)."""

    path: str
    pid: int


@dataclass(frozen=True, slots=True)
class SetFraming:
    """Make the kernel speak the modem's frames on an idle interface."""

    interface: str
    raw_ip: bool


@dataclass(frozen=True, slots=True)
class ForgetServers:
    """Take the name servers of an interface that is gone back from resolv.conf's owner."""

    interface: str


Remedy = LoadModule | Tighten | Unlock | SetFraming | ForgetServers
"""What `--fix` may do: local, undone by hand in a moment, and nothing that the modem or the network sees."""


def typed(remedy: Remedy) -> str:
    """Return the remedy as a person would type it.

    >>> typed(Tighten("/etc/pppgen/link.toml"))
    'sudo chmod 600 /etc/pppgen/link.toml'
    """
    match remedy:
        case LoadModule(module):
            return f"sudo modprobe {module}"
        case Tighten(path):
            return f"sudo chmod 600 {path}"
        case Unlock(path):
            return f"sudo rm {path}"
        case SetFraming(interface, raw_ip):
            knob = f"/sys/class/net/{interface}/qmi/raw_ip"
            word = "Y" if raw_ip else "N"
            return f"sudo sh -c 'ip link set {interface} down && echo {word} > {knob} && ip link set {interface} up'"
        case ForgetServers():
            return "sudo pppgen doctor --fix"


@dataclass(frozen=True, slots=True)
class Answer:
    """A check's answer. `fix` are lines to type (or words behind a `#`), `evidence` what proves the verdict.

    `exit` is set where a failure means another exit code than its rung's.
    """

    verdict: Verdict
    seen: str
    evidence: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    exit: ExitCode | None = None


def ok(seen: str, *evidence: str) -> Answer:
    """Return a good answer."""
    return Answer(Verdict.OK, seen, evidence)


def missing(fact: Missing) -> Answer:
    """Return the answer of a check whose fact could not be had."""
    verdict = Verdict.SKIP if fact.skip else Verdict.UNKNOWN
    return Answer(verdict, fact.why, fix=tuple(fact.hint.splitlines()))
