"""Starts a program as pppgen.service does, where no systemd runs: `python -m tests.lab.confined PROGRAM [WORD…]`.

What systemd would lay on is laid on from the unit's own lines: file systems, capabilities, system calls. It becomes the
program, so its pid and its notify socket are the caller's to use. A line of the unit that nobody here knows is an
error: a restriction that is added there must be proved here.
"""

import ctypes
import errno
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.lab import namespaces
from tests.lab.stage import REPOSITORY

UNIT = REPOSITORY / "etc/systemd/pppgen.service"

# Who starts it, when, and what is made for it: nothing that it could run into.
_NO_RESTRICTION = frozenset((
    "Type", "NotifyAccess", "ExecStart", "ExecReload", "Restart", "RestartSec", "RestartPreventExitStatus",
    "SuccessExitStatus", "WatchdogSec", "KillMode", "TimeoutStopSec", "RuntimeDirectory", "RuntimeDirectoryPreserve",
    "StateDirectory", "ConfigurationDirectory", "UMask", "SystemCallArchitectures", "SystemCallErrorNumber",
))  # fmt: skip
_COLLECTED = frozenset(("CapabilityBoundingSet", "SystemCallFilter", "NoNewPrivileges"))


def settings(unit: Path = UNIT) -> Iterator[tuple[str, str]]:
    """Return the lines of [Service], as name and value, in order."""
    section = ""
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value


# --- file systems [systemd.exec(5), "Sandboxing"] ------------------------------------------------------------------

_INACCESSIBLE = "/run/lab-inaccessible"


class How(StrEnum):
    """What is done to a tree."""

    READ = "ro"
    WRITE = "rw"
    HIDDEN = "hidden"
    FRESH = "fresh"


def _trees(name: str, value: str) -> tuple[tuple[str, How], ...]:
    """Return which trees one line of the unit changes, and how."""
    match name:
        case "ProtectSystem":
            return tuple((path, How.READ) for path in ("/usr", "/boot", *(("/etc",) if value == "full" else ())))
        case "ReadWritePaths":
            return tuple((path, How.WRITE) for path in value.split())
        case "ProtectHome":
            return (("/home", How.HIDDEN), ("/root", How.HIDDEN), ("/run/user", How.HIDDEN))
        case "PrivateTmp":
            return (("/tmp", How.FRESH), ("/var/tmp", How.FRESH))  # noqa: S108 -- the very ones
        case "ProtectControlGroups":
            return (("/sys/fs/cgroup", How.READ),)
        case "ProtectKernelLogs":
            return (("/dev/kmsg", How.HIDDEN), ("/proc/kmsg", How.HIDDEN))
        case _:
            return ()


def _lay(path: str, how: How) -> None:
    """Change a tree for this namespace; one in which the program itself lies is left, as /opt is on a board."""
    if not Path(path).exists() or (how in {How.HIDDEN, How.FRESH} and REPOSITORY.is_relative_to(path)):
        return
    match how:
        case How.FRESH:
            namespaces.run("mount", "-t", "tmpfs", "tmp", path)
        case How.HIDDEN:
            namespaces.run("mount", "--bind", _INACCESSIBLE if Path(path).is_dir() else "/dev/null", path)
        case How.READ | How.WRITE:
            namespaces.run("mount", "--bind", path, path)
            namespaces.run("mount", "-o", f"remount,bind,{how}", path)


# --- capabilities --------------------------------------------------------------------------------------------------

_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38  # <linux/prctl.h>


def _keep(capabilities: Iterable[str]) -> None:
    """Drop all capabilities but these, from the next program on."""
    libc, libcap = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libcap.so.2")
    kept = set()
    for name in capabilities:
        found = ctypes.c_int()
        if libcap.cap_from_name(name.lower().encode(), ctypes.byref(found)):
            raise ValueError(f"{UNIT.name}: no capability is called {name}")
        kept.add(found.value)
    for number in range(int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1):
        if number not in kept and libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"capability {number} cannot be dropped")
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


