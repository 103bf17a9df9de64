"""One run of pppd, as its words tell it: which step it has reached, what it was given, why it ends. Pure.

The reason is the *earliest decisive line*: after a terminate from the peer pppd lingers for three seconds and then
claims "Modem hangup", and a chat that was refused ends as "Connect script failed".
"""

from collections import deque
from dataclasses import dataclass, field

from pppgen.model import Lease, Reason
from pppgen.programs import chat, pppd
from pppgen.programs.events import Event, Kind
from pppgen.reports import Step
from pppgen.resolver import INTERFACE, usable

_EVIDENCE = 6  # lines kept that led to the decisive one

# What is worth showing beside the decisive line.
_TELLING = frozenset(
    {
        Kind.DIALLING,
        Kind.CARRIER_UP,
        Kind.CHAT_ABORTED,
        Kind.CHAT_TIMED_OUT,
        Kind.CHAT_EXITED,
        Kind.AUTH_ASKED,
        Kind.AUTH_IMPOSSIBLE,
        Kind.AUTH_REFUSED_BY_US,
        Kind.SECRET_MISSING,
        Kind.AUTH_SUCCEEDED,
        Kind.WE_TERMINATED,
        Kind.IPCP_BAD_NAK,
        Kind.REMOTE_INVENTED,
    }
)
# A line of pppd's that begins a step; a step is never left for an earlier one.
_BEGINS: dict[Kind, Step] = {
    Kind.ABORT_ON: Step.CHAT,
    Kind.COMMAND_SENT: Step.CHAT,
    Kind.EXPECTING: Step.CHAT,
    Kind.SERIAL_UP: Step.LCP,
    Kind.LINK_CONNECTED: Step.LCP,
    Kind.LCP_OPEN: Step.AUTH,
    Kind.AUTH_SUCCEEDED: Step.IPCP,
    Kind.IPCP_ASKED: Step.IPCP,
    Kind.LOCAL_ADDRESS: Step.ROUTE,
    Kind.IPV6_ADDRESS: Step.IPCP,
}
_ORDER = (Step.PORT_OPEN, Step.CHAT, Step.LCP, Step.AUTH, Step.IPCP, Step.ROUTE)
# Once IPv6 stands, that IPv4 does not is no reason to end the link.
_IPV4_ONLY = frozenset({Kind.IPCP_TIMED_OUT, Kind.IPCP_REFUSED, Kind.LOCAL_UNKNOWN})
_UNTIL_SERIAL_UP = frozenset({Step.PORT_OPEN, Step.CHAT})
# Of pppd's own lines only these may come while chat speaks: the modem could say the others itself.
_BESIDE_CHAT = frozenset(
    {
        Kind.PROGRAM_STARTED,
        Kind.SERIAL_UP,
        Kind.CONNECT_SCRIPT_FAILED,
        Kind.CHAT_EXITED,
        Kind.STOPPED_BY_USER,
        Kind.HUNG_UP,
        Kind.PROGRAM_EXITED,
        Kind.PORT_IO_FAILED,
    }
)


