"""From what the machine says to modems that can be asked: devices, in the order in which they deserve a question.

Pure: nothing is read and nothing is sent here. A USB device is one modem, whatever number of ports it has. The order
says how sure sysfs makes us; what a port really is, the probe decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum

from pppgen.errors import NoModem
from pppgen.facts import Board, Uart, Usage, UsbDevice, UsbInterface, UsbTty
from pppgen.model import Device, Notice, Port
from pppgen.modems.catalog import candidates
from pppgen.udev import link_name

# USB-IF class codes (usb.org/defined-class-codes).
_COMMUNICATIONS = 0x02
_MASS_STORAGE = 0x08
_VENDOR_SPECIFIC = 0xFF
_ACM = 0x02  # CDC120, subclass abstract control model
_AT_PROTOCOLS = range(0x01, 0x07)  # CDC120 table 5: V.250 and the AT sets of GSM, 3G and CDMA

# Drivers that the kernel binds to modems only (drivers/usb/serial, net/usb).
_MODEM_DRIVERS = frozenset(
    {"option", "option1", "qcserial", "sierra", "hso", "ipw", "qmi_wwan", "cdc_mbim", "huawei_cdc_ncm"}
)

# What stands where a driver that knows the device would: nothing, or `modprobe usbserial vendor=… product=…`.
_UNTOLD_DRIVERS = frozenset({None, "usbserial_generic"})

# The notices that say why there is no modem; `no_modem` repeats them.
EXPLAINS = frozenset({"driver-not-bound", "not-mode-switched", "network-only", "uart-console"})

_GETTYS = frozenset({"agetty", "getty", "mgetty", "login"})

# Makers of modems by the vendor id that they own. Only their devices are judged by what they lack. u-blox is
# not here: most of its USB devices are satellite receivers.
MODEM_VENDORS: dict[str, str] = {
    "0af0": "Option",
    "1199": "Sierra Wireless",
    "12d1": "Huawei",
    "1410": "Novatel",
    "19d2": "ZTE",
    "1bbb": "Alcatel",
    "1bc7": "Telit",
    "1c9e": "Longcheer",
    "1e0e": "SIMCom",
    "1e2d": "Cinterion",
    "2c7c": "Quectel",
    "2cb7": "Fibocom",
}


class Likelihood(IntEnum):
    """How sure sysfs makes us that a device is a modem; the smaller is asked first."""

    KNOWN = 0  # the catalog has its USB identity
    LIKELY = 1  # a driver, a network function or a class that only modems have
    UART = 2  # a serial port of the board: nothing tells what is wired to it
    UNLIKELY = 3  # a serial adapter or gadget: opening it may reset what hangs on it, so only a person names it


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device that may be a modem, and why we think so."""

    device: Device
    likelihood: Likelihood
    why: str

    @property
    def asked(self) -> bool:
        """Whether it is probed unless a person says otherwise."""
        return self.likelihood is not Likelihood.UNLIKELY


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the machine found: candidates in the order of asking, UARTs in other use, and what to know."""

    candidates: tuple[Candidate, ...] = ()
    consoles: tuple[Device, ...] = ()
    notices: tuple[Notice, ...] = ()
    usage: Usage = field(default_factory=Usage)

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices to ask, likeliest first."""
        return tuple(candidate.device for candidate in self.candidates if candidate.asked)


def port_names(board: Board) -> dict[str, tuple[str, ...]]:
    """Return every port and QMI node with the other names it goes by: what `read_usage` wants.

    >>> tty = UsbTty("ttyUSB2", "/dev/ttyUSB2", by_id="/dev/serial/by-id/usb-Quectel_BG96-if02-port0")
    >>> port_names(Board((UsbDevice("1-1.4", "2c7c", "0296", (UsbInterface(2, ttys=(tty,)),)),)))["/dev/ttyUSB2"]
    ('/dev/pppgen/1-1.4-if02', '/dev/serial/by-id/usb-Quectel_BG96-if02-port0')
    """
    names: dict[str, tuple[str, ...]] = {}
    for device in board.usb:
        for interface in device.interfaces:
            for tty in interface.ttys:
                ours = link_name(device.path, interface.number) if tty.port_number == 0 else None
                names[tty.device] = tuple(name for name in (ours, tty.by_path, tty.by_id) if name)
            names |= dict.fromkeys(interface.wdm, ())
    return names | {uart.device: uart.aliases for uart in board.uarts}


def stable_name(usb_path: str, interface: int, tty: UsbTty) -> str:
    """Return a name that survives renumbering: our udev link where it is or will be, else by-path.

    A further port of a multi-port serial adapter has no link of ours; without by-path it has only its node.
    """
    ours = link_name(usb_path, interface)
    if tty.port_number:
        return tty.by_path or f"/dev/{tty.name}"
    return ours if tty.ours == ours else tty.by_path or ours


