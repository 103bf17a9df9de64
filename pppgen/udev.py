"""The names that our udev rule gives, and the rule that keeps ModemManager off one modem: texts only, no file touched.

A USB path becomes part of a rule and of a path in a file that root's pppd reads, so it is checked against the kernel's
grammar here, wherever it came from.
"""

import re

from pppgen.errors import BadValue

LINK_FOLDER = "/dev/pppgen"

# Shipped in etc/udev/; behind 60-serial.rules, whose by-path names stay beside ours.
NAMES_RULE = "70-pppgen.rules"

# Rendered for one modem. ModemManager's own rules end with 80-mm-candidate.rules, and what that one sets must be taken
# back behind it.
MODEM_MANAGER_RULE = "85-pppgen-modemmanager.rules"

_USB_PATH = re.compile(r"[0-9]{1,4}-[0-9]{1,3}(\.[0-9]{1,3}){0,6}")


def checked_usb_path(usb_path: str) -> str:
    """Return the path if the kernel could have given it; `BadValue` if not.

    >>> checked_usb_path("1-1.4")
    '1-1.4'
    """
    if not _USB_PATH.fullmatch(usb_path):
        raise BadValue(f"not a USB path: {usb_path[:40]!r}", hint="pppgen ports    # a USB path looks like 1-1.4")
    return usb_path


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
    that loses `ID_MM_CANDIDATE` in a `change` event, so after installing it:
    `udevadm control --reload && udevadm trigger --action=change --subsystem-match=tty --subsystem-match=usbmisc
    --subsystem-match=net`, and look into /proc whether it did.
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
