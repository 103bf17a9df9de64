"""What a guide left is named with its evidence, and what it did not leave is not."""

import subprocess
from pathlib import Path

import pytest

from pppgen.bearers import qmi_note
from pppgen.bearers.qmi_note import Standing
from pppgen.commands.survey import own_processes
from pppgen.config import QmiBackend
from pppgen.facts import Process, Trace
from pppgen.leftovers import LEFTOVERS, Leftover, leftovers
from pppgen.system.spawn import Mark, start_time

DEBIAN_IP_UP = """\
PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
export PATH
PPP_TTYNAME=$(/usr/bin/basename "$2")
if [ -x /etc/ppp/ip-up.local ]; then
exec /etc/ppp/ip-up.local "$@"
run-parts /etc/ppp/ip-up.d \\
"""


@pytest.mark.parametrize("row", LEFTOVERS, ids=lambda row: row.name)
def test_each_row_is_told_by_each_of_its_proofs(row: Leftover) -> None:
    proofs = [
        *(([Trace("path", path)], []) for path in row.paths),
        *(([Trace("module", module)], []) for module in row.modules),
        *(([], [Process(9, name[:15], (f"/usr/bin/{name}",))]) for name in row.processes),
    ]
    assert proofs
    for traces, processes in proofs:
        (notice,) = leftovers(traces, processes)
        assert notice.evidence
        assert notice.hint


def test_a_script_is_known_behind_its_interpreter() -> None:
    (notice,) = leftovers([], [Process(7, "bash", ("/bin/bash", "/usr/src/qmi_reconnect.sh"))])
    assert notice.message.startswith("qmi_reconnect ")
    assert notice.evidence == ("pid 7 bash",)


@pytest.mark.parametrize("words", [("man", "wvdial"), ("nano", "/usr/src/qmi_reconnect.sh"), ("grep", "quectel-CM")])
def test_a_program_that_only_reads_about_it_is_not_it(words: tuple[str, ...]) -> None:
    assert leftovers([], [Process(7, words[0], words)]) == ()


def test_debians_own_hook_is_no_leftover() -> None:
    assert leftovers([Trace("line", "/etc/ppp/ip-up", line) for line in DEBIAN_IP_UP.splitlines()], []) == ()


@pytest.mark.parametrize(
    "line", ["route add default dev ppp0", "/sbin/ip route replace default dev $1", "sleep 1; route del default", "pon"]
)
def test_a_hook_that_moves_routes_or_dials_is_told_with_the_line(line: str) -> None:
    (notice,) = leftovers([Trace("line", "/etc/ppp/ip-up", line)], [])
    assert notice.evidence == (f"/etc/ppp/ip-up: {line}",)


def test_the_program_of_our_own_call_and_what_it_started_are_no_strangers(tmp_path: Path) -> None:
    """The vendor's quectel-CM is a stranger unless our supervisor runs it, with the udhcpc that it starts."""
    quectel = ["/bin/sh", "-c", "sleep 1000 & echo $!; wait"]
    with (
        subprocess.Popen(quectel, stdout=subprocess.PIPE, start_new_session=True) as ours,
        subprocess.Popen(quectel, stdout=subprocess.PIPE, start_new_session=True) as theirs,
    ):
        try:
            assert ours.stdout
            assert theirs.stdout
            mine, other = int(ours.stdout.readline()), int(theirs.stdout.readline())
            pids = (ours.pid, mine, theirs.pid, other)
            running = [Process(pid, "quectel-CM") for pid in pids]
            assert not own_processes(running, tmp_path), "without a note of ours nothing is ours"
            mark = Mark(ours.pid, start_time(ours.pid) or 0)
            note = Standing(QmiBackend.QUECTEL_CM, "/dev/cdc-wdm0", 1, "wwan0", mark)
            qmi_note.write(tmp_path, note)
            assert own_processes(running, tmp_path) == {ours.pid, mine}
            qmi_note.write(tmp_path, Standing(QmiBackend.QUECTEL_CM, "/dev/cdc-wdm0", 1, "wwan0", Mark(ours.pid, 1)))
            assert not own_processes(running, tmp_path), "the pid is somebody else's by now"
        finally:
            for pid in (mine, other):
                subprocess.run(["kill", str(pid)], check=False)
            ours.kill()
            theirs.kill()