def with_our_names(device: Device) -> Device:
    """Return the device as it will be named once 70-pppgen.rules is installed: what setup renders."""
    shared = [port.interface for port in device.ports]
    return replace(
        device,
        ports=tuple(
            port
            if port.interface is None or shared.count(port.interface) > 1
            else replace(port, stable=link_name(device.usb_path, port.interface))
            for port in device.ports
        ),
    )


def usb_device(facts: UsbDevice, usage: Usage) -> Device:
    """Return the facts of a USB device as the noun that travels on."""
    ports = [
        Port(
            device=tty.device,
            stable=stable_name(facts.path, interface.number, tty),
            usb_path=facts.path,
            interface=interface.number,
            driver=interface.driver,
            by_path=tty.by_path,
            by_id=tty.by_id,
            holder=usage.holder_of(tty.device),
        )
        for interface in facts.interfaces
        for tty in interface.ttys
    ]
    return Device(
        usb_path=facts.path,
        vid=facts.vid,
        pid=facts.pid,
        ports=tuple(ports),
        manufacturer=facts.manufacturer,
        product=facts.product,
        serial=facts.serial,
        net=tuple(name for interface in facts.interfaces for name in interface.net),
        wdm=tuple(node for interface in facts.interfaces for node in interface.wdm),
    )


def uart_device(facts: Uart, usage: Usage) -> Device:
    """Return a UART as a device of one port, which keeps its node's name: the board does not renumber it."""
    port = Port(
        device=facts.device,
        stable=f"/dev/{facts.name}",
        usb_path=None,
        interface=None,
        holder=usage.holder_of(facts.device),
    )
    return Device(usb_path="", vid="", pid="", ports=(port,))


def judge(facts: UsbDevice) -> tuple[Likelihood, str] | None:
    """Return how likely a USB device is a modem, and why; `None` for one without serial or QMI ports.

    >>> judge(UsbDevice("1-1.4", "2c7c", "0296", (UsbInterface(2, ttys=(UsbTty("ttyUSB2", "/dev/ttyUSB2"),)),)))
    (<Likelihood.KNOWN: 0>, 'Quectel BG96 by its USB identity')
    """
    used = [interface for interface in facts.interfaces if interface.ttys or interface.wdm]
    if not used:
        return None
    families = candidates(facts.vid, facts.pid)
    if families:
        return Likelihood.KNOWN, f"{families[0].title} by its USB identity"
    if any(interface.wdm for interface in used):
        return Likelihood.LIKELY, "it has a QMI or MBIM control port"
    driver = next((interface.driver for interface in used if interface.driver in _MODEM_DRIVERS), None)
    if driver:
        return Likelihood.LIKELY, f"its driver {driver} is for modems"
    if facts.vid in MODEM_VENDORS:
        return Likelihood.LIKELY, f"{MODEM_VENDORS[facts.vid]} makes modems"
    if len([one for one in used if one.usb_class == _VENDOR_SPECIFIC and one.driver in _UNTOLD_DRIVERS]) > 1:
        return Likelihood.LIKELY, "it has several serial ports of a vendor's own class"
    if any(map(_speaks_at, used)) and any(interface.net for interface in facts.interfaces):
        return Likelihood.LIKELY, "it declares an AT port beside a network interface"
    return Likelihood.UNLIKELY, "a serial adapter or gadget; named with --port it is asked"


def _speaks_at(interface: UsbInterface) -> bool:
    kind = (interface.usb_class, interface.subclass)
    return kind == (_COMMUNICATIONS, _ACM) and interface.protocol in _AT_PROTOCOLS


def _lacking(facts: UsbDevice) -> Notice | None:
    """Return what a modem without a port lacks: it is recognised by its maker only."""
    maker = MODEM_VENDORS.get(facts.vid) or next((one.vendor for one in candidates(facts.vid, facts.pid)), None)
    if not maker or facts.ttys:
        return None
    who = f"{maker} {facts.vid}:{facts.pid} at USB {facts.path}"
    bare = [one.number for one in facts.interfaces if one.usb_class == _VENDOR_SPECIFIC and one.driver is None]
    if bare:
        numbers = ", ".join(map(str, bare))
        return Notice(
            "driver-not-bound",
            f"{who} has no serial port: no driver is bound to its vendor-specific interfaces {numbers}",
            f"modprobe option && echo {facts.vid} {facts.pid} > /sys/bus/usb-serial/drivers/option1/new_id",
            tuple(f"{facts.path}: interface {number} has no driver" for number in bare),
        )
    if facts.interfaces and all(one.usb_class == _MASS_STORAGE for one in facts.interfaces):
        return Notice(
            "not-mode-switched",
            f"{who} shows only a disk with its Windows drivers: it was not switched to modem mode",
            f"apt install usb-modeswitch    # then replug it, or: {_switch_command(facts)}",
            tuple(f"{facts.path}: interface {one.number} is mass storage (class 08)" for one in facts.interfaces),
        )
    net = [name for one in facts.interfaces for name in one.net]
    if net:
        return Notice(
            "network-only",
            f"{who} is in a network-only mode (ECM, RNDIS or HiLink): it has {', '.join(net)} and no port to dial on",
            f"ip address show {net[0]}    # such a modem dials by itself; its own web page may change that",
            tuple(f"{facts.path}: {name}" for name in net),
        )
    return None


