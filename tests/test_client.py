"""The client against a link that answers late, twice, for ever or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.at.client import COMMAND_MAX, Client, checked_command
from pppgen.errors import BadValue, ModemSilent, PortGone
from tests.fakes.scripted_link import ScriptedLink


def test_an_answer_in_pieces_is_waited_for() -> None:
    link = ScriptedLink({"AT+CSQ": [[(0.1, b"\r\n+CS"), (0.2, b"Q: 22,99\r\n\r\nO"), (0.3, b"K\r\n")]]})
    answer = Client(link, link.clock).ask("AT+CSQ")
    assert answer.ok
    assert answer.lines == ("+CSQ: 22,99",)
    assert link.now == pytest.approx(0.3)


def test_a_silent_modem_is_an_error_at_the_deadline_and_not_later() -> None:
    link = ScriptedLink({"AT": []})
    with pytest.raises(ModemSilent, match="AT was answered by nothing within 2 s") as silence:
        Client(link, link.clock).ask("AT", 2.0)
    assert link.now == pytest.approx(2.0)
    assert "pppgen probe" in silence.value.hint


def test_an_answer_without_an_end_is_shown_in_the_error() -> None:
    link = ScriptedLink({"ATI": [[(0.1, b"\r\nQuectel\r\nBG96\r\n")]]})
    with pytest.raises(ModemSilent, match=r"only 'Quectel \| BG96' and no OK"):
        Client(link, link.clock).ask("ATI", 1.0)


def test_bytes_for_ever_end_at_the_deadline() -> None:
    link = ScriptedLink({"ATI": [[(0.01 * number, b"\xa5" * 100) for number in range(1000)]]})
    with pytest.raises(ModemSilent):
        Client(link, link.clock).ask("ATI", 3.0)
    assert link.now < 3.1


def test_an_answer_longer_than_any_modem_gives_is_an_error() -> None:
    link = ScriptedLink({"ATI": [[(0.1, b"line\r\n" * 2000 + b"OK\r\n")]]})
    with pytest.raises(ModemSilent, match="does not end"):
        Client(link, link.clock).ask("ATI")


def test_what_lay_in_the_buffer_answers_nothing() -> None:
    link = ScriptedLink({"AT+CPIN?": [[(0.1, b"\r\n+CPIN: READY\r\nOK\r\n")]]})
    link.coming.append((0.0, b"\r\nNO CARRIER\r\nOK\r\n"))
    client = Client(link, link.clock)
    assert client.ask("AT+CPIN?").lines == ("+CPIN: READY",)
    assert client.urcs == ("NO CARRIER", "OK")


@pytest.mark.parametrize("late_s", [1.5, 2.4])
def test_a_late_answer_is_never_taken_for_the_next_one(late_s: float) -> None:
    link = ScriptedLink(
        {
            "AT+COPS?": [[(late_s, b'\r\n+COPS: 0,0,"slow",7\r\n\r\nOK\r\n')]],
            "AT": [[(late_s, b"\r\nOK\r\n")]],
            "AT+CSQ": [[(0.1, b"\r\n+CSQ: 9,99\r\nOK\r\n")]],
        }
    )
    client = Client(link, link.clock)
    with pytest.raises(ModemSilent):
        client.ask("AT+COPS?", 1.0)
    assert client.ask("AT+CSQ", 10.0).lines == ("+CSQ: 9,99",)


def test_a_modem_that_swallowed_the_question_is_asked_on() -> None:
    link = ScriptedLink({"AT": [[(0.1, b"\r\nOK\r\n")]], "AT+CSQ": [[(0.1, b"\r\n+CSQ: 9,99\r\nOK\r\n")]]})
    client = Client(link, link.clock)
    with pytest.raises(ModemSilent):
        client.ask("ATI", 1.0)
    assert client.ask("AT+CSQ").lines == ("+CSQ: 9,99",)
    assert link.written == [b"ATI\r", b"AT\r", b"AT+CSQ\r"]


def test_a_port_that_vanishes_is_said_to_have_vanished() -> None:
    link = ScriptedLink({}, gone_at=0.5)
    with pytest.raises(PortGone):
        Client(link, link.clock).ask("AT")


def test_a_modem_that_waits_for_a_text_gets_none() -> None:
    link = ScriptedLink({'AT+CMGS="1"': [[(0.1, b"\r\n> ")]], "\x1b": [[(0.1, b"\r\nOK\r\n")]]})
    assert Client(link, link.clock).ask('AT+CMGS="1"').lines == ()
    assert link.written[-1] == b"\x1b"


@pytest.mark.parametrize(
    "hostile", ["AT\rATD*99#", "AT\nATH", "AT\0", "AT\x1a", "AT\x1b", "AT\x7f", "ATé", "", "A/", "+++"]
)
def test_what_is_no_single_command_is_never_sent(hostile: str) -> None:
    link = ScriptedLink({})
    with pytest.raises(BadValue):
        Client(link, link.clock).ask(hostile)
    assert link.written == []


@given(st.text(max_size=40))
def test_a_command_that_passes_is_one_line_of_printable_ascii(text: str) -> None:
    try:
        command = checked_command("AT" + text)
    except BadValue:
        return
    assert command.isascii()
    assert command.isprintable()
    assert len(command) <= COMMAND_MAX
