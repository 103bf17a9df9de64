"""`pppgen doctor` as a person runs it: against the real `pppgen sim`, and on trees with a fault to mend."""

import json
import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pppgen.at.reading import Reading
from pppgen.commands.doctor_files import heard_in, read_files, read_past, read_secrets
from pppgen.commands.doctor_fix import carry_out
from pppgen.commands.doctor_place import Place, known
from pppgen.commands.shipment import CONFIG, LINK
from pppgen.config import Link, dump_link
from pppgen.doctor.facts import FileState, Missing
from pppgen.doctor.verdict import Tighten, Unlock
from pppgen.errors import ExitCode, MissingProgram, NoPermission, PortBusy, PppgenError
from pppgen.install import install
from pppgen.model import BearerKind, Reason, Registration, RegistrationStat, Signal
from pppgen.policy.chronicle import Entry, Kind, Moment, dump
from pppgen.policy.state import Rules, State
from pppgen.policy.status import Seen, note
from pppgen.policy.status import as_json as status_json
from pppgen.render import RenderedFile
from pppgen.reports import RadioSeen, Step
from pppgen.system import kernel
from pppgen.system.files import Tree
from tests.fakes.simulator import holding, simulator
from tests.fakes.usbtree import FakeUsb

SCHEMA = json.loads((Path(__file__).parent.parent / "docs/schema/doctor.json").read_text())
SETUP = Link("provider", "super", "bg96", "/dev/pppgen/1-1.4-if03", usb_path="1-1.4", at_interface=2)


