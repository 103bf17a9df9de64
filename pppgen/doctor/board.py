"""The lower rungs: the kernel, the modem on its bus, its power, its ports and who else reaches for them."""

from pppgen.causes import cause
from pppgen.config import Config, Link
from pppgen.discovery import MODEM_VENDORS, no_modem
from pppgen.doctor.facts import Facts, Kernel, Missing
from pppgen.doctor.verdict import Answer, LoadModule, Unlock, Verdict, missing, ok
from pppgen.errors import NoPermission, PortBusy
from pppgen.model import BearerKind, Device, Holder, Notice, PortRole, Reason
from pppgen.programs.events import Kind
from pppgen.programs.kernel import KernelReader

MODEM_MANAGER = "ModemManager"
SUPPLY = "# use a supply of 5 V, 3 A (a Pi 5: 5 A) and a short cable; a HAT with its own supply input wants that used"

# vcgencmd get_throttled, as Raspberry Pi's documentation gives its bits.
_LOW_NOW, _LOW_SINCE_BOOT = 1 << 0, 1 << 16
_EXPLAINED = frozenset({"driver-not-bound", "not-mode-switched", "network-only"})
_SHOWN = 3  # lines of evidence of one kind


def kernel_ppp(facts: Facts) -> Answer:
    """PPP and its asynchronous framing, without which pppd ends at once."""
    if isinstance(facts.kernel, Missing):
        return missing(facts.kernel)
    wants_ppp = not isinstance(facts.config, Config) or BearerKind.PPP in facts.config.bearers
    return _driver(facts.kernel, ("ppp_generic", "ppp_async"), "pppd cannot dial", needed=wants_ppp)


def kernel_option(facts: Facts) -> Answer:
    """The driver of most modems' serial ports."""
    if isinstance(facts.kernel, Missing):
        return missing(facts.kernel)
    bare = any(notice.code == "driver-not-bound" for notice in facts.found.notices)
    return _driver(facts.kernel, ("option",), "most modems get no serial ports", needed=bare)


def kernel_qmi(facts: Facts) -> Answer:
    """The driver of the QMI network interface."""
    if isinstance(facts.kernel, Missing):
        return missing(facts.kernel)
    wants_qmi = not isinstance(facts.config, Config) or BearerKind.QMI in facts.config.bearers
    if not wants_qmi:
        return Answer(Verdict.SKIP, "pppgen.toml's `bearers` does not name qmi")
    return _driver(facts.kernel, ("qmi_wwan",), "only PPP is possible", needed=False)


def _driver(kernel: Kernel, names: tuple[str, ...], without: str, *, needed: bool) -> Answer:
    words = " and ".join(names)
    absent = tuple(name for name in names if name not in kernel.present)
    if not absent:
        return ok(f"{words}: in the running kernel {kernel.release}")
    if set(absent) <= kernel.loadable:
        return ok(f"{words}: loaded when needed (kernel {kernel.release})")
    verdict = Verdict.FAIL if needed else Verdict.WARN
    seen = f"kernel {kernel.release} has no {' and no '.join(absent)}: {without}"
    if kernel.replaced:
        fix = ("sudo reboot    # the kernel was upgraded, and the modules of the running one are gone",)
        return Answer(verdict, seen, (f"/lib/modules/{kernel.release} does not exist",), fix)
    fix = ("# use the distribution's own kernel, or one with CONFIG_PPP, CONFIG_PPP_ASYNC, CONFIG_USB_SERIAL_OPTION,",)
    return Answer(verdict, seen, fix=(*fix, "# CONFIG_USB_NET_QMI_WWAN; in a container these are the host's"))


