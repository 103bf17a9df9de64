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
from pppgen.programs.sieve import Sieve, any_of, needed

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


def told(reader: Reader, given_lines: Iterator[str]) -> list[tuple[Event, ...]]:
    return [events for line in given_lines if (events := reader.read(line))]


def test_there_are_lines_to_try() -> None:
    assert len(lines()) > 5000


@pytest.mark.parametrize("name", READERS)
def test_a_reader_says_the_same_of_what_its_sieve_lets_through(name: str) -> None:
    reader, sieve = READERS[name]
    whole = told(reader(), iter(lines()))
    assert whole
    assert told(reader(), filter(sieve.passes, lines())) == whole


def test_chat_says_the_same_where_it_does_not_listen() -> None:
    for line in lines():
        if chat.ChatReader().read(line):
            assert chat.SIEVE.passes(line), line


def test_the_sieve_of_all_lets_through_what_one_of_them_does() -> None:
    everybody = Sieve.of(*ALL.values())
    for line in lines():
        assert everybody.passes(line) or not any(sieve.passes(line) for sieve in ALL.values()), line


@pytest.mark.parametrize("name", READERS)
def test_a_pattern_that_is_left_out_is_missed(name: str) -> None:
    reader, sieve = READERS[name]
    speaking = [line for line in lines() if reader().read(line)]
    missed = 0
    for left_out in sieve.patterns:
        rest = Sieve((), *(pattern for pattern in sieve.patterns if pattern != left_out), leads=sieve.leads)
        missed += not all(map(rest.passes, speaking))
    assert missed >= 5


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_a_pattern_matches_is_let_through(name: str, data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(ALL[name].patterns))
    line = data.draw(st.from_regex(rf"\A(?:{pattern})"))
    assert Sieve((), pattern).passes(line)
    assert ALL[name].passes(line)


@pytest.mark.parametrize("lead", ["pppd: ", "/usr/sbin/pppd: ", "<info>  ", "[12.5] <warn>  ", "resp: ", "   "])
def test_what_stands_behind_a_lead_is_looked_at(lead: str) -> None:
    everybody = Sieve.of(*ALL.values())
    assert everybody.passes(f"{lead}Modem hangup")
    assert not everybody.passes(f"{lead}the modem hung up")


def test_a_pattern_without_any_text_of_its_own_is_refused() -> None:
    for pattern in (r"\w+ *", r"(?:ab)?\d", r"a|\d", r"(?i:ab)", r"(?!ab)."):
        with pytest.raises(ValueError, match=re.escape(pattern)):
            needed(pattern)


@given(st.lists(st.text("abcX' ", min_size=1, max_size=6), min_size=1, max_size=12), st.text("abcX' ", max_size=30))
def test_any_of_finds_what_is_there_and_nothing_else(texts: list[str], line: str) -> None:
    assert (any_of(texts).search(line) is not None) == any(text in line for text in texts)