def doctor(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run with --json below `folder`; return the exit code and the checks by name."""
    where = ("--sysroot", str(folder), "--root", str(folder))
    done = subprocess.run(
        [sys.executable, "-m", "pppgen", "doctor", "--json", *where, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, SCHEMA)
    return done.returncode, answer


def verdicts(answer: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in answer["checks"]}


def put(root: Path, path: str, content: str, mode: int = 0o600) -> Path:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    file.chmod(mode)
    return file


def test_a_configuration_in_an_encoding_that_the_service_refuses_is_a_failure(tmp_path: Path) -> None:
    put(tmp_path, LINK, dump_link(SETUP))
    put(tmp_path, CONFIG, "").write_bytes("# café\n".encode("latin-1"))
    assert verdicts(doctor(tmp_path)[1])["files"] == "fail"


def test_a_modem_that_works_passes_every_rung_that_it_can_answer(tmp_path: Path) -> None:
    put(tmp_path, LINK, dump_link(SETUP))
    with simulator(tmp_path):
        code, answer = doctor(tmp_path)
    seen = verdicts(answer)
    assert code == 0
    assert {seen[name] for name in ("usb-device", "mode-switch", "ports", "sim", "pin-tries", "signal", "apn")} == {
        "ok"
    }
    assert seen["secrets"] == "ok"
    assert seen["routes"] == seen["time"] == seen["kernel-ppp"] == "skip"  # this machine's, not the tree's


@pytest.mark.parametrize(
    ("fault", "rung", "code"),
    [
        ("sim=absent", "sim", ExitCode.SIM),
        ("sim=pin", "sim", ExitCode.SIM),
        ("reg=3", "registration", ExitCode.NOT_REGISTERED),
    ],
)
def test_a_fault_of_the_modem_fails_its_rung_and_gives_its_exit_code(
    tmp_path: Path, fault: str, rung: str, code: ExitCode
) -> None:
    with simulator(tmp_path, fault):
        status, answer = doctor(tmp_path)
    assert status == code == answer["error"]["exit"]
    assert verdicts(answer)[rung] == "fail"


def test_a_silent_modem_leaves_its_rungs_unknown(tmp_path: Path) -> None:
    with simulator(tmp_path, "late=60000"):
        status, answer = doctor(tmp_path)
    seen = verdicts(answer)
    assert status == ExitCode.NO_AT_PORT
    assert seen["ports"] == "fail"
    assert {seen[name] for name in ("sim", "pin-tries", "registration", "signal")} == {"unknown"}


def test_a_slow_modem_is_not_asked_everything_and_nothing_fails_for_that(tmp_path: Path) -> None:
    with simulator(tmp_path, "late=900"):
        status, answer = doctor(tmp_path)
    seen = {check["name"]: check for check in answer["checks"]}
    assert (status, seen["ports"]["verdict"], seen["answers"]["verdict"]) == (0, "ok", "warn")
    for name in ("pin-tries", "registration", "signal"):
        assert seen[name]["verdict"] == "unknown"
        assert seen[name]["seen"].startswith("not asked: the modem takes ")
        assert "--patient" in seen[name]["fix"][0]


def test_patience_asks_a_slow_modem_everything(tmp_path: Path) -> None:
    with simulator(tmp_path, "late=250"):
        assert verdicts(doctor(tmp_path)[1])["answers"] == "warn"
        _, answer = doctor(tmp_path, "--patient")
    seen = verdicts(answer)
    assert {seen[name] for name in ("answers", "sim", "pin-tries", "registration", "signal")} == {"ok"}


def test_nothing_is_sent_to_ports_that_somebody_holds(tmp_path: Path) -> None:
    ports = [tmp_path / "dev" / f"ttyUSB{number}" for number in range(4)]
    with simulator(tmp_path), holding(ports[2]) as pid, holding(ports[3]), holding(ports[0]), holding(ports[1]):
        status, answer = doctor(tmp_path)
    assert status == ExitCode.PORT_BUSY
    holders = next(check for check in answer["checks"] if check["name"] == "holders")
    assert holders["verdict"] == "warn"
    assert f"sleep (pid {pid})" in holders["seen"]


def test_not_one_byte_goes_to_a_port_that_somebody_holds(tmp_path: Path) -> None:
    modem = FakeUsb(tmp_path)
    ends = [os.openpty() for _ in range(4)]  # the slaves stay open here: this process holds the ports
    try:
        for number, (_, slave) in enumerate(ends):
            modem.tty(number, f"ttyUSB{number}", os.ttyname(slave))
        status, answer = doctor(tmp_path)
        assert status == ExitCode.PORT_BUSY
        assert f"(pid {os.getpid()})" in next(check["seen"] for check in answer["checks"] if check["name"] == "holders")
        assert select.select([master for master, _ in ends], [], [], 0)[0] == []
        for _, slave in ends[2:3]:
            os.close(slave)  # the near miss: it is asked once nobody holds it
        doctor(tmp_path)
        assert os.read(ends[2][0], 99).startswith(b"AT")
    finally:
        for master, slave in ends:
            os.close(master)
            with suppress(OSError):
                os.close(slave)


def test_no_modem_fails_and_says_what_to_look_for(tmp_path: Path) -> None:
    status, answer = doctor(tmp_path)
    assert status == ExitCode.NO_MODEM
    assert answer["error"]["code"] == "no-modem"
    assert "lsusb" in answer["error"]["hint"]


def test_fix_closes_a_secret_file_and_looks_again(tmp_path: Path) -> None:
    link = put(tmp_path, LINK, dump_link(SETUP), 0o644)
    with simulator(tmp_path):
        status, answer = doctor(tmp_path)
        assert status == ExitCode.PERMISSION
        status, answer = doctor(tmp_path, "--fix", "--yes")
    assert status == 0
    assert link.stat().st_mode & 0o777 == 0o600
    assert answer["fixed"] == [{"check": "secrets", "command": f"sudo chmod 600 {LINK}", "error": None}]
    assert verdicts(answer)["secrets"] == "ok"


def test_fix_without_a_terminal_and_without_yes_changes_nothing(tmp_path: Path) -> None:
    link = put(tmp_path, LINK, dump_link(SETUP), 0o644)
    where = ("--sysroot", str(tmp_path), "--root", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "pppgen", "doctor", "--fix", *where],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert "sudo chmod 600" in done.stderr
    assert "nothing was changed" in done.stderr
    assert link.stat().st_mode & 0o777 == 0o644


def test_a_file_changed_by_hand_or_gone_is_seen_and_the_persons_own_is_not(tmp_path: Path) -> None:
    files = [RenderedFile(f"/etc/ppp/peers/{name}", b"x\n") for name in ("same", "edited", "gone")]
    install(Tree(tmp_path), [*files, RenderedFile(CONFIG, b"primary = false\n")], "setup")
    (tmp_path / "etc/ppp/peers/edited").write_text("y\n")
    (tmp_path / "etc/ppp/peers/gone").unlink()
    put(tmp_path, CONFIG, "primary = true\n")
    assert {Path(one.path).name: one.state for one in read_files(Place(tmp_path, tmp_path))} == {
        "same": FileState.SAME,
        "edited": FileState.EDITED,
        "gone": FileState.GONE,
    }


def test_a_chat_script_counts_as_secret_only_when_it_hides_a_line(tmp_path: Path) -> None:
    script = put(tmp_path, "/etc/chatscripts/chat-connect", "'' AT\nOK ATD*99#\n", 0o644)
    place = Place(tmp_path, tmp_path)
    assert read_secrets(place, "provider") == ()
    script.write_text("'' AT\nOK '\\qAT+CGAUTH=1,1,\"u\",\"p\"'\n")
    assert [(one.path, one.mode) for one in read_secrets(place, "provider")] == [
        ("/etc/chatscripts/chat-connect", 0o644)
    ]


@pytest.mark.parametrize(
    ("path", "content"), [(CONFIG, 'bearers = ["qmo"]\n'), (CONFIG, "nonsense = [\n"), (LINK, "nonsense = [\n")]
)
def test_a_configuration_that_makes_no_sense_fails(tmp_path: Path, path: str, content: str) -> None:
    put(tmp_path, LINK, dump_link(SETUP))
    put(tmp_path, path, content)
    with simulator(tmp_path):
        status, answer = doctor(tmp_path)
    assert status == ExitCode.CONFIGURATION
    assert verdicts(answer)["files"] == "fail"


def test_a_script_that_a_hand_broke_fails(tmp_path: Path) -> None:
    put(tmp_path, LINK, dump_link(SETUP))
    script = put(tmp_path, "/etc/chatscripts/chat-connect", "'' AT\nOK 'ATD*99#\n")
    status, answer = doctor(tmp_path)
    assert verdicts(answer)["chat-syntax"] == "fail"
    script.write_text("'' AT\nOK 'ATD*99#'\nCONNECT\n")
    assert verdicts(doctor(tmp_path)[1])["chat-syntax"] == "ok"
    assert status == ExitCode.NO_MODEM, "the lowest rung that fails"


def test_tightening_never_follows_a_link(tmp_path: Path) -> None:
    target = put(tmp_path, "/elsewhere", "x", 0o644)
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(PppgenError):
        carry_out(Tighten("/link"), Tree(tmp_path))
    assert target.stat().st_mode & 0o777 == 0o644


def test_a_lock_is_only_removed_while_its_process_is_gone(tmp_path: Path) -> None:
    lock = put(tmp_path, "/LCK..ttyUSB2", f"{os.getpid():>10}\n", 0o644)
    with pytest.raises(PortBusy):
        carry_out(Unlock(str(lock), 1), Tree(tmp_path))
    assert lock.exists()
    with subprocess.Popen(["true"]) as gone:
        pass
    lock.write_text(f"{gone.pid:>10}\n")
    carry_out(Unlock(str(lock), gone.pid), Tree(tmp_path))
    assert not lock.exists()


def test_failures_of_the_last_day_count_and_an_up_after_them_is_told(tmp_path: Path) -> None:
    def entry(kind: Kind, hours_ago: float, reason: Reason | None = None) -> str:
        at = Moment(now - hours_ago * 3600, 0.0)
        return dump(Entry(kind, at, 1, BearerKind.QMI, Step.LEASE, reason))

    now = time.time()
    lines = [entry(Kind.FAILED, 30, Reason.NO_SIGNAL), entry(Kind.FAILED, 2, Reason.NO_DHCP_LEASE)]
    journal = put(tmp_path, "/var/lib/pppgen/journal.jsonl", "".join(lines) + "torn {")
    past = read_past(Place(tmp_path, tmp_path))
    assert [(one.reason, past.up_since) for one in past.failures] == [(Reason.NO_DHCP_LEASE, False)]
    journal.write_text("".join([*lines, entry(Kind.UP, 1)]))
    assert read_past(Place(tmp_path, tmp_path)).up_since
    assert not read_past(Place(tmp_path / "none", tmp_path / "none")).ever


def test_a_fact_that_is_refused_is_unknown_and_not_a_fault_of_ours() -> None:
    for error in (
        NoPermission("no"),
        MissingProgram("no"),
        PermissionError(13, "no"),
        OSError("no"),
        PppgenError("no"),
    ):

        def refuse(error: Exception = error) -> int:
            raise error

        assert isinstance(known(refuse), Missing)
    with pytest.raises(ZeroDivisionError):
        known(lambda: 1 // 0)


def test_what_a_supervisor_heard_is_read_from_its_own_status() -> None:
    stats = (Registration("cereg", RegistrationStat.ROAMING, "1A2B", "01C3", "LTE-M"),)
    seen = note(Seen(), RadioSeen(1, BearerKind.PPP, Signal(rsrp_dbm=-98, rat="LTE-M"), stats), 5.0)
    told = json.loads(json.dumps(status_json(State(Rules()), seen, Moment(0.0, 5.0))))
    heard = heard_in(told)
    assert isinstance(heard, Reading)
    assert heard.signal == Signal(rsrp_dbm=-98, rat="LTE-M")
    assert [(one.domain, one.stat) for one in heard.registrations] == [("cereg", RegistrationStat.ROAMING)]
    assert isinstance(heard_in(status_json(State(Rules()), Seen(), Moment(0.0, 5.0))), Missing)


def test_silence_of_a_modem_leaves_what_was_heard_before() -> None:
    seen = note(Seen(), RadioSeen(1, BearerKind.PPP, Signal(rsrp_dbm=-98)), 5.0)
    assert note(seen, RadioSeen(1, BearerKind.PPP), 65.0).signal.rsrp_dbm == -98


def test_a_driver_is_present_loadable_or_neither(tmp_path: Path) -> None:
    modules = tmp_path / "lib/modules" / kernel.release()
    put(tmp_path, "/proc/modules", "ppp_async 24576 1 - Live 0x0\noptions 1 0 - Live 0x0\n")
    put(tmp_path, f"{modules.relative_to(tmp_path)}/modules.builtin", "kernel/drivers/net/ppp/ppp_generic.ko\n")
    put(
        tmp_path,
        f"{modules.relative_to(tmp_path)}/modules.dep",
        "kernel/drivers/net/usb/qmi_wwan.ko.xz: kernel/usb/cdc-wdm.ko.xz\n",
    )
    names = ("ppp_generic", "ppp_async", "option", "qmi_wwan", "cdc_wdm")
    assert kernel.present_drivers(names, tmp_path) == {"ppp_generic", "ppp_async"}
    assert kernel.loadable_drivers(names, tmp_path) == {"qmi_wwan", "cdc_wdm"}
    assert not kernel.is_replaced(tmp_path)
    modules.rename(modules.with_name("6.0.0-older"))
    assert kernel.is_replaced(tmp_path)
