"""Radio settings: a person's words, read-compare-write, and the way back."""

import pytest

from pppgen import radio
from pppgen.errors import BadValue, NoPermission
from pppgen.modems import catalog
from pppgen.modems.catalog import Rat, family_named
from pppgen.radio import Result, Row
from tests.fakes.answering import SILENT, AnsweringModem
from tests.fakes.flash import Flash

BG96 = family_named("bg96")
FACTORY = {"band": "0xf,0x400a0e189f,0xa0e189f", "nwscanseq": "020301", "nwscanmode": "0", "iotopmode": "2"}


def results(rows: tuple[Row, ...]) -> dict[str, str]:
    return {row.key: str(row.result) for row in rows}


def test_without_a_request_nothing_is_read_or_written() -> None:
    modem = AnsweringModem({})
    assert radio.apply(modem, BG96, radio.wanted(BG96)) == ()
    assert modem.asked == []


def test_only_a_difference_is_written_and_the_old_value_is_kept() -> None:
    flash = Flash(FACTORY)
    rows = radio.apply(flash, BG96, radio.wanted(BG96, rat=Rat.LTE_M))
    assert [row.as_json() for row in rows] == [
        {"key": "nwscanmode", "old": "0", "new": "3", "result": "written"},
        {"key": "iotopmode", "old": "2", "new": "0", "result": "written"},
    ]
    again = radio.apply(flash, BG96, radio.wanted(BG96, rat=Rat.LTE_M))
    assert set(results(again).values()) == {"same"}
    assert len(flash.written) == 2


def test_the_old_value_is_kept_before_the_modem_is_written_to() -> None:
    flash = Flash(FACTORY)

    def full_disk(key: str, old: str) -> None:
        raise NoPermission(f"no room for {key} {old}")

    with pytest.raises(NoPermission, match="nwscanmode 0"):
        radio.apply(flash, BG96, radio.wanted(BG96, rat=Rat.LTE_M), keep=full_disk)
    assert flash.written == []


def test_the_guides_settings_are_the_transcripts_four_commands() -> None:
    assert radio.guide_commands(BG96) == (
        'AT+QCFG="band",F,400A0E189F,A0E189F,1',
        'AT+QCFG="nwscanseq",02,1',
        'AT+QCFG="nwscanmode",3,1',
        'AT+QCFG="iotopmode",0,1',
    )
    flash = Flash({key: "1" if key != "band" else "0x1,0x2,0x4" for key in FACTORY})
    radio.apply(flash, BG96, radio.wanted(BG96, guide=True))
    assert tuple(flash.written) == radio.guide_commands(BG96)


def test_a_mask_read_with_0x_and_lower_case_is_the_same() -> None:
    flash = Flash({**FACTORY, "nwscanseq": "02", "nwscanmode": "3", "iotopmode": "0"})
    rows = radio.apply(flash, BG96, radio.wanted(BG96, guide=True))
    assert set(results(rows).values()) == {"same"}
    assert flash.written == []


def test_bands_of_one_field_leave_the_others_as_they_are() -> None:
    flash = Flash(FACTORY)
    radio.apply(flash, BG96, radio.wanted(BG96, rat=Rat.LTE_M, band_names=["B2", "B4", "B12"]))
    assert 'AT+QCFG="band",0,80A,40000000,1' in flash.written
    assert flash.settings["band"] == "0xf,0x80a,0xa0e189f"


def test_rollback_brings_back_the_very_values() -> None:
    flash = Flash(FACTORY)
    wanted = radio.wanted(BG96, rat=Rat.LTE_M, band_names=["B2"], scan_order=[Rat.LTE_M, Rat.GSM])
    rows = radio.apply(flash, BG96, wanted)
    assert flash.settings != FACTORY
    back = radio.apply(flash, BG96, radio.undo_of(rows))
    assert flash.settings == FACTORY
    assert set(results(back).values()) == {"written"}


def test_a_key_that_the_firmware_lacks_is_unsupported_and_the_rest_goes_on() -> None:
    flash = Flash({key: value for key, value in FACTORY.items() if key != "nwscanmode"})
    rows = radio.apply(flash, BG96, radio.wanted(BG96, rat=Rat.LTE_M))
    assert results(rows) == {"nwscanmode": "unsupported", "iotopmode": "written"}


