"""Starts, watches and ends the programs that we run.

A program gets a session of its own and no terminal of ours, its words go to a file, and it outlives us: what is needed
to find it again is its pid and its start time (`Mark`). Its end makes a descriptor readable, so nothing polls. Who
starts a child also reaps it.
"""

import os
import select
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn, Self

from pppgen.errors import MissingProgram, NoPermission, PppgenError

# What root's programs may be found in. The caller's PATH is not asked: a user's ~/bin must not run as root.
SAFE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The readers know the C locale's words, and nothing of the caller's environment (LD_*, PYTHON*) reaches a root program.
ENVIRONMENT = {"PATH": SAFE_PATH, "HOME": "/", "LANG": "C", "LC_ALL": "C"}

# Debian's package for a program that may be missing.
PACKAGES = {
    "pppd": "ppp",
    "chat": "ppp",
    "pon": "ppp",
    "poff": "ppp",
    "qmicli": "libqmi-utils",
    "udhcpc": "udhcpc",
    "busybox": "busybox",
    "ip": "iproute2",
    "stdbuf": "coreutils",
    "resolvectl": "systemd-resolved",
    "resolvconf": "openresolv",
    "udevadm": "udev",
}
_STARTTIME = 22 - 3  # proc(5): field 22 of stat, counted after the command's closing parenthesis, which ends field 2
_TERM_S = 6.0  # pppd lingers 3 s after a terminate (facts of pppd 2.4.9) and runs its disconnect script
_KILL_S = 2.0
OUTPUT_BOUND = 65536  # the longest honest answer (resolvectl status on many links) is a tenth of it
_PIECE = 4096


@dataclass(frozen=True, slots=True)
class Mark:
    """Names one process for ever: a pid alone is used again, a pid with its start time (clock ticks) is not."""

    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended: one of the two is set, neither for an adopted child, whose parent we are not."""

    status: int | None = None
    signal: int | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """What a short program answered; `status` is `None` when it was ended at its deadline."""

    status: int | None
    output: str


def program(name: str) -> str:
    """Return the full path of a program, `name` itself when it is one; raise `MissingProgram` with what to install."""
    found = shutil.which(name, path=SAFE_PATH)
    if found is None:
        package = PACKAGES.get(Path(name).name, Path(name).name)
        raise MissingProgram(f"{name} is not installed", hint=f"sudo apt-get install {package}")
    return found


def start_time(pid: int) -> int | None:
    """Return when the process started, in clock ticks since boot; `None` when there is none or it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[_STARTTIME])


class Child:
    """A program that we started, or one that an earlier run of ours did; a context manager that closes, never ends it.

    `fileno()` is readable when the program has ended, so it stands in a selector as it is.
    """

    def __init__(self, mark: Mark, pidfd: int) -> None:
        self.mark = mark
        self._pidfd = pidfd
        self._exit: Exit | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the process's descriptor, which becomes readable at its end."""
        return self._pidfd

    def poll(self) -> Exit | None:
        """Return how it ended and reap it; `None` while it runs."""
        if self._exit is None and select.select([self._pidfd], [], [], 0)[0]:
            self._exit = self._reap()
        return self._exit

    def _reap(self) -> Exit:
        """Collect the status; an adopted program has another parent, who collects it."""
        try:
            info = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED)
        except ChildProcessError:
            return Exit()
        if info is None or info.si_code == os.CLD_EXITED:
            return Exit(status=info.si_status if info else None)
        return Exit(signal=info.si_status)

    def wait(self, seconds: float) -> Exit | None:
        """Wait until it ends, at most that long; `None` when it still runs."""
        select.select([self._pidfd], [], [], max(0.0, seconds))
        return self.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to exactly this process, or to nobody when it has ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def kill_group(self) -> None:
        """KILL it and all that it started in its session's group (chat, a script)."""
        self.signal(signal.SIGKILL)
        # Its children keep the group's number taken, so this cannot hit a stranger while one of them lives.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.mark.pid, signal.SIGKILL)

    def end(self, term_s: float = _TERM_S) -> Exit | None:
        """TERM, wait, KILL, check; `None` when even KILL did not end it (a process stuck in the kernel)."""
        self.signal(signal.SIGTERM)
        if self.wait(term_s) is None:
            self.kill_group()
            self.wait(_KILL_S)
        return self.poll()

    def close(self) -> None:
        """Let go of the descriptor; the program goes on if it runs."""
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


