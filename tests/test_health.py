"""Whether traffic flows is decided from what was seen and when; here the time is a number."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pppgen.health import ROUNDS_S, Advice, Counters, Flow, Pulse, Rules, adopted, fresh, look

RULES = Rules()
PING = Counters(rx_packets=1, rx_bytes=84)


def run(pulse: Pulse, counters: Counters, start: float, seconds: float) -> tuple[Pulse, list[float]]:
    """Look whenever the advice says; return the pulse and when a probe was sent."""
    now, probes = start, []
    while now <= start + seconds:
        pulse, advice = look(pulse, RULES, counters, answered=False, now=now)
        if advice.probe:
            probes.append(now)
        assert advice.look_at > now, "a timer that does not move on would spin"
        now = advice.look_at
    return pulse, probes


def test_the_user_s_first_ping_that_came_back_after_47_s_is_waited_for() -> None:
    pulse, probes = run(fresh(Counters(), 0.0), Counters(), 0.0, 46.0)
    assert pulse.flow is Flow.WARMING
    assert probes == [second for second in ROUNDS_S if second <= 46]
    pulse, _ = look(pulse, RULES, Counters(), answered=True, now=47.0)
    assert pulse.flow is Flow.FLOWING


def test_a_link_that_stays_silent_is_called_so_when_patience_ends_and_not_before() -> None:
    pulse, _ = run(fresh(Counters(), 0.0), Counters(), 0.0, 89.0)
    assert pulse.flow is Flow.WARMING
    pulse, _ = look(pulse, RULES, Counters(), answered=False, now=90.0)
    assert pulse.flow is Flow.SILENT


def test_counters_that_move_are_enough_and_no_probe_is_sent() -> None:
    pulse, advice = look(fresh(Counters(), 0.0), RULES, PING, answered=False, now=0.2)
    assert (pulse.flow, advice.probe) == (Flow.FLOWING, False)


def test_control_packets_of_ppp_itself_prove_nothing() -> None:
    ipv6cp = Counters(rx_packets=3, rx_bytes=48)
    pulse, _ = look(fresh(Counters(), 0.0), RULES, ipv6cp, answered=False, now=0.2)
    assert pulse.flow is Flow.WARMING


def test_where_the_module_answers_itself_only_a_probe_proves_the_link() -> None:
    rules = replace(RULES, counters_prove=False)
    pulse, _ = look(fresh(Counters(), 0.0), rules, PING, answered=False, now=0.2)
    assert pulse.flow is Flow.WARMING
    pulse, _ = look(pulse, rules, PING, answered=True, now=0.4)
    assert pulse.flow is Flow.FLOWING


def flowing(now: float) -> Pulse:
    return look(fresh(Counters(), now), RULES, PING, answered=False, now=now)[0]


def test_a_busy_link_is_never_probed() -> None:
    pulse = flowing(0.0)
    for minute in range(1, 60):
        counters = Counters(rx_packets=1 + minute, rx_bytes=84 + 84 * minute, tx_packets=minute)
        pulse, advice = look(pulse, RULES, counters, answered=False, now=minute * 60.0)
        assert (pulse.flow, advice.probe) == (Flow.FLOWING, False)


def test_an_idle_link_is_asked_after_five_minutes_and_costs_nothing_before() -> None:
    _, probes = run(flowing(0.0), PING, 0.0, 301.0)
    assert probes[0] == 300.0


def test_packets_that_leave_without_any_coming_back_raise_the_doubt_early() -> None:
    sending = replace(PING, tx_packets=5)
    pulse, probes = run(flowing(0.0), sending, 1.0, 121.0)
    assert probes[0] < 62
    assert pulse.flow is Flow.SILENT


def test_one_packet_that_leaves_is_a_goodbye_and_no_reason_for_doubt() -> None:
    _, probes = run(flowing(0.0), replace(PING, tx_packets=1), 1.0, 250.0)
    assert probes == []


def test_a_silent_link_that_answers_again_flows_again() -> None:
    pulse, _ = run(flowing(0.0), PING, 0.0, 400.0)
    assert pulse.flow is Flow.SILENT
    pulse, advice = look(pulse, RULES, PING, answered=True, now=401.0)
    assert (pulse.flow, advice) == (Flow.FLOWING, Advice(probe=False, look_at=431.0))


def test_a_silent_link_is_asked_seldom() -> None:
    pulse, _ = run(flowing(0.0), PING, 0.0, 400.0)
    _, probes = run(pulse, PING, 401.0, 3600.0)
    assert len(probes) <= 61


def test_an_adopted_link_is_asked_at_once() -> None:
    _, advice = look(adopted(PING, 0.0), RULES, PING, answered=False, now=0.0)
    assert advice.probe


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3), st.floats(0.01, 400))))
def test_a_look_is_always_in_the_future_and_an_answer_always_believed(
    story: list[tuple[bool, int, int, float]],
) -> None:
    now, counters = 0.0, Counters()
    pulse = fresh(counters, now)
    for answered, received, sent, wait in story:
        now += wait
        counters = Counters(
            counters.rx_packets + received,
            counters.tx_packets + sent,
            counters.rx_bytes + 84 * received,
            counters.tx_bytes + 84 * sent,
        )
        pulse, advice = look(pulse, RULES, counters, answered=answered, now=now)
        assert advice.look_at > now
        assert (pulse.flow is Flow.FLOWING) or not (answered or received)
