"""Prints each budget beside what was measured: `make bench`, and with `ARGS=--strict` exit status 1 if one is exceeded.

Every `bench_*.py` of this folder yields its own budgets.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path


def main() -> int:
    """Run all benches, or those named."""
    folder = Path(__file__).parent
    sys.path.insert(0, str(folder.parent.parent))
    names = sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strict", action="store_true", help="exit 1 if a budget is exceeded")
    parser.add_argument("bench", nargs="*", default=names, help=f"these only, of {', '.join(names)}")
    options = parser.parse_args()
    exceeded = 0
    for name in options.bench:
        for budget in import_module(f"tests.bench.bench_{name}").budgets():
            exceeded += not budget.kept
            word = "kept" if budget.kept else "OVER"
            print(
                f"{word}  {budget.name:52} {budget.measured_ms:8.1f} {budget.unit}   "
                f"of {budget.allowed_ms:8.1f} {budget.unit} allowed ({budget.because})",
                flush=True,
            )
    return 1 if exceeded and options.strict else 0


if __name__ == "__main__":
    sys.exit(main())
