"""The names that our udev rule gives, and the rule that keeps ModemManager off one modem: texts only, no file touched.

A USB path becomes part of a rule and of a path in a file that root's pppd reads, so it is checked against the kernel's
grammar here, wherever it came from.
"""

from pppgen.errors import BadValue
from pppgen.values import usb_path as checked_usb_path

LINK_FOLDER = "/dev/pppgen"

# Shipped in etc/udev/; behind 60-serial.rules, whose by-path names stay beside ours.
NAMES_RULE = "70-pppgen.rules"

# Rendered for one modem. ModemManager's own rules end with 80-mm-candidate.rules, and what that one sets must be taken
# back behind it.
MODEM_MANAGER_RULE = "85-pppgen-modemmanager.rules"


def link_name(usb_path: str, interface: int) -> str:
    """Return the name that 70-pppgen.rules gives to a port; the interface is written as sysfs does, in hexadecimal.

    >>> link_name("1-1.4", 2)
    '/dev/pppgen/1-1.4-if02'
    """
    if not 0 <= interface <= 0xFF:
        raise BadValue(f"not a USB interface number: {interface}")
    return f"{LINK_FOLDER}/{checked_usb_path(usb_path)}-if{interface:02x}"


def modem_manager_rule(usb_path: str) -> str:
    """Return the rule file that keeps ModemManager off the modem at this USB path, and off no other.

    `ID_MM_DEVICE_IGNORE` keeps it away at the next start. A ModemManager that holds the ports already lets go of a port
    that loses `ID_MM_CANDIDATE` in a `change` event (`system.udevadm.apply_rules`); whether it did is seen in /proc.
    """
    path = checked_usb_path(usb_path)
    return f"""\
# Written by pppgen: ModemManager leaves the modem at USB path {path} alone, because pppgen drives it.
# `pppgen rollback` removes this file; every other modem stays ModemManager's.
ACTION=="remove", GOTO="pppgen_modemmanager_end"
SUBSYSTEM!="usb|usbmisc|tty|net|wwan", GOTO="pppgen_modemmanager_end"
SUBSYSTEMS=="usb", KERNELS=="{path}", ENV{{ID_MM_DEVICE_IGNORE}}="1", ENV{{ID_MM_PORT_IGNORE}}="1", \
ENV{{ID_MM_CANDIDATE}}=""
LABEL="pppgen_modemmanager_end"
"""