@dataclass(slots=True)
class Dialog:
    """What one run has said so far; `hear` it line by line."""

    step: Step = Step.PORT_OPEN
    reason: Reason | None = None
    decisive: Kind | None = None
    interface: str = ""
    address: str = ""
    address6: str = ""
    peer: str = ""
    peer_invented: bool = False
    dns: tuple[str, ...] = ()
    dialled: bool = False
    lcp_open: bool = False
    told_all: bool = False
    authenticated: bool = False
    _auth_asked: bool = False
    _ipcp_asked: bool = False
    _answered: bool = False
    _aborts: list[str] = field(default_factory=list)
    _telling: deque[str] = field(default_factory=lambda: deque(maxlen=_EVIDENCE))
    _chat: chat.ChatReader = field(default_factory=chat.ChatReader)
    _pppd: pppd.PppdReader = field(default_factory=pppd.PppdReader)

    @property
    def leased(self) -> bool:
        """Whether the network has given an address."""
        return bool(self.address or (self.address6 and not self._ipcp_asked))

    @property
    def evidence(self) -> tuple[str, ...]:
        """The lines that prove the reason, the decisive one last."""
        return tuple(self._telling)

    def hear(self, line: str) -> tuple[Event, ...]:
        """Take one line in and return what it proves."""
        speaking = self.step in _UNTIL_SERIAL_UP
        by_chat = self._chat.read(line) if speaking else ()
        # A modem can say anything, pppd's words too: while chat speaks only few of pppd's lines are believed.
        by_pppd = self._pppd.read(line)
        if self.step is Step.CHAT:
            by_pppd = tuple(event for event in by_pppd if event.kind in _BESIDE_CHAT)
        heard = by_pppd or by_chat
        had_address = self.leased
        for event in heard:
            self._note(event, line)
        # pppd tells address and name servers in one go, so any other line says that it is done.
        if had_address and not any(event.kind in _LEASE_KINDS for event in heard):
            self.told_all = True
        return heard

    def handed(self, interface: str, address: str, dns: tuple[str, ...]) -> None:
        """Take pppd's own word of the lease, which its ip-up hook brought: nothing more will come."""
        if self.reason is None and self.step not in _UNTIL_SERIAL_UP:
            self.interface, self.address, self.dns = interface, address, dns
            self.step, self.told_all = Step.ROUTE, True

    def lease(self) -> Lease:
        """Return what the network gave; the peer that pppd made up is left out, it must never be pinged."""
        return Lease(
            address=self.address or self.address6,
            interface=self.interface,
            peer="" if self.peer_invented else self.peer,
            dns=usable(self.dns),
            prefix=32 if self.address else 64,
            address6=self.address6 if self.address else "",
        )

    def ended(self, status: int | None, *, device_there: bool) -> Reason:
        """Return why the run ended, now that pppd has: what was heard decides, then its status.

        `status` is minus the signal that killed it, `None` where nobody can know (a link that was adopted).
        """
        if self.reason is not None:
            return self.reason
        if status is None:
            self._telling.append("pppd ended while it was not our child")
            self.reason = Reason.LINK_DROPPED
        else:
            told = pppd.EXIT_STATUSES.get(status)
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
            self._telling.append(f"pppd {how}{': ' + told.sentence if told else ''}")
            self.reason = pppd.reason_of_exit(status, device_there=device_there)
        if self.reason is Reason.NONE:
            self.reason = Reason.LINK_DROPPED
        return self.reason

    def _note(self, event: Event, line: str) -> None:  # noqa: C901, PLR0912 -- one case an event
        match event.kind:
            case Kind.ABORT_ON:
                self._aborts.append(event.value)
            case Kind.GOT_IT:
                self._answered = True
            case Kind.DIALLING:
                self.dialled = True
            case Kind.INTERFACE if INTERFACE.fullmatch(event.value):
                self.interface = event.value
            case Kind.LCP_OPEN:
                self.lcp_open = True
            case Kind.AUTH_ASKED:
                self._auth_asked = True
            case Kind.AUTH_SUCCEEDED:
                self.authenticated = True
            case Kind.IPCP_ASKED:
                self._ipcp_asked = True
            case Kind.LOCAL_ADDRESS:
                self.address = event.value
            case Kind.IPV6_ADDRESS:
                self.address6 = event.value
            case Kind.REMOTE_ADDRESS:
                self.peer = event.value
            case Kind.REMOTE_INVENTED:
                self.peer_invented = True
            case Kind.DNS_ADDRESS:
                self.dns = (*self.dns, event.value)[-4:]
            case _:
                pass
        reached = _BEGINS.get(event.kind)
        if reached is not None and _ORDER.index(reached) > _ORDER.index(self.step):
            self.step = reached
        if self.reason is not None:
            return
        self.reason = self._decides(event)
        self.decisive = event.kind if self.reason is not None else None
        if self.reason is not None or event.kind in _TELLING:
            self._telling.append(line.strip())

    def _decides(self, event: Event) -> Reason | None:
        """Return why the run ends if this event says so."""
        match event.kind:
            case Kind.CHAT_ABORTED:
                return chat.reason_of_abort(event.value)
            # A single timeout is not the end: a script may send again. Its status is.
            case Kind.CHAT_EXITED if event.value != "0":
                return self._not_answering(chat.reason_of_exit(int(event.value), self._aborts))
            case Kind.CONNECT_SCRIPT_FAILED:
                return self._not_answering(Reason.CHAT_TIMEOUT)
            case kind if kind in _IPV4_ONLY and self.address6:
                return None
            case Kind.PEER_TERMINATED if self._auth_asked and not (self.authenticated or self.leased):
                # Asked who we are, we had no answer or a wrong one.
                return Reason.AUTH_FAILED
            case _:
                return pppd.reason_of(event, authenticated=self.authenticated, leased=self.leased)

    def _not_answering(self, reason: Reason) -> Reason:
        """A modem that answered nothing at all is not a script that took too long.

        Status 1 is bad arguments, but also a port that takes no byte while the script runs (chat.c, chat_send).
        """
        if reason is Reason.PPPD_CONFIG and self.step is Step.CHAT:
            reason = Reason.CHAT_TIMEOUT
        return Reason.MODEM_NOT_RESPONDING if reason is Reason.CHAT_TIMEOUT and not self._answered else reason


_LEASE_KINDS = frozenset(
    {Kind.LOCAL_ADDRESS, Kind.REMOTE_ADDRESS, Kind.DNS_ADDRESS, Kind.REMOTE_INVENTED, Kind.ROUTE_KEPT, Kind.ROUTE_SET}
)
