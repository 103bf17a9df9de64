"""Real ptys: opened, locked, restored, lost, and asked many at once."""

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from pppgen.at.client import Client
from pppgen.errors import PortBusy, PortGone
from pppgen.interview import Seen
from pppgen.model import Device, Holder, Port, PortRole
from pppgen.probe import Probe, candidates_of
from pppgen.system.exchange import carry_out
from pppgen.system.tty import Tty, open_tty
from pppgen.system.uucp import lock_path, take_lock
from tests.fakes.pty_ports import FakePort, modem, pty_ports, silent, vanishing


@pytest.fixture
def port() -> Iterator[tuple[int, str]]:
    """A pty: its master, and the name of its other end."""
    master, slave = pty.openpty()
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


@pytest.fixture
def dead_pid() -> int:
    """The pid of a process that is over."""
    done = subprocess.Popen(["true"])
    done.wait()
    return done.pid


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def settings(name: str) -> list[object]:
    descriptor = os.open(name, os.O_RDWR | os.O_NOCTTY)
    try:
        return list(termios.tcgetattr(descriptor))
    finally:
        os.close(descriptor)


def test_a_port_is_raw_while_open_and_as_found_afterwards(port: tuple[int, str]) -> None:
    master, name = port
    before = settings(name)
    with open_tty(name) as tty:
        assert settings(name) != before
        os.write(master, b"\x03\r\n\x00\xff")
        assert tty.read(1.0) == b"\x03\r\n\x00\xff"
        tty.write(b"AT\r\n")
        assert os.read(master, 10) == b"AT\r\n"
        tty.set_dtr(False)
    assert settings(name) == before


def test_an_open_port_does_not_become_our_terminal(port: tuple[int, str]) -> None:
    script = (
        "import os; from pppgen.system.tty import open_tty; os.setsid()\n"
        f"with open_tty({port[1]!r}): os.open('/dev/tty', 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "No such device or address: '/dev/tty'" in done.stderr


def test_no_descriptor_and_no_lock_is_left(port: tuple[int, str]) -> None:
    before = open_descriptors()
    for _ in range(3):
        open_tty(port[1]).close()
        with pytest.raises(PortGone):
            open_tty("/dev/ttyNONE9")
        with pytest.raises(PortGone, match="no serial port"):
            open_tty("/dev/null")
    assert open_descriptors() == before
    assert not list(Path("/run/lock").glob(f"LTMP..{os.getpid()}*"))
    assert not lock_path(port[1], Path("/run/lock")).exists()


def test_reading_a_port_that_vanished_says_so() -> None:
    master, slave = pty.openpty()
    with open_tty(os.ttyname(slave)) as tty:
        os.close(slave)
        os.close(master)
        with pytest.raises(PortGone, match="vanished"):
            tty.read(1.0)
        with pytest.raises(PortGone, match="vanished"):
            tty.write(b"AT\r")


def test_a_second_user_is_told_who_has_the_port(port: tuple[int, str], tmp_path: Path) -> None:
    link = tmp_path / "modem"
    link.symlink_to(port[1])
    with open_tty(port[1]), pytest.raises(PortBusy, match=f"locked by process {os.getpid()}"):
        open_tty(str(link))
    open_tty(str(link)).close()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user: sudo make test")
def test_a_port_of_somebody_else_needs_a_right(port: tuple[int, str]) -> None:
    script = f"import os; from pppgen.system.tty import open_tty; os.setuid(65534); open_tty({port[1]!r})"
    Path(port[1]).chmod(0o600)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert f"NoPermission: {port[1]}: Permission denied" in done.stderr


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_lock_is_named_after_the_real_node_and_says_who_we_are(tmp_path: Path, umask: int) -> None:
    link = tmp_path / "ttyUSB0"
    link.symlink_to("/dev/pts/5")
    before = os.umask(umask)
    try:
        lock = take_lock(str(link), [tmp_path])
    finally:
        os.umask(before)
    assert lock.path == tmp_path / "LCK..pts_5"
    assert lock.path.read_text() == f"{os.getpid():>10}\n"
    assert lock.path.stat().st_mode & 0o777 == 0o644
    lock.leave()
    assert sorted(tmp_path.iterdir()) == [link]


@pytest.mark.parametrize("content", ["{pid:>10}\n", "{pid}", "{pid:>10} minicom root\n", "", "garbage"])
def test_a_stale_lock_is_taken_over(tmp_path: Path, dead_pid: int, content: str) -> None:
    (tmp_path / "LCK..ttyUSB2").write_text(content.format(pid=dead_pid))
    os.utime(tmp_path / "LCK..ttyUSB2", (0, 0))
    lock = take_lock("/dev/ttyUSB2", [tmp_path])
    assert lock.path
    assert lock.path.read_text() == f"{os.getpid():>10}\n"
    assert list(tmp_path.iterdir()) == [lock.path]


def test_an_empty_lock_that_was_made_just_now_waits_for_its_pid(tmp_path: Path) -> None:
    (tmp_path / "LCK..ttyUSB2").touch()
    with pytest.raises(PortBusy, match="right now"):
        take_lock("/dev/ttyUSB2", [tmp_path])
    assert list(tmp_path.iterdir()) == [tmp_path / "LCK..ttyUSB2"]


def test_a_living_lock_is_left(tmp_path: Path) -> None:
    lock = tmp_path / "LCK..ttyUSB2"
    lock.write_text(f"{os.getppid():>10}\n")
    with pytest.raises(PortBusy, match=f"process {os.getppid()}"):
        take_lock("/dev/ttyUSB2", [tmp_path])
    assert list(tmp_path.iterdir()) == [lock]


def test_a_lock_that_became_somebody_elses_is_not_removed(tmp_path: Path) -> None:
    lock = take_lock("/dev/ttyUSB2", [tmp_path])
    assert lock.path
    lock.path.write_text(f"{os.getppid():>10}\n")
    lock.leave()
    assert lock.path.exists()


def test_a_lock_that_is_a_link_is_never_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "LCK..ttyUSB2").symlink_to(precious)
    take_lock("/dev/ttyUSB2", [tmp_path]).leave()
    assert precious.read_text() == "kept"


