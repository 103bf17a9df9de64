"""How fast `pppgen diagnose` reads, and its peak memory.

Three logs of 100 MB each are made here: one in which every line is a program's word (the project's own fixtures over
and over), an ordinary syslog in which one line in two hundred is, and what nobody signed and nobody here knows (talk, a
web server's log, an application's), no line of it twice.
"""

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
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

TALK = (
    "Thanks for the quick answer, I will try that when I am home again and tell you",
    "it worked for a week and now it is as slow as before, no idea what has changed",
    "Has anybody got this running on the older board? Mine came without any manual at all:",
    "the antenna stands at the window, and the bars on the phone beside it are all there",
    "(see the photo below), the cable is the short one that came with the kit;",
    "I have read the whole thread twice and I am none the wiser, sorry.",
    "So the question is: does the adapter need its own supply, or is the port enough?",
    "first of all I am new to this, my son set it up for me three years ago",
)


def talk() -> Iterator[str]:
    """Yield lines that no program of ours wrote, each with another number in it."""
    order = random.Random(2)  # noqa: S311 -- a bench wants the same log each time
    for number in range(SIZE):
        first, second, third = order.sample(TALK, 3)
        yield f"{first[: 30 + number % 48]} {number} {second}"
        yield f'10.{number % 250}.0.7 - - [01/Mar/2024:09:08:07 +0100] "GET /forum/{number} HTTP/1.1" 200 512 "curl"'
        yield f"2024-03-01 09:08:07,{number % 1000:03} INFO [worker-{number % 16}] shop.orders - {number} {third[:40]}"
        yield f"{third[number % 20 :]} #{number}"


def words() -> list[str]:
    """Every line of the fixtures, behind a syslog prefix where it has none."""
    lines = [line for path in sorted(FIXTURES.glob("*.log")) for line in path.read_text().splitlines() if line.strip()]
    return [line if index % 2 else f"Mar  1 09:08:07 host pppd[812]: {line}" for index, line in enumerate(lines)]


def write_talk(path: Path) -> None:
    """Fill `path` with `SIZE` bytes of talk."""
    left = SIZE
    with path.open("w") as out:
        for line in talk():
            left -= out.write(f"{line}\n")
            if left < 0:
                return


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
    """Measure the three logs."""
    sparse = [f"Mar  1 09:08:07 host {line}" for line in STRANGERS * 400]
    sparse[:: len(sparse) // 20] = [f"Mar  1 09:08:07 host pppd[812]: {line}" for line in words()[:20]]
    logs: tuple[tuple[str, Callable[[Path], None], int], ...] = (
        ("every line matters", lambda log: write(log, words() * 5), 5),
        ("one line in 200 matters", lambda log: write(log, sparse), 20),
        ("nobody signed it, no line matters", write_talk, 20),
    )
    for name, fill, speed in logs:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "a.log"
            fill(log)
            spent_ms, peak = costs(log)
            size = log.stat().st_size / MB
        told = f"{size / spent_ms * 1000:.1f} MB/s, at least {speed}"
        yield Budget(f"diagnose 100 MB, {name}", spent_ms, size / speed * 1000, told)
        yield Budget(f"diagnose 100 MB, {name}: peak memory", peak, PEAK, "bounded memory", unit="MB")
