"""In the guest: lay the extra packages over the system, make the networks, start the world, then run tests or a shell.

`python -m tests.lab.stage RESULTS CACHE test [pytest arguments]`, `… run SCRIPT`, `… shell`; the exit status is the
run's own.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab import namespaces, near, operator
from tests.lab.gadget import MODULES
from tests.lab.places import OWNERS, RUN, SOCKET, WLAN_GATEWAY

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PYTEST = (
    "--import-mode=importlib --strict-markers --strict-config --doctest-modules -ra -v "
    "-p no:cacheprovider -p no:hypothesispytest -p no:cov "
    f"--durations=15 -o addopts= -o faulthandler_timeout={220 + 20 * int(os.environ.get('LAB_ROUNDS', '0'))}"
)


def lay_packages(extra: Path) -> None:
    """Lay the packages that only the guest has over /usr and /etc, which are overlays already.

    Copied, because one more overlay over /usr would hide the modules that are mounted below it.
    """
    for part in ("usr", "etc"):
        shutil.copytree(extra / part, f"/{part}", symlinks=True, dirs_exist_ok=True)
    passwd = Path("/etc/passwd")
    if "polkitd:" not in passwd.read_text():
        passwd.write_text(passwd.read_text() + "polkitd:x:994:994::/nonexistent:/usr/sbin/nologin\n")


def prepare(extra: Path) -> None:
    """Make the guest what a small board is: modules, rules, a resolver of its own."""
    RUN.mkdir(parents=True)
    # A file that keeps a mount namespace must lie on a mount that does not propagate.
    namespaces.run("mount", "--bind", str(RUN), str(RUN))
    namespaces.run("mount", "--make-private", str(RUN))
    lay_packages(extra)
    OWNERS.symlink_to(extra.parent / "owners")
    namespaces.run("modprobe", "-a", *MODULES, "ppp_async", "ppp_deflate", "veth")
    if not Path("/sys/kernel/config/usb_gadget").exists():
        # vng mounts configfs before the module is there, which fails silently.
        namespaces.run("mount", "-t", "configfs", "configfs", "/sys/kernel/config")
    namespaces.run("udevadm", "control", "--reload")
    resolver = Path("/etc/resolv.conf")
    resolver.unlink(missing_ok=True)
    resolver.write_text(f"nameserver {WLAN_GATEWAY}\n")
    operator.lay_out()


def start_world(results: Path) -> subprocess.Popen[str]:
    """Start the lab's process and wait until it is ready."""
    with (results / "world.log").open("w") as log:
        world = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.world", str(results)], stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert world.stdout
    said = world.stdout.readline()
    if not said or not json.loads(said)["ready"]:
        sys.stderr.write((results / "world.log").read_text())
        raise SystemExit("the lab did not come up")
    namespaces.run("udevadm", "settle")
    return world


def main(results: Path, extra: Path, what: str, words: list[str]) -> int:
    """Do it all; return the status."""
    os.chdir(REPOSITORY)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["PATH"] = f"{REPOSITORY / '.venv/bin'}:{os.environ['PATH']}:/usr/sbin:/sbin"
    if what in {"test", "bench"}:
        near.enter()
    prepare(extra)
    start_world(results)
    print(f"lab: the modem is up after {_uptime():.0f} s", flush=True)
    if what == "shell":
        with tempfile.NamedTemporaryFile("w", suffix=".rc") as rc:
            rc.write("lab() { python -m tests.lab.control \"$@\"; }\nPS1='lab# '\nls -l /dev/ttyUSB*\n")
            rc.write("echo 'the simulated modem: lab status | lab fault at=2 | lab replug 2 | lab reset | …'\n")
            rc.flush()
            return subprocess.run(["bash", "--rcfile", rc.name, "-i"], check=False).returncode
    if what == "run":
        return subprocess.run(["bash", "-c", " ".join(words)], check=False).returncode
    if what == "bench":
        return subprocess.run([sys.executable, "-m", "tests.lab.bench", str(results), *words], check=False).returncode
    tests = words if any(not word.startswith("-") and "tests/" in word for word in words) else ["tests/lab", *words]
    shared = ["-p", "tests.lab.sharing"] if os.environ.get("LAB_CLAIMS") else []
    status = subprocess.run(
        [sys.executable, "-m", "pytest", *PYTEST.split(), *shared, f"--junitxml={results / 'lab.xml'}", *tests],
        check=False,
        stderr=subprocess.STDOUT,  # vng carries the two by different ways
    ).returncode
    (results / "dmesg.log").write_text(namespaces.run("dmesg"))
    return status


def _uptime() -> float:
    return float(Path("/proc/uptime").read_text().split()[0])


if __name__ == "__main__":
    assert not SOCKET.exists()
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]))
