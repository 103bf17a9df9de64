"""The policy's memory as text: written before each attempt, read at the next start, also by a newer pppgen.

A file that cannot be read costs what it remembered and no more: the budget then starts as spent rather than as free,
so that a crash loop that damages its own file cannot hammer the network.
"""

import json
from dataclasses import asdict
from math import isfinite

from pppgen.model import BearerKind
from pppgen.policy.governor import Budget, Clock, Ledger, restore
from pppgen.policy.state import Memory

VERSION = 1

_MOST_SPENT = 100  # more than any budget counts; only a damaged file has more
_MOST_RESERVED = 1  # one switch


def dump_memory(memory: Memory, clock: Clock) -> str:
    """Return `memory` as one JSON object, with the clock that its times belong to."""
    return json.dumps({"version": VERSION, "clock": asdict(clock), "memory": asdict(memory)}) + "\n"


def load_memory(text: str, now: Clock) -> Memory:
    """Return what `dump_memory` wrote, its times translated to `now`.

    Raises:
        ValueError: the text is damaged or of another version; `after_damage` is what to go on with.
    """
    try:
        found = json.loads(text)
        if found["version"] != VERSION:
            raise ValueError(f"version {found['version']!r} is not {VERSION}")
        clock = Clock(
            str(found["clock"]["boot_id"]),
            _finite(found["clock"]["boottime"]),
            _finite(found["clock"]["wall"]),
            bool(found["clock"]["trusted"]),
        )
        memory = found["memory"]
        ledger = memory["ledger"]
        last_good = memory["last_good"]
        return Memory(
            ledger=restore(
                Ledger(
                    spent=tuple(sorted(_finite(at) for at in ledger["spent"]))[-_MOST_SPENT:],
                    reserved=min(max(0, int(ledger["reserved"])), _MOST_RESERVED),
                    failures=max(0, int(ledger["failures"])),
                    delay_until=_finite(ledger["delay_until"]),
                    modem_until=_finite(ledger["modem_until"]),
                ),
                clock,
                now,
            ),
            last_good=None if last_good is None else BearerKind(last_good),
            failed_returns=max(0, int(memory["failed_returns"])),
            dial=max(0, int(memory["dial"])),
        )
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _finite(number: object) -> float:
    if not isinstance(number, int | float) or not isfinite(number):
        raise ValueError(f"{number!r} is no time")
    return float(number)


def after_damage(budget: Budget, now: Clock) -> Memory:
    """Return a memory in which all attempts of the budget but one round were made just now."""
    allowed = min(attempts for attempts, _ in budget.limits)
    return Memory(ledger=Ledger(spent=(now.boottime,) * max(1, allowed - len(BearerKind))))
