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
