"""The simulated modem without any I/O: bytes and the time go in, `Effect`s come out; it reads no clock.

Ports are USB interface numbers. One `Port` each holds a command line, a mode and what is still to be said; `Modem` is
what they share: the card, the network, the flash. What a command answers stands in the transcript; `commands.py`
has the few that change state. Command line rules: ITU-T V.250 chapter 5; escape and result codes: chapter 6.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from pppgen.model import ExpectedRole
from pppgen.sim import commands, nmea
from pppgen.sim.faults import Dial, Faults, SimCard
from pppgen.sim.lcp import Refusal
from pppgen.sim.lines import normalise, split
from pppgen.sim.transcript import DOMAINS, Condition, Transcript

GUARD_S = 1.0  # S12: silence before and after `+++`
HANG_UP_S = 0.4  # from CONNECT to NO CARRIER where nothing else is said
REFUSAL_S = 5.0  # from CONNECT to NO CARRIER when the network refuses and no PPP was spoken
GOODBYE_S = 0.1  # from the end of LCP to NO CARRIER
REBOOT_AFTER_S = 0.1
ADDRESS = "100.64.12.89"
NOT_SUBSCRIBED = "Requested service option not subscribed (33)"
LINE_BOUND = 2048  # a command line longer than this is answered ERROR; Quectel's manuals allow 1 k and more
NUMERIC = {"OK": 0, "CONNECT": 1, "NO CARRIER": 3, "ERROR": 4}  # V.250 table 1
CME_TEXTS = {"10": "SIM not inserted", "11": "SIM PIN required", "12": "SIM PUK required", "16": "incorrect password"}


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes to the host on a port."""

    port: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Dialled:
    """The port is in data mode; `served` is false where nobody shall answer on the other side."""

    port: int
    cid: int
    apn: str
    served: bool


@dataclass(frozen=True, slots=True)
class ToNetwork:
    """Bytes that the host sent in data mode."""

    port: int
    data: bytes


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call of a port ended."""

    port: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """A port goes away for good, as a loose plug does it."""

    port: int


@dataclass(frozen=True, slots=True)
class Rebooting:
    """All ports go away and come back after so many seconds; then `Modem.boot` is called."""

    seconds: float


Effect = Send | Dialled | ToNetwork | HungUp | Vanished | Rebooting


class Mode(StrEnum):
    """What a port does with the bytes that it gets."""

    COMMAND = "command"
    DATA = "data"
    ONLINE_COMMAND = "online-command"  # escaped from a call that is still up
    NMEA = "nmea"
    SILENT = "silent"


@dataclass(slots=True)
class Port:
    """One port's own state; `tail` is when the last thing to be said is due."""

    number: int
    mode: Mode
    line: bytearray = field(default_factory=bytearray)
    overlong: bool = False
    last_line: str = ""
    queue: deque[tuple[float, Effect]] = field(default_factory=deque)
    tail: float = 0.0
    echo: bool = True
    verbose: bool = True
    quiet: bool = False
    dtr: int = 2
    registers: dict[int, int] = field(default_factory=lambda: {0: 0, 3: 13, 4: 10, 5: 8, 7: 60, 12: 50})
    cid: int = 0
    stuck: bool = False
    heard_at: float = -GUARD_S
    pluses: int = 0
    ends_at: float | None = None
    refusal: Refusal | None = None

    @property
    def in_data(self) -> bool:
        """Whether the host's bytes go to the network."""
        return self.mode is Mode.DATA

    @property
    def in_call(self) -> bool:
        """Whether a call is up, seen or escaped from."""
        return self.mode in {Mode.DATA, Mode.ONLINE_COMMAND}


@dataclass(slots=True)
class Context:
    """A PDP context; kept in the flash."""

    kind: str
    apn: str
    active: bool = False


