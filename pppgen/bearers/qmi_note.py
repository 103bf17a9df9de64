"""The note on disk of a QMI call, and the giving back of what it names.

The modem counts client ids, the proxy gives none back for a program that was killed, and a modem whose ids are used up
needs a reset: so an id stands in the call's log before it is used, in the note soon after, and is struck out only when
the modem took it back.
"""

import json
import select
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pppgen.bearers import notes
from pppgen.bearers.standing import lease_from, put, unroute
from pppgen.config import QmiBackend
from pppgen.errors import PppgenError
from pppgen.model import Lease
from pppgen.programs import qmi_calls
from pppgen.programs.qmi_calls import Client
from pppgen.resolver import INTERFACE
from pppgen.system import addresses
from pppgen.system.clock import boottime
from pppgen.system.dns import Dns
from pppgen.system.follow import Follower
from pppgen.system.spawn import Child, Completed, Mark, adopt, run, start_time

OWED = "qmi-owed.json"
CALL_LOG = "qmi-call.log"
ANSWER_S = 5.0
_OWED_MAX = 8  # the ids of one modem are at most 254; more than a few owed means that nobody takes them back
_CLIENT_END_S = 0.5
_CALL_END_S = 6.0  # quectel-CM hangs up and takes its interface down at TERM

Runner = Callable[[tuple[str, ...], float], Completed]


@dataclass(frozen=True, slots=True)
class Standing:
    """A call: which backend, at which node, for which interface, and how far it has come.

    `inode` names the node's plugging-in: the ids of one that went away and came back are nobody's. `mark` is the
    program that stands for the call, `cid` the client, `handle` the call, `lease` what it brought, `dhcp` the udhcpc
    that keeps the lease, where it came by DHCP.
    """

    backend: QmiBackend
    node: str
    inode: int
    interface: str
    mark: Mark | None = None
    cid: int | None = None
    handle: str = ""
    raw_ip: bool | None = None
    lease: Lease | None = None
    dhcp: Mark | None = None

    @property
    def client(self) -> Client | None:
        """The call's client."""
        return None if self.cid is None else Client(self.node, self.cid)


def inode_of(node: str) -> int:
    """Return the node's number, which a new plugging-in changes; 0 when it is not there."""
    try:
        return Path(node).stat().st_ino
    except OSError:
        return 0


def write(folder: Path, standing: Standing) -> None:
    """Put the note in place, whole."""
    put(folder / notes.QMI, asdict(standing))


def read(folder: Path) -> Standing | None:
    """Return the note; `None` when there is none, or one that makes no sense, which nobody could act on."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        found = json.loads((folder / notes.QMI).read_text(encoding="utf-8"))
        return _standing(found)
    return None


def session(folder: Path) -> int | None:
    """Return the session that the call's running program leads, with all that it started; `None` where none runs."""
    left = read(folder)
    mark = left.mark if left else None
    return mark.pid if mark and start_time(mark.pid) == mark.started else None


def strike(folder: Path) -> None:
    """Remove the note: nothing of the call is left."""
    (folder / notes.QMI).unlink(missing_ok=True)


def learned(left: Standing, child: Child | None, folder: Path, seconds: float = ANSWER_S) -> Standing:
    """Return the note with the client id that the call's own log tells, where it was not noted yet.

    Between the modem's giving an id and qmicli's telling it nobody else can know it: a qmicli that runs is let tell it.
    """
    if left.backend is not QmiBackend.LIBQMI or left.cid is not None:
        return left
    deadline = boottime() + seconds
    with suppress(OSError), Follower(folder / CALL_LOG) as log:
        while True:
            over = child is None or child.poll() is not None or boottime() >= deadline
            if (cid := qmi_calls.client_id(log.lines())) is not None:
                return replace(left, cid=cid)
            if over:
                break
            select.select([log.fileno(), *([child.fileno()] if child else ())], [], [], max(0.0, deadline - boottime()))
    return left


