"""How fast `pppgen diagnose` reads, and its peak memory, beside their budgets: `python tests/bench/bench_diagnose.py`.

Two logs of 100 MB each are made here: one in which every line is a program's word (the project's own fixtures over and
over), and an ordinary syslog in which one line in two hundred is.
"""

import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).parent.parent / "fixtures" / "diagnose"
SIZE = 100_000_000
MB = 1_000_000

STRANGERS = (
    "sshd[812]: Accepted publickey for pi from 192.168.1.20 port 51122 ssh2: ED25519 SHA256:Yt1bq7tSg2",
    "systemd[1]: Started Session 12 of User pi.",
    "CRON[2210]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
    'dockerd[990]: time="2024-03-01T09:08:07Z" level=info msg="loading plugin" type=io.containerd.event.v1',
    "kernel: [ 1200.100000] IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready",
    'kernel: [ 1201.220000] audit: type=1400 audit(1709280487.123:42): apparmor="ALLOWED" operation="open"',
    "rngd[501]: stats: bits received from HRNG source: 240064",
    "node-red[700]: 1 Mar 09:08:07 - [info] [mqtt-broker:local] Reading sensor 17: 23.4 degrees",
    "wpa_supplicant[420]: wlan0: WPA: Group rekeying completed with dc:a6:32:01:02:03 [GTK=CCMP]",
    'myservice[3210]: GET /api/v1/items?page=12 200 31ms 10.0.0.17 "Mozilla/5.0 (X11; Linux armv7l)"',
)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a log may cost."""

    name: str
    megabytes_per_second: float
    peak_megabytes: float = 80.0


def words() -> list[str]:
    """Every line of the fixtures, behind a syslog prefix where it has none."""
    lines = [line for path in sorted(FIXTURES.glob("*.log")) for line in path.read_text().splitlines() if line.strip()]
    return [line if index % 2 else f"Mar  1 09:08:07 host pppd[812]: {line}" for index, line in enumerate(lines)]


def write(path: Path, lines: list[str]) -> None:
    """Fill `path` with `SIZE` bytes of these lines in a seeded order."""
    order = random.Random(1)  # noqa: S311 -- a bench wants the same log each time
    order.shuffle(lines)
    block = ("\n".join(lines) + "\n").encode()
    with path.open("wb") as out:
        for _ in range(SIZE // len(block) + 1):
            out.write(block)


def measure(path: Path, budget: Budget) -> bool:
    """Print speed and peak memory of one run beside the budget; say whether both hold."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pppgen", "diagnose", "--json", str(path)], stdout=subprocess.DEVNULL, check=False
    )
    speed = path.stat().st_size / MB / (time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    held = speed >= budget.megabytes_per_second and peak <= budget.peak_megabytes
    print(
        f"{budget.name:34} {speed:6.1f} MB/s (>= {budget.megabytes_per_second:g})"
        f"  peak {peak:5.1f} MB (<= {budget.peak_megabytes:g})  {'ok' if held else 'MISSED'}"
    )
    return held


def main() -> int:
    """Run both; the status says whether every budget held."""
    sparse = [f"Mar  1 09:08:07 host {line}" for line in STRANGERS * 400]
    sparse[:: len(sparse) // 20] = [f"Mar  1 09:08:07 host pppd[812]: {line}" for line in words()[:20]]
    with tempfile.TemporaryDirectory() as folder:
        dense_log, sparse_log = Path(folder) / "dense.log", Path(folder) / "sparse.log"
        write(dense_log, words() * 5)
        write(sparse_log, sparse)
        held = [
            measure(dense_log, Budget("diagnose, every line matters", 5.0)),
            measure(sparse_log, Budget("diagnose, one line in 200 matters", 20.0)),
        ]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
