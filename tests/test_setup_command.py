"""`pppgen setup` as a person runs it, against the real `pppgen sim` and with the real chat."""

import json
import os
import pty
import shutil
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pppgen.errors import ExitCode
from tests.fakes.simulator import holding, simulator

SCHEMA = Path(__file__).parent.parent / "docs" / "schema" / "setup.json"
pytestmark = pytest.mark.skipif(not shutil.which("chat", path="/usr/sbin:/usr/bin"), reason="no chat: apt install ppp")


def pppgen(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pppgen", *arguments], capture_output=True, text=True, check=False)


def setup(folder: Path, *arguments: str, apn: str | None = "super") -> tuple[int, dict[str, Any]]:
    """Run with --json below `folder`; the answer is one object that fits its schema."""
    roots = ("--sysroot", str(folder / "modem"), "--root", str(folder / "root"))
    name = ("--apn", apn) if apn is not None else ()
    done = pppgen("setup", "--json", *roots, *name, *arguments)
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, json.loads(SCHEMA.read_text()))
    assert (answer["error"] or {"exit": 0})["exit"] == done.returncode
    return done.returncode, answer


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_setup_finds_the_port_and_writes_proved_files(tmp_path: Path) -> None:
    with simulator(tmp_path / "modem"):
        code, answer = setup(tmp_path)
    assert code == ExitCode.OK
    assert answer["modem"]["family"] == "bg96"
    assert answer["modem"]["revision"] == "BG96MAR02A07M1G"
    assert (answer["modem"]["vid"], answer["modem"]["pid"]) == ("2c7c", "0296")
    assert answer["at_port"] == f"{tmp_path}/modem/dev/ttyUSB2"
    assert answer["dial_port"] == f"{tmp_path}/modem/dev/ttyUSB3"
    assert answer["dial_port_proven"] is False
    assert answer["dialled"] is None
    assert {file["action"] for file in answer["files"]} == {"created"}
    peers = (tmp_path / "root/etc/ppp/peers/provider").read_text()
    assert "\n/dev/pppgen/1-1.4-if03\n" in peers
    assert str(tmp_path) not in peers


def test_setup_dial_proves_the_port_that_really_works_and_remembers_it(tmp_path: Path) -> None:
    with simulator(tmp_path / "modem", "dial-port=2"):
        _, answer = setup(tmp_path, "--dial")
        assert answer["dialled"] is True
        assert answer["dial_port"] == f"{tmp_path}/modem/dev/ttyUSB2"
        assert answer["at_port"] == f"{tmp_path}/modem/dev/ttyUSB3", "signal can still be read while PPP runs"
        assert answer["dial_port_proven"] is True
        assert {port["interface"]: port["role"] for port in answer["ports"]} == {
            0: "silent",
            1: "nmea",
            2: "dial",
            3: "at",
        }
        assert "dial-port-unproven" not in [warning["code"] for warning in answer["warnings"]]
        assert "\n/dev/pppgen/1-1.4-if02\n" in (tmp_path / "root/etc/ppp/peers/provider").read_text()
        code, again = setup(tmp_path)
    assert code == ExitCode.OK
    assert again["dial_port_proven"] is True
    assert {file["action"] for file in again["files"]} == {"same"}


def test_rollback_leaves_the_tree_as_it_was_before_setup(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "etc/ppp/peers").mkdir(parents=True)
    (root / "etc/ppp/peers/provider").write_text("mine\n")
    before = sorted(root.rglob("*"))
    with simulator(tmp_path / "modem"):
        setup(tmp_path, "--dial")
    assert pppgen("rollback", "--yes", "--root", str(root)).returncode == 0
    assert sorted(root.rglob("*")) == before
    assert (root / "etc/ppp/peers/provider").read_text() == "mine\n"


