"""The whole supervisor with bearers that do what the test says: doors, journal, status file and commands around it."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from pppgen.cli import tree as command_tree
from pppgen.commands.assembly import Running, Setting
from pppgen.config import Config, Link
from pppgen.control import Conversation, ask
from pppgen.errors import ExitCode, PppgenError
from pppgen.journal import read as read_journal
from pppgen.model import BearerKind, Reason
from pppgen.modems.catalog import family_named
from pppgen.policy.chronicle import Entry, Kind
from pppgen.reports import Step
from pppgen.requests import Events, Failover, Status, Up
from pppgen.status import read as read_status
from pppgen.system.files import Tree
from tests.fakes.bearers import Fails, FakeBearer, Hangs, Play, Works

QMI, PPP = BearerKind.QMI, BearerKind.PPP
NO_LEASE = Fails(Reason.NO_DHCP_LEASE, Step.LEASE, ("udhcpc: no lease, failing",))
SCHEMAS = Path(__file__).parent.parent / "docs" / "schema"


class Stage:
    """A running supervisor below a folder of its own."""

    def __init__(self, root: Path, qmi: Play, ppp: Play) -> None:
        self.tree = Tree(root)
        self.log: list[str] = []
        self.bearers: dict[BearerKind, FakeBearer] = {}
        self._plays = {QMI: qmi, PPP: ppp}
        setting = Setting(Config(), Link("provider", "super", "bg96", "/dev/ttyUSB2"), family_named("bg96"))
        self.running = Running(self.tree, setting=setting, bearers=self._make)

    def _make(self, put: Callable[..., None]) -> dict[BearerKind, FakeBearer]:
        self.bearers = {kind: FakeBearer(kind, put, (play,), self.log) for kind, play in self._plays.items()}
        return self.bearers

    def until(self, phase: str) -> list[Entry]:
        """Return what happened until the link reached a phase."""
        with Conversation(self.tree) as conversation:
            status = conversation.ask(Events())["status"]
            seen: list[Entry] = []
            while status["phase"] != phase:
                entry = conversation.event(10.0)
                assert entry is not None, f"{phase} never came: {seen}"
                seen.append(entry)
                if entry.kind is Kind.DECISION:
                    status = {"phase": entry.phase}
            return seen

    def command(self, *arguments: str) -> Result:
        return CliRunner().invoke(command_tree, [*arguments, "--root", str(self.tree.root)])


@contextmanager
def staged(root: Path, qmi: Play, ppp: Play, *, up: bool = True) -> Iterator[Stage]:
    stage = Stage(root, qmi, ppp)
    thread = threading.Thread(target=lambda: stage.running.serve(up=up))
    with stage.running:
        thread.start()
        try:
            yield stage
        finally:
            stage.running.leave(keep=False)
            thread.join(20)
            assert not thread.is_alive()


def checked(result: Result, schema: str) -> dict[str, object]:
    answer: dict[str, object] = json.loads(result.stdout)
    jsonschema.validate(answer, json.loads((SCHEMAS / f"{schema}.json").read_text()))
    return answer


def test_a_lost_lease_ends_on_ppp_and_every_door_tells_why(tmp_path: Path) -> None:
    with staged(tmp_path, NO_LEASE, Works()) as stage:
        stage.until("online")
        found = read_status(stage.tree)
        assert (found["phase"], found["bearer"], found["interface"]) == ("online", "ppp", "ppp0")
        assert found["last"][0]["reason"] == "no-dhcp-lease"
        assert stage.log == ["adopt qmi 1", "adopt ppp 1", "start qmi 1", "prepare ppp", "stop qmi 1", "start ppp 2"]
        told = stage.command("explain")
        assert "QMI" in told.output
        assert "udhcpc: no lease, failing" in told.output
        assert "the link was up over PPP: 100.64.12.89 on ppp0" in told.output
        assert len(told.output.splitlines()) == 5
    entries = list(read_journal(stage.tree))
    turn = next(entry for entry in entries if entry.phase == "falling-back")
    assert (turn.reason, turn.step, turn.verdict, turn.dial) == (Reason.NO_DHCP_LEASE, Step.LEASE, "next", 1)
    assert turn.evidence == ("udhcpc: no lease, failing",)


def test_the_commands_answers_follow_their_schemas(tmp_path: Path) -> None:
    with staged(tmp_path, NO_LEASE, Works()) as stage:
        stage.until("online")
        assert checked(stage.command("status", "--json"), "status")["running"] is True
        assert checked(stage.command("explain", "--json"), "explain")["error"] is None
        assert checked(stage.command("events", "--json"), "events")["events"]
        assert checked(stage.command("failover", "--to", "ppp", "--json"), "failover")["said"]
        early = stage.command("failback", "--json")
        assert early.exit_code == ExitCode.DIAL_FAILED, "two attempts were made within the last minute"
        error = checked(early, "failback")["error"]
        assert isinstance(error, dict)
        assert "the least distance of two attempts" in error["message"]
        assert checked(stage.command("down", "--json"), "down")["error"] is None
        for line in stage.command("up", "--json").stdout.splitlines():
            jsonschema.validate(json.loads(line), json.loads((SCHEMAS / "up.json").read_text()))


def test_ctrl_c_ends_a_stream_of_entries_with_nothing_but_entries(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "pppgen", "events", "--follow", "--json", "--root", str(tmp_path)]
    with staged(tmp_path, Works(), Works()) as stage:
        stage.until("online")
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as following:
            assert following.stdout is not None
            first = following.stdout.readline()
            following.send_signal(signal.SIGINT)
            rest = following.stdout.readlines()
        assert following.returncode == ExitCode.INTERRUPTED
        assert all("kind" in json.loads(line) for line in (first, *rest))


@pytest.mark.parametrize("name", ["status", "explain", "down", "failover", "failback"])
def test_without_a_supervisor_a_command_says_so(tmp_path: Path, name: str) -> None:
    result = CliRunner().invoke(command_tree, [name, "--json", "--root", str(tmp_path)])
    answer = checked(result, name)
    wanted = ExitCode.UNKNOWN_CAUSE if name == "explain" else ExitCode.NOT_RUNNING
    assert result.exit_code == wanted
    error = answer["error"]
    assert isinstance(error, dict)
    assert error["exit"] == wanted


def test_the_status_file_names_no_sim_and_no_place(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Works()) as stage:
        stage.until("online")
        path = tmp_path / "run/pppgen/status.json"
        assert path.stat().st_mode & 0o777 == 0o644
        assert not {"imei", "imsi", "iccid", "apn", "user", "area", "cell"} & set(json.loads(path.read_text()))
    assert not path.exists(), "a supervisor that ended must not be believed to run"


@pytest.mark.parametrize("damage", [{"since": "x"}, {"registrations": [3]}, {"attempts": None}, {"last": [{"at": 1}]}])
def test_a_status_that_somebody_edited_is_named(tmp_path: Path, damage: dict[str, object]) -> None:
    with staged(tmp_path, Works(), Works()) as stage:
        stage.until("online")
        path = tmp_path / "run/pppgen/status.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | damage))
        result = CliRunner().invoke(command_tree, ["status", "--root", str(tmp_path)])
        assert isinstance(result.exception, PppgenError)
        assert str(path) in result.exception.message
        assert result.stdout == ""


def test_the_socket_is_for_its_group_only(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Works()):
        assert (tmp_path / "run/pppgen/control.sock").stat().st_mode & 0o777 == 0o660


def test_a_second_supervisor_is_refused(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Works()), pytest.raises(PppgenError, match="another supervisor"):
        Stage(tmp_path, Works(), Works())


def test_everybody_can_read_the_status_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with staged(tmp_path, Works(), Works()) as stage:
            stage.until("online")
            assert stat.S_IMODE((tmp_path / "run/pppgen").stat().st_mode) == 0o755
            assert stat.S_IMODE((tmp_path / "run/pppgen/status.json").stat().st_mode) == 0o644
    finally:
        os.umask(before)


def test_nobody_else_can_open_the_lock_and_so_keep_every_supervisor_out(tmp_path: Path) -> None:
    lock = tmp_path / "run/pppgen/lock"
    lock.parent.mkdir(parents=True)
    lock.touch(0o644)
    with staged(tmp_path, Works(), Works()):
        assert stat.S_IMODE(lock.stat().st_mode) == 0o600


def test_up_tells_each_step_and_the_end(tmp_path: Path) -> None:
    with staged(tmp_path, NO_LEASE, Works(), up=False) as stage:
        result = stage.command("up")
        assert result.exit_code == 0, result.output
        assert "QMI #1 failed at lease after 3.1 s: the data call is up, but nobody answered DHCP" in result.output
        assert "| udhcpc: no lease, failing" in result.output
        assert "Online over PPP: 100.64.12.89 on ppp0." in result.output


def test_up_says_why_a_link_cannot_be(tmp_path: Path) -> None:
    with staged(tmp_path, Fails(Reason.SIM_MISSING, Step.SIM), Works(), up=False) as stage:
        result = stage.command("up", "--json")
        assert result.exit_code == ExitCode.SIM
        last = json.loads(result.stdout.splitlines()[-1])
        assert (last["kind"], last["ok"], last["error"]["code"]) == ("result", False, "no-link")


def test_down_keeps_the_link_down_and_a_late_hook_does_not_raise_it(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Works()) as stage:
        stage.until("online")
        assert stage.command("down").exit_code == 0
        stage.until("stopped")
        result = stage.command("failover", "--to", "ppp", "--json")
        assert json.loads(result.stdout)["error"]["code"] == "not-wanted"
        assert [line for line in stage.log if line.startswith("start")] == ["start qmi 1"]


def test_many_callers_of_failover_switch_once(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Works()) as stage:
        stage.until("online")
        callers = [threading.Thread(target=ask, args=(stage.tree, Failover(PPP, "no-dhcp-lease"))) for _ in range(12)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(20)
        stage.until("online")
        assert [line for line in stage.log if line.startswith("start")] == ["start qmi 1", "start ppp 2"]
        assert ask(stage.tree, Status())["status"]["bearer"] == "ppp"


def test_a_failover_to_nowhere_in_particular_that_comes_twice_does_not_come_back(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Hangs()) as stage:
        stage.until("online")
        said = [ask(stage.tree, Failover(reason="the web shop does not answer"))["said"] for _ in range(3)]
        stage.until("connecting")
        said.append(ask(stage.tree, Failover())["said"])
        assert stage.log[-1] == "start ppp 2", said
        assert ask(stage.tree, Status())["status"]["bearer"] == "ppp"
        assert said[-1].startswith("Nothing to do. ")


def test_a_first_bearer_that_hangs_is_failed_over_without_naming_the_other(tmp_path: Path) -> None:
    with staged(tmp_path, Hangs(), Works()) as stage:
        stage.until("connecting")
        ask(stage.tree, Failover())
        stage.until("online")
        assert stage.log[-1] == "start ppp 2"


@pytest.mark.parametrize("bearer", [None, PPP])
def test_up_now_says_what_it_sets_aside(tmp_path: Path, bearer: BearerKind | None) -> None:
    broken = Fails(Reason.NO_CARRIER, Step.CHAT)
    with staged(tmp_path, NO_LEASE, broken) as stage:
        stage.until("waiting")
        said = ask(stage.tree, Up(now=True, bearer=bearer))["said"]
        assert said.startswith(("Set aside: ", "This wait is the carrier's rule, which --now keeps."))


def test_a_link_that_nobody_confirms_ends_by_itself(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Works(), up=False) as stage:
        ask(stage.tree, Up(confirm_s=1.0))
        stage.until("online")
        stage.until("stopped")


def test_a_confirmed_link_stays(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Works(), up=False) as stage:
        ask(stage.tree, Up(confirm_s=2.0))
        stage.until("online")
        assert stage.command("up", "--confirmed").output == "Confirmed: the link stays.\n"
        with Conversation(stage.tree) as conversation:
            conversation.ask(Events())
            assert conversation.event(2.5) is None, "nothing may happen after it was confirmed"


def test_a_link_that_stood_before_is_not_to_be_confirmed_and_the_answer_says_so(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Works()) as stage:
        stage.until("online")
        assert ask(stage.tree, Up(confirm_s=1.0))["confirm_s"] is None
        assert ask(stage.tree, Up(bearer=PPP, confirm_s=1.0))["confirm_s"] is None
        with Conversation(stage.tree) as conversation:
            conversation.ask(Events())
            while (entry := conversation.event(1.5)) is not None:
                assert entry.phase != "stopped"


def test_a_link_that_is_waited_for_may_be_confirmed_too(tmp_path: Path) -> None:
    with staged(tmp_path, NO_LEASE, Fails(Reason.NO_CARRIER, Step.CHAT)) as stage:
        stage.until("waiting")
        assert ask(stage.tree, Up(confirm_s=60.0))["confirm_s"] == 60.0
        assert ask(stage.tree, Up())["confirm_s"] is None
        assert ask(stage.tree, Up(confirm_s=30.0))["confirm_s"] == 30.0


def test_what_was_to_be_confirmed_of_one_link_does_not_end_the_next(tmp_path: Path) -> None:
    poff = Fails(Reason.STOPPED, Step.DEVICE)
    with staged(tmp_path, poff, Works(), up=False) as stage:
        assert ask(stage.tree, Up(confirm_s=1.0))["confirm_s"] == 1.0
        stage.until("stopped")
        stage.bearers[QMI].plays = (Works(),)
        ask(stage.tree, Up())
        stage.until("online")
        with Conversation(stage.tree) as conversation:
            conversation.ask(Events())
            assert conversation.event(2.0) is None, "nobody asked for a confirmation of this link"


def test_stopping_ends_a_dial_under_way(tmp_path: Path) -> None:
    with staged(tmp_path, Hangs(), Works()) as stage:
        stage.until("connecting")
    assert stage.log[-2:] == ["start qmi 1", "stop qmi 1"]


def test_a_link_that_stays_is_let_go_and_not_ended(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Works()) as stage:
        stage.until("online")
        stage.running.leave(keep=True)
    assert stage.log[-2:] == ["abandon qmi", "abandon ppp"]
    assert "stop qmi 1" not in stage.log


def test_events_are_shown_with_the_lines_that_prove_them(tmp_path: Path) -> None:
    with staged(tmp_path, NO_LEASE, Works()) as stage:
        stage.until("online")
        output = stage.command("events").output
        assert "      | udhcpc: no lease, failing" in output
        assert "=> Falling back to PPP" in output
        decisions = stage.command("events", "--decisions").output
        assert "udhcpc" not in decisions


def test_what_a_program_says_reaches_no_terminal_raw_and_names_no_sim(tmp_path: Path) -> None:
    evil = ("\x1b[2J 310260123456789 hidden", 'AT+CGAUTH=1,1,"me","secret"')
    with staged(tmp_path, Fails(Reason.LINK_DROPPED, Step.TRAFFIC, evil), Works()) as stage:
        stage.until("online")
        output = stage.command("events").output
        assert "hidden" in output
        assert not {"\x1b", "310260123456789", "secret"} & set(output.replace('"', " ").split())
        assert "\x1b" not in output
