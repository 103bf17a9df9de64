"""How long `pppgen doctor` takes: a modem that answers at once, one that answers slowly, and one that never does."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from pppgen.interview import PATIENCE_S
from tests.bench.budget import Budget
from tests.fakes.simulator import simulator

ROUNDS = 5


def budgets() -> Iterator[Budget]:
    """Ask the simulated modem, whose answers are at once; the silent one may cost its deadline, once."""
    yield Budget("doctor, a modem that answers", _took_ms(), 3000.0, "a person waits for it")
    yield Budget("doctor, 0.9 s an answer", _took_ms("late=900"), 3000.0, "what is not asked by then is told")
    allowed = (PATIENCE_S + 1.0) * 1000
    yield Budget("doctor, a silent modem", _took_ms("late=60000"), allowed, "one port's patience, once, + 1 s")


def _took_ms(*faults: str) -> float:
    with tempfile.TemporaryDirectory() as folder, simulator(Path(folder), *faults):
        argv = [sys.executable, "-m", "pppgen", "doctor", "--json", "--sysroot", folder, "--root", folder]
        answers = [subprocess.run(argv, capture_output=True, check=False).stdout for _ in range(ROUNDS)]
    return 1000 * median(float(json.loads(answer)["took_s"]) for answer in answers)
