"""The ip-up hooks, run by sh as pppd's ip-up runs them: on a real kernel, in namespaces."""

import os
import subprocess
from pathlib import Path

import pytest

from pppgen.plan import ipparam, supervised_ipparam
from pppgen.shipped import shipped
from pppgen.system.letterbox import Letterbox, Word
from pppgen.system.routes import Routes
from tests.fakes.namespace import add_link, do, in_namespace, needs_namespaces

pytestmark = needs_namespaces

PLAIN, SUPERVISED = ipparam("provider"), supervised_ipparam("provider")
VARIABLES = {"PPPD_PID": "4711", "DNS1": "8.8.8.8", "DNS2": "8.8.4.4", "USEPEERDNS": "1"}


def hook(name: str, param: str, shell: str = "/bin/sh", interface: str = "ppp0") -> subprocess.CompletedProcess[str]:
    """Run a hook with the arguments and the environment that pppd gives."""
    script = shipped("etc") / "ppp" / name / "pppgen"
    words = [interface, "/dev/ttyUSB2", "115200", "100.64.12.89", "10.64.64.64", param]
    argv = [*shell.split(), str(script), *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False, env=VARIABLES, timeout=20)


def board() -> None:
    """A machine as the user had it; /run and /etc are scratch."""
    add_link("wlan0", "192.168.1.7/24")
    do("ip route add default via 192.168.1.1 dev wlan0 metric 600")
    add_link("ppp0", "100.64.12.89/32")
    do("ip -6 addr add fe80::7/64 dev ppp0 nodad")
    for folder in ("/run", "/etc"):
        do(f"mount -t tmpfs none {folder}")
    os.makedirs("/run/pppgen/dns")  # noqa: PTH103 -- one call beside the mounts


def ours() -> list[tuple[int, str, int]]:
    with Routes() as routes:
        return [(route.family, route.interface, route.metric) for route in routes.defaults() if route.ours]


@pytest.mark.parametrize("shell", ["/bin/sh", "busybox sh"])
def test_plain_pon_gets_its_route_beside_wifi_s(shell: str) -> None:
    def body() -> None:
        board()
        do("sysctl -q -w net.ipv4.conf.all.rp_filter=1")
        assert hook("ip-up.d", PLAIN, shell).returncode == 0
        hook("ipv6-up.d", PLAIN, shell)
        assert ours() == [(4, "ppp0", 700), (6, "ppp0", 700)]
        assert do("sysctl -n net.ipv4.conf.ppp0.rp_filter") == "2\n"

    in_namespace(body)


@pytest.mark.parametrize("param", ["", "3gppp", "vpn", "nm-pptp-service-1", "pppgen", "xpppgen:provider"])
def test_a_link_that_is_not_ours_is_left_alone(param: str) -> None:
    def body() -> None:
        board()
        with Letterbox(Path("/run/pppgen/ppp.fifo")) as letterbox:
            for name in ("ip-up.d", "ipv6-up.d", "ip-down.d"):
                done = hook(name, param)
                assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
            assert letterbox.words() == ()
        assert ours() == []

    in_namespace(body)


@pytest.mark.parametrize("shell", ["/bin/sh", "busybox sh"])
def test_a_supervised_link_s_word_is_handed_over_and_nothing_is_set(shell: str) -> None:
    def body() -> None:
        board()
        with Letterbox(Path("/run/pppgen/ppp.fifo")) as letterbox:
            assert hook("ip-up.d", SUPERVISED, shell).returncode == 0
            assert letterbox.words() == (Word(4711, "ppp0", "100.64.12.89", ("8.8.8.8", "8.8.4.4")),)
        assert ours() == []

    in_namespace(body)


def test_nothing_blocks_or_fails_where_no_supervisor_listens() -> None:
    def body() -> None:
        board()
        assert hook("ip-up.d", SUPERVISED).returncode == 0
        Letterbox(Path("/run/pppgen/ppp.fifo")).close()
        assert hook("ip-up.d", SUPERVISED).returncode == 0
        assert hook("ip-up.d", PLAIN, interface="ppp9").returncode == 0
        with Letterbox(Path("/run/pppgen/ppp.fifo")) as letterbox:
            assert letterbox.words() == (), "what was said to nobody is not heard later"

    in_namespace(body)


def test_a_link_that_outlived_its_supervisor_takes_its_servers_with_it() -> None:
    def body() -> None:
        board()
        resolv = Path("/etc/resolv.conf")
        from pppgen.system.dns import Dns  # noqa: PLC0415 -- beside its only use

        resolv.write_text("nameserver 192.168.1.1\n")
        Dns().tell("ppp0", ["8.8.8.8"], first=True)
        hook("ip-down.d", SUPERVISED, interface="ppp1")
        assert "8.8.8.8" in resolv.read_text()
        hook("ip-down.d", SUPERVISED)
        assert resolv.read_text() == "nameserver 192.168.1.1\n"

    in_namespace(body)


def test_network_manager_forgets_the_servers_of_a_link_that_outlived_its_supervisor() -> None:
    def body() -> None:
        board()
        told, programs, asked = (
            Path("/run/NetworkManager/conf.d/pppgen-ppp0.conf"),
            Path("/run/bin"),
            Path("/run/asked"),
        )
        for folder in (told.parent, programs):
            folder.mkdir(parents=True)
        (programs / "nmcli").write_text(f'#!/bin/sh\necho "$*" >>{asked}\n')
        (programs / "nmcli").chmod(0o755)
        do(f"mount --bind {programs} /usr/sbin")
        told.write_text("[global-dns]\n")
        Path("/run/pppgen/dns/ppp0").write_text("NetworkManager\n")
        assert hook("ip-down.d", SUPERVISED).returncode == 0
        assert told.read_text() == ""
        assert asked.read_text() == "general reload conf\ngeneral reload dns-rc\n"
        hook("ip-down.d", SUPERVISED)
        assert len(asked.read_text().splitlines()) == 2, "what was forgotten is not told again"

    in_namespace(body)


@pytest.mark.parametrize(
    "said", [b"x\n", b"\n", b"1\tppp0\n", b"a\tppp0\t1.2.3.4\t\t\n", b"1\t../x\t1.2.3.4\t\t\n", b"1\tppp0\tx\t\t\n"]
)
def test_a_word_that_makes_no_sense_is_none(tmp_path: Path, said: bytes) -> None:
    with Letterbox(tmp_path / "box") as letterbox:
        with (tmp_path / "box").open("wb", buffering=0) as pipe:
            pipe.write(said + b"812\tppp0\t100.64.0.1\t\t\n" + b"cut")
        assert letterbox.words() == (Word(812, "ppp0", "100.64.0.1", ()),)
        with (tmp_path / "box").open("wb", buffering=0) as pipe:
            pipe.write(b"\n812\tppp1\t100.64.0.2\t9.9.9.9\t\n")
        assert letterbox.words() == (Word(812, "ppp1", "100.64.0.2", ("9.9.9.9",)),)


def test_what_lies_in_the_letterbox_s_place_gives_way(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("no pipe")
    Letterbox(tmp_path / "box").close()
    assert (tmp_path / "box").is_fifo()
    assert (tmp_path / "box").stat().st_mode & 0o777 == 0o600
