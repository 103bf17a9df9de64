"""What the sieve holds back, no reader would have said anything of."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pppgen.programs import (
    at_session,
    chat,
    kernel,
    modemmanager,
    net_tools,
    networkmanager,
    pppd,
    qmicli,
    quectel_cm,
    udhcpc,
    wvdial,
)
from pppgen.programs.events import Event, Reader
from pppgen.programs.pasted import cleaned
from pppgen.programs.sieve import Sieve, Sorter, any_of, needed

HERE = Path(__file__).parent
READERS: dict[str, tuple[Callable[[], Reader], Sieve]] = {
    "pppd": (pppd.PppdReader, pppd.SIEVE),
    "udhcpc": (udhcpc.UdhcpcReader, udhcpc.SIEVE),
    "quectel-cm": (quectel_cm.QuectelCmReader, quectel_cm.SIEVE),
    "qmicli": (qmicli.QmicliReader, qmicli.SIEVE),
    "modemmanager": (modemmanager.ModemManagerReader, modemmanager.SIEVE),
    "kernel": (kernel.KernelReader, kernel.SIEVE),
    "net-tools": (net_tools.NetToolsReader, net_tools.SIEVE),
    "networkmanager": (networkmanager.NetworkManagerReader, networkmanager.SIEVE),
    "wvdial": (wvdial.WvdialReader, wvdial.SIEVE),
    "at": (at_session.AtReader, at_session.SIEVE),
}
ALL = {**{name: sieve for name, (_, sieve) in READERS.items()}, "chat": chat.SIEVE}


@cache
def lines() -> tuple[str, ...]:
    """Every line of the project's own logs and transcripts, as it stands and behind what may be a program's name."""
    files = [path for folder in ("fixtures", "golden") for path in sorted((HERE / folder).rglob("*")) if path.is_file()]
    found = [cleaned(line) for path in files for line in path.read_text().splitlines()]
    return tuple(form for line in found for form in dict.fromkeys((line, line.partition(": ")[2].strip())) if form)


@cache
def whose(*sieves: Sieve) -> Callable[[str], int]:
    return Sorter(*sieves).whose


def told(reader: Reader, given_lines: Iterator[str]) -> list[tuple[Event, ...]]:
    return [events for line in given_lines if (events := reader.read(line))]


def test_there_are_lines_to_try() -> None:
    assert len(lines()) > 5000


@pytest.mark.parametrize("name", READERS)
def test_a_reader_says_the_same_of_what_its_sieve_lets_through(name: str) -> None:
    reader, sieve = READERS[name]
    whole = told(reader(), iter(lines()))
    assert whole
    assert told(reader(), filter(whose(sieve), lines())) == whole


def test_chat_says_the_same_where_it_does_not_listen() -> None:
    for line in lines():
        if chat.ChatReader().read(line):
            assert whose(chat.SIEVE)(line), line


def test_of_all_together_each_one_is_named_that_lets_a_line_through_by_itself() -> None:
    everybody, each = whose(*ALL.values()), [whose(sieve) for sieve in ALL.values()]
    alike = 0
    for line in lines():
        alone = sum(1 << number for number, asked in enumerate(each) if asked(line))
        named = everybody(line)
        assert named & alone == alone, line
        alike += named == alone
    assert alike > 0.9 * len(lines())


@pytest.mark.parametrize("name", READERS)
def test_a_pattern_that_is_left_out_is_missed(name: str) -> None:
    reader, sieve = READERS[name]
    speaking = [line for line in lines() if reader().read(line)]
    missed = 0
    for left_out in sieve.patterns:
        rest = Sieve((), *(pattern for pattern in sieve.patterns if pattern != left_out), leads=sieve.leads)
        missed += not all(map(Sorter(rest).whose, speaking))
    assert missed >= 5


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_a_pattern_matches_is_let_through(name: str, data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(ALL[name].patterns))
    line = data.draw(st.from_regex(rf"\A(?:{pattern})"))
    assert Sorter(Sieve((), pattern)).whose(line)
    assert whose(ALL[name])(line)
    assert whose(*ALL.values())(line) & 1 << list(ALL).index(name)


@pytest.mark.parametrize("lead", ["pppd: ", "/usr/sbin/pppd: ", "<info>  ", "[12.5] <warn>  ", "resp: ", "   "])
def test_what_stands_behind_a_lead_is_looked_at(lead: str) -> None:
    everybody = whose(*ALL.values())
    assert everybody(f"{lead}Modem hangup")
    assert not everybody(f"{lead}the modem hung up")


@given(st.lists(st.sampled_from(["failed", "not failed", "failed: timed out", "timed", "med o", "x"]), min_size=1))
def test_each_text_is_found_however_the_texts_overlap(texts: list[str]) -> None:
    named = Sorter(*(Sieve((), f".*{text}") for text in texts)).whose("it did not failed: timed out")
    assert named == sum(1 << number for number, text in enumerate(texts) if text != "x")


def test_a_pattern_without_any_text_of_its_own_is_refused() -> None:
    for pattern in (r"\w+ *", r"(?:ab)?\d", r"a|\d", r"(?i:ab)", r"(?!ab)."):
        with pytest.raises(ValueError, match=re.escape(pattern)):
            needed(pattern)


@given(st.lists(st.text("abcX' ", min_size=1, max_size=6), min_size=1, max_size=12), st.text("abcX' ", max_size=30))
def test_any_of_finds_what_is_there_and_nothing_else(texts: list[str], line: str) -> None:
    assert (any_of(texts).search(line) is not None) == any(text in line for text in texts)