class Modem:
    """A modem of the family that `transcript` describes, with `faults`, both of which are values.

    Feed it with `receive`, `closed` (the host let go of the port: DTR fell), `from_network` and `carrier_lost`, call
    `advance` when `wake_at` is reached, and carry out the effects that each of them returns.
    """

    def __init__(self, transcript: Transcript, faults: Faults | None = None) -> None:
        self.transcript = transcript
        self.faults = faults or Faults()
        self.flash = {each: each.values for each in transcript.settings}
        self.contexts = {
            int(cid): Context(kind.strip('"'), apn.strip('"'))
            for cid, kind, apn in (each.split(",") for each in transcript.contexts)
        }
        self.logins: dict[int, str] = {}
        self.dials = 0
        self.carried = 0  # bytes of all calls, for bit errors
        self.ports: dict[int, Port] = {}
        self.boot(0.0)

    def boot(self, now: float) -> None:
        """Forget everything but the flash; the ports are there again."""
        self.now = now
        self.card = self.faults.sim
        self.pin_tries, self.puk_tries = 3, 10
        if self.card is SimCard.PUK:
            self.pin_tries = 0
        self.functionality = 1
        self.detached = self.deregistered = False
        self.report = dict.fromkeys(DOMAINS, 0)
        self.cause = ""
        self.refused_until = now + self.faults.backoff if self.faults.backoff else 0.0
        self.seconds = 0
        self.next_second = now + 1.0
        for context in self.contexts.values():
            context.active = False
        self.ports = {
            each.number: Port(each.number, self._mode(each.number)) for each in self.transcript.tty_interfaces
        }
        self._stick()

    def _stick(self) -> None:
        for number in self.faults.data & self.ports.keys():
            port = self.ports[number]
            port.mode, port.stuck, port.cid = Mode.DATA, True, 1

    def _mode(self, number: int) -> Mode:
        role = next(each.role for each in self.transcript.tty_interfaces if each.number == number)
        speaks = role in {ExpectedRole.AT, ExpectedRole.DIAL, ExpectedRole.AT_DIAL}
        if self.faults.at is not None:
            speaks = number in self.faults.at
        if number in self.faults.silent:
            return Mode.SILENT
        if speaks:
            return Mode.COMMAND
        return Mode.NMEA if role is ExpectedRole.NMEA else Mode.SILENT

    def dials_on(self, number: int) -> bool:
        """Whether ATD is accepted on this port."""
        if self.faults.dial_ports is not None:
            return number in self.faults.dial_ports
        if self.faults.at is not None:
            return number in self.faults.at
        roles = {each.number: each.role for each in self.transcript.tty_interfaces}
        return roles[number] in {ExpectedRole.DIAL, ExpectedRole.AT_DIAL}

    # What comes in.

    def receive(self, number: int, data: bytes, now: float) -> list[Effect]:
        """Take bytes from the host."""
        self.now = now
        port = self.ports[number]
        if number in self.faults.vanish:
            return [Vanished(number)]
        if port.mode is Mode.DATA:
            self._data(port, data)
        elif port.mode in {Mode.COMMAND, Mode.ONLINE_COMMAND}:
            for index, byte in enumerate(data):
                self._type(port, byte)
                if port.in_data:  # what follows a dial in one write is the call's
                    self._data(port, data[index + 1 :])
                    break
        return self._due()

    def closed(self, number: int, now: float) -> list[Effect]:
        """Note that the host closed the port: DTR falls, and `AT&D` says what that means (V.250 6.2.18: &D)."""
        self.now = now
        port = self.ports[number]
        port.line.clear()
        if port.in_call and port.dtr == 2:
            self.end_call(port)
        elif port.mode is Mode.DATA and port.dtr == 1:
            port.mode = Mode.ONLINE_COMMAND
        port.queue = deque(entry for entry in port.queue if not isinstance(entry[1], Send))
        return self._due()

    def from_network(self, number: int, data: bytes, now: float) -> list[Effect]:
        """Take bytes from the operator; they are lost unless the port is in data mode."""
        self.now = now
        port = self.ports[number]
        if port.mode is Mode.DATA and not self.faults.freeze:
            self.say(port, self._noisy(data))
        return self._due()

    def carrier_lost(self, number: int, now: float) -> list[Effect]:
        """End the call of a port from the network's side."""
        self.now = now
        port = self.ports[number]
        if port.in_call:
            self.end_call(port, say="NO CARRIER")
        return self._due()

    def unsolicited(self, text: str, now: float) -> list[Effect]:
        """Say a line on every port that is in command mode."""
        self.now = now
        for port in self.ports.values():
            if port.mode in {Mode.COMMAND, Mode.ONLINE_COMMAND}:
                self.say(port, self.framed(text))
        return self._due()

    def set_faults(self, faults: Faults, now: float) -> list[Effect]:
        """Change the faults while running: registrations are reported, calls end with the registration."""
        self.now = now
        before = {domain: self.stat(domain) for domain in DOMAINS}
        old, self.faults = self.faults, faults
        if faults.sim is not old.sim:
            self.card = faults.sim
        if faults.backoff != old.backoff:
            self.refused_until = now + faults.backoff if faults.backoff else 0.0
        for port in self.ports.values():
            if not port.in_call:
                port.mode = self._mode(port.number)
        if faults.data != old.data:
            self._stick()
        effects: list[Effect] = []
        for domain in DOMAINS:
            if self.report[domain] and self.stat(domain) != before[domain]:
                effects += self.unsolicited(self.registration(domain, with_n=False), now)
        self.drop_calls_unless_attached()
        return effects + self._due()

    # Time.

    def wake_at(self) -> float | None:
        """Return when `advance` has something to do, `None` if only bytes can change anything."""
        times = [port.queue[0][0] for port in self.ports.values() if port.queue]
        times += [port.ends_at for port in self.ports.values() if port.ends_at is not None]
        times += [port.heard_at + GUARD_S for port in self.ports.values() if port.pluses == 3]
        if any(port.mode is Mode.NMEA for port in self.ports.values()):
            times.append(self.next_second)
        return min(times, default=None)

    def advance(self, now: float) -> list[Effect]:
        """Let time pass: late answers, NMEA, the guard time after `+++`."""
        self.now = now
        if now >= self.next_second:
            self.seconds += 1
            self.next_second = max(self.next_second + 1.0, now)
            for port in self.ports.values():
                if port.mode is Mode.NMEA:
                    self.say(port, nmea.second(self.seconds))
        for port in self.ports.values():
            if port.ends_at is not None and now >= port.ends_at:
                self.end_call(port, say="NO CARRIER")
            if port.pluses == 3 and now >= port.heard_at + GUARD_S:
                port.pluses, port.mode = 0, Mode.COMMAND if port.stuck else Mode.ONLINE_COMMAND
                port.stuck = False
                self.result(port, "OK")
        return self._due()

    def _due(self) -> list[Effect]:
        effects: list[Effect] = []
        for port in self.ports.values():
            while port.queue and port.queue[0][0] <= self.now:
                effects.append(port.queue.popleft()[1])
        return effects

    # Data mode.

    def _data(self, port: Port, data: bytes) -> None:
        if not data:
            return
        quiet = self.now - port.heard_at >= GUARD_S
        only_pluses = data == b"+" * len(data)
        if only_pluses and (port.pluses or quiet):
            port.pluses += len(data)
        else:
            port.pluses = 0
        if port.pluses > 3:
            port.pluses = 0
        port.heard_at = self.now
        if port.stuck or self.faults.freeze:
            return
        if port.refusal is not None:
            self.say(port, port.refusal.feed(data))
            if port.refusal.over:
                port.ends_at = self.now + GOODBYE_S
        else:
            self.after(port, ToNetwork(port.number, self._noisy(data)))

    def _noisy(self, data: bytes) -> bytes:
        step = self.faults.bit_errors
        if not step:
            return data
        turned = bytearray(data)
        for index in range(len(turned)):
            self.carried += 1
            if self.carried % step == 0:
                turned[index] ^= 0x10
        return bytes(turned)

    # Command mode.

    def _type(self, port: Port, byte: int) -> None:
        if port.echo or self.faults.echo:
            self.say(port, bytes([byte]))
        if byte == port.registers[3]:
            line, overlong = port.line.decode("latin-1"), port.overlong
            port.line.clear()
            port.overlong = False
            if overlong:
                self.result(port, "ERROR")
            else:
                self._enter(port, line)
        elif byte == port.registers[5]:
            del port.line[-1:]
        elif byte == 10:
            pass
        elif len(port.line) >= LINE_BOUND:
            port.overlong = True
        else:
            port.line.append(byte)
            if bytes(port.line).upper() == b"A/" and port.last_line:
                port.line.clear()
                self._enter(port, port.last_line)

    def _enter(self, port: Port, line: str) -> None:
        at = line.upper().find("AT")
        if at < 0:
            return  # V.250 5.2.1: what has no prefix is no command line, and is not answered
        port.last_line = line[at:]
        port.tail = max(port.tail, self.now) + self.faults.late_ms(port.number) / 1000
        if self.faults.garbage:
            self.say(port, bytes(0x80 | (index * 37) % 0x80 for index in range(self.faults.garbage)))
        for command in split(normalise(line[at + 2 :])):
            final = self._run(port, command)
            if final != "OK":
                if final:
                    self.result(port, final)
                return
        self.result(port, "OK")

    def _run(self, port: Port, command: str) -> str:
        """Carry out one command, say its lines, and return its final result; empty where it has said it itself."""
        if any(command.startswith(prefix.removeprefix("AT")) for prefix in self.faults.error):
            return "ERROR"
        answer = self.transcript.answer(f"AT{command}", self.holding())
        if answer is None:
            reply = commands.run(self, port, command)
            self._lines(port, ((0, line) for line in reply.lines))
            return reply.final
        self._lines(port, answer.lines)
        port.tail += answer.final_wait_ms / 1000
        return answer.final

    def _lines(self, port: Port, lines: Iterable[tuple[int, str]]) -> None:
        """Say the lines of one command: in V1 an empty line goes before them."""
        first = True
        for wait_ms, text in lines:
            port.tail = max(port.tail, self.now) + wait_ms / 1000
            before = "\r\n" if first and port.verbose else ""
            self.say(port, self._ended(f"{before}{text}\r\n"))
            if first and self.faults.urc:
                self.say(port, self.framed(self.faults.urc))
            first = False

    def result(self, port: Port, final: str) -> None:
        """Say a final result in the form that V, Q and CMEE ask for."""
        if final.startswith("+CME ERROR: "):
            number = final.removeprefix("+CME ERROR: ")
            mode = next((values[0] for each, values in self.flash.items() if each.command == "+CMEE"), "1")
            if mode == "0":
                final = "ERROR"
            elif mode == "2":
                final = f"+CME ERROR: {CME_TEXTS.get(number, 'unknown') if number.isdigit() else number}"
        if port.quiet:
            return
        if port.verbose:
            self.say(port, self.framed(final))
        else:
            self.say(port, self._ended(f"{NUMERIC.get(final, final)}\r"))

    def framed(self, text: str) -> bytes:
        r"""Return a line as V1 sends it, between two line ends."""
        return self._ended(f"\r\n{text}\r\n")

    def _ended(self, text: str) -> bytes:
        return (text.replace("\r\n", "\n") if self.faults.bare_lf else text).encode("latin-1", "replace")

    def say(self, port: Port, data: bytes) -> None:
        """Send bytes after all that is already to be said."""
        self.after(port, Send(port.number, data))

    def after(self, port: Port, effect: Effect, wait_s: float = 0.0) -> None:
        """Let an effect follow all that is already to come on this port."""
        port.tail = max(port.tail, self.now) + wait_s
        port.queue.append((port.tail, effect))

    # The card and the network.

    @property
    def card_ready(self) -> bool:
        """Whether the card is there and unlocked."""
        return self.card is SimCard.READY

    def stat(self, domain: str) -> int:
        """Return what +CREG, +CGREG or +CEREG says."""
        if not self.card_ready or self.functionality != 1 or self.deregistered:
            return 0
        forced: int | None = {"creg": self.faults.creg, "cgreg": self.faults.cgreg, "cereg": self.faults.cereg}[domain]
        if forced is not None:
            return forced
        return self.transcript.registration[domain][0] if self.faults.signal else 2

    @property
    def attached(self) -> bool:
        """Whether packets may flow: no domain that could carry them says no for sure (stat 4 is not a no)."""
        return not self.detached and any(self.stat(domain) in {1, 4, 5} for domain in ("cgreg", "cereg"))

    def registration(self, domain: str, *, with_n: bool) -> str:
        """Return the line of a registration; the unsolicited one has no `<n>`."""
        stat, mode = self.stat(domain), self.report[domain]
        parts = [str(mode)] if with_n else []
        parts.append(str(stat))
        place = self.transcript.registration[domain][1]
        if mode >= 2 and stat in {1, 5} and place:
            parts.append(place)
        return f"+{domain.upper()}: {','.join(parts)}"

    def holding(self) -> frozenset[Condition]:
        """Return the conditions of the transcript that hold now."""
        registered = any(self.stat(domain) in {1, 5} for domain in DOMAINS)
        pairs = {
            Condition.NO_SIGNAL: not self.faults.signal or self.functionality != 1,
            Condition.NOT_REGISTERED: not registered,
            Condition.SIM_ABSENT: self.card is SimCard.ABSENT,
            Condition.SIM_LOCKED: self.card in {SimCard.PIN, SimCard.PUK},
            Condition.RADIO_OFF: self.functionality != 1,
        }
        return frozenset(condition for condition, holds in pairs.items() if holds)

    # Calls.

    def dial(self, port: Port, cid: int) -> str:
        """Start a data call; return the final result, empty after CONNECT."""
        context = self.contexts.get(cid)
        if context is None or not self.dials_on(port.number):
            return "ERROR"
        self.dials += 1
        refused = self.faults.dial is Dial.NO_CARRIER or self.now < self.refused_until
        if refused or not self.card_ready or self.functionality != 1:
            self.cause = "ESM_FAILURE" if refused else "SIM"
            port.tail = max(port.tail, self.now) + 0.2
            return "NO CARRIER"
        wrong_apn = bool(self.faults.apn) and context.apn.lower() != self.faults.apn.lower()
        welcome = self.attached and not wrong_apn and self.faults.dial is not Dial.HANG_UP
        self.result(port, "CONNECT")
        port.mode, port.cid, port.pluses, port.heard_at = Mode.DATA, cid, 0, self.now
        context.active = welcome
        self.after(port, Dialled(port.number, cid, context.apn, welcome and self.faults.dial is not Dial.NO_LCP))
        if not welcome:
            # The module says CONNECT and opens LCP by itself, and hangs up when the network has refused.
            self.cause = NOT_SUBSCRIBED if wrong_apn else "No service"
            hang_up = self.faults.dial is Dial.HANG_UP
            port.refusal = None if hang_up else Refusal()
            port.ends_at = port.tail + (HANG_UP_S if hang_up else REFUSAL_S)
        return ""

    def resume(self, port: Port) -> str:
        """Go back into the call that was escaped from; return the final result, empty after CONNECT."""
        if port.mode is not Mode.ONLINE_COMMAND:
            return "NO CARRIER"
        self.result(port, "CONNECT")
        port.mode, port.pluses, port.heard_at = Mode.DATA, 0, self.now
        return ""

    def end_call(self, port: Port, say: str = "") -> None:
        """Take down the call of a port and tell whoever served it."""
        if port.cid in self.contexts:
            self.contexts[port.cid].active = False
        port.mode, port.stuck, port.pluses, port.ends_at = self._mode(port.number), False, 0, None
        port.refusal = None
        self.after(port, HungUp(port.number))
        if say:
            self.result(port, say)

    def drop_calls_unless_attached(self) -> None:
        """End all calls when the registration that carried them is gone."""
        if self.attached:
            return
        for context in self.contexts.values():
            context.active = False
        for port in self.ports.values():
            if port.in_call and not port.stuck and port.ends_at is None:
                self.end_call(port, say="NO CARRIER")

    def set_functionality(self, level: int) -> None:
        """Switch the radio: 0 and 4 are off."""
        self.functionality = level
        self.drop_calls_unless_attached()

    def reboot(self, port: Port) -> None:
        """Go away and come back, calls and all."""
        self.after(port, Rebooting(self.transcript.boot_ms / 1000), REBOOT_AFTER_S)

    def define(self, cid: int, kind: str | None, apn: str) -> str:
        """Write a context, or remove it where no type is given."""
        if kind is None:
            self.contexts.pop(cid, None)
            return "OK"
        if kind not in {"IP", "IPV6", "IPV4V6", "PPP"} or len(apn) > 100:
            return "ERROR"
        old = self.contexts.get(cid)
        self.contexts[cid] = Context(kind, apn, active=old.active if old else False)
        return "OK"

    def activate(self, cid: int, *, active: bool) -> str:
        """Activate or deactivate a context as +CGACT does; a call on it ends with it."""
        context = self.contexts[cid]
        if active:
            refused = self.faults.apn and context.apn.lower() != self.faults.apn.lower()
            if not self.attached or refused or self.now < self.refused_until:
                self.cause = NOT_SUBSCRIBED if refused else "No service"
                return "+CME ERROR: 30" if not self.attached else "ERROR"
        context.active = active
        for port in self.ports.values():
            if not active and port.in_call and port.cid == cid:
                self.end_call(port, say="NO CARRIER")
        return "OK"

    def address(self, cid: int) -> str:
        """Return the address of a context, `0.0.0.0` while it has none."""
        return ADDRESS if self.contexts[cid].active else "0.0.0.0"  # noqa: S104 -- "no address" in AT, nothing is bound
