"""The lab's own promises on QMI: the real qmicli, the kernel's qmi_wwan and udhcpc meet the modem they expect."""

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab.conftest import Lab
from tests.lab.qmi import (
    DEVICE,
    RAW_IP,
    client,
    lease,
    own,
    page,
    qmicli,
    raw_ip,
    received,
    start,
    without_proxy,
)

DRIVER = Path("/sys/class/net/wwan0/device/driver")
PATIENCE_S = 60.0


@pytest.mark.usefixtures("lab")
def test_qmi_wwan_binds_interface_four_and_makes_its_two_devices() -> None:
    assert DRIVER.resolve().name == "qmi_wwan"
    assert (Path("/sys/class/net/wwan0/device").resolve() / "bInterfaceNumber").read_text().strip() == "04"
    assert Path(DEVICE).is_char_device()
    assert RAW_IP.read_text().strip() == "N"


@pytest.mark.usefixtures("lab")
def test_the_modem_says_over_qmi_what_it_says_over_at() -> None:
    assert "IMEI: '866425030000013'" in qmicli("--dms-get-ids")
    assert "BG96MAR02A07M1G" in qmicli("--dms-get-revision")
    assert "Mode: 'online'" in qmicli("--dms-get-operating-mode")


@pytest.mark.usefixtures("lab")
def test_the_serving_system_and_the_card_are_told_as_qmicli_reads_them() -> None:
    serving = qmicli("--nas-get-serving-system")
    assert "Registration state: 'registered'" in serving
    assert "MCC: '310'" in serving
    assert "Description: 'AT&T Twilio'" in serving
    assert "Roaming status: 'on'" in serving
    assert "3GPP cell ID: '174001428'" in serving
    assert "LTE tracking area code: '11008'" in serving
    assert "Warning" not in serving
    card = qmicli("--uim-get-card-status")
    assert "Card state: 'present'" in card
    assert "Application state: 'ready'" in card
    assert re.search(r"RSSI: '-\d+ dBm'", qmicli("--nas-get-signal-info"))


def test_a_call_has_settings_and_a_status_and_ends_when_it_is_stopped(lab: Lab) -> None:
    cid = client()
    handle = start(cid)
    settings = qmicli("--wds-get-current-settings", *own(cid))
    assert "IPv4 address: 100.64.12.89" in settings
    assert "IPv4 primary DNS: 8.8.8.8" in settings
    assert "Connection status: 'connected'" in qmicli("--wds-get-packet-service-status")
    qmicli(f"--wds-stop-network={handle}", f"--client-cid={cid}")
    assert "Connection status: 'disconnected'" in qmicli("--wds-get-packet-service-status")
    assert lab.qmi()["clients"] == {}


def test_a_call_lives_no_longer_than_its_client_id(lab: Lab) -> None:
    qmicli("--wds-start-network=apn=super")
    assert lab.qmi()["call"] is False


def test_udhcpc_gets_a_lease_and_traffic_flows_in_ethernet_framing(lab: Lab) -> None:
    start(client())
    assert "lease of 100.64.12.89 obtained" in lease()
    assert page() == "operator\n"
    assert lab.seen("operator", "http") == 1


def test_no_lease_is_given_when_the_modem_is_in_raw_ip_and_writing_raw_ip_cures_it(lab: Lab) -> None:
    """The user's fault: the call is up, both sides differ, nothing is ever received."""
    lab.fault("qmi-raw-ip")
    start(client())
    before = received()
    assert "no lease, failing" in lease(status=1)
    assert received() == before
    assert "Link layer protocol: 'raw-ip'" in qmicli("--wda-get-data-format")
    assert "802-3" in qmicli("--get-expected-data-format")
    raw_ip()
    assert page() == "operator\n"


def test_a_silent_dhcp_server_in_the_right_framing_leaves_the_modems_own_settings(lab: Lab) -> None:
    lab.fault("dhcp-silent")
    cid = client()
    start(cid)
    assert "no lease, failing" in lease(status=1)
    assert "Link layer protocol: '802-3'" in qmicli("--wda-get-data-format")
    assert "IPv4 address: 100.64.12.89" in qmicli("--wds-get-current-settings", *own(cid))


