"""The lab's own process in the guest: modem, gadget, operator and internet in one loop, moved by a control socket.

The modem is the same sans-IO core as `pppgen sim`'s: bytes from the gadget's ttys go in, effects come out and are
carried out here. Nothing here is imported by the tests; they speak to it through control.py.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from pppgen.errors import PppgenError
from pppgen.sim.faults import Auth, Faults
from pppgen.sim.modem import Dialled, Effect, Encapsulated, HungUp, Modem, Rebooting, Send, ToNetwork, Vanished
from pppgen.sim.qmi import calls
from pppgen.sim.transcript import load
from tests.lab import dtr, modemmanager, operator
from tests.lab.carrier import Carrier, Weather
from tests.lab.commands import COMMANDS
from tests.lab.control import Answer, Request
from tests.lab.functionfs import FunctionFs
from tests.lab.gadget import BG96, EC25, Gadget, Plug
from tests.lab.internet import Site
from tests.lab.nodes import WDM, WWAN, by_path, tty_of
from tests.lab.places import HOME_NETNS, MODEM_ENDS, MODEM_QMI, OPERATOR_NETNS, SOCKET
from tests.lab.wwan import Wwan

PLUGS: dict[str, Plug] = {"bg96": BG96, "ec25": EC25}
BUS = 1  # dummy_hcd's is the only one
BACKLOG_BOUND = 1 << 16  # what nobody reads: as much as a modem's own buffer, then it is lost


@dataclass(slots=True)
class End:
    """The modem's end of one serial interface."""

    number: int
    fd: int
    backlog: bytearray = field(default_factory=bytearray)
    heard: bool = False  # the host has spoken since DTR last fell: usbmon's word of DTR may come after the first byte


@dataclass(slots=True)
class Call:
    """A call of one port: the air and the operator's session."""

    carrier: Carrier
    session: operator.Session
    over: bool = False
    speaks: bool = False  # the operator's pppd has said its first word
    early: bytearray = field(default_factory=bytearray)


