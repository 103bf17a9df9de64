"""`pppgen render` and `pppgen rollback` as a person runs them."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pppgen.errors import ExitCode
from pppgen.install import install
from pppgen.memory import remember
from pppgen.model import Device
from pppgen.modems.catalog import family_named, names
from pppgen.plan import Dial, make_plan
from pppgen.render import RenderedFile, render
from pppgen.system.files import Tree
from tests.fakes.usbtree import bg96

SCHEMAS = Path(__file__).parent.parent / "docs" / "schema"


def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pppgen", *arguments], input=given, capture_output=True, text=True, check=False
    )


def answer(*arguments: str, exit_code: ExitCode = ExitCode.OK, given: str = "") -> dict[str, Any]:
    """Run with --json; the answer is one object that fits its schema."""
    done = run(*arguments, "--json", given=given)
    assert done.returncode == exit_code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(found, json.loads((SCHEMAS / f"{arguments[0]}.json").read_text()))
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A board with a peers file of before, and ours over it."""
    (tmp_path / "etc/ppp/peers").mkdir(parents=True)
    (tmp_path / "etc/ppp/peers/provider").write_text("old\n")
    install(Tree(tmp_path), render(make_plan(Dial("super"), family_named("bg96"), "/dev/ttyS0")), "provider")
    return tmp_path


def test_the_files_are_printed_and_a_command_line_password_is_warned_of() -> None:
    done = run("render", "--family", "sim7600", "--apn", "super", "--user", "me", "--password", "topsecret")
    assert done.returncode == 0
    assert "--- /etc/ppp/peers/provider  0640 root:dip" in done.stdout
    assert "--- /etc/ppp/pppgen/provider.secret  0600 root:root" in done.stdout
    assert "topsecret" not in done.stdout + done.stderr
    assert "--password-file" in done.stderr


def test_a_port_is_written_by_the_name_that_setup_gives_it(tmp_path: Path) -> None:
    bg96(tmp_path)
    by_path = tmp_path / "dev/serial/by-path/platform-usb-0:1.4:1.3-port0"
    by_path.parent.mkdir(parents=True, exist_ok=True)
    by_path.symlink_to("../../ttyUSB3")
    where = ("--sysroot", str(tmp_path), "--device", str(tmp_path / "dev/ttyUSB3"))
    found = answer("render", "--family", "bg96", "--apn", "super", *where)
    assert found["device"] == "/dev/pppgen/1-1.4-if03"


def test_the_port_that_dialled_below_root_is_rendered(tmp_path: Path) -> None:
    remember(tmp_path, Device("1-1.4", "2c7c", "0296", ()), at=3, dial=2)
    found = answer("render", "--family", "bg96", "--apn", "super", "--root", str(tmp_path))
    assert found["device"] == "/dev/pppgen/1-1.4-if02"
    other = answer("render", "--family", "sim7600", "--apn", "super", "--root", str(tmp_path))
    assert other["device"] != found["device"]


def test_the_password_comes_from_a_file_or_standard_input_and_is_shown_only_when_asked_for(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("it's topsecret\n")
    secret.chmod(0o600)
    asked = ("render", "--family", "bg96", "--apn", "super", "--user", "me", "--password-file")
    for found in (
        answer(*asked, str(secret), "--show-secrets"),
        answer(*asked, "-", "--show-secrets", given="it's topsecret\n"),
    ):
        assert 'password "it\'s topsecret"\n' in found["files"][-1]["content"]
        assert [file["secret"] for file in found["files"]] == [False, True, False, True]
    assert "topsecret" not in json.dumps(answer(*asked, str(secret)))


def test_a_password_file_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o644)
    done = run("render", "--family", "bg96", "--apn", "a", "--user", "u", "--password-file", str(tmp_path / "secret"))
    assert "chmod 600" in done.stderr


def test_json_asks_no_question_for_a_password() -> None:
    found = answer("render", "--family", "bg96", "--apn", "a", "--user", "me", exit_code=ExitCode.CONFIGURATION)
    assert "--password-file" in found["error"]["message"]
    assert found["files"] == []


def test_a_password_is_asked_for_on_a_terminal_and_not_echoed() -> None:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pppgen", "render", "--family", "bg96", "--apn", "a", "--user", "u", "--show-secrets"],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
        start_new_session=True,
    ) as process:
        os.close(follower)
        seen = b""
        while b"Password" not in seen:
            seen += os.read(leader, 1000)
        os.write(leader, b"topsecret\n")
        assert process.stdout is not None
        out = process.stdout.read()
    os.close(leader)
    assert b'password "topsecret"' in out
    assert b"topsecret" not in seen


def test_a_port_that_is_there_is_written_by_its_stable_name_and_the_sysroot_never(tmp_path: Path) -> None:
    bg96(tmp_path)
    device = f"{tmp_path}/dev/ttyUSB2"
    found = answer("render", "--family", "bg96", "--apn", "super", "--device", device, "--sysroot", str(tmp_path))
    assert found["device"] == "/dev/pppgen/1-1.4-if02"
    assert str(tmp_path) not in json.dumps(found)


