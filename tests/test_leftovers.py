"""What a guide left is named with its evidence, and what it did not leave is not."""

import pytest

from pppgen.facts import Process, Trace
from pppgen.leftovers import LEFTOVERS, Leftover, leftovers

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
