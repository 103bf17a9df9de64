import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.errors import BadValue
from pppgen.sim.faults import FAULTS, Faults, SimCard, in_force, with_fault, without_fault
from pppgen.sim.lcp import CONF_ACK, CONF_REQ, TERM_ACK, framed
from pppgen.sim.modem import Dialled, Effect, HungUp, Modem, Rebooting, Send, ToNetwork, Vanished
from pppgen.sim.transcript import load

EXAMPLES = {
    "at": "2",
    "dial-port": "2,3",
    "late": "3:20",
    "silent": "0,3",
    "urc": "+QIND: SMS DONE",
    "garbage": "64",
    "error": "+QCFG",
    "sim": "pin",
    "reg": "3",
    "creg": "2",
    "cgreg": "4",
    "cereg": "5",
    "dial": "no-lcp",
    "apn": "super",
    "auth": "checked",
    "backoff": "720",
    "mtu": "1430",
    "data": "2",
    "held": "2",
    "vanish": "3",
    "bit-errors": "100",
    "qmi-reject": "33",
    "qmi-call-ends": "30",
}


def modem(*faults: str, family: str = "bg96") -> Modem:
    wanted = Faults()
    for text in faults:
        wanted = with_fault(wanted, text)
    return Modem(load(family), wanted)


def said(effects: list[Effect], port: int = 2) -> bytes:
    return b"".join(effect.data for effect in effects if isinstance(effect, Send) and effect.port == port)


def ask(asked: Modem, command: str, port: int = 2, now: float = 0.0) -> str:
    return said(asked.receive(port, f"{command}\r".encode(), now), port).removeprefix(f"{command}\r".encode()).decode()


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_set_and_taken_back(name: str) -> None:
    text = f"{name}={EXAMPLES[name]}" if name in EXAMPLES else name
    faults = with_fault(Faults(), text)
    assert in_force(faults)
    assert without_fault(faults, name) == Faults()


@pytest.mark.parametrize(
    "text",
    [
        *("", "nonsense", "at", "at=", "at=x", "at=99", "echo=1", "late=-1", "late=2:", "sim=lost", "dial=maybe"),
        *("urc=\x07", "garbage=0", "garbage=99999999999999999999", "reg=11", "reg=\u0663", "apn=", "error=\n"),
        "bit-errors=1",
    ],
)
def test_a_fault_that_does_not_fit_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(BadValue) as refused:
        with_fault(Faults(), text)
    assert refused.value.hint


def test_at_answers_only_where_the_fault_says() -> None:
    asked = modem("at=3")
    assert ask(asked, "AT", 3) == "\r\nOK\r\n"
    assert [ask(asked, "AT", port) for port in (0, 1, 2)] == ["", "", ""]
    assert "CONNECT" in ask(asked, "ATD*99#", 3)


def test_both_ports_answer_but_one_dials() -> None:
    asked = modem("dial-port=2")
    assert ask(asked, "ATD*99#", 3) == "\r\nERROR\r\n"
    assert ask(asked, "ATD*99#", 2) == "\r\nCONNECT\r\n"


def test_a_late_port_answers_when_its_time_has_come_and_not_before() -> None:
    asked = modem("late=3:500")
    assert ask(asked, "AT", 2) == "\r\nOK\r\n"
    assert said(asked.receive(3, b"AT\r", 10.0), 3) == b"AT\r"
    assert asked.wake_at() is not None
    assert said(asked.advance(10.499), 3) == b""
    assert said(asked.advance(10.5), 3) == b"\r\nOK\r\n"


def test_echo_stays_lines_end_bare_and_a_urc_comes_in_between() -> None:
    asked = modem("echo", "bare-lf", "urc=+QIND: SMS DONE")
    ask(asked, "ATE0")
    assert said(asked.receive(2, b"AT+CSQ\r", 0.0)) == b"AT+CSQ\r\n+CSQ: 22,99\n\n+QIND: SMS DONE\n\nOK\n"


