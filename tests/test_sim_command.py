import json
import os
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import serial

CHAT = shutil.which("chat", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
PATIENCE_S = 20.0


@contextmanager
def modem(folder: Path, *options: str) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "pppgen", "sim", "--json", "--dir", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        assert text, process.stderr.read() if process.stderr else ""
        ready = json.loads(text)
        try:
            yield ready
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
    assert process.returncode == 0
    assert not list(folder.iterdir())


def ask(port: serial.Serial, command: str, until: bytes = b"OK\r\n") -> bytes:
    port.write(command.encode() + b"\r")
    return port.read_until(until)


def opened(ready: dict[str, Any], interface: int) -> serial.Serial:
    device = next(port["device"] for port in ready["ports"] if port["interface"] == interface)
    return serial.Serial(device, 115200, timeout=PATIENCE_S)


def test_a_program_finds_the_modem_in_the_folder_talks_to_it_and_nothing_is_left(tmp_path: Path) -> None:
    with modem(tmp_path, "--family", "bg96") as ready:
        tty = tmp_path / "sys/class/tty/ttyUSB2"
        assert (tty / "../../../bInterfaceNumber").read_text() == "02\n"
        assert (tmp_path / "sys/bus/usb/devices/1-1.4/idProduct").read_text() == "0296\n"
        assert (tmp_path / "sys/bus/usb/devices/1-1.4:1.4/net/wwan0").is_dir()
        assert (tmp_path / "dev/ttyUSB2").resolve() == (tmp_path / "dev/ttyUSB2").readlink()
        with opened(ready, 2) as port:
            assert ask(port, "ATE0").endswith(b"\r\nOK\r\n")
            assert ask(port, "ATI") == b"\r\nQuectel\r\nBG96\r\nRevision: BG96MAR02A07M1G\r\n\r\nOK\r\n"
        with opened(ready, 1) as port:
            line = port.read_until(b"\r\n")
            body, _, checksum = line.strip().partition(b"*")
            assert body.startswith(b"$GP")
            assert int(checksum, 16) == reduce(xor, body[1:])


def test_the_modem_does_not_hold_its_own_ports(tmp_path: Path) -> None:
    with modem(tmp_path) as ready:
        names = {os.path.realpath(port["device"]) for port in ready["ports"]}
        own = Path(f"/proc/{ready['process']}/fd")
        assert not names & {str(each.readlink()) for each in own.iterdir()}


def test_closing_the_port_ends_the_call_even_when_it_is_opened_again_at_once(tmp_path: Path) -> None:
    with modem(tmp_path) as ready:
        for _ in range(20):
            with opened(ready, 2) as port:
                assert ask(port, "ATE0V1").endswith(b"OK\r\n")
                assert ask(port, "ATD*99#", b"CONNECT\r\n") == b"\r\nCONNECT\r\n"
            with opened(ready, 2) as port:
                assert ask(port, "AT") == b"\r\nOK\r\n"


@pytest.mark.skipif(CHAT is None, reason="needs chat: apt-get install ppp")
def test_the_real_chat_dials_it_with_the_users_script(tmp_path: Path) -> None:
    script = [
        *("ABORT", "BUSY", "ABORT", "NO CARRIER", "ABORT", "ERROR", "TIMEOUT", "10", "", "AT", "OK", "ATE0"),
        *("OK", 'AT+QCFG="band",F,400A0E189F,A0E189F,1', "OK", 'AT+QCFG="nwscanseq",02,1'),
        *("OK", "ATI;+CSUB;+CSQ;+COPS?;+CGREG?;&D2", "OK", 'AT+CGDCONT=1,"IP","super",,0,0'),
        *("OK", "ATD*99#", "CONNECT", "\\c"),
    ]
    with modem(tmp_path) as ready, Path(ready["ports"][2]["device"]).open("r+b", buffering=0) as port:
        command = [str(CHAT), "-e", "-v", "-s", *script]
        ran = subprocess.run(command, stdin=port, stdout=port, stderr=subprocess.PIPE, check=False, timeout=PATIENCE_S)
        assert ran.returncode == 0, ran.stderr
        assert b'+COPS: 0,0,"AT&T Twilio",8' in ran.stderr


def test_what_it_says_to_type_can_be_typed_for_a_folder_with_a_blank(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pppgen", "sim", "--dir", str(tmp_path / "two words")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        said = running.stdout.readline()
        running.terminate()
    assert shlex.split(said.partition("try: ")[2])[-1] == str(tmp_path / "two words")


def test_a_folder_that_cannot_be_made_is_named() -> None:
    command = [sys.executable, "-m", "pppgen", "sim", "--dir", "/proc/nowhere"]  # not even root makes one there
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert ran.returncode == 10
    assert "pppgen: /proc/nowhere" in ran.stderr


def test_a_folder_that_has_a_dev_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    command = [sys.executable, "-m", "pppgen", "sim", "--dir", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert ran.returncode == 3
    assert "already has a sys/ or a dev/" in ran.stderr
    assert (tmp_path / "dev").is_dir()


def tell(ready: dict[str, Any], line: str) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as talk:
        talk.settimeout(PATIENCE_S)
        talk.connect(ready["control"])
        talk.sendall(f"{line}\n".encode())
        answer: dict[str, Any] = json.loads(talk.makefile().readline())
        return answer


def test_what_it_prints_is_what_its_schema_says(tmp_path: Path) -> None:
    schema = json.loads((Path(__file__).parent.parent / "docs/schema/sim.json").read_text())
    with modem(tmp_path, "--family", "ec25", "--fault", "late=5", "--fault", "at=3") as ready:
        jsonschema.validate(ready, schema)
        assert ready["faults"] == ["at", "late"]


def test_faults_change_while_it_runs_and_a_wrong_word_changes_nothing(tmp_path: Path) -> None:
    with modem(tmp_path / "m", "--control", str(tmp_path / "control")) as ready, opened(ready, 2) as port:
        assert stat.S_IMODE((tmp_path / "control").stat().st_mode) == 0o600
        ask(port, "ATE0")
        assert ask(port, "AT+CPIN?") == b"\r\n+CPIN: READY\r\n\r\nOK\r\n"
        assert tell(ready, "fault sim=pin error=+COPS")["faults"] == ["error", "sim"]
        assert ask(port, "AT+CPIN?") == b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"
        assert ask(port, "AT+COPS?", b"ERROR\r\n") == b"\r\nERROR\r\n"
        assert "no fault is called" in tell(ready, "fault nonsense=1")["error"]["message"]
        assert "no command is called" in tell(ready, "dance")["error"]["message"]
        assert "lab" in tell(ready, "fault auth=checked")["error"]["message"]
        assert "lab" in tell(ready, "fault qmi-hang")["error"]["message"]
        assert tell(ready, "clear sim")["faults"] == ["error"]
        assert tell(ready, "clear")["faults"] == []
        assert ask(port, "AT+CPIN?") == b"\r\n+CPIN: READY\r\n\r\nOK\r\n"
        assert ask(port, "ATD*99#", b"CONNECT\r\n") == b"\r\nCONNECT\r\n"
        assert tell(ready, "state")["ports"]["2"] == "data"
        tell(ready, "hangup")
        assert port.read_until(b"CARRIER\r\n") == b"\r\nNO CARRIER\r\n"


def test_after_a_replug_the_ports_have_other_numbers_and_answer(tmp_path: Path) -> None:
    with modem(tmp_path / "m", "--control", str(tmp_path / "control")) as ready:
        assert tell(ready, "unplug")["plugged"] is False
        assert not list((tmp_path / "m/dev").rglob("ttyUSB*"))
        assert not list((tmp_path / "m/sys/bus/usb/devices").iterdir())
        assert tell(ready, "plug 4")["plugged"] is True
        assert (tmp_path / "m/sys/class/tty/ttyUSB6/../../../bInterfaceNumber").read_text() == "02\n"
        with serial.Serial(str(tmp_path / "m/dev/ttyUSB6"), 115200, timeout=PATIENCE_S) as port:
            assert ask(port, "ATE0").endswith(b"OK\r\n")


def test_a_held_port_is_held_by_a_process_of_its_own(tmp_path: Path) -> None:
    with modem(tmp_path / "m", "--fault", "held=2", "--control", str(tmp_path / "control")) as ready:
        name = os.path.realpath(ready["ports"][2]["device"])
        assert [(holder, pid != ready["process"]) for pid, holder in holders(name)] == [("cat", True)]
        tell(ready, "clear held")
        assert holders(name) == []


def test_a_port_vanishes_under_the_first_command_and_the_others_stay(tmp_path: Path) -> None:
    with modem(tmp_path, "--fault", "vanish=2") as ready:
        with opened(ready, 2) as port, pytest.raises(serial.SerialException):
            ask(port, "AT")
        assert not (tmp_path / "dev/ttyUSB2").is_symlink()
        with opened(ready, 3) as port:
            assert ask(port, "AT").endswith(b"OK\r\n")


def test_a_socket_that_a_killed_modem_left_is_replaced_and_another_file_is_not(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control"))
    with modem(tmp_path / "m", "--control", str(tmp_path / "control")) as ready:
        assert tell(ready, "state")["error"] is None
    (tmp_path / "file").write_text("mine")
    command = [sys.executable, "-m", "pppgen", "sim", "--dir", str(tmp_path / "n"), "--control", str(tmp_path / "file")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert (ran.returncode, (tmp_path / "file").read_text()) == (3, "mine")
    assert not list((tmp_path / "n").iterdir())


def holders(name: str) -> list[tuple[int, str]]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(str(each.readlink()) == name for each in (process / "fd").iterdir()):
                found.append((int(process.name), (process / "comm").read_text().strip()))
    return found