def give_back(left: Standing, folder: Path, runner: Runner = run, seconds: float = ANSWER_S) -> tuple[str, ...]:
    """End the call, give its client id back and take the note away; name what could not be. Blocks for seconds at most.

    An id that the modem does not take back now is owed: `settle` tries again.
    """
    client, leftover = left.client, list[str]()
    if client is not None and inode_of(left.node) == left.inode:
        # qmicli gives the id back after its stop, whatever came of that.
        ending = qmi_calls.stop(client, left.handle) if left.handle else qmi_calls.release(client)
        if not _ask(runner, ending, seconds):
            leftover.append(f"QMI client {client.cid} of {client.node} could not be given back")
            _owe(folder, left)
    strike(folder)
    return tuple(leftover)


def settle(folder: Path, node: str, runner: Runner = run) -> bool:
    """Give back the ids that are owed at that node; whether the modem answered."""
    owed = _owed(folder)
    left = [one for one in owed if one.inode == inode_of(one.node)]
    for one in [one for one in left if one.node == node]:
        client = one.client
        if client is not None and not _ask(runner, qmi_calls.release(client)):
            return False
        left.remove(one)
    if left != owed:
        _write_owed(folder, left)
    return True


def clear(left: Standing, child: Child | None, folder: Path, dns: Dns, runner: Runner = run) -> tuple[str, ...]:
    """Take back everything of a call that an earlier supervisor left, and name what could not be."""
    leftover: list[str] = []
    left = learned(left, child, folder)
    client = adopt(left.dhcp) if left.dhcp else None
    for one, seconds in ((client, _CLIENT_END_S), (child, _CALL_END_S)):
        if one is not None and one.end(seconds) is None:
            leftover.append(f"process {one.mark.pid} does not end")
    if client is not None:
        client.close()
    leftover += unroute(left.interface, dns)
    leftover += give_back(left, folder, runner)
    addresses.clear(left.interface)
    return tuple(leftover)


def _ask(runner: Runner, argv: tuple[str, ...], seconds: float = ANSWER_S) -> bool:
    """Whether the modem answered a command at all; that it does not know the id is an answer too: it is nobody's."""
    with suppress(PppgenError):
        done = runner(argv, seconds)
        return done.status is not None and not qmi_calls.is_silence(done.output.splitlines())
    return False


def _owe(folder: Path, standing: Standing) -> None:
    _write_owed(folder, [*_owed(folder), replace(standing, mark=None, lease=None, dhcp=None)][-_OWED_MAX:])


def _write_owed(folder: Path, owed: list[Standing]) -> None:
    if owed:
        put(folder / OWED, {"clients": [asdict(one) for one in owed]})
    else:
        (folder / OWED).unlink(missing_ok=True)


def _owed(folder: Path) -> list[Standing]:
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        found = json.loads((folder / OWED).read_text(encoding="utf-8"))
        return [_standing(one) for one in found["clients"][-_OWED_MAX:]]
    return []


def _standing(found: Mapping[str, Any]) -> Standing:
    cid, lease = found["cid"], found["lease"]
    if not INTERFACE.fullmatch(found["interface"]):
        raise ValueError("no name of an interface")
    return Standing(
        backend=QmiBackend(found["backend"]),
        node=str(found["node"]),
        inode=int(found["inode"]),
        interface=str(found["interface"]),
        mark=_mark(found["mark"]),
        cid=None if cid is None else int(cid),
        handle=str(found["handle"]),
        raw_ip=None if found["raw_ip"] is None else bool(found["raw_ip"]),
        lease=None if lease is None else lease_from(lease),
        dhcp=_mark(found.get("dhcp")),  # a note of an earlier version has none
    )


def _mark(found: Mapping[str, Any] | None) -> Mark | None:
    return None if found is None else Mark(int(found["pid"]), int(found["started"]))