def spawn(
    argv: Sequence[str],
    log: int,
    environment: Mapping[str, str] | None = None,
    given: int | None = None,
    output: int | None = None,
) -> Child:
    """Start a program in a session of its own; output and errors go to descriptor `log`, input comes from `given`.

    Without `given` its standard input is /dev/null; with `output` only its errors go to `log`. The descriptors stay the
    caller's to close.

    Raises:
        MissingProgram: `argv[0]` is not there.
        NoPermission: it may not be run by us.
    """
    path = program(argv[0])
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    try:
        pid = os.posix_spawn(
            path,
            list(argv),
            {**ENVIRONMENT, **(environment or {})},
            file_actions=[
                nothing if given is None else (os.POSIX_SPAWN_DUP2, given, 0),
                (os.POSIX_SPAWN_DUP2, log if output is None else output, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
            setsigmask=[],
            # An ignored signal is inherited: Python ignores SIGPIPE, and nohup SIGHUP, which pppd needs to hear.
            setsigdef=[signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD],
        )
    except PermissionError as error:
        raise NoPermission(f"{path} may not be run: {error.strerror}", hint=f"ls -l {path}") from error
    except OSError as error:
        raise PppgenError(f"{path} could not be started: {error.strerror}") from error
    # One that has ended already is a zombie until we reap it, so its descriptor can still be had.
    return Child(Mark(pid, start_time(pid) or 0), os.pidfd_open(pid))


def become(argv: Sequence[str]) -> NoReturn:
    """Turn this process into another program, with the caller's own terminal and environment.

    Raises:
        MissingProgram: `argv[0]` is not there.
        NoPermission: it may not be run by us.
    """
    path = program(argv[0])
    try:
        os.execv(path, list(argv))
    except OSError as error:
        raise NoPermission(f"{path} may not be run: {error.strerror}", hint=f"ls -l {path}") from error


def adopt(mark: Mark) -> Child | None:
    """Take up a program that an earlier run started; `None` when it has ended or the pid is somebody else's by now."""
    try:
        pidfd = os.pidfd_open(mark.pid)
    except OSError:
        return None
    # The descriptor first, then the start time: between the two the pid cannot be given away.
    if start_time(mark.pid) != mark.started:
        os.close(pidfd)
        return None
    return Child(mark, pidfd)


def run(
    argv: Sequence[str],
    seconds: float,
    given: bytes = b"",
    terminal: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Completed:
    """Run a short program to its end and return what it said, up to `OUTPUT_BOUND`; it is killed at the deadline.

    With `terminal` that is its standard input and output, and what is returned are its errors.
    """
    deadline = time.monotonic() + seconds
    read_end, write_end = os.pipe()
    try:
        with _input(given) as source:
            stdin = source.fileno() if terminal is None else terminal
            child = spawn(argv, write_end, environment, given=stdin, output=terminal)
    except BaseException:
        os.close(read_end)
        raise
    finally:
        os.close(write_end)
    with child, os.fdopen(read_end, "rb", buffering=0) as pipe:
        said = _listen(child, pipe.fileno(), deadline)
        ended = child.poll()
        if ended is None:
            child.kill_group()
            child.wait(_KILL_S)
            return Completed(None, said)
        return Completed(ended.status if ended.status is not None else -(ended.signal or 1), said)


def run_spared(argv: Sequence[str], seconds: float) -> Completed:
    """Run a short program that must never be killed, since it has to give something back at its own end.

    One that is late goes on without us, whatever becomes of us: its words go to memory, not to a pipe that would break.
    """
    words = os.memfd_create("output")
    try:
        with spawn(argv, words) as child:
            ended = child.wait(seconds)
            said = os.pread(words, OUTPUT_BOUND, 0).decode("utf-8", errors="replace")
    finally:
        os.close(words)
    if ended is None:
        return Completed(None, said)
    return Completed(ended.status if ended.status is not None else -(ended.signal or 1), said)


def _input(given: bytes) -> IO[bytes]:
    """Return what the program reads: a file, since a pipe would block the one who fills it."""
    if not given:
        return Path(os.devnull).open("rb")
    source = os.fdopen(os.memfd_create("input"), "w+b", buffering=0)
    source.write(given)
    source.seek(0)
    return source


def _listen(child: Child, pipe: int, deadline: float) -> str:
    """Collect what it says until it ends; a grandchild that keeps the pipe open is not waited for."""
    said = bytearray()
    watched = [pipe, child.fileno()]
    while ready := select.select(watched, [], [], max(0.0, deadline - time.monotonic()))[0]:
        if pipe in ready:
            data = os.read(pipe, _PIECE)
            said += data[: max(0, OUTPUT_BOUND - len(said))]
            if data:
                continue
            watched.remove(pipe)
        if child.fileno() in ready:
            break
    return said.decode("utf-8", errors="replace")
