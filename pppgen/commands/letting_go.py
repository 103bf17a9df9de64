"""Sees ModemManager let go of the modem that setup has just taken from it by a udev rule."""

from pppgen.commands.present import working
from pppgen.commands.survey import MODEM_MANAGER
from pppgen.model import Device, Notice
from pppgen.system import udevadm
from pppgen.system.release import await_release

_SOON_S = 8.0
_LATER_S = 22.0
"""As long as it takes to give up six questions of three seconds, which it asks of a port that does not answer."""


def see_it_let_go(device: Device) -> Notice | None:
    """Wait until /proc shows that ModemManager has none of the modem's nodes open; a notice names it where it has.

    It heeds the rule when it hears of a `change`; one that was just starting may have read udev's old word after it.
    """
    nodes = [*(port.device for port in device.ports), *device.wdm]
    if await_release(nodes, MODEM_MANAGER, 0.0) is None:
        return None
    with working("waiting for ModemManager to let go of the modem …"):
        holder = await_release(nodes, MODEM_MANAGER, _SOON_S)
        if holder is not None:
            udevadm.apply_rules(device.usb_path)
            holder = await_release(nodes, MODEM_MANAGER, _LATER_S)
    if holder is None:
        return None
    return Notice(
        "modem-manager-holds",
        f"ModemManager, pid {holder.pid}, still holds the modem, although a udev rule tells it to leave it alone",
        "sudo systemctl restart ModemManager    # from its start on it heeds the rule",
    )
