import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pppgen.errors import ExitCode
from pppgen.journal import ROTATE_AT, Journal
from pppgen.model import BearerKind, Reason
from pppgen.policy.chronicle import Entry, Kind, Moment
from pppgen.reports import Step
from pppgen.system.files import Tree

SCHEMA = json.loads((Path(__file__).parent.parent / "docs/schema/diagnose.json").read_text())
PPP = """Connect: ppp0 <--> /dev/ttyUSB2
PAP authentication succeeded
LCP terminated by peer
"""


def run(*args: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-m", "pppgen", "diagnose", *args]
    return subprocess.run(argv, input=text, capture_output=True, timeout=60, check=False)


def answer(*args: str, text: bytes = b"") -> dict[str, Any]:
    told = json.loads(run("--json", *args, text=text).stdout)
    Draft202012Validator(SCHEMA).validate(told)
    return dict(told)


def test_the_answer_names_cause_lines_and_commands(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(PPP)
    told = answer(str(log))
    assert told["outcome"] == "failed"
    finding = told["findings"][0]
    assert finding["cause"] == "apn-rejected"
    assert [(proof["line"], proof["text"]) for proof in finding["evidence"]] == [
        (2, "PAP authentication succeeded"),
        (3, "LCP terminated by peer"),
    ]
    assert "auth-failed" in finding["rules_out"]
    assert run(str(log)).returncode == ExitCode.OK


def test_a_log_that_proves_nothing_is_unknown_and_says_so_by_its_status() -> None:
    told = answer("-", text=b"hello\nworld\n")
    assert told["outcome"] == "unknown"
    assert told["findings"] == []
    assert run("-", text=b"hello\n").returncode == ExitCode.UNKNOWN_CAUSE


def test_several_files_are_one_story_and_each_line_keeps_its_own_number(tmp_path: Path) -> None:
    (tmp_path / "one.log").write_text("x\n" * 10 + PPP)
    (tmp_path / "two.log").write_text("usb 1-1: USB disconnect, device number 3\n")
    told = answer(str(tmp_path / "one.log"), str(tmp_path / "two.log"))
    finding = told["findings"][0]
    places = {(Path(proof["file"]).name, proof["line"]) for proof in finding["evidence"]}
    assert ("two.log", 1) in places
    assert ("one.log", 13) in places


@pytest.mark.parametrize("flag", [["--json"], []])
def test_no_escape_sequence_of_a_log_reaches_the_terminal(flag: list[str]) -> None:
    hostile = (
        b"\x1b]0;owned\x07\x1b[2JPAP authentication succeeded\x1b[31m \xc2\x9b31m \x9b31m\n"
        b"LCP terminated by peer \x1b[?1049h\x08\x07\xe2\x80\xae\n"
    )
    shown = run(*flag, "-", text=hostile).stdout
    assert b"authentication succeeded" in shown
    assert not any(byte < 0x20 and byte != 0x0A for byte in shown)
    assert not any(char in "\x7f\x9b\u202e" for char in shown.decode())


def test_a_file_that_is_not_there_is_said_without_a_traceback(tmp_path: Path) -> None:
    done = run(str(tmp_path / "none.log"))
    assert done.returncode == ExitCode.CONFIGURATION
    assert b"Traceback" not in done.stderr


def test_without_a_run_of_its_own_it_says_what_to_give(tmp_path: Path) -> None:
    done = run("--root", str(tmp_path))
    assert done.returncode == ExitCode.NOT_RUNNING
    assert b"pppgen diagnose FILE" in done.stderr


def test_the_journal_is_read_through_journalctl(tmp_path: Path) -> None:
    if not Path("/usr/bin/journalctl").exists():
        pytest.skip("needs journalctl: apt-get install systemd")
    told = answer("--since", "-1min")
    assert told["outcome"] in {"up", "failed", "unknown"}
    del tmp_path


def test_a_time_that_journalctl_refuses_is_no_empty_journal() -> None:
    if not Path("/usr/bin/journalctl").exists():
        pytest.skip("needs journalctl: apt-get install systemd")
    told = answer("--since", "soon")
    assert told["error"]["exit"] == ExitCode.CONFIGURATION
    assert "'soon'" in told["error"]["message"]


def test_an_unreadable_file_asks_for_sudo(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(PPP)
    log.chmod(0)
    # Root reads every file, but not without the capability to.
    plain = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    argv = [*plain, sys.executable, "-m", "pppgen", "diagnose", str(log)]
    assert subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode == ExitCode.PERMISSION


@pytest.mark.parametrize("newer", [(), ("asked",), ("run",)], ids=["none", "no-attempt", "a-new-run"])
def test_a_run_whose_lines_were_rotated_away_is_still_its_last_run(tmp_path: Path, newer: tuple[str, ...]) -> None:
    at = Moment(1_700_000_000.0, 10.0)
    journal = Journal(Tree(tmp_path), lambda: at)
    journal.write(Entry(Kind.RUN, at))
    journal.write(Entry(Kind.STEP, at, 1, BearerKind.PPP, Step.CHAT))
    journal.write(Entry(Kind.FAILED, at, 1, BearerKind.PPP, Step.CHAT, Reason.NO_CARRIER, evidence=("NO CARRIER",)))
    own = tmp_path / "var/lib/pppgen/journal.jsonl"
    while own.exists():  # an entry's text is bounded, so it takes some to fill a file
        journal.write(Entry(Kind.DECISION, at, text="x" * 300))
    assert own.with_name("journal.jsonl.1").stat().st_size > ROTATE_AT
    for kind in newer:
        journal.write(Entry(Kind(kind), at))
    told = answer("--root", str(tmp_path))
    assert told["outcome"] == "failed"
    finding = told["findings"][0]
    assert finding["cause"] == "no-carrier"
    assert {Path(proof["file"]).name for proof in finding["evidence"]} == {"journal.jsonl.1"}
