"""Holders are real processes on real pseudo-terminals; locks are written as pppd, minicom and kermit write them."""

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.facts import Grip
from pppgen.system.processes import clean, lock_pid, read_holders, read_usage

HOLD = "import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def slave() -> Iterator[Path]:
    """A pty slave whose both ends this process has open."""
    master, inner = pty.openpty()
    yield Path(os.ttyname(inner))
    os.close(inner)
    os.close(master)


@contextlib.contextmanager
def holding(path: Path, preface: str = "") -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", preface + HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        yield child.pid
        child.communicate()


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_process_that_has_the_port_open_is_its_holder_whatever_link_was_asked(slave: Path, tmp_path: Path) -> None:
    link = tmp_path / "dev" / "ttyUSB2"
    link.parent.mkdir()
    link.symlink_to(slave)
    with holding(slave) as pid:
        usage = read_usage({str(link): ()}, lock_folders=())
    assert [(claim.device, claim.holder.pid, claim.grip) for claim in usage.claims] == [
        (str(link), pid, Grip.DESCRIPTOR)
    ]
    assert usage.claims[0].holder.name.startswith("python")
    assert usage.claims[0].evidence.startswith(f"/proc/{pid}/fd/")


def test_the_process_that_asks_is_not_a_holder(slave: Path) -> None:
    assert read_usage({str(slave): ()}, lock_folders=()).claims == ()


def test_a_port_that_nobody_holds_has_no_claim_beside_one_that_is_held(slave: Path) -> None:
    master, other = pty.openpty()
    free = os.ttyname(other)
    with holding(slave) as pid:
        usage = read_usage({str(slave): (), free: ()}, lock_folders=())
    os.close(master)
    os.close(other)
    assert usage.holder_of(free) is None
    held = usage.holder_of(str(slave))
    assert held is not None
    assert held.pid == pid


def test_who_asks_only_for_holders_is_told_the_same_ones(slave: Path, tmp_path: Path) -> None:
    (tmp_path / f"LCK..{str(slave).removeprefix('/dev/').replace('/', '_')}").write_text(f"{os.getppid():>10}\n")
    names = {str(slave): ("/dev/pppgen/1-1.4-if02",)}
    with holding(slave) as pid:
        found = read_holders(names, lock_folders=(tmp_path,))
        assert found.claims == read_usage(names, lock_folders=(tmp_path,)).claims
        assert {(claim.grip, claim.holder.pid) for claim in found.claims} == {
            (Grip.DESCRIPTOR, pid),
            (Grip.LOCK, os.getppid()),
        }
        locked = read_holders(names, opened=False, lock_folders=(tmp_path,))
        assert [claim.grip for claim in locked.claims] == [Grip.LOCK]


def test_a_holder_with_control_characters_in_its_name_is_shown_without_them(slave: Path) -> None:
    hostile = "import ctypes; ctypes.CDLL(None).prctl(15, b'x\\x1b[2J\\xff'); "
    with holding(slave, hostile):
        holder = read_usage({str(slave): ()}, lock_folders=()).claims[0].holder
    assert holder.name.isprintable()
    assert holder.name.startswith("x")


@pytest.mark.parametrize(
    "name", ["LCK..ttyUSB2", "LCK..serial_by-path_pci-0:1.4:1.2-port0", "LCK..pci-0:1.4:1.2-port0"]
)
@pytest.mark.parametrize("form", ["{:10d}\n", "{:10d} minicom pi\n", "binary"])
def test_a_lock_of_a_living_process_is_a_claim_under_whatever_name_the_port_was_given(
    tmp_path: Path, name: str, form: str
) -> None:
    pid = os.getppid()
    content = pid.to_bytes(4, sys.byteorder) if form == "binary" else form.format(pid).encode()
    (tmp_path / name).write_bytes(content)
    device = str(tmp_path / "dev/ttyUSB2")
    usage = read_usage({device: ["/dev/serial/by-path/pci-0:1.4:1.2-port0"]}, lock_folders=[tmp_path])
    assert [(claim.holder.pid, claim.grip) for claim in usage.claims] == [(pid, Grip.LOCK)]
    assert usage.claims[0].evidence == str(tmp_path / name)


