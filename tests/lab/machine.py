"""On the host: boot Debian's stock kernel over the running system's files and run the lab in it.

`python -m tests.lab.machine test -k name`, `… shell`, `… bench`. Software emulation; no KVM is asked for, because
/dev/kvm may exist and still not work. The guest writes into overlays that vanish and into the results directory.
"""

import compileall
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO

from tests.lab import counts, near, sharing

REPOSITORY = Path(__file__).resolve().parent.parent.parent
HOST_RUN = REPOSITORY / "build" / "test.xml"
ROUNDS = int(os.environ.get("LAB_ROUNDS", "0"))  # `make soak`
SILENCE_S = 240 + 20 * ROUNDS  # no line from the guest for so long: it hangs
LIMIT_S = int(os.environ.get("LAB_LIMIT_S", 1800 + 40 * ROUNDS))  # whatever it prints
TAIL = 80
TESTS_FAILED = 1  # pytest's exit status; the watchdog's and a crash's are higher
AGAIN = 3
# What a virtual machine has and the lab has no use for; 2 s of boot.
UNWANTED = (
    "kvm,kvm_amd,kvm_intel,libata,ahci,sg,sr_mod,psmouse,pcspkr,button,i2c_i801,lpc_ich,iTCO_wdt,i6300esb,powernow_k8,"
    "aesni_intel,ghash_clmulni_intel,sha512_ssse3,sha256_ssse3,crct10dif_pclmul,crc32_pclmul,joydev,evdev"
)
# vng gives each of its pipes a controller of 31 ports, and each port's queues are descriptors that qemu polls at every
# event: 390 of them, a fifth of all the time of a boot. One port each is used; number 0 is a console's.
QEMU = "-global virtio-serial-pci.max_ports=2"
KERNEL = (
    # dummy_hcd looks at its transfers 8000 times a second while one is pending, and each time the emulated timer is set
    # anew. With the tick alone it is 250 times, and the same tests cost two thirds of the processor's time.
    *("highres=off", "nohz=off"),
    # One boot of all ended in "PANIC: early exception 0x06", right after "Memory KASLR using RDRAND RDTSC...".
    "nokaslr",
)


def appended(*words: str) -> list[str]:
    """Return vng's words for the kernel's command line."""
    return [part for word in words for part in ("--append", word)]


def machines(what: str, words: list[str]) -> int:
    """Return how many virtual machines to boot: tests picked by file, and whatever is timed, have one to themselves."""
    if chosen := os.environ.get("LAB_MACHINES"):
        return int(chosen)
    # A test waits about as long as it computes, so one more than there are processors.
    return 1 + (os.cpu_count() or 1) if what == "test" and not any("tests/" in word for word in words) else 1


def processors(*, shared: bool) -> int:
    """Return how many processors to emulate.

    Two emulated ones on real ones that others use too cost twice the time of one for the same work: each waits for
    locks that the other holds while it does not run.
    """
    if chosen := os.environ.get("LAB_CPUS"):
        return int(chosen)
    return 2 if not shared and os.getloadavg()[0] < (os.cpu_count() or 1) else 1


def command(cache: Path, what: str, words: list[str], results: Path, *, shared: bool) -> list[str]:
    """Return vng's command line; `shared`: other machines have the same words, and each test is for one of them."""
    kernel = next((cache / "kernel/boot").glob("vmlinuz-*"))
    # vng's guest has an environment of its own; what a run is told comes on the command line.
    told = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("LAB_")]
    inside = [
        "env",
        *told,
        f"LAB_CLAIMS={near.SHARED if shared else ''}",
        str(REPOSITORY / ".venv/bin/python"),
        "-m",
        "tests.lab.stage",
        str(results),
        str(cache / "guest"),
        what,
    ]
    return [
        str(REPOSITORY / ".venv/bin/vng"), "-v", "-r", str(kernel), "--busybox", str(cache / "busybox/usr/bin/busybox"),
        "--force-9p", "--disable-kvm", "--user", "root",
        f"--qemu-opts={QEMU}", "--cpus", str(processors(shared=shared)), "--memory", "1536M", "--cwd", str(REPOSITORY),
        "--rwdir", str(near.RESULTS), "--rodir", f"{near.FAR}=/",
        *appended(f"modprobe.blacklist={UNWANTED}", "loglevel=5", *KERNEL),
        *(("--", shlex.join([*inside, *words])) if what != "shell" else ("--exec", shlex.join(inside))),
    ]  # fmt: skip