def _switch_command(facts: UsbDevice) -> str:
    """Return usb_modeswitch's call: Huawei has a message of its own (`-J`), the others leave when they are ejected."""
    how = "-J" if facts.vid == "12d1" else "-K"
    return f"usb_modeswitch -v {facts.vid} -p {facts.pid} {how}"


def console_of(uart: Uart, board: Board, usage: Usage) -> str:
    """Return what uses a UART as a terminal for people, `""` when nothing does.

    >>> console_of(Uart("ttyS0", "/dev/ttyS0", ("/dev/serial0",)), Board(consoles=("serial0",)), Usage())
    'the kernel console (console=serial0)'
    """
    names = {uart.name, *(alias.removeprefix("/dev/") for alias in uart.aliases)}
    for console in board.consoles:
        if console in names:
            return f"the kernel console (console={console})"
    if uart.device != f"/dev/{uart.name}":  # a tree of another machine: its gettys do not run here
        return ""
    for process in usage.processes:
        words = {word.removeprefix("/dev/") for word in process.words}
        if process.name in _GETTYS and words & names:
            return f"a login prompt ({process.name}, pid {process.pid})"
    return ""


def discover(board: Board, usage: Usage) -> Found:
    """Return the candidates in the order of asking, and what a person should know of the rest."""
    judged = [(facts, judge(facts)) for facts in board.usb]
    usb = [Candidate(usb_device(facts, usage), *verdict) for facts, verdict in judged if verdict]
    free: list[Candidate] = []
    consoles: list[Device] = []
    notices = [notice for facts in board.usb if (notice := _lacking(facts))]
    has_modem = any(candidate.asked for candidate in usb)
    for uart in board.uarts:
        device = uart_device(uart, usage)
        if console := console_of(uart, board, usage):
            consoles.append(device)
            notices += [] if has_modem else [_console_notice(uart, console)]
        else:
            free.append(Candidate(device, Likelihood.UART, "a serial port of the board that nothing uses"))
    if free and not has_modem:
        notices.append(Notice("no-usb-modem", "no modem on USB; only a UART may have one", "\n".join(_WHEN_UNSEEN)))
    order = sorted([*usb, *free], key=lambda candidate: candidate.likelihood)  # stable: by USB path within each
    return Found(tuple(order), tuple(consoles), (*notices, *_usage_notices(order, usage)), usage)


def _console_notice(uart: Uart, console: str) -> Notice:
    return Notice(
        "uart-console",
        f"{uart.device} is not asked: {console} uses it",
        "raspi-config    # Interface Options, Serial Port: no login shell, but the port enabled; then reboot",
        (console,),
    )


def _usage_notices(order: Iterable[Candidate], usage: Usage) -> Iterable[Notice]:
    if any(candidate.device.ports for candidate in order) and not usage.complete:
        yield Notice(
            "holders-unknown",
            "without root a port that shows no holder may still be held by another user's process",
            "sudo pppgen ports",
        )
    for lock in usage.stale_locks:
        yield Notice(
            "stale-lock",
            f"{lock.path} locks {lock.device} for a process that is gone",
            f"rm {lock.path}",
            (f"pid {lock.pid} does not run" if lock.pid else "it names no process",),
        )


def no_modem(board: Board, found: Found) -> NoModem:
    """Return the error that says what was looked for and what a modem looks like that cannot be seen."""
    hubs = {"1d6b"}  # the Linux Foundation's vendor id: the root hubs
    devices = [device for device in board.usb if device.vid not in hubs]
    about = "; ".join(notice.message for notice in found.notices if notice.code in EXPLAINS)
    message = (
        f"no modem found among {len(devices)} USB device{'' if len(devices) == 1 else 's'} and "
        f"{len(board.uarts)} UART{'' if len(board.uarts) == 1 else 's'} (looked for serial and QMI ports)"
    )
    hints = [notice.hint for notice in found.notices if notice.code in EXPLAINS and notice.hint]
    return NoModem(f"{message}: {about}" if about else message, hint="\n".join([*hints, *_WHEN_UNSEEN]))


_WHEN_UNSEEN = (
    "lsusb    # a modem that is on is listed: Quectel 2c7c, SIMCom 1e0e, Telit 1bc7, Sierra 1199, Huawei 12d1",
    "hold the HAT's PWRKEY for 2 s and wait 15 s    # switched off, its status light is dark and USB shows nothing",
    "plug the HAT's own USB cable into the board    # the 40-pin header alone carries at most a UART",
    "vcgencmd get_throttled    # not 0x0: the supply is too weak for a modem's bursts; use 5 V, 3 A",
    "lsusb -t    # Class=Mass Storage under the modem's id: not mode-switched; apt install usb-modeswitch",
)