def test_a_lock_of_the_ptys_own_name_counts_for_the_link_to_it(slave: Path, tmp_path: Path) -> None:
    link = tmp_path / "ttyUSB2"
    link.symlink_to(slave)
    (tmp_path / f"LCK..pts_{slave.name}").write_text(f"{os.getppid():10d}\n")
    held = read_usage({str(link): ()}, lock_folders=[tmp_path]).holder_of(str(link))
    assert held is not None
    assert held.pid == os.getppid()


def test_a_lock_named_after_a_node_of_the_running_system_says_nothing_about_a_sysroots_port(tmp_path: Path) -> None:
    (tmp_path / "LCK..null").write_text(f"{os.getppid():10d}\n")  # /dev/null exists, and it is another device
    assert read_usage({str(tmp_path / "dev/null"): ()}, lock_folders=[tmp_path]).claims == ()


@pytest.mark.parametrize("content", ["dead", "", "garbage", "99999999999\n", "-5\n", "0\n"])
def test_a_lock_of_a_dead_process_or_of_none_is_stale(tmp_path: Path, content: str) -> None:
    (tmp_path / "LCK..ttyUSB2").write_text(f"{dead_pid():10d}\n" if content == "dead" else content)
    usage = read_usage({str(tmp_path / "dev/ttyUSB2"): ()}, lock_folders=[tmp_path])
    assert usage.claims == ()
    assert [lock.path for lock in usage.stale_locks] == [str(tmp_path / "LCK..ttyUSB2")]


def test_a_planted_link_in_the_lock_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text(f"{os.getppid():10d}\n")
    (tmp_path / "LCK..ttyUSB2").symlink_to(tmp_path / "target")
    usage = read_usage({str(tmp_path / "dev/ttyUSB2"): ()}, lock_folders=[tmp_path])
    assert usage.claims == ()
    assert not usage.complete, "a lock that could not be read leaves the question open"


def test_a_device_that_is_a_plain_file_has_no_holder(tmp_path: Path) -> None:
    plain = tmp_path / "ttyUSB2"
    with plain.open("w"), holding(plain):
        assert read_usage({str(plain): ()}, lock_folders=()).claims == ()


def test_both_lock_folders_being_one_gives_each_claim_once(tmp_path: Path) -> None:
    locks = tmp_path / "run"
    locks.mkdir()
    (tmp_path / "var").symlink_to(locks)
    (locks / "LCK..ttyUSB2").write_text(f"{os.getppid():10d}\n")
    usage = read_usage({str(tmp_path / "dev/ttyUSB2"): ()}, lock_folders=[locks, tmp_path / "var"])
    assert len(usage.claims) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="drops root's rights to lose sight: run as root (sudo make test)")
def test_without_root_a_port_is_unknown_rather_than_free(slave: Path) -> None:
    ask = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from pppgen.system.processes import read_usage\n"
        "os.setuid(65534)  # after the imports: the checkout may be root's alone\n"
        "assert not read_usage({}, proc=Path('/usr'), lock_folders=()).complete  # as with hidepid\n"
        "usage = read_usage({sys.argv[1]: ()}, lock_folders=())\n"
        "print(len(usage.claims), usage.complete)"
    )
    with holding(slave):
        seen = subprocess.run(
            [sys.executable, "-c", ask, str(slave)], capture_output=True, text=True, check=True, cwd=Path.cwd()
        )
    assert seen.stdout == "0 False\n"


def test_processes_that_vanish_and_folders_without_files_end_no_look(tmp_path: Path) -> None:
    (tmp_path / "proc/812").mkdir(parents=True)
    (tmp_path / "proc/813/fd").mkdir(parents=True)
    (tmp_path / "proc/813/comm").write_text("ModemManager\n")
    (tmp_path / "proc/813/cmdline").write_bytes(b"/usr/sbin/ModemManager\0--debug\0")
    (tmp_path / "proc/813/fd/4").symlink_to("/dev/gone (deleted)")
    usage = read_usage({"/dev/null": ()}, proc=tmp_path / "proc", lock_folders=())
    assert usage.running("ModemManager")
    assert usage.processes[0].words == ("/usr/sbin/ModemManager", "--debug")


@given(st.binary(max_size=80))
def test_any_lock_file_yields_a_possible_pid_or_none(content: bytes) -> None:
    pid = lock_pid(content)
    assert pid is None or 0 < pid < 2**31


@given(st.text())
def test_a_cleaned_name_is_printable_and_bounded(text: str) -> None:
    assert clean(text).isprintable()
    assert len(clean(text)) <= 256
