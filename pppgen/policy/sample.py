"""One look at signal, registration and byte counters, as a line of text; pure.

Nothing in it says where the modem is: area and cell of a registration stay out.
"""

import json
from dataclasses import dataclass, field, fields
from typing import Any

from pppgen.model import BearerKind, RegistrationStat, Signal
from pppgen.policy.chronicle import Moment
from pppgen.reports import RadioSeen

EVERY_S = 300.0
"""Samples are this far apart while nothing changes: 60 kB a day."""
_DOMAINS = ("cereg", "cgreg", "creg")
_RAT_MAX = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """`stats` are the registrations by domain; `received` and `sent` are the interface's bytes since it came up."""

    at: Moment
    dial: int = 0
    bearer: BearerKind | None = None
    signal: Signal = field(default_factory=Signal)
    stats: tuple[tuple[str, RegistrationStat], ...] = ()
    received: int | None = None
    sent: int | None = None


def of_radio(seen: RadioSeen, at: Moment) -> Sample:
    """Return the sample of what a bearer heard."""
    stats = tuple((one.domain, one.stat) for one in seen.registrations)
    return Sample(at, seen.dial, seen.kind, seen.signal, stats)


def is_news(sample: Sample, last: Sample | None) -> bool:
    """Whether a sample is worth a line: its time has come, or the network's word changed.

    >>> first = Sample(Moment(0, 0.0), 1)
    >>> is_news(Sample(Moment(0, 60.0), 1), first), is_news(Sample(Moment(0, 300.0), 1), first)
    (False, True)
    >>> is_news(Sample(Moment(0, 1.0), 1, stats=(("cereg", RegistrationStat.DENIED),)), first)
    True
    """
    if last is None or (sample.dial, sample.at.boot, sample.stats) != (last.dial, last.at.boot, last.stats):
        return True
    return sample.at.boottime - last.at.boottime >= EVERY_S or sample.signal.usable != last.signal.usable


def dump(sample: Sample) -> str:
    """Return the sample as one line, with its end; what is not known is left out."""
    whole: dict[str, object] = {
        "wall": round(sample.at.wall),
        "boottime": round(sample.at.boottime),
        "boot": sample.at.boot,
        "dial": sample.dial,
        "bearer": sample.bearer,
        "signal": {
            one.name: value for one in fields(sample.signal) if (value := getattr(sample.signal, one.name)) is not None
        },
        "stats": dict(sample.stats),
        "received": sample.received,
        "sent": sample.sent,
    }
    return json.dumps({key: value for key, value in whole.items() if value not in (None, "", {})}) + "\n"


def load(line: str | bytes) -> Sample:
    """Return the sample of a line.

    Raises:
        ValueError: damaged, or no sample.
    """
    try:
        found = json.loads(line)
        signal, stats = found.get("signal", {}), found.get("stats", {})
        return Sample(
            Moment(float(found["wall"]), float(found["boottime"]), str(found.get("boot", ""))[:36]),
            int(found.get("dial", 0)),
            BearerKind(found["bearer"]) if "bearer" in found else None,
            Signal(
                rssi_dbm=_whole(signal.get("rssi_dbm")),
                rsrp_dbm=_whole(signal.get("rsrp_dbm")),
                rsrq_db=_whole(signal.get("rsrq_db")),
                sinr_db=None if signal.get("sinr_db") is None else float(signal["sinr_db"]),
                rat=str(signal.get("rat", ""))[:_RAT_MAX],
            ),
            tuple((domain, RegistrationStat(stats[domain])) for domain in _DOMAINS if domain in stats),
            _whole(found.get("received")),
            _whole(found.get("sent")),
        )
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _whole(found: Any) -> int | None:  # noqa: ANN401 -- what JSON holds
    return None if found is None else int(found)
