"""What state the modem is in: AT+CFUN?, the last call's end (AT+CEER), the network's back-off, a setting's value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pppgen.at.replies.fields import Unread, after, at, clean, fields, number, unread
from pppgen.model import Reason

# AT+CEER has no grammar: words of 3GPP causes as modems write them -> what they mean here; the first that fits wins.
_CAUSES: tuple[tuple[str, Reason], ...] = (
    (r"esm[_ ]failure", Reason.APN_REJECTED),  # the attach bearer's APN was refused
    (r"missing or unknown apn|unknown apn|unknown or missing", Reason.APN_REJECTED),
    (r"service option (?:is )?not (?:subscribed|supported|authorized)", Reason.APN_REJECTED),
    (r"requested service option not subscribed", Reason.APN_REJECTED),
    (r"\bsm ?(?:27|32|33)\b|\besm ?(?:cause)?:? ?(?:27|32|33)\b", Reason.APN_REJECTED),
    (r"user authentication|authentication fail|\bsm ?29\b", Reason.AUTH_FAILED),
    (r"illegal (?:ms|me|ue)|imsi unknown", Reason.REGISTRATION_DENIED),
    (
        r"plmn not allowed|not allowed|forbidden|no suitable cells|operator determined barring",
        Reason.REGISTRATION_DENIED,
    ),
    (r"no service|out of service|not registered|detached", Reason.NOT_REGISTERED),
    (r"no carrier", Reason.NO_CARRIER),
)


@dataclass(frozen=True, slots=True)
class CallEnd:
    """`AT+CEER`: the modem's own words, and what they mean where a known cause is named, else `Reason.NONE`."""

    text: str
    reason: Reason


def ceer(lines: Sequence[str]) -> CallEnd | Unread:
    """Return why the last call or attach ended.

    >>> ceer(["+CEER: EMM_CAUSE_ESM_FAILURE"]).reason.value, ceer(["+CEER: 0,0,5,16,normal call clearing"]).reason.value
    ('apn-rejected', 'none')
    """
    for text in after(lines, "+CEER"):
        told = clean(text).strip('"')
        lower = told.lower()
        return CallEnd(told, next((reason for words, reason in _CAUSES if re.search(words, lower)), Reason.NONE))
    return unread(lines)


def cfun(lines: Sequence[str]) -> int | Unread:
    """Return the functionality level: 1 full, 4 and 0 without radio.

    >>> cfun(["+CFUN: 4"]), cfun(["+CFUN: 1,0"])
    (4, 1)
    """
    for text in after(lines, "+CFUN"):
        level = number(at(fields(text), 0))
        if level is not None and 0 <= level <= 255:
            return level
    return unread(lines)


def backoff_s(lines: Sequence[str]) -> int | Unread:
    """Return the seconds until the network allows a next attempt (Quectel's `AT+QNWCFG="backoff"`).

    >>> backoff_s(['+QNWCFG: "backoff",712'])
    712
    """
    for text in after(lines, "+QNWCFG"):
        found = fields(text)
        seconds = number(at(found, 1))
        if at(found, 0).lower() == "backoff" and seconds is not None and 0 <= seconds <= 7 * 86400:
            return seconds
    return unread(lines)


def setting_value(lines: Sequence[str], answer: re.Pattern[str]) -> str | Unread:
    r"""Return the value of a radio setting, recognised by the family's own pattern.

    >>> import re
    >>> setting_value(['+QCFG: "nwscanmode",3'], re.compile(r'^\+QCFG: "nwscanmode",(.+)$'))
    '3'
    """
    for line in lines[:64]:
        found = answer.search(clean(line))
        if found:
            return clean(found.group(1) or "")
    return unread(lines)
