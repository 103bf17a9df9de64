"""qmicli's command lines and answers, and what 1.32.2 shows of the modem's own words with --verbose."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.model import Reason
from pppgen.programs import qmi_calls
from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.qmi_calls import Client, Settings
from pppgen.programs.qmicli import QmicliReader
from pppgen.system import qmi_proxy

CLIENT = Client("/dev/cdc-wdm0", 20)
EVERY = (
    qmi_calls.release(CLIENT),
    qmi_calls.data_format("/dev/cdc-wdm0"),
    qmi_calls.data_format("/dev/cdc-wdm0", 4),
    qmi_calls.card_status("/dev/cdc-wdm0"),
    qmi_calls.serving_system("/dev/cdc-wdm0"),
    qmi_calls.start(CLIENT.node, "super"),
    qmi_calls.start(CLIENT.node, "", family=6),
    qmi_calls.start(CLIENT.node, "super", profile=3),
    qmi_calls.stop(CLIENT, "2264423824"),
    qmi_calls.current_settings(CLIENT),
    qmi_calls.status(CLIENT),
)
INDICATION = """\
[22 Nov 2026, 09:29:36] [Debug] [/dev/cdc-wdm0] received generic indication (translated)...
<<<<<< QMUX:
<<<<<<   length  = 29
<<<<<< QMI:
<<<<<<   flags       = "indication"
<<<<<<   message     = "Packet Service Status" (0x0022)
<<<<<< TLV:
<<<<<<   type       = "Connection Status" (0x01)
<<<<<<   length     = 2
<<<<<<   value      = 01:00
<<<<<<   translated = [ status = 'disconnected' reconfiguration_required = 'no' ]
<<<<<< TLV:
<<<<<<   type       = "Call End Reason" (0x10)
<<<<<<   length     = 2
<<<<<<   value      = 02:00
<<<<<<   translated = generic-client-end
<<<<<< TLV:
<<<<<<   type       = "Verbose Call End Reason" (0x11)
<<<<<<   length     = 4
<<<<<<   value      = 06:00:24:00
<<<<<<   translated = [ type = '3gpp' reason = '36' ]
"""


@pytest.mark.skipif(not shutil.which("qmicli"), reason="no qmicli here: sudo apt-get install libqmi-utils")
@pytest.mark.parametrize("argv", EVERY, ids=lambda argv: argv[-1])
def test_the_installed_qmicli_knows_every_option(argv: tuple[str, ...], tmp_path: Path) -> None:
    elsewhere = tuple(word.replace("/dev/cdc-wdm0", str(tmp_path / "none")) for word in argv)
    said = subprocess.run(elsewhere, capture_output=True, text=True, check=False)
    assert "couldn't create QmiDevice" in said.stderr, said.stderr


def test_every_command_goes_through_the_proxy() -> None:
    assert all("--device-open-proxy" in argv for argv in EVERY)


def test_the_modem_s_own_word_at_the_end_of_a_call_is_read_from_what_verbose_shows() -> None:
    reader = QmicliReader()
    events = [event for line in INDICATION.splitlines() for event in reader.read(line)]
    assert events == [
        Event(Program.QMICLI, Kind.CALL_DOWN),
        Event(Program.QMICLI, Kind.CALL_ENDED_WHY, "generic-client-end"),
        Event(Program.QMICLI, Kind.CALL_ENDED_WHY, "[3gpp] regular-deactivation"),
    ]


def test_a_call_that_stands_is_shown_and_is_no_end() -> None:
    reader = QmicliReader()
    shown = INDICATION.replace("disconnected", "connected").splitlines()[:11]
    assert [event for line in shown for event in reader.read(line)] == []


def test_an_address_of_either_family_is_read_and_what_no_host_has_is_none() -> None:
    told = [
        "[/dev/cdc-wdm0] Current settings retrieved:",
        "           IP Family: IPv6",
        "        IPv6 address: 2001:db8::2/64",
        "IPv6 gateway address: 2001:db8::1/64",
        "    IPv6 primary DNS: 2001:db8::53",
        "                 MTU: 1500",
        "             Domains: none",
    ]
    assert qmi_calls.settings(told) == Settings("2001:db8::2", 64, "2001:db8::1", ("2001:db8::53",), 1500)
    assert qmi_calls.settings(["        IPv4 address: 169.254.3.4"]) == Settings()
    assert qmi_calls.settings(["        IPv4 address: 0.0.0.0"]) == Settings()


@given(st.lists(st.text(max_size=80)))
def test_no_answer_breaks_a_reader(lines: list[str]) -> None:
    qmi_calls.settings(lines)
    qmi_calls.client_id(lines)
    qmi_calls.obstacle(lines)
    qmi_calls.heard(lines)


@pytest.mark.parametrize("cid", ["0", "255", "999"])
def test_a_client_id_that_cannot_be_is_none(cid: str) -> None:
    assert qmi_calls.client_id([f"\t    CID: '{cid}'"]) is None


def test_a_card_in_one_of_two_slots_is_enough() -> None:
    two = ["Card state: 'present'", "PIN1 state: 'disabled'", "Card state: 'absent'"]
    assert qmi_calls.obstacle(two) is None
    assert qmi_calls.obstacle(["Card state: 'absent'", "Card state: 'absent'"]) is Reason.SIM_MISSING
    assert qmi_calls.obstacle(["\tRegistration state: 'registration-denied'"]) is Reason.REGISTRATION_DENIED


def test_a_proxy_that_others_use_is_never_ended(tmp_path: Path) -> None:
    here = tmp_path / "thread-self"
    for name in ("net", "ns"):
        (here / name).mkdir(parents=True)
    (here / "ns/net").symlink_to("net:[1]")
    table = here / "net/unix"
    head = "Num       RefCount Protocol Flags    Type St Inode Path\n"
    table.write_text(head + "0: 00000002 00000000 00010000 0001 01 449031 @qmi-proxy\n")
    assert qmi_proxy.clients(tmp_path) == 0
    assert not qmi_proxy.end_unused(tmp_path), "there is none"
    table.write_text(head + "0: 00000003 00000000 00000000 0001 03 449032 @qmi-proxy\nshort line\n")
    assert qmi_proxy.clients(tmp_path) == 1
    sleeper = subprocess.Popen(["sleep", "1000"])
    try:
        folder = tmp_path / str(sleeper.pid)
        folder.mkdir()
        (folder / "comm").write_text("qmi-proxy\n")
        (folder / "ns").mkdir()
        (folder / "ns/net").symlink_to("net:[1]")
        assert not qmi_proxy.end_unused(tmp_path)
        assert sleeper.poll() is None
        table.write_text(head)
        (here / "ns/net").unlink()
        (here / "ns/net").symlink_to("net:[2]")
        assert not qmi_proxy.end_unused(tmp_path), "another namespace's, whose clients we cannot see"
        (folder / "ns/net").unlink()
        (folder / "ns/net").symlink_to("net:[2]")
        assert qmi_proxy.end_unused(tmp_path)
        assert sleeper.wait(30) == -15
    finally:
        sleeper.kill()
