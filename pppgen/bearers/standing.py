"""The note on disk of a link that stands or is being brought up, and the clearing away of such a link.

The next supervisor adopts or clears by it. It lies in /run, so a reboot, which ends every link, ends it too.
"""

import json
import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pppgen.bearers.notes import FOLDER
from pppgen.bearers.waiter import Waiter
from pppgen.errors import PppgenError
from pppgen.model import Lease
from pppgen.resolver import INTERFACE
from pppgen.system import link
from pppgen.system.clock import boottime
from pppgen.system.dns import Dns
from pppgen.system.processes import LOCK_FOLDERS, lock_pid
from pppgen.system.routes import Routes, Watch
from pppgen.system.spawn import Child, Mark
from pppgen.system.uucp import lock_path

_TERM_S = 6.5  # pppd: two TermReq, 3 s apart, and the disconnect script
_GONE_S = 2.0


@dataclass(frozen=True, slots=True)
class Standing:
    """A program that carries a link: which one, over which port, with which lease (`None` until it has one)."""

    mark: Mark
    provider: str
    device: str
    port: str
    lease: Lease | None = None


def write(path: Path, standing: Standing) -> None:
    """Put the note in place, whole."""
    put(path, asdict(standing))


def put(path: Path, values: Mapping[str, object]) -> None:
    """Write a note whole or not at all, readable for root only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Under a name that no other writer has: of two that shared one, each took the other's half-written file away.
    beside = path.with_suffix(f".{os.getpid()}-{threading.get_native_id()}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(values, file)
        beside.rename(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def read(path: Path) -> Standing | None:
    """Return the note; `None` when there is none, or one that makes no sense, which nobody could act on."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        found = json.loads(path.read_text(encoding="utf-8"))
        lease = found["lease"]
        return Standing(
            mark=Mark(int(found["mark"]["pid"]), int(found["mark"]["started"])),
            provider=str(found["provider"]),
            device=str(found["device"]),
            port=str(found["port"]),
            lease=None if lease is None else lease_from(lease),
        )
    return None


def clear(
    left: Standing,
    child: Child | None,
    dns: Dns,
    *,
    carries: bool = True,
    locks: Iterable[Path] = LOCK_FOLDERS,
    pid_files: Path = FOLDER.parent,
) -> tuple[str, ...]:
    """End the program of a link, take everything of it back, and name what could not be.

    Without `carries` its route and name servers are known to be taken back already.
    """
    leftover: list[str] = []
    if child is not None and child.end(_TERM_S) is None:
        leftover.append(f"process {child.mark.pid} does not end")
    for folder in locks:
        path = lock_path(left.device, folder)
        with suppress(OSError):
            if lock_pid(path.read_bytes()[:64]) == left.mark.pid:
                path.unlink()
    for path in pid_files.glob("ppp*.pid"):  # a killed pppd leaves its own two: /run/ppp0.pid, /run/ppp-LINKNAME.pid
        with suppress(OSError):
            if path.read_bytes()[:64].split(maxsplit=1)[:1] == [b"%d" % left.mark.pid]:
                path.unlink()
    if left.lease is not None:
        interface = left.lease.interface
        if carries:
            leftover += unroute(interface, dns)
        if not _gone(interface):
            leftover.append(f"the interface {interface} is still there")
    return tuple(leftover)


def unroute(interface: str, dns: Dns) -> tuple[str, ...]:
    """Take back the route and the name servers of a link, and name what could not be."""
    try:
        with Routes() as routes:
            routes.remove_ours(interface)
        dns.untell(interface)
    except PppgenError as error:
        return (error.message,)
    return ()


def _gone(interface: str) -> bool:
    """Wait for the kernel to take the interface away; it tells."""
    with Watch() as watch, Waiter(boottime) as waiter:
        waiter.watch(watch)
        until = boottime() + _GONE_S
        while link.exists(interface):
            watch.drain()
            if boottime() >= until:
                return False
            waiter.wait(until)
    return True


def lease_from(found: Mapping[str, Any]) -> Lease:
    """Return the lease of a note; raises ValueError, KeyError, TypeError."""
    if not INTERFACE.fullmatch(found["interface"]):
        raise ValueError("no name of an interface")
    return Lease(**{**found, "dns": tuple(map(str, found["dns"]))})