def usb_device(facts: Facts) -> Answer:
    """A modem on the bus, and at the place where setup found it."""
    link = facts.link if isinstance(facts.link, Link) else None
    if facts.modems:
        lines = tuple(_described(device) for device in facts.modems)
        here = {device.usb_path for device in facts.modems}
        if link and link.usb_path and link.usb_path not in here:
            seen = f"the modem that setup chose, at USB {link.usb_path}, is not there; another one is"
            return Answer(Verdict.FAIL, seen, lines, (f"sudo pppgen setup --apn {link.apn}    # for the one there is",))
        return ok(lines[0], *lines[1:])
    uarts = [port.device for one in facts.found.devices for port in one.ports]
    if uarts and (link is None or not link.usb_path):
        return ok(f"no modem on USB; {', '.join(uarts)} may have one wired to it")
    if _explained(facts):
        return Answer(Verdict.FAIL, "a modem is on the bus, but none of its ports can be used: see the next rung")
    error = no_modem(facts.board, facts.found)
    return Answer(Verdict.FAIL, error.message, fix=tuple(error.hint.splitlines()))


def _described(device: Device) -> str:
    maker = MODEM_VENDORS.get(device.vid, "")
    name = " ".join(filter(None, (device.manufacturer or maker, device.product)))
    parts = [f"{len(device.ports)} serial port{'' if len(device.ports) == 1 else 's'}", *device.net]
    nodes = [node.rpartition("/")[2] for node in device.wdm]
    return f"{name or 'a modem'}, {device.vid}:{device.pid} at USB {device.usb_path}: {', '.join([*parts, *nodes])}"


def _explained(facts: Facts) -> list[Notice]:
    return [notice for notice in facts.found.notices if notice.code in _EXPLAINED]


def mode_switch(facts: Facts) -> Answer:
    """A modem that shows itself as a disk, as a network card only, or without a driver."""
    told = _explained(facts)
    if not told:
        if facts.modems:
            return ok("it shows its serial or QMI ports")
        return Answer(Verdict.SKIP, "no USB modem")
    verdict = Verdict.WARN if facts.modems else Verdict.FAIL
    evidence = tuple(line for notice in told for line in notice.evidence)
    fix = tuple(line for notice in told for line in notice.hint.splitlines())
    remedies: tuple[LoadModule, ...] = ()
    if any(notice.code == "driver-not-bound" for notice in told) and isinstance(facts.kernel, Kernel):
        absent = "option" not in facts.kernel.present and "option" in facts.kernel.loadable
        remedies = (LoadModule("option"),) if absent else ()
    return Answer(verdict, "; ".join(notice.message for notice in told), evidence, fix, remedies)


def power(facts: Facts) -> Answer:
    """The supply: what a Raspberry Pi measures, and what the kernel says of the bus."""
    low, faults = _kernel_words(facts)
    faulty = tuple(faults[-_SHOWN:])
    if isinstance(facts.throttled, int):
        bits = f"get_throttled is {facts.throttled:#x}"
        if facts.throttled & _LOW_NOW:
            return Answer(Verdict.FAIL, "the supply is too low now: a modem's bursts then reset it", (bits,), _LOW)
        if facts.throttled & _LOW_SINCE_BOOT:
            return Answer(Verdict.WARN, "the supply was too low since boot", (bits, *low[-_SHOWN:], *faulty), _LOW)
    if low:
        return Answer(Verdict.WARN, cause(Reason.UNDER_VOLTAGE).sentence, tuple(low[-_SHOWN:]), _LOW)
    if faulty:
        fix = (SUPPLY, "# or another cable, another USB port; a hub between needs its own supply")
        return Answer(Verdict.WARN, "the kernel reports faults on the USB bus", faulty, fix)
    if isinstance(facts.throttled, int):
        return ok("no under-voltage since boot", f"get_throttled is {facts.throttled:#x}")
    if isinstance(facts.kernel_log, Missing):
        return missing(facts.throttled if not facts.throttled.skip else facts.kernel_log)
    return ok("the kernel's log reports no under-voltage and no fault of the bus")


_LOW = (SUPPLY, "vcgencmd get_throttled    # 0x0 is right; bit 0 is now, bit 16 since boot")


