"""How often the network may be asked for a link: a budget that a carrier accepts, kept over restarts and reboots.

Each start-network, ATD, CGACT=1 and CGATT=1 is an attempt and costs a token; local repairs are free. All times are
seconds of one clock that never jumps and counts suspended time too (CLOCK_BOOTTIME); `restore` translates what an
earlier boot wrote. The figures are TS.34's, as the carriers' own guides cite it: Telefonica (at most 1 a minute and 10
an hour), Verizon (4 an hour), 1NCE (24 attaches a day on LTE-M and NB-IoT), and emnify's doubling delays.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from zlib import crc32

from pppgen.config import Profile

DELAYS_S = tuple(minutes * 60.0 for minutes in (1, 2, 4, 8, 15, 30, 60, 120, 240))
"""The wait after the n-th failed round in a row; the last one repeats."""

JITTER = 0.2
"""Each delay is spread by this share, so that a thousand gateways do not come back in the same second."""

GAP_S = 60.0
"""Attempts are at least this far apart; only the switch to the next bearer, whose token was reserved, is not."""

LONGEST_WAIT_S = 86400.0
"""No wait is longer: a modem that names a back-off of years, or a damaged file, must not stop the link for ever."""

HOUR_S = 3600.0

_SAME_S = 2.0


class Why(StrEnum):
    """Which rule makes an attempt wait."""

    FREE = "free"
    GAP = "gap"
    DELAY = "delay"
    BUDGET = "budget"
    MODEM_BACKOFF = "modem-backoff"


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `attempts` in any `window_s`, and at most `hourly` in any hour, whatever the window."""

    attempts: int
    window_s: float
    hourly: int = 10

    @property
    def limits(self) -> tuple[tuple[int, float], ...]:
        """Every limit as attempts and seconds, the longest window first."""
        return ((self.attempts, self.window_s), (min(self.hourly, self.attempts), HOUR_S))


BUDGETS: dict[Profile, Budget] = {
    Profile.DEFAULT: Budget(10, HOUR_S),  # Telefonica, after TS.34
    Profile.VERIZON: Budget(4, HOUR_S),  # Verizon's Network Usage Guidelines
    Profile.NB_M1: Budget(24, 24 * HOUR_S),  # 1NCE on LTE-M and NB-IoT; the hour's ten hold there too
}
"""What each profile of pppgen.toml allows."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was spent. `spent` holds the attempts' times, oldest first; `reserved` the tokens promised to a fallback.

    `delay_until` is the end of the delay after a failed round, `modem_until` that of the modem's own back-off.
    """

    spent: tuple[float, ...] = ()
    reserved: int = 0
    failures: int = 0
    delay_until: float = 0.0
    modem_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Permit:
    """From when on an attempt is allowed, and which rule says so."""

    at: float
    why: Why


@dataclass(frozen=True, slots=True)
class Clock:
    """A reading of the machine's clocks, to translate times across a reboot.

    `wall` is UTC seconds and may jump; `trusted` says that it was set from the network.
    """

    boot_id: str
    boottime: float
    wall: float
    trusted: bool


def permit(ledger: Ledger, budget: Budget, now: float, tokens: int = 1) -> Permit:
    """Return from when on `tokens` attempts may be taken at once.

    >>> permit(Ledger(spent=(100.0,)), Budget(10, 3600.0), 130.0)
    Permit(at=160.0, why=<Why.GAP: 'gap'>)
    """
    rules = [
        Permit(now, Why.FREE),
        Permit(ledger.delay_until, Why.DELAY),
        Permit(ledger.modem_until, Why.MODEM_BACKOFF),
    ]
    if ledger.spent:
        rules.append(Permit(ledger.spent[-1] + GAP_S, Why.GAP))
    for attempts, window_s in budget.limits:
        # With n tokens wanted, at most attempts - n older ones may still lie in the window when they are taken.
        too_many = len(ledger.spent) + ledger.reserved + min(tokens, attempts) - attempts
        if ledger.spent and too_many > 0:
            rules.append(Permit(ledger.spent[min(too_many, len(ledger.spent)) - 1] + window_s, Why.BUDGET))
    return max(rules, key=lambda rule: rule.at)


