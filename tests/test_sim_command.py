import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
            assert line.startswith(b"$GP") or line.endswith(b"\r\n")


def test_the_modem_does_not_hold_its_own_ports(tmp_path: Path) -> None:
    with modem(tmp_path) as ready:
        names = {os.path.realpath(port["device"]) for port in ready["ports"]}
        own = Path(f"/proc/{ready['pid_of_modem']}/fd")
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


def test_a_reboot_takes_all_ports_away_and_brings_them_back(tmp_path: Path) -> None:
    with modem(tmp_path) as ready:
        node = tmp_path / "dev/ttyUSB2"
        with opened(ready, 2) as port:
            ask(port, "AT+CFUN=1,1")
            with pytest.raises(serial.SerialException):
                port.read(1 << 20)
        until = time.monotonic() + PATIENCE_S
        while not node.exists() and time.monotonic() < until:
            os.sched_yield()
        with opened(ready, 2) as port:
            assert ask(port, "ATE0").endswith(b"OK\r\n")


def test_a_folder_that_has_a_dev_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    command = [sys.executable, "-m", "pppgen", "sim", "--dir", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert ran.returncode == 3
    assert "already has a sys/ or a dev/" in ran.stderr
    assert (tmp_path / "dev").is_dir()