def _kernel_words(facts: Facts) -> tuple[list[str], list[str]]:
    if isinstance(facts.kernel_log, Missing):
        return [], []
    reader = KernelReader()
    low: list[str] = []
    faults: list[str] = []
    for line in facts.kernel_log:
        for event in reader.read(line):
            if event.kind is Kind.UNDER_VOLTAGE:
                low.append(line)
            elif event.kind is Kind.USB_FAULT:
                faults.append(line)
    return low, faults


def holders(facts: Facts) -> Answer:
    """Who holds the ports, and the locks of those who are gone."""
    usage = facts.found.usage
    if not facts.found.devices:
        return Answer(Verdict.SKIP, "there is no port to hold")
    ours = {port.device for device in facts.found.devices for port in device.ports}
    ours |= {node for device in facts.found.devices for node in device.wdm}
    claims = [claim for claim in usage.claims if claim.device in ours]
    lines = tuple(f"{claim.device}: {_who(claim.holder)}, {claim.evidence}" for claim in claims)
    strangers = [claim for claim in claims if claim.holder.name not in _EXPECTED and claim.holder.pid not in facts.own]
    if usage.stale_locks:
        locks = tuple(Unlock(lock.path, lock.pid) for lock in usage.stale_locks)
        names = ", ".join(lock.path for lock in usage.stale_locks)
        fix = tuple(f"sudo rm {lock.path}" for lock in usage.stale_locks)
        return Answer(Verdict.WARN, f"{names}: a lock whose process is gone", lines, fix, locks)
    if strangers:
        names = ", ".join(dict.fromkeys(f"{claim.device} by {_who(claim.holder)}" for claim in strangers))
        fix = (f"ps -fp {strangers[0].holder.pid}    # what is it? end it where it is started from, not here",)
        return Answer(Verdict.WARN, f"held: {names}", lines, fix)
    if not usage.complete:
        return Answer(Verdict.UNKNOWN, "only root sees who holds a port", lines, ("sudo pppgen doctor",))
    names = ", ".join(dict.fromkeys(_who(claim.holder) for claim in claims))
    return ok(f"held by {names}" if names else "held by nobody", *lines)


_EXPECTED = frozenset({"pppd", "chat", "pppgen", "qmicli", "qmi-proxy", MODEM_MANAGER})
"""Programs that we run, under whatever supervisor; ModemManager has a rung of its own."""


def _who(holder: Holder) -> str:
    return f"{holder.name} (pid {holder.pid})"


def ports(facts: Facts) -> Answer:
    """A port that speaks AT, without which nothing else of the modem can be asked."""
    if isinstance(facts.asked, Missing):
        return missing(facts.asked)
    asked = facts.asked
    told = tuple(
        f"{seen.device}: {seen.role.value}{', ' + seen.note if seen.note else ''}"
        for _, seen in asked.outcome.ports
        if seen.role != "unprobed"
    )
    if asked.modem:
        same = asked.modem.dial == asked.modem.at
        note = ": the only one, so nothing can be asked while PPP runs" if same else ""
        return ok(f"{asked.modem.at.device} speaks AT{note}", *told)
    error = asked.error
    if error is None:
        return Answer(Verdict.UNKNOWN, "no port was asked", told)
    fix = tuple(error.hint.splitlines())
    if isinstance(error, NoPermission):
        return Answer(Verdict.UNKNOWN, error.message, told, ("sudo pppgen doctor",))
    if isinstance(error, PortBusy) and _held_by_pppd(facts):
        return Answer(Verdict.UNKNOWN, "pppd holds the modem's only AT port, so it is not asked", told)
    if any(seen.role is PortRole.SILENT for _, seen in asked.outcome.ports):
        fix = ("sudo pppgen probe    # also brings back a port that a crash left in data mode", *fix)
    return Answer(Verdict.FAIL, error.message, told, fix, exit=error.exit)


def _held_by_pppd(facts: Facts) -> bool:
    return any(claim.holder.name == "pppd" for claim in facts.found.usage.claims)


