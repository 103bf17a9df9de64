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
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pppgen.errors import PppgenError
from pppgen.sim.faults import Auth, Faults, in_force, with_fault, without_fault
from pppgen.sim.modem import Dialled, Effect, Encapsulated, HungUp, Modem, Rebooting, Send, ToNetwork, Vanished
from pppgen.sim.qmi import calls
from pppgen.sim.transcript import load
from tests.lab import dtr, modemmanager, namespaces, operator
from tests.lab.carrier import Carrier, Weather
from tests.lab.control import Answer, Request
from tests.lab.functionfs import FunctionFs
from tests.lab.gadget import BG96, EC25, Gadget, Plug
from tests.lab.internet import Site
from tests.lab.places import HOME_NETNS, MODEM_ENDS, MODEM_QMI, OPERATOR_NETNS, SOCKET
from tests.lab.wwan import Wwan

PLUGS: dict[str, Plug] = {"bg96": BG96, "ec25": EC25}
WDM, WWAN = Path("/dev/cdc-wdm0"), Path("/sys/class/net/wwan0")
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


def by_path(interface: int) -> Path:
    """Return udev's name of a port by where it is plugged in."""
    return Path(f"/dev/serial/by-path/platform-dummy_hcd.0-usb-0:1:1.{interface}-port0")


def fresh_wwan() -> None:
    """Bring wwan0 back as the driver made it: down, no address, Ethernet."""
    raw_ip = WWAN / "qmi/raw_ip"
    if int((WWAN / "flags").read_text(), 16) & 1 or raw_ip.read_text().strip() == "Y":
        namespaces.run_ip(f"addr flush dev {WWAN.name}", f"link set {WWAN.name} down")
        raw_ip.write_text("N")


def tty_of(interface: int) -> Path:
    """Return the host's node of an interface, as the kernel numbered it now."""
    found = list(Path(f"/sys/bus/usb/devices/1-1:1.{interface}").glob("ttyUSB*"))
    if not found:
        raise RuntimeError(f"interface {interface} has no ttyUSB node now")
    return Path("/dev") / found[0].name


# What can be asked, by name. Each gets the world and the request, and may return facts.
Command = Callable[[World, Request], Awaitable[dict[str, object] | None]]


async def _status(world: World, _: Request) -> dict[str, object]:
    return {
        "family": world.family,
        "plugged": world.gadget.plugged,
        "faults": list(in_force(world.modem.faults)),
        "calls": sorted(world.calls),
        "modes": {str(number): str(port.mode) for number, port in world.modem.ports.items()},
        "dials": world.modem.dials,
        "qmi": {
            "clients": world.modem.qmi.held(),
            "allocated": world.modem.qmi.allocated,
            "starts": world.modem.qmi.starts,
            "call": world.modem.qmi.call is not None,
            "raw_ip": world.modem.qmi.speaks_raw_ip,
        },
        "dtr": {str(port): up for port, up in world.dtr.items()},
        "dtr_drops": {str(port): count for port, count in world.dtr_drops.items()},
        "seen": {name: dict(site.seen) for name, site in world.sites.items()},
    }


async def _fault(world: World, request: Request) -> None:
    faults = world.modem.faults
    for text in request.words:
        faults = with_fault(faults, text)
    world.set_faults(faults)


async def _clear(world: World, request: Request) -> None:
    faults = world.modem.faults if request.words else Faults()
    for name in request.words:
        faults = without_fault(faults, name)
    world.set_faults(faults)


async def _unplug(world: World, _: Request) -> None:
    world.pull_out()
    await world.settled(there=False)


async def _plug(world: World, _: Request) -> None:
    world.plug_in()
    await world.settled(there=True)


async def _rebooted(world: World, _: Request) -> None:
    """Wait until the modem is back after its own reboot."""
    await asyncio.wait_for(world.rebooted.wait(), 40)
    world.rebooted.clear()
    await world.settled(there=True)


async def _replug(world: World, request: Request) -> None:
    await world.replug(tuple(int(word) for word in request.words), request.seconds)


async def _family(world: World, request: Request) -> None:
    await world.swap(request.words[0])
    await world.settled(there=True)


async def _hangup(world: World, _: Request) -> None:
    for call in world.calls.values():
        call.session.say_goodbye()
    world.modem.qmi.end(calls.DEACTIVATED, now())
    world._carry_out(world.modem.advance(now()))


async def _weather(world: World, request: Request) -> None:
    """`black-hole`, `first-packets LOST_S HELD_S`, `fair`: for running and for later calls."""
    match request.words:
        case ("black-hole",):
            world.weather = Weather(black_hole=True)
        case ("first-packets", lost, held):
            world.weather = Weather(lost_s=float(lost), held_s=float(held))
        case ("fair",):
            world.weather = Weather()
        case _:
            raise ValueError(f"no such weather: {request.words}")
    for call in world.calls.values():
        call.carrier.weather = replace(world.weather, pardon=call.carrier.weather.pardon)


async def _account(world: World, request: Request) -> None:
    world.account = operator.Account(*request.words)


async def _steal(world: World, request: Request) -> None:
    """Hold the node of an interface open from this process, as a stranger would."""
    world.kept.append(os.open(tty_of(int(request.words[0])), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))


async def _release(world: World, _: Request) -> None:
    world.release()


async def _modemmanager(world: World, request: Request) -> None:
    match request.words:
        case ("start",):
            await world.manager.start()
        case _:
            await world.manager.stop()


async def _bus(world: World, _: Request) -> None:
    """Start D-Bus, for programs that the tests start themselves."""
    await world.manager.start_bus()


async def _forget(world: World, _: Request) -> None:
    """Set all counters to zero."""
    for site in world.sites.values():
        site.seen.clear()
    world.dtr_drops.clear()
    world.modem.dials = world.modem.qmi.starts = world.modem.qmi.allocated = 0


async def _reset(world: World, request: Request) -> None:
    """Bring back the modem as it was delivered: no faults, plugged in, ttyUSB0 to 3, no call, counters at zero."""
    await world.manager.stop()
    world.release()
    world.rebooted.clear()
    world.weather, world.account = Weather(), operator.Account()
    world.modem.faults = Faults()
    family = request.words[0] if request.words else "bg96"
    numbers = world.gadget.plug.serials
    in_order = world.gadget.plugged and [tty_of(n).name for n in numbers] == [f"ttyUSB{n}" for n in numbers]
    if family == world.family and in_order:
        for number in list(world.calls):
            world._drop(number)
        world.modem = Modem(load(family))
        world.modem.boot(now())
        world._reschedule()
        fresh_wwan()
    else:
        await world.swap(family)
        await world.settled(there=True)
    await _forget(world, request)


COMMANDS: dict[str, Command] = {
    "status": _status,
    "fault": _fault,
    "clear": _clear,
    "unplug": _unplug,
    "plug": _plug,
    "rebooted": _rebooted,
    "replug": _replug,
    "family": _family,
    "hangup": _hangup,
    "weather": _weather,
    "account": _account,
    "steal": _steal,
    "release": _release,
    "modemmanager": _modemmanager,
    "bus": _bus,
    "forget": _forget,
    "reset": _reset,
}


async def main() -> None:
    """Run until killed."""
    world = World(Path(sys.argv[1]))
    await world.start()
    print(json.dumps({"ready": True}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
