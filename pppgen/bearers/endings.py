"""What a PPP dial may take, and what follows from the way it ended: tables, no code."""

from pppgen.model import Reason
from pppgen.reports import Step

# How long a step may take before it is called dead. pppd's and chat's own limits come first where they are sane; these
# are for a script without a TIMEOUT and for a module that keeps a negotiation going.
LIMITS_S: dict[Step, float] = {
    Step.PORT_OPEN: 30.0,  # a small board that is busy takes its time to start a program
    Step.CHAT: 150.0,
    Step.LCP: 33.0,  # pppd asks 10 times, 3 s apart
    Step.AUTH: 45.0,
    Step.IPCP: 100.0,  # ipcp-max-failure 30, 3 s apart: the radio is being set up
}
OUT_OF_TIME: dict[Step, Reason] = {
    Step.PORT_OPEN: Reason.MODEM_NOT_RESPONDING,
    Step.CHAT: Reason.CHAT_TIMEOUT,
    Step.LCP: Reason.LCP_TIMEOUT,
    Step.AUTH: Reason.AUTH_FAILED,
    Step.IPCP: Reason.IPCP_TIMEOUT,
}

# After these the modem's other AT port may do better; after the rest (SIM, network, this host) it would say the same.
OTHER_PORT_MAY_DIAL = frozenset(
    {
        Reason.CHAT_TIMEOUT,
        Reason.MODEM_NOT_RESPONDING,
        Reason.LCP_TIMEOUT,
        Reason.LOOPBACK,
        Reason.DIAL_REJECTED,
        Reason.NO_CARRIER,
        Reason.PEER_HANGUP,
        Reason.PORT_BUSY,
        Reason.MODEM_MANAGER_CONFLICT,
        Reason.WRONG_PORT,
    }
)
# An end that looks like the network's, unless the port is gone.
MAY_BE_UNPLUGGED = frozenset(
    {Reason.PEER_HANGUP, Reason.LINK_DROPPED, Reason.USB_DISCONNECT, Reason.APN_REJECTED, Reason.MODEM_NOT_RESPONDING}
)
# What the modem's own account of the call can explain; the rest happened on this side of it.
NETWORK_MAY_TELL = frozenset(
    {
        Reason.NO_CARRIER,
        Reason.DIAL_REJECTED,
        Reason.CHAT_TIMEOUT,
        Reason.LCP_TIMEOUT,
        Reason.PEER_HANGUP,
        Reason.AUTH_FAILED,
        Reason.APN_REJECTED,
        Reason.IPCP_TIMEOUT,
    }
)
