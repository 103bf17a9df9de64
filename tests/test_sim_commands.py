import pytest

from pppgen.sim.modem import HungUp, Modem, Rebooting, Send
from pppgen.sim.transcript import load

OK = "\r\nOK\r\n"


class Conversation:
    """A modem without echo, and its clock."""

    def __init__(self, family: str = "bg96", port: int = 2) -> None:
        self.modem, self.port, self.now = Modem(load(family)), port, 0.0
        self("ATE0")

    def __call__(self, command: str) -> str:
        self.now += 1.0
        effects = self.modem.receive(self.port, f"{command}\r".encode(), self.now)
        return b"".join(each.data for each in effects if isinstance(each, Send) and each.port == self.port).decode()


@pytest.fixture
def at() -> Conversation:
    return Conversation()


def info(*lines: str) -> str:
    return "\r\n" + "\r\n".join(lines) + "\r\n" + OK


def test_lte_attaches_with_the_first_context_and_a_new_apn_counts_from_the_next_attach_on(at: Conversation) -> None:
    assert at("AT+CGACT?") == info("+CGACT: 1,1")
    assert at("AT+CGPADDR=1") == info('+CGPADDR: 1,"100.64.12.89"')
    at('AT+CGDCONT=1,"IP","other"')
    assert '"super"' in at("AT+CGCONTRDP=1")
    assert at("AT+CGATT=0") == OK
    assert at("AT+CGPADDR") == info('+CGPADDR: 1,"0.0.0.0"')
    assert at("AT+CGCONTRDP") == OK
    assert at("AT+CGATT=1") == OK
    assert '"other"' in at("AT+CGCONTRDP")


def test_another_context_is_active_while_its_call_is_up_and_no_longer(at: Conversation) -> None:
    at('AT+CGDCONT=3,"IPV4V6","second"')
    assert at("AT+CGACT?") == info("+CGACT: 1,1", "+CGACT: 3,0")
    assert at("ATD*99***3#") == "\r\nCONNECT\r\n"
    other = Conversation.__new__(Conversation)
    other.modem, other.port, other.now = at.modem, 3, at.now
    other("ATE0")
    assert other("AT+CGACT?") == info("+CGACT: 1,1", "+CGACT: 3,1")
    assert HungUp(2) in at.modem.receive(3, b"AT+CGACT=0,3\r", other.now)
    assert other("AT+CGACT?").endswith("+CGACT: 3,0\r\n" + OK)


def test_contexts_are_written_removed_and_bounded(at: Conversation) -> None:
    assert at('AT+CGDCONT=2,"IPV6","v6"') == OK
    assert '+CGDCONT: 2,"IPV6","v6"' in at("AT+CGDCONT?")
    assert at("AT+CGDCONT=2") == OK
    assert "v6" not in at("AT+CGDCONT?")
    assert at('AT+CGDCONT=99,"IP","x"') == "\r\nERROR\r\n"
    assert at('AT+CGDCONT=2,"TOKEN","x"') == "\r\nERROR\r\n"
    assert at(f'AT+CGDCONT=2,"IP","{"x" * 101}"') == "\r\nERROR\r\n"
    assert at("AT+CGACT=1,7") == "\r\nERROR\r\n"
    assert at("ATD*99***7#") == "\r\nERROR\r\n"
    assert at("ATD5551234") == "\r\nERROR\r\n"


def test_a_manual_deregistration_ends_service_until_it_is_taken_back(at: Conversation) -> None:
    assert at("AT+COPS=2") == OK
    assert at("AT+CEREG?") == info("+CEREG: 0,0")
    assert at("AT+CGATT=1") == "\r\n+CME ERROR: 30\r\n"
    assert at("AT+COPS=0") == OK
    assert at("AT+CEREG?") == info("+CEREG: 0,5")


