"""The QMI endpoint of the simulated modem: clients, dispatch, indications, and the one data call.

Card, registration and contexts are those of the AT side (`Service`): it is one modem. Feed it whole control messages
with `receive` and let time pass with `advance`; both return what goes to the host.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pppgen.sim.qmi import calls
from pppgen.sim.qmi.calls import Call, Cause
from pppgen.sim.qmi.qmux import RESULT, Kind, Malformed, Message, QmiError, ServiceId, decode, encode

if TYPE_CHECKING:
    from pppgen.sim.modem import Modem

START_S = 0.1  # what the network takes to answer a start
BROADCAST = 0xFF
CLIENTS_BOUND = 16  # ids of one service; real modems have few dozens, then "ClientIdsExhausted"
CONNECTED, DISCONNECTED = 2, 1


@dataclass(frozen=True, slots=True)
class Reply:
    """The TLVs of a response, and whether it is a refusal."""

    values: dict[int, bytes] = field(default_factory=dict)
    error: QmiError = QmiError.NONE
    wait_s: float = 0.0


Answer = Callable[["Endpoint", Message], Reply]


class Endpoint:
    """Everything behind the control channel; `table` says which messages it knows."""

    def __init__(self, modem: "Modem", table: dict[tuple[ServiceId, int], Answer]) -> None:
        self.modem = modem
        self.table = table
        self.starts = 0  # how often a start was asked of the network
        self.allocated = 0  # ids that were ever given out, to tell a leak from none used
        self.boot()

    def boot(self) -> None:
        """Forget clients and call, as after a reset; a link-layer format that was set is forgotten too."""
        self.clients: dict[ServiceId, set[int]] = {each: set() for each in ServiceId}
        self.call: Call | None = None
        self.raw_ip = False
        self.handles = 0
        self.tail = 0.0
        self.queue: deque[tuple[float, bytes]] = deque()

    @property
    def speaks_raw_ip(self) -> bool:
        """Whether packets on wwan0 have no Ethernet header on the modem's side."""
        return self.raw_ip or self.modem.faults.qmi_raw_ip

    # Messages.

    def receive(self, frame: bytes, now: float) -> None:
        """Take one control message of the host; what is no message is not answered."""
        if self.modem.faults.qmi_hang:
            return
        try:
            request = decode(frame)
        except Malformed:
            return
        if request.kind is not Kind.REQUEST:
            return
        reply = self._reply(request)
        result = b"\1\0" if reply.error else b"\0\0"
        values = {RESULT: result + reply.error.to_bytes(2, "little"), **reply.values}
        kind, client = Kind.RESPONSE, request.client
        answer = Message(request.service, client, kind, request.transaction, request.number, values)
        self._say(answer, now, reply.wait_s)

    def _reply(self, request: Message) -> Reply:
        try:
            service = ServiceId(request.service)
        except ValueError:
            return Reply(error=QmiError.INVALID_SERVICE_TYPE)
        if service is not ServiceId.CTL and request.client not in self.clients[service]:
            return Reply(error=QmiError.INVALID_CLIENT_ID)
        answer = self.table.get((service, request.number))
        return answer(self, request) if answer else Reply(error=QmiError.INVALID_QMI_COMMAND)

    def indicate(self, service: ServiceId, number: int, values: dict[int, bytes], now: float) -> None:
        """Tell every client of a service."""
        for client in sorted(self.clients[service]):
            self._say(Message(service, client, Kind.INDICATION, 0, number, values), now)

    def _say(self, message: Message, now: float, wait_s: float = 0.0) -> None:
        self.tail = max(self.tail, now) + wait_s
        self.queue.append((self.tail, encode(message)))

    # Time.

    def wake_at(self) -> float | None:
        """Return when `advance` has something to do."""
        times = [self.queue[0][0]] if self.queue else []
        if self.call and self.call.ends_at is not None:
            times.append(self.call.ends_at)
        return min(times, default=None)

    def advance(self, now: float) -> list[bytes]:
        """Return the messages that are due, after ending a call whose time has come."""
        if self.call and self.call.ends_at is not None and now >= self.call.ends_at:
            self.end(calls.DEACTIVATED, now)
        due = []
        while self.queue and self.queue[0][0] <= now:
            due.append(self.queue.popleft()[1])
        return [] if self.modem.faults.qmi_hang else due

    # Clients.

    def allocate(self, service: ServiceId) -> int | None:
        """Give out the lowest free client id of a service, `None` when all are taken."""
        free = set(range(1, CLIENTS_BOUND + 1)) - self.clients[service]
        if not free:
            return None
        self.allocated += 1
        self.clients[service].add(min(free))
        return min(free)

    def release(self, service: ServiceId, client: int) -> None:
        """Take an id back; the call that belongs to it ends."""
        self.clients[service].discard(client)
        if service is ServiceId.WDS and self.call and self.call.client == client:
            self.end(calls.CLIENT_ENDED, self.modem.now)

    def held(self) -> dict[str, list[int]]:
        """Return the ids that are given out, by service."""
        return {each.name: sorted(ids) for each, ids in self.clients.items() if ids}

    # The call.

    def start(self, call: Call) -> None:
        """Let a call be up from now on; who asked is told by the response, the others by an indication."""
        self.call = call
        self._status(CONNECTED, None, call.family)

    def end(self, cause: Cause, now: float) -> None:
        """End the call, if there is one, and tell why."""
        if (call := self.call) is None:
            return
        self.call = None
        self.modem.now = now
        self.modem.service.release(call.cid)
        self._status(DISCONNECTED, cause, call.family)

    def _status(self, status: int, cause: Cause | None, family: int) -> None:
        values = {0x01: bytes((status, 0))}
        if cause:
            values |= cause_values(cause)
        values[0x12] = bytes((family,))
        self.indicate(ServiceId.WDS, 0x0022, values, self.modem.now)


def cause_values(cause: Cause) -> dict[int, bytes]:
    """Return the TLVs that tell a cause, the same in a response and in an indication."""
    verbose = cause.kind.to_bytes(2, "little") + cause.verbose.to_bytes(2, "little")
    return {0x10: cause.reason.to_bytes(2, "little"), 0x11: verbose}