# --- system calls --------------------------------------------------------------------------------------------------

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # <seccomp.h>
_NE, _EQ, _GT, _MASKED_EQ = 1, 4, 6, 7
_WRITE_EXEC, _EXEC, _SHM_EXEC = 0x6, 0x4, 0o100000
_SET_IDS, _CREAT = (0o4000, 0o2000), 0o100
_NEW_NAMESPACES = (0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x00000080)
_FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17}
_ORDINARY = (0, 3, 5)  # SCHED_OTHER, SCHED_BATCH, SCHED_IDLE


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp`: argument `number` compared with `one` (masked: `one` is the mask, `two` the value)."""

    _fields_ = (
        ("number", ctypes.c_uint),
        ("how", ctypes.c_int),
        ("one", ctypes.c_uint64),
        ("two", ctypes.c_uint64),
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """A system call that is answered with an error (0: allowed), where all comparisons hold."""

    call: str
    error: int
    when: tuple[tuple[int, int, int, int], ...] = ()


def _masked(number: int, bits: int) -> tuple[int, int, int, int]:
    return (number, _MASKED_EQ, bits, bits)


def _rules(name: str, value: str) -> list[Rule]:
    """Return what one line of the unit forbids."""
    no = errno.EPERM
    match name:
        case "MemoryDenyWriteExecute":
            return [
                Rule("mmap", no, (_masked(2, _WRITE_EXEC),)),
                Rule("mprotect", no, (_masked(2, _EXEC),)),
                Rule("pkey_mprotect", no, (_masked(2, _EXEC),)),
                Rule("shmat", no, (_masked(2, _SHM_EXEC),)),
            ]
        case "RestrictNamespaces":
            found = [Rule(call, no, (_masked(0, flag),)) for call in ("unshare", "clone") for flag in _NEW_NAMESPACES]
            return [*found, Rule("setns", no), Rule("clone3", errno.ENOSYS)]
        case "RestrictAddressFamilies":
            known = sorted(_FAMILIES[family] for family in value.split())
            closed = [family for family in range(max(known)) if family not in known]
            no_family = errno.EAFNOSUPPORT
            return [Rule("socket", no_family, ((0, _EQ, family, 0),)) for family in closed] + [
                Rule("socket", no_family, ((0, _GT, max(known), 0),))
            ]
        case "RestrictRealtime":
            chosen = [(1, _EQ, policy, 0) for policy in range(1, 8) if policy not in _ORDINARY]
            return [Rule("sched_setscheduler", no, (one,)) for one in chosen]
        case "RestrictSUIDSGID":
            modes = (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mkdir", 1), ("mkdirat", 2), ("mknod", 1))
            found = [Rule(call, no, (_masked(number, bit),)) for call, number in modes for bit in _SET_IDS]
            makes = (("open", 1, 2), ("openat", 2, 3))
            found += [
                Rule(call, no, (_masked(flags, _CREAT), _masked(mode, bit)))
                for call, flags, mode in makes
                for bit in _SET_IDS
            ]
            return [*found, Rule("openat2", errno.ENOSYS)]
        case "LockPersonality":
            return [Rule("personality", no, ((0, _NE, 0, 0),))]
        case "ProtectHostname":
            return [Rule("sethostname", no), Rule("setdomainname", no)]
        case "ProtectKernelLogs":
            return [Rule("syslog", no)]
        case _ if _trees(name, value):
            return []
        case _:
            raise ValueError(f"{UNIT.name}: {name}={value} is not known here")


def _allowed(groups: Iterable[str]) -> list[Rule]:
    """Return the system calls of an allow list, the groups in it taken apart as this machine's systemd does."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter"], check=True, capture_output=True, text=True).stdout
    members: dict[str, list[str]] = {}
    group = ""
    for line in listed.splitlines():
        word = line.strip()
        if line.startswith("@"):
            group = word
        elif word and not word.startswith("#"):
            members.setdefault(group, []).append(word)

    def calls(name: str) -> Iterator[str]:
        if name.startswith("@"):
            for member in members[name]:
                yield from calls(member)
        else:
            yield name

    # systemd adds @default to every allow list.
    return [Rule(call, 0) for group in ("@default", *groups) for call in calls(group)]


def _forbid(rules: Iterable[Rule], otherwise: int) -> None:
    """Load one filter; `otherwise` is the error of what no rule names, 0 for none."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    seccomp.seccomp_release.restype = None
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(_ERRNO | otherwise if otherwise else _ALLOW)))
    for rule in rules:
        number = seccomp.seccomp_syscall_resolve_name(rule.call.encode())
        if number < 0:
            continue  # another architecture's
        action = _ERRNO | rule.error if rule.error else _ALLOW
        when = (_Comparison * len(rule.when))(*(_Comparison(*one) for one in rule.when))
        failed = seccomp.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(rule.when), when)
        if failed:
            raise OSError(-failed, f"seccomp: {rule}")
    if failed := seccomp.seccomp_load(context):
        raise OSError(-failed, "the filter is not taken")
    seccomp.seccomp_release(context)


# --- all of it -----------------------------------------------------------------------------------------------------


def confine() -> None:
    """Lay on what the unit says; called in mount and UTS namespaces of our own."""
    Path(_INACCESSIBLE).mkdir(mode=0, exist_ok=True)
    lines = [(name, value) for name, value in settings() if name not in _NO_RESTRICTION]
    for name, value in lines:
        for path, how in _trees(name, value):
            _lay(path, how)
    collected = {name: [word for key, value in lines if key == name for word in value.split()] for name in _COLLECTED}
    filters = [rules for name, value in lines if name not in _COLLECTED and (rules := _rules(name, value))]
    allowed = _allowed(collected["SystemCallFilter"])
    _keep(collected["CapabilityBoundingSet"])
    for rules in filters:
        _forbid(rules, 0)
    _forbid(allowed, errno.EPERM)


def main(argv: list[str]) -> None:
    """Become the program, confined."""
    if argv[0] == "--inside":
        confine()
        os.execvp(argv[1], argv[1:])
    inside = [sys.executable, "-m", "tests.lab.confined", "--inside", *argv]
    os.execvp("unshare", ["unshare", "--mount", "--uts", "--propagation", "slave", *inside])


if __name__ == "__main__":
    main(sys.argv[1:])