def test_registers_quiet_and_defaults(at: Conversation) -> None:
    assert at("ATS0=2") == OK
    assert at("ATS0?") == info("002")
    assert at("ATS3=200") == "\r\nERROR\r\n"
    assert at("ATS99=1") == "\r\nERROR\r\n"
    assert at("ATQ1") == ""
    assert at("AT") == ""
    assert at("ATQ0") == OK
    assert at("AT&F") == OK
    assert at("AT") == "AT\r\r\nOK\r\n"


def test_the_line_end_character_follows_s3(at: Conversation) -> None:
    at("ATS3=10")
    effects = at.modem.receive(2, b"AT\n", 9.0)
    assert b"".join(each.data for each in effects if isinstance(each, Send)).endswith(b"OK\r\n")


def test_with_dtr_ignored_the_call_outlives_the_close(at: Conversation) -> None:
    at("AT&D0")
    at("ATD*99#")
    assert at.modem.closed(2, 9.0) == []
    assert at.modem.ports[2].in_data


def test_with_dtr_as_a_switch_the_close_goes_to_command_mode_and_the_call_stays(at: Conversation) -> None:
    at("AT&D1")
    at("ATD*99#")
    at.modem.closed(2, 9.0)
    at.now = 10.0
    assert at("AT") == OK
    assert at("ATO") == "\r\nCONNECT\r\n"


@pytest.mark.parametrize(
    ("family", "command"),
    [
        ("bg96", "AT+CFUN=1,1"),
        ("sim7600", "AT+CRESET"),
        ("sara-r4", "AT+CFUN=15"),
        ("lara", "AT+CFUN=16"),
        ("huawei", "AT^RESET"),
        ("le910", "AT#REBOOT"),
        ("sierra", "AT!RESET"),
    ],
)
def test_each_family_reboots_by_its_own_word(family: str, command: str) -> None:
    port = {"huawei": 2, "le910": 4, "sierra": 3}.get(family, 2)
    at = Conversation(family, port)
    assert at(command) == OK
    assert Rebooting(2.0) in at.modem.advance(at.now + 1)


@pytest.mark.parametrize(
    ("family", "command", "expected"),
    [
        ("sim7600", "AT+SPIC", "+SPIC: 3,10,3,10"),
        ("huawei", "AT^CPIN?", "^CPIN: READY,10,10,3,10,3"),
        ("le910", "AT#PCT", "#PCT: 3"),
        ("sara-r4", "AT+UPINCNT", "+UPINCNT: 3,3,10,10"),
    ],
)
def test_each_family_tells_the_tries_left_in_its_own_words(family: str, command: str, expected: str) -> None:
    assert Conversation(family, 4 if family == "le910" else 2)(command) == info(expected)


def test_a_login_is_kept_and_told(at: Conversation) -> None:
    sim = Conversation("sim7600")
    assert sim('AT+CGAUTH=1,2,"secret","user"') == OK
    assert sim("AT+CGAUTH?") == info('+CGAUTH: 1,2,"secret","user"')
    assert at("AT+CGAUTH?") == "\r\nERROR\r\n"
    assert at('AT+QICSGP=1,1,"new.apn","user","secret",2') == OK
    assert at("AT+QICSGP=1") == info('+QICSGP: 1,"new.apn","","",0')


def test_a_setting_takes_its_effect_digit_and_refuses_more(at: Conversation) -> None:
    assert at('AT+QCFG="nwscanmode",3,1') == OK
    assert at('AT+QCFG="nwscanmode"') == info('+QCFG: "nwscanmode",3')
    assert at('AT+QCFG="nwscanmode",3,1,0,0') == "\r\nERROR\r\n"
    assert at('AT+QCFG="band",F,,A0E189F') == OK
    assert at('AT+QCFG="band"') == info('+QCFG: "band",0xf,0x400a0e189f,0xa0e189f')


def test_without_a_failure_there_is_no_cause(at: Conversation) -> None:
    assert at("AT+CEER") == info("+CEER: No cause information available")
