"""The words for systemd, read from a real socket, and the unit that goes with them."""

import errno
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pppgen.errors import ExitCode
from pppgen.system.notify import Notifier
from pppgen.system.uevents import SETTLE_S, News, Uevents

UNIT = Path(__file__).parent.parent / "etc" / "systemd" / "pppgen.service"


@pytest.fixture
def notifier_of() -> Iterator[Callable[..., Notifier]]:
    made: list[Notifier] = []

    def make(environment: dict[str, str], pid: int | None = None) -> Notifier:
        made.append(Notifier(environment, pid))
        return made[-1]

    yield make
    for notifier in made:
        notifier.close()


def listen(tmp_path: Path) -> tuple[socket.socket, dict[str, str]]:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.settimeout(5)
    listener.bind(str(tmp_path / "notify"))
    return listener, {"NOTIFY_SOCKET": str(tmp_path / "notify")}


def test_readiness_state_and_end_are_told(tmp_path: Path, notifier_of: Callable[..., Notifier]) -> None:
    listener, environment = listen(tmp_path)
    with listener:
        notifier = notifier_of(environment)
        notifier.ready("a link\nwas adopted")
        notifier.stopping()
        assert listener.recv(500) == b"READY=1\nSTATUS=a link was adopted", "a newline would begin another assignment"
        assert listener.recv(500) == b"STOPPING=1"
    assert "NOTIFY_SOCKET" not in environment, "nothing that we start may speak in our name"


def test_an_abstract_socket_is_reached(notifier_of: Callable[..., Notifier]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(5)
        listener.bind("")
        name = listener.getsockname().decode()
        notifier_of({"NOTIFY_SOCKET": "@" + name[1:]}).status("fine")
        assert listener.recv(500) == b"STATUS=fine"


def test_the_watchdog_is_fed_twice_within_its_limit(tmp_path: Path, notifier_of: Callable[..., Notifier]) -> None:
    listener, environment = listen(tmp_path)
    with listener:
        notifier = notifier_of({**environment, "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "41"}, pid=41)
        assert notifier.breath_s == 30
        notifier.alive()
        assert listener.recv(500) == b"WATCHDOG=1"
        assert notifier_of({**environment, "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "41"}, pid=42).breath_s is None


def test_without_systemd_nothing_is_told_or_fails(tmp_path: Path, notifier_of: Callable[..., Notifier]) -> None:
    notifier_of({}).ready("fine")
    notifier_of({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("fine")
    assert notifier_of({"WATCHDOG_USEC": "60000000"}).breath_s is None


def message(action: str, path: str, subsystem: str = "usb") -> bytes:
    return f"{action}@{path}\0ACTION={action}\0DEVPATH={path}\0SUBSYSTEM={subsystem}\0".encode()


def test_a_modem_that_comes_back_in_pieces_is_told_once() -> None:
    ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    told: list[News] = []
    with ours, kernel:
        uevents = Uevents("1-1.4", told.append, ours)
        uevents.start()
        for piece in (
            message("add", "/devices/usb1/1-1/1-1.4/1-1.4:1.2/ttyUSB2/tty/ttyUSB2", "tty"),  # it never left
            message("remove", "/devices/usb1/1-1/1-1.4/1-1.4:1.2"),
            message("remove", "/devices/usb1/1-1/1-1.5"),
            message("remove", "/devices/usb1/1-1/1-1.4"),
            b"no message at all",
            message("add", "/devices/usb1/1-1/1-1.4"),
            message("bind", "/devices/usb1/1-1/1-1.4/1-1.4:1.2"),
            message("add", "/devices/usb1/1-1/1-1.4/1-1.4:1.2/ttyUSB2/tty/ttyUSB2", "tty"),
        ):
            kernel.send(piece)
        uevents.join(SETTLE_S + 1)
        assert told == [News.GONE, News.BACK]
        kernel.close()
        uevents.join(5)
        assert not uevents.is_alive()


class Overrun(socket.socket):
    """A netlink socket that once lost what it should have handed over."""

    lost = False

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, object]:
        if not self.lost:
            self.lost = True
            raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
        return super().recvfrom(bufsize, flags)


@pytest.mark.parametrize(("gone", "news"), [(True, [News.BACK]), (False, [])])
def test_the_return_of_a_modem_is_not_lost_with_the_kernel_s_messages(*, gone: bool, news: list[News]) -> None:
    ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    told: list[News] = []
    with Overrun(fileno=ours.detach()) as overrun, kernel:
        uevents = Uevents("1-1.4", told.append, overrun)
        uevents.gone = gone
        uevents.start()
        uevents.join(SETTLE_S + 0.5)
        assert told == news
        kernel.close()
        uevents.join(5)


# --- the unit ---


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze: apt-get install systemd")
def test_systemd_understands_the_unit_and_finds_it_closed_enough(tmp_path: Path) -> None:
    text = UNIT.read_text()
    # Neither the program nor its page is installed where tests run.
    text = text.replace("/usr/local/bin/pppgen", shutil.which("true") or "/bin/true").replace("man:pppgen(1)", "")
    unit = tmp_path / "pppgen.service"
    unit.write_text(text)
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert verified.stderr == ""
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=50", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout.splitlines()[-1]


def test_the_unit_leaves_the_link_alone_and_open_what_a_modem_needs() -> None:
    found = dict(re.findall(r"^([A-Za-z]+)=(.*)$", UNIT.read_text(), re.MULTILINE))
    assert found["KillMode"] == "process"
    assert found["RuntimeDirectoryPreserve"] == "yes"
    assert found["SuccessExitStatus"] == str(int(ExitCode.INTERRUPTED)), "TERM before it heeds signals itself"
    closed = {"PrivateDevices", "DevicePolicy", "DeviceAllow", "ProtectClock", "PrivateNetwork"} & set(found)
    assert not closed, "each of these closes /dev or the network to a modem that is plugged in later"
