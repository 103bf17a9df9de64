"""Whether a context may take an APN: the context that LTE attached with must not be overwritten lightly.

An APN that the network refuses there costs the registration at the next start, not only the call.
"""

import re
from enum import StrEnum

from pppgen.at.reading import Reading
from pppgen.modems.catalog import Family


class Attach(StrEnum):
    """What writing an APN into a context would mean."""

    FREE = "free"  # LTE does not attach with this context
    SAME = "same"  # it attached with this APN already: dial this context, nothing to write
    REATTACH = "reattach"  # another APN stands there: writing it takes a new attach, which the budget governs
    UNKNOWN = "unknown"  # it is the attach context, and the modem does not say what it attached with


def attach_risk(family: Family, reading: Reading, cid: int, apn: str) -> Attach:
    """Return what it means to give context `cid` this APN.

    The network's answer (`AT+CGCONTRDP`) counts before the definition (`AT+CGDCONT?`), which may be empty by intent.
    """
    if cid not in family.attach_cids:
        return Attach.FREE
    given = next((bearer.apn for bearer in reading.bearers if bearer.cid == cid and bearer.apn), "")
    defined = next((context.apn for context in reading.contexts if context.cid == cid), "")
    known = given or defined
    if not known:
        return Attach.UNKNOWN
    return Attach.SAME if plain_apn(known) == plain_apn(apn) else Attach.REATTACH


def plain_apn(apn: str) -> str:
    """Return an APN without the operator identifier that the network adds (3GPP TS 23.003 9.1), in lower case.

    >>> plain_apn("M2M.com.attz.mnc170.mcc310.gprs")
    'm2m.com.attz'
    """
    return re.sub(r"\.mnc[0-9]{2,3}\.mcc[0-9]{3}\.gprs$", "", apn.strip().lower())


def other_cid(family: Family, reading: Reading) -> int:
    """Return a context that LTE does not attach with and that holds no APN: what a strict network leaves to dial.

    >>> from pppgen.modems.catalog import family_named
    >>> other_cid(family_named("bg96"), Reading())
    2
    """
    taken = {*family.attach_cids, *(context.cid for context in reading.contexts if context.apn)}
    return next(cid for cid in range(2, 17 + len(taken)) if cid not in taken)
