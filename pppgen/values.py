"""What may go into a file that root's pppd executes: every value from outside passes here before anything is rendered.

Each function takes the text as it came and the name of the option it came by, and returns it unchanged or raises
`BadValue`, which names both (never the password). Nothing is repaired: a value that would need repair is one that
its owner wants to see again. What is accepted here still meets quoting in `render`; the two do not rely on each other.
"""

import re

from pppgen.errors import BadValue

# 3GPP TS 23.003 9.1: an APN is labels of RFC 1035 (letters, digits, hyphen inside), at most 100 octets as they are
# sent (a length octet before each label, so one more than the text with its dots). `_` is not in the grammar, but
# operators use it.
_APN_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
APN_MAX = 99
# Quectel's AT+QICSGP takes 127 octets, PAP and CHAP 255 (RFC 1334, 1994), chat reads lines of 1023.
CREDENTIAL_MAX = 127
# One path component for peers/, chatscripts/, linkname and the sed expression of Debian's poff: no dot, no regex.
_PROVIDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
# udev writes by-path names with these; a backslash or blank in a device name would need quoting nobody tested.
_DEVICE = re.compile(r"/dev(?:/[A-Za-z0-9_.:@+=,-]+)+")
DEVICE_MAX = 200
_USB_PATH = re.compile(r"[0-9]{1,3}-[0-9]{1,3}(?:\.[0-9]{1,3}){0,6}")
CID_MAX = 16  # 3GPP TS 27.007 10.1.1 leaves the range to the modem; sixteen is the largest seen (Qualcomm)
# Those of termios(3) that a modem's UART is set to; USB ports ignore the figure.
SPEEDS = (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1000000, 1500000, 2000000, 3000000, 4000000)

_SHOWN_MAX = 60


def apn(value: str, option: str = "--apn") -> str:
    """Return `value` if it is an access point name in the sense of 3GPP TS 23.003.

    >>> apn("iot.1nce.net")
    'iot.1nce.net'
    >>> apn('super"')
    Traceback (most recent call last):
    ...
    pppgen.errors.BadValue: --apn 'super"' is not an access point name: '"' is not allowed in one
    """
    hint = "an APN is letters, digits, '-', '_' and '.', such as iot.example.net; your SIM's vendor tells it"
    if not value:
        raise BadValue(f"{option} is empty", hint=hint)
    if len(value) > APN_MAX:
        raise BadValue(f"{option} {_shown(value)} has {len(value)} characters, {APN_MAX} are allowed", hint=hint)
    for char in value:
        if not (char == "." or _APN_LABEL.fullmatch(char) or char == "-"):
            raise BadValue(
                f"{option} {_shown(value)} is not an access point name: {char!r} is not allowed in one", hint=hint
            )
    for label in value.split("."):
        if not _APN_LABEL.fullmatch(label):
            raise BadValue(
                f"{option} {_shown(value)} is not an access point name: the part {_shown(label)} is empty, "
                f"longer than 63 characters, or begins or ends with '-'",
                hint=hint,
            )
    return value


def user(value: str, option: str = "--user") -> str:
    """Return `value` if pppd and the modem can carry it as a user name: printable ASCII, 1 to 127 characters.

    >>> user("web@telekom")
    'web@telekom'
    """
    fault = _credential_fault(value)
    if fault:
        raise BadValue(f"{option} {_shown(value)} {fault}", hint=_CREDENTIAL_HINT)
    return value


def password(value: str, option: str = "--password-file") -> str:
    r"""Return `value` if pppd and the modem can carry it: any printable ASCII, quotes too, 1 to 127 characters.

    The password never appears in the error.

    >>> password('a "b" \\T ^M')
    'a "b" \\T ^M'
    >>> password("topsecret\n")
    Traceback (most recent call last):
    ...
    pppgen.errors.BadValue: --password-file: the password has a control character at position 10
    """
    fault = _credential_fault(value)
    if fault:
        raise BadValue(f"{option}: the password {fault}", hint=_CREDENTIAL_HINT)
    return value


def provider(value: str, option: str = "--provider") -> str:
    """Return `value` if it can name `/etc/ppp/peers/NAME` and nothing else.

    >>> provider("provider")
    'provider'
    >>> provider("../cron.d/x")
    Traceback (most recent call last):
    ...
    pppgen.errors.BadValue: --provider '../cron.d/x' can't name a peers file
    """
    if not _PROVIDER.fullmatch(value):
        raise BadValue(
            f"{option} {_shown(value)} can't name a peers file",
            hint="a provider's name is up to 32 letters, digits, '-' and '_', and begins with a letter or digit",
        )
    return value


def cid(value: int, option: str = "--cid") -> int:
    """Return `value` if it is a PDP context number.

    >>> cid(1)
    1
    """
    if not 1 <= value <= CID_MAX:
        raise BadValue(f"{option} {value} is not a PDP context number", hint=f"it is 1 to {CID_MAX}; 1 is usual")
    return value


def speed(value: int, option: str = "--speed") -> int:
    """Return `value` if a serial port can be set to it.

    >>> speed(115200)
    115200
    """
    if value not in SPEEDS:
        raise BadValue(f"{option} {value} is not a serial speed", hint="one of " + ", ".join(map(str, SPEEDS)))
    return value


def device(value: str, option: str = "--device") -> str:
    """Return `value` if it names a node below /dev without a detour.

    >>> device("/dev/pppgen/1-1.4-if02")
    '/dev/pppgen/1-1.4-if02'
    >>> device("/dev/../etc/passwd")
    Traceback (most recent call last):
    ...
    pppgen.errors.BadValue: --device '/dev/../etc/passwd' is not the name of a port below /dev
    """
    parts = value.split("/")
    if len(value) > DEVICE_MAX or not _DEVICE.fullmatch(value) or ".." in parts or "." in parts:
        raise BadValue(
            f"{option} {_shown(value)} is not the name of a port below /dev",
            hint="such as /dev/ttyUSB2; see: pppgen ports",
        )
    return value


def usb_path(value: str, option: str = "--usb-path") -> str:
    """Return `value` if it is the kernel's name of a USB device: bus, dash, ports with dots.

    >>> usb_path("1-1.4")
    '1-1.4'
    """
    if not _USB_PATH.fullmatch(value):
        raise BadValue(f"{option} {_shown(value)} is not a USB path", hint="such as 1-1.4; see: pppgen ports")
    return value


_CREDENTIAL_HINT = (
    f"1 to {CREDENTIAL_MAX} printable ASCII characters: the modem's AT dialogue has no other (3GPP TS 27.007, IRA)"
)


def _credential_fault(value: str) -> str:
    if not value:
        return "is empty"
    if len(value) > CREDENTIAL_MAX:
        return f"has {len(value)} characters, {CREDENTIAL_MAX} are allowed"
    for position, char in enumerate(value, start=1):
        if not char.isascii():
            return f"has a character that is not ASCII at position {position}"
        if not char.isprintable():
            return f"has a control character at position {position}"
    return ""


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN_MAX else value[:_SHOWN_MAX] + "…")
