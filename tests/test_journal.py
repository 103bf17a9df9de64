"""The journal keeps its lines through power cuts, full disks and other versions, and within its bound."""

import json
import resource
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen import journal
from pppgen.commands.lines import writer
from pppgen.commands.present import say
from pppgen.journal import Chronicler, Journal, read
from pppgen.model import BearerKind, Lease, Reason, Registration, RegistrationStat, Signal
from pppgen.policy.chronicle import TEXT_MAX, Entry, Kind, Moment, dump, load, of_report, scrubbed
from pppgen.policy.explanation import explain, last_turn
from pppgen.policy.state import Decided, FallingBack, Online, Rules, State, Waiting
from pppgen.reports import BearerFailed, BearerProgress, BearerUp, RadioSeen, Step, StepTime
from pppgen.system.files import Tree

QMI, PPP = BearerKind.QMI, BearerKind.PPP
AT = Moment(1_700_000_000.5, 1234.25, "5499169b")


def made(tmp_path: Path) -> Journal:
    return Journal(Tree(tmp_path), lambda: AT)


def text_of(tmp_path: Path) -> Path:
    return tmp_path / "var/lib/pppgen/journal.jsonl"


def numbered(number: int) -> Entry:
    return Entry(Kind.ASKED, AT, dial=number)


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    found = made(tmp_path)
    for number in range(5):
        found.write(numbered(number))
    assert [entry.dial for entry in read(Tree(tmp_path))] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("cut", [2, 10, 40])
def test_a_torn_last_line_costs_itself_alone(tmp_path: Path, cut: int) -> None:
    made(tmp_path).write(numbered(1))
    with text_of(tmp_path).open("ab") as file:
        file.write(dump(numbered(2)).encode()[:-cut])
    made(tmp_path).write(numbered(3))
    assert [entry.dial for entry in read(Tree(tmp_path))] == [1, 3]


@pytest.mark.parametrize(
    "foreign",
    [b"\n", b"\xff\xfe\n", b"{}\n", b"null\n", b"[" * 5000 + b"\n", b'{"kind":"future","wall":1,"boottime":1}\n'],
)
def test_foreign_lines_are_passed_over(tmp_path: Path, foreign: bytes) -> None:
    text_of(tmp_path).parent.mkdir(parents=True)
    text_of(tmp_path).write_bytes(dump(numbered(1)).encode() + foreign + dump(numbered(2)).encode())
    assert [entry.dial for entry in read(Tree(tmp_path))] == [1, 2]


@pytest.mark.parametrize("figure", ["NaN", "-Infinity", "1e300", "-1e18"])
@pytest.mark.parametrize("key", ["wall", "boottime", "seconds", "wait_s"])
def test_a_line_whose_time_no_clock_can_show_is_passed_over(tmp_path: Path, key: str, figure: str) -> None:
    damaged = json.dumps(json.loads(dump(numbered(1))) | {key: "?"}).replace('"?"', figure)
    text_of(tmp_path).parent.mkdir(parents=True)
    text_of(tmp_path).write_text(damaged + "\n" + dump(numbered(2)))
    assert [entry.dial for entry in read(Tree(tmp_path))] == [2]


def test_a_later_version_s_keys_are_passed_over() -> None:
    line = json.loads(dump(numbered(7))) | {"colour": "blue", "v": 2}
    assert load(json.dumps(line)).dial == 7


