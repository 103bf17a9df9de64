"""What `make test` and `make lab` ran, from their JUnit files; a test that neither of the two ran is a failure.

One that failed and passed when it was run again on a machine of its own is named, and is none.

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
    """One test of one run: its module, its name, what became of it, and why."""

    module: str
    name: str
    outcome: str
    why: str = ""

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
    return [_case(each) for each in tree.iter("testcase")]


def _case(element: ET.Element) -> Case:
    """Return a test; a failure goes before what else its element holds, its output for one."""
    names = {"failure": "failed", "error": "failed", "skipped": "skipped"}
    told = sorted((child for child in element if child.tag in names), key=lambda child: child.tag == "skipped")
    outcome, why = (names[told[0].tag], told[0].get("message", "")) if told else ("passed", "")
    return Case(element.get("classname", ""), element.get("name", ""), outcome, why)


def failed(paths: list[Path]) -> list[Case]:
    """Return the tests that failed, each once, unless they passed in another of these runs."""
    ran = [case for path in paths for case in cases(path)]
    passed = {case.key for case in ran if case.outcome == "passed"}
    return list({case.key: case for case in ran if case.outcome == "failed" and case.key not in passed}.values())


def main(paths: list[Path]) -> int:
    """Print a line a run and the tests that none of them ran."""
    runs = {path: cases(path) for path in paths}
    status = 0
    for path, ran in runs.items():
        counted = Counter(case.outcome for case in ran)
        print(f"{path}: {', '.join(f'{counted[each]} {each}' for each in ('passed', 'failed', 'skipped'))}")
        status |= not path.exists()
    broken = failed(paths)
    for case in broken:
        print(f"failed: {case.module}::{case.name}: {case.why.splitlines()[0] if case.why else ''}")
    for key in sorted({case.key for ran in runs.values() for case in ran if case.outcome == "failed"}):
        if key not in {case.key for case in broken}:
            print(f"failed once, passed when it ran again: {'::'.join(key)}")
    done = {case.key for ran in runs.values() for case in ran if case.outcome != "skipped"}
    left = {case.key: case for ran in runs.values() for case in ran if case.key not in done}
    for case in left.values():
        print(f"ran nowhere: {case.module}::{case.name}")
    return int(status or bool(broken or left))


if __name__ == "__main__":
    sys.exit(main([Path(each) for each in sys.argv[1:]]))
