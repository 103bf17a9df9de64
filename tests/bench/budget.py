"""A budget beside what was measured."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Budget:
    """One line of the table: milliseconds, and how the allowed ones come about."""

    name: str
    measured_ms: float
    allowed_ms: float
    because: str
    unit: str = "ms"  # of both figures, where they are not a time

    @property
    def kept(self) -> bool:
        return self.measured_ms <= self.allowed_ms


def median_ms(action: Callable[[], object], rounds: int) -> float:
    """Return the median time of `action` over so many rounds."""
    return median(timed_ms(action) for _ in range(rounds))


def timed_ms(action: Callable[[], object]) -> float:
    started = perf_counter()
    action()
    return (perf_counter() - started) * 1000
