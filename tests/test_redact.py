"""What names a modem, a card, a person, an account or a place is hidden; what helps a reader stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.redact import Known, Redactor, Secret

HIDDEN = (
    ('AT+CGAUTH=1,1,"me","hunter2"', "AT+CGAUTH=[password]"),
    ('+QICSGP: 1,1,"apn","me","hunter2",1', "+QICSGP:[password]"),
    ('AT$QCPDPP=1,1,"hunter2","me"', "AT$QCPDPP=[password]"),
    ("AT+CPIN=1234", "AT+CPIN=[PIN]"),
    ('OK \'\\qAT+CGAUTH=1,1,"me","x"\'', "OK '\\q[password]"),
    ('password = "two words"', "password = [password]"),
    ("password: hunter2, then", "password: [password], then"),
    ('password "with \\" quote"', "password [password]"),
    ("  password hunter2", "  password [password]"),
    ('user "me"', "user [user name]"),
    ("user me", "user [user name]"),
    (
        'sent [PAP AuthReq id=0x1 user="me" password=<hidden>]',
        "[PAP AuthReq id=0x1 user=[user name] password=[password]]",
    ),
    ('rcvd [CHAP Challenge id=0x1 <0a1b2c3d4e5f>, name = "UMTS_CHAP_SRVR"]', "<[password]>, name = [user name]]"),
    ("IMEI: 866425030000000", "IMEI: [IMEI]"),
    ("+CIMI: 310410000000000", "+CIMI: [IMSI]"),
    ("+QCCID: 89883070000001234567", "+QCCID: [ICCID]"),
    ("a line with 310410000000000 in it", "a line with [long number] in it"),
    ("a line with 8988307000000123456 in it", "a line with [ICCID] in it"),
    ('+CNUM: ,"+15551234567",145', "+CNUM:[phone number]"),
    ("MSISDN 15551234567", "MSISDN [phone number]"),
    ("call +491701234567 now", "call [phone number] now"),
    ('+CEREG: 2,5,"1A2B","01C3D4E5",8', "+CEREG: 2,5[cell],8"),
    ("local  IP address 80.12.34.56", "local  IP address [public address]"),
    ("from 2a01:4f8::1 port 22", "from [public address] port 22"),
    ("64 bytes from 80.12.34.56:443", "64 bytes from [public address]:443"),
    ("link/ether b8:27:eb:01:02:03 brd", "link/ether [MAC address] brd"),
)
KEPT = (
    "local  IP address 100.64.12.89 remote 10.64.64.64 gateway 192.168.1.1 at fe80::1",
    "nameserver 8.8.8.8 and 1.1.1.1, 2001:4860:4860::8888",
    "the password was refused; asks the carrier for a password, which none has",
    "nobody knows the user name",
    "pppd 2.4.9 on 6.1.21-v7l+, BG96MAR02A07M1G, 2c7c:0296 at USB 1-1.4:1.2",
    "+CSQ: 22,99 and +CGREG: 0,4 and +CEREG: 2,5",
    'AT+QCFG="band",F,400A0E189F,A0E189F,1',
    "12:34:56 it took 4.2 s, 1783000000.123 s",
    "sent [LCP ConfReq id=0x1 <asyncmap 0x0> <magic 0xa0977ce5>]",
)


@pytest.mark.parametrize(("text", "shown"), HIDDEN, ids=[text for text, _ in HIDDEN])
def test_a_secret_is_found_by_its_form(text: str, shown: str) -> None:
    said = Redactor().text(text)
    assert shown in said
    for secret in ("hunter2", "86642503", "3104100", "89883070", "1551234567", "80.12", "0a1b2c", "1A2B", "b8:27"):
        assert secret not in said


@pytest.mark.parametrize("text", KEPT)
def test_what_helps_a_reader_is_not_hidden(text: str) -> None:
    redactor = Redactor()
    assert redactor.text(text) == text
    assert redactor.disclosed() == "nothing secret"


@given(st.text(st.characters(categories=("L", "N", "P", "S")), min_size=6, max_size=30), st.text(), st.text())
def test_a_known_secret_is_nowhere_in_any_text(secret: str, before: str, after: str) -> None:
    said = Redactor([Known(Secret.PASSWORD, secret)]).text(f"{before}{secret}{after}")
    assert secret not in said.replace(f"[{Secret.PASSWORD}]", "")


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = Redactor().text(text)
    assert Redactor().text(once) == once


def test_a_short_secret_is_a_word_of_its_own_and_a_shorter_one_is_left_to_its_forms() -> None:
    redactor = Redactor([Known(Secret.USER, "web"), Known(Secret.PASSWORD, "x")])
    assert redactor.text("as web it dials; webbing stays") == "as [user name] it dials; webbing stays"
    assert redactor.text("max and x") == "max and x"


def test_without_hiding_the_text_stays_and_is_counted() -> None:
    redactor = Redactor([Known(Secret.IMEI, "866425030000000")], hides=False)
    text = "866425030000000 at 80.12.34.56, again 80.12.34.56 and 80.12.34.57"
    assert redactor.text(text) == text
    assert redactor.disclosed() == "1 IMEI, 2 public addresses"
