"""The rules are read by the real udev, against a tree below a mount namespace of its own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pppgen.errors import BadValue
from pppgen.shipped import shipped
from pppgen.sim.transcript import load
from pppgen.sim.tree import Tree
from pppgen.system.udevadm import apply_rules
from pppgen.udev import MODEM_MANAGER_RULE, NAMES_RULE, link_name, modem_manager_rule

# The tree stands in for /sys, so udev must not insist on the kernel's own (systemd, docs/ENVIRONMENT.md); /dev and /run
# are replaced last, that udev may write what it likes.
ASK = """
set -e
mount --make-rprivate /
mount --bind "$1/sys" /sys
mkdir -p "$1/run/udev" "$1/nodes"
cp -r "$1/rules.d" "$1/run/udev/rules.d"
export SYSTEMD_DEVICE_VERIFY_SYSFS=0
node=$(readlink -f "/sys/class/$2")
mount --bind "$1/nodes" /dev
mount --bind "$1/run" /run
udevadm test --action=add "$node"
"""


def may_unshare() -> bool:
    if os.geteuid() != 0 or not shutil.which("udevadm") or not shutil.which("unshare"):
        return False
    return (
        subprocess.run(["unshare", "-m", "mount", "--make-rprivate", "/"], check=False, capture_output=True).returncode
        == 0
    )


needs_udev = pytest.mark.skipif(
    not may_unshare(), reason="needs root, mount namespaces and udevadm: apt install udev, then run as root"
)


def ask(folder: Path, node: str, **rules: str) -> dict[str, str]:
    """Return the properties that udev gives the node with these rules beside the system's own."""
    tree = Tree(folder, load("bg96"))
    tree.claim()
    tree.plug(dict.fromkeys(range(4), "/dev/null"))
    wdm = folder / "sys/class/usbmisc/cdc-wdm0"
    if not (wdm / "subsystem").exists():
        (wdm.resolve() / "subsystem").symlink_to(folder / "sys/class/usbmisc")
    (folder / "rules.d").mkdir()
    shutil.copy(shipped("etc") / "udev" / NAMES_RULE, folder / "rules.d")
    for name, text in rules.items():
        (folder / "rules.d" / name).write_text(text)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", ASK, "sh", str(folder), node], check=True, capture_output=True, text=True
    )
    refused = [line for line in done.stderr.splitlines() if "pppgen" in line and ("nvalid" in line or "gnor" in line)]
    assert refused == []
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


@needs_udev
@pytest.mark.root
@pytest.mark.parametrize("number", [0, 2, 3])
def test_udev_gives_each_port_the_name_that_link_name_says(tmp_path: Path, number: int) -> None:
    links = ask(tmp_path, f"tty/ttyUSB{number}")["DEVLINKS"].split()
    assert link_name("1-1.4", number) in links
    assert len([link for link in links if link.startswith("/dev/pppgen/")]) == 1


@needs_udev
@pytest.mark.root
def test_udev_gives_the_qmi_node_a_name_too(tmp_path: Path) -> None:
    assert ask(tmp_path, "usbmisc/cdc-wdm0")["DEVLINKS"] == link_name("1-1.4", 4)


@needs_udev
@pytest.mark.root
def test_modemmanager_is_kept_off_one_modem_even_if_its_own_rule_wanted_it(tmp_path: Path) -> None:
    theirs = {"80-mm-candidate.rules": 'SUBSYSTEM=="tty", ENV{ID_MM_CANDIDATE}="1"\n'}
    kept_off = ask(tmp_path / "a", "tty/ttyUSB2", **theirs, **{MODEM_MANAGER_RULE: modem_manager_rule("1-1.4")})
    assert (kept_off["ID_MM_DEVICE_IGNORE"], kept_off["ID_MM_PORT_IGNORE"]) == ("1", "1")
    assert "ID_MM_CANDIDATE" not in kept_off
    other = ask(tmp_path / "b", "tty/ttyUSB2", **theirs, **{MODEM_MANAGER_RULE: modem_manager_rule("1-1.5")})
    assert other["ID_MM_CANDIDATE"] == "1"
    assert "ID_MM_DEVICE_IGNORE" not in other


@pytest.mark.skipif(not shutil.which("udevadm"), reason="apt install udev")
def test_where_udev_does_not_run_or_has_no_such_device_a_notice_says_what_was_asked() -> None:
    notice = apply_rules("99-9")
    assert notice is not None
    assert notice.code == "udev-not-applied"
    assert notice.evidence[0].startswith("udevadm ")


@pytest.mark.parametrize("path", ['1-1.4", RUN+="/bin/sh', "1-1*", "1-1.4\n", ""])
def test_a_path_that_is_none_reaches_no_rule(path: str) -> None:
    with pytest.raises(BadValue):
        modem_manager_rule(path)
