"""Reading a modem: the user's own answers, refusals that cost one field only, and what holds a dial."""

from dataclasses import replace

import pytest

from pppgen.at.pace import Pace
from pppgen.at.reading import Reading, obstacle, read_identity, read_modem, read_network, words
from pppgen.errors import ModemSilent, PortGone
from pppgen.model import Identity, Reason, Registration, RegistrationStat, Signal, SimState
from pppgen.modems.catalog import family_for, family_named, names
from tests.fakes.answering import GONE, SILENT, USERS_BG96, AnsweringModem, SlowModem

BG96 = family_named("bg96")


def test_the_users_modem_is_read_whole() -> None:
    reading = read_modem(AnsweringModem(USERS_BG96), BG96)
    assert reading.identity == Identity("Quectel", "BG96", "BG96MAR02A07M1G", "866425031234567")
    assert (reading.sim, reading.pin_tries.pin, reading.imsi) == (SimState.READY, 3, "310410123456789")
    assert reading.iccid == "89883070000001234567"
    assert (reading.operator, reading.rat, reading.serving.band) == ("AT&T Twilio", "lte-m", "LTE BAND 12")
    assert reading.signal == Signal(-62, -92, -14, -1.4, "lte-m")
    assert [(one.domain, one.stat.value) for one in reading.registrations] == [
        ("cereg", "roaming"),
        ("cgreg", "unknown"),
    ]
    assert reading.bearers[0].dns == ("8.8.8.8", "8.8.4.4")
    assert reading.settings == (("band", "0xf,0x400a0e189f,0xa0e189f"), ("nwscanmode", "3"))
    assert reading.attached is True
    assert obstacle(reading) is None


def test_settings_that_this_firmware_lacks_are_left_out_and_named_as_unread() -> None:
    reading = read_modem(AnsweringModem(USERS_BG96), BG96)
    assert 'AT+QCFG="iotopmode"' in [said.command for said in reading.unread]


def test_nothing_is_written_to_the_modem() -> None:
    modem = AnsweringModem(USERS_BG96)
    read_modem(modem, BG96)
    writing = [command for command in modem.asked if "=" in command and not command.startswith(("AT+QCFG", "AT+QPINC"))]
    assert writing == ['AT+QNWCFG="backoff"']
    assert not [command for command in modem.asked if command.startswith("AT+QCFG") and "," in command]


def test_lte_m_asks_for_the_eps_registration_first() -> None:
    modem = AnsweringModem(USERS_BG96)
    read_network(modem, BG96)
    asked = [command for command in modem.asked if "REG?" in command]
    assert asked == ["AT+CEREG?", "AT+CGREG?", "AT+CREG?"]


def test_the_short_look_asks_only_for_what_holds_a_dial() -> None:
    modem = AnsweringModem(USERS_BG96)
    reading = read_network(modem, BG96)
    assert not {"AT+COPS?", "AT+QNWINFO"} & set(modem.asked)
    assert (reading.signal, reading.registrations) == (
        read_modem(AnsweringModem(USERS_BG96), BG96).signal,
        read_modem(AnsweringModem(USERS_BG96), BG96).registrations,
    )


def test_each_question_gets_the_callers_deadline() -> None:
    modem = AnsweringModem(USERS_BG96)
    read_modem(modem, BG96, timeout_s=1.5)
    assert set(modem.timeouts) == {1.5}


def test_no_question_is_asked_twice() -> None:
    for name in names():
        modem = AnsweringModem({})
        read_modem(modem, family_named(name))
        assert len(modem.asked) == len(set(modem.asked))


def test_a_modem_that_answers_error_to_everything_is_still_read() -> None:
    reading = read_modem(AnsweringModem({}), BG96)
    assert replace(reading, unread=()) == Reading()
    assert obstacle(reading) is None


def test_one_silence_costs_one_field() -> None:
    modem = AnsweringModem({**USERS_BG96, "AT+COPS?": SILENT})
    reading = read_modem(modem, BG96)
    assert reading.operator == ""
    assert reading.attached is True


def test_two_silences_in_a_row_end_the_reading() -> None:
    modem = AnsweringModem({**USERS_BG96, "AT+CEREG?": SILENT, "AT+CGREG?": SILENT})
    with pytest.raises(ModemSilent):
        read_modem(modem, BG96)
    assert modem.asked[-1] == "AT+CGREG?"


def test_a_port_that_vanishes_is_not_hidden() -> None:
    with pytest.raises(PortGone):
        read_modem(AnsweringModem({**USERS_BG96, "AT+COPS?": GONE}), BG96)


def test_an_absent_sim_is_not_asked_for_its_numbers() -> None:
    modem = AnsweringModem({**USERS_BG96, "AT+CPIN?": "+CME ERROR: 10"})
    reading = read_modem(modem, BG96)
    assert obstacle(reading) is Reason.SIM_MISSING
    assert not {"AT+QCCID", "AT+CIMI", 'AT+QPINC="SC"'} & set(modem.asked)


def test_garbage_is_kept_raw_and_short() -> None:
    reading = read_modem(AnsweringModem({**USERS_BG96, "AT+CSQ": "fog " * 100_000}), BG96)
    raw = next(said.raw for said in reading.unread if said.command == "AT+CSQ")
    assert raw.startswith("fog")
    assert len(raw) <= 200


def test_a_sim7600_tells_signal_and_cell_in_one_answer() -> None:
    modem = AnsweringModem(
        {"AT+CPSI?": "+CPSI: LTE,Online,262-01,0x230A,175499523,318,EUTRAN-BAND3,1650,5,0,-85,-1062,-750,13"}
    )
    reading = read_modem(modem, family_named("sim7600"))
    assert (reading.signal.rsrp_dbm, reading.serving.band, reading.rat) == (-106, "EUTRAN-BAND3", "lte")
    assert modem.asked.count("AT+CPSI?") == 1


