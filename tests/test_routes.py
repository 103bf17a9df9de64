"""Our default route lives beside those of others: on a real kernel, in namespaces of our own."""

import select
from collections.abc import Callable

import pytest

from pppgen.errors import PppgenError
from pppgen.system import link
from pppgen.system.routes import CELLULAR_METRIC, PRIMARY_METRIC, DefaultRoute, Routes, Watch
from tests.fakes.namespace import add_link, do, in_namespace, needs_namespaces

pytestmark = needs_namespaces

WIFI = DefaultRoute(4, "wlan0", 600, "192.168.1.1")


def as_the_user_had_it() -> None:
    """wlan0 with its default route, and a link that just came up."""
    add_link("wlan0", "192.168.1.7/24")
    do("ip route add default via 192.168.1.1 dev wlan0 metric 600")
    add_link("ppp0", "100.64.12.89/32")


@pytest.fixture
def board() -> Callable[[Callable[[Routes], None]], None]:
    def on(body: Callable[[Routes], None]) -> None:
        def inside() -> None:
            as_the_user_had_it()
            with Routes() as routes:
                body(routes)

        in_namespace(inside)

    return on


Board = Callable[[Callable[[Routes], None]], None]


def test_the_cellular_route_stands_behind_wifi(board: Board) -> None:
    def body(routes: Routes) -> None:
        ours = routes.add_default("ppp0")
        assert routes.defaults() == (WIFI, ours)
        assert ours == DefaultRoute(4, "ppp0", CELLULAR_METRIC, ours=True)
        assert routes.chosen("8.8.8.8") == "wlan0"

    board(body)


def test_the_primary_route_stands_before_wifi_and_wifi_returns(board: Board) -> None:
    def body(routes: Routes) -> None:
        routes.add_default("ppp0", PRIMARY_METRIC)
        assert routes.chosen("8.8.8.8") == "ppp0"
        assert routes.remove_ours() == 1
        assert routes.defaults() == (WIFI,)
        assert routes.chosen("8.8.8.8") == "wlan0"

    board(body)


def test_adding_again_changes_the_one_route_and_never_makes_two(board: Board) -> None:
    def body(routes: Routes) -> None:
        routes.add_default("ppp0")
        routes.add_default("ppp0")
        routes.add_default("ppp0", PRIMARY_METRIC, mtu=1400)
        ours = [route for route in routes.defaults() if route.ours]
        assert ours == [DefaultRoute(4, "ppp0", PRIMARY_METRIC, mtu=1400, ours=True)]

    board(body)


def test_a_metric_that_another_route_has_is_left_to_it(board: Board) -> None:
    def body(routes: Routes) -> None:
        do("ip route add default via 192.168.1.1 dev wlan0 metric 700")
        ours = routes.add_default("ppp0")
        assert ours.metric == CELLULAR_METRIC + 1
        with Watch() as watch:
            assert routes.add_default("ppp0") == ours
            assert not watch.drain(), "a route that stands is not flapped"
        routes.remove_ours()
        assert [route.metric for route in routes.defaults()] == [600, 700]

    board(body)


def test_a_route_that_somebody_else_added_on_our_interface_stays(board: Board) -> None:
    def body(routes: Routes) -> None:
        do("ip route add default dev ppp0 metric 900")
        routes.add_default("ppp0")
        assert routes.remove_ours("ppp0") == 1
        assert DefaultRoute(4, "ppp0", 900) in routes.defaults()

    board(body)


def test_the_next_start_finds_what_a_killed_one_left(board: Board) -> None:
    def body(routes: Routes) -> None:
        routes.add_default("ppp0")
        with Routes() as next_start:
            assert next_start.remove_ours() == 1
        assert routes.defaults() == (WIFI,)

    board(body)


def test_only_the_named_interface_is_cleaned(board: Board) -> None:
    def body(routes: Routes) -> None:
        routes.add_default("ppp0")
        assert routes.remove_ours("wwan0") == 0
        assert len(routes.defaults()) == 2

    board(body)


def test_a_gateway_outside_of_the_prefix_is_reached_on_the_link(board: Board) -> None:
    def body(routes: Routes) -> None:
        ours = routes.add_default("ppp0", gateway="10.170.0.1")
        assert ours in routes.defaults()
        assert routes.remove_ours() == 1

    board(body)


def test_ipv6_has_a_route_of_its_own(board: Board) -> None:
    def body(routes: Routes) -> None:
        do("ip -6 addr add 2001:db8::7/128 dev ppp0")
        routes.add_default("ppp0")
        ours = routes.add_default("ppp0", family=6)
        assert ours in routes.defaults()
        assert routes.chosen("2001:db8:1::1") == "ppp0"
        assert routes.remove_ours("ppp0") == 2
        assert routes.chosen("2001:db8:1::1") == ""

    board(body)


def test_a_vanished_interface_is_an_error_that_names_it_and_cleans_without_one(board: Board) -> None:
    def body(routes: Routes) -> None:
        routes.add_default("ppp0")
        do("ip link del ppp0")
        with pytest.raises(PppgenError, match="ppp9 is gone"):
            routes.add_default("ppp9")
        assert routes.remove_ours("ppp0") == 0, "the kernel took it with the interface"

    board(body)


def test_a_link_that_is_down_is_an_error(board: Board) -> None:
    def body(routes: Routes) -> None:
        do("ip link set ppp0 down")
        with pytest.raises(PppgenError, match="default route by ppp0"):
            routes.add_default("ppp0")

    board(body)


def test_the_watch_tells_of_another_program_s_change_and_is_quiet_otherwise(board: Board) -> None:
    def body(_: Routes) -> None:
        with Watch() as watch:
            assert not watch.drain()
            do("ip route del default dev wlan0")
            assert select.select([watch], [], [], 20)[0]
            assert watch.drain()
            assert not watch.drain()

    board(body)


def test_the_watch_survives_more_notices_than_it_can_hold(board: Board) -> None:
    def body(_: Routes) -> None:
        with Watch() as watch:
            batch = "".join(f"route add 10.{n // 250}.{n % 250}.0/24 dev wlan0\n" for n in range(3000))
            do("ip -batch -", batch)
            assert watch.drain()

    board(body)


def test_counters_count_and_vanish_with_the_interface(board: Board) -> None:
    def body(_: Routes) -> None:
        seen = link.counters("ppp0")
        assert seen is not None
        assert link.mtu("ppp0") == 1500
        do("ip link del ppp0")
        assert link.counters("ppp0") is None
        assert link.mtu("ppp0") is None
        assert not link.exists("ppp0")

    board(body)


def test_a_strict_reverse_path_filter_is_loosened_and_put_back_and_a_loose_one_is_left(board: Board) -> None:
    def body(_: Routes) -> None:
        do("sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.ppp0.rp_filter=0")
        assert not link.loosen_reverse_path("ppp0")
        do("sysctl -q -w net.ipv4.conf.all.rp_filter=1")
        assert link.loosen_reverse_path("ppp0") == "0"
        assert do("sysctl -n net.ipv4.conf.ppp0.rp_filter").strip() == "2"
        assert not link.loosen_reverse_path("ppp0")
        link.restore_reverse_path("ppp0", "0")
        assert do("sysctl -n net.ipv4.conf.ppp0.rp_filter").strip() == "0"
        link.restore_reverse_path("ppp9", "0")

    board(body)