def has_room(ledger: Ledger, budget: Budget, now: float) -> bool:
    """Return whether the budget has a token that is neither spent nor promised, the other rules aside.

    >>> has_room(Ledger(spent=(0.0, 60.0), reserved=1), Budget(4, 3600.0), 70.0)
    True
    """
    return all(
        sum(at > now - window_s for at in ledger.spent) + ledger.reserved < attempts
        for attempts, window_s in budget.limits
    )


def spend(ledger: Ledger, budget: Budget, now: float, *, reserve: int = 0, from_reserve: bool = False) -> Ledger:
    """Take one token now, promise `reserve` more to a fallback, and forget attempts older than the window."""
    longest = max(window_s for _, window_s in budget.limits)
    kept = tuple(at for at in ledger.spent if at > now - longest)
    reserved = max(0, ledger.reserved - (1 if from_reserve else 0)) + reserve
    return replace(ledger, spent=(*kept, now), reserved=reserved)


def refund(ledger: Ledger) -> Ledger:
    """Give the newest token back: the start died before anything was sent to the network."""
    return replace(ledger, spent=ledger.spent[:-1])


def release(ledger: Ledger) -> Ledger:
    """Give the promised tokens back: the fallback is not needed any more."""
    return replace(ledger, reserved=0)


def back_off(ledger: Ledger, until: float, now: float) -> Ledger:
    """Note the modem's own back-off; one longer than a day is asked for again after that day.

    A modem tells whole seconds each time it is asked: what changes nothing must not be written to the disk again.
    """
    until = min(until, now + LONGEST_WAIT_S)
    if 0 <= ledger.modem_until - until < _SAME_S or max(until, ledger.modem_until) <= now:
        return ledger
    return replace(ledger, modem_until=until)


def fail(ledger: Ledger, now: float, seed: str) -> Ledger:
    """Note a failed round: the next one waits, longer each time, spread by a jitter that `seed` (the IMEI) decides."""
    failures = ledger.failures + 1
    delay = DELAYS_S[min(failures, len(DELAYS_S)) - 1]
    share = crc32(f"{seed}:{failures}".encode()) / 0xFFFFFFFF * 2 - 1
    return replace(ledger, failures=failures, reserved=0, delay_until=now + delay * (1 + JITTER * share))


def settle(ledger: Ledger) -> Ledger:
    """Note a link that held: the next failure starts with the shortest delay again, and no fallback is promised."""
    return replace(release(ledger), failures=0, delay_until=0.0)


def override(ledger: Ledger) -> Ledger:
    """Forget the pause and the modem's back-off once, because a person asked; what carriers count stays counted."""
    return replace(ledger, delay_until=0.0, modem_until=0.0)


def restore(ledger: Ledger, saved: Clock, now: Clock) -> Ledger:
    """Translate a ledger saved under one clock to another, never crediting time that cannot be proved to have passed.

    In the same boot times stay as they are. A promise lasts as long as the link beside which it was made may, which no
    reboot leaves standing. After one the time since that boot began has certainly passed; the wall clock adds what it
    shows only where it was set from the network both times, since a board without a clock of its own starts in the past
    and jumps a year when the network answers.
    """
    shift = 0.0
    if saved.boot_id != now.boot_id:
        ledger = release(ledger)
        passed = now.boottime
        if saved.trusted and now.trusted:
            passed = max(passed, now.wall - saved.wall)
        shift = now.boottime - saved.boottime - passed

    # A damaged file must not stop the link for ever: nothing was spent in the future, and no wait is longer than a day.
    def moved(at: float) -> float:
        return min(at + shift, now.boottime + LONGEST_WAIT_S) if at else 0.0

    return replace(
        ledger,
        spent=tuple(min(at + shift, now.boottime) for at in ledger.spent),
        delay_until=moved(ledger.delay_until),
        modem_until=moved(ledger.modem_until),
    )
