"""The supervisor's side of the control socket: one thread that reads lines and puts requests into the inbox.

Nothing that comes in can hurt: a line has a bound, a client has one request at a time and a bounded answer waiting for
it, half a line has a deadline, and there are only so many clients. What a request means is decided in the owner's
thread; this one only carries words.
"""

import json
import os
import queue
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pppgen.control import GROUP, PATH
from pppgen.errors import NoPermission, PppgenError
from pppgen.petition import answer_to, event_of
from pppgen.policy.chronicle import Entry, Kind, as_json
from pppgen.policy.state import Degraded, Online, State, WantDown
from pppgen.requests import LINE_MAX, VERSION, Confirm, Down, Events, Request, Up, parse, word
from pppgen.supervisor import Ask, Inbox
from pppgen.system.clock import boottime
from pppgen.system.files import Tree
from pppgen.system.stderr import fault

CLIENTS_MAX = 32
UNREAD_MAX = 1 << 18
"""Bytes that a client may leave unread before it is hung up on: several hundred events."""
PATIENCE_S = 30.0
"""A client that asked nothing yet has this long for a whole line."""
_OUTBOX_MAX = 1024
_PIECE = 4096
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid [unix(7)]


@dataclass(slots=True)
class _Client:
    socket: socket.socket
    number: int
    pid: int
    uid: int
    deadline: float | None
    read: bytearray = field(default_factory=bytearray)
    unsent: bytearray = field(default_factory=bytearray)
    follows: bool = False
    waits: bool = False
    ended: bool = False


