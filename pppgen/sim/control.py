"""The control socket of a running simulation: a line of words in, a line of JSON out.

Only who may write to the socket (mode 0600) is heard, but a line is still bounded.
"""

import json
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from pppgen.errors import BadValue, PppgenError
from pppgen.sim.faults import Faults, in_force, with_fault, without_fault
from pppgen.sim.simulation import Simulation

LINE_BOUND = 4096


def carry_out(simulation: Simulation, line: str) -> None:
    """Do what a line of words says.

    Raises:
        BadValue: it says nothing known.
    """
    word, _, rest = line.strip().partition(" ")
    if word not in WORDS:
        raise BadValue(f"no command is called {word!r}", hint=f"one of: {', '.join(WORDS)}")
    WORDS[word](simulation, rest.strip())


def _fault(simulation: Simulation, rest: str) -> None:
    faults = simulation.modem.faults
    for text in rest.split():
        faults = with_fault(faults, text)
    simulation.set_faults(faults)


def _clear(simulation: Simulation, rest: str) -> None:
    faults = simulation.modem.faults if rest else Faults()
    for name in rest.split():
        faults = without_fault(faults, name)
    simulation.set_faults(faults)


def _hang_up(simulation: Simulation, _rest: str) -> None:
    for port in simulation.modem.ports:
        simulation.carry_out(simulation.modem.carrier_lost(port, simulation.clock()))


def _unsolicited(simulation: Simulation, rest: str) -> None:
    simulation.carry_out(simulation.modem.unsolicited(rest, simulation.clock()))


WORDS: dict[str, Callable[[Simulation, str], None]] = {
    "fault": _fault,
    "clear": _clear,
    "hangup": _hang_up,
    "unplug": lambda simulation, _: simulation.unplug(),
    "plug": lambda simulation, rest: simulation.plug(first=_number(rest)),
    "urc": _unsolicited,
    "state": lambda _simulation, _rest: None,
}


def state(simulation: Simulation) -> dict[str, object]:
    """Return what can be asked of a running simulation."""
    modem = simulation.modem
    return {
        "plugged": bool(simulation.lines),
        "faults": list(in_force(modem.faults)),
        "ports": {str(number): str(port.mode) for number, port in modem.ports.items()},
        "dials": modem.dials,
    }


def _number(text: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or int(text[:4]) > 99:
        raise BadValue(f"plug takes the number of the first ttyUSB, not {text!r}")
    return int(text)


class Control:
    """Listens on a socket; everything happens in the simulation's own loop."""

    def __init__(self, path: Path, simulation: Simulation, after: Callable[[], None]) -> None:
        self.path, self.simulation, self.after = path, simulation, after
        _remove_stale(path)
        self._listener = socket.socket(socket.AF_UNIX)
        old = os.umask(0o177)
        try:
            self._listener.bind(os.fspath(path))
        except OSError as error:
            self._listener.close()
            raise BadValue(f"the control socket {path}: {error.strerror or error}") from error
        finally:
            os.umask(old)
        self._listener.listen(4)
        self._listener.setblocking(False)
        simulation.watch(self._listener.fileno(), self._accept)
        self._talks: dict[int, tuple[socket.socket, bytearray]] = {}

    def _accept(self) -> None:
        talk, _ = self._listener.accept()
        talk.setblocking(False)
        self._talks[talk.fileno()] = (talk, bytearray())
        self.simulation.watch(talk.fileno(), partial(self._hear, talk.fileno()))

    def _hear(self, number: int) -> None:
        talk, heard = self._talks[number]
        with suppress(BlockingIOError):
            data = talk.recv(LINE_BOUND)
            heard += data
            while (end := heard.find(b"\n")) >= 0:
                line = bytes(heard[:end]).decode("utf-8", "replace")
                del heard[: end + 1]
                self._answer(talk, line)
            if not data or len(heard) >= LINE_BOUND:
                self._drop(number)

    def _answer(self, talk: socket.socket, line: str) -> None:
        try:
            carry_out(self.simulation, line)
            self.after()
            answer = {"error": None, **state(self.simulation)}
        except PppgenError as error:
            answer = {"error": error.as_json()}
        with suppress(OSError):  # who asked may have gone
            talk.sendall(json.dumps(answer).encode() + b"\n")

    def _drop(self, number: int) -> None:
        self.simulation.unwatch(number)
        self._talks.pop(number)[0].close()

    def close(self) -> None:
        """Take the socket away."""
        for number in tuple(self._talks):
            self._drop(number)
        self.simulation.unwatch(self._listener.fileno())
        self._listener.close()
        self.path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    """Remove a socket that a killed simulation left; anything else stays where it is."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(os.fspath(path))
            except ConnectionRefusedError:
                path.unlink()
