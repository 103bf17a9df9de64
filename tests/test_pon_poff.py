"""pon and poff: the supervisor's where one runs, Debian's own everywhere else."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pppgen.cli import tree as command_tree
from pppgen.shipped import shipped
from tests.fakes.bearers import Works
from tests.test_running import staged

# No name that anybody's pppd was called with: poff must hit nothing on the machine that runs the tests.
NOBODY = "pppgen-test-nobody"
needs_debians = pytest.mark.skipif(
    not Path("/usr/bin/poff").exists(), reason="Debian's pon and poff are missing: sudo apt-get install ppp"
)


def pppgen(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pppgen", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def wrapper(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = ["/bin/sh", str(shipped("etc") / "bin" / name), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def test_under_a_supervisor_poff_keeps_the_link_down_and_pon_wants_it_again(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Works()) as stage:
        stage.until("online")
        assert stage.command("poff").exit_code == 0
        stage.until("stopped")
        assert CliRunner().invoke(command_tree, ["pon", "--root", str(tmp_path), "provider"]).exit_code == 0
        stage.until("waiting")  # wanted again; two attempts within a minute are the governor's business


@needs_debians
def test_without_a_supervisor_debian_s_own_pon_answers(tmp_path: Path) -> None:
    done = pppgen("pon", "--root", str(tmp_path), NOBODY, "debug")
    debian = subprocess.run(["/usr/bin/pon", NOBODY, "debug"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (debian.returncode, debian.stdout)
    assert done.returncode == 1


@needs_debians
@pytest.mark.parametrize("option", [[], ["-r"], ["-d"], ["-c"]])
def test_without_a_supervisor_debian_s_own_poff_answers(tmp_path: Path, option: list[str]) -> None:
    done = pppgen("poff", "--root", str(tmp_path), *option, NOBODY)
    assert done.returncode == 1
    assert "None stopped" in done.stdout or "None signalled" in done.stdout


@needs_debians
@pytest.mark.parametrize("name", ["pon", "poff"])
def test_the_wrappers_are_debian_s_own_where_no_service_runs(name: str) -> None:
    if Path("/run/pppgen/control.sock").exists():
        pytest.skip("a supervisor runs on this machine: sudo systemctl stop pppgen")
    ours = wrapper(name, NOBODY)
    debian = subprocess.run([f"/usr/bin/{name}", NOBODY], capture_output=True, text=True, check=False)
    assert ours.returncode == debian.returncode == 1
    assert ours.stdout.replace(str(shipped("etc")), "") == debian.stdout


def test_both_have_help_with_examples() -> None:
    for name in ("pon", "poff"):
        done = pppgen(name, "--help")
        assert "Examples" in done.stdout
