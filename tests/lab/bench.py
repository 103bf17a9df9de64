"""How long until the AT port is known, and until the first ping is answered: pppgen beside what people use today.

Runs in the lab's guest (`make bench-lab`), each tool cold on the same modem; prints the tables of
docs/benchmarks.md.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab import bench_fallback, bench_ppp, board, control
from tests.lab.figures import Figure, table

RUNS = 5
MODEM = "/org/freedesktop/ModemManager1/Modem/"
# The call of the probe alone, without interpreter, imports and click: what a running supervisor pays.
PROBE_CALL = """
import time
from pathlib import Path
from pppgen.commands.survey import survey
from pppgen.probing import probe_devices
devices = survey(Path("/")).found.devices
start = time.monotonic()
outcome = probe_devices(devices, whole=False)
took = time.monotonic() - start
assert outcome.modem, outcome
print(took)
"""


def timed(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.monotonic()
    act()
    return time.monotonic() - start


def cold(title: str, run: Callable[[], float], after: Callable[[], object] = lambda: None) -> Figure:
    """Measure with the page cache emptied and the modem as delivered before each run."""
    seconds = []
    for _ in range(RUNS):
        control.ask("reset")
        Path("/proc/sys/vm/drop_caches").write_text("3")
        seconds.append(run())
        after()
        print(f"{title}: {seconds[-1]:.2f} s", flush=True)
    return Figure(title, tuple(seconds))


def must(*argv: str, says: str = "", env: dict[str, str] | None = None) -> str:
    """Run a program that has to succeed and return what it said."""
    done = subprocess.run(
        argv,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
    )
    assert done.returncode == 0, f"{argv}: {done.stdout}"
    assert says in done.stdout, f"{argv}: {done.stdout}"
    return done.stdout


def wvdialconf() -> float:
    """Return the time of wvdialconf; Debian 12's aborts at random without LD_BIND_NOW."""
    found = "ttyUSB2"
    environment = {**os.environ, "LD_BIND_NOW": "1"}
    return timed(lambda: must("wvdialconf", "/run/wvdial.conf", says=found, env=environment))


def modemmanager() -> float:
    """Return the time from ModemManager's start until it lists the modem; bus and polkit run already."""

    def listed() -> None:
        control.ask("modemmanager", "start")
        while MODEM not in board.run("mmcli", "-L").said:
            pass

    return timed(listed)


def first_ping(*, guide: bool) -> float:
    """Return the time from pon to the first answer."""
    board.install_peers(3, guide=guide)

    def up() -> None:
        must("pon")
        while board.ping(count=1).status:
            pass

    return timed(up)


def main(results: Path) -> int:
    """Run all of it and print the tables."""
    control.ask("modemmanager", "start")
    control.ask("modemmanager", "stop")  # the bus is up from now on
    ports = [
        cold("`pppgen probe --quick`, the whole command", lambda: timed(lambda: must("pppgen", "probe", "--quick"))),
        cold("the call of the probe in it", lambda: float(must(sys.executable, "-c", PROBE_CALL).split()[-1])),
        cold("`wvdialconf`", wvdialconf),
        cold("ModemManager, until `mmcli -L` lists the modem", modemmanager),
    ]
    board.name_ports()
    pings = [
        cold(f"`pon`, {title}", lambda guide=guide: first_ping(guide=guide), board.poff)  # type: ignore[misc]
        for title, guide in (("pppgen's chat script", False), ("the guide's (`--as-guide`)", True))
    ]
    board.take_back()
    text = f"Until the AT port is known:\n\n{table(ports)}\n\nUntil the first ping is answered:\n\n{table(pings)}\n"
    switches, stories = bench_fallback.measure(RUNS)
    board.take_back()
    text += f"\nBy a running supervisor, until the first ping is answered:\n\n{switches}\n"
    (results / "bench-steps.txt").write_text(stories)
    (results / "bench.md").write_text(text)
    ppp = bench_ppp.tables(RUNS, lambda: control.ask("reset"))
    text += f"\nPPP under the supervisor:\n\n{ppp}\n"
    (results / "bench.md").write_text(text)
    print(f"\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
