"""One port's questions, answered by all kinds of things that hang on a serial port; time is a number here."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.at.codec import LINE_MAX
from pppgen.interview import Dtr, Effect, Interview, Seen, Send
from pppgen.model import ExpectedRole, PortRole

LCP = b"\x7e\xff\x7d\x23\xc0\x21\x7d\x21\x7d\x20\x7d\x20\x7d\x34\x7e"
GGA = b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"
ANSWERS = {b"AT\r": b"\r\nOK\r\n", b"ATI\r": b"\r\nQuectel\r\nBG96\r\n\r\nOK\r\n"}

Replies = dict[bytes, bytes] | Callable[[bytes], bytes]


def hold(interview: Interview, replies: Replies, unasked: Iterable[bytes] = (), answer_s: float = 0.1) -> list[Effect]:
    """Hold the interview to its end and return all that was done to the port; `unasked` comes after the first `AT`."""
    now, done = 0.0, list(interview.begin(0.0))
    todo = list(done)
    for data in unasked:
        todo += interview.received(data, now)
    while not interview.over:
        effect = todo.pop(0) if todo else None
        match effect:
            case Send(data):
                reply = replies(data) if callable(replies) else replies.get(data, b"")
                if reply:
                    now += answer_s
                    more = interview.received(reply, now)
                    todo, done = todo + more, done + more
            case Dtr(raised):
                if isinstance(replies, StuckInData) and not raised:
                    replies.dtr_dropped()
            case None:
                assert interview.deadline is not None
                now = max(now, interview.deadline)
                more = interview.expired(now)
                todo, done = todo + more, done + more
        assert now < 60
    return done


def seen(replies: Replies, expected: ExpectedRole = ExpectedRole.UNKNOWN, unasked: Iterable[bytes] = ()) -> Seen:
    interview = Interview("/dev/ttyUSB2", expected)
    hold(interview, replies, unasked)
    return interview.seen


def test_a_port_that_names_its_modem_speaks_at() -> None:
    found = seen(ANSWERS)
    assert (found.role, found.said) == (PortRole.AT, ("Quectel", "BG96"))
    assert found.answer_s == pytest.approx(0.1)


def test_nothing_is_sent_but_questions() -> None:
    interview = Interview("/dev/ttyUSB2", ExpectedRole.AT)
    assert hold(interview, ANSWERS) == [Send(b"AT\r"), Send(b"ATI\r")]


@pytest.mark.parametrize("ati", [b"\r\nERROR\r\n", b"\r\nOK\r\n", b"\r\n+CME ERROR: \r\n", b""])
def test_a_modem_that_does_not_know_ati_is_asked_for_its_model(ati: bytes) -> None:
    found = seen({**ANSWERS, b"ATI\r": ati, b"AT+CGMM\r": b"\r\n+CGMM: LE910C1\r\n\r\nOK\r\n"})
    assert (found.role, found.said) == (PortRole.AT, ("+CGMM: LE910C1",))


def test_an_identity_without_ok_is_one() -> None:
    found = seen({**ANSWERS, b"ATI\r": b"\r\nSIM7600E\r\n"})
    assert (found.role, found.said, found.note) == (PortRole.AT, ("SIM7600E",), "ATI is not ended by OK")


def test_ok_alone_does_not_make_an_at_port() -> None:
    found = seen(lambda data: b"OK\r\n" if data.endswith(b"\r") else b"")
    assert (found.role, found.note) == (PortRole.SILENT, "says OK to AT but does not name a modem")


def test_a_loopback_is_no_modem() -> None:
    found = seen(lambda data: data)
    assert found.role is PortRole.SILENT
    assert "loopback" in found.note


def test_a_login_prompt_is_no_modem() -> None:
    found = seen({b"AT\r": b"AT\r\nPassword: \r\nLogin incorrect\r\n"})
    assert found.role is PortRole.SILENT


def test_silence_is_silence() -> None:
    assert seen({}).role is PortRole.SILENT


def test_nmea_is_named_sooner_than_silence() -> None:
    interview = Interview("/dev/ttyUSB1", ExpectedRole.NMEA)
    hold(interview, {}, [GGA])
    assert interview.seen.role is PortRole.NMEA
    assert interview.ended_at is not None
    assert interview.ended_at < 2


@pytest.mark.parametrize("cut", range(1, 12))
def test_nmea_is_seen_wherever_it_is_cut(cut: int) -> None:
    assert seen({}, unasked=[GGA[:cut], GGA[cut:]]).role is PortRole.NMEA


def test_nmea_on_an_at_port_does_not_hide_it() -> None:
    found = seen({**ANSWERS, b"ATI\r": GGA + b"\r\nSIM7000E\r\n" + GGA + b"\r\nOK\r\n"}, unasked=[GGA])
    assert (found.role, found.said) == (PortRole.AT, ("SIM7000E",))


def test_an_error_from_a_half_typed_line_is_overcome() -> None:
    answers = iter([b"\r\nERROR\r\n", b"\r\nOK\r\n"])
    assert seen(lambda data: next(answers) if data == b"AT\r" else ANSWERS.get(data, b"")).role is PortRole.AT


def test_a_port_that_only_says_error_is_given_up() -> None:
    assert seen(lambda _: b"\r\nERROR\r\n", ExpectedRole.AT).role is PortRole.SILENT


def test_a_slow_modem_that_answers_twice_is_still_read_right() -> None:
    interview = Interview("/dev/ttyUSB2", ExpectedRole.AT)
    interview.begin(0.0)
    assert interview.expired(1.5) == [Send(b"AT\r")]
    assert interview.received(b"\r\nOK\r\n", 2.0) == [Send(b"ATI\r")]
    assert interview.received(b"\r\nOK\r\n", 3.4) == []
    interview.received(b"\r\nBG96\r\n\r\nOK\r\n", 4.0)
    assert interview.seen.said == ("BG96",)


class StuckInData:
    """A modem that a crash left in a call: it leaves it for a DTR drop, for `+++`, or for nothing."""

    def __init__(self, *, leaves_on_dtr: bool, leaves_on_plus: bool) -> None:
        self.leaves_on_dtr = leaves_on_dtr
        self.leaves_on_plus = leaves_on_plus
        self.in_call = True

    def dtr_dropped(self) -> None:
        self.in_call = self.in_call and not self.leaves_on_dtr

    def __call__(self, data: bytes) -> bytes:
        if self.in_call and data == b"+++" and self.leaves_on_plus:
            self.in_call = False
            return b"\r\nOK\r\n"
        if self.in_call:
            return LCP
        return {**ANSWERS, b"ATH\r": b"\r\nOK\r\n"}.get(data, b"")


@pytest.mark.parametrize("expected", [ExpectedRole.DIAL, ExpectedRole.UNKNOWN])
def test_a_port_in_data_mode_is_brought_back_by_plus(expected: ExpectedRole) -> None:
    interview = Interview("/dev/ttyUSB3", expected)
    done = hold(interview, StuckInData(leaves_on_dtr=False, leaves_on_plus=True))
    assert interview.seen.role is PortRole.AT
    assert interview.seen.recovered
    assert done == [
        Send(b"AT\r"),
        Dtr(raised=False),
        Dtr(raised=True),
        Send(b"AT\r"),
        Send(b"+++"),
        Send(b"ATH\r"),
        Send(b"ATI\r"),
    ]


def test_a_port_in_data_mode_is_brought_back_by_dtr_alone() -> None:
    interview = Interview("/dev/ttyUSB3", ExpectedRole.DIAL)
    done = hold(interview, StuckInData(leaves_on_dtr=True, leaves_on_plus=False))
    assert interview.seen.role is PortRole.AT
    assert interview.seen.recovered
    assert Send(b"+++") not in done


def test_the_escape_is_guarded_by_a_second_of_silence_on_both_sides() -> None:
    interview = Interview("/dev/ttyUSB3", ExpectedRole.DIAL)
    interview.begin(0.0)
    interview.received(LCP, 0.1)
    sent_at, now = 0.0, 0.1
    while True:
        assert interview.deadline is not None
        now = interview.deadline
        effects = interview.expired(now)
        if Send(b"+++") in effects:
            break
        sent_at = now if effects else sent_at
    assert now - sent_at > 1.0
    assert interview.deadline - now > 1.0


def test_a_port_that_stays_in_data_mode_says_so() -> None:
    interview = Interview("/dev/ttyUSB3", ExpectedRole.DIAL)
    hold(interview, StuckInData(leaves_on_dtr=False, leaves_on_plus=False))
    assert interview.seen.role is PortRole.DATA


def test_recovery_can_be_forbidden() -> None:
    interview = Interview("/dev/ttyUSB3", ExpectedRole.DIAL, recover=False)
    assert hold(interview, StuckInData(leaves_on_dtr=True, leaves_on_plus=True)) == [Send(b"AT\r")]
    assert interview.seen.role is PortRole.DATA


@pytest.mark.parametrize("cut", range(1, len(LCP)))
def test_a_ppp_frame_is_seen_wherever_it_is_cut(cut: int) -> None:
    interview = Interview("/dev/ttyUSB3", recover=False)
    hold(interview, {}, [LCP[:cut], LCP[cut:]])
    assert interview.seen.role is PortRole.DATA


def test_an_unlisted_silent_port_is_not_shaken() -> None:
    interview = Interview("/dev/ttyUSB0")
    assert hold(interview, {}) == [Send(b"AT\r"), Send(b"AT\r")]


def test_a_megabyte_of_garbage_changes_nothing_and_is_held_nowhere() -> None:
    interview = Interview("/dev/ttyUSB2", ExpectedRole.AT)
    interview.begin(0.0)
    for _ in range(256):
        interview.received(b"\xa5" * 4096, 0.1)
    assert len(interview._codec._tail) <= LINE_MAX
    assert len(interview._window) <= 16
    assert interview.received(b"\r\nOK\r\n", 0.2) == [Send(b"ATI\r")]


def test_an_identity_is_bounded_and_printable() -> None:
    found = seen({**ANSWERS, b"ATI\r": b"\r\n\x1b[2JBG96\x07\r\n" + b"x\r\n" * 500 + b"OK\r\n"})
    assert found.said[0] == "[2JBG96"
    assert len(found.said) <= 32


@given(st.lists(st.binary(max_size=40), max_size=10), st.sampled_from(ExpectedRole))
def test_any_noise_ends_in_a_verdict(noise: list[bytes], expected: ExpectedRole) -> None:
    interview = Interview("/dev/ttyUSB2", expected)
    hold(interview, {}, noise)
    assert interview.over
    assert interview.seen.role is not PortRole.UNPROBED