def test_the_identity_is_completed_by_the_standards_questions() -> None:
    modem = AnsweringModem({"ATI": "SIM7000E R1351", "AT+CGMI": "SIMCOM_Ltd", "AT+CGSN": "861075020112344"})
    found = read_identity(modem)
    assert found == Identity("SIMCOM_Ltd", "SIM7000E R1351", "", "861075020112344")
    assert family_for("1e0e", "9001", words(found)).name == "sim7000"


def reg(**stats: RegistrationStat) -> tuple[Registration, ...]:
    return tuple(Registration(domain, stat) for domain, stat in stats.items())


NOT, HOME, SEARCHING = RegistrationStat.NOT_REGISTERED, RegistrationStat.HOME, RegistrationStat.SEARCHING
DENIED, UNKNOWN, ROAMING = RegistrationStat.DENIED, RegistrationStat.UNKNOWN, RegistrationStat.ROAMING
HEARD = Signal(rssi_dbm=-69)


@pytest.mark.parametrize(
    ("registrations", "signal", "known", "reason"),
    [
        (reg(cgreg=UNKNOWN), HEARD, True, None),  # the user's own working session
        (reg(cgreg=UNKNOWN), Signal(), True, Reason.NO_SIGNAL),  # +CSQ: 99,99: CONNECT, then nothing
        (reg(cgreg=UNKNOWN), Signal(), False, None),
        (reg(cereg=ROAMING, cgreg=NOT, creg=NOT), Signal(), True, None),
        (reg(cereg=HOME, creg=DENIED), HEARD, True, None),
        (reg(cereg=SEARCHING, cgreg=UNKNOWN), HEARD, True, None),
        (reg(cereg=SEARCHING), HEARD, True, Reason.NOT_REGISTERED),
        (reg(cereg=SEARCHING, cgreg=NOT), Signal(), True, Reason.NO_SIGNAL),
        (reg(cereg=NOT), Signal(), False, Reason.NOT_REGISTERED),
        (reg(cereg=DENIED, creg=NOT), HEARD, True, Reason.REGISTRATION_DENIED),
        (reg(creg=RegistrationStat.LIMITED), HEARD, True, Reason.NOT_REGISTERED),
        ((), Signal(), True, None),  # a modem that tells nothing may dial
    ],
)
def test_only_what_is_known_holds_a_dial(
    registrations: tuple[Registration, ...], signal: Signal, known: bool, reason: Reason | None
) -> None:
    reading = Reading(registrations=registrations, signal=signal, signal_known=known, sim=SimState.READY)
    assert obstacle(reading) is reason


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (SimState.ABSENT, Reason.SIM_MISSING),
        (SimState.PIN, Reason.SIM_PIN),
        (SimState.PUK, Reason.SIM_PUK),
        (SimState.NETWORK_LOCK, Reason.NETWORK_LOCK),
        (SimState.BUSY, None),
        (SimState.UNKNOWN, None),
    ],
)
def test_a_sim_that_lets_nobody_in_holds_a_dial(state: SimState, reason: Reason | None) -> None:
    assert obstacle(Reading(sim=state, registrations=reg(cereg=HOME))) is reason


def paced(answer_s: float, deadline: float, **changes: str) -> tuple[Reading, SlowModem, Pace]:
    """Read the user's modem while a deadline lasts, from a first answer on that took as long as all others."""
    slow = SlowModem(AnsweringModem({**USERS_BG96, **changes}), answer_s)
    slow.now = answer_s
    pace = Pace(slow, slow.clock, deadline, answer_s)
    return read_modem(pace, BG96, 2.0, pace.goes_on), slow, pace


def test_a_slow_modem_is_asked_what_decides_about_a_dial_and_no_more_once_the_time_is_over() -> None:
    reading, slow, pace = paced(0.9, 4.5)
    assert slow.modem.asked == ["AT+CPIN?", "AT+CEREG?", "AT+CGREG?", "AT+CREG?"]
    assert slow.now == pytest.approx(4.5)
    assert pace.answer_s == pytest.approx(0.9)
    assert (reading.sim, [one.domain for one in reading.registrations]) == (SimState.READY, ["cereg", "cgreg"])
    assert not set(reading.unasked) & set(slow.modem.asked)
    assert {"AT+QCSQ", "AT+CFUN?", "AT+CIMI", "AT+QCCID", "AT+CGDCONT?", "ATI"} <= set(reading.unasked)
    assert obstacle(reading) is None


def test_what_was_not_asked_is_told_and_is_not_called_unread() -> None:
    whole = AnsweringModem(USERS_BG96)
    read_modem(whole, BG96)
    reading, slow, _ = paced(0.3, 2.8)
    assert set(whole.asked) <= {*slow.modem.asked, *reading.unasked}
    assert not {said.command for said in reading.unread} & set(reading.unasked)


def test_a_question_that_was_asked_keeps_its_whole_deadline_however_little_time_is_left() -> None:
    _, slow, _ = paced(0.9, 4.5)
    assert slow.modem.timeouts == [2.0] * len(slow.modem.asked)


def test_one_silence_leaves_no_time_for_a_second() -> None:
    reading, slow, _ = paced(0.01, 2.8, **{"AT+CPIN?": SILENT, "AT+CEREG?": SILENT, "AT+CGREG?": SILENT})
    assert reading.sim is SimState.UNKNOWN
    assert slow.now < 2.8 + 2.0


def test_a_modem_that_answers_at_once_is_asked_everything() -> None:
    reading, slow, _ = paced(0.02, 2.8)
    assert reading.unasked == ()
    assert reading == read_modem(AnsweringModem(USERS_BG96), BG96)
    assert slow.now < 2.8