class Machine:
    """A virtual machine under a watchdog that ends a run that hangs and remembers the console's last lines.

    `prefix` stands before each line that it says, where several speak.
    """

    def __init__(self, argv: list[str], environment: dict[str, str], console: Path, prefix: str) -> None:
        # vng opens its standard output again by path, and would write from a regular file's beginning: pipes it is.
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=environment,
        )
        assert self.process.stdout
        assert self.process.stderr
        self._console, self._prefix = console, prefix.encode()
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._began = self._heard = time.monotonic()
        self._fired = ""
        self.up = False
        self._readers = (
            self._follow(self.process.stdout, sys.stdout.buffer),
            self._follow(self.process.stderr, None),
        )

    def _follow(self, stream: IO[bytes], out: IO[bytes] | None) -> threading.Thread:
        """Pass on what the guest says, line by line; the console's lines go to a file."""

        def run() -> None:
            with self._console.open("ab") as file:
                for line in stream:
                    self._tail.append(line.decode(errors="replace").rstrip())
                    if out:
                        self._heard, self.up = time.monotonic(), True
                        out.write(self._prefix + line)
                        out.flush()
                    else:
                        file.write(line)
                        file.flush()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def look(self) -> int | None:
        """Return the run's status once it has ended; end one that is silent, or out of time."""
        status = self.process.poll()
        now = time.monotonic()
        silent = now - self._heard
        if status is None and not self._fired and (silent > SILENCE_S or now - self._began > LIMIT_S):
            self._fired = f"{silent:.0f} s of silence" if silent > SILENCE_S else f"more than {LIMIT_S} s"
            self.end()
        return status

    def end(self) -> None:
        """End it with all that belongs to it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)

    def status(self) -> int:
        """Return how the ended run went, and say so where the watchdog ended it."""
        for reader in self._readers:
            reader.join(timeout=5)
        if self._fired:
            print(f"\nlab: ended after {self._fired}; the guest's last lines:\n" + "\n".join(self._tail))
            return 124
        code = self.process.returncode
        return code if code >= 0 else 128 - code


def watch(running: list[Machine]) -> None:
    """Return when all of them have ended."""
    while any([machine.look() is None for machine in running]):  # noqa: C419 -- each has to be looked at
        time.sleep(1)


def left_by_the_host() -> list[str]:
    """Return the tests that `make test` had to skip on this machine: the guest has a kernel of its own and is root."""
    skipped = [case.node for case in counts.cases(HOST_RUN) if case.outcome == "skipped"]
    return [node for node in skipped if node]


def clear() -> None:
    """Empty the results directory: what lies there is of the last run."""
    near.RESULTS.mkdir(parents=True, exist_ok=True)
    for old in near.RESULTS.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
        else:
            old.unlink()
    near.SHARED.mkdir()


def main(what: str, words: list[str]) -> int:
    """Boot, run, bring the status home."""
    count = machines(what, words)
    if what == "test" and not words:
        words = ["tests/lab", *left_by_the_host()]
    fetched = subprocess.run([REPOSITORY / ".ci/lab-fetch"], check=False, stdout=subprocess.PIPE, text=True)
    if fetched.returncode:
        return fetched.returncode
    clear()
    # The guest can't write bytecode into the tree, and compiling there takes seconds.
    for folder in ("pppgen", "tests"):
        compileall.compile_dir(str(REPOSITORY / folder), quiet=2)
    if what in {"test", "bench"}:
        near.pack()
    cache = Path(fetched.stdout.strip())
    # Who ends this program means the machines too: vng's qemu would run on for good.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        if what == "shell":
            argv = command(cache, what, words, near.RESULTS, shared=False)
            return subprocess.run(argv, check=False, env=environment()).returncode
        folders = [near.RESULTS / str(number) for number in range(1, count + 1)] if count > 1 else [near.RESULTS]
        statuses = run(cache, what, words, folders)
        if count > 1 and (left := sharing.left_over(near.SHARED)):
            print(f"lab: {left} of the tests ran on no machine")
            return max(statuses) or 1
        return again(cache, folders) if count > 1 and max(statuses) == TESTS_FAILED else max(statuses)
    finally:
        (near.SHARED / near.ARCHIVE).unlink(missing_ok=True)


def environment() -> dict[str, str]:
    """Return vng's: it looks for its own parts in PATH."""
    return {**os.environ, "PATH": f"{REPOSITORY / '.venv/bin'}:{os.environ['PATH']}:/usr/sbin:/sbin"}


def run(cache: Path, what: str, words: list[str], folders: list[Path]) -> list[int]:
    """Boot a machine for each results folder, wait for all of them, return their statuses."""
    running: list[Machine] = []
    several = len(folders) > 1
    try:
        for folder in folders:
            folder.mkdir(exist_ok=True)
            argv = command(cache, what, words, folder, shared=several)
            running.append(Machine(argv, environment(), folder / "console.log", f"{folder.name}: " if several else ""))
        watch(running)
    finally:
        for machine in running:
            machine.end()
    statuses = [machine.status() for machine in running]
    # The others have done its tests; what is left over is counted.
    return [status for machine, status in zip(running, statuses, strict=True) if machine.up] or statuses


def again(cache: Path, folders: list[Path]) -> int:
    """Run what failed once more in a machine of its own, where nothing competes; name what failed as the last words.

    Three machines on two processors now and then miss a deadline, which says nothing about pppgen. What fails alone
    too is a failure, and so are more than a few at once.
    """
    files = [folder / "lab.xml" for folder in folders]
    broken = counts.failed(files)
    if len(broken) <= AGAIN:
        print(f"lab: {', '.join(case.node for case in broken)} failed: once more, alone", flush=True)
        folder = near.RESULTS / "again"
        run(cache, "test", [case.node for case in broken], [folder])
        files.append(folder / "lab.xml")
    return counts.main(files)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
