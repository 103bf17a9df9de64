"""`pppgen ports` against trees: the simulated modem's, and machines without one."""

import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pppgen.commands.survey import survey
from pppgen.errors import ExitCode
from pppgen.sim.transcript import load
from pppgen.sim.tree import Tree
from tests.fakes.usbtree import FakeUsb, bg96, put

SCHEMA = json.loads((Path(__file__).parent.parent / "docs/schema/ports.json").read_text())


def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pppgen", "ports", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )


def answer(root: Path, expected: ExitCode = ExitCode.OK) -> dict[str, Any]:
    done = run("--json", "--sysroot", str(root))
    assert done.returncode == expected, done.stderr
    found = json.loads(done.stdout)
    Draft202012Validator(SCHEMA).validate(found)
    assert isinstance(found, dict)
    return found


def test_a_modem_is_listed_with_its_ports_roles_and_stable_names(tmp_path: Path) -> None:
    bg96(tmp_path)
    (device,) = answer(tmp_path)["devices"]
    assert (device["vid"], device["pid"], device["family"], device["net"]) == ("2c7c", "0296", "bg96", ["wwan0"])
    assert [(port["interface"], port["expected_role"]) for port in device["ports"]] == [
        (0, "diag"),
        (1, "nmea"),
        (2, "at"),
        (3, "dial"),
    ]
    assert device["ports"][2]["device"] == str(tmp_path / "dev/ttyUSB2")
    assert device["ports"][2]["stable"] == "/dev/pppgen/1-1.4-if02"


def test_below_a_root_that_has_our_rule_ports_bear_our_names(tmp_path: Path) -> None:
    bg96(tmp_path / "modem")
    by_path = tmp_path / "modem/dev/serial/by-path/platform-usb-0:1.4:1.2-port0"
    by_path.parent.mkdir(parents=True, exist_ok=True)
    by_path.symlink_to("../../ttyUSB2")
    rule = tmp_path / "root/etc/udev/rules.d/70-pppgen.rules"

    def stable() -> str:
        done = run("--json", "--sysroot", str(tmp_path / "modem"), "--root", str(tmp_path / "root"))
        return str(json.loads(done.stdout)["devices"][0]["ports"][2]["stable"])

    assert stable() == "/dev/serial/by-path/platform-usb-0:1.4:1.2-port0"
    rule.parent.mkdir(parents=True)
    rule.write_text("")
    assert stable() == "/dev/pppgen/1-1.4-if02"


def test_a_process_that_holds_a_port_is_named(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    modem = FakeUsb(tmp_path)
    modem.tty(2, "ttyUSB2", os.ttyname(slave))
    try:
        (device,) = answer(tmp_path)["devices"]
    finally:
        os.close(slave)
        os.close(master)
    assert device["ports"][0]["holder"]["pid"] == os.getpid()


def test_without_a_modem_the_object_still_comes_with_the_error_and_its_exit_code(tmp_path: Path) -> None:
    found = answer(tmp_path, ExitCode.NO_MODEM)
    assert (found["devices"], found["error"]["exit"]) == ([], ExitCode.NO_MODEM)
    assert "PWRKEY" in found["error"]["hint"]


def test_without_a_modem_a_person_reads_why_on_standard_error(tmp_path: Path) -> None:
    FakeUsb(tmp_path, vid="12d1", pid="1f01").interface(0, "08/06/50", "usb-storage")
    done = run("--sysroot", str(tmp_path))
    assert done.returncode == ExitCode.NO_MODEM
    assert done.stdout == ""
    assert "was not switched to modem mode" in done.stderr
    assert done.stderr.count("was not switched") == 1
    assert "usb_modeswitch -v 12d1 -p 1f01 -J" in done.stderr


def test_leftovers_of_guides_in_the_tree_are_warnings(tmp_path: Path) -> None:
    bg96(tmp_path)
    put(tmp_path / "usr/src/qmi_reconnect.sh", "")
    (warning,) = [one for one in answer(tmp_path)["warnings"] if one["code"] == "leftover"]
    assert warning["evidence"] == ["/usr/src/qmi_reconnect.sh"]


@pytest.mark.parametrize("columns", ["40", "100", "200"])
def test_a_pipe_gets_whole_names_and_no_colour_whatever_the_width(tmp_path: Path, columns: str) -> None:
    bg96(tmp_path)
    done = run("--sysroot", str(tmp_path), env={"COLUMNS": columns})
    assert "\x1b" not in done.stdout + done.stderr
    assert str(tmp_path / "dev/ttyUSB2") in done.stdout
    assert "/dev/pppgen/1-1.4-if02" in done.stdout


def test_a_hostile_product_name_does_not_drive_the_terminal(tmp_path: Path) -> None:
    modem = bg96(tmp_path)
    put(modem.folder / "product", b"\x1b[2J[bold red]evil[/] \x9b31m\xff" * 50)
    done = run("--sysroot", str(tmp_path))
    assert "\x1b" not in done.stdout
    assert "\x9b" not in done.stdout
    assert "[bold red]evil[/]" in done.stdout


def on_terminal(columns: int, *arguments: str) -> str:
    """Return what a terminal of this width is sent."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "pppgen", "ports", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns)},
    ):
        os.close(slave)
        text = b""
        with contextlib.suppress(OSError):  # EIO: the last writer is gone
            while chunk := os.read(master, 4096):
                text += chunk
    os.close(master)
    return text.decode()


def test_a_wide_terminal_gets_a_table_in_colour(tmp_path: Path) -> None:
    bg96(tmp_path)
    text = on_terminal(200, "--sysroot", str(tmp_path))
    assert "\x1b[1m" in text
    (row,) = [line for line in text.splitlines() if "/dev/pppgen/1-1.4-if02" in line]
    assert str(tmp_path / "dev/ttyUSB2") in row


def test_a_narrow_terminal_gets_a_list_with_no_name_folded(tmp_path: Path) -> None:
    bg96(tmp_path)
    lines = [line.strip() for line in on_terminal(60, "--sysroot", str(tmp_path)).splitlines()]
    assert "/dev/pppgen/1-1.4-if02" in lines
    assert "interface 2, expected at, driver option" in lines


def test_a_modemmanager_that_runs_here_is_told_but_not_held_against_another_tree(tmp_path: Path) -> None:
    renamed = "import ctypes, sys; ctypes.CDLL(None).prctl(15, b'ModemManager'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", renamed], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        here, there = survey(), survey(tmp_path)
        child.communicate()
    assert here.modem_manager
    assert not there.modem_manager


def test_the_simulated_modems_own_tree_is_read_unchanged(tmp_path: Path) -> None:
    tree = Tree(tmp_path, load("bg96"))
    tree.claim()
    tree.plug(dict.fromkeys(range(4), "/dev/null"))
    (device,) = answer(tmp_path)["devices"]
    assert [port["device"] for port in device["ports"]] == [
        str(tmp_path / f"dev/ttyUSB{number}") for number in range(4)
    ]
    assert device["ports"][2]["by_path"].endswith("-usb-0:1.4:1.2-port0")
    assert device["wdm"] == [str(tmp_path / "dev/cdc-wdm0")]