def test_a_second_setup_writes_nothing(tmp_path: Path) -> None:
    with simulator(tmp_path / "modem"):
        setup(tmp_path)
        before = {path: (tmp_path / "root" / path).stat().st_mtime_ns for path in files_below(tmp_path / "root")}
        _, answer = setup(tmp_path)
    assert {file["action"] for file in answer["files"]} == {"same"}
    assert {path: (tmp_path / "root" / path).stat().st_mtime_ns for path in files_below(tmp_path / "root")} == before


def test_a_dry_run_writes_nothing_and_sends_no_dial(tmp_path: Path) -> None:
    with simulator(tmp_path / "modem"):
        code, answer = setup(tmp_path, "--dry-run", "--dial")
    assert code == ExitCode.OK
    assert {file["action"] for file in answer["files"]} == {"created"}
    assert answer["dialled"] is None
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(
    ("faults", "arguments", "exit_code", "names"),
    [
        (["sim=absent"], [], ExitCode.SIM, "sim-missing"),
        (["sim=pin"], [], ExitCode.SIM, "sim-pin"),
        (["sim=puk"], [], ExitCode.SIM, "sim-puk"),
        (["reg=3"], ["--dial"], ExitCode.NOT_REGISTERED, "refuses the registration"),
        (["reg=0"], ["--dial"], ExitCode.NOT_REGISTERED, "not registered"),
        (["dial=no-carrier"], ["--dial"], ExitCode.DIAL_FAILED, "NO CARRIER"),
        (["silent=0,1,2,3"], [], ExitCode.NO_AT_PORT, "no port speaks AT"),
        (["vanish=2,3"], [], ExitCode.NO_AT_PORT, "gone"),
    ],
)
def test_a_failure_is_named_and_nothing_is_written(
    tmp_path: Path, faults: list[str], arguments: list[str], exit_code: ExitCode, names: str
) -> None:
    with simulator(tmp_path / "modem", *faults):
        code, answer = setup(tmp_path, *arguments)
    assert code == exit_code
    assert names in answer["error"]["message"]
    assert answer["error"]["hint"]
    assert answer["files"] == [], "no file is told as created that is not there"
    assert not [path for path in files_below(tmp_path / "root") if path.startswith("etc")]


def test_a_registration_that_is_missing_is_a_warning_while_nothing_is_dialled(tmp_path: Path) -> None:
    with simulator(tmp_path / "modem", "reg=3"):
        code, answer = setup(tmp_path)
    assert code == ExitCode.OK
    assert "registration-denied" in [warning["code"] for warning in answer["warnings"]]


def test_a_board_without_a_modem_is_told_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "modem/dev").mkdir(parents=True)
    (tmp_path / "modem/sys/bus/usb/devices").mkdir(parents=True)
    code, answer = setup(tmp_path)
    assert code == ExitCode.NO_MODEM
    assert answer["modem"] is None
    assert "PWRKEY" in answer["error"]["hint"]


def test_ports_that_are_held_are_named_with_their_holder(tmp_path: Path) -> None:
    with (
        simulator(tmp_path / "modem"),
        holding(tmp_path / "modem/dev/ttyUSB2") as one,
        holding(tmp_path / "modem/dev/ttyUSB3"),
    ):
        code, answer = setup(tmp_path)
    assert code == ExitCode.PORT_BUSY
    holders = {port["interface"]: port["holder"] for port in answer["ports"]}
    assert holders[2] == {"pid": one, "name": "sleep"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--apn", 'super"'],
        ["--apn", "a b"],
        ["--apn", "a\nconnect evil"],
        ["--apn", ""],
        ["--apn", "x" * 101],
        ["--apn", "super", "--provider", "../evil"],
        ["--apn", "super", "--provider", "a b"],
        ["--apn", "super", "--cid", "0"],
        ["--apn", "super", "--user", "a\nb", "--password", "x"],
        ["--apn", "super", "--user", "a", "--password", "x\ny"],
        ["--apn", "super", "--scan-order", "lte-m,warp"],
        ["--apn", "super", "--start"],
    ],
)
def test_bad_input_is_refused_before_any_port_is_touched(tmp_path: Path, arguments: list[str]) -> None:
    code, answer = setup(tmp_path_with_no_modem(tmp_path), *arguments, apn=None)
    assert code == ExitCode.CONFIGURATION, answer
    assert answer["ports"] == []
    assert not (tmp_path / "root").exists()


