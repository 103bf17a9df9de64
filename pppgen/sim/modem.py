"""The simulated modem without any I/O: bytes and the time go in, `Effect`s come out; it reads no clock.

Ports are USB interface numbers. One `Port` each holds a command line, a mode and what is still to be said; `Modem` is
what they share. `service.py` has the card and the network. What a command answers stands in the transcript;
`commands.py` has the few that change state. Command line rules: ITU-T V.250 chapter 5; escape and result codes: 6.
"""

from collections import deque
from collections.abc import Iterable

from pppgen.model import ExpectedRole
from pppgen.sim import commands, nmea
from pppgen.sim.effects import Dialled, Effect, Encapsulated, HungUp, Rebooting, Send, ToNetwork, Vanished
from pppgen.sim.faults import Dial, Faults
from pppgen.sim.lcp import Refusal
from pppgen.sim.lines import normalise, split
from pppgen.sim.port import GUARD_S, Mode, Port
from pppgen.sim.qmi import calls, wds, who
from pppgen.sim.qmi.endpoint import Endpoint
from pppgen.sim.qmi.qmux import ServiceId
from pppgen.sim.service import Service
from pppgen.sim.transcript import DOMAINS, Transcript

__all__ = ("Dialled", "Effect", "Encapsulated", "HungUp", "Modem", "Rebooting", "Send", "ToNetwork", "Vanished")

NO_CARRIER_S = 0.2  # until a dial is refused at once
HANG_UP_S = 0.4  # from CONNECT to NO CARRIER where nothing else is said
REFUSAL_S = 5.0  # from CONNECT to NO CARRIER when the network refuses and no PPP was spoken
GOODBYE_S = 0.1  # from the end of LCP to NO CARRIER
REBOOT_AFTER_S = 0.1
LINE_BOUND = 2048  # a command line longer than this is answered ERROR; Quectel's manuals allow 1 k and more
NUMERIC = {"OK": 0, "CONNECT": 1, "NO CARRIER": 3, "ERROR": 4}  # V.250 table 1
CME_TEXTS = {"10": "SIM not inserted", "11": "SIM PIN required", "12": "SIM PUK required", "16": "incorrect password"}


