"""What the supervisor costs while nothing happens: memory beside its libraries alone, and how often it wakes."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

from pppgen.config import Link, dump_link
from tests.bench.budget import Budget

IDLE_S = 20.0
# Those of the libraries that the supervisor works with (test_running.py); click, which read its command line, is not.
LIBRARIES = "import cattrs, pexpect, psutil, pyroute2, serial"


def budgets() -> Iterator[Budget]:
    """Measure a supervisor that waits for a modem which is not there."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "etc/pppgen").mkdir(parents=True)
        link = Link("provider", "super", "bg96", "/dev/none", usb_path="99-9")
        (root / "etc/pppgen/link.toml").write_text(dump_link(link))
        program = [str(Path(sys.executable).with_name("pppgen")), "run", "--root", folder]
        # As under systemd: a socket that is told, and a watchdog of 60 s.
        environment = {**os.environ, "NOTIFY_SOCKET": str(root / "notify"), "WATCHDOG_USEC": "60000000"}
        with subprocess.Popen(program, env=environment, stderr=subprocess.PIPE) as supervisor:
            while not (root / "run/pppgen/status.json").exists():
                sleep(0.1)
            sleep(2)
            before, start = wakes(supervisor.pid), monotonic()
            sleep(IDLE_S)
            per_ten = (wakes(supervisor.pid) - before) / (monotonic() - start) * 10
            memory = rss_kb(supervisor.pid)
            supervisor.send_signal(signal.SIGTERM)
            supervisor.communicate()
    bare = f"{LIBRARIES}; print(flush=True); import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", bare], stdout=subprocess.PIPE) as interpreter:
        assert interpreter.stdout is not None
        interpreter.stdout.readline()
        libraries = rss_kb(interpreter.pid)
        interpreter.kill()
    because = f"1.4 x {libraries:.0f} kB, {LIBRARIES}"
    yield Budget("idle supervisor, memory", memory, 1.4 * libraries, because, unit="kB")
    yield Budget("idle supervisor, wakes in 10 s", per_ten, 1.0, "no timer runs out more often", unit="  ")


def rss_kb(pid: int) -> float:
    """Return the memory that a process really occupies."""
    found = re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return float(found[1])


def wakes(pid: int) -> int:
    """How often any of its threads went to sleep by itself, which is how often one had been woken."""
    statuses = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(int(number) for text in statuses for number in re.findall(r"voluntary_ctxt_switches:\s+(\d+)", text)[:1])
