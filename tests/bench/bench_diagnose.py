"""How fast `pppgen diagnose` reads, and its peak memory.

Two logs of 100 MB each are made here: one in which every line is a program's word (the project's own fixtures over and
over), and an ordinary syslog in which one line in two hundred is.
"""

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.budget import Budget

FIXTURES = Path(__file__).parent.parent / "fixtures" / "diagnose"
SIZE = 100_000_000
MB = 1_000_000
PEAK = 80.0

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


def costs(path: Path) -> tuple[float, float]:
    """Return milliseconds of processor time and the peak memory in MB of one run.

    Processor time, because the machine's other work is not the reader's.
    """
    argv = [sys.executable, "-m", "pppgen", "diagnose", "--json", str(path)]
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    _pid, _status, used = os.wait4(child.pid, 0)
    child.returncode = 0
    return (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / 1000


def budgets() -> Iterator[Budget]:
    """Measure both logs."""
    sparse = [f"Mar  1 09:08:07 host {line}" for line in STRANGERS * 400]
    sparse[:: len(sparse) // 20] = [f"Mar  1 09:08:07 host pppd[812]: {line}" for line in words()[:20]]
    for name, lines, speed in (("every line matters", words() * 5, 5), ("one line in 200 matters", sparse, 20)):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "a.log"
            write(log, lines)
            spent_ms, peak = costs(log)
            size = log.stat().st_size / MB
        told = f"{size / spent_ms * 1000:.1f} MB/s, at least {speed}"
        yield Budget(f"diagnose 100 MB, {name}", spent_ms, size / speed * 1000, told)
        yield Budget(f"diagnose 100 MB, {name}: peak memory", peak, PEAK, "bounded memory", unit="MB")
