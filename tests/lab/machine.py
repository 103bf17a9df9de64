"""On the host: boot Debian's stock kernel over the running system's files and run the lab in it.

`python -m tests.lab.machine test -k name`, `… shell`, `… bench`. Software emulation; no KVM is asked for, because
/dev/kvm may exist and still not work. The guest writes into overlays that vanish and into the results directory.
"""

import compileall
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO

from tests.lab import counts, near

REPOSITORY = Path(__file__).resolve().parent.parent.parent
HOST_RUN = REPOSITORY / "build" / "test.xml"
RESULTS = REPOSITORY / "build" / "lab"
ROUNDS = int(os.environ.get("LAB_ROUNDS", "0"))  # `make soak`
SILENCE_S = 240 + 20 * ROUNDS  # no line from the guest for so long: it hangs
LIMIT_S = int(os.environ.get("LAB_LIMIT_S", 1800 + 40 * ROUNDS))  # whatever it prints
TAIL = 80
# What a virtual machine has and the lab has no use for; 2 s of boot.
UNWANTED = (
    "kvm,kvm_amd,kvm_intel,libata,ahci,sg,sr_mod,psmouse,pcspkr,button,i2c_i801,lpc_ich,iTCO_wdt,i6300esb,powernow_k8,"
    "aesni_intel,ghash_clmulni_intel,sha512_ssse3,sha256_ssse3,crct10dif_pclmul,crc32_pclmul,joydev,evdev"
)


def processors() -> int:
    """Return how many processors to emulate.

    Two emulated ones on real ones that others use too cost twice the time of one for the same work: each waits for
    locks that the other holds while it does not run.
    """
    if chosen := os.environ.get("LAB_CPUS"):
        return int(chosen)
    return 2 if os.getloadavg()[0] < (os.cpu_count() or 1) else 1


def command(cache: Path, what: str, words: list[str]) -> list[str]:
    """Return vng's command line."""
    kernel = next((cache / "kernel/boot").glob("vmlinuz-*"))
    # vng's guest has an environment of its own; what a run is told comes on the command line.
    told = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("LAB_")]
    inside = [
        "env",
        *told,
        str(REPOSITORY / ".venv/bin/python"),
        "-m",
        "tests.lab.stage",
        str(RESULTS),
        str(cache / "guest"),
        what,
    ]
    return [
        str(REPOSITORY / ".venv/bin/vng"), "-v", "-r", str(kernel), "--busybox", str(cache / "busybox/usr/bin/busybox"),
        "--force-9p", "--disable-kvm", "--user", "root",
        "--cpus", str(processors()), "--memory", "1536M", "--cwd", str(REPOSITORY),
        "--rwdir", str(RESULTS), "--append", f"modprobe.blacklist={UNWANTED}", "--append", "loglevel=5",
        *(("--", shlex.join([*inside, *words])) if what != "shell" else ("--exec", shlex.join(inside))),
    ]  # fmt: skip


class Watchdog:
    """Ends a run that hangs and remembers the last lines of the guest's console."""

    def __init__(self, process: subprocess.Popen[bytes], console: Path) -> None:
        self.process = process
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.heard = time.monotonic()
        self.fired = ""
        self.console = console

    def follow(self, stream: IO[bytes], out: IO[bytes] | None) -> threading.Thread:
        """Pass on what the guest says, line by line; the console's lines go to a file."""

        def run() -> None:
            with self.console.open("ab") as file:
                for line in stream:
                    self.tail.append(line.decode(errors="replace").rstrip())
                    if out:
                        self.heard = time.monotonic()
                        out.write(line)
                        out.flush()
                    else:
                        file.write(line)
                        file.flush()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def wait(self) -> int:
        """Wait for the run's end, or make it end; return its status."""
        end = time.monotonic() + LIMIT_S
        while True:
            try:
                return self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                silent = time.monotonic() - self.heard
                if silent > SILENCE_S or time.monotonic() > end:
                    self.fired = f"{silent:.0f} s of silence" if silent > SILENCE_S else f"more than {LIMIT_S} s"
                    os.killpg(self.process.pid, signal.SIGTERM)


def left_by_the_host() -> list[str]:
    """Return the tests that `make test` had to skip on this machine: the guest has a kernel of its own and is root."""
    skipped = [case.node for case in counts.cases(HOST_RUN) if case.outcome == "skipped"]
    return [node for node in skipped if node]


def main(what: str, words: list[str]) -> int:
    """Boot, run, bring the status home."""
    if what == "test" and not words:
        words = ["tests/lab", *left_by_the_host()]
    fetched = subprocess.run([REPOSITORY / ".ci/lab-fetch"], check=False, stdout=subprocess.PIPE, text=True)
    if fetched.returncode:
        return fetched.returncode
    RESULTS.mkdir(parents=True, exist_ok=True)
    for old in RESULTS.iterdir():
        old.unlink()
    # The guest can't write bytecode into the tree, and compiling there takes seconds.
    for folder in ("pppgen", "tests"):
        compileall.compile_dir(str(REPOSITORY / folder), quiet=2)
    if what in {"test", "bench"}:
        near.pack(RESULTS)
    argv = command(Path(fetched.stdout.strip()), what, words)
    # vng looks for its own parts in PATH.
    environment = {**os.environ, "PATH": f"{REPOSITORY / '.venv/bin'}:{os.environ['PATH']}:/usr/sbin:/sbin"}
    if what == "shell":
        return subprocess.run(argv, check=False, env=environment).returncode
    # vng opens its standard output again by path, and would write from a regular file's beginning: pipes it is.
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=environment,
    )
    assert process.stdout
    assert process.stderr
    watchdog = Watchdog(process, RESULTS / "console.log")
    readers = watchdog.follow(process.stdout, sys.stdout.buffer), watchdog.follow(process.stderr, None)
    # Who ends this program means the machine too: vng's qemu would run on for good.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        status = watchdog.wait()
    except (KeyboardInterrupt, SystemExit):
        os.killpg(process.pid, signal.SIGTERM)
        raise
    for reader in readers:
        reader.join(timeout=5)
    if watchdog.fired:
        print(f"\nlab: ended after {watchdog.fired}; the guest's last lines:\n" + "\n".join(watchdog.tail))
        return 124
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
