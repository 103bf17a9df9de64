import shutil
import subprocess
import sys

import pytest


@pytest.mark.skipif(not shutil.which("chat", path="/usr/sbin:/usr/bin"), reason="no chat: apt install ppp")
def test_the_demo_goes_the_whole_path_and_says_what_is_simulated() -> None:
    done = subprocess.run([sys.executable, "-m", "pppgen", "demo"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for seen in ("Quectel BG96", "ttyUSB3 (it dialled)", "/dev/pppgen/1-1.4-if03", "ATD*99#", "removed", "simulated:"):
        assert seen in done.stdout
    assert "1 dial, 1 hang-up" in done.stdout
    assert "[simulated] udhcpc: no lease, failing" in done.stdout
    assert "(no-dhcp-lease)" in done.stdout
    assert done.stdout.index("Falling back to PPP") < done.stdout.index("Online over PPP: 100.64.12.89 on ppp0.")


_WITHOUT_THE_ROW = """
from pathlib import Path
from tempfile import TemporaryDirectory
from pppgen.commands import demo
from pppgen.config import Link, dump_link
from pppgen.model import BearerKind, Reason
from pppgen.policy.verdicts import VERDICTS
del VERDICTS[BearerKind.QMI, Reason.NO_DHCP_LEASE]
with TemporaryDirectory() as folder:
    written = Path(folder, "etc/pppgen/link.toml")
    written.parent.mkdir(parents=True)
    written.write_text(dump_link(Link("provider", "super", "bg96", "/dev/ttyUSB2")))
    demo.tell_story(Path(folder))
"""


def test_without_the_row_from_qmi_to_ppp_the_demo_fails() -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT_THE_ROW], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "PPP link did not come up" in done.stderr
    assert "Online over PPP" not in done.stdout
