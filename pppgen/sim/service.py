"""What the card, the radio and the network let the simulated modem do, and the contexts that it keeps in its flash."""

from dataclasses import dataclass

from pppgen.sim.faults import Faults, SimCard
from pppgen.sim.transcript import DOMAINS, Condition, Transcript

ADDRESS = "100.64.12.89"
NOT_SUBSCRIBED = "Requested service option not subscribed (33)"
ATTACH_CID = 1
PIN, PUK = "1234", "12345678"
APN_BOUND = 100  # 3GPP TS 23.003 9.1


@dataclass(slots=True)
class Context:
    """A PDP context; kept in the flash."""

    kind: str
    apn: str
    active: bool = False
    network_apn: str = ""  # what it was activated with: a new name counts from the next activation on

    def activate(self) -> None:
        """Let the network give it an address."""
        self.active, self.network_apn = True, self.apn


class Service:
    """The state that all ports share; time comes in with `boot` and `refusal`."""

    def __init__(self, transcript: Transcript, faults: Faults) -> None:
        self.transcript, self.faults = transcript, faults
        self.contexts = {
            int(cid): Context(kind.strip('"'), apn.strip('"'))
            for cid, kind, apn in (each.split(",") for each in transcript.contexts)
        }
        self.logins: dict[int, str] = {}
        self.boot(0.0)

    def boot(self, now: float) -> None:
        """Forget everything but the flash."""
        self.card = self.faults.sim
        self.pin_tries, self.puk_tries = 0 if self.card is SimCard.PUK else 3, 10
        self.functionality = 1
        self.detached = self.deregistered = False
        self.report = dict.fromkeys(DOMAINS, 0)
        self.cause = ""
        self.refused_until = now + self.faults.backoff if self.faults.backoff else 0.0
        self.drop_contexts()
        self.attach()

    def attach(self) -> None:
        """Attach where that is possible: LTE attaches with the first context, which is active from then on."""
        first = self.contexts.get(ATTACH_CID)
        if first is not None and not first.active and not self.refusal(first):
            first.activate()

    def release(self, cid: int) -> None:
        """Deactivate a context after its call; the attach's own stays."""
        if cid in self.contexts and (cid != ATTACH_CID or not self.attached):
            self.contexts[cid].active = False

    def set_faults(self, faults: Faults, now: float) -> None:
        """Change the faults: another card, another back-off."""
        old, self.faults = self.faults, faults
        if faults.sim is not old.sim:
            self.card = faults.sim
        if faults.backoff != old.backoff:
            self.refused_until = now + faults.backoff if faults.backoff else 0.0
        self.attach()

    def drop_contexts(self) -> None:
        """Deactivate all contexts."""
        for context in self.contexts.values():
            context.active = False

    def verify(self, pin: str) -> bool:
        """Try a PIN on a card that waits for it; three wrong ones lock it."""
        right = pin == PIN
        self.pin_tries = 3 if right else self.pin_tries - 1
        self.card = SimCard.READY if right else SimCard.PIN if self.pin_tries else SimCard.PUK
        return right

    @property
    def ready(self) -> bool:
        """Whether the card is there and unlocked, and the radio on."""
        return self.card is SimCard.READY and self.functionality == 1

    def stat(self, domain: str) -> int:
        """Return what +CREG, +CGREG or +CEREG says."""
        if not self.ready or self.deregistered:
            return 0
        forced: int | None = {"creg": self.faults.creg, "cgreg": self.faults.cgreg, "cereg": self.faults.cereg}[domain]
        if forced is not None:
            return forced
        return self.transcript.registration[domain][0] if self.faults.signal else 2

    @property
    def attached(self) -> bool:
        """Whether packets may flow: no domain that could carry them says no for sure (stat 4 is not a no)."""
        return not self.detached and any(self.stat(domain) in {1, 4, 5} for domain in ("cgreg", "cereg"))

    def registration(self, domain: str, *, with_n: bool) -> str:
        """Return the line of a registration; the unsolicited one has no `<n>`."""
        stat, mode = self.stat(domain), self.report[domain]
        parts = [str(mode)] if with_n else []
        parts.append(str(stat))
        place = self.transcript.registration[domain][1]
        if mode >= 2 and stat in {1, 5} and place:
            parts.append(place)
        return f"+{domain.upper()}: {','.join(parts)}"

    def holding(self) -> frozenset[Condition]:
        """Return the conditions of the transcript that hold now."""
        registered = any(self.stat(domain) in {1, 5} for domain in DOMAINS)
        pairs = {
            Condition.NO_SIGNAL: not self.faults.signal or self.functionality != 1,
            Condition.NOT_REGISTERED: not registered,
            Condition.SIM_ABSENT: self.card is SimCard.ABSENT,
            Condition.SIM_LOCKED: self.card in {SimCard.PIN, SimCard.PUK},
            Condition.RADIO_OFF: self.functionality != 1,
        }
        return frozenset(condition for condition, holds in pairs.items() if holds)

    def refusal(self, context: Context) -> str:
        """Return why the network does not serve this context, empty when it does."""
        if self.faults.apn and context.apn.lower() != self.faults.apn.lower():
            return NOT_SUBSCRIBED
        return "" if self.attached else "No service"

    def define(self, cid: int, kind: str | None, apn: str) -> str:
        """Write a context, or remove it where no type is given."""
        if kind is None:
            self.contexts.pop(cid, None)
            return "OK"
        if kind not in {"IP", "IPV6", "IPV4V6", "PPP"} or len(apn) > APN_BOUND:
            return "ERROR"
        context = self.contexts.setdefault(cid, Context(kind, apn))
        context.kind, context.apn = kind, apn
        return "OK"

    def address(self, cid: int) -> str:
        """Return the address of a context, `0.0.0.0` while it has none."""
        return ADDRESS if self.contexts[cid].active else "0.0.0.0"  # noqa: S104 -- "no address" in AT, nothing is bound
