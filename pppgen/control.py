"""How a command speaks to the running supervisor: /run/pppgen/control.sock, one line of JSON each way."""

import json
import socket
import struct
from collections import deque
from collections.abc import Iterator
from time import monotonic
from typing import Any, Self

from pppgen.errors import ExitCode, NoPermission, PppgenError
from pppgen.policy.chronicle import Entry, from_json
from pppgen.requests import Request, dump
from pppgen.status import not_running
from pppgen.system.files import Tree

PATH = "/run/pppgen/control.sock"
GROUP = "netdev"
"""Who may ask beside root; on Debian and Raspberry Pi OS the first user is in it."""
ANSWER_S = 10.0
"""The owner answers between two events; longer means that it hangs."""
_LINE_MAX = 1 << 18
_PIECE = 65536
_EARLY_MAX = 256  # events between a request and its answer: a handful


class Refused(PppgenError):
    """The supervisor would not do what was asked; the fields are its own."""

    code = "refused"

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message", "refused")), hint=str(error.get("hint", "")))
        self.code = str(error.get("code", self.code))
        try:
            self.exit = ExitCode(error.get("exit", ExitCode.UNEXPECTED))
        except ValueError:
            self.exit = ExitCode.UNEXPECTED


class Conversation:
    """A connection to the supervisor; a context manager.

    Raises:
        NotRunning: nobody listens.
        NoPermission: the socket is root's and the group's only.
    """

    def __init__(self, tree: Tree) -> None:
        path = tree.shown(PATH)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # unix(7): a connect with Python's own timeout fails at once when many are waiting; this one waits its turn.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(ANSWER_S), 0))
        self._buffer = b""
        self._early: deque[dict[str, Any]] = deque(maxlen=_EARLY_MAX)
        try:
            self._socket.connect(path)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            self._socket.close()
            raise not_running() from error
        except BlockingIOError as error:
            self._socket.close()
            raise PppgenError("the supervisor does not answer", hint="journalctl -u pppgen -n 50") from error
        except OSError as error:
            self._socket.close()
            raise NoPermission(
                f"{path}: {error.strerror}", hint=f"use sudo, or join its group: sudo adduser $USER {GROUP}"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def fileno(self) -> int:
        """Return the descriptor, readable when something came."""
        return self._socket.fileno()

    def ask(self, request: Request) -> dict[str, Any]:
        """Return the answer to `request`; events that come before it are kept for `event`.

        Raises:
            Refused: the supervisor said no, and why.
            PppgenError: it does not answer, or not in this language.
        """
        self._send(dump(request))
        deadline = monotonic() + ANSWER_S
        while True:
            answer = self._object(max(0.0, deadline - monotonic()))
            if answer is None:
                raise PppgenError("the supervisor does not answer", hint="journalctl -u pppgen -n 50")
            if "event" not in answer:
                break
            self._early.append(answer)
        if answer.get("ok") is not True:
            error = answer.get("error")
            raise Refused(error if isinstance(error, dict) else {})
        return answer

    def event(self, seconds: float | None) -> Entry | None:
        """Return the next event after `Events` was asked; None when none came within `seconds` (None: no limit)."""
        found = self._early.popleft() if self._early else self._object(seconds)
        try:
            return None if found is None else from_json(found.get("event"))
        except ValueError as error:  # a newer supervisor's
            raise PppgenError("the supervisor answers in another language", hint="pppgen --version") from error

    def events(self) -> Iterator[Entry]:
        """Return the events as they come, until the supervisor ends."""
        while (entry := self.event(None)) is not None:
            yield entry

    def _send(self, line: bytes) -> None:
        try:
            self._socket.settimeout(ANSWER_S)
            self._socket.sendall(line)
        except OSError as error:
            raise PppgenError(f"the supervisor hung up: {error}", hint="journalctl -u pppgen -n 50") from error

    def _object(self, seconds: float | None) -> dict[str, Any] | None:
        """Return the next line's object; None when the time is over."""
        deadline = None if seconds is None else monotonic() + seconds
        while b"\n" not in self._buffer:
            left = None if deadline is None else deadline - monotonic()
            if left is not None and left <= 0:
                return None
            self._socket.settimeout(left)
            try:
                piece = self._socket.recv(_PIECE)
            except TimeoutError:
                return None
            except OSError as error:
                raise PppgenError(f"the supervisor hung up: {error}", hint="journalctl -u pppgen -n 50") from error
            if not piece:
                raise not_running()
            self._buffer += piece
            if len(self._buffer) > _LINE_MAX:
                raise PppgenError("the supervisor's answer has no end", hint="journalctl -u pppgen -n 50")
        line, self._buffer = self._buffer.split(b"\n", 1)
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise PppgenError("the supervisor answers in another language", hint="pppgen --version") from error
        if not isinstance(found, dict):
            raise PppgenError("the supervisor answers in another language", hint="pppgen --version")
        return found


def ask(tree: Tree, request: Request) -> dict[str, Any]:
    """Return the supervisor's answer to one request; raises as `Conversation` and its `ask` do."""
    with Conversation(tree) as conversation:
        return conversation.ask(request)
