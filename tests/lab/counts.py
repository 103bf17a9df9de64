"""What `make test` and `make lab` ran, from their JUnit files; a test that neither of the two ran is a failure.

`python -m tests.lab.counts build/test.xml build/lab/1/lab.xml build/lab/2/lab.xml`
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Case:
    """One test of one run: its module, its name, and what became of it."""

    module: str
    name: str
    outcome: str

    @property
    def key(self) -> tuple[str, str]:
        """What is the same test in both runs."""
        return self.module, self.name

    @property
    def node(self) -> str:
        """Return the test as pytest's command line takes it."""
        parts = self.module.split(".")
        for length in range(len(parts), 0, -1):
            path = Path(*parts[:length]).with_suffix(".py")
            if (REPOSITORY / path).exists():
                return "::".join((str(path), *parts[length:], self.name))
        return ""


def cases(path: Path) -> list[Case]:
    """Return the tests of a run; none if it left no file."""
    if not path.exists():
        return []
    tree = ET.parse(path)  # noqa: S314 -- our own pytest wrote it
    return [
        Case(each.get("classname", ""), each.get("name", ""), next((child.tag for child in each), "passed"))
        for each in tree.iter("testcase")
    ]


def outcome(child: str) -> str:
    """Name what a JUnit element means."""
    return {"failure": "failed", "error": "failed", "skipped": "skipped"}.get(child, "passed")


def main(paths: list[Path]) -> int:
    """Print a line a run and the tests that none of them ran."""
    runs = {path: cases(path) for path in paths}
    status = 0
    for path, ran in runs.items():
        counted = Counter(outcome(case.outcome) for case in ran)
        print(f"{path}: {', '.join(f'{counted[each]} {each}' for each in ('passed', 'failed', 'skipped'))}")
        status |= bool(counted["failed"] or not counted["passed"])
    done = {case.key for ran in runs.values() for case in ran if outcome(case.outcome) != "skipped"}
    left = {case.key: case for ran in runs.values() for case in ran if case.key not in done}
    for case in left.values():
        print(f"ran nowhere: {case.module}::{case.name}")
    return int(status or bool(left))


if __name__ == "__main__":
    sys.exit(main([Path(each) for each in sys.argv[1:]]))
