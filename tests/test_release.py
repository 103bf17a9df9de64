"""Real processes that hold a real pseudo-terminal, under a name of their own."""

import os
import pty
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pppgen.system.release import await_release

PATIENCE_S = 60.0


@pytest.fixture
def node() -> Iterator[Path]:
    """A pty's slave that this process keeps."""
    master, slave = pty.openpty()
    yield Path(os.ttyname(slave))
    os.close(slave)
    os.close(master)


@pytest.fixture
def manager(node: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process called ModemManager that has the node open."""
    program = tmp_path / "ModemManager"
    shutil.copy("/bin/sleep", program)
    with node.open("rb") as opened, subprocess.Popen([program, "600"], stdin=opened) as process:
        yield process
        process.kill()


def test_who_does_not_let_go_is_named_and_nobody_else(node: Path, manager: subprocess.Popen[bytes]) -> None:
    holder = await_release([str(node)], "ModemManager", 0.2)
    assert holder is not None
    assert (holder.pid, holder.name) == (manager.pid, "ModemManager")
    assert await_release([str(node)], "minicom", 0.0) is None


def test_letting_go_is_noticed(node: Path, manager: subprocess.Popen[bytes]) -> None:
    ending = threading.Timer(0.3, manager.kill)
    ending.start()
    assert await_release([str(node)], "ModemManager", PATIENCE_S) is None
    ending.join()


def test_a_node_that_is_gone_is_held_by_nobody(tmp_path: Path) -> None:
    assert await_release([str(tmp_path / "ttyUSB9")], "ModemManager", 0.0) is None