class World:
    """Everything that hangs together at run time."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.sites = {name: Site(name) for name in (OPERATOR_NETNS, HOME_NETNS)}
        self.account = operator.Account()
        self.weather = Weather()
        self.dtr: dict[int, bool] = {}
        self.dtr_drops: dict[int, int] = {}
        self.calls: dict[int, Call] = {}
        self.ends: dict[int, End] = {}
        self.kept: list[int] = []
        self.manager = modemmanager.Manager(results)
        self.timer: asyncio.TimerHandle | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self.rebooted = asyncio.Event()
        self.family = "bg96"
        self.modem = Modem(load(self.family))
        self.qmi = FunctionFs(MODEM_QMI, self._message, self._frame)
        self.wwan = Wwan(self.qmi.send)
        self.gadget = Gadget(PLUGS[self.family], MODEM_ENDS, self.qmi)

    async def start(self) -> None:
        """Open the internet, plug the modem in, watch DTR, listen."""
        for site in self.sites.values():
            await site.open()
        loop = asyncio.get_running_loop()

        def pass_on(port: int, up: bool) -> None:
            loop.call_soon_threadsafe(self.on_dtr, port, up)

        dtr.watch(BUS, pass_on)
        loop.add_reader(self.wwan.tun, lambda: self.wwan.from_operator(self.modem, self.weather))
        self.gadget.make()
        self.plug_in()
        SOCKET.unlink(missing_ok=True)
        await asyncio.start_unix_server(self._serve, SOCKET)

    # The plug.

    def plug_in(self) -> None:
        """Open the modem's ends, boot the modem, put it on the bus."""
        self.modem.boot(now())
        for number in self.gadget.plug.serials:
            self._open(number)
        self.gadget.plug_in()
        self._reschedule()

    def pull_out(self) -> None:
        """Take the modem off the bus; calls end with it."""
        for number in list(self.calls):
            self._drop(number)
        self.gadget.pull_out()
        for end in list(self.ends.values()):
            self._close(end)

    async def swap(self, family: str, serials: tuple[int, ...] = (0, 1, 2, 3)) -> None:
        """Put another modem in place of this one."""
        self.pull_out()
        await self.settled(there=False)
        self.gadget.remove()
        self.family = family
        self.modem = Modem(load(family), self.modem.faults)
        self.gadget = Gadget(replace(PLUGS[family], serials=serials), MODEM_ENDS, self.qmi)
        self.gadget.make()
        self.plug_in()

    def begin_again(self) -> None:
        """Boot a new modem of the same family where this one is plugged in: no faults, no calls."""
        for number in list(self.calls):
            self._drop(number)
        self.modem = Modem(load(self.family))
        self.modem.boot(now())
        self._reschedule()

    def _come_back(self) -> None:
        self.plug_in()
        self.rebooted.set()

    def _open(self, number: int) -> None:
        self.ends[number] = end = End(number, self.gadget.open(number))
        asyncio.get_running_loop().add_reader(end.fd, self._readable, end)

    def _close(self, end: End) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(end.fd)
        loop.remove_writer(end.fd)
        os.close(end.fd)
        self.ends.pop(end.number, None)

    async def settled(self, *, there: bool) -> None:
        """Wait until udev has made, or removed, the names of all ports."""
        names = [*(str(by_path(number)) for number in self.gadget.plug.serials), str(WDM), str(WWAN)]
        argv = ["udevadm", "wait", "--settle", "--timeout=20", *(() if there else ("--removed",)), *names]
        waiting = await asyncio.create_subprocess_exec(*argv)
        if await waiting.wait():
            raise RuntimeError(f"the ports did not {'come' if there else 'go'} within 20 s")

    # Bytes and effects.

    def _readable(self, end: End) -> None:
        try:
            data = os.read(end.fd, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            end.heard = True
            self._carry_out(self.modem.receive(end.number, data, now()))
        else:
            # Unplugged: the descriptor stays at EOF for good.
            asyncio.get_running_loop().remove_reader(end.fd)

    def _message(self, data: bytes) -> None:
        self._carry_out(self.modem.control(data, now()))

    def _frame(self, frame: bytes) -> None:
        self.wwan.from_host(frame, self.modem, self.weather, now())

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(port, data):
                    self._send(port, data)
                case Encapsulated(data):
                    self.qmi.say(data)
                case ToNetwork(port, data):
                    self._to_operator(port, data)
                case Dialled(port, served=True):
                    self._connect(port)
                case Dialled():
                    pass
                case HungUp(port):
                    self._drop(port)
                case Vanished(port):
                    self._vanish(port)
                case Rebooting(seconds):
                    self.pull_out()
                    asyncio.get_running_loop().call_later(seconds, self._come_back)
        self._reschedule()

    def _reschedule(self) -> None:
        if self.timer:
            self.timer.cancel()
        times = [call.carrier.wake_at for call in self.calls.values()] + [self.modem.wake_at()]
        due = [each for each in times if each is not None]
        if due and self.ends:
            self.timer = asyncio.get_running_loop().call_later(max(0.0, min(due) - now()), self._wake)

    def _wake(self) -> None:
        for call in self.calls.values():
            if late := call.carrier.released(now()):
                os.write(call.session.master, late)
        self._carry_out(self.modem.advance(now()))

    def _send(self, port: int, data: bytes) -> None:
        end = self.ends.get(port)
        if end is None or not (end.heard or self.dtr.get(port)):
            return  # nobody has the port open: a modem's words are lost then
        end.backlog += data
        del end.backlog[BACKLOG_BOUND:]
        self._flush(end)

    def _flush(self, end: End) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(BlockingIOError, OSError):
            del end.backlog[: os.write(end.fd, end.backlog)]
        if end.backlog:
            loop.add_writer(end.fd, self._flush, end)
        else:
            loop.remove_writer(end.fd)

    def on_dtr(self, port: int, up: bool) -> None:
        """Take what usbmon saw the host's driver set."""
        if self.dtr.get(port) and not up:
            self.dtr_drops[port] = self.dtr_drops.get(port, 0) + 1
            if end := self.ends.get(port):
                end.backlog.clear()
                end.heard = False
            if port in self.modem.ports:
                self._carry_out(self.modem.closed(port, now()))
        self.dtr[port] = up

    def _vanish(self, port: int) -> None:
        """Take one interface away from its driver: the others stay."""
        with contextlib.suppress(OSError):
            Path("/sys/bus/usb/drivers/option/unbind").write_text(f"1-1:1.{port}", encoding="ascii")

    # Calls.

    def _connect(self, port: int) -> None:
        auth = self.modem.faults.auth
        weather = replace(self.weather, pardon=auth is Auth.CUT)
        session = operator.Session(auth, self.account, self.results / "operator.log")
        call = Call(Carrier(weather), session)
        self.calls[port] = call
        asyncio.get_running_loop().add_reader(session.master, self._from_operator, port, call)
        task = asyncio.create_task(self._attend(port, call))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _attend(self, port: int, call: Call) -> None:
        """Stay with the operator's pppd until it ends; then the modem says NO CARRIER."""
        await call.session.run()
        asyncio.get_running_loop().remove_reader(call.session.master)
        call.session.close()
        if self.calls.get(port) is call:
            del self.calls[port]
            self._carry_out(self.modem.carrier_lost(port, now()))

    def _from_operator(self, port: int, call: Call) -> None:
        try:
            data = os.read(call.session.master, 4096)
        except OSError:
            return
        if not call.speaks:
            call.speaks = True
            self._deliver(call)
        if self.calls.get(port) is call and (arrived := call.carrier.to_modem(data, now())):
            self._carry_out(self.modem.from_network(port, arrived, now()))

    def _to_operator(self, port: int, data: bytes) -> None:
        if (call := self.calls.get(port)) and (arrived := call.carrier.to_operator(data, now())):
            call.early += arrived
            # His pppd empties its line when it opens it; the client would ask again only after 3 s.
            if call.speaks:
                self._deliver(call)

    def _deliver(self, call: Call) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(call.session.master, call.early)
        call.early.clear()

    def hang_up(self) -> None:
        """End every call as the network does it."""
        for call in self.calls.values():
            call.session.say_goodbye()
        self.modem.qmi.end(calls.DEACTIVATED, now())
        self._carry_out(self.modem.advance(now()))

    def _drop(self, port: int) -> None:
        if call := self.calls.pop(port, None):
            call.session.cut()

    # The control socket.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            async for line in reader:
                try:
                    request = Request.parse(line)
                    answer = Answer(await COMMANDS[request.do](self, request) or {})
                except PppgenError as error:
                    answer = Answer({}, error=error.message)
                except Exception as error:  # noqa: BLE001 -- the test that asked shall show it
                    answer = Answer({}, error=f"{type(error).__name__}: {error}")
                writer.write(answer.line())
                await writer.drain()
        writer.close()

    def set_faults(self, faults: Faults) -> None:
        """Change the modem's faults while it runs."""
        self._carry_out(self.modem.set_faults(faults, now()))

    async def replug(self, keep: tuple[int, ...], seconds: float) -> None:
        """Pull the plug and put it back; ttyUSB numbers of the interfaces in `keep` are not free meanwhile."""
        for number in keep:
            self.kept.append(os.open(tty_of(number), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
        self.pull_out()
        await self.settled(there=False)
        await asyncio.sleep(seconds)
        self.plug_in()
        await self.settled(there=True)

    def release(self) -> None:
        """Close what `replug` and `steal` keep open."""
        while self.kept:
            os.close(self.kept.pop())


def now() -> float:
    """Return the modem's time."""
    return time.monotonic()


async def main() -> None:
    """Run until killed."""
    world = World(Path(sys.argv[1]))
    await world.start()
    print(json.dumps({"ready": True}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
