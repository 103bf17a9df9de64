"""A data call over QMI: why one may end, and what it holds."""

from dataclasses import dataclass
from enum import IntEnum


class CauseType(IntEnum):
    """Who names the verbose reason."""

    INTERNAL = 2
    CM = 3
    GPP = 6  # 3GPP: the ESM or SM cause of TS 24.301 or TS 24.008


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a call failed or ended: the general reason, and the verbose one with its type."""

    reason: int
    kind: CauseType
    verbose: int


CLIENT_ENDED = Cause(2, CauseType.CM, 2000)
NO_SERVICE = Cause(3, CauseType.CM, 2001)
NO_CARD = Cause(3, CauseType.CM, 518)
DEACTIVATED = Cause(1008, CauseType.GPP, 36)
NOT_SUBSCRIBED = Cause(1018, CauseType.GPP, 33)
THROTTLED = Cause(1, CauseType.INTERNAL, 209)
IN_USE = Cause(1, CauseType.INTERNAL, 237)

# The general reason that goes with a 3GPP cause, where there is one.
GENERAL = {8: 1012, 26: 1005, 27: 1013, 28: 1014, 30: 1015, 31: 1016, 32: 1017, 33: 1018, 34: 1006, 36: 1008, 38: 1009}


def rejection(cause: int) -> Cause:
    """Return what the modem says when the network rejects with a 3GPP cause.

    >>> rejection(33) == NOT_SUBSCRIBED
    True
    """
    return Cause(GENERAL.get(cause, 1), CauseType.GPP, cause)


@dataclass(slots=True)
class Call:
    """A call that is up: it belongs to one client and lives no longer than that client's id."""

    client: int
    cid: int
    apn: str
    handle: int
    family: int
    ends_at: float | None
