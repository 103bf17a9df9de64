"""The modem that a link is dialled with: its ports, found anew each time, and its word beside the link.

Nothing here raises for a modem that is silent, held or gone: only what is known holds a dial back.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pppgen.at.client import Ask, Client
from pppgen.at.codec import Answer
from pppgen.at.reading import Reading, obstacle, read_chances, read_network
from pppgen.at.replies import contexts, sim, states
from pppgen.at.replies.fields import Unread
from pppgen.bearers.context import free_context, write_login
from pppgen.bearers.radio import Sky
from pppgen.config import Link
from pppgen.discovery import usb_device
from pppgen.errors import PppgenError
from pppgen.facts import Usage
from pppgen.memory import read_memory, remember
from pppgen.model import Device, ExpectedRole, Holder, Port, Reason
from pppgen.modems.catalog import Family, family_named
from pppgen.system.opens import Unopened
from pppgen.system.processes import read_holders
from pppgen.system.sysfs import read_usb
from pppgen.system.tty import Tty, open_tty
from pppgen.udev import link_name

_T = TypeVar("_T")
# Beside a link nobody waits for the modem, and a dial must not wait long for its word.
_ANSWER_S = 2.0
_TOLD = 12  # lines of evidence
_AHEAD_S = 10.0  # between the loss of one link and the start of the next; an older look proves nothing
# inotify tells of an opening by this node; one by another of the same number (a container's) is only seen in /proc.
_FREE_S = 5.0
_DIALS = (ExpectedRole.DIAL, ExpectedRole.AT_DIAL, ExpectedRole.AT)
_SPEAKS = (ExpectedRole.AT, ExpectedRole.AT_DIAL, ExpectedRole.DIAL)


class Modem:
    """The modem of a link.toml; `sysroot` is where sys/ and dev/ are read, `root` where var/ lies."""

    def __init__(
        self,
        link: Link,
        *,
        sysroot: Path = Path("/"),
        root: Path = Path("/"),
        opened: Callable[[str], Tty] = open_tty,
    ) -> None:
        self._link = link
        self._family = family_named(link.family)
        self._sysroot, self._root, self._opened = sysroot, root, opened
        self._end_before = ""
        self._was_active = False
        self._mtu_asked = False
        self._line = threading.Lock()  # the command port is one: who comes second waits
        self._ahead: _Ahead | None = None
        self._free: _Free | None = None
        self._unopened = Unopened()
        self._one = threading.Lock()  # for these two: a dial and a look at the bearer come from different threads

    def device(self) -> Device | None:
        """Return the modem as it stands on its bus now; `None` when it does not. Who has a port open, `holder` says."""
        if not self._link.usb_path:
            port = Port(self._link.device, self._link.device, None, None)
            return Device("", "", "", (port,)) if Path(self._link.device).exists() else None
        facts = read_usb(self._sysroot, self._link.usb_path)
        return None if facts is None else usb_device(facts, Usage())

    def ports(self) -> tuple[Port, ...]:
        """Return the ports to dial on: the one that last worked, the one that setup chose, then the catalog's."""
        device = self.device()
        return () if device is None else self._to_dial(device)

    def _to_dial(self, device: Device) -> tuple[Port, ...]:
        worked = read_memory(self._root).of(device).dial if device.usb_path else None
        return _ordered(device, self._family, (worked, self._link.dial_interface, self._link.at_interface), _DIALS)

    def holder(self, port: Port) -> Holder | None:
        """Return who holds a port now. What `before_dial` saw of it in /proc holds while nobody opened it since."""
        opened = not self._is_still_free(port)
        return read_holders(_names(port), opened=opened).holder_of(port.device)

    def _is_still_free(self, port: Port) -> bool:
        with self._one:
            free, self._free = self._free, None
            if free is None or free.device != port.device or time.monotonic() - free.at > _FREE_S:
                return False
            return self._unopened.still()

    def worked(self, port: Port) -> None:
        """Remember that this port dialled."""
        device = self.device()
        if device is not None and device.usb_path and port.interface is not None:
            with suppress(PppgenError):  # a full disk must not end a link
                remember(self._root, device, dial=port.interface)

    def before_dial(self) -> Sky | None:
        """Return what the modem says before a dial; `lost` is why that would be in vain."""
        with self._line:
            self._mtu_asked = False
            ahead, self._ahead = self._ahead, None
            if ahead is not None and time.monotonic() - ahead.at <= _AHEAD_S:
                return ahead.sky
            return self._asked("", self._before, dials=True)

    def look_ahead(self) -> None:
        """Ask in a thread of its own what `before_dial` will want to know; where the port is in use, do nothing."""
        # Taken here, so that a dial that begins before the thread does waits for it instead of meeting it on the port.
        if not self._line.acquire(blocking=False):
            return
        try:
            threading.Thread(target=self._look_ahead, name="look-ahead", daemon=True).start()
        except RuntimeError:  # no thread to be had: the dial asks for itself, and must find the line free
            self._line.release()

    def _look_ahead(self) -> None:
        try:
            # While the ending link still holds the only port nothing can be told, and it may be free for the dial.
            port = self._command_port("")
            if port is not None:
                self._ahead = _Ahead(time.monotonic(), self._asked_on(port, self._before))
        finally:
            self._line.release()

    def _before(self, ask: "_Recorder") -> Sky:
        self._was_active = False
        reading = self._network(ask, read_chances)
        self._end_before = self._call_end(ask).text
        backoff = self._backoff(ask)
        lost = obstacle(reading) or (Reason.BUDGET_SPENT if backoff else None)
        return Sky(reading.signal, reading.registrations, lost, ask.told, backoff)

    def after_failure(self) -> Sky | None:
        """Return what the modem says about a dial that failed; `lost` where that names the cause."""

        def say(ask: _Recorder) -> Sky:
            end = self._call_end(ask)
            reading = self._network(ask)
            # The words of an earlier call's end stay until there is a new one.
            named = end.reason if end.text != self._end_before and end.reason is not Reason.NONE else None
            lost = obstacle(reading) or named
            return Sky(reading.signal, reading.registrations, lost, ask.told, self._backoff(ask))

        return self._on_command_port("", say)

    def sky(self, busy_port: str) -> Sky | None:
        """Return signal and registration on a port that pppd does not hold, `None` where there is none."""

        def say(ask: _Recorder) -> Sky:
            reading = read_network(ask, self._family, _ANSWER_S)
            active = self._is_active(ask)
            lost = obstacle(reading)
            if lost is None and self._was_active and active is False:
                lost = Reason.LINK_DROPPED
            self._was_active = self._was_active or active is True
            return Sky(reading.signal, reading.registrations, lost, ask.told, mtu=self._mtu(ask) if busy_port else None)

        return self._on_command_port(busy_port, say)

    def free_context(self) -> tuple[str, ...]:
        """Free what a hanging QMI call may hold, and return in sentences what was done."""
        done = self._on_command_port("", lambda ask: free_context(ask, self._link, self._family.dialect))
        return done or ("no AT port could be asked to free the context",)

    def login(self) -> str:
        """Write the credentials into the modem's own context, and return why not; empty when they are there."""

        def write(ask: Ask) -> str:
            return write_login(ask, self._link, self._family.dialect)

        why = self._on_command_port("", lambda ask: write(ask.quietly))
        return "no AT port could be asked to take the user and the password" if why is None else why

    def qmi_interface(self) -> int | None:
        """Return the USB interface number of the QMI function, where the catalog knows the modem's layout."""
        device = self.device()
        layout = self._family.layout(device.vid, device.pid) if device is not None else None
        return layout.net if layout is not None else None

    def _on_command_port(self, busy_port: str, say: "Callable[[_Recorder], _T]") -> _T | None:
        """Open the command port for a few questions; where anything is wrong with it, it says nothing."""
        with self._line:
            return self._asked(busy_port, say)

    def _asked(self, busy_port: str, say: "Callable[[_Recorder], _T]", *, dials: bool = False) -> _T | None:
        port = self._command_port(busy_port, dials=dials)
        return None if port is None else self._asked_on(port, say)

    def _asked_on(self, port: Port, say: "Callable[[_Recorder], _T]") -> _T | None:
        try:
            with self._opened(port.device) as tty:
                return say(_Recorder(Client(tty, time.monotonic).ask))
        except PppgenError:
            return None

    def _command_port(self, busy_port: str, *, dials: bool = False) -> Port | None:
        """Return the best port that nobody holds; with `dials` the one look at /proc is for the port to dial on too."""
        device = self.device()
        if device is None:
            return None
        known = read_memory(self._root).of(device).at if device.usb_path else None
        ports = _ordered(device, self._family, (known, self._link.at_interface), _SPEAKS)
        asked = tuple(port for port in ports if port.device != busy_port)
        usage = self._looked_for_dial(device, asked) if dials else read_holders(_names(*asked))
        return next((port for port in asked if usage.holder_of(port.device) is None), None)

    def _looked_for_dial(self, device: Device, asked: tuple[Port, ...]) -> Usage:
        """Look who holds these ports and the one to dial on, and keep that one in sight if it is free."""
        first = next(iter(self._to_dial(device)), None)
        if first is None:
            return read_holders(_names(*asked))
        with self._one:
            self._free = None
            try:
                # Before the look: whoever opens it meanwhile is seen by the one or by the other.
                self._unopened.watch(first.device)
            except OSError:  # the dial will look for itself
                return read_holders(_names(*asked))
        began = time.monotonic()
        usage = read_holders(_names(*asked, first))
        if usage.holder_of(first.device) is None:
            with self._one:
                self._free = _Free(began, first.device)
        return usage

    def _network(self, ask: Ask, read: Callable[[Ask, Family, float], Reading] = read_network) -> Reading:
        answer = ask("AT+CPIN?", _ANSWER_S)
        state = sim.sim_state(answer)
        reading = read(ask, self._family, _ANSWER_S)
        return reading if isinstance(state, Unread) else replace(reading, sim=state)

    def _call_end(self, ask: Ask) -> states.CallEnd:
        answer = ask("AT+CEER", _ANSWER_S)
        found = states.ceer(answer.lines) if answer.ok else None
        return found if isinstance(found, states.CallEnd) else states.CallEnd("", Reason.NONE)

    def _backoff(self, ask: Ask) -> int | None:
        if not self._family.dialect.backoff:
            return None
        answer = ask(self._family.dialect.backoff, _ANSWER_S)
        found = states.backoff_s(answer.lines) if answer.ok else None
        return found if isinstance(found, int) else None

    def _mtu(self, ask: "_Recorder") -> int | None:
        """Return what the path carries, which over PPP nothing else tells; asked once a link."""
        if self._mtu_asked:
            return None
        self._mtu_asked = True
        # Quietly: the link's address is no evidence.
        answer = ask.quietly(f"AT+CGCONTRDP={self._link.cid}", _ANSWER_S)
        return contexts.ipv4_mtu(answer.lines, self._link.cid) if answer.ok else None

    def _is_active(self, ask: Ask) -> bool | None:
        answer = ask("AT+CGACT?", _ANSWER_S)
        found = contexts.cgact(answer.lines) if answer.ok else None
        return None if found is None or isinstance(found, Unread) else self._link.cid in found


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What `look_ahead` was told, and when."""

    at: float
    sky: Sky | None


@dataclass(frozen=True, slots=True)
class _Free:
    """A port that nobody held at that time, watched since."""

    at: float
    device: str


class _Recorder:
    """An `Ask` that keeps what was said, as evidence."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._told: list[str] = []

    def __call__(self, command: str, timeout_s: float = _ANSWER_S) -> Answer:
        answer = self._ask(command, timeout_s)
        self._told += answer.lines if answer.ok else (f"{command}: {answer.final}",)
        return answer

    @property
    def quietly(self) -> Ask:
        """Asks without keeping what was said: there is a secret in it."""
        return self._ask

    @property
    def told(self) -> tuple[str, ...]:
        """The modem's own lines."""
        return tuple(self._told[:_TOLD])


def _names(*ports: Port) -> dict[str, tuple[str, ...]]:
    """Return the ports with the other names they go by, as `read_holders` takes them."""
    return {
        port.device: tuple(filter(None, (_our_link(port), port.stable, port.by_path, port.by_id))) for port in ports
    }


def _our_link(port: Port) -> str:
    return link_name(port.usb_path, port.interface) if port.usb_path and port.interface is not None else ""


def _ordered(
    device: Device, family: Family, wanted: tuple[int | None, ...], roles: tuple[ExpectedRole, ...]
) -> tuple[Port, ...]:
    """Return the device's ports, the wanted interfaces first, then those that the catalog gives one of the roles."""
    layout = family.layout(device.vid, device.pid)

    def rank(port: Port) -> int:
        if port.interface in wanted:
            return wanted.index(port.interface)
        expected = layout.role_of(port.interface) if layout and port.interface is not None else ExpectedRole.UNKNOWN
        return len(wanted) + roles.index(expected) if expected in roles else -1

    if not device.usb_path:
        return device.ports
    ranked = [(rank(port), port) for port in device.ports]
    return tuple(port for _, port in sorted((one for one in ranked if one[0] >= 0), key=lambda one: one[0]))
