from pppgen.sim.modem import Dialled, Effect, HungUp, Modem, Send, ToNetwork
from pppgen.sim.transcript import load

THREAD = (
    b"\r\nQuectel\r\nBG96\r\nRevision: BG96MAR02A07M1G\r\n\r\nSubEdition: V08\r\n\r\n+CSQ: 22,99\r\n"
    b'\r\n+COPS: 0,0,"AT&T Twilio",8\r\n\r\n+CGREG: 0,4\r\n\r\nOK\r\n'
)


def said(effects: list[Effect], port: int = 2) -> bytes:
    return b"".join(effect.data for effect in effects if isinstance(effect, Send) and effect.port == port)


def quiet(family: str = "bg96") -> Modem:
    modem = Modem(load(family))
    modem.receive(2, b"ATE0\r", 0.0)
    return modem


def test_the_guides_question_is_answered_as_in_the_users_thread() -> None:
    assert said(quiet().receive(2, b"ATI;+CSUB;+CSQ;+COPS?;+CGREG?;&D2\r", 0.0)) == THREAD


def test_a_command_line_cut_at_every_byte_is_answered_the_same() -> None:
    line = b"ATI;+CSUB;+CSQ;+COPS?;+CGREG?;&D2\r"
    for cut in range(len(line)):
        modem = quiet()
        assert said(modem.receive(2, line[:cut], 0.0)) + said(modem.receive(2, line[cut:], 0.0)) == THREAD


def test_after_connect_bytes_go_to_the_network_and_guarded_pluses_come_back() -> None:
    modem = quiet()
    dialled = modem.receive(2, b"ATD*99#\r", 0.0)
    assert said(dialled) == b"\r\nCONNECT\r\n"
    assert Dialled(2, 1, "super", served=True) in dialled
    assert modem.receive(2, b"~AT\r~", 0.1) == [ToNetwork(2, b"~AT\r~")]
    modem.receive(2, b"+++", 5.0)
    assert said(modem.advance(5.9), port=2) == b""
    assert said(modem.advance(6.0), port=2) == b"\r\nOK\r\n"
    assert said(modem.receive(2, b"ATO\r", 7.0)) == b"\r\nCONNECT\r\n"
    assert HungUp(2) in modem.closed(2, 8.0)
    assert said(modem.receive(2, b"AT\r", 9.0)) == b"\r\nOK\r\n"
