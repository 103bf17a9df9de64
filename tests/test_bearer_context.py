"""The PDP context over AT: freed when QMI hangs, given its login before a call, and no secret said."""

import pytest

from pppgen.at.codec import Answer
from pppgen.bearers.context import free_context, write_login
from pppgen.config import Auth, Link
from pppgen.errors import ModemSilent
from pppgen.modems.catalog import family_named
from tests.fakes.answering import SILENT, AnsweringModem

DIALECT = family_named("bg96").dialect
LINK = Link("provider", "super", "bg96", "/dev/pppgen/x", auth=Auth.CHAP, user="tom", password="s3cret")
DEFINED = '+CGDCONT: 1,"IP","super","0.0.0.0",0,0'
LOGIN = 'AT+QICSGP=1,1,"super","tom","s3cret",2'


class Context(AnsweringModem):
    """A modem whose context obeys the commands that it is told to obey."""

    def __init__(self, *ended_by: str) -> None:
        super().__init__({"AT+CGACT?": "+CGACT: 1,1\n+CGACT: 2,0", "AT+CFUN=4": "OK", "AT+CFUN=1": "OK"})
        self._ended_by = ended_by

    def __call__(self, command: str, timeout_s: float = 5.0) -> Answer:
        if command in self._ended_by:
            self.answers |= {"AT+CGACT?": "+CGACT: 1,0\n+CGACT: 2,0", command: "OK"}
        return super().__call__(command, timeout_s)


def test_a_context_that_is_not_active_is_left_alone() -> None:
    modem = AnsweringModem({"AT+CGACT?": "+CGACT: 1,0"})
    assert "nothing to free" in free_context(modem, LINK, DIALECT)[0]
    assert modem.asked == ["AT+CGACT?"]


def test_a_context_is_freed_gently_where_that_works() -> None:
    modem = Context("AT+CGACT=0,1")
    assert "freed over AT" in free_context(modem, LINK, DIALECT)[0]
    assert modem.asked == ["AT+CGACT?", "AT+CGACT=0,1", "AT+CGACT?"]


def test_the_radio_goes_off_and_on_where_nothing_else_frees_it() -> None:
    modem = Context("AT+CFUN=4")
    assert "switched off and on" in free_context(modem, LINK, DIALECT)[0]
    assert modem.asked[-2:] == ["AT+CFUN=4", "AT+CFUN=1"]


def test_a_modem_that_is_silent_on_at_too_is_the_caller_s_to_answer() -> None:
    with pytest.raises(ModemSilent):
        free_context(AnsweringModem({"AT+CGACT?": SILENT}), LINK, DIALECT)


def test_a_login_is_written_and_the_context_only_where_it_differs() -> None:
    modem = AnsweringModem({"AT+CGDCONT?": DEFINED, LOGIN: "OK"})
    assert write_login(modem, LINK, DIALECT) == ""
    assert modem.asked == ["AT+CGDCONT?", LOGIN]
    modem = AnsweringModem({"AT+CGDCONT?": '+CGDCONT: 1,"IPV4V6","old"', LOGIN: "OK"})
    assert write_login(modem, LINK, DIALECT) == ""
    assert modem.asked == ["AT+CGDCONT?", 'AT+CGDCONT=1,"IP","super"', LOGIN]


def test_a_login_that_is_refused_is_told_without_the_secret() -> None:
    why = write_login(AnsweringModem({"AT+CGDCONT?": DEFINED}), LINK, DIALECT)
    assert why.startswith("AT+QICSGP: ")
    assert "s3cret" not in why


def test_a_login_that_no_at_command_can_carry_is_not_tried() -> None:
    modem = AnsweringModem({})
    quoted = Link("provider", "super", "bg96", "/dev/x", auth=Auth.CHAP, user='a"b', password="p")
    assert "quote" in write_login(modem, quoted, DIALECT)
    assert "no AT command" in write_login(modem, LINK, family_named("sim7000").dialect)
    assert modem.asked == []
