"""One short try of udhcpc with our own script, which only tells: the bearer sets up what it got, and takes it back."""

import os
from collections.abc import Callable

from pppgen.bearers.ears import Ears, read_words
from pppgen.bearers.qmi_parts import QmiSetup
from pppgen.errors import MissingProgram
from pppgen.lease_cause import Dhcp
from pppgen.model import Lease
from pppgen.programs import qmi_calls, udhcpc
from pppgen.programs.udhcpc import ScriptLine
from pppgen.system.follow import new_log
from pppgen.system.spawn import program

EVENTS = "udhcpc.events"
_LOG = "udhcpc.log"
_TRY_S = 10.0  # three discovers, a second apart, take 3.1 s; an offer that is then asked for a little more


def ask(ears: Ears, setup: QmiSetup, interface: str, say: Callable[[str], None]) -> tuple[Dhcp, Lease | None]:
    """Return what came of DHCP on the interface, which must be up.

    Raises:
        MissingProgram: no udhcpc; and whatever the ears raise.
    """
    path = setup.folder / EVENTS
    os.close(new_log(path))
    ears.run(
        _argv(setup, interface),
        setup.folder / _LOG,
        _TRY_S,
        environment={udhcpc.EVENTS: str(path)},
    )
    heard = [found for line in read_words(path) if (found := udhcpc.script_line(line)) is not None]
    for one in heard:
        if one.event != "deconfig":
            say(f"udhcpc: {one.event}{' ' + one.address if one.address else ''}")
    return _outcome(heard, interface)


def _argv(setup: QmiSetup, interface: str) -> tuple[str, ...]:
    """Return the command line; busybox has udhcpc in it where Debian's package of that name is missing."""
    options = udhcpc.call_argv(interface, str(setup.script))[1:]
    try:
        return (program(setup.programs.udhcpc), *options)
    except MissingProgram:
        return (setup.programs.busybox, "udhcpc", *options)


def _outcome(heard: list[ScriptLine], interface: str) -> tuple[Dhcp, Lease | None]:
    """Return what the script's lines mean; the last word counts."""
    for one in reversed(heard):
        match one.event:
            case "bound" | "renew" if qmi_calls.usable_address(one.address):
                return Dhcp.ANSWERED, _lease(one, interface)
            case "bound" | "renew":
                return Dhcp.LINK_LOCAL, None
            case "nak":
                return Dhcp.REFUSED, None
            case _:
                pass
    return Dhcp.UNANSWERED, None


def _lease(one: ScriptLine, interface: str) -> Lease:
    return Lease(
        one.address,
        interface,
        dns=tuple(server for server in one.dns if qmi_calls.usable_address(server)),
        mtu=qmi_calls.mtu(one.mtu),
        prefix=qmi_calls.prefix(one.address, one.mask),
        gateway=one.gateway if qmi_calls.usable_address(one.gateway) else "",
    )