def tmp_path_with_no_modem(tmp_path: Path) -> Path:
    (tmp_path / "modem").mkdir()
    return tmp_path


def test_a_band_that_the_family_lacks_lists_those_it_has(tmp_path: Path) -> None:
    with simulator(tmp_path / "modem"):
        code, answer = setup(tmp_path, "--bands", "B99")
    assert code == ExitCode.CONFIGURATION
    assert "B12" in answer["error"]["message"]
    assert not (tmp_path / "root/etc").exists()


def test_radio_settings_are_written_once_and_brought_back_by_rollback_radio(tmp_path: Path) -> None:
    roots = ("--sysroot", str(tmp_path / "modem"), "--root", str(tmp_path / "root"))

    def asked() -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(pppgen("at", "--json", *roots, 'AT+QCFG="iotopmode"').stdout)
        return answer

    with simulator(tmp_path / "modem"):
        before = asked()["lines"]
        _, first = setup(tmp_path, "--rat", "nb-iot")
        written = {row["key"]: row["result"] for row in first["radio"]}
        assert written["iotopmode"] == "written"
        assert asked()["lines"] != before
        _, second = setup(tmp_path, "--rat", "nb-iot")
        assert {row["result"] for row in second["radio"]} == {"same"}
        done = pppgen("rollback", *roots, "--radio", "--yes")
        assert done.returncode == 0, done.stderr
        assert asked()["lines"] == before


def test_the_radio_is_left_alone_where_its_old_values_cannot_be_kept(tmp_path: Path) -> None:
    notes = tmp_path / "root/var/lib/pppgen/radio.json"
    notes.parent.mkdir(parents=True)
    notes.write_text("half a fi")
    with simulator(tmp_path / "modem"):
        code, answer = setup(tmp_path, "--rat", "lte-m")
        assert (code, "damaged" in answer["error"]["message"]) == (ExitCode.UNEXPECTED, True)
        notes.unlink()
        _, again = setup(tmp_path, "--dry-run")
        assert again["radio"] == []
        _, written = setup(tmp_path, "--rat", "lte-m")
    assert {row["result"] for row in written["radio"]} == {"written"}, "the first run wrote nothing"


def test_the_guides_radio_settings_are_brought_back_too(tmp_path: Path) -> None:
    with simulator(tmp_path / "modem"):
        setup(tmp_path, "--as-guide")
        roots = ("--sysroot", str(tmp_path / "modem"), "--root", str(tmp_path / "root"))
        done = pppgen("rollback", "--radio", "--json", *roots)
    rows = json.loads(done.stdout)["radio"]
    assert {row["key"]: row["result"] for row in rows}["nwscanseq"] == "written"


def test_without_a_request_nothing_is_written_to_the_modem(tmp_path: Path) -> None:
    with simulator(tmp_path / "modem"):
        _, answer = setup(tmp_path)
    assert answer["radio"] == []
    assert "QCFG" not in (tmp_path / "root/etc/chatscripts/chat-connect").read_text()


def test_the_apn_is_proposed_from_the_card(tmp_path: Path) -> None:
    with simulator(tmp_path / "modem"):
        code, answer = setup(tmp_path, apn=None)
    assert code == ExitCode.OK
    assert "apn-proposed" in [warning["code"] for warning in answer["warnings"]]
    assert 'AT+CGDCONT=1,"IP","super"' in (tmp_path / "root/etc/chatscripts/chat-connect").read_text()


