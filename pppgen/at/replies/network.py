"""Where it is registered: AT+COPS?, AT+CREG?/CGREG?/CEREG?, AT+QNWINFO, AT+CPSI?."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pppgen.at.replies.fields import Unread, after, at, bare, fields, number, unread
from pppgen.at.replies.signal import rat_of
from pppgen.model import Registration, RegistrationStat, Signal

# <AcT> of TS 27.007 7.3; 8 and 9 as Quectel, SIMCom and u-blox use them (the standard's 8 is EC-GSM-IoT).
_ACTS = {
    0: "gsm",
    1: "gsm",
    2: "wcdma",
    3: "gsm",
    4: "wcdma",
    5: "wcdma",
    6: "wcdma",
    7: "lte",
    8: "lte-m",
    9: "nb-iot",
    10: "lte",
    11: "nr5g",
    12: "nr5g",
    13: "lte",
}
_STATS = {
    0: RegistrationStat.NOT_REGISTERED,
    1: RegistrationStat.HOME,
    2: RegistrationStat.SEARCHING,
    3: RegistrationStat.DENIED,
    4: RegistrationStat.UNKNOWN,
    5: RegistrationStat.ROAMING,
    6: RegistrationStat.LIMITED,  # SMS only, home
    7: RegistrationStat.LIMITED,  # SMS only, roaming
    8: RegistrationStat.LIMITED,  # emergency only
    9: RegistrationStat.HOME,  # CSFB not preferred, home
    10: RegistrationStat.ROAMING,  # CSFB not preferred, roaming
}
_HEX = re.compile(r"[0-9A-Fa-f]{1,10}")


@dataclass(frozen=True, slots=True)
class Operator:
    """`AT+COPS?`: the mode (0 automatic, 1 manual, 2 deregistered), the operator's name or number, the technology."""

    mode: int
    name: str = ""
    rat: str = ""


@dataclass(frozen=True, slots=True)
class Serving:
    """The cell that serves: technology, PLMN digits, band as the modem names it, channel number."""

    rat: str
    plmn: str = ""
    band: str = ""
    channel: str = ""


def act_name(act: str) -> str:
    """Return a technology's name for an <AcT> number; empty for one that nobody defined.

    >>> act_name("8"), act_name("7"), act_name("")
    ('lte-m', 'lte', '')
    """
    value = number(act)
    return _ACTS.get(value, "") if value is not None else ""


def cops(lines: Sequence[str]) -> Operator | Unread:
    """Return what `AT+COPS?` tells; an operator's name may hold commas and ampersands.

    >>> cops(['+COPS: 0,0,"AT&T Twilio",8'])
    Operator(mode=0, name='AT&T Twilio', rat='lte-m')
    >>> cops(["+COPS: 0"])
    Operator(mode=0, name='', rat='')
    """
    for text in after(lines, "+COPS"):
        found = fields(text)
        mode = number(at(found, 0))
        if mode is not None and 0 <= mode <= 4:
            return Operator(mode, at(found, 2), act_name(at(found, 3)))
    return unread(lines)


def registration(lines: Sequence[str]) -> Registration | Unread:
    """Return a registration from a query's answer (`<n>,<stat>…`) or from a URC (`<stat>…`).

    They are told apart by the second field: a small bare number is <stat>, a quoted one is the area.

    >>> registration(["+CGREG: 0,4"]).stat.value
    'unknown'
    >>> registration(['+CEREG: 5,"1A2D","08F3A10B",8'])
    Registration(domain='cereg', stat=<RegistrationStat.ROAMING: 'roaming'>, area='1A2D', cell='08F3A10B', act='lte-m')
    """
    for domain in ("+CEREG", "+CGREG", "+CREG"):
        for text in after(lines, domain):
            found = fields(text)
            solicited = len(found) > 1 and re.fullmatch(r"[0-9]{1,2}", found[1]) is not None
            rest = found[1:] if solicited else found
            stat = number(at(rest, 0))
            if stat is None or stat not in _STATS:
                continue
            return Registration(
                domain=domain[1:].lower(),
                stat=_STATS[stat],
                area=_hex(at(rest, 1)),
                cell=_hex(at(rest, 2)),
                act=act_name(at(rest, 3)),
            )
    return unread(lines)


def _hex(text: str) -> str:
    return text.upper() if _HEX.fullmatch(text) else ""


def qnwinfo(lines: Sequence[str]) -> Serving | Unread:
    """Return the serving cell of Quectel's `AT+QNWINFO`.

    >>> qnwinfo(['+QNWINFO: "eMTC","20408","LTE BAND 20",6400'])
    Serving(rat='lte-m', plmn='20408', band='LTE BAND 20', channel='6400')
    >>> qnwinfo(["+QNWINFO: No Service"])
    Serving(rat='', plmn='', band='', channel='')
    """
    for text in after(lines, "+QNWINFO"):
        found = fields(text)
        rat = rat_of(at(found, 0))
        if rat and len(found) >= 3:
            return Serving(rat, at(found, 1), at(found, 2), at(found, 3))
        if "SERVICE" in text.upper() or bare(text) == "":
            return Serving("")
    return unread(lines)


def _tenths(text: str, worst: int) -> int | None:
    """A figure in dB that some SIM7600 firmware writes in tenths: more than `worst` can only be tenths."""
    value = number(text)
    if value is None or value >= 0:
        return None
    return value if value >= worst else round(value / 10)


def cpsi(lines: Sequence[str]) -> tuple[Serving, Signal] | Unread:
    """Return the serving cell and the signal of SIMCom's `AT+CPSI?`; LTE ends in RSRQ, RSRP, RSSI and SINR.

    >>> cpsi(["+CPSI: LTE,Online,310-410,0x7C11,12345678,456,EUTRAN-BAND3,1850,5,5,-98,-1010,-765,15"])[0]
    Serving(rat='lte', plmn='310410', band='EUTRAN-BAND3', channel='1850')
    >>> cpsi(["+CPSI: NO SERVICE,Online"])[1].usable
    False
    """
    for text in after(lines, "+CPSI"):
        found = fields(text)
        mode = at(found, 0)
        rat = rat_of(mode)
        if not rat:
            if "SERVICE" in mode.upper():
                return Serving(""), Signal()
            continue
        plmn = at(found, 2).replace("-", "")
        if rat in {"lte", "lte-m", "nb-iot"} and len(found) >= 13:
            sinr = number(at(found, 13))
            signal = Signal(
                rsrq_db=_tenths(at(found, 10), -40),
                rsrp_dbm=_tenths(at(found, 11), -200),
                rssi_dbm=_tenths(at(found, 12), -200),
                sinr_db=float(sinr) if sinr is not None and -40 <= sinr <= 60 else None,
                rat=rat,
            )
            return Serving(rat, plmn, at(found, 6), at(found, 7)), signal
        return Serving(rat, plmn), Signal(rat=rat)
    return unread(lines)