def test_garbage_comes_before_the_answer_without_a_line_end() -> None:
    effects = modem("garbage=1000000").receive(2, b"AT\r", 0.0)
    noise, answer = said(effects)[3:-6], said(effects)[-6:]
    assert (len(noise), answer) == (1_000_000, b"\r\nOK\r\n")
    assert not {10, 13} & set(noise)


def test_an_error_ends_the_command_line() -> None:
    asked = modem("error=+QCFG")
    answer = ask(asked, 'AT+CSQ;+QCFG="band";+COPS?')
    assert answer == "\r\n+CSQ: 22,99\r\n\r\nERROR\r\n"


def test_a_silent_port_and_a_port_that_vanishes() -> None:
    assert ask(modem("silent=2"), "AT") == ""
    assert modem("vanish=2").receive(2, b"A", 0.0) == [Vanished(2)]


def test_an_absent_card_a_pin_and_a_puk() -> None:
    assert ask(modem("sim=absent"), "AT+CPIN?") == "\r\n+CME ERROR: 10\r\n"
    asked = modem("sim=pin")
    assert ask(asked, "AT+CPIN?") == "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"
    assert ask(asked, "AT+CEREG?") == "\r\n+CEREG: 0,0\r\n\r\nOK\r\n"
    assert ask(asked, 'AT+CPIN="0000"') == "\r\n+CME ERROR: 16\r\n"
    assert ask(asked, 'AT+QPINC="SC"') == '\r\n+QPINC: "SC",2,10\r\n\r\nOK\r\n'
    assert ask(asked, 'AT+CPIN="1234"') == "\r\nOK\r\n"
    assert ask(asked, "AT+CEREG?") == "\r\n+CEREG: 0,5\r\n\r\nOK\r\n"
    for _ in range(3):
        asked.service.card = SimCard.PIN
        ask(asked, "AT+CPIN=0000")
    assert ask(asked, "AT+CPIN?") == "\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"
    assert ask(asked, 'AT+CPIN="12345678","1234"') == "\r\nOK\r\n"


def test_errors_have_the_form_that_cmee_asks_for() -> None:
    asked = modem("sim=absent")
    ask(asked, "AT+CMEE=2")
    assert ask(asked, "AT+CPIN?") == "\r\n+CME ERROR: SIM not inserted\r\n"
    ask(asked, "AT+CMEE=0")
    assert ask(asked, "AT+CPIN?") == "\r\nERROR\r\n"
    ask(asked, "ATV0")
    assert ask(asked, "AT+CPIN?") == "4\r"


def test_a_registration_that_is_lost_is_reported_and_ends_the_call() -> None:
    asked = modem()
    ask(asked, "ATE0")
    assert ask(asked, "AT+CEREG=2") == "\r\nOK\r\n"
    assert ask(asked, "AT+CEREG?") == '\r\n+CEREG: 2,5,"2B00","0A5F0D14",8\r\n\r\nOK\r\n'
    ask(asked, "ATD*99#")
    effects = asked.set_faults(with_fault(Faults(), "reg=3"), 1.0)
    assert said(effects, 2) == b"\r\nNO CARRIER\r\n"
    assert HungUp(2) in effects
    asked.receive(3, b"ATE0\r", 1.0)
    assert said(asked.set_faults(Faults(), 2.0), 3) == b'\r\n+CEREG: 5,"2B00","0A5F0D14",8\r\n'


def test_stat_4_with_a_signal_still_dials() -> None:
    asked = modem("reg=4")
    effects = asked.receive(2, b"ATD*99#\r", 0.0)
    assert Dialled(2, 1, "super", served=True) in effects


def test_no_signal_means_no_figures_and_searching() -> None:
    asked = modem("no-signal")
    assert ask(asked, "AT+CSQ") == "\r\n+CSQ: 99,99\r\n\r\nOK\r\n"
    assert ask(asked, "AT+QCSQ") == '\r\n+QCSQ: "NOSERVICE"\r\n\r\nOK\r\n'
    assert ask(asked, "AT+COPS?") == "\r\n+COPS: 0\r\n\r\nOK\r\n"
    assert ask(asked, "AT+CEREG?") == "\r\n+CEREG: 0,2\r\n\r\nOK\r\n"


