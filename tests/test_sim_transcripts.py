import re
from itertools import chain

import pytest

from pppgen.errors import BadValue
from pppgen.model import ExpectedRole
from pppgen.modems import catalog
from pppgen.sim.modem import Modem, Send
from pppgen.sim.transcript import Origin, Transcript, families, load, parse

HEAD = """family: f
title: T
origin: synthetic
source: s
usb: 2c7c:0296
manufacturer: m
product: p
"""


def ask(modem: Modem, command: str, port: int) -> str:
    effects = modem.receive(port, f"{command}\r".encode(), 0.0)
    return b"".join(each.data for each in effects if isinstance(each, Send) and each.port == port).decode()


def dial_port(transcript: Transcript) -> int:
    dials = {ExpectedRole.DIAL, ExpectedRole.AT_DIAL}
    return next(each.number for each in transcript.tty_interfaces if each.role in dials)


@pytest.mark.parametrize("family", families())
def test_every_transcript_answers_who_it_is_and_dials(family: str) -> None:
    modem = Modem(load(family))
    port = dial_port(modem.transcript)
    ask(modem, "ATE0", port)
    for question in ("ATI", "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN", "AT+CSQ", "AT+CPIN?", "AT+CEREG?", "AT+COPS?"):
        assert ask(modem, question, port).endswith("\r\nOK\r\n"), question
    assert "super" not in ask(modem, "AT+CGDCONT?", port) or family == "bg96"
    ask(modem, 'AT+CGDCONT=1,"IP","super"', port)
    assert '+CGDCONT: 1,"IP","super"' in ask(modem, "AT+CGDCONT?", port)
    assert ask(modem, catalog.family_named(family).dialect.dial, port) == "\r\nCONNECT\r\n"


def test_every_family_of_the_catalog_has_a_transcript_and_the_other_way_round() -> None:
    assert families() == tuple(sorted(catalog.names()))


@pytest.mark.parametrize("family", [name for name in families() if name != "generic"])
def test_a_transcript_is_on_usb_what_the_catalog_says_of_its_family(family: str) -> None:
    transcript = load(family)
    layout = catalog.family_named(family).layout(transcript.vid, transcript.pid)
    assert layout is not None
    model = ask(Modem(transcript), "AT+CGMM", dial_port(transcript))
    assert catalog.family_for(transcript.vid, transcript.pid, model).name == family
    here = {each.number for each in transcript.tty_interfaces}
    assert {number for number, role in layout.roles if role is not ExpectedRole.NET} <= here


@pytest.mark.parametrize("family", families())
def test_every_command_of_the_familys_dialect_is_answered(family: str) -> None:
    entry, transcript = catalog.family_named(family), load(family)
    dialect = entry.dialect
    identity = (dialect.revision, dialect.serving, dialect.iccid, dialect.pin_tries)
    for question in filter(None, chain(identity, dialect.signal)):
        assert ask(Modem(transcript), question, dial_port(transcript)).endswith("\r\nOK\r\n"), question
    for setting in settings_here(Modem(transcript)):
        lines = ask(Modem(transcript), setting.read, dial_port(transcript)).split("\r\n")
        assert any(re.search(setting.answer, line) for line in lines), setting.read


def settings_here(modem: Modem) -> list[catalog.Setting]:
    """The family's radio settings that this modem of the family has: never none of several."""
    port = dial_port(modem.transcript)
    settings = catalog.family_named(modem.transcript.family).radio.settings
    here = [each for each in settings if "ERROR" not in ask(modem, each.read, port)]
    assert bool(here) == bool(settings)
    return here


@pytest.mark.parametrize("family", families())
def test_what_is_written_to_a_radio_setting_is_read_back_even_after_a_reboot(family: str) -> None:
    modem = Modem(load(family))
    port = dial_port(modem.transcript)
    for setting in settings_here(modem):
        read = [re.search(setting.answer, line) for line in ask(modem, setting.read, port).split("\r\n")]
        old = next(found[1] for found in read if found)
        new = old.replace("1", "3").replace("5", "1")
        assert ask(modem, setting.write.replace("{value}", new.replace("0x", "")), port).endswith("\r\nOK\r\n")
        modem.boot(9.0)
        assert new.lower() in ask(modem, setting.read, port).lower(), setting.read


def test_bg96_is_the_only_recorded_one_and_its_recorded_lines_are_the_threads() -> None:
    assert [name for name in families() if load(name).origin is Origin.RECORDED] == ["bg96"]
    assert load("bg96").recorded_lines == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "colour: red\n", "t.at:8: expected one of the headers"),
        (HEAD + "family: g\n", "t.at:8: family was given before"),
        (HEAD + "[interfaces]\n2 nonsense\n", "t.at:9: expected NUMBER ROLE"),
        (HEAD + "[interfaces]\n2 at\n2 at\n", "t.at:10: interface 2 was given before"),
        (HEAD + "[mystery]\n", r"t.at:8: unknown section \[mystery\]"),
        (HEAD + "[answers]\n< text\n", "t.at:9: expected a command"),
        (HEAD + "[answers]\n> AT\ntext\n", "t.at:10: expected a line marked"),
        (HEAD + "[answers]\n> AT\n= OK\n< text\n", "t.at:11: nothing may follow"),
        (HEAD + "[answers]\n> AT when moon=full\n", "t.at:9: unknown condition"),
        (HEAD + "[answers]\n> AT\n> AT\n> ATI\n", "t.at:11: AT was answered before"),
        (HEAD + "[answers]\n> AT\n~ soon\n", "t.at:10: expected milliseconds"),
        (HEAD + "[answers]\n> AT\n< \\q\n", "t.at:10: unknown escape"),
        (HEAD + "[answers]\n> AT\n! seen\n", "t.at:11: origin must be recorded"),
        (HEAD + "[registration]\n< creg x\n", "t.at:9: expected creg"),
        (HEAD + "[settings]\n< band 1\n", "t.at:9: expected a command"),
        (HEAD + "[contexts]\n< super\n", "t.at:9: expected CID"),
        (HEAD.replace("synthetic", "recorded"), "origin must be recorded where"),
        (HEAD.replace("2c7c:0296", "2C7C:296"), "usb must be vid:pid"),
        ("family: f\n", "the header title is missing"),
    ],
)
def test_a_bad_transcript_is_refused_with_file_and_line(text: str, said: str) -> None:
    with pytest.raises(BadValue, match=said):
        parse(text, "t.at", load)


def test_oddities_are_written_as_escapes() -> None:
    text = HEAD + "base: _standard\n[answers]\n> AT+ODD\n< \\x00\\xff\\\\\n~ 20\n= +CME ERROR:\\x20\n"
    answer = parse(text, "t.at", load).answer("AT+ODD", frozenset())
    assert answer is not None
    assert (answer.lines, answer.final, answer.final_wait_ms) == (((0, "\x00\xff\\"),), "+CME ERROR: ", 20)


def test_nobody_gets_a_file_of_another_name_than_a_family() -> None:
    for name in ("../bg96", "BG96", "", ".", "/etc/passwd"):
        with pytest.raises(BadValue):
            load(name)
