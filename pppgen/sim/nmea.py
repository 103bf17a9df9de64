"""The sentences of a receiver that has no fix: what a modem's NMEA port says each second."""

from functools import reduce
from operator import xor


def sentence(body: str) -> bytes:
    r"""Return `body` between `$` and its checksum (NMEA 0183: exclusive or of all characters).

    >>> sentence("GPGSA,A,1,,,,,,,,,,,,,,,")
    b'$GPGSA,A,1,,,,,,,,,,,,,,,*1E\r\n'
    """
    return f"${body}*{reduce(xor, body.encode(), 0):02X}\r\n".encode()


def second(number: int) -> bytes:
    """Return the sentences of second `number` since start.

    >>> second(61).startswith(b"$GPRMC,000101.00,V,")
    True
    """
    clock = f"{number // 3600 % 24:02}{number // 60 % 60:02}{number % 60:02}.00"
    return b"".join(
        sentence(body)
        for body in (
            f"GPRMC,{clock},V,,,,,,,060180,,,N",
            f"GPGGA,{clock},,,,,0,,,,,,,,",
            "GPVTG,,T,,M,,N,,K,N",
            "GPGSA,A,1,,,,,,,,,,,,,,,",
            "GPGSV,1,1,00,,",
        )
    )