class Modem:
    """A modem of the family that `transcript` describes, with `faults`, both of which are values.

    Feed it with `receive`, `closed` (the host let go of the port: DTR fell), `from_network` and `carrier_lost`, call
    `advance` when `wake_at` is reached, and carry out the effects that each of them returns.
    """

    def __init__(self, transcript: Transcript, faults: Faults | None = None) -> None:
        self.transcript = transcript
        self.service = Service(transcript, faults or Faults())
        self.flash = {each: each.values for each in transcript.settings}
        self.dials = 0
        self.carried = 0  # bytes of all calls, for bit errors
        self.ports: dict[int, Port] = {}
        self.qmi = Endpoint(self, wds.TABLE | who.TABLE)
        self.boot(0.0)

    @property
    def faults(self) -> Faults:
        """The faults in force; `set_faults` changes them with what follows from it."""
        return self.service.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        """Set them without any of that: for a modem that is booted next."""
        self.service.faults = faults

    def boot(self, now: float) -> None:
        """Forget everything but the flash; the ports are there again."""
        self.now = now
        self.service.boot(now)
        self.qmi.boot()
        self.seconds = 0
        self.next_second = now + 1.0
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

    def control(self, data: bytes, now: float) -> list[Effect]:
        """Take a QMI message of the host's /dev/cdc-wdm."""
        self.now = now
        self.qmi.receive(data, now)
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
        service, old = self.service, self.faults
        before = {domain: service.stat(domain) for domain in DOMAINS}
        service.set_faults(faults, now)
        for port in self.ports.values():
            if not port.in_call:
                port.mode = self._mode(port.number)
        if faults.data != old.data:
            self._stick()
        effects: list[Effect] = []
        for domain in DOMAINS:
            if service.report[domain] and service.stat(domain) != before[domain]:
                effects += self.unsolicited(service.registration(domain, with_n=False), now)
        if any(service.stat(domain) != stat for domain, stat in before.items()):
            self.qmi.indicate(ServiceId.NAS, 0x0024, who.serving_system(self.qmi, indication=True), now)
        self.follow_attachment()
        return effects + self._due()

    # Time.

    def wake_at(self) -> float | None:
        """Return when `advance` has something to do, `None` if only bytes can change anything."""
        times = [port.queue[0][0] for port in self.ports.values() if port.queue]
        times += [port.ends_at for port in self.ports.values() if port.ends_at is not None]
        times += [port.heard_at + GUARD_S for port in self.ports.values() if port.pluses == 3]
        times += [at for at in (self.qmi.wake_at(),) if at is not None]
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
        effects: list[Effect] = [Encapsulated(data) for data in self.qmi.advance(self.now)]
        for port in self.ports.values():
            self._echo(port)
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
            port.echoed.append(byte)
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
        self._echo(port)
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
        answer = self.transcript.answer(f"AT{command}", self.service.holding())
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
        self._echo(port)
        port.tail = max(port.tail, self.now) + wait_s
        port.queue.append((port.tail, effect))

    def _echo(self, port: Port) -> None:
        if port.echoed:
            port.tail = max(port.tail, self.now)
            port.queue.append((port.tail, Send(port.number, bytes(port.echoed))))
            port.echoed.clear()

    # Calls.

    def dial(self, port: Port, cid: int) -> str:
        """Start a data call; return the final result, empty after CONNECT."""
        service = self.service
        context = service.contexts.get(cid)
        if context is None or not self.dials_on(port.number):
            return "ERROR"
        self.dials += 1
        if self.qmi.call and self.qmi.call.cid == cid:
            service.cause = "Interface in use"
            return "NO CARRIER"
        if self.faults.dial is Dial.NO_CARRIER or self.now < service.refused_until or not service.ready:
            service.cause = "ESM failure" if service.ready else "No service"
            port.tail = max(port.tail, self.now) + NO_CARRIER_S
            return "NO CARRIER"
        service.cause = service.refusal(context)
        hang_up = self.faults.dial is Dial.HANG_UP
        welcome = not service.cause and not hang_up
        if welcome:
            context.activate()
        self.result(port, "CONNECT")
        port.mode, port.cid, port.pluses, port.heard_at = Mode.DATA, cid, 0, self.now
        self.after(port, Dialled(port.number, cid, context.apn, welcome and self.faults.dial is not Dial.NO_LCP))
        if not welcome:
            # The module says CONNECT and opens LCP by itself, and hangs up when the network has refused.
            port.refusal = None if hang_up else Refusal()
            port.ends_at = port.tail + (HANG_UP_S if hang_up else REFUSAL_S)
        return ""

    def dialled(self, cid: int) -> bool:
        """Whether a port has a call on this context."""
        return any(port.in_call and not port.stuck and port.cid == cid for port in self.ports.values())

    def resume(self, port: Port) -> str:
        """Go back into the call that was escaped from; return the final result, empty after CONNECT."""
        if port.mode is not Mode.ONLINE_COMMAND:
            return "NO CARRIER"
        self.result(port, "CONNECT")
        port.mode, port.pluses, port.heard_at = Mode.DATA, 0, self.now
        return ""

    def end_call(self, port: Port, say: str = "") -> None:
        """Take down the call of a port and tell whoever served it."""
        self.service.release(port.cid)
        port.mode, port.stuck, port.pluses, port.ends_at = self._mode(port.number), False, 0, None
        port.refusal = None
        self.after(port, HungUp(port.number))
        if say:
            self.result(port, say)

    def follow_attachment(self) -> None:
        """End all calls when what carried them is gone, and attach again when it is back."""
        if self.service.attached:
            self.service.attach()
            return
        self.qmi.end(calls.NO_SERVICE, self.now)
        self.service.drop_contexts()
        for port in self.ports.values():
            if port.in_call and not port.stuck and port.ends_at is None:
                self.end_call(port, say="NO CARRIER")

    def set_functionality(self, level: int) -> None:
        """Switch the radio: 0 and 4 are off."""
        self.service.functionality = level
        self.follow_attachment()

    def reboot(self, port: Port) -> None:
        """Go away and come back, calls and all."""
        self.after(port, Rebooting(self.transcript.boot_ms / 1000), REBOOT_AFTER_S)

    def activate(self, cid: int, *, active: bool) -> str:
        """Activate or deactivate a context as +CGACT does; a call on it ends with it."""
        service = self.service
        context = service.contexts[cid]
        if active and (refusal := service.refusal(context) or ("back-off" if self.now < service.refused_until else "")):
            service.cause = refusal
            return "ERROR" if service.attached else "+CME ERROR: 30"
        if active:
            context.activate()
        else:
            context.active = False
            if self.qmi.call and self.qmi.call.cid == cid:
                self.qmi.end(calls.DEACTIVATED, self.now)
        for port in self.ports.values():
            if not active and port.in_call and port.cid == cid:
                self.end_call(port, say="NO CARRIER")
        return "OK"
