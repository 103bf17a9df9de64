"""How well it hears: AT+CSQ, AT+CESQ, AT+QCSQ, AT^HCSQ, and the radio words of every maker."""

from collections.abc import Callable, Sequence

from pppgen.at.replies.fields import Unread, after, at, fields, number, unread
from pppgen.model import Signal

# The makers' names of a radio access technology, upper case, longest first where one holds another.
_RATS: tuple[tuple[str, str], ...] = (
    ("NOSERVICE", ""),
    ("NO SERVICE", ""),
    ("CAT-M", "lte-m"),
    ("EMTC", "lte-m"),
    ("CAT-NB", "nb-iot"),
    ("NB-IOT", "nb-iot"),
    ("NBIOT", "nb-iot"),
    ("NB1", "nb-iot"),
    ("NR5G", "nr5g"),
    ("NR", "nr5g"),
    ("LTE", "lte"),
    ("TDSCDMA", "td-scdma"),
    ("TD-SCDMA", "td-scdma"),
    ("WCDMA", "wcdma"),
    ("HSPA", "wcdma"),
    ("HSDPA", "wcdma"),
    ("HSUPA", "wcdma"),
    ("UMTS", "wcdma"),
    ("UTRAN", "wcdma"),
    ("EDGE", "gsm"),
    ("EGPRS", "gsm"),
    ("GPRS", "gsm"),
    ("GSM", "gsm"),
    ("HDR", "cdma"),
    ("EVDO", "cdma"),
    ("CDMA", "cdma"),
)


def rat_of(word: str) -> str:
    """Return a maker's word for a technology in ours; empty for no service or a word nobody knows.

    >>> rat_of("eMTC"), rat_of("CAT-M1"), rat_of("NBIoT"), rat_of("FDD LTE"), rat_of("NOSERVICE")
    ('lte-m', 'lte-m', 'nb-iot', 'lte', '')
    """
    upper = word.upper()
    return next((rat for name, rat in _RATS if name in upper), "")


def csq(lines: Sequence[str]) -> Signal | Unread:
    """Return the RSSI of `AT+CSQ` (TS 27.007 8.5); 99 and 199 are unknown, 100 to 191 are TD-SCDMA's and LTE's form.

    >>> csq(["+CSQ: 22,99"]), csq(["+CSQ: 99,99"])
    (Signal(rssi_dbm=-69, rsrp_dbm=None, rsrq_db=None, sinr_db=None, rat=''), Signal(rssi_dbm=None, rsrp_dbm=None, \
rsrq_db=None, sinr_db=None, rat=''))
    """
    for text in after(lines, "+CSQ"):
        level = number(at(fields(text), 0))
        if level is None:
            continue
        if 0 <= level <= 31:
            return Signal(rssi_dbm=2 * level - 113)
        if 100 <= level <= 191:
            return Signal(rssi_dbm=level - 216)
        if level in {99, 199}:
            return Signal()
    return unread(lines)


def _scaled(text: str, highest: int, scale: Callable[[int], int]) -> int | None:
    value = number(text)
    return scale(value) if value is not None and 0 <= value <= highest else None


