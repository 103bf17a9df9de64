"""What is refused before anything is written, and how it is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen import values
from pppgen.config import Auth
from pppgen.errors import BadValue
from pppgen.modems.catalog import family_named
from pppgen.plan import Dial, make_plan

HOSTILE = [
    "",
    "a b",
    "a\tb",
    "a\nb",
    "a\r\nATD911",
    "a\0b",
    'a"b',
    "a'b",
    "a\\b",
    r"\T",
    "^M",
    "$(reboot)",
    "`reboot`",
    "a;reboot",
    "a|b",
    "a&b",
    "a>b",
    "{{7*7}}",
    "{% raw %}",
    "-v",
    "é",
    "\u202eabc",
    "a" * 5000,
]


@pytest.mark.parametrize(
    "text", [*HOSTILE, ".", "a..b", ".a", "a.", "a-", "-a.b", "a.-b", "a/b", "a,b", "x" * 64, "a." * 50 + "b"]
)
def test_an_apn_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadValue, match="--apn") as caught:
        Dial(text)
    assert caught.value.hint
    assert len(caught.value.message) < 250


@pytest.mark.parametrize(
    "text", ["super", "a", "1", "iot.1nce.net", "A-B_c.d", "internet.mnc001.mcc001.gprs", "x" * 63, "a." * 49 + "b"]
)
def test_an_apn_of_the_field_is_taken(text: str) -> None:
    assert Dial(text).apn == text


@pytest.mark.parametrize(
    "text",
    [*HOSTILE, "..", ".", "../x", "a/b", "/etc/passwd", ".hidden", "a.b", "a~", "x.dpkg-old", "-x", "_x", "x" * 33],
)
def test_a_provider_that_is_no_file_name_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="--provider"):
        Dial("super", text)


@pytest.mark.parametrize("text", ["provider", "a", "My-Net_2", "0", "x" * 32])
def test_a_provider_that_is_a_file_name_is_taken(text: str) -> None:
    assert Dial("super", text).provider == text


@pytest.mark.parametrize(
    "text",
    [
        *HOSTILE,
        "/dev",
        "/dev/",
        "/dev/../etc/passwd",
        "/dev/./x",
        "/dev/a b",
        "/dev//x",
        "ttyUSB2",
        "/etc/passwd",
        "/root/x/dev/ttyUSB2",
        "/dev/ttyUSB2\n",
        "/dev/" + "a" * 300,
    ],
)
def test_a_device_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="--device"):
        make_plan(Dial("super"), family_named("generic"), text)


@pytest.mark.parametrize("number", [0, -1, 17, 10**9])
def test_a_context_number_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(BadValue, match="--cid"):
        Dial("super", cid=number)


def test_a_speed_that_no_port_has_is_refused() -> None:
    with pytest.raises(BadValue, match="--speed"):
        Dial("super", speed=115201)


@pytest.mark.parametrize("text", ["a\nb", "a\0b", "\x1b[2J", "\x7f", "é", "x" * 128, "\u2028"])
def test_credentials_that_nobody_can_carry_are_refused_and_the_password_is_not_told(text: str) -> None:
    with pytest.raises(BadValue, match="--user"):
        Dial("super", auth=Auth.PAP, user=text, password="good")
    with pytest.raises(BadValue, match="--password-file") as caught:
        Dial("super", auth=Auth.PAP, user="me", password=text)
    assert text not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("auth", "user", "password"),
    [(Auth.PAP, "me", ""), (Auth.CHAP, "", "secret"), (Auth.NONE, "me", ""), (Auth.NONE, "", "secret")],
)
def test_half_of_the_credentials_is_refused(auth: Auth, user: str, password: str) -> None:
    with pytest.raises(BadValue):
        Dial("super", auth=auth, user=user, password=password)


def test_the_password_is_in_no_repr() -> None:
    dial = Dial("super", auth=Auth.CHAP, user="me", password="topsecret")
    assert "topsecret" not in repr(dial)
    assert "topsecret" not in repr(make_plan(dial, family_named("bg96"), "/dev/ttyS0"))


@given(st.text(max_size=200))
def test_whatever_is_taken_as_an_apn_needs_no_quoting_anywhere(text: str) -> None:
    try:
        values.apn(text)
    except BadValue:
        return
    assert text.isascii()
    assert text.replace(".", "a").replace("-", "a").replace("_", "a").isalnum()
    assert not text.startswith("-")


@given(st.text(max_size=300))
def test_whatever_is_taken_as_a_device_stays_below_dev(text: str) -> None:
    for candidate in (text, "/dev/" + text):
        try:
            values.device(candidate)
        except BadValue:
            continue
        assert candidate.startswith("/dev/")
        assert not {"..", ".", ""} & set(candidate.split("/")[1:])
        assert not any(char.isspace() or char in "'\"\\#;$`" for char in candidate)


@pytest.mark.parametrize("text", ["1-1", "1-1.4", "12-3.4.5.6"])
def test_a_usb_path_of_the_kernel_is_taken(text: str) -> None:
    assert values.usb_path(text) == text


@pytest.mark.parametrize("text", [*HOSTILE, "1", "1-", "-1", "1-1.", "usb1", "../1-1", "1-1/2"])
def test_a_usb_path_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="--usb-path"):
        values.usb_path(text)
