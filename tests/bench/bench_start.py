"""What it costs to start `pppgen`, beside the one library that it cannot do without."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.budget import Budget, timed_ms

ROUNDS = 21


def budgets() -> Iterator[Budget]:
    """Measure both in turns, so that the machine's other work weighs on both."""
    pppgen = str(Path(sys.executable).with_name("pppgen"))
    version: list[float] = []
    click: list[float] = []
    for _ in range(ROUNDS):
        version.append(timed_ms(lambda: subprocess.run([pppgen, "--version"], check=True, capture_output=True)))
        click.append(timed_ms(lambda: subprocess.run([sys.executable, "-c", "import click"], check=True)))
    base = median(click)
    yield Budget("pppgen --version", median(version), 1.3 * base, f'1.3 x {base:.1f} ms, python -c "import click"')
