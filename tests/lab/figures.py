"""What a bench has measured: seconds run by run, their median, a table of several."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what was timed, and its seconds run by run."""

    title: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)


def table(figures: list[Figure]) -> str:
    """Return the figures as Markdown, each with its ratio to the first."""
    lines = ["| | median, s | all, s | x |", "|---|---|---|---|"]
    for each in figures:
        runs = ", ".join(f"{one:.2f}" for one in each.seconds)
        lines.append(f"| {each.title} | {each.median:.2f} | {runs} | {each.median / figures[0].median:.2f} |")
    return "\n".join(lines)
