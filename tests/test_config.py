import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.config import Config, Link, Ppp, Seconds, dump_link, parse_config, parse_link
from pppgen.errors import BadValue
from pppgen.model import BearerKind
from pppgen.shipped import shipped
from pppgen.values import CREDENTIAL_MAX


def test_the_commented_sample_says_exactly_the_defaults() -> None:
    sample = (shipped("etc") / "pppgen.toml").read_text()
    assert parse_config(sample, "pppgen.toml") == Config() == parse_config("", "pppgen.toml")


def test_the_sample_names_every_key() -> None:
    sample = (shipped("etc") / "pppgen.toml").read_text()
    for key in (
        "bearers",
        "lcp_echo_interval",
        "addressing",
        "failback_after",
        "profile",
        "manage",
        "patience",
        "idle",
    ):
        assert f"\n{key} = " in sample


def test_the_samples_figure_for_echo_is_the_computed_one() -> None:
    assert f"{Ppp().echo_cost_kb_per_day:.0f} kB a day" in (shipped("etc") / "pppgen.toml").read_text()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("bearers = []", "bearers"),
        ('bearers = ["ppp", "ppp"]', "twice"),
        ('bearers = ["wifi"]', "wifi"),
        ('bearer = ["ppp"]', "bearer"),
        ('primary = "no"', "'no'"),
        ("metric = 7.5", "7.5"),
        ("metric = true", "True"),
        ("metric = -1", "metric"),
        ('failback_after = "soon"', "failback_after"),
        ('failback_after = "999999d"', "at most a year"),
        ('failback_after = "-5s"', "failback_after"),
        ("[qmi]\nbackend = 'mbim'", "mbim"),
        ("[ppp]\nlcp_echo_failure = 1000", "lcp_echo_failure"),
        ("qmi = 3", "qmi"),
        ("primary = ", "pppgen.toml"),
        ("[traffic]\npatience = 0", "patience"),
        ("bearers = " + "[" * 3000, "recursion"),
    ],
)
def test_a_wrong_value_is_named_with_its_file(text: str, names: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_config(text, "/etc/pppgen/pppgen.toml")
    assert names in caught.value.message
    assert "/etc/pppgen/pppgen.toml" in caught.value.message
    assert caught.value.hint


def test_a_file_of_an_editor_that_marks_the_byte_order_is_read() -> None:
    assert parse_config("\ufeffmetric = 50\n", "x").metric == 50


@pytest.mark.parametrize("text", ["provider = ", "provider = 3", 'provder = "x"'])
def test_whoever_breaks_setup_s_file_is_told_who_writes_it(text: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_link(text, "/etc/pppgen/link.toml")
    assert "/etc/pppgen/link.toml" in caught.value.message
    assert caught.value.hint.startswith("sudo pppgen setup")


def test_ppp_alone_is_a_legal_bearer_order() -> None:
    assert parse_config('bearers = ["ppp"]', "x").bearers == (BearerKind.PPP,)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15min", 900), ("1.5h", 5400), (0, 0), ("250ms", 0.25)])
def test_a_time_has_a_unit_or_is_in_seconds(text: str | int, seconds: float) -> None:
    assert Seconds.parse(text).s == seconds


def test_link_lacking_its_apn_is_refused() -> None:
    with pytest.raises(BadValue, match="apn"):
        parse_link('provider = "provider"\nfamily = "bg96"\ndevice = "/dev/pppgen/1-1.4-if02"', "link.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("provider", "../../cron.d/x"),
        ("apn", 'su"per'),
        ("apn", "super\r\nATD112;"),
        ("device", "/dev/../etc/passwd"),
        ("cid", 0),
        ("user", "\x1b"),
        ("usb_path", "../.."),
    ],
)
def test_a_value_that_setup_would_refuse_is_refused_in_links_file_too(key: str, value: str | int) -> None:
    found = {"provider": "provider", "apn": "super", "family": "bg96", "device": "/dev/ttyUSB3"} | {key: value}
    with pytest.raises(BadValue, match=f"link.toml: {key} "):
        parse_link("\n".join(f"{name} = {json.dumps(each)}" for name, each in found.items()), "link.toml")


def test_links_password_is_not_in_its_repr() -> None:
    link = parse_link(
        'provider = "p"\napn = "a"\nfamily = "bg96"\ndevice = "/dev/x"\npassword = "s3cret"\nauth = "chap"', "link.toml"
    )
    assert link.password == "s3cret"  # noqa: S105 -- the test's own
    assert "s3cret" not in repr(link)


@given(
    text=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=CREDENTIAL_MAX),
    number=st.integers(0, 255),
)
def test_setups_link_file_is_read_back_as_it_was_written(text: str, number: int) -> None:
    link = Link("provider", "super", "bg96", "/dev/x", user=text, password=text, dial_interface=number)
    assert parse_link(dump_link(link), "link.toml") == link
