"""The hook script, run for real, in namespaces of its own: it ends programs by their names."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

HOOK = Path(__file__).parent.parent / "etc" / "hooks" / "pppgen-failover"
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs namespaces: run it as root (sudo make test)"),
    pytest.mark.skipif(not shutil.which("flock"), reason="needs flock: apt-get install util-linux"),
]

# What a fake appends is one line, so many at once do not mix.
FAKES = {
    "pon": 'echo "pon $1" >>"$LOG"; [ -z "$DIAL" ] || exit $DIAL; setsid "$BIN/pppd" call "$1" >/dev/null 2>&1 &',
    "pppd": "trap 'exit 0' TERM; while :; do sleep 0.1; done",
    "pppgen": 'echo "pppgen $*" >>"$LOG"; exit "${ANSWER:-0}"',
    "qmicli": 'echo "qmicli ${2-}" >>"$LOG"',
    "udhcpc": "trap 'echo udhcpc-ended >>\"$LOG\"; exit 0' TERM; while :; do sleep 0.1; done",
    "quectel-CM": 'trap \'echo quectel-ended >>"$LOG"; exit 0\' TERM; "$BIN/default.script"; eval "$AFTER"',
    "default.script": '"$HOOK" leasefail',
    "systemctl": 'echo "${UNIT:-inactive}"',
    "ip": 'case "$*" in *addr*) [ ! -e "$RUN/address" ] || echo "2: wwan0 inet 10.1.2.3/30" ;; esac',
    "logger": ":",
}


class Scene:
    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.run = folder / "run"
        binaries, etc = folder / "bin", folder / "etc"
        for made in (binaries, etc, self.run):
            made.mkdir()
        for name, body in FAKES.items():
            path = binaries / name
            path.write_text(f"#!/bin/sh\n{body}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        (etc / "link.toml").write_text('provider = "carrier"\n')
        self.environment = {
            "PATH": f"{binaries}:/usr/bin:/bin",
            "LOG": str(self.log),
            "BIN": str(binaries),
            "RUN": str(self.run),
            "HOOK": str(HOOK),
            "PPPGEN_RUN": str(self.run),
            "PPPGEN_ETC": str(etc),
            "PPPGEN_GRACE": "2",
            "AFTER": "while :; do sleep 0.1; done",
        }

    def play(self, script: str, **environment: str) -> list[str]:
        """Run a script where nothing but its own processes and interfaces exists, and return what the fakes noted."""
        subprocess.run(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "sh", "-c", script],
            env={**self.environment, **environment},
            check=True,
            timeout=60,
        )
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


UNTIL_PON = 'until grep -q "^pon" "$LOG" 2>/dev/null; do sleep 0.05; done; sleep 0.3'


def test_forty_callers_at_once_switch_once(scene: Scene) -> None:
    noted = scene.play('for n in $(seq 40); do "$HOOK" leasefail & done; wait')
    assert [line for line in noted if line.startswith("pon")] == ["pon carrier"]


def test_forty_callers_at_once_dial_once_also_when_the_dial_fails(scene: Scene) -> None:
    noted = scene.play('for n in $(seq 40); do "$HOOK" leasefail & done; wait', DIAL="8")
    assert noted == ["pon carrier"]


def test_whoever_comes_after_a_failed_dial_is_told_to_wait_and_the_next_minute_dials_again(scene: Scene) -> None:
    later = 'echo $(($(cut -d. -f1 /proc/uptime) * 100 - 6100)) >"$RUN/failover.last"'
    noted = scene.play(
        '"$HOOK" leasefail; test $? = 8 || exit 1; "$HOOK" leasefail; test $? = 9 || exit 2;'
        f'{later}; "$HOOK" leasefail; test $? = 8',
        DIAL="8",
    )
    assert noted == ["pon carrier", "pon carrier"]


@pytest.mark.parametrize("left", ["nonsense", "", "$(id)", "-5"])
def test_a_damaged_note_of_the_last_switch_does_not_stop_one(scene: Scene, left: str) -> None:
    (scene.run / "failover.last").write_text(left)
    assert scene.play('"$HOOK" leasefail') == ["pon carrier"]


def test_nobody_but_root_can_hold_the_lock(scene: Scene) -> None:
    scene.run.rmdir()
    scene.play('umask 077; "$HOOK" leasefail; umask 022; "$HOOK" leasefail')
    assert stat.S_IMODE((scene.run / "failover.lock").stat().st_mode) == 0o600
    assert stat.S_IMODE(scene.run.stat().st_mode) == 0o755, "the status that will lie there is for everybody"


def test_the_qmi_side_is_ended_before_ppp_dials(scene: Scene) -> None:
    noted = scene.play('"$BIN/udhcpc" -i wwan0 -f & sleep 0.3; "$HOOK" leasefail')
    assert noted == ["udhcpc-ended", "pon carrier"]


def test_another_interface_s_dhcp_client_is_left_alone(scene: Scene) -> None:
    noted = scene.play('"$BIN/udhcpc" -i eth0 -f & sleep 0.3; "$HOOK" leasefail')
    assert noted == ["pon carrier"]


def test_a_supervisor_decides_alone(scene: Scene) -> None:
    listening = "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
    subprocess.run(["python3", "-c", listening, str(scene.run / "control.sock")], check=True)
    noted = scene.play('"$HOOK" leasefail')
    assert noted == ["pppgen failover --to ppp --reason no-dhcp-lease"]
    assert scene.play('"$HOOK" "the server is silent" || test $? = 9', ANSWER="9")[-1] == (
        "pppgen failover --to ppp --reason the server is silent"
    )


@pytest.mark.parametrize("status", ["14", "127"])
def test_a_socket_that_nobody_listens_to_does_not_stop_the_switch(scene: Scene, status: str) -> None:
    listening = "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
    subprocess.run(["python3", "-c", listening, str(scene.run / "control.sock")], check=True)
    assert scene.play('"$HOOK" leasefail', ANSWER=status)[-1] == "pon carrier"


def test_a_supervisor_that_is_starting_is_not_run_over(scene: Scene) -> None:
    assert scene.play('"$HOOK" leasefail', UNIT="activating") == []


@pytest.mark.parametrize(
    "call", ["bound", "renew", "deconfig", "wwan0 up", "eth0 down", "none hostname", "'' connectivity-change"]
)
def test_what_is_no_failure_changes_nothing(scene: Scene, call: str) -> None:
    assert scene.play(f'"$HOOK" {call}') == []


@pytest.mark.parametrize("interface", ["wwan0", "wwp0s20u4i4"])
def test_network_manager_s_down_of_the_modem_switches(scene: Scene, interface: str) -> None:
    assert scene.play(f'"$HOOK" {interface} down') == ["pon carrier"]


def test_inside_quectel_cm_it_waits_for_the_grace_and_then_ends_its_own_ancestor(scene: Scene) -> None:
    noted = scene.play(f'"$BIN/quectel-CM" & sleep 0.8; test ! -e "$LOG" || exit 1; {UNTIL_PON}')
    assert noted == ["quectel-ended", "pon carrier"]


def test_inside_quectel_cm_that_gives_up_it_does_not_wait_longer(scene: Scene) -> None:
    noted = scene.play(f'"$BIN/quectel-CM" & {UNTIL_PON}', AFTER="exit 1", PPPGEN_GRACE="50")
    assert noted == ["pon carrier"]


def test_quectel_cm_that_repairs_itself_keeps_its_link(scene: Scene) -> None:
    noted = scene.play('touch "$RUN/address"; "$BIN/quectel-CM" & sleep 3')
    assert noted == []


def test_a_provider_name_that_is_none_is_not_passed_on(scene: Scene) -> None:
    (Path(scene.environment["PPPGEN_ETC"]) / "link.toml").write_text('provider = "../../tmp/evil; id"\n')
    assert scene.play('"$HOOK" leasefail') == ["pon provider"]