def test_a_dial_that_is_refused_at_once_and_one_during_the_networks_back_off() -> None:
    for fault in ("dial=no-carrier", "backoff=60", "sim=absent"):
        asked = modem(fault)
        asked.receive(2, b"ATE0\r", 0.0)
        asked.receive(2, b"ATD*99#\r", 0.0)
        assert said(asked.advance(0.3)) == b"\r\nNO CARRIER\r\n", fault
    asked = modem("backoff=60")
    assert ask(asked, 'AT+QNWCFG="backoff"', now=20.0) == '\r\n+QNWCFG: "backoff",40\r\n\r\nOK\r\n'
    assert ask(asked, "ATD*99#", now=61.0) == "\r\nCONNECT\r\n"


def test_connect_without_lcp_says_nothing_more() -> None:
    asked = modem("dial=no-lcp")
    dialled = asked.receive(2, b"ATD*99#\r", 0.0)
    assert [effect.served for effect in dialled if isinstance(effect, Dialled)] == [False]
    assert said(asked.receive(2, framed(CONF_REQ, 1), 0.1)) == b""
    assert said(asked.advance(100.0)) == b""


def test_connect_then_hang_up() -> None:
    asked = modem("dial=hang-up")
    assert ask(asked, "ATD*99#") == "\r\nCONNECT\r\n"
    assert said(asked.advance(0.3)) == b""
    effects = asked.advance(0.5)
    assert (said(effects), HungUp(2) in effects) == (b"\r\nNO CARRIER\r\n", True)
    assert ask(asked, "AT", now=1.0) == "\r\nOK\r\n"


@pytest.mark.parametrize("fault", ["apn=internet", "reg=3", "reg=0", "no-signal"])
def test_a_call_that_the_network_refuses_ends_with_an_lcp_terminate(fault: str) -> None:
    asked = modem(fault)
    assert ask(asked, "ATD*99#") == "\r\nCONNECT\r\n"
    assert said(asked.receive(2, framed(CONF_REQ, 1), 0.1))
    assert said(asked.receive(2, framed(CONF_ACK, 1), 0.2))
    assert said(asked.receive(2, framed(TERM_ACK, 2), 0.3)) == b""
    assert said(asked.advance(0.5)) == b"\r\nNO CARRIER\r\n"
    assert "+CEER: " in ask(asked, "AT+CEER", now=1.0)


def test_the_right_apn_is_served_whatever_its_case() -> None:
    asked = modem("apn=SUPER")
    assert Dialled(2, 1, "super", served=True) in asked.receive(2, b"ATD*99#\r", 0.0)


def test_a_port_stuck_in_data_mode_comes_back_by_guarded_pluses_or_by_dtr() -> None:
    asked = modem("data=2")
    assert ask(asked, "AT") == ""
    assert ask(asked, "AT", 3) == "\r\nOK\r\n"
    asked.receive(2, b"+++", 5.0)
    assert said(asked.advance(6.0)) == b"\r\nOK\r\n"
    assert ask(asked, "AT", now=7.0) == "\r\nOK\r\n"
    asked = modem("data=2")
    asked.closed(2, 1.0)
    assert ask(asked, "AT", now=2.0) == "\r\nOK\r\n"


@pytest.mark.parametrize("unguarded", [b"x+++", b"++++", b"++", b"+++x"])
def test_pluses_without_silence_around_them_stay_data(unguarded: bytes) -> None:
    asked = modem()
    ask(asked, "ATD*99#")
    assert ToNetwork(2, unguarded) in asked.receive(2, unguarded, 5.0)
    assert said(asked.advance(7.0)) == b""