def modem_manager(facts: Facts) -> Answer:
    """Whether ModemManager runs, holds this modem, and was told to leave it alone."""
    if isinstance(facts.modem_manager, Missing):
        return missing(facts.modem_manager)
    if not facts.modem_manager:
        return ok("it does not run")
    held = [claim for claim in facts.found.usage.claims if claim.holder.name == MODEM_MANAGER]
    if held:
        names = ", ".join(dict.fromkeys(claim.device for claim in held))
        lines = tuple(f"{claim.device}: {claim.evidence}" for claim in held)
        rule = () if facts.modem_manager_rule else (_SETUP,)
        fix = ("sudo systemctl stop ModemManager    # until the next boot; a connection of its own ends", *rule)
        return Answer(Verdict.FAIL, f"it runs and holds {names}", lines, fix)
    if facts.modem_manager_rule:
        return ok("it runs, and leaves this modem alone by our udev rule")
    if not facts.modems:
        return ok("it runs, and there is no USB modem for it")
    return Answer(Verdict.WARN, "it runs and may take the modem at any time", fix=(_SETUP,))


_SETUP = "sudo pppgen setup --apn YOUR_APN    # installs the rule that keeps ModemManager off this modem"


def network_manager(facts: Facts) -> Answer:
    """Whether NetworkManager has a connection of its own over the modem."""
    if isinstance(facts.network_manager, Missing):
        return missing(facts.network_manager)
    names = {name for device in facts.modems for name in device.net}
    names |= {node.rpartition("/")[2] for device in facts.modems for node in device.wdm}
    names |= {port.device.rpartition("/")[2] for device in facts.modems for port in device.ports}
    own = [one for one in facts.network_manager if one.kind == "gsm" or one.name in names]
    taken = [one for one in own if one.state not in {"unmanaged", "unavailable"}]
    if not taken:
        return ok("it leaves the modem alone" if own else "it does not know the modem")
    lines = tuple(f"{one.name}: {one.kind}, {one.state}" for one in taken)
    fix = tuple(f"sudo nmcli device set {one.name} managed no" for one in taken)
    up = any(one.state.startswith("connected") for one in taken)
    words = "holds a connection over it" if up else "manages it and may connect at any time"
    return Answer(Verdict.FAIL if up else Verdict.WARN, f"it {words}", lines, fix)


def leftovers(facts: Facts) -> Answer:
    """What vendors' guides left behind and what fights for the modem."""
    told = [notice for notice in facts.found.notices if notice.code == "leftover"]
    if not told:
        return ok("none of the guides' own scripts and drivers is here")
    evidence = tuple(line for notice in told for line in notice.evidence)
    fix = tuple(f"sudo {notice.hint}" if notice.hint[:1].islower() else notice.hint for notice in told)
    return Answer(Verdict.WARN, "; ".join(notice.message for notice in told), evidence, fix)


def serial_console(facts: Facts) -> Answer:
    """A login prompt or the kernel's console on the UART that a HAT is wired to."""
    if not facts.board.uarts:
        return Answer(Verdict.SKIP, "this board has no UART")
    taken = [port for device in facts.found.consoles for port in device.ports]
    if not taken:
        return ok("no console is on a UART")
    names = ", ".join(port.device for port in taken)
    uart_wanted = isinstance(facts.link, Link) and not facts.link.usb_path
    needed = uart_wanted or not facts.modems
    fix = ("sudo raspi-config    # Interface Options, Serial Port: no login shell, port enabled; then reboot",)
    if uart_wanted and isinstance(facts.link, Link) and facts.link.device in {port.stable for port in taken}:
        return Answer(Verdict.FAIL, f"a console uses {names}, the port that setup chose", fix=fix)
    if needed:
        return Answer(Verdict.WARN, f"a console uses {names}: a modem wired there is not asked", fix=fix)
    return ok(f"a console uses {names}; the modem is on USB")
