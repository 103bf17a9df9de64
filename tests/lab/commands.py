"""What the lab can be asked over its control socket, by name; each gets the world and the request, may return facts."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pppgen.sim.faults import Faults, in_force, with_fault, without_fault
from tests.lab import operator
from tests.lab.carrier import Weather
from tests.lab.control import Request
from tests.lab.nodes import fresh_wwan, tty_of

if TYPE_CHECKING:
    from tests.lab.world import World

Command = Callable[["World", Request], Awaitable[dict[str, object] | None]]


async def _status(world: "World", _: Request) -> dict[str, object]:
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


async def _fault(world: "World", request: Request) -> None:
    faults = world.modem.faults
    for text in request.words:
        faults = with_fault(faults, text)
    world.set_faults(faults)


async def _clear(world: "World", request: Request) -> None:
    faults = world.modem.faults if request.words else Faults()
    for name in request.words:
        faults = without_fault(faults, name)
    world.set_faults(faults)


async def _unplug(world: "World", _: Request) -> None:
    world.pull_out()
    await world.settled(there=False)


async def _plug(world: "World", _: Request) -> None:
    world.plug_in()
    await world.settled(there=True)


async def _rebooted(world: "World", _: Request) -> None:
    """Wait until the modem is back after its own reboot."""
    await asyncio.wait_for(world.rebooted.wait(), 40)
    world.rebooted.clear()
    await world.settled(there=True)


async def _replug(world: "World", request: Request) -> None:
    await world.replug(tuple(int(word) for word in request.words), request.seconds)


async def _family(world: "World", request: Request) -> None:
    await world.swap(request.words[0])
    await world.settled(there=True)


async def _hangup(world: "World", _: Request) -> None:
    world.hang_up()


async def _weather(world: "World", request: Request) -> None:
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


async def _account(world: "World", request: Request) -> None:
    world.account = operator.Account(*request.words)


async def _steal(world: "World", request: Request) -> None:
    """Hold the node of an interface open from this process, as a stranger would."""
    world.kept.append(os.open(tty_of(int(request.words[0])), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))


async def _release(world: "World", _: Request) -> None:
    world.release()


async def _modemmanager(world: "World", request: Request) -> None:
    match request.words:
        case ("start",):
            await world.manager.start()
        case _:
            await world.manager.stop()


async def _bus(world: "World", _: Request) -> None:
    """Start D-Bus, for programs that the tests start themselves."""
    await world.manager.start_bus()


async def _forget(world: "World", _: Request) -> None:
    """Set all counters to zero."""
    for site in world.sites.values():
        site.seen.clear()
    world.dtr_drops.clear()
    world.modem.dials = world.modem.qmi.starts = world.modem.qmi.allocated = 0


async def _reset(world: "World", request: Request) -> None:
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
        world.begin_again()
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
