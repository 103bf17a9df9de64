"""Standard streams as cron, `<&-` and an old locale leave them: closed, or unable to write what pppgen says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_LOG = Path(__file__).parent / "fixtures" / "diagnose" / "user-qmi-bg96.log"
_ASCII = os.environ | {"PYTHONIOENCODING": "ascii"}
_TURN = {"kind": "decision", "wall": 1.0, "boottime": 1.0, "bearer": "qmi", "phase": "falling-back"}


def _run(*arguments: str, redirected: str = "", ascii_only: bool = False) -> subprocess.CompletedProcess[str]:
    words = ["sh", "-c", f'exec "$@" {redirected}', "sh", sys.executable, "-m", "pppgen", *arguments]
    return subprocess.run(words, capture_output=True, text=True, check=False, env=_ASCII if ascii_only else None)


@pytest.mark.parametrize("redirected", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_closed_stream_ends_no_command(options: list[str], redirected: str) -> None:
    done = _run("render", "--family", "bg96", "--apn", "super", *options, redirected=redirected)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_disk_behind_the_output_is_named(options: list[str]) -> None:
    done = _run("render", "--family", "bg96", "--apn", "super", *options, redirected=">/dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "pppgen: standard output: No space left on device"
    assert "Traceback" not in done.stderr


def test_a_full_disk_behind_a_refusal_is_named() -> None:
    done = _run("bands", "--json", redirected=">/dev/full")
    assert (done.returncode, done.stderr) == (1, "pppgen: standard output: No space left on device\n")


def test_a_refusal_that_nobody_reads_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        argv = [sys.executable, "-m", "pppgen", "bands", "--json"]
        done = subprocess.run(argv, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_closed_standard_input_is_an_empty_log() -> None:
    done = _run("diagnose", "-", redirected="<&-")
    assert done.returncode == 13, done.stderr


def test_a_diagnosis_is_told_where_the_terminal_knows_ascii_only() -> None:
    done = _run("diagnose", str(_LOG), ascii_only=True)
    assert done.returncode == 0, done.stderr
    assert "udhcpc: no lease, failing" in done.stdout


@pytest.mark.parametrize("ascii_only", [True, False])
def test_what_the_stream_has_no_bytes_for_is_json_all_the_same(tmp_path: Path, ascii_only: bool) -> None:
    journal = tmp_path / "var/lib/pppgen/journal.jsonl"
    journal.parent.mkdir(parents=True)
    said = "é \U0001f4f6 \ud800"
    journal.write_text(json.dumps({**_TURN, "text": said}) + "\n")
    done = _run("events", "--json", "--root", str(tmp_path), ascii_only=ascii_only)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["events"][0]["text"] == said
