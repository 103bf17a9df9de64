"""Who the modem and its SIM are: ATI, AT+CGMI/CGMM/CGMR, IMEI, ICCID, IMSI."""

import re
from collections.abc import Sequence

from pppgen.at.replies.fields import Unread, bare, clean, unread
from pppgen.model import Identity

_LABELS = {
    "manufacturer": "manufacturer",
    "model": "model",
    "revision": "revision",
    "software version": "revision",
    "imei": "imei",
}
_PREFIX = re.compile(r"^[+^#!$][A-Za-z!]{2,10}[?]?:\s*")
_ICCID = re.compile(r"(?<![0-9A-Za-z])((?:89|98)[0-9]{16,18}[0-9A-Fa-f]{0,2})(?![0-9A-Za-z])")
_IMEI = re.compile(r"(?<![0-9])([0-9]{15})(?:[0-9]{0,2})(?![0-9])")
_IMSI = re.compile(r"(?<![0-9])([0-9]{6,15})(?![0-9])")


def _plain(line: str) -> str:
    return bare(clean(_PREFIX.sub("", line.strip())))


def identity(lines: Sequence[str]) -> Identity | Unread:
    """Return what `ATI` tells: labelled lines (SIMCom, Sierra, Huawei), maker, model, revision (Quectel), or a model.

    >>> identity(["Quectel", "BG96", "Revision: BG96MAR02A07M1G"])
    Identity(manufacturer='Quectel', model='BG96', revision='BG96MAR02A07M1G', imei='')
    >>> identity(["SIM7000E R1351"])
    Identity(manufacturer='', model='SIM7000E R1351', revision='', imei='')
    """
    told: dict[str, str] = {}
    loose: list[str] = []
    for line in lines[:16]:
        text = clean(line)
        head, colon, rest = text.partition(":")
        label = _LABELS.get(head.strip().lower())
        if colon and label:
            told.setdefault(label, clean(rest))
        elif text and not text.startswith(("+", "^", "#")) and not text.isdecimal() and not colon:
            loose.append(text)
    if loose and "model" not in told:
        first, *others = loose
        if others:
            told.setdefault("manufacturer", first)
            told["model"] = others[0]
            for revision in others[1:2]:
                told.setdefault("revision", revision)
        else:
            told["model"] = first
    if not told:
        return unread(lines)
    found = _IMEI.search(told.get("imei", ""))
    return Identity(
        manufacturer=told.get("manufacturer", ""),
        model=told.get("model", ""),
        revision=told.get("revision", ""),
        imei=found.group(1) if found else "",
    )


def word(lines: Sequence[str]) -> str | Unread:
    """Return the one line of `AT+CGMI`, `AT+CGMM`, `AT+CGMR`, `AT+GMM` or `AT+QGMR`, without prefix and quotes.

    >>> word(["+CGMR: LE20B03SIM7600M22"]), word(["BG96MAR02A07M1G"]), word(["Revision: R1529"])
    ('LE20B03SIM7600M22', 'BG96MAR02A07M1G', 'R1529')
    """
    for line in lines[:8]:
        text = _plain(re.sub(r"^(?:revision|model|manufacturer)\s*:\s*", "", line, flags=re.IGNORECASE))
        if text:
            return text
    return unread(lines)


def imei(lines: Sequence[str]) -> str | Unread:
    """Return the 15 digits of `AT+CGSN` or `AT+GSN`; an IMEISV's two more digits are left off.

    >>> imei(["866425031234567"]), imei(['+CGSN: "866425031234567"']), imei(["ERROR"])
    ('866425031234567', '866425031234567', Unread(raw='ERROR'))
    """
    for line in lines[:8]:
        found = _IMEI.search(_plain(line))
        if found:
            return found.group(1)
    return unread(lines)


def imsi(lines: Sequence[str]) -> str | Unread:
    """Return the digits of `AT+CIMI` (TS 27.007 5.4; an IMSI has at most 15).

    >>> imsi(["310410123456789"]), imsi(["*** "])
    ('310410123456789', Unread(raw='***'))
    """
    for line in lines[:8]:
        found = _IMSI.fullmatch(_plain(line))
        if found:
            return found.group(1)
    return unread(lines)


def iccid(lines: Sequence[str]) -> str | Unread:
    """Return the ICCID of any maker's query, without the filler `F`; swapped nibbles (EF-ICCID raw) are put right.

    >>> iccid(["+QCCID: 89014103271467425631F"]), iccid(["#CCID: 8939104160000392272"])
    ('89014103271467425631', '8939104160000392272')
    >>> iccid(["^ICCID: 98109909002143658739"])
    '89019990001234567893'
    """
    for line in lines[:8]:
        found = _ICCID.search(clean(line))
        if found:
            digits = found.group(1).upper()
            if digits.startswith("98") and len(digits) % 2 == 0:
                digits = "".join(digits[i + 1] + digits[i] for i in range(0, len(digits), 2))
            digits = digits.rstrip("F")
            if digits.isdecimal():
                return digits
    return unread(lines)
