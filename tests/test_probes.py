"""Probes go through the named interface and believe only answers to what they asked: in namespaces."""

import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pppgen.system.probes import Probes, Target, targets
from tests.fakes.namespace import Operator, add_link, do, in_namespace, needs_namespaces

PATIENCE_S = 20.0
HERE, FAR = "100.64.12.89", "8.8.8.8"

NAME_SERVER = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("8.8.8.8", 53))
print("ready", flush=True)
while True:
    query, asker = server.recvfrom(512)
    {answer}
"""
REFUSES = "server.sendto(query[:2] + bytes([0x81, 0x85]) + query[4:], asker)"
ANOTHERS = "server.sendto(bytes([query[0] ^ 1]) + query[1:2] + bytes([0x81, 0x80]) + query[4:], asker)"
ECHOES = "server.sendto(query, asker)"


@contextmanager
def asking(*wanted: Target, interface: str = "ppp0") -> Iterator[Callable[[float], str]]:
    """Ask once; what comes out waits that long and returns who answered."""
    with selectors.DefaultSelector() as selector:
        with Probes(interface, wanted, selector) as probes:
            probes.ask()

            def heard(seconds: float) -> str:
                # A packet that is no answer (a neighbour's solicitation) wakes it too.
                while ready := selector.select(seconds):
                    if any(probes.heard(key) for key, _ in ready):
                        return probes.answered_by
                return ""

            yield heard
        assert not selector.get_map(), "nothing stays registered"


def beside_wifi(body: Callable[[Operator], None]) -> None:
    """A link to an operator who has 8.8.8.8, behind a better default route that leads nowhere."""

    def inside() -> None:
        add_link("wlan0", "192.168.1.7/24")
        do("ip route add default via 192.168.1.1 dev wlan0 metric 600")
        add_link("ppp0", f"{HERE}/32")
        with Operator("ppp0", f"{FAR}/32") as operator:
            # A neighbour answers for the addresses of this very interface only, where IPv4's ARP answers for all.
            operator.do("ip -6 addr add 2001:db8::8/128 dev ppp0p nodad")
            do("ip -6 addr add 2001:db8::7/128 dev ppp0 nodad")
            do("ip route add default dev ppp0 metric 700")
            do("ip -6 route add default dev ppp0 metric 700")
            body(operator)

    in_namespace(inside)


@needs_namespaces
@pytest.mark.parametrize("address", [FAR, "2001:db8::8"])
def test_a_ping_is_answered_through_the_link_although_wifi_has_the_better_route(address: str) -> None:
    def body(_: Operator) -> None:
        with asking(Target(address)) as heard:
            assert heard(PATIENCE_S) == f"ping {address}"

    beside_wifi(body)


@needs_namespaces
def test_nothing_is_believed_where_the_interface_leads_nowhere() -> None:
    def body(_: Operator) -> None:
        with asking(Target(FAR), interface="wlan0") as heard:
            assert heard(0.3) == ""

    beside_wifi(body)


@needs_namespaces
@pytest.mark.parametrize(("answer", "proves"), [(REFUSES, True), (ANOTHERS, False), (ECHOES, False)])
def test_a_name_server_s_refusal_proves_the_link_and_an_answer_to_another_question_does_not(
    answer: str, proves: bool
) -> None:
    def body(operator: Operator) -> None:
        operator.serve(NAME_SERVER.format(answer=answer))
        with asking(Target(FAR, 53, dns=True)) as heard:
            assert heard(PATIENCE_S if proves else 0.3) == ("name server 8.8.8.8" if proves else "")

    beside_wifi(body)


@needs_namespaces
def test_a_refused_connection_proves_the_link() -> None:
    def body(_: Operator) -> None:
        with asking(Target(FAR, 443)) as heard:
            assert heard(PATIENCE_S) == "tcp 8.8.8.8:443"

    beside_wifi(body)


@needs_namespaces
def test_an_answer_to_an_early_round_counts_when_it_comes_late() -> None:
    def body(operator: Operator) -> None:
        operator.do("ip link set ppp0p down")
        with asking(Target(FAR), Target(FAR, 443)) as heard:
            assert heard(0.2) == ""
            operator.do("ip link set ppp0p up")
            operator.do("ip route replace default dev ppp0p")
            assert heard(PATIENCE_S)

    beside_wifi(body)


@needs_namespaces
def test_an_interface_that_vanished_is_silence_and_no_crash() -> None:
    def body(_: Operator) -> None:
        do("ip link del ppp0")
        with asking(Target(FAR), Target(FAR, 443), Target(FAR, 53, dns=True)) as heard:
            assert heard(0.1) == ""

    beside_wifi(body)


@pytest.mark.parametrize("text", ["", "8.8.8.8:0", "8.8.8.8:65536", "host", "8.8.8.8:x", "::1:", "; reboot"])
def test_a_target_that_is_none_is_left_out(text: str) -> None:
    assert targets([text], [text]) == ()
