"""`pppgen up` and `pppgen run` as processes, with a modem that is not there: signals, doors, exit statuses."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pppgen.config import Link, dump_link
from pppgen.control import Conversation
from pppgen.errors import PppgenError
from pppgen.requests import Events, Up
from pppgen.status import read as read_status
from pppgen.system.files import Tree

PPPGEN = str(Path(sys.executable).with_name("pppgen"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/pppgen").mkdir(parents=True)
    link = Link("provider", "super", "bg96", "/dev/pppgen/99-9-if02", usb_path="99-9")
    (tmp_path / "etc/pppgen/link.toml").write_text(dump_link(link))
    (tmp_path / "sys").mkdir()
    return tmp_path


@contextmanager
def running(root: Path, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    command = [PPPGEN, *words, "--root", str(root), "--sysroot", str(root)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def asked(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PPPGEN, *words, "--root", str(root)], capture_output=True, text=True, check=False, timeout=60
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_ctrl_c_ends_a_foreground_run_cleanly(root: Path) -> None:
    with running(root, "up") as process:
        assert "Waiting for the modem to come back to its USB port" in first_line(process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert not list((root / "run/pppgen").glob("*.sock"))
    assert not (root / "run/pppgen/status.json").exists()


@pytest.mark.parametrize("words", [("up",), ("up", "--json")], ids=" ".join)
def test_a_foreground_run_ends_when_nobody_reads_it_any_more(root: Path, words: tuple[str, ...]) -> None:
    with running(root, *words) as process:
        first_line(process)
        assert process.stdout is not None
        process.stdout.close()
        # Something to tell; not by `pppgen up`, which would run by itself where a line of its own has ended it already.
        with suppress(PppgenError), Conversation(Tree(root)) as conversation:
            conversation.ask(Up())
        assert process.wait(60) != 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert not list((root / "run/pppgen").glob("*.sock"))


def test_down_from_another_shell_ends_a_foreground_run(root: Path) -> None:
    with running(root, "up", "--json") as process:
        first_line(process)
        assert asked(root, "down").returncode == 0
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    result = json.loads(output.splitlines()[-1])
    assert (result["kind"], result["ok"]) == ("result", True)


def test_the_service_is_ready_when_its_doors_are_open(root: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.settimeout(30)
        systemd.bind(str(tmp_path / "notify"))
        with running(root, "run", NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="2000000") as process:
            words = systemd.recv(4096)
            assert words.startswith(b"READY=1\n"), "the first word"
            assert read_status(Tree(root))["pid"] == process.pid
            while systemd.recv(4096) != b"WATCHDOG=1":
                pass
            process.send_signal(signal.SIGTERM)
            while systemd.recv(4096) != b"STOPPING=1":
                pass
            process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_status_of_a_supervisor_that_was_killed_is_not_believed(root: Path) -> None:
    with running(root, "up") as process:
        first_line(process)
        process.kill()
        process.communicate()
    assert (root / "run/pppgen/status.json").exists()
    assert asked(root, "status").returncode == 14
    with running(root, "up") as again:
        assert "Waiting" in first_line(again), "what the killed one left hinders nobody"
        with Conversation(Tree(root)) as conversation:
            assert conversation.ask(Events())["status"]["pid"] == again.pid
        again.send_signal(signal.SIGTERM)
        again.communicate(timeout=60)


def test_a_second_up_asks_the_first_and_says_why_there_is_no_link(root: Path) -> None:
    with running(root, "up") as process:
        first_line(process)
        second = asked(root, "up")
        assert second.returncode == 4
        assert "the modem left the USB bus" in second.stderr
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_without_a_setup_it_says_what_to_type(tmp_path: Path) -> None:
    result = asked(tmp_path, "up")
    assert result.returncode == 3
    assert "pppgen setup --apn" in result.stderr
    assert asked(tmp_path, "up", "--json").stdout.count("\n") == 1


def test_the_supervisor_loads_nothing_that_draws_or_renders() -> None:
    listed = "import sys, pppgen.cli, pppgen.commands.run; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True).stdout.split()
    assert not {"rich", "jinja2", "markupsafe", "asyncio", "ssl"} & set(found)
