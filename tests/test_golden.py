"""What each family of the catalog is rendered to, and the real chat that runs it against that family's simulated modem.

After a wanted change write the files anew and read the difference in git:

    PPPGEN_WRITE_GOLDEN=1 .venv/bin/pytest tests/test_golden.py
"""

import os
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pppgen.config import Auth, PdpType
from pppgen.modems.catalog import family_named, load
from pppgen.plan import Dial, make_plan
from pppgen.render import RenderedFile, render
from pppgen.sim import transcript
from pppgen.sim.bench import Bench
from pppgen.sim.faults import Faults
from pppgen.system.chat import Proof, prove_script

GOLDEN = Path(__file__).parent / "golden"
DEVICE = "/dev/pppgen/1-1.4-if02"
FORMS = {
    "default": Dial("super"),
    "as-guide": Dial("super", as_guide=True),
    "chap": Dial(
        "iot.example.net", "backup", cid=2, pdp=PdpType.IPV4V6, auth=Auth.CHAP, user="me", password="it's ^M #1"
    ),
}
FAMILIES = [family.name for family in load()]

# "pppd options in effect" of the user's own transcript, the device apart.
GUIDE_OPTIONS = {
    "debug",
    "updetach",
    "dump",
    "noauth",
    "remotename 3gppp",
    "115200",
    "lock",
    "connect chat -s -v -f /etc/chatscripts/chat-connect -T super",
    "disconnect chat -s -v -f /etc/chatscripts/chat-disconnect",
    "nocrtscts",
    "modem",
    "asyncmap 0",
    "lcp-echo-failure 4",
    "lcp-echo-interval 30",
    "hide-password",
    "novj",
    "novjccomp",
    "ipcp-accept-local",
    "ipcp-accept-remote",
    "ipparam 3gppp",
    "noipdefault",
    "ipcp-max-failure 30",
    "defaultroute",
    "usepeerdns",
    "noccp",
    "noipx",
}
# The user's commands, in the user's order.
GUIDE_COMMANDS = [
    "AT",
    "ATE0",
    'AT+QCFG="band",F,400A0E189F,A0E189F,1',
    'AT+QCFG="nwscanseq",02,1',
    'AT+QCFG="nwscanmode",3,1',
    'AT+QCFG="iotopmode",0,1',
    "ATI;+CSUB;+CSQ;+COPS?;+CGREG?;&D2",
    r'AT+CGDCONT=1,"IP","\T",,0,0',
    "ATD*99#",
]


def rendered(name: str, form: str) -> tuple[RenderedFile, ...]:
    return render(make_plan(FORMS[form], family_named(name), DEVICE))


def options_in(peers: bytes) -> set[str]:
    """The options of a peers file as pppd's own dump writes them."""
    lines = (line.strip() for line in peers.decode().splitlines())
    return {line.replace('"', "") for line in lines if line and not line.startswith("#")}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_rendered_as_before(name: str, form: str) -> None:
    folder = GOLDEN / name / form
    files = {
        Path(file.path).name: f"{file.mode:04o} {file.group}\n".encode() + file.content for file in rendered(name, form)
    }
    if os.environ.get("PPPGEN_WRITE_GOLDEN"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for each, content in files.items():
            (folder / each).write_bytes(content)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


def test_no_golden_folder_is_left_of_a_family_that_is_gone() -> None:
    assert sorted(folder.name for folder in GOLDEN.iterdir()) == sorted(FAMILIES)


def test_the_guides_form_has_exactly_the_options_of_the_users_transcript() -> None:
    assert options_in(rendered("bg96", "as-guide")[0].content) - {DEVICE} == GUIDE_OPTIONS


def test_the_guides_form_has_the_users_commands_in_the_users_order() -> None:
    script = rendered("bg96", "as-guide")[1].content.decode()
    assert [
        found[1] or found[2] for found in re.finditer(r"^(?:''|OK) (?:'(AT.*)'|(AT.*))$", script, re.MULTILINE)
    ] == GUIDE_COMMANDS


@pytest.mark.parametrize("name", FAMILIES)
def test_the_default_form_writes_no_radio_setting(name: str) -> None:
    family = family_named(name)
    script = rendered(name, "default")[1].content.decode()
    writes = [setting.write.split("{", 1)[0] for setting in family.radio.settings]
    assert not [write for write in writes if write in script]


def test_pppd_2_5_gets_only_options_that_it_knows() -> None:
    for form, dial in FORMS.items():
        old, new = (
            options_in(render(make_plan(dial, family_named("bg96"), DEVICE, pppd=version))[0].content)
            for version in ((2, 4, 9), (2, 5, 2))
        )
        assert new - old == (set() if form == "as-guide" else {"defaultroute-metric 700"}), form
        assert old - new == ({"noipx"} if form == "as-guide" else set()), form
        assert "replacedefaultroute" not in old | new


def dial_port(bench: Bench) -> str:
    """The device on which the simulated modem dials."""
    numbers = [each.number for each in bench.transcript.tty_interfaces if "dial" in each.role]
    return f"{bench.root}/dev/{bench.names[numbers[0]]}"


def dialled(name: str, form: str, root: Path) -> Proof:
    files = rendered(name, form)
    with Bench(transcript.load(name), Faults(), root) as bench:
        thread = threading.Thread(target=bench.run)
        thread.start()
        try:
            return prove_script(
                dial_port(bench),
                files[1].content,
                hang_up=b"# the hang-up has tests of its own\n",
                argument=FORMS[form].apn,
            )
        finally:
            bench.stop()
            thread.join()


@pytest.mark.skipif(not shutil.which("chat", path="/usr/sbin"), reason="chat is missing: apt-get install ppp")
@pytest.mark.parametrize("form", FORMS)
def test_the_real_chat_runs_every_familys_script_to_connect(form: str, tmp_path: Path) -> None:
    # At the same time: chat spends its time in pauses of 10 ms between the letters.
    with ThreadPoolExecutor(6) as pool:
        proofs = dict(zip(FAMILIES, pool.map(lambda name: dialled(name, form, tmp_path / name), FAMILIES), strict=True))
    failed = {name: (proof.end, proof.lines[-14:]) for name, proof in proofs.items() if not proof.connected}
    assert not failed
