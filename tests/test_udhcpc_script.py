"""Our udhcpc script only tells: run by the shells that a board has, with what a DHCP server may send."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pppgen.bearers.qmi_parts import SCRIPT
from pppgen.programs.udhcpc import EVENTS, ScriptLine, script_line

SHELLS = [shell for shell in (["dash"], ["bash"], ["busybox", "sh"]) if shutil.which(shell[0])]


def tell(shell: list[str], path: Path | None, event: str, **values: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **values} | ({EVENTS: str(path)} if path else {})
    return subprocess.run(
        [*shell, str(SCRIPT), event], env=environment, capture_output=True, text=True, check=False, cwd=SCRIPT.parent
    )


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_each_event_is_one_line(shell: list[str], tmp_path: Path) -> None:
    path = tmp_path / "events"
    tell(shell, path, "deconfig", interface="wwan0")
    tell(
        shell, path, "bound", interface="wwan0", ip="10.0.0.2", subnet="255.255.255.252", router="10.0.0.1 10.0.0.9",
        dns="8.8.8.8 8.8.4.4", mtu="1430",
    )  # fmt: skip
    heard = [script_line(line) for line in path.read_text().splitlines()]
    assert heard == [
        ScriptLine("deconfig"),
        ScriptLine("bound", "10.0.0.2", "255.255.255.252", "10.0.0.1", ("8.8.8.8", "8.8.4.4"), "1430"),
    ]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    "value", ["$(touch pwned)", "`touch pwned`", "*", "%s%n", "-e", "a\nevent=bound ip=1.2.3.4", "'\""]
)
def test_nothing_that_a_server_sends_is_run_or_widened(shell: list[str], tmp_path: Path, value: str) -> None:
    path = tmp_path / "events"
    done = tell(shell, path, "nak", dns=value, router=value)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (SCRIPT.parent / "pwned").exists()
    assert SCRIPT.name not in path.read_text()


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_without_a_place_to_tell_it_does_nothing_and_never_fails_udhcpc(shell: list[str], tmp_path: Path) -> None:
    assert tell(shell, None, "bound").returncode == 0
    assert tell(shell, tmp_path / "missing/events", "bound").returncode == 0


def test_it_can_be_executed_as_udhcpc_does() -> None:
    assert os.access(SCRIPT, os.X_OK)