def test_a_value_that_the_modem_refuses_is_failed_and_not_undone() -> None:
    flash = Flash(FACTORY, refused=("band",))
    rows = radio.apply(flash, BG96, radio.wanted(BG96, band_names=["B2"], rat=Rat.NB_IOT))
    assert results(rows)["band"] == "failed"
    assert "band" not in dict(radio.undo_of(rows))


def test_a_silent_modem_fails_the_setting_only() -> None:
    modem = AnsweringModem({'AT+QCFG="nwscanmode"': SILENT, 'AT+QCFG="iotopmode"': '+QCFG: "iotopmode",0'})
    rows = radio.apply(modem, BG96, radio.wanted(BG96, rat=Rat.LTE_M))
    assert results(rows) == {"nwscanmode": "failed", "iotopmode": "same"}


def test_a_write_without_an_answer_may_have_been_done_and_keeps_the_way_back() -> None:
    modem = AnsweringModem({'AT+QCFG="nwscanmode"': '+QCFG: "nwscanmode",0', 'AT+QCFG="nwscanmode",1,1': SILENT})
    (row,) = radio.apply(modem, BG96, radio.wanted(BG96, rat=Rat.GSM))
    assert row == Row("nwscanmode", "0", "1", Result.FAILED, doubtful=True)
    assert radio.undo_of([row]) == (("nwscanmode", "0"),)


def test_a_band_that_the_family_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(BadValue) as caught:
        radio.wanted(BG96, band_names=["B2", "B7"])
    assert "has no band 'B7'" in caught.value.message
    assert "B1, B2, B3, B4, B5, B8, B12" in caught.value.message


def test_a_band_of_the_other_technology_is_refused() -> None:
    with pytest.raises(BadValue, match="has no band 'B39' for nb-iot"):
        radio.wanted(BG96, rat=Rat.NB_IOT, band_names=["B39"])


def test_a_band_that_only_one_technology_has_is_given_to_that_one() -> None:
    assert radio.wanted(BG96, band_names=["B39"]) == (("band", ",4000000000,"),)


@pytest.mark.parametrize(
    ("name", "rat", "told"),
    [
        ("ec25", Rat.LTE_M, "--rat lte-m is not possible; it has gsm, wcdma, lte, auto"),
        ("sierra", Rat.LTE, "its radio is not settable by pppgen"),
        ("generic", Rat.AUTO, "its radio is not settable by pppgen"),
    ],
)
def test_a_technology_that_the_family_lacks_is_refused(name: str, rat: Rat, told: str) -> None:
    with pytest.raises(BadValue, match=told):
        radio.wanted(family_named(name), rat=rat)


def test_bands_that_pppgen_cannot_set_are_refused_clearly() -> None:
    with pytest.raises(BadValue, match=r"Sierra Wireless .*: its bands are not settable by pppgen"):
        radio.wanted(family_named("sierra"), band_names=["B2"])


def test_a_guide_is_only_known_where_there_is_one() -> None:
    with pytest.raises(BadValue, match="no guide's radio settings"):
        radio.wanted(family_named("ec25"), guide=True)


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ([Rat.LTE_M, Rat.WCDMA], "--scan-order wcdma is not possible; it scans gsm, lte-m, nb-iot, auto"),
        ([Rat.LTE_M, Rat.LTE_M], "each technology once"),
        ([Rat.AUTO, Rat.GSM], "auto alone"),
    ],
)
def test_a_scan_order_that_makes_no_sense_is_refused(order: list[Rat], told: str) -> None:
    with pytest.raises(BadValue, match=told):
        radio.wanted(BG96, scan_order=order)


def test_a_family_without_a_scan_order_says_so() -> None:
    with pytest.raises(BadValue, match="its scan order is not settable"):
        radio.wanted(family_named("le910"), scan_order=[Rat.LTE])


def test_a_sim7600_keeps_the_fields_that_were_not_asked_for() -> None:
    family = family_named("sim7600")
    said = "0x0002000004400183,0x000000000000009F,0x0000000000000021"
    modem = AnsweringModem({"AT+CNBP?": f"+CNBP: {said}", "AT+CNMP?": "+CNMP: 2"})
    radio.apply(modem, family, radio.wanted(family, band_names=["B3"]))
    assert modem.asked[-1] == "AT+CNBP=0x0002000004400183,0x0000000000000004,0x0000000000000021"


