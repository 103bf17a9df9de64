"""The codec on the oddities of real modems, each stream whole, cut at every byte, and fed a byte at a time."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.at.codec import (
    ANSWER_MAX,
    LINE_MAX,
    Answer,
    Codec,
    Data,
    Event,
    Final,
    FinalKind,
    Prompt,
    Urc,
)

OK = Final(FinalKind.OK)
ERROR = Final(FinalKind.ERROR)


@dataclass(frozen=True)
class Case:
    """What was asked, what the port sent, what it means."""

    command: str
    stream: bytes
    lines: tuple[str, ...] = ()
    final: Final = OK
    urcs: tuple[str, ...] = ()


CASES = {
    "plain": Case("AT", b"\r\nOK\r\n"),
    "echo": Case("AT", b"AT\r\r\nOK\r\n"),
    "echo behind noise": Case("AT", b"\x00\xff~AT\r\r\nOK\r\n"),
    "bare LF": Case("AT+CSQ", b"\n+CSQ: 22,99\n\nOK\n", ("+CSQ: 22,99",)),
    "CR only": Case("AT+CSQ", b"\r+CSQ: 22,99\r\rOK\r", ("+CSQ: 22,99",)),
    "doubled CR": Case("AT+CSQ", b"\r\r\n+CSQ: 22,99\r\r\n\r\r\nOK\r\r\n", ("+CSQ: 22,99",)),
    "the user's compound command": Case(
        "ATI;+CSUB;+CSQ;+COPS?;+CGREG?;&D2",
        b"\r\nQuectel\r\nBG96\r\nRevision: BG96MAR02A07M1G\r\n\r\nSubEdition: V08\r\n\r\n+CSQ: 22,99\r\n\r\n"
        b'+COPS: 0,0,"AT&T Twilio",8\r\n\r\n+CGREG: 0,4\r\n\r\nOK\r\n',
        (
            "Quectel",
            "BG96",
            "Revision: BG96MAR02A07M1G",
            "SubEdition: V08",
            "+CSQ: 22,99",
            '+COPS: 0,0,"AT&T Twilio",8',
            "+CGREG: 0,4",
        ),
    ),
    "URC in the middle": Case(
        "ATI",
        b'\r\nQuectel\r\n\r\n+CREG: 5,"1A2B","01C4E9",7\r\n\r\nBG96\r\n\r\n+QIND: SMS DONE\r\n\r\nOK\r\n',
        ("Quectel", "BG96"),
        urcs=('+CREG: 5,"1A2B","01C4E9",7', "+QIND: SMS DONE"),
    ),
    "URC of the very name that is asked": Case(
        "AT+CREG?",
        b'\r\n+CREG: 1\r\n\r\n+CREG: 2,5,"1A2B","01C4E9",7\r\n\r\nOK\r\n',
        ('+CREG: 2,5,"1A2B","01C4E9",7',),
        urcs=("+CREG: 1",),
    ),
    "unlisted URC": Case(
        "AT+CSQ", b"\r\n+FROB: 1\r\n\r\n+CSQ: 9,99\r\n\r\nOK\r\n", ("+CSQ: 9,99",), urcs=("+FROB: 1",)
    ),
    "SIMCom's ATI has a named line": Case(
        "ATI", b"\r\n+GCAP: +CGSM,+FCLASS,+DS\r\n\r\nOK\r\n", ("+GCAP: +CGSM,+FCLASS,+DS",)
    ),
    "other name than asked": Case("AT+CICCID", b"\r\n+ICCID: 8901\r\n\r\nOK\r\n", ("+ICCID: 8901",)),
    "ring": Case("AT+CGMM", b"\r\nRING\r\n\r\nBG96\r\n\r\nOK\r\n", ("BG96",), urcs=("RING",)),
    "error": Case("AT+QCFG", b"\r\nERROR\r\n", final=ERROR),
    "CME number": Case("AT+CPIN?", b"\r\n+CME ERROR: 10\r\n", final=Final(FinalKind.CME_ERROR, "10")),
    "CME text": Case(
        "AT+CPIN?", b"\r\n+CME ERROR: SIM not inserted\r\n", final=Final(FinalKind.CME_ERROR, "SIM not inserted")
    ),
    "CME empty": Case("AT+CPIN?", b"\r\n+CME ERROR: \r\n", final=Final(FinalKind.CME_ERROR, "")),
    "CMS": Case("AT+CMGR=1", b"\r\n+CMS ERROR: 321\r\n", final=Final(FinalKind.CMS_ERROR, "321")),
    "Huawei's own error": Case(
        "AT+X", b"\r\nCOMMAND NOT SUPPORT\r\n", final=Final(FinalKind.ERROR, "COMMAND NOT SUPPORT")
    ),
    "dial refused": Case("ATD*99#", b"\r\nNO CARRIER\r\n", final=Final(FinalKind.NO_CARRIER)),
    "busy": Case("ATD*99#", b"\r\nBUSY\r\n", final=Final(FinalKind.BUSY)),
    "no dial tone": Case("ATD*99#", b"\r\nNO DIAL TONE\r\n", final=Final(FinalKind.NO_DIALTONE)),
    "connect": Case("ATD*99#", b"\r\nCONNECT\r\n", final=Final(FinalKind.CONNECT)),
    "connect behind a bare LF": Case(
        "ATD*99#", b"\nCONNECT 150000000\r\n", final=Final(FinalKind.CONNECT, "150000000")
    ),
    "stale NO CARRIER": Case(
        "AT+CSQ", b"\r\nNO CARRIER\r\n\r\n+CSQ: 9,99\r\n\r\nOK\r\n", ("+CSQ: 9,99",), urcs=("NO CARRIER",)
    ),
    "NULs and escapes": Case("AT+CGMM", b"\r\nB\x00G\x1b9\x086\xfe\r\n\r\nO\x00K\r\n", ("BG96",)),
    "UTF-8": Case("AT+COPS?", '\r\n+COPS: 0,0,"Télé",7\r\n\r\nOK\r\n'.encode(), ('+COPS: 0,0,"Télé",7',)),
    "a flood before the answer": Case("AT", b"\xa5" * (3 * LINE_MAX) + b"\r\nOK\r\n"),
}


def events_of(command: str, pieces: Iterable[bytes]) -> list[Event]:
    codec = Codec()
    codec.ask(command)
    return [event for piece in pieces for event in codec.feed(piece)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_answer_is_read(case: Case) -> None:
    assert events_of(case.command, [case.stream]) == [Answer(case.command, case.lines, case.final, case.urcs)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_answer_is_the_same_wherever_it_is_cut(case: Case) -> None:
    whole = events_of(case.command, [case.stream])
    assert events_of(case.command, (bytes([byte]) for byte in case.stream)) == whole
    for cut in range(0, len(case.stream), 1 + len(case.stream) // 400):
        assert events_of(case.command, [case.stream[:cut], case.stream[cut:]]) == whole


ALPHABET = [
    b"\r",
    b"\n",
    b"\0",
    b"OK",
    b"ERROR",
    b"> ",
    b">",
    b" ",
    b"AT",
    b"+CREG: 1",
    b"+CME ERROR: ",
    b"CONNECT",
    b"\xff",
    b"~",
    b"x" * 3000,
]


@given(st.lists(st.one_of(st.sampled_from(ALPHABET), st.binary(max_size=6)), max_size=20), st.data())
def test_any_stream_means_the_same_in_any_pieces(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    for command in ("AT+CREG?", "ATD*99#", 'AT+CMGS="1"'):
        assert joined(events_of(command, pieces)) == joined(events_of(command, [stream]))


def joined(events: list[Event]) -> tuple[list[Event], bytes]:
    payload = b"".join(event.payload for event in events if isinstance(event, Data))
    return [event for event in events if not isinstance(event, Data)], payload


@given(st.binary(max_size=300))
def test_what_comes_out_is_printable(stream: bytes) -> None:
    codec = Codec()
    codec.ask("ATI")
    for event in codec.feed(stream + b"\r\nOK\r\n"):
        match event:
            case Answer(_, lines, _, urcs):
                assert all(line.isprintable() for line in lines + urcs)
            case Urc(line):
                assert line.isprintable()
            case Prompt() | Data():
                pass


def test_a_megabyte_without_a_newline_is_held_nowhere_and_changes_nothing() -> None:
    codec = Codec()
    codec.ask("AT+CSQ")
    codec.feed(b"\r\n+CSQ: 1,99\r\n")
    for _ in range(256):
        assert codec.feed(b"A" * 4096) == []
        assert len(codec._tail) <= LINE_MAX
    assert codec.feed(b"\r\nOK\r\n") == [Answer("AT+CSQ", ("+CSQ: 1,99",), OK)]


def test_an_answer_without_an_end_is_cut_and_says_so() -> None:
    codec = Codec()
    codec.ask("ATI")
    codec.feed(b"line\r\n" * (ANSWER_MAX + 5) + b"+CREG: 1\r\n" * (ANSWER_MAX + 5))
    [answer] = codec.feed(b"OK\r\n")
    assert isinstance(answer, Answer)
    assert answer.truncated
    assert (len(answer.lines), len(answer.urcs)) == (ANSWER_MAX, ANSWER_MAX)


def test_lines_without_a_command_are_unasked() -> None:
    assert Codec().feed(b"\r\nRDY\r\n+CFUN: 1\r\nOK\r\n") == [Urc("RDY"), Urc("+CFUN: 1"), Urc("OK")]


def test_an_answer_that_never_says_ok_can_still_be_read() -> None:
    codec = Codec()
    codec.ask("ATI")
    assert codec.feed(b"\r\nSIMCOM_SIM7600E\r\n") == []
    assert codec.lines == ("SIMCOM_SIM7600E",)


def test_what_follows_connect_is_the_peers_and_not_a_line() -> None:
    frame = b"\x7e\xff\x7d\x23\xc0\x21OK\r\n\x7e"
    codec = Codec()
    codec.ask("ATD*99#")
    first, rest = codec.feed(b"\r\nCONNECT\r\n" + frame)
    assert isinstance(first, Answer)
    assert rest == Data(frame)
    codec.leave_data_mode()
    assert codec.feed(b"\r\nNO CARRIER\r\n") == [Urc("NO CARRIER")]


def test_a_prompt_is_seen_without_a_line_end() -> None:
    codec = Codec()
    codec.ask('AT+CMGS="+49"')
    assert codec.feed(b"\r\n> ") == [Prompt()]
    assert codec.feed(b"\r\n+CMGS: 4\r\n\r\nOK\r\n") == [Answer('AT+CMGS="+49"', ("+CMGS: 4",), OK)]


def test_only_the_first_copy_of_the_command_is_its_echo() -> None:
    [answer] = events_of("AT+CLAC", [b"AT+CLAC\r\r\nAT+CLAC\r\nOK\r\n"])
    assert isinstance(answer, Answer)
    assert answer.lines == ("AT+CLAC",)
