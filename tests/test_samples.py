"""The samples beside the journal: what the radio said, seldom unless it changes, and never where the modem is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.model import BearerKind, Registration, RegistrationStat, Signal
from pppgen.policy.chronicle import Moment
from pppgen.policy.sample import EVERY_S, Sample, dump, is_news, load
from pppgen.reports import BearerRecovered, RadioSeen
from pppgen.samples import PATH, ROTATE_AT, Samples, read
from pppgen.system.files import Tree

HOME, DENIED = RegistrationStat.HOME, RegistrationStat.DENIED


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def moment(self) -> Moment:
        return Moment(1.7e9 + self.now, self.now, "boot")


def seen(stat: RegistrationStat = HOME, rsrp: int | None = -90, dial: int = 1) -> RadioSeen:
    registration = Registration("cereg", stat, "1A2B", "01C3D4E5", "lte-m")
    return RadioSeen(dial, BearerKind.PPP, Signal(rsrp_dbm=rsrp, rat="lte-m"), (registration,))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def samples(tmp_path: Path, clock: Clock) -> Samples:
    return Samples(Tree(tmp_path), clock.moment)


def test_the_same_word_is_written_once_in_five_minutes_and_a_change_at_once(
    tmp_path: Path, clock: Clock, samples: Samples
) -> None:
    for second, report in (
        (0, seen()),
        (60, seen(rsrp=-95)),  # no news
        (120, seen(DENIED)),
        (180, seen(DENIED, None)),
        (240, seen(DENIED, None)),  # no news
        (500, seen(DENIED, None)),
        (501, seen(DENIED, None, dial=2)),
    ):
        clock.now = second
        samples.reported(report, 0.0)
        samples.reported(BearerRecovered(1, BearerKind.PPP), 0.0)
    assert [one.at.boottime for one in read(Tree(tmp_path))] == [0, 120, 180, 500, 501]


def test_no_place_is_written(tmp_path: Path, samples: Samples) -> None:
    samples.reported(seen(), 0.0)
    text = (tmp_path / PATH.lstrip("/")).read_text()
    assert "1A2B" not in text
    assert "01C3D4E5" not in text
    assert json.loads(text)["stats"] == {"cereg": "home"}


def test_the_file_is_bounded_and_its_older_half_is_read_too(tmp_path: Path, clock: Clock, samples: Samples) -> None:
    size = len(dump(Sample(Moment(1.7e9, 1e6, "boot"), 1, BearerKind.PPP, seen().signal, (("cereg", HOME),))))
    rounds = 3 * ROTATE_AT // size
    for number in range(rounds):
        clock.now = number * EVERY_S
        samples.reported(seen(), 0.0)
    files = [tmp_path / PATH.lstrip("/"), tmp_path / f"{PATH}.1".lstrip("/")]
    assert all(0 < file.stat().st_size <= ROTATE_AT + size for file in files)
    times = [one.at.boottime for one in read(Tree(tmp_path))]
    assert times == sorted(times)
    assert times[-1] == (rounds - 1) * EVERY_S


def test_a_disk_that_refuses_stops_nothing(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "var").write_text("a file where a folder should be")
    Samples(Tree(tmp_path), clock.moment).reported(seen(), 0.0)


def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path, samples: Samples) -> None:
    samples.reported(seen(), 0.0)
    with (tmp_path / PATH.lstrip("/")).open("a") as file:
        file.write(
            '{"wall": 1}\n[]\nnull\n{"wall": "x", "boottime": 1}\n{"wall":1,"boottime":2,"stats":{"cereg":"?"}}\n\xff{'
        )
    assert len(list(read(Tree(tmp_path)))) == 1


@given(
    st.builds(
        Sample,
        st.builds(Moment, st.integers(0, 2**33).map(float), st.integers(0, 2**30).map(float), st.just("b")),
        st.integers(0, 10**6),
        st.sampled_from(BearerKind),
        st.builds(
            Signal, st.integers(-140, 0), st.none() | st.integers(-140, 0), st.none(), st.just(4.5), st.just("lte")
        ),
        st.sampled_from([(), (("cereg", HOME), ("creg", DENIED))]),
        st.none() | st.integers(0, 2**40),
        st.none() | st.integers(0, 2**40),
    )
)
def test_a_line_reads_back_as_it_was(sample: Sample) -> None:
    assert load(dump(sample)) == sample


def test_a_new_boot_is_news() -> None:
    sample = Sample(Moment(0.0, 100.0, "a"), 1)
    assert is_news(replace(sample, at=Moment(0.0, 101.0, "b")), sample)
    assert is_news(sample, None)
