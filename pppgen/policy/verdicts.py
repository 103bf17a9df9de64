"""What follows from a failure: one row for each bearer and reason, complete by test.

Falling back from QMI to PPP is a row here, not code.
The same reason can mean different things on the two bearers: a port held by somebody stops PPP but not QMI. A reason
that a bearer cannot have still has a row, so that a wrong report is answered rather than crashed on.
"""

from enum import StrEnum

from pppgen.model import BearerKind, Reason

_QMI, _PPP = BearerKind.QMI, BearerKind.PPP


class Verdict(StrEnum):
    """The answer to a failure."""

    RETRY = "retry"
    """Again on this bearer; repeated, it becomes NEXT."""
    REPAIR = "repair"
    """Repair locally within the same call, without asking the network; what cannot be repaired becomes NEXT."""
    NEXT = "next"
    """The next bearer in the order, at once; when none is left, WAIT."""
    WAIT = "wait"
    """The network says no or is not there, on any bearer: again when the governor allows."""
    BLOCK = "block"
    """Nothing helps until a person acts."""


_RETRY, _REPAIR, _NEXT, _WAIT, _BLOCK = Verdict.RETRY, Verdict.REPAIR, Verdict.NEXT, Verdict.WAIT, Verdict.BLOCK

# reason -> (on QMI, on PPP)
_ROWS: dict[Reason, tuple[Verdict, Verdict]] = {
    # No failure, or one of the host that leaves the link usable: nothing to change, and a wrong report is harmless.
    Reason.NONE: (_RETRY, _RETRY),
    Reason.SLOW_START: (_RETRY, _RETRY),
    Reason.DEFAULT_ROUTE_KEPT: (_RETRY, _RETRY),
    Reason.DNS_PLACEHOLDER: (_RETRY, _RETRY),
    # The user's failure: a data call without a lease. PPP takes another way through the modem.
    Reason.NO_DHCP_LEASE: (_NEXT, _NEXT),
    Reason.RAW_IP_MISMATCH: (_REPAIR, _NEXT),
    Reason.QMI_DEVICE_MISSING: (_NEXT, _NEXT),
    Reason.QMI_CALL_FAILED: (_NEXT, _NEXT),
    Reason.QMI_VERSION_MISMATCH: (_NEXT, _NEXT),
    Reason.QMI_TIMEOUT: (_NEXT, _NEXT),
    Reason.QMI_NO_EFFECT: (_RETRY, _NEXT),
    # QMI dials a profile, PPP a context: a name refused on one may stand right on the other.
    Reason.APN_REJECTED: (_NEXT, _NEXT),
    Reason.AUTH_FAILED: (_NEXT, _NEXT),
    Reason.CARRIER_SILENT: (_NEXT, _NEXT),
    # A link that stood and ended: QMI hands over to PPP at once; PPP redials, its port just worked.
    Reason.LINK_DROPPED: (_NEXT, _RETRY),
    Reason.ECHO_UNANSWERED: (_NEXT, _RETRY),
    Reason.PEER_HANGUP: (_NEXT, _RETRY),
    # PPP's own ways to die before an address.
    Reason.NO_CARRIER: (_NEXT, _NEXT),
    Reason.DIAL_REJECTED: (_NEXT, _NEXT),
    Reason.CHAT_TIMEOUT: (_NEXT, _NEXT),
    Reason.LCP_TIMEOUT: (_NEXT, _NEXT),
    Reason.LOOPBACK: (_NEXT, _RETRY),
    Reason.IPCP_TIMEOUT: (_NEXT, _NEXT),
    Reason.AUTH_REQUIRED_OF_PEER: (_NEXT, _NEXT),
    Reason.WRONG_PORT: (_NEXT, _NEXT),
    # The host's side.
    Reason.PORT_BUSY: (_NEXT, _RETRY),
    Reason.MODEM_MANAGER_CONFLICT: (_NEXT, _RETRY),
    Reason.MODEM_NOT_RESPONDING: (_NEXT, _RETRY),
    Reason.USB_DISCONNECT: (_RETRY, _RETRY),
    Reason.UNDER_VOLTAGE: (_RETRY, _RETRY),
    Reason.PROGRAM_KILLED: (_RETRY, _RETRY),
    Reason.PROGRAM_MISSING: (_NEXT, _NEXT),
    Reason.KERNEL_NO_PPP: (_NEXT, _NEXT),
    Reason.PPPD_CONFIG: (_NEXT, _NEXT),
    # The radio and the network: the other bearer meets the same answer. A denial waits too, because SIMs with several
    # IMSIs change to the next one after it.
    Reason.NOT_REGISTERED: (_WAIT, _WAIT),
    Reason.REGISTRATION_DENIED: (_WAIT, _WAIT),
    Reason.NO_SIGNAL: (_WAIT, _WAIT),
    Reason.BUDGET_SPENT: (_WAIT, _WAIT),
    # A person is needed.
    Reason.SIM_MISSING: (_BLOCK, _BLOCK),
    Reason.SIM_PIN: (_BLOCK, _BLOCK),
    Reason.SIM_PUK: (_BLOCK, _BLOCK),
    Reason.NETWORK_LOCK: (_BLOCK, _BLOCK),
    # pppd needs root, and without root nothing here works; QMI's device alone may be closed to us.
    Reason.PERMISSION_DENIED: (_NEXT, _BLOCK),
    Reason.USB_NOT_SWITCHED: (_BLOCK, _BLOCK),
    # Somebody ended the link on purpose (`poff`): it stays down until somebody asks for it.
    Reason.STOPPED: (_BLOCK, _BLOCK),
}

VERDICTS: dict[tuple[BearerKind, Reason], Verdict] = {
    (kind, reason): verdict for reason, pair in _ROWS.items() for kind, verdict in zip((_QMI, _PPP), pair, strict=True)
}
