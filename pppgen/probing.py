"""Asks the ports of the modems that discovery found: the catalog and the memory go in, what was seen comes out."""

from collections.abc import Iterable, Mapping

from pppgen.model import Device, ExpectedRole
from pppgen.modems.catalog import candidates
from pppgen.probe import Outcome, Probe, Remembered, candidates_of
from pppgen.system.exchange import carry_out


def expected_roles(device: Device) -> Mapping[int, ExpectedRole]:
    """Return what the catalog says of a modem's ports, by interface number; empty for one that it does not list.

    >>> expected_roles(Device("1-1.4", "2c7c", "0296", ()))[1].value
    'nmea'
    """
    for family in candidates(device.vid, device.pid):
        if layout := family.layout(device.vid, device.pid):
            return dict(layout.roles)
    return {}


def probe_devices(
    devices: Iterable[Device],
    remembered: Mapping[str, Remembered] | None = None,
    *,
    whole: bool = True,
    recover: bool = True,
) -> Outcome:
    """Return what the ports were seen to be; nothing is sent to a port with a holder.

    With `whole` every port is waited for and the dial port is told from the command port (1 to 6 s); without, the first
    right AT port is enough (two answers of the modem). `remembered` is by USB path.

    Raises:
        NoPermission: no port at all could be opened, for lack of the right to.
    """
    asked = tuple(devices)
    worked = remembered or {}
    roles = {device.usb_path: expected_roles(device) for device in asked if device.usb_path}
    return carry_out(Probe(candidates_of(asked, roles, worked), worked, whole=whole, recover=recover))