def test_a_firmware_with_fewer_fields_gets_fewer() -> None:
    family = family_named("sim7600")
    modem = AnsweringModem({"AT+CNBP?": "+CNBP: 0x0000000000000180,0x00000000080800C5"})
    radio.apply(modem, family, radio.wanted(family, band_names=["B3"]))
    assert modem.asked[-1] == "AT+CNBP=0x0000000000000180,0x0000000000000004"


def test_lists_of_bands_are_compared_as_they_stand() -> None:
    family = family_named("sim7070")
    said = '+CBANDCFG: "CAT-M",2,4\n+CBANDCFG: "NB-IOT",1,2,3,5'
    modem = AnsweringModem({"AT+CBANDCFG?": said, 'AT+CBANDCFG="NB-IOT",2,4': "OK"})
    rows = radio.apply(modem, family, radio.wanted(family, band_names=["B2", "B4"]))
    assert results(rows) == {"CBANDCFG-CAT-M": "same"} | {"CBANDCFG-NB-IOT": "written"}


def test_sara_r4_writes_each_technologys_mask_in_decimal() -> None:
    family = family_named("sara-r4")
    answers = {"AT+UBANDMASK?": "+UBANDMASK: 0,6170,1,6170", "AT+UBANDMASK=0,8": "OK", "AT+UBANDMASK=1,8": "OK"}
    rows = radio.apply(AnsweringModem(answers), family, radio.wanted(family, band_names=["B4"]))
    assert [(row.old, row.new, row.result, row.reboot) for row in rows] == [
        ("6170", "8", Result.WRITTEN, True),
        ("6170", "8", Result.WRITTEN, True),
    ]


def test_sara_r4_with_a_second_mask_is_left_alone() -> None:
    family = family_named("sara-r4")
    answers = {"AT+UBANDMASK?": "+UBANDMASK: 0,6170,1,1,6170,0"}
    rows = radio.apply(AnsweringModem(answers), family, radio.wanted(family, band_names=["B4"]))
    assert {row.result for row in rows} == {Result.UNSUPPORTED}


def test_huawei_changes_one_field_of_its_one_command() -> None:
    family = family_named("huawei")
    answers = {"AT^SYSCFGEX?": '^SYSCFGEX: "00",3FFFFFFF,1,2,800C5,,'}
    modem = AnsweringModem(answers)
    radio.apply(modem, family, radio.wanted(family, rat=Rat.LTE, band_names=["B3", "B20"]))
    assert modem.asked[-1] == 'AT^SYSCFGEX="03",3FFFFFFF,1,2,80004,,'


def test_telit_leaves_gsm_and_wcdma_alone() -> None:
    family = family_named("le910")
    modem = AnsweringModem({"AT#BND?": "#BND: 5,3,524288"})
    radio.apply(modem, family, radio.wanted(family, band_names=["B20", "B3"]))
    assert modem.asked[-1] == "AT#BND=5,3,524292"


def test_fields_that_pppgen_does_not_know_are_neither_compared_nor_written() -> None:
    family = family_named("le910")  # an ME910G1 has five fields
    modem = AnsweringModem({"AT#BND?": "#BND: 5,0,252582047,0,1048578"})
    (row,) = radio.apply(modem, family, radio.wanted(family, band_names=["B20"]))
    assert modem.asked[-1] == "AT#BND=5,0,524288"
    again = AnsweringModem({"AT#BND?": "#BND: 5,0,524288,0,1048578"})
    (row,) = radio.apply(again, family, radio.wanted(family, band_names=["B20"]))
    assert row.result is Result.SAME


def test_a_longer_list_is_not_the_same() -> None:
    family = family_named("sim7070")
    modem = AnsweringModem({"AT+CBANDCFG?": '+CBANDCFG: "CAT-M",2,4,12\n+CBANDCFG: "NB-IOT",2,4'})
    radio.apply(modem, family, radio.wanted(family, rat=Rat.LTE_M, band_names=["B2", "B4"]))
    assert modem.asked[-1] == 'AT+CBANDCFG="CAT-M",2,4'


@pytest.mark.parametrize("name", catalog.names())
def test_every_word_of_every_family_makes_commands_that_can_be_sent(name: str) -> None:
    family = family_named(name)
    for rat in dict(family.radio.rats):
        for key, value in radio.wanted(family, rat=rat):
            setting = family.radio.setting(key)
            assert setting is not None
            command = setting.write.format(value=value)
            assert command.isascii()
            assert command.isprintable()
    if family.radio.scan_key:
        for rat in dict(family.radio.scan_codes):
            assert radio.wanted(family, scan_order=[rat])
