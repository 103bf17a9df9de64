"""Each owner of resolv.conf that Debian packages is told by its own mechanism, and untold, with a real PPP link."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pppgen.resolver import MECHANISMS, Owner
from pppgen.system.dns import Dns
from tests.lab import board
from tests.lab.conftest import Lab
from tests.lab.desk import Desk, cleared_desk, install
from tests.lab.places import DNS, WLAN_GATEWAY
from tests.lab.resolvers import RESOLV, openresolv, plain_file, systemd_resolved

CARRIER = list(DNS)
WIFI = [WLAN_GATEWAY]


@pytest.fixture(autouse=True)
def _clean(lab: Lab) -> Iterator[None]:  # noqa: ARG001 -- the order: modem first
    with cleared_desk():
        install()
        yield


def servers() -> list[str]:
    """Return the name servers that programs ask, in order."""
    return [line.split()[1] for line in RESOLV.read_text().splitlines() if line.startswith("nameserver")]


def up(owner: Owner) -> Desk:
    """Bring a link up behind Wi-Fi, pppd's own hooks included."""
    assert Dns().owner() is owner
    desk = Desk()
    desk.up()
    assert f"{owner}: {MECHANISMS[owner]}" in desk.notes
    for hook in board.running("ip-up"):
        board.await_end(hook)
    return desk


def look_up(lab: Lab, name: str) -> str:
    """Look a name up as any program does, and return whose server was asked."""
    lab.ask("forget")
    found = board.run("getent", "ahostsv4", name)
    assert "8.8.8.8" in found.said, found
    return next(site for site in ("operator", "home") if lab.seen(site, "dns"))


def test_a_plain_file_is_edited_and_comes_back_as_it_was(lab: Lab) -> None:  # noqa: ARG001 -- the modem
    with plain_file():
        before = RESOLV.read_text()
        desk = up(Owner.FILE)
        assert servers() == WIFI + CARRIER
        with board.no_default_route_over_wifi():
            desk.hear("file: ")
            assert servers() == CARRIER + WIFI
        desk.hear("file: ")
        assert servers() == WIFI + CARRIER
        # Debian's own hook stood aside: it would put its copy back at the end, whatever stood there by then.
        assert not list(Path("/etc").glob("resolv.conf.*"))
        desk.down()
        assert RESOLV.read_text() == before


def test_what_an_owner_rewrote_while_the_link_was_up_stays(lab: Lab) -> None:  # noqa: ARG001 -- the modem
    with plain_file():
        desk = up(Owner.FILE)
        RESOLV.write_text("nameserver 10.0.0.1\n")
        desk.down()
        assert RESOLV.read_text() == "nameserver 10.0.0.1\n"


def test_openresolv_gets_the_servers_while_the_link_carries_the_traffic(lab: Lab) -> None:  # noqa: ARG001 -- the modem
    with openresolv():
        assert servers() == WIFI
        desk = up(Owner.OPENRESOLV)
        # openresolv's own hook in ip-up.d does not know that the link stands behind Wi-Fi: it is taken back.
        assert servers() == WIFI
        with board.no_default_route_over_wifi():
            desk.hear("openresolv: ")
            assert servers() == CARRIER + WIFI
        desk.hear("openresolv: ")
        assert servers() == WIFI
        desk.down()
        assert servers() == WIFI
        assert "ppp0" not in board.run("resolvconf", "-l").said


def test_systemd_resolved_has_the_servers_tied_to_the_interface(lab: Lab) -> None:
    with systemd_resolved():
        desk = up(Owner.RESOLVED)
        assert all(server in board.run("resolvectl", "dns", "ppp0").said for server in CARRIER)
        assert look_up(lab, "behind.wifi.example") == "home"
        with board.no_default_route_over_wifi():
            desk.hear("systemd-resolved: ")
            assert look_up(lab, "without.wifi.example") == "operator"
        desk.hear("systemd-resolved: ")
        assert look_up(lab, "with.wifi.example") == "home"
        desk.down()
        assert not any(server in board.run("resolvectl", "dns").said for server in CARRIER)
        assert look_up(lab, "afterwards.example") == "home"