def test_a_system_without_a_lock_folder_is_no_obstacle(tmp_path: Path) -> None:
    assert take_lock("/dev/ttyUSB2", [tmp_path / "absent"]).path is None


def test_of_many_takers_one_wins(tmp_path: Path, dead_pid: int) -> None:
    """Each child takes the lock over a stale one, says whether it has it, and keeps it until all have tried."""
    (tmp_path / "LCK..ttyUSB2").write_text(f"{dead_pid:>10}\n")
    script = (
        "import sys; from pathlib import Path\n"
        "from pppgen.system.uucp import take_lock; from pppgen.errors import PortBusy\n"
        "sys.stdin.readline()\n"
        f"try: take_lock('/dev/ttyUSB2', [Path({str(tmp_path)!r})]); print('won', flush=True)\n"
        "except PortBusy: print('busy', flush=True)\n"
        "sys.stdin.readline()"
    )
    takers = [
        subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    said = []
    for taker in takers:
        assert taker.stdin
        taker.stdin.write("go\n")
        taker.stdin.flush()
    for taker in takers:
        assert taker.stdout
        said.append(taker.stdout.readline().strip())
    for taker in takers:
        taker.communicate("end\n")
    assert sorted(said) == ["busy"] * 5 + ["won"]


def probe_of(names: list[str], *, whole: bool = False, held: str = "") -> Probe:
    ports = tuple(
        Port(name, name, "1-1", number, holder=Holder(812, "pppd") if name == held else None)
        for number, name in enumerate(names)
    )
    return Probe(candidates_of([Device("1-1", "", "", ports)], {}, {}), whole=whole)


def seen_of(names: list[str], probe: Probe) -> list[Seen]:
    outcome = carry_out(probe)
    return [found for name in names if (found := outcome.seen(name))]


def test_many_ports_are_asked_at_once_and_each_is_seen_for_what_it_is() -> None:
    with pty_ports(FakePort(silent), FakePort(vanishing), FakePort(modem, 0.05), FakePort(modem)) as names:
        found = seen_of(names, probe_of(names, whole=True))
    assert [one.role for one in found] == [PortRole.SILENT, PortRole.GONE, PortRole.DIAL, PortRole.AT]


def test_nothing_reaches_a_port_that_somebody_holds() -> None:
    heard: list[bytes] = []

    def overheard(data: bytes) -> bytes:
        heard.append(data)
        return modem(data)

    with pty_ports(FakePort(overheard), FakePort(modem)) as names:
        first, second = seen_of(names, probe_of(names, whole=True, held=names[0]))
    assert (first.role, first.holder, heard) == (PortRole.BUSY, Holder(812, "pppd"), [])
    assert second.role is PortRole.AT_DIAL


def test_a_locked_port_is_busy_and_a_missing_one_gone() -> None:
    with pty_ports(FakePort(modem), FakePort(modem)) as names, open_tty(names[0]):
        found = seen_of([*names, "/dev/ttyNONE9"], probe_of([*names, "/dev/ttyNONE9"], whole=True))
    assert [one.role for one in found] == [PortRole.BUSY, PortRole.AT_DIAL, PortRole.GONE]


def test_a_megabyte_of_garbage_does_not_keep_the_at_port_from_being_found() -> None:
    with pty_ports(FakePort(lambda _: b"\xa5" * 1_000), FakePort(modem)) as names:
        assert seen_of(names, probe_of(names))[1].role is PortRole.AT


def test_every_port_is_closed_after_a_quick_probe() -> None:
    before = open_descriptors()
    with pty_ports(*[FakePort(silent)] * 20, FakePort(modem)) as names:
        carry_out(probe_of(names))
    assert open_descriptors() == before


class WatchedDtr:
    """A port that notes how its DTR is moved, and whether it is up when the port is closed."""

    def __init__(self, tty: Tty) -> None:
        self.tty = tty
        self.fileno, self.take, self.put = tty.fileno, tty.take, tty.put
        self.moves: list[bool] = []

    def set_dtr(self, raised: bool) -> None:
        self.moves.append(raised)

    def close(self) -> None:
        self.moves.append(self.moves[-1] if self.moves else True)
        self.tty.close()


def test_dtr_is_up_again_when_a_recovery_is_cut_short() -> None:
    opened: dict[str, WatchedDtr] = {}

    def watched(name: str) -> WatchedDtr:
        return opened.setdefault(name, WatchedDtr(open_tty(name)))

    with pty_ports(FakePort(lambda _: b"\x7e\xff\x03\xc0\x21\x01"), FakePort(modem, 0.1)) as names:
        carry_out(probe_of(names), watched)
    assert [opened[name].moves for name in names] == [[False, True, True], [True]]


def test_a_client_asks_over_a_real_port() -> None:
    with pty_ports(FakePort(modem, 0.02)) as [name], open_tty(name) as tty:
        assert Client(tty, lambda: 0.0).ask("ATI").lines == ("BG96",)