def cesq(lines: Sequence[str]) -> Signal | Unread:
    """Return the figures of `AT+CESQ` (TS 27.007 8.69): rxlev, ber, rscp, ecno, rsrq, rsrp; 99 and 255 are unknown.

    >>> cesq(["+CESQ: 99,99,255,255,20,51"])
    Signal(rssi_dbm=None, rsrp_dbm=-90, rsrq_db=-10, sinr_db=None, rat='')
    """
    for text in after(lines, "+CESQ"):
        found = fields(text)
        if len(found) < 6 or any(number(at(found, index)) is None for index in range(6)):
            continue
        rxlev = _scaled(at(found, 0), 63, lambda value: value - 111)
        rscp = _scaled(at(found, 2), 96, lambda value: value - 121)
        return Signal(
            rssi_dbm=rxlev if rxlev is not None else rscp,
            rsrq_db=_scaled(at(found, 4), 34, lambda value: (value - 40) // 2),
            rsrp_dbm=_scaled(at(found, 5), 97, lambda value: value - 141),
        )
    return unread(lines)


def _dbm(text: str) -> int | None:
    """A plain figure in dB or dBm; Quectel writes 0 or -32768 for "not measured"."""
    value = number(text)
    return value if value is not None and -200 < value < 0 else None


def _sinr(text: str) -> float | None:
    """Quectel's and Huawei's SINR: 0 to 250 in fifths of a decibel from -20."""
    value = number(text)
    return round(value / 5 - 20, 1) if value is not None and 0 <= value <= 250 else None


def qcsq(lines: Sequence[str]) -> Signal | Unread:
    """Return the figures of Quectel's `AT+QCSQ`; the technology's name differs by firmware, NR5G has three figures.

    >>> qcsq(['+QCSQ: "CAT-M1",-62,-92,93,-14'])
    Signal(rssi_dbm=-62, rsrp_dbm=-92, rsrq_db=-14, sinr_db=-1.4, rat='lte-m')
    >>> qcsq(['+QCSQ: "NOSERVICE"']).usable
    False
    """
    for text in after(lines, "+QCSQ"):
        found = fields(text)
        mode = at(found, 0)
        rat = rat_of(mode)
        if not rat:
            if "SERVICE" in mode.upper():
                return Signal()
            continue
        if rat == "nr5g":  # <rsrp>,<sinr>,<rsrq>, the SINR in plain decibels
            plain = number(at(found, 2))
            sinr = float(plain) if plain is not None and -40 <= plain <= 60 else None
            return Signal(rsrp_dbm=_dbm(at(found, 1)), sinr_db=sinr, rsrq_db=_dbm(at(found, 3)), rat=rat)
        if rat in {"gsm", "wcdma", "td-scdma", "cdma"}:
            return Signal(rssi_dbm=_dbm(at(found, 1)), rat=rat)
        return Signal(
            rssi_dbm=_dbm(at(found, 1)),
            rsrp_dbm=_dbm(at(found, 2)),
            sinr_db=_sinr(at(found, 3)),
            rsrq_db=_dbm(at(found, 4)),
            rat=rat,
        )
    return unread(lines)


def hcsq(lines: Sequence[str]) -> Signal | Unread:
    """Return the figures of Huawei's `AT^HCSQ?`: the same encoding as `AT+CESQ`, RSSI from -121 dBm.

    >>> hcsq(['^HCSQ: "LTE",45,34,106,19'])
    Signal(rssi_dbm=-76, rsrp_dbm=-107, rsrq_db=-11, sinr_db=1.2, rat='lte')
    """
    for text in after(lines, "^HCSQ"):
        found = fields(text)
        rat = rat_of(at(found, 0))
        if not rat:
            if "SERVICE" in at(found, 0).upper():
                return Signal()
            continue
        rssi = _scaled(at(found, 1), 96, lambda value: value - 121)
        if rat != "lte":
            return Signal(rssi_dbm=rssi, rat=rat)
        return Signal(
            rssi_dbm=rssi,
            rsrp_dbm=_scaled(at(found, 2), 97, lambda value: value - 141),
            sinr_db=_sinr(at(found, 3)),
            rsrq_db=_scaled(at(found, 4), 34, lambda value: (value - 40) // 2),
            rat=rat,
        )
    return unread(lines)


READERS: dict[str, Callable[[Sequence[str]], Signal | Unread]] = {
    "AT+CSQ": csq,
    "AT+CESQ": cesq,
    "AT+QCSQ": qcsq,
    "AT^HCSQ?": hcsq,
}
"""The parser of each signal query that a family's dialect may name; `AT+CPSI?` is `network.cpsi`'s."""
