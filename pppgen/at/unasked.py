r"""Which lines belong to a command and which the modem speaks by itself (URC); pure.

Two sources of doubt are settled here. A name that is *known* to come unasked is a URC unless the command asks for it;
a `+NAME: …` that no part of an all-extended command asks for is a URC even when nobody has listed it. A command with
a basic part (`ATI`) keeps the unlisted ones: SIMCom's `ATI` answers `+GCAP: …` among its lines.
"""

import re

WORDS = frozenset({
    "RING", "RDY", "APP RDY", "NORMAL POWER DOWN", "POWERED DOWN", "NORMAL POWER ON", "SMS READY", "SMS DONE",
    "PB DONE", "CALL READY", "OVER-VOLTAGE WARNING", "OVER-VOLTAGE WARNNING", "UNDER-VOLTAGE WARNING",
    "UNDER-VOLTAGE WARNNING",
})  # fmt: skip
"""Bare words that Quectel's and SIMCom's firmwares say at start and by themselves, in their manuals' spelling."""

NAMES = frozenset({
    "+CRING", "+CREG", "+CGREG", "+CEREG", "+C5GREG", "+CMTI", "+CMT", "+CDS", "+CDSI", "+CBM", "+CUSD", "+CLIP",
    "+CCWA", "+CSSU", "+CSSI", "+CGEV", "+CIEV", "+CTZV", "+CTZE", "+CTZDST", "+CTZR", "+NITZ", "*PSUTTZ", "+CPIN",
    "+CFUN", "+CSCON", "+QIND", "+QIURC", "+QUSIM", "+QGPSURC", "+QNETDEVSTATUS", "+QSIMSTAT", "+SIMCARD",
    "^RSSI", "^HCSQ", "^BOOT", "^MODE", "^DSFLOWRPT", "^SRVST", "^SIMST", "^CSNR", "^NWTIME", "^STIN", "^NDISSTAT",
    "+UUPSDA", "+UUPSDD", "+UUSIMSTAT", "+UUSORD", "#PSNT", "#QSS", "$QCRMCALL",
})  # fmt: skip
"""Names in front of a colon that come unasked (TS 27.007, TS 27.005 and the makers' URC lists)."""

_NAMED = re.compile(r"([+^*$%#!&@][A-Z0-9_]+) ?:", re.IGNORECASE)
_ASKED = re.compile(r"[+^*$%#!&@][A-Z0-9_]+", re.IGNORECASE)
_CALL = re.compile(r"D|A\d*$|O\d*$|H\d*$|\+(CGDATA|CGACT|CGATT|CHUP)|\$QCRMCALL")
_REGISTRATION = re.compile(r'\+C(?:5G|G|E)?REG: ?\d+ ?(?:$|, ?")')
"""The unsolicited form lacks `<n>`: one number alone, or one followed by a quoted area (TS 27.007 7.2)."""


def parts_of(command: str) -> tuple[str, ...]:
    """Return the parts of a compound command, upper-cased and without `AT`; a quoted `;` does not part.

    >>> parts_of('ATI;+csq;+QCFG="a;b",1')
    ('I', '+CSQ', '+QCFG="A;B",1')
    """
    body = command.strip().upper().removeprefix("AT")
    return tuple(part for part in re.findall(r'(?:[^;"]|"[^"]*"?)+', body) if part)


def makes_call(command: str) -> bool:
    r"""Whether NO CARRIER, BUSY, CONNECT … may be this command's final result.

    >>> [makes_call(c) for c in ("ATD*99#", "ATH", "ATO", "AT+CGDATA=\"PPP\",1", "AT&D2", "AT+CSQ", "ATI;D*99#")]
    [True, True, True, True, False, False, True]
    """
    return any(_CALL.match(part) for part in parts_of(command))


def is_unasked(line: str, command: str) -> bool:
    r"""Whether `line`, come while `command` is open, was spoken by the modem itself.

    >>> is_unasked("+CREG: 5", "AT+CSQ"), is_unasked("+CREG: 0,5", "AT+CREG?"), is_unasked("+CREG: 5", "AT+CREG?")
    (True, False, True)
    >>> is_unasked("+GCAP: +CGSM", "ATI"), is_unasked("+ICCID: 89", "AT+CICCID"), is_unasked("RDY", "AT")
    (False, False, True)
    """
    if line.upper() in WORDS:
        return True
    named = _NAMED.match(line)
    if not named:
        return False
    name = named[1].upper()
    parts = parts_of(command)
    asked = [match[0] for part in parts if (match := _ASKED.match(part))]
    if any(_same(name, other) for other in asked):
        return bool(_REGISTRATION.match(line)) and f"{name}?" in parts
    return name in NAMES or (bool(parts) and len(asked) == len(parts))


def _same(answered: str, asked: str) -> bool:
    """Whether an answer's name is the command's, give or take a prefix: `AT+CICCID` is answered by `+ICCID:`."""
    one, other = answered[1:], asked[1:]
    return one.endswith(other) or other.endswith(one)