def test_the_journal_never_takes_more_than_two_files(tmp_path: Path) -> None:
    found = made(tmp_path)
    big = Entry(Kind.ASKED, AT, text="x" * TEXT_MAX, evidence=("y" * TEXT_MAX,) * 12)
    for _ in range(3 * journal.ROTATE_AT // 4000):
        found.write(big)
    files = list(text_of(tmp_path).parent.iterdir())
    assert len(files) == 2
    assert sum(path.stat().st_size for path in files) < 2 * journal.ROTATE_AT + 10_000
    assert all(entry == big for entry in read(Tree(tmp_path)))


def test_a_journal_that_cannot_be_written_stops_nothing_and_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text_of(tmp_path).mkdir(parents=True)
    found = made(tmp_path)
    for number in range(3):
        found.write(numbered(number))
    assert capsys.readouterr().err.count("cannot be written") == 1
    text_of(tmp_path).rmdir()
    found.write(numbered(9))
    assert [entry.dial for entry in read(Tree(tmp_path))] == [9]


def test_a_line_that_a_full_disk_took_in_part_costs_itself_alone(tmp_path: Path) -> None:
    found = made(tmp_path)
    found.write(numbered(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (text_of(tmp_path).stat().st_size + 20, hard))
    try:
        found.write(numbered(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    found.write(numbered(3))
    assert [entry.dial for entry in read(Tree(tmp_path))] == [1, 3]


def test_a_journal_and_a_screen_that_are_full_stop_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text_of(tmp_path).mkdir(parents=True)
    full = Path("/dev/full").open("w", buffering=1)  # noqa: SIM115 -- its closing fails too
    monkeypatch.setattr(sys, "stderr", full)
    made(tmp_path).write(numbered(1))
    writer(say)(numbered(2))
    with pytest.raises(OSError, match="No space"):
        full.close()


def test_a_decision_carries_the_evidence_of_the_failure_that_led_to_it() -> None:
    told: list[Entry] = []
    chronicler = Chronicler(lambda: AT, told.append)
    evidence = ("udhcpc: no lease, failing",)
    chronicler.reported(BearerFailed(4, QMI, Reason.NO_DHCP_LEASE, Step.LEASE, evidence), 0.0)
    decision = Decided(
        Online(QMI, 1000.0, Lease("10.0.0.2", "wwan0")),
        FallingBack(PPP, 1234.0, Reason.NO_DHCP_LEASE),
        4,
        Reason.NO_DHCP_LEASE,
        "next",
    )
    chronicler.decided(decision, State(Rules()), 1234.0)
    assert (told[-1].evidence, told[-1].step, told[-1].seconds) == (evidence, Step.LEASE, 234.25)


def test_the_same_step_with_the_same_words_is_told_once() -> None:
    told: list[Entry] = []
    chronicler = Chronicler(lambda: AT, told.append)
    for note in ("a", "a", "b", "b", "a"):
        chronicler.reported(BearerProgress(1, PPP, Step.TRAFFIC, note), 0.0)
    assert [entry.text for entry in told] == ["a", "b", "a"]


def test_the_signal_of_the_moment_and_the_cell_are_no_entry() -> None:
    seen = RadioSeen(1, PPP, Signal(), (Registration("cereg", RegistrationStat.HOME, "1A2B", "01C3D4E5"),))
    assert of_report(seen, AT) is None


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("+CIMI: 310260123456789", "310260123456789"),
        ("IMEI 866425030000013", "866425030000013"),
        ("+QCCID: 89014103211118510720", "89014103211118510720"),
        ('sent [PAP AuthReq id=0x1 user="me@carrier" password=<hidden>]', "me@carrier"),
        ("password secret1 for", "for\0"),
        ('AT+CGAUTH=1,1,"me","geheim"', "geheim"),
        ('AT+QICSGP=1,1,"apn","me","geheim",1', "geheim"),
        ('+CEREG: 2,1,"1A2B","01C3D4E5",8', "01C3D4E5"),
        ("evil \x1b[2J", "\x1b"),
    ],
)
def test_no_line_names_a_sim_a_modem_a_user_or_a_place(line: str, hidden: str) -> None:
    assert hidden not in scrubbed(line)


@pytest.mark.parametrize(
    "line",
    ["Connect: ppp0 <--> /dev/ttyUSB2", "local  IP address 100.64.12.89", "udhcpc: no lease, failing", "+CSQ: 22,99"],
)
def test_what_proves_something_stays(line: str) -> None:
    assert scrubbed(line) == line


@given(st.text())
def test_scrubbed_lines_are_bounded_printable_and_stay_as_they_are(line: str) -> None:
    once = scrubbed(line)
    assert len(once) <= TEXT_MAX
    assert once.isprintable()
    assert scrubbed(once) == once


entries = st.builds(
    Entry,
    kind=st.sampled_from(Kind),
    at=st.builds(
        Moment,
        st.floats(0, 4e9).map(lambda s: round(s, 3)),
        st.floats(0, 1e7).map(lambda s: round(s, 3)),
        st.just("ab"),
    ),
    dial=st.integers(0, 10**6),
    bearer=st.none() | st.sampled_from(BearerKind),
    step=st.none() | st.sampled_from(Step),
    reason=st.none() | st.sampled_from(Reason),
    text=st.text(max_size=50),
    evidence=st.lists(st.text(min_size=1, max_size=20), max_size=3).map(tuple),
    steps=st.lists(st.builds(StepTime, st.sampled_from(Step), st.just(1.5)), max_size=3).map(tuple),
)


@given(entries)
def test_an_entry_is_one_line_and_comes_back_as_it_was(entry: Entry) -> None:
    line = dump(entry)
    assert line.count("\n") == 1
    assert load(line) == entry


@given(st.binary(max_size=300))
def test_any_bytes_are_an_entry_or_a_value_error(line: bytes) -> None:
    with suppress(ValueError):
        load(line)


# --- explain ---


def story(*decisions: tuple[BearerFailed | BearerUp | None, Decided]) -> list[str]:
    told: list[Entry] = []
    chronicler = Chronicler(lambda: AT, told.append)
    for report, decision in decisions:
        if report is not None:
            chronicler.reported(report, 0.0)
        chronicler.decided(decision, State(Rules()), 0.0)
    found = last_turn(told)
    assert found is not None
    return list(explain(found, lambda _: "12:00:00"))


LEASE = Lease("10.0.0.2", "wwan0")


def test_a_planned_return_is_explained_as_one() -> None:
    told = story(
        (None, Decided(Online(PPP, 900.0, LEASE), FallingBack(QMI, 1234.0, None), 2)),
        (None, Decided(FallingBack(QMI, 1234.0, None), Online(QMI, 1240.0, LEASE), 3)),
    )
    assert len(told) == 5
    assert "its time to go back" in told[1]
    assert "up over QMI: 10.0.0.2 on wwan0" in told[4]


def test_a_wait_is_explained_with_its_rule_and_its_end_is_open() -> None:
    failed = BearerFailed(3, PPP, Reason.NO_SIGNAL, Step.REGISTRATION, ("+CSQ: 99,99",))
    told = story(
        (
            failed,
            Decided(Online(PPP, 900.0, LEASE), Waiting(1300.0, Reason.NO_SIGNAL, "delay"), 3, Reason.NO_SIGNAL, "wait"),
        )
    )
    assert "“wait”" in told[3]
    assert "+CSQ: 99,99" in told[2]
    assert told[4].startswith("Nothing has come of it yet")
