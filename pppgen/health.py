"""Is traffic really flowing? Counters first, probes second; pure: what was seen comes in, with the time.

A link that has an address has proved nothing: LCP and often authentication end in the module. The first packets may
take long, while the radio is being set up: the user's first 20 pings never came back, the others all at 47 s. So a
fresh link is *warming* for as long as patience lasts, and only silence to its end is *silent*.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from pppgen.model import Lease

# Seconds after the start of a doubt at which a round of probes is sent: quick at first, then seldom.
ROUNDS_S = (0.0, 1.0, 3.0, 7.0, 15.0, 30.0, 45.0, 60.0, 75.0)
_AGAIN_S = 60.0  # between rounds when they are spent: each one costs the operator's data
_LOOK_S = 30.0  # between two looks at the counters of a link that flows
_UNANSWERED = 3  # packets sent with nothing coming back; one may be a goodbye
# An IP packet with the smallest load that answers anything (20 + 8). IPCP and IPV6CP are counted by the kernel too, and
# theirs are shorter (RFC 1332, RFC 5072).
_IP_BYTES = 28


@dataclass(frozen=True, slots=True)
class Counters:
    """What the kernel counted on an interface since it came up."""

    rx_packets: int = 0
    tx_packets: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0


class Flow(StrEnum):
    """Whether packets come back."""

    WARMING = "warming"
    FLOWING = "flowing"
    DOUBTFUL = "doubtful"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Rules:
    """How patient to be.

    `idle_s`: a link on which nothing came for so long is asked. `counters_prove` is false where the module itself
    answers (ARP and DHCP of a QMI link with Ethernet framing), so that growing counters prove nothing at the start.
    """

    patience_s: float = 90.0
    idle_s: float = 300.0
    counters_prove: bool = True


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is believed, since when; the last counters, when something last came in, and what was sent until then."""

    flow: Flow
    since: float
    heard_at: float
    seen: Counters = field(default_factory=Counters)
    tx_when_heard: int = 0
    rounds: int = 0
    asked_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Advice:
    """Whether to send a round of probes now, and when to look again."""

    probe: bool
    look_at: float


def fresh(counters: Counters, now: float) -> Pulse:
    """Return the pulse of a link that just got its address."""
    return Pulse(Flow.WARMING, now, now, counters, counters.tx_packets)


def adopted(counters: Counters, now: float) -> Pulse:
    """Return the pulse of a link that an earlier supervisor left: believed to flow, and asked at once."""
    return Pulse(Flow.DOUBTFUL, now, now, counters, counters.tx_packets)


def look(pulse: Pulse, rules: Rules, counters: Counters, *, answered: bool, now: float) -> tuple[Pulse, Advice]:
    """Return what to believe now and what to do; `answered` tells that a probe was, since the last look.

    >>> warming = fresh(Counters(), now=100.0)
    >>> pulse, advice = look(warming, Rules(), Counters(), answered=False, now=100.0)
    >>> pulse.flow.value, advice
    ('warming', Advice(probe=True, look_at=101.0))
    >>> pulse, _ = look(pulse, Rules(), Counters(rx_packets=1, rx_bytes=84), answered=False, now=147.0)
    >>> pulse.flow.value
    'flowing'
    """
    if answered or _came_in(pulse, rules, counters):
        since = pulse.since if pulse.flow is Flow.FLOWING else now
        heard = Pulse(Flow.FLOWING, since, now, counters, counters.tx_packets)
        return heard, Advice(probe=False, look_at=now + min(_LOOK_S, rules.idle_s))
    pulse = replace(pulse, seen=counters)
    if pulse.flow is Flow.FLOWING:
        if not _doubted(pulse, rules, now):
            return pulse, Advice(probe=False, look_at=now + min(_LOOK_S, rules.idle_s))
        pulse = replace(pulse, flow=Flow.DOUBTFUL, since=now, rounds=0)
    if pulse.flow is not Flow.SILENT and now - pulse.since >= rules.patience_s:
        pulse = replace(pulse, flow=Flow.SILENT, since=now)
    return _ask(pulse, rules, now)


def _came_in(pulse: Pulse, rules: Rules, counters: Counters) -> bool:
    """Whether the counters grew by at least one IP packet that the network sent."""
    packets = counters.rx_packets - pulse.seen.rx_packets
    length = counters.rx_bytes - pulse.seen.rx_bytes
    counts = rules.counters_prove or pulse.flow is Flow.FLOWING
    return counts and packets > 0 and length >= packets * _IP_BYTES


def _doubted(pulse: Pulse, rules: Rules, now: float) -> bool:
    """Whether a link that flowed is to be asked: packets left and none came, or nothing came for long."""
    unanswered = pulse.seen.tx_packets - pulse.tx_when_heard >= _UNANSWERED
    quiet = now - pulse.heard_at
    return quiet >= rules.idle_s or (unanswered and quiet >= _LOOK_S)


def _ask(pulse: Pulse, rules: Rules, now: float) -> tuple[Pulse, Advice]:
    """Return whether a round of probes is due; late answers to earlier rounds count as well."""
    due = _round_due(pulse)
    probe = now >= due
    if probe:
        # A late look sends one round for all that were due meanwhile.
        begun = sum(second <= now - pulse.since for second in ROUNDS_S)
        pulse = replace(pulse, rounds=max(begun, pulse.rounds + 1), asked_at=now)
        due = _round_due(pulse)
    end = pulse.since + rules.patience_s
    return pulse, Advice(probe, due if pulse.flow is Flow.SILENT else min(due, end))


def _round_due(pulse: Pulse) -> float:
    if pulse.flow is not Flow.SILENT and pulse.rounds < len(ROUNDS_S):
        return pulse.since + ROUNDS_S[pulse.rounds]
    return pulse.asked_at + _AGAIN_S


def warming_up(lease: Lease, waited_s: float, rounds: int) -> str:
    """Return the sentence of the step `traffic` while nothing has come back.

    >>> warming_up(Lease("100.64.12.89", "ppp0"), 12.3, 4)
    'warming up: 4 rounds of probes through ppp0, none answered after 12 s'
    """
    asked = f"{rounds} round{'' if rounds == 1 else 's'} of probes"
    return f"warming up: {asked} through {lease.interface}, none answered after {waited_s:.0f} s"