def test_pluses_that_come_one_by_one_are_one_escape() -> None:
    asked = modem()
    ask(asked, "ATD*99#")
    for step in range(3):
        asked.receive(2, b"+", 5.0 + step / 10)
    assert said(asked.advance(6.3)) == b"\r\nOK\r\n"
    assert HungUp(2) in asked.receive(2, b"ATH\r", 7.0)


def test_frozen_bytes_are_lost_both_ways_and_the_call_stays() -> None:
    asked = modem()
    ask(asked, "ATD*99#")
    asked.set_faults(with_fault(Faults(), "freeze"), 1.0)
    assert asked.receive(2, b"~up~", 1.0) == []
    assert said(asked.from_network(2, b"~down~", 1.0)) == b""
    asked.set_faults(Faults(), 2.0)
    assert said(asked.from_network(2, b"~down~", 2.0)) == b"~down~"


def test_bit_errors_turn_one_bit_of_each_so_many_bytes() -> None:
    asked = modem("bit-errors=10")
    ask(asked, "ATD*99#")
    through = said(asked.from_network(2, bytes(100), 1.0))
    assert (len(through), sum(byte != 0 for byte in through)) == (100, 10)


def test_a_reboot_keeps_the_flash_and_forgets_the_rest() -> None:
    asked = modem()
    ask(asked, 'AT+QCFG="iotopmode",0,1')
    ask(asked, 'AT+CGDCONT=2,"IP","other"')
    ask(asked, "AT+CEREG=2")
    asked.receive(2, b"AT+CFUN=1,1\r", 1.0)
    assert Rebooting(2.0) in asked.advance(1.2)
    asked.boot(3.0)
    assert ask(asked, 'AT+QCFG="iotopmode"', now=3.0) == '\r\n+QCFG: "iotopmode",0\r\n\r\nOK\r\n'
    assert '+CGDCONT: 2,"IP","other"' in ask(asked, "AT+CGDCONT?", now=3.0)
    assert ask(asked, "AT+CEREG?", now=3.0) == "\r\n+CEREG: 0,5\r\n\r\nOK\r\n"


def test_the_radio_switched_off_drops_the_call_and_contexts() -> None:
    asked = modem()
    ask(asked, "ATD*99#")
    assert said(asked.receive(3, b"ATE0;+CGACT?\r", 1.0), 3).endswith(b"+CGACT: 1,1\r\n\r\nOK\r\n")
    effects = asked.receive(3, b"AT+CFUN=4\r", 1.0)
    assert said(effects, 2) == b"\r\nNO CARRIER\r\n"
    assert ask(asked, "AT+CGATT?", now=2.0) == "\r\n+CGATT: 0\r\n\r\nOK\r\n"


@pytest.mark.parametrize("line", ["hello", "", "  ", "A", "+++"])
def test_what_is_no_command_line_is_not_answered(line: str) -> None:
    asked = modem()
    asked.receive(2, b"ATE0\r", 0.0)
    assert said(asked.receive(2, line.encode() + b"\r", 0.0)) == b""


def test_a_repeat_and_an_overlong_line() -> None:
    asked = modem()
    ask(asked, "ATE0")
    ask(asked, "AT+CSQ")
    assert said(asked.receive(2, b"A/", 0.0)) == b"\r\n+CSQ: 22,99\r\n\r\nOK\r\n"
    assert said(asked.receive(2, b"AT" + b"x" * 100_000 + b"\r", 0.0)) == b"\r\nERROR\r\n"
    assert ask(asked, "AT") == "\r\nOK\r\n"


@given(st.binary(max_size=400), st.sampled_from(["bg96", "sim7600", "huawei", "sara-r4"]))
def test_any_bytes_leave_a_modem_that_still_answers(data: bytes, family: str) -> None:
    asked = modem(family=family)
    port = 2
    asked.receive(port, data, 1.0)
    asked.closed(port, 2.0)
    asked.boot(3.0)
    assert "OK" in ask(asked, "AT", port, now=10.0)