def test_a_port_below_a_sysroot_that_is_not_there_is_refused(tmp_path: Path) -> None:
    found = answer(
        *("render", "--family", "bg96", "--apn", "a", "--sysroot", str(tmp_path)),
        *("--device", f"{tmp_path}/dev/ttyUSB2"),
        exit_code=ExitCode.CONFIGURATION,
    )
    assert "--device" in found["error"]["message"]


@pytest.mark.parametrize("apn", ["", "a b", 'a"b', "a\nb", r"\T", "../x", "x" * 200])
def test_a_bad_apn_is_an_error_of_configuration(apn: str) -> None:
    found = answer("render", "--family", "bg96", "--apn", apn, exit_code=ExitCode.CONFIGURATION)
    assert found["error"]["message"].startswith("--apn")


def test_without_an_apn_it_says_how_to_give_one() -> None:
    done = run("render", "--family", "bg96")
    assert done.returncode == ExitCode.CONFIGURATION
    assert "--apn NAME" in done.stderr


def test_an_unknown_family_is_wrong_usage_and_the_known_ones_are_listed() -> None:
    done = run("render", "--family", "bg69", "--apn", "a")
    assert done.returncode == ExitCode.USAGE
    assert all(name in done.stderr for name in names())


def test_another_pppd_gets_other_options() -> None:
    contents = {
        version: answer("render", "--family", "bg96", "--apn", "a", "--pppd", version)["files"][0]["content"]
        for version in ("2.4.9", "2.5.2")
    }
    assert "defaultroute-metric" not in contents["2.4.9"]
    assert "\ndefaultroute-metric 700\n" in contents["2.5.2"]
    answer("render", "--family", "bg96", "--apn", "a", "--pppd", "new", exit_code=ExitCode.CONFIGURATION)


def test_rollback_restores_and_the_second_one_has_nothing_to_do(installed: Path) -> None:
    found = answer("rollback", "--root", str(installed))
    assert found["files"][0] == {"path": str(installed / "etc/ppp/peers/provider"), "action": "restored"}
    assert (installed / "etc/ppp/peers/provider").read_text() == "old\n"
    assert not (installed / "etc/chatscripts").exists()
    done = run("rollback", "--root", str(installed))
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing to take back" in done.stderr


def on_a_terminal(typed: bytes, *arguments: str) -> tuple[int, bytes]:
    """Run with a terminal as standard input; return the exit code and what was written to standard output."""
    leader, follower = pty.openpty()
    os.write(leader, typed)
    done = subprocess.run(
        [sys.executable, "-m", "pppgen", *arguments], stdin=follower, capture_output=True, check=False, timeout=20
    )
    os.close(leader)
    os.close(follower)
    return done.returncode, done.stdout


def test_rollback_asks_on_a_terminal_and_no_means_no(installed: Path) -> None:
    assert on_a_terminal(b"n\n", "rollback", "--root", str(installed))[0] == ExitCode.INTERRUPTED
    assert (installed / "etc/chatscripts/chat-connect").exists()
    assert on_a_terminal(b"y\n", "rollback", "--root", str(installed))[0] == 0
    assert not (installed / "etc/chatscripts/chat-connect").exists()


@pytest.mark.parametrize("option", ["--json", "--yes"])
def test_rollback_asks_nothing_when_it_is_told_so(installed: Path, option: str) -> None:
    assert on_a_terminal(b"n\n", "rollback", "--root", str(installed), option)[0] == 0
    assert not (installed / "etc/chatscripts/chat-connect").exists()


def test_a_dry_run_of_rollback_shows_the_difference_and_does_nothing(installed: Path) -> None:
    before = (installed / "etc/ppp/peers/provider").read_bytes()
    done = run("rollback", "--root", str(installed), "--dry-run", "--diff")
    assert done.returncode == 0
    assert "    +old" in done.stdout
    assert (installed / "etc/ppp/peers/provider").read_bytes() == before


@pytest.mark.parametrize("extra", [(), ("--dry-run",)])
def test_rollback_keeps_a_file_that_was_edited_and_shows_what_would_be_lost(installed: Path, extra: tuple[str]) -> None:
    (installed / "etc/ppp/peers/provider").write_text("my own\n")
    done = run("rollback", "--root", str(installed), *extra)
    assert done.returncode == ExitCode.CHANGED_BY_HAND
    assert "kept      " in done.stdout
    assert "    -my own" in done.stdout
    assert "--force" in done.stderr
    found = answer("rollback", "--root", str(installed), *extra, exit_code=ExitCode.CHANGED_BY_HAND)
    assert found["files"][0]["action"] == "kept"
    assert (installed / "etc/ppp/peers/provider").read_text() == "my own\n"
    assert answer("rollback", "--root", str(installed), "--force")["files"][0]["action"] == "restored"


def test_a_corrupt_manifest_is_an_error_of_configuration(installed: Path) -> None:
    (installed / "var/lib/pppgen/manifest.json").write_text("{")
    found = answer("rollback", "--root", str(installed), exit_code=ExitCode.CONFIGURATION)
    assert "manifest.json" in found["error"]["message"]


def test_a_path_that_drives_a_terminal_is_written_out(tmp_path: Path) -> None:
    install(Tree(tmp_path), [RenderedFile("/etc/x", b"\x1b[2Jnew\n")], "provider")
    done = run("rollback", "--root", str(tmp_path), "--dry-run", "--diff")
    assert "\x1b" not in done.stdout