def test_several_likely_apns_are_listed_and_none_is_guessed(tmp_path: Path) -> None:
    database = tmp_path / "modem/usr/share/mobile-broadband-provider-info/serviceproviders.xml"
    with simulator(tmp_path / "modem", family="ec25"):
        imsi = json.loads(pppgen("at", "--json", "--sysroot", str(tmp_path / "modem"), "AT+CIMI").stdout)["lines"][0]
        database.parent.mkdir(parents=True)
        database.write_text(
            "<serviceproviders><country code='us'><provider><name>Cell</name><gsm>"
            f"<network-id mcc='{imsi[:3]}' mnc='{imsi[3:6]}'/>"
            "<apn value='one'><usage type='internet'/></apn><apn value='two'><usage type='internet'/></apn>"
            "</gsm></provider></country></serviceproviders>"
        )
        code, answer = setup(tmp_path, apn=None)
        shutil.rmtree(tmp_path / "modem/usr")
    assert code == ExitCode.CONFIGURATION
    assert "one (Cell), two (Cell)" in answer["error"]["message"]


def test_a_file_that_a_person_edited_stays_unless_forced(tmp_path: Path) -> None:
    peers = tmp_path / "root/etc/ppp/peers/provider"
    with simulator(tmp_path / "modem"):
        setup(tmp_path)
        peers.write_text(peers.read_text() + "# mine\n")
        code, answer = setup(tmp_path, apn="other")
        assert code == ExitCode.CHANGED_BY_HAND
        assert "# mine" in peers.read_text()
        assert 'AT+CGDCONT=1,"IP","super"' in (tmp_path / "root/etc/chatscripts/chat-connect").read_text()
        assert {file["action"] for file in answer["files"] if file["path"] == str(peers)} == {"kept"}
        code, _ = setup(tmp_path, "--force", apn="other")
    assert code == ExitCode.OK
    assert "# mine" not in peers.read_text()


def test_a_persons_configuration_is_never_overwritten(tmp_path: Path) -> None:
    config = tmp_path / "root/etc/pppgen/pppgen.toml"
    with simulator(tmp_path / "modem"):
        setup(tmp_path)
        config.write_text("primary = true\n")
        code, _ = setup(tmp_path, apn="other")
    assert code == ExitCode.OK
    assert config.read_text() == "primary = true\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="file owners need root: sudo make test")
def test_the_password_lies_in_files_that_only_root_reads(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("pass 'word' #1\n")
    secret.chmod(0o600)
    with simulator(tmp_path / "modem"):
        code, answer = setup(tmp_path, "--user", "me", "--password-file", str(secret))
    assert code == ExitCode.OK
    assert "pass 'word'" not in json.dumps(answer)
    holding_it = [
        path
        for path in files_below(tmp_path / "root")
        if b"pass" in (tmp_path / "root" / path).read_bytes()
        and b"word" in (tmp_path / "root" / path).read_bytes()
        and b"#1" in (tmp_path / "root" / path).read_bytes()
    ]
    assert holding_it
    assert {stat.S_IMODE((tmp_path / "root" / path).stat().st_mode) for path in holding_it} == {0o600}


def test_people_are_told_the_same_and_progress_goes_to_standard_error(tmp_path: Path) -> None:
    with simulator(tmp_path / "modem"):
        done = pppgen(
            "setup", "--apn", "super", "--sysroot", str(tmp_path / "modem"), "--root", str(tmp_path / "root"), "--diff"
        )
    assert done.returncode == 0, done.stderr
    assert f"AT port   {tmp_path}/modem/dev/ttyUSB2" in done.stdout
    assert "+/dev/pppgen/1-1.4-if03" in done.stdout
    assert "asking 4 ports" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_a_terminal_is_shown_a_moving_bar(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with simulator(tmp_path / "modem"):
        done = subprocess.run(
            [sys.executable, "-m", "pppgen", "probe", "--sysroot", str(tmp_path / "modem")],
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
            check=False,
        )
    os.close(theirs)
    seen = b""
    with suppress(OSError):  # EIO: everything is read, and the other side is closed
        while piece := os.read(ours, 65536):
            seen += piece
    os.close(ours)
    assert done.returncode == 0
    assert "━".encode() in seen
    assert b"\x1b" not in done.stdout
