"""The lab's own promises on QMI: the real qmicli, the kernel's qmi_wwan and udhcpc meet the modem they expect."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.lab.conftest import Lab

DEVICE = "/dev/cdc-wdm0"
RAW_IP = Path("/sys/class/net/wwan0/qmi/raw_ip")
DRIVER = Path("/sys/class/net/wwan0/device/driver")


def qmicli(*words: str, status: int = 0, seconds: float = 20) -> str:
    done = subprocess.run(
        ["qmicli", "-d", DEVICE, *words], check=False, capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.usefixtures("lab")
def test_qmi_wwan_binds_interface_four_and_makes_its_two_devices() -> None:
    assert DRIVER.resolve().name == "qmi_wwan"
    assert (DRIVER.parent.resolve() / "bInterfaceNumber").read_text().strip() == "04"
    assert Path(DEVICE).is_char_device()
    assert RAW_IP.read_text().strip() == "N"


@pytest.mark.usefixtures("lab")
def test_the_modem_says_over_qmi_what_it_says_over_at() -> None:
    assert "IMEI: '866425030000013'" in qmicli("--dms-get-ids")
    assert "BG96MAR02A07M1G" in qmicli("--dms-get-revision")
    assert "Model: 'BG96'" in qmicli("--dms-get-model")
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


@pytest.mark.usefixtures("lab")
def test_the_framing_of_both_sides_can_be_compared() -> None:
    assert "Link layer protocol: '802-3'" in qmicli("--wda-get-data-format")
    assert "802-3" in qmicli("--get-expected-data-format")


def start(lab: Lab) -> tuple[str, str]:
    """Start a call as a supervisor does: under an id of its own; return the id and the handle."""
    noop = qmicli("--wds-noop", "--client-no-release-cid")
    cid = re.search(r"CID: '(\d+)'", noop)
    assert cid, noop
    said = qmicli("--wds-start-network=apn=super,ip-type=4", f"--client-cid={cid[1]}", "--client-no-release-cid")
    handle = re.search(r"handle: '(\d+)'", said)
    assert handle, said
    assert lab.qmi()["call"] is True
    return cid[1], handle[1]


def test_a_call_has_settings_and_a_status_and_ends_when_it_is_stopped(lab: Lab) -> None:
    cid, handle = start(lab)
    own = (f"--client-cid={cid}", "--client-no-release-cid")
    settings = qmicli("--wds-get-current-settings", *own)
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
    start(lab)
    assert "lease of 100.64.12.89 obtained" in udhcpc()
    assert page() == "operator\n"
    assert lab.seen("operator", "http") == 1


def test_no_lease_is_given_when_the_modem_is_in_raw_ip_and_writing_raw_ip_cures_it(lab: Lab) -> None:
    lab.fault("qmi-raw-ip")
    start(lab)
    assert "no lease, failing" in udhcpc(status=1)
    assert "Link layer protocol: 'raw-ip'" in qmicli("--wda-get-data-format")
    assert "802-3" in qmicli("--get-expected-data-format")
    ip("link set wwan0 down")
    RAW_IP.write_text("Y")
    ip("link set wwan0 up", "addr add 100.64.12.89/30 dev wwan0", "route add 8.8.8.8/32 dev wwan0")
    assert page() == "operator\n"


def udhcpc(*, status: int = 0) -> str:
    """Ask for a lease, and use it for one address on the internet only."""
    script = Path("/run/lab-udhcpc")
    script.write_text(
        "#!/bin/sh\n[ $1 = bound ] || exit 0\n"
        "ip addr add $ip/$mask dev $interface\nip route add 8.8.8.8/32 via $router\n"
    )
    script.chmod(0o755)
    ip("link set wwan0 up")
    argv = ["busybox", "udhcpc", "-f", "-n", "-q", "-t", "3", "-T", "1", "-i", "wwan0", "-s", str(script)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def ip(*lines: str) -> None:
    subprocess.run(["ip", "-batch", "-"], check=True, input="\n".join(lines), text=True)


def page() -> str:
    argv = ["wget", "-T", "10", "-t", "1", "-qO-", "http://8.8.8.8/"]
    return subprocess.run(argv, check=False, capture_output=True, text=True).stdout
