"""A pppd of our provider that no note tells of: `pon` by hand, or one whose supervisor was killed before it wrote.

Two things would be wrong: to dial on its port, which it holds, and to start QMI beside it, which shares the modem's
context with it. So a link that stands is taken over, and what has none is ended, as after a supervisor that was killed.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PurePath

from pppgen.bearers.standing import Standing
from pppgen.errors import PppgenError
from pppgen.facts import Process
from pppgen.model import Lease, Port
from pppgen.plan import supervised_ipparam
from pppgen.resolver import INTERFACE
from pppgen.system.addresses import Addresses
from pppgen.system.processes import read_usage
from pppgen.system.spawn import Child, Mark, adopt, start_time

_PID_FILE_BYTES = 64


def find(
    provider: str, ports: Sequence[Port], *, locks: Iterable[Path], pid_files: Path
) -> tuple[Standing, Child] | None:
    """Return the pppd that holds one of the ports for the provider; its lease where it has a link to take over.

    Without the name servers: whoever told them, Debian's hooks by hand, takes them back as well.
    """
    if not ports:
        return None
    usage = read_usage({port.device: (port.stable,) for port in ports}, lock_folders=locks)
    called = {process.pid: process for process in usage.processes if _calls(process, provider)}
    for port in ports:
        for claim in usage.claims:
            if claim.device != port.device or claim.holder.pid not in called:
                continue
            child = adopt(Mark(claim.holder.pid, start_time(claim.holder.pid) or 0))
            if child is not None:
                ours = supervised_ipparam(provider) in called[child.mark.pid].words
                lease = None if ours else _lease(child.mark.pid, pid_files)
                return Standing(child.mark, provider, port.device, port.stable, lease), child
    return None


def _calls(process: Process, provider: str) -> bool:
    words = process.words
    return any(
        (PurePath(one).name, two, three) == ("pppd", "call", provider)
        for one, two, three in zip(words, words[1:], words[2:], strict=False)
    )


def _lease(pid: int, pid_files: Path) -> Lease | None:
    """Return the address of the interface that pppd made, as the kernel has it."""
    for path in pid_files.glob("ppp*.pid"):  # one a link by its interface's name, one by `linkname`
        interface = path.stem
        with suppress(OSError, PppgenError):
            if path.read_bytes()[:_PID_FILE_BYTES].split()[:1] != [b"%d" % pid] or not INTERFACE.fullmatch(interface):
                continue
            with Addresses(interface) as addresses:
                for address, _ in addresses.addresses():
                    return Lease(address, interface)
    return None