class Door(threading.Thread):
    """Listens from its making on; `start` begins to answer.

    `describe` gives the status of a state, `log` is told who asked for what.
    """

    def __init__(
        self,
        tree: Tree,
        inbox: Inbox,
        *,
        describe: Callable[[State], dict[str, object]],
        log: Callable[[str], None],
    ) -> None:
        super().__init__(name="door", daemon=True)
        self._inbox = inbox
        self._describe = describe
        self._log = log
        self._path = Path(tree.shown(PATH))
        self._outbox: queue.SimpleQueue[tuple[int | None, bytes]] = queue.SimpleQueue()
        self._bell_lock = threading.Lock()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._listener = _listen(tree, self._path)
        self._clients: dict[int, _Client] = {}
        self._next = 0
        self._confirm_s: float | None = None
        self._revert_at: float | None = None
        self._closing = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)

    # --- called by other threads ---

    def publish(self, entry: Entry) -> None:
        """Tell those who follow; from the owner's thread, returns at once."""
        if self._confirm_s is not None and entry.kind is Kind.DECISION and entry.phase == "online":
            # From now on the traffic goes another way: whoever asked may be cut off.
            self._revert_at, self._confirm_s = boottime() + self._confirm_s, None
            self._ring()
        # Nobody follows, or this thread does not keep up: an event more would help nobody.
        if any(client.follows for client in tuple(self._clients.values())) and self._outbox.qsize() < _OUTBOX_MAX:
            self._post(None, {"v": VERSION, "event": as_json(entry)})

    def close(self) -> None:
        """End: answers that are ready go out, then everybody is hung up on and the socket's name is taken away."""
        self._closing = True
        self._ring()
        if self.is_alive():
            self.join()
        else:
            self._end()

    def _post(self, to: int | None, answer: dict[str, object]) -> None:
        line = json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n"
        self._outbox.put((to, line.encode()))
        self._ring()

    def _ring(self) -> None:
        # The lock: a number that was closed meanwhile could be somebody else's descriptor already.
        with self._bell_lock:
            if self._bell >= 0:
                os.eventfd_write(self._bell, 1)

    # --- the thread ---

    def run(self) -> None:
        """Carry words until `close`."""
        while not self._closing:
            for key, _ in self._selector.select(self._timeout()):
                if key.fileobj is self._bell:
                    with suppress(BlockingIOError):
                        os.eventfd_read(self._bell)
                elif key.fileobj is self._listener:
                    self._accept()
                else:
                    self._serve(key.data)
            self._deliver()
            self._look_at_the_clock()
        self._end()

    def _timeout(self) -> float | None:
        times = [client.deadline for client in self._clients.values() if client.deadline is not None]
        if self._revert_at is not None:
            times.append(self._revert_at)
        return max(0.0, min(times) - boottime()) if times else None

    def _look_at_the_clock(self) -> None:
        now = boottime()
        if self._revert_at is not None and now >= self._revert_at:
            self._revert_at = None
            self._log("nobody confirmed the link in time, so it is ended")
            self._inbox.put(WantDown())
        for client in [one for one in self._clients.values() if one.deadline is not None and now >= one.deadline]:
            self._hang_up(client)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it left before we came
            return
        connection.setblocking(False)
        pid, uid, _ = _CREDENTIALS.unpack(
            connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        if len(self._clients) >= CLIENTS_MAX:
            with suppress(OSError):
                connection.send(_line(_refusal(PppgenError("too many are asking at once", hint="try again"))))
            connection.close()
            return
        self._next += 1
        client = _Client(connection, self._next, pid, uid, boottime() + PATIENCE_S)
        self._clients[client.number] = client
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _serve(self, client: _Client) -> None:
        """Send what waits and read what came."""
        if client.unsent:
            self._guarded(client, self._send)
        if not client.waits and client.number in self._clients:
            self._guarded(client, self._read)

    def _guarded(self, client: _Client, action: Callable[[_Client], None]) -> None:
        """Whatever goes wrong costs this client its connection and nobody else."""
        try:
            action(client)
        except OSError:
            self._hang_up(client)
        except Exception:  # noqa: BLE001 -- a fault of ours with one client's words must not close the door to all
            fault()
            self._hang_up(client)

    def _read(self, client: _Client) -> None:
        with suppress(BlockingIOError):
            piece = client.socket.recv(_PIECE)
            client.read += piece
            client.ended = not piece
            if client.ended and client.read:
                client.read += b"\n"  # `printf` into socat: an object that is whole needs no end of its line
        self._take_lines(client)

    def _take_lines(self, client: _Client) -> None:
        """Answer whole lines, one at a time: the next one waits until this one has its answer."""
        while not client.waits and b"\n" in client.read[:LINE_MAX]:
            line, _, rest = bytes(client.read).partition(b"\n")
            client.read = bytearray(rest)
            client.deadline = None if client.follows else boottime() + PATIENCE_S
            self._ask(client, line)
        if client.waits:
            self._interest(client)
            return
        if len(client.read) > LINE_MAX or (len(client.read) == LINE_MAX and b"\n" not in client.read):
            self._queue(client, _line(_refusal(PppgenError(f"a line is at most {LINE_MAX} bytes"))))
            client.read.clear()
            client.ended = True
        self._interest(client)

    def _ask(self, client: _Client, line: bytes) -> None:
        try:
            request = parse(line)
        except ValueError as error:
            refused = PppgenError(f"not understood: {error}", hint='for example: {"v":1,"ask":"status"}')
            self._queue(client, _line(_refusal(refused)))
            return
        if word(request) not in {"status", "events"}:
            self._log(f"asked by pid {client.pid}, uid {client.uid}: {_in_words(request)}")
        client.waits = True
        client.deadline = None
        number = client.number
        if isinstance(request, Events):
            client.follows = True

        def answer(before: State, after: State, now: float) -> None:
            try:
                said = answer_to(request, before, after, now)
            except PppgenError as error:
                self._post(number, _refusal(error))
                return
            if isinstance(request, Confirm | Down):
                self._confirm_s = self._revert_at = None
            told: dict[str, object] = {"v": VERSION, "ok": True, "said": said, "status": self._describe(after)}
            if isinstance(request, Up):
                told["confirm_s"] = self._confirmation(request, before)
            self._post(number, told)

        self._inbox.put(Ask(lambda state: event_of(request, state), answer))

    def _confirmation(self, request: Up, before: State) -> float | None:
        """Return within how long the link is to be confirmed; one that stood before is nobody's to end."""
        if not before.wanted:
            # A wish of its own: what was to be confirmed of an earlier link does not hold for this one.
            self._confirm_s = self._revert_at = None
        if not isinstance(before.phase, Online | Degraded):
            self._confirm_s = request.confirm_s or self._confirm_s
        return self._confirm_s if request.confirm_s is not None else None

    def _deliver(self) -> None:
        """Give everybody what lies in the outbox for them."""
        while not self._outbox.empty():
            to, line = self._outbox.get_nowait()
            for client in tuple(self._clients.values()):
                if client.number == to or (to is None and client.follows):
                    if client.number == to:
                        client.waits = False
                        client.deadline = None if client.follows else boottime() + PATIENCE_S
                    self._queue(client, line)
            if to in self._clients:
                self._guarded(self._clients[to], self._take_lines)

    def _queue(self, client: _Client, line: bytes) -> None:
        client.unsent += line
        if len(client.unsent) > UNREAD_MAX:
            self._hang_up(client)
            return
        self._guarded(client, self._send)

    def _send(self, client: _Client) -> None:
        with suppress(BlockingIOError):
            sent = client.socket.send(client.unsent)
            del client.unsent[:sent]
        self._interest(client)

    def _interest(self, client: _Client) -> None:
        """Wake for this client only for what can go on: reading while nothing is asked, writing while words wait."""
        if client.number not in self._clients:
            return
        if client.ended and not client.unsent and not client.waits:
            self._hang_up(client)
            return
        reading = 0 if client.waits or client.ended else selectors.EVENT_READ
        wanted = reading | (selectors.EVENT_WRITE if client.unsent else 0)
        known = client.socket in self._selector.get_map()
        if wanted and known:
            self._selector.modify(client.socket, wanted, client)
        elif wanted:
            self._selector.register(client.socket, wanted, client)
        elif known:
            self._selector.unregister(client.socket)

    def _hang_up(self, client: _Client) -> None:
        if self._clients.pop(client.number, None) is None:
            return
        if client.socket in self._selector.get_map():
            self._selector.unregister(client.socket)
        client.socket.close()

    def _end(self) -> None:
        self._deliver()
        for client in tuple(self._clients.values()):
            self._hang_up(client)
        self._selector.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)
        with self._bell_lock:
            os.close(self._bell)
            self._bell = -1


def _listen(tree: Tree, path: Path) -> socket.socket:
    """Return the listening socket; whoever calls holds the supervisor's lock, so an old name belongs to nobody."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        # Until here its mode was 0777 less the umask, and only its owner could connect.
        if tree.is_root:
            os.chown(path, *tree.owner_of(GROUP))
        path.chmod(0o660)
        listener.listen(4 * CLIENTS_MAX)
    except OSError as error:
        listener.close()
        raise NoPermission(f"{path}: {error.strerror or error}", hint="run it with sudo") from error
    return listener


def _in_words(request: Request) -> str:
    values = [f"{name}={value}" for name in request.__slots__ if (value := getattr(request, name))]
    return " ".join([word(request), *values])


def _refusal(error: PppgenError) -> dict[str, object]:
    return {"v": VERSION, "ok": False, "error": error.as_json()}


def _line(answer: dict[str, object]) -> bytes:
    return (json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
