"""The real pppd reads what we render: no link needed, `dryrun dump` shows what it understood.

pppd refuses to read anything without /dev/ppp, which a container's kernel lacks; a /dev of our own, in a mount
namespace of our own, has one that opens. Only the reading of options is proved here; the lab proves the rest.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pppgen.config import Auth
from pppgen.modems.catalog import family_named
from pppgen.plan import Dial, make_plan, supervised_ipparam
from pppgen.render import RenderedFile, render
from pppgen.system.pppd import installed_pppd
from tests.test_golden import DEVICE, FAMILIES, FORMS, GUIDE_OPTIONS

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a mount namespace: run as root"),
    pytest.mark.skipif(not shutil.which("pppd", path="/usr/sbin"), reason="pppd is missing: apt-get install ppp"),
]

# $1 is the folder with ppp/ (what shall be /etc/ppp/peers and /etc/ppp/pppgen), the rest pppd's arguments.
STAGE = """
set -e
folder=$1; shift
mount -t tmpfs none /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/urandom c 1 9
ln -s null /dev/ppp
mkdir /dev/pppgen
mknod /dev/pppgen/1-1.4-if02 c 4 64
mknod /dev/ttyUSB7 c 4 65
mount -t tmpfs none /etc/ppp
cp -r "$folder"/etc/ppp/. /etc/ppp
: > /etc/ppp/options
exec pppd "$@" dryrun dump
"""


def pppd_reads(files: tuple[RenderedFile, ...], folder: Path, *arguments: str) -> set[str]:
    """The options that pppd says are in effect."""
    for file in files:
        path = folder / file.path[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode)
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", "sh", "-c", STAGE, "stage", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        stdin=subprocess.DEVNULL,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr or "mknod:" in done.stderr:
        pytest.skip(f"no mount namespace here, run on a real machine or in `make lab`: {done.stderr.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split("\t\t#")[0] for line in done.stdout.splitlines()[1:]]
    return set(lines) - {"dump", "dryrun"}


def test_pppd_accepts_the_peers_file_of_every_family_in_every_form(tmp_path: Path) -> None:
    seen: dict[bytes, tuple[str, str]] = {}
    for name in FAMILIES:
        for form, dial in FORMS.items():
            seen.setdefault(render(make_plan(dial, family_named(name), DEVICE))[0].content, (name, form))
    for number, (name, form) in enumerate(seen.values()):
        files = render(make_plan(FORMS[form], family_named(name), DEVICE, pppd=installed_pppd() or (0,)))
        options = pppd_reads(files, tmp_path / str(number), "call", FORMS[form].provider)
        assert DEVICE in options


def test_pppd_understands_the_guides_form_as_the_users_pppd_did(tmp_path: Path) -> None:
    files = render(make_plan(Dial("super", as_guide=True), family_named("bg96"), DEVICE))
    if (installed_pppd() or (0,)) >= (2, 5):
        pytest.skip("noipx went with pppd 2.5; the user's pppd was older")
    assert pppd_reads(files, tmp_path, "call", "provider") - {DEVICE} == GUIDE_OPTIONS - {"dump"}


@pytest.mark.parametrize(
    "user", ['a "b"', "it's", "back\\slash\\", "#hash", "\\T $x `y`", " lead and trail ", "x" * 127]
)
def test_pppd_reads_a_hostile_user_as_it_was_given(tmp_path: Path, user: str) -> None:
    dial = Dial("super", auth=Auth.CHAP, user=user, password=user)
    options = pppd_reads(render(make_plan(dial, family_named("generic"), DEVICE)), tmp_path, "call", "provider")
    [shown] = [option for option in options if option.startswith("user ")]
    assert re.sub(r"\\(.)", r"\1", shown.removeprefix("user ")) == user  # the dump puts a backslash before " and \\
    assert "password ??????" in options
    assert {"refuse-pap", "refuse-eap"} <= options


def test_what_the_supervisor_gives_after_call_wins(tmp_path: Path) -> None:
    files = render(make_plan(Dial("super"), family_named("bg96"), DEVICE))
    ipparam = supervised_ipparam("provider")
    options = pppd_reads(
        files, tmp_path, "call", "provider", "nodetach", "nodefaultroute", "ipparam", ipparam, "/dev/ttyUSB7"
    )
    assert {"nodetach", "nodefaultroute", f"ipparam {ipparam}", "/dev/ttyUSB7"} <= options
    assert not {"defaultroute", "updetach", DEVICE, "ipparam pppgen:provider"} & options


def test_the_installed_version_is_known() -> None:
    version = installed_pppd()
    assert version is not None
    assert version > (2, 4)
