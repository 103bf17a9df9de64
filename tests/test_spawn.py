"""Programs are started, ended and found again on real processes: /bin/sh and python play the badly behaved ones."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pppgen.errors import MissingProgram, NoPermission
from pppgen.system.follow import LINE_BOUND, LOG_BOUND, Follower, new_log
from pppgen.system.spawn import OUTPUT_BOUND, Child, Exit, Mark, adopt, program, run, spawn, start_time

PATIENCE_S = 20.0


@pytest.fixture
def log(tmp_path: Path) -> Iterator[int]:
    descriptor = new_log(tmp_path / "log")
    yield descriptor
    os.close(descriptor)


def shell(script: str, log: int) -> Child:
    return spawn(["/bin/sh", "-c", script], log)


def read_until(follower: Follower, wanted: str) -> list[str]:
    lines: list[str] = []
    while wanted not in lines:
        assert select.select([follower], [], [], PATIENCE_S)[0], f"no {wanted!r} in {lines}"
        lines += follower.lines()
    return lines


def test_the_exit_status_comes_back_and_the_descriptor_tells_when(log: int) -> None:
    with shell("exit 7", log) as child:
        assert select.select([child], [], [], PATIENCE_S)[0]
        assert child.poll() == Exit(status=7)
        assert child.poll() == Exit(status=7), "asked twice, reaped once"


def test_a_signal_is_told_from_a_status(log: int) -> None:
    with shell("kill -9 $$", log) as child:
        assert child.wait(PATIENCE_S) == Exit(signal=9)


def test_a_program_that_ignores_term_is_killed_with_all_that_it_started(tmp_path: Path, log: int) -> None:
    script = "trap '' TERM; sleep 1000 & echo $!; wait; while :; do sleep 1000; done"
    with shell(script, log) as child, Follower(tmp_path / "log") as follower:
        while not (lines := follower.lines()):
            select.select([follower], [], [], PATIENCE_S)
        grandchild = os.pidfd_open(int(lines[0]))
        assert child.end(term_s=0.05) == Exit(signal=9)
        assert select.select([grandchild], [], [], PATIENCE_S)[0], "what it started lives on"
        os.close(grandchild)


def test_a_program_that_obeys_term_is_not_killed(log: int, tmp_path: Path) -> None:
    with shell("trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done", log) as child:
        with Follower(tmp_path / "log") as follower:
            read_until(follower, "ready")
        assert child.end() == Exit(status=5)


def test_a_program_has_no_terminal_a_session_of_its_own_and_a_scrubbed_environment(tmp_path: Path, log: int) -> None:
    os.environ["PPPGEN_TEST_LEAK"] = "secret"
    try:
        child = spawn([sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid(), dict(os.environ))"], log)
    finally:
        del os.environ["PPPGEN_TEST_LEAK"]
    with child:
        assert child.wait(PATIENCE_S) == Exit(status=0)
    said = (tmp_path / "log").read_text()
    assert said.startswith("True ")
    assert "secret" not in said
    assert "LC_ALL" in said


def test_an_ignored_hangup_is_not_inherited(log: int) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        child = shell("kill -HUP $$; exit 3", log)
    finally:
        signal.signal(signal.SIGHUP, before)
    with child:
        assert child.wait(PATIENCE_S) == Exit(signal=signal.SIGHUP)


def test_a_program_outlives_its_starter_and_is_adopted_by_the_next() -> None:
    starter = (
        "from pppgen.system.spawn import spawn; import os;"
        "log = os.open('/dev/null', os.O_WRONLY);"
        "mark = spawn(['/bin/sleep', '1000'], log).mark; print(mark.pid, mark.started, flush=True);"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -9
    pid, started = map(int, done.stdout.split())
    child = adopt(Mark(pid, started))
    assert child is not None
    with child:
        assert child.poll() is None
        assert child.end() == Exit(), "an adopted child's status is unknowable"


def test_a_program_that_its_own_parent_adopts_again_is_reaped(log: int) -> None:
    with shell("exec sleep 1000", log) as child:
        again = adopt(child.mark)
        assert again is not None
        with again:
            assert again.end() == Exit(signal=15)
    assert not Path(f"/proc/{child.mark.pid}").exists()


def test_a_pid_that_was_given_away_is_not_adopted() -> None:
    ours = start_time(os.getpid())
    assert ours is not None
    assert adopt(Mark(os.getpid(), ours + 1)) is None


def test_a_dead_program_is_not_adopted(log: int) -> None:
    with shell("exit 0", log) as child:
        child.wait(PATIENCE_S)
        assert adopt(child.mark) is None


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(MissingProgram) as raised:
        program("/nowhere/qmicli")
    assert "libqmi-utils" in raised.value.hint


def test_a_program_that_may_not_run_is_said_so(tmp_path: Path, log: int) -> None:
    # Executable by its mode (which() finds it), a folder of its interpreter's name: the kernel says EACCES.
    script = tmp_path / "pppd"
    script.write_text(f"#!{tmp_path}\n")
    script.chmod(0o755)
    with pytest.raises(NoPermission):
        spawn([str(script)], log)


def test_run_returns_status_and_words_and_hands_its_input_over() -> None:
    done = run(["/bin/sh", "-c", "cat; echo err >&2; exit 4"], PATIENCE_S, given=b"in\n")
    assert (done.status, done.output) == (4, "in\nerr\n")


def test_run_ends_a_program_that_hangs() -> None:
    done = run(["/bin/sh", "-c", "echo begun; sleep 1000"], 0.3)
    assert (done.status, done.output) == (None, "begun\n")


def test_run_does_not_wait_for_what_the_program_left_in_the_background() -> None:
    done = run(["/bin/sh", "-c", "sleep 1 & echo done"], PATIENCE_S)
    assert (done.status, done.output) == (0, "done\n")


def test_run_keeps_a_bounded_part_of_endless_words() -> None:
    done = run(["/bin/sh", "-c", "head -c 1000000 /dev/zero"], PATIENCE_S)
    assert (done.status, len(done.output)) == (0, OUTPUT_BOUND)


def test_lines_arrive_cut_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = new_log(path)
    said = "Grüße from pppd\r\nlast\n"
    with Follower(path) as follower:
        lines = []
        for number in said.encode():
            os.write(writer, bytes([number]))
            lines += follower.lines()
        assert lines == ["Grüße from pppd", "last"]
        os.write(writer, b"no end")
        assert follower.lines() == []
        assert follower.rest() == "no end"
    os.close(writer)


def test_a_line_without_end_is_cut_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = new_log(path)
    os.write(writer, b"x" * (2 * LINE_BOUND + 5) + b"\nnext\n")
    with Follower(path) as follower:
        lines = follower.lines()
    os.close(writer)
    assert [len(line) for line in lines] == [LINE_BOUND, LINE_BOUND, 5, 4]


def test_a_log_that_grew_too_long_is_emptied_and_followed_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer = new_log(path)
    os.write(writer, b"0123456789\n" * (LOG_BOUND // 11 + 2))
    with Follower(path) as follower:
        follower.lines()
        assert path.stat().st_size == 0
        os.write(writer, b"after\n")
        assert follower.lines() == ["after"]
    os.close(writer)


def test_a_new_log_does_not_follow_a_link(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep")
    (tmp_path / "log").symlink_to(precious)
    os.close(new_log(tmp_path / "log"))
    assert precious.read_text() == "keep"