def test_an_address_can_come_without_traffic(lab: Lab) -> None:
    lab.fault("qmi-no-traffic")
    start(client())
    assert "lease of 100.64.12.89 obtained" in lease()
    assert page(3) == ""
    assert lab.seen("operator", "http") == 0


def test_a_rejected_call_shows_its_reason_in_words(lab: Lab) -> None:
    lab.fault("qmi-reject=33")
    said = qmicli("--wds-start-network=apn=super", status=1)
    assert "CallFailed" in said
    assert "call end reason (1018): gsm-wcdma-option-unsubscribed" in said
    assert "verbose call end reason (6,33): [3gpp] option-unsubscribed" in said


def test_a_modem_that_hangs_answers_nothing_and_keeps_the_device(lab: Lab) -> None:
    lab.fault("qmi-hang")
    with pytest.raises(subprocess.TimeoutExpired):
        qmicli("--dms-get-ids", seconds=5)
    assert Path(DEVICE).is_char_device()
    lab.ask("clear")
    assert "IMEI" in qmicli("--dms-get-ids")


def test_answers_are_in_step_again_after_a_client_was_killed_before_it_read_its_own(lab: Lab) -> None:
    without_proxy()
    for _ in range(3):
        before = lab.qmi()["allocated"]
        asking = subprocess.Popen(["qmicli", "-d", DEVICE, "--dms-get-ids"], stdout=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE_S
        while lab.qmi()["allocated"] == before and time.monotonic() < end:
            pass
        asking.send_signal(signal.SIGKILL)
        asking.wait()
    assert "BG96" in qmicli("--dms-get-model")


def test_the_end_of_a_call_is_told_to_who_follows_it(lab: Lab) -> None:
    cid = client()
    argv = ["qmicli", "-d", DEVICE, "--wds-start-network=apn=super", "--wds-follow-network", *own(cid)]
    following = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert following.stdout
    try:
        while "Packet data handle" not in following.stdout.readline():
            assert following.poll() is None
        lab.ask("hangup")
        said, _ = following.communicate(timeout=PATIENCE_S)
    finally:
        following.kill()
    assert "disconnect" in said.lower()
    assert lab.qmi()["call"] is False


def test_a_lost_registration_is_told_and_ends_the_call(lab: Lab) -> None:
    start(client())
    lab.fault("reg=2")
    assert lab.qmi()["call"] is False
    assert "Registration state: 'not-registered-searching'" in qmicli("--nas-get-serving-system")
    assert "no-service" in qmicli("--wds-start-network=apn=super", status=1)


def test_the_card_can_be_absent_or_locked(lab: Lab) -> None:
    lab.fault("sim=absent")
    assert "Card state: 'absent'" in qmicli("--uim-get-card-status")
    lab.fault("sim=pin")
    assert "Application state: 'pin1-or-upin-pin-required'" in qmicli("--uim-get-card-status")
    assert "uim-not-present" in qmicli("--wds-start-network=apn=super", status=1)
    qmicli("--uim-verify-pin=PIN1,1234")
    assert "Application state: 'ready'" in qmicli("--uim-get-card-status")


def test_an_unplugged_modem_takes_its_devices_along_and_comes_back_in_ethernet(lab: Lab) -> None:
    start(client())
    raw_ip()
    lab.ask("unplug")
    assert not Path(DEVICE).exists()
    assert not RAW_IP.exists()
    lab.ask("plug")
    assert RAW_IP.read_text().strip() == "N"
    assert lab.qmi()["clients"] == {}
    assert "Connection status: 'disconnected'" in qmicli("--wds-get-packet-service-status")


def test_qmi_and_ppp_share_one_context(lab: Lab) -> None:
    start(client())
    dial = r'stty -F /dev/ttyUSB3 raw -echo; exec 3<>/dev/ttyUSB3; printf "ATD*99#\r" >&3; timeout 3 cat <&3'
    said = subprocess.run(["bash", "-c", dial], check=False, capture_output=True, text=True).stdout
    assert "NO CARRIER" in said
    assert lab.qmi()["call"] is True
