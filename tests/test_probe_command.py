"""`pppgen probe` and `pppgen at` as a person runs them, against the real `pppgen sim`."""

import json
import os
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pppgen.commands.probe import look
from pppgen.errors import ExitCode
from pppgen.memory import remember
from pppgen.model import Device
from tests.fakes.simulator import holding, simulator

SCHEMAS = Path(__file__).parent.parent / "docs" / "schema"
BG96 = Device("1-1.4", "2c7c", "0296", ())


def pppgen(command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run with --json; the answer is one object that fits its schema."""
    done = subprocess.run(
        [sys.executable, "-m", "pppgen", command, "--json", *arguments], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, json.loads((SCHEMAS / f"{command}.json").read_text()))
    return done.returncode, answer


def roles_of(root: Path, *, recover: bool = True) -> list[str]:
    """Return what each port was seen to be, in the order of their interfaces."""
    return [seen.role.value for _, seen in look(root, root, whole=True, recover=recover).ports]


def test_a_time_that_never_ends_is_refused(tmp_path: Path) -> None:
    code, answer = pppgen("at", "AT", "--timeout", "nan", "--sysroot", str(tmp_path))
    assert code == ExitCode.CONFIGURATION
    assert "--timeout nan" in answer["error"]["message"]


def test_more_events_than_any_journal_has_are_all_of_them(tmp_path: Path) -> None:
    code, answer = pppgen("events", "-n", "9" * 30, "--root", str(tmp_path))
    assert (code, answer["events"]) == (ExitCode.OK, [])


def test_each_port_is_named_and_the_dial_port_is_a_guess(tmp_path: Path) -> None:
    with simulator(tmp_path):
        code, answer = pppgen("probe", "--sysroot", str(tmp_path), "--root", str(tmp_path))
    assert code == 0
    assert [(port["interface"], port["role"], port["expected_role"]) for port in answer["ports"]] == [
        (0, "silent", "diag"),
        (1, "nmea", "nmea"),
        (2, "at", "at"),
        (3, "dial", "dial"),
    ]
    assert answer["at_port"] == f"{tmp_path}/dev/ttyUSB2"
    assert answer["dial_port"] == f"{tmp_path}/dev/ttyUSB3"
    assert answer["dial_port_proven"] is False
    assert [warning["code"] for warning in answer["warnings"]] == ["dial-port-unproven"]
    assert answer["modems"][0]["revision"] == "BG96MAR02A07M1G"


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        (["at=0"], ["at+dial", "nmea", "silent", "silent"]),
        (["echo", "bare-lf", "urc", "garbage=64"], ["silent", "nmea", "at", "dial"]),
        (["urc=+CREG: 5", "late=300", "error=ATI"], ["silent", "nmea", "at", "dial"]),
        (["vanish=3"], ["silent", "nmea", "at+dial", "gone"]),
        (["data=3"], ["silent", "nmea", "at", "dial"]),
    ],
    ids=lambda value: " ".join(value) if value and "=" in value[0] else "",
)
def test_a_fault_is_seen_for_what_it_is(tmp_path: Path, faults: list[str], expected: list[str]) -> None:
    with simulator(tmp_path, *faults):
        assert roles_of(tmp_path) == expected


def test_the_port_that_dialled_before_is_proven(tmp_path: Path) -> None:
    remember(tmp_path, BG96, dial=2)
    with simulator(tmp_path):
        code, answer = pppgen("probe", "--sysroot", str(tmp_path), "--root", str(tmp_path))
    assert (code, answer["dial_port_proven"], answer["warnings"]) == (0, True, [])
    assert answer["dial_port"].endswith("ttyUSB2")
    assert answer["at_port"].endswith("ttyUSB3")


def test_a_quick_probe_tells_the_port_alone_and_does_not_load_what_draws_tables(tmp_path: Path) -> None:
    argv = [sys.executable, "-X", "importtime", "-m", "pppgen", "probe", "--quick", "--sysroot", str(tmp_path)]
    with simulator(tmp_path):
        found = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert found.stdout.splitlines() == [
        "modem: Quectel BG96 BG96MAR02A07M1G",
        f"AT port: {tmp_path}/dev/ttyUSB2   dial port: not asked for",
    ]
    assert " rich" not in found.stderr
    with simulator(tmp_path / "deaf", "silent=0,1,2,3"):
        deaf = subprocess.run([*argv[:-1], str(tmp_path / "deaf")], capture_output=True, text=True, check=False)
    assert deaf.returncode == ExitCode.NO_AT_PORT
    assert "ttyUSB3  3   silent" in deaf.stdout


def test_a_held_port_is_not_asked_and_its_holder_is_named(tmp_path: Path) -> None:
    port = tmp_path / "dev/ttyUSB2"
    with simulator(tmp_path, "at=2"), holding(port) as pid:
        code, answer = pppgen("probe", "--sysroot", str(tmp_path), "--root", str(tmp_path), "--no-recover")
        assert code == answer["error"]["exit"] == ExitCode.PORT_BUSY
        assert answer["ports"][2]["role"] == "busy"
        assert answer["ports"][2]["holder"] == {"pid": pid, "name": "sleep"}
        code, answer = pppgen("at", "ATI", "--sysroot", str(tmp_path), "--port", str(port))
        assert code == answer["error"]["exit"] == ExitCode.PORT_BUSY


def test_no_modem_is_an_error_too(tmp_path: Path) -> None:
    code, answer = pppgen("probe", "--sysroot", str(tmp_path))
    assert code == answer["error"]["exit"] == ExitCode.NO_MODEM
    code, answer = pppgen("at", "ATI", "--sysroot", str(tmp_path))
    assert code == answer["error"]["exit"] == ExitCode.NO_MODEM


def test_a_question_is_answered_on_the_port_that_speaks_at(tmp_path: Path) -> None:
    with simulator(tmp_path, "at=0", "echo", "urc"):
        code, answer = pppgen("at", "ATI;+CSQ", "--sysroot", str(tmp_path), "--root", str(tmp_path))
    assert (code, answer["ok"], answer["port"]) == (0, True, f"{tmp_path}/dev/ttyUSB0")
    assert answer["lines"] == ["Quectel", "BG96", "Revision: BG96MAR02A07M1G", "+CSQ: 22,99"]
    assert set(answer["urcs"]) == {"RDY"}


def test_an_error_of_the_modem_is_shown_and_is_the_exit_code(tmp_path: Path) -> None:
    with simulator(tmp_path, "sim=absent"):
        code, answer = pppgen("at", "AT+CPIN?", "--sysroot", str(tmp_path), "--port", f"{tmp_path}/dev/ttyUSB3")
    assert code == answer["error"]["exit"] == ExitCode.REFUSED_BY_MODEM
    assert answer["final"]["kind"] == "+CME ERROR"
    assert answer["port"].endswith("ttyUSB3")


@pytest.mark.parametrize(
    "hostile", ["AT\rATD*99#", "AT\n", "AT\x00", "AT+CMGS=1\x1a", "ATD*99#", "ATI;D1", "rm -rf", "AT" * 600]
)
def test_what_is_no_single_harmless_command_is_refused_before_anything_is_touched(tmp_path: Path, hostile: str) -> None:
    code, answer = pppgen("at", "--sysroot", str(tmp_path), hostile) if "\0" not in hostile else (3, {"port": None})
    assert code == ExitCode.CONFIGURATION
    assert answer["port"] is None


def test_a_port_is_left_as_it_was_found(tmp_path: Path) -> None:
    with simulator(tmp_path):
        port = os.open(tmp_path / "dev/ttyUSB2", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            odd = termios.tcgetattr(port)
            odd[0] |= termios.ICRNL
            odd[2] &= ~termios.HUPCL
            odd[3] |= termios.ISIG
            odd[4] = odd[5] = termios.B9600
            termios.tcsetattr(port, termios.TCSANOW, odd)
            found = termios.tcgetattr(port)
            report = look(tmp_path, tmp_path, whole=False, recover=True)
            assert report.outcome.modem
            assert report.outcome.modem.at.device.endswith("ttyUSB2")
            assert termios.tcgetattr(port) == found
        finally:
            os.close(port)
    assert not list(Path("/run/lock").glob(f"L*{os.getpid()}*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_question_that_is_broken_off_leaves_no_lock_and_is_an_object(tmp_path: Path, number: signal.Signals) -> None:
    argv = [sys.executable, "-m", "pppgen", "at", "AT", "--json", "--timeout", "600", "--sysroot", str(tmp_path)]
    with simulator(tmp_path, "silent=2"):
        port = f"{tmp_path}/dev/ttyUSB2"
        pipe = subprocess.PIPE
        with subprocess.Popen([*argv, "--port", port], stdout=pipe, stderr=pipe, text=True) as asking:

            def locks() -> list[str]:
                texts = {path: path.read_text(errors="replace") for path in Path("/run/lock").glob("LCK..*")}
                return [str(path) for path, text in texts.items() if text.split() == [str(asking.pid)]]

            while not locks():
                assert asking.poll() is None, asking.stderr.read() if asking.stderr else ""
            asking.send_signal(number)
            said, _ = asking.communicate()
            assert asking.returncode == ExitCode.INTERRUPTED
            answer = json.loads(said)
            jsonschema.validate(answer, json.loads((SCHEMAS / "at.json").read_text()))
            assert answer["error"]["code"] == "interrupted"
            assert locks() == []


def test_a_port_stuck_in_data_mode_is_left_alone_on_request(tmp_path: Path) -> None:
    with simulator(tmp_path, "data=3"):
        assert roles_of(tmp_path, recover=False)[3] in {"data", "silent"}
