"""Whether the SIM lets us in: AT+CPIN?, its errors, and how many tries are left."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pppgen.at.codec import Answer, FinalKind
from pppgen.at.replies.fields import Unread, after, at, bare, clean, fields, number, unread
from pppgen.model import SimState

# +CME ERROR of TS 27.007 9.2, as number and as the verbose text of AT+CMEE=2.
_ERRORS: dict[str, SimState] = {
    "10": SimState.ABSENT,
    "sim not inserted": SimState.ABSENT,
    "11": SimState.PIN,
    "sim pin required": SimState.PIN,
    "12": SimState.PUK,
    "sim puk required": SimState.PUK,
    "13": SimState.ABSENT,
    "sim failure": SimState.ABSENT,
    "14": SimState.BUSY,
    "sim busy": SimState.BUSY,
    "15": SimState.ABSENT,
    "sim wrong": SimState.ABSENT,
    "17": SimState.READY,
    "sim pin2 required": SimState.READY,  # PIN2 guards fixed dialling, not the network
    "18": SimState.READY,
    "sim puk2 required": SimState.READY,
    "40": SimState.NETWORK_LOCK,
    "network personalisation pin required": SimState.NETWORK_LOCK,
    "network personalization pin required": SimState.NETWORK_LOCK,
}

_WORDS: tuple[tuple[str, SimState], ...] = (
    ("READY", SimState.READY),
    ("SIM PIN2", SimState.READY),
    ("SIM PUK2", SimState.READY),
    ("SIM PIN", SimState.PIN),
    ("SIM PUK", SimState.PUK),
    ("PH-", SimState.NETWORK_LOCK),  # PH-NET PIN, PH-SIM PIN, PH-SP PUK …: the modem is locked to a network or SIM
    ("NOT INSERTED", SimState.ABSENT),
    ("NOT READY", SimState.BUSY),
    ("SIM REMOVED", SimState.ABSENT),
    ("BUSY", SimState.BUSY),
)


@dataclass(frozen=True, slots=True)
class PinTries:
    """How often a wrong PIN or PUK may still be given before the card locks; `None` where it was not said."""

    pin: int | None
    puk: int | None = None


def sim_state(answer: Answer) -> SimState | Unread:
    """Return the state that `AT+CPIN?` tells, by its answer or by its error, numeric or verbose."""
    for text in after(answer.lines, "+CPIN", "^CPIN"):
        said = bare(fields(text)[0]) if fields(text) else ""
        for word, state in _WORDS:
            if said.upper().startswith(word) or (word != "READY" and word in said.upper()):
                return state
    if answer.final.kind is FinalKind.CME_ERROR:
        detail = clean(answer.final.detail).lower()
        if detail in _ERRORS:
            return _ERRORS[detail]
        return Unread(str(answer.final)[:80])
    return unread((*answer.lines, str(answer.final)))


def pin_tries(lines: Sequence[str]) -> PinTries | Unread:
    """Return the tries left, from any maker's counter; each has an order of its own.

    >>> pin_tries(['+QPINC: "SC",3,10']), pin_tries(["+SPIC: 3,10,0,10"])
    (PinTries(pin=3, puk=10), PinTries(pin=3, puk=10))
    >>> pin_tries(["+UPINCNT: 3,3,10,10"]), pin_tries(["^CPIN: READY,,10,3,10,3"])
    (PinTries(pin=3, puk=10), PinTries(pin=3, puk=10))
    """
    for prefixes, pin, puk in (
        (("+QPINC",), 1, 2),  # "SC",<pin>,<puk>
        (("+SPIC",), 0, 1),  # <pin1>,<puk1>,<pin2>,<puk2>
        (("+CPINC", "+UPINCNT"), 0, 2),  # <pin1>,<pin2>,<puk1>,<puk2>
        (("^CPIN",), 3, 2),  # <code>,<times>,<puk>,<pin>,<puk2>,<pin2>
        (("#PCT",), 0, 9),  # the counter of the code that is asked for
    ):
        for text in after(lines, *prefixes):
            found = fields(text)
            if prefixes == ("+QPINC",) and at(found, 0).upper() != "SC":
                continue
            tries = PinTries(number(at(found, pin)), number(at(found, puk)))
            if tries.pin is not None and 0 <= tries.pin <= 10:
                return tries
    return _cpinr(lines)


def _cpinr(lines: Sequence[str]) -> PinTries | Unread:
    """TS 27.007 8.65: `+CPINR: <code>,<retries>,<default>`, a line for each code."""
    left: dict[str, int] = {}
    for text in after(lines, "+CPINR"):
        found = re.match(r'"?(SIM P[IU][NK])"?\s*,\s*([0-9]{1,3})', text)
        if found:
            left[found.group(1)] = int(found.group(2))
    if "SIM PIN" not in left:
        return unread(lines)
    return PinTries(left["SIM PIN"], left.get("SIM PUK"))
