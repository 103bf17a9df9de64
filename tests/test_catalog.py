"""The catalog: every shipped file is read strictly, and a modem is found by its USB identity and its own words."""

import pytest

from pppgen.errors import BadValue
from pppgen.model import ExpectedRole
from pppgen.modems import catalog
from pppgen.modems.catalog import FOLDER, Ability, Family
from pppgen.modems.reader import check_ids, read_family

SMALLEST = 'name = "x"\ntitle = "X"\nvendor = "V"\nsource = "a manual"\nppp = "yes"\nqmi = "no"\n'


def family(more: str = "", name: str = "x") -> Family:
    return read_family(f"{name}.toml", SMALLEST.replace('"x"', f'"{name}"') + more)


@pytest.mark.parametrize("name", catalog.names())
def test_every_shipped_family_is_read_and_names_its_source(name: str) -> None:
    found = catalog.family_named(name)
    assert found.source
    assert all(quirk.source for quirk in found.quirks)


@pytest.mark.parametrize("name", catalog.names())
def test_every_radio_word_names_a_setting_whose_answer_can_be_recognised(name: str) -> None:
    radio = catalog.family_named(name).radio
    for key, _ in [pair for _, pairs in radio.rats for pair in pairs] + list(radio.guide):
        setting = radio.setting(key)
        assert setting is not None
        assert setting.read.startswith("AT")
        assert setting.answer.pattern.startswith("^")


def test_the_families_agree_about_their_identities() -> None:
    assert len(catalog.load()) == len(list(FOLDER.glob("*.toml")))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("colour = 1", "x.toml: colour: is no key that pppgen knows"),
        ('[dialect]\nsignel = "AT+CSQ"', "x.toml: dialect: signel: is no key"),
        ('[[layouts]]\nid = "2c7c:125"', "x.toml: layouts[0]: id: '2c7c:125' is not four lower-case hex"),
        ('[[layouts]]\nid = "2C7C:0125"', "x.toml: layouts[0]: id"),
        ('[[layouts]]\nid = "2c7c:0125"\nroles = { two = "at" }', "layouts[0]: roles: two: is no USB interface"),
        ('[[layouts]]\nid = "2c7c:0125"\nroles = { 2 = "modem" }', "'modem' is none of diag, nmea"),
        ('models = ["("]', "x.toml: models: '(' is no regular expression"),
        ('[dialect]\nauth = "AT+CGAUTH={cid}"', "x.toml: dialect: auth: must hold"),
        ('[dialect]\ndial_cid = "ATD*99***{cid#"', "x.toml: dialect: dial_cid"),
        ('[dialect]\nregistrations = ["c5greg"]', "x.toml: dialect: registrations"),
        ('[radio.rat]\nfive-g = { a = "1" }', "x.toml: radio: rat: five-g: is none of"),
        ('[radio.rat]\nlte = { nwscanmode = "3" }', "x.toml: radio: rat: lte: nwscanmode: is no setting"),
        ('[bands]\nlte = [1, "2"]', "x.toml: bands: lte: a list of numbers"),
        ("[bands]\nlte = [true]", "x.toml: bands: lte: a list of numbers"),
        ('[[quirks]]\nname = "n"\ntext = "t"', "x.toml: quirks[0]: source: is missing"),
        ("models = 3", "x.toml: models: a list of printable texts"),
        ("attach_cids = [-1]", "x.toml: attach_cids"),
        ("layouts = 3", "x.toml: layouts: a list of tables"),
        ("bands = 3", "x.toml: bands: a table is wanted"),
        ("[", "x.toml: "),
    ],
)
def test_a_fault_in_a_file_names_the_file_and_the_key(more: str, told: str) -> None:
    with pytest.raises(BadValue) as caught:
        family(more)
    assert told in caught.value.message


def test_a_family_must_bear_its_files_name() -> None:
    with pytest.raises(BadValue, match=r"y\.toml: name: 'x'"):
        read_family("y.toml", SMALLEST)


def test_a_missing_ability_is_told() -> None:
    with pytest.raises(BadValue, match=r"x\.toml: ppp: is missing"):
        read_family("x.toml", SMALLEST.replace('ppp = "yes"\n', ""))


LAYOUT = '[[layouts]]\nid = "1e0e:9001"\n'


def test_an_identity_twice_in_a_family_is_refused() -> None:
    with pytest.raises(BadValue, match=r"x\.toml: layouts: 1e0e:9001 stands twice"):
        check_ids([family(LAYOUT + LAYOUT)])


def test_a_shared_identity_needs_exactly_one_default() -> None:
    with pytest.raises(BadValue, match="exactly one must say default"):
        check_ids([family(LAYOUT), family(LAYOUT, "y")])


def test_a_shared_identity_needs_the_words_that_settle_it() -> None:
    with pytest.raises(BadValue, match="each must tell how its modems call themselves"):
        check_ids([family(LAYOUT + "default = true"), family(LAYOUT, "y")])


@pytest.mark.parametrize(
    ("vid", "pid", "words", "name"),
    [
        ("2c7c", "0296", "", "bg96"),
        ("2c7c", "0125", "Quectel EC25 Revision: EC25EFAR06A01M4G", "ec25"),
        ("1e0e", "9001", "", "sim7600"),
        ("1e0e", "9001", "SIMCOM INCORPORATED SIMCOM_SIM7600E-H", "sim7600"),
        ("1e0e", "9001", "SIM7000E R1529", "sim7000"),
        ("1e0e", "9001", "a modem nobody knows", "sim7600"),
        ("2ca3", "4006", "Quectel EC25 EC25EFAR06", "ec25"),  # a clone under another maker's identity
        ("", "", "Quectel BG96", "bg96"),  # a UART has no identity
        ("", "", "", "generic"),
        ("dead", "beef", "a modem nobody knows", "generic"),
    ],
)
def test_a_modem_is_found_by_identity_and_by_its_own_words(vid: str, pid: str, words: str, name: str) -> None:
    assert catalog.family_for(vid, pid, words).name == name


def test_the_bg96_expects_at_on_both_of_the_users_ports() -> None:
    layout = catalog.family_named("bg96").layout("2c7c", "0296")
    assert layout is not None
    assert [layout.role_of(interface) for interface in range(5)] == [
        ExpectedRole.DIAG,
        ExpectedRole.NMEA,
        ExpectedRole.AT,
        ExpectedRole.DIAL,
        ExpectedRole.UNKNOWN,
    ]
    assert layout.net == 4


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        catalog.family_named("../../etc/passwd")


def test_simcom_takes_the_password_before_the_user() -> None:
    dialect = catalog.family_named("sim7600").dialect
    assert dialect.auth_command(2, "pap", "me", "secret") == 'AT+CGAUTH=2,1,"secret","me"'


def test_quectel_gives_the_apn_with_the_credentials() -> None:
    dialect = catalog.family_named("bg96").dialect
    told = dialect.auth_command(1, "chap", "me", "secret", apn="super", ip="IPV4V6")
    assert told == 'AT+QICSGP=1,3,"super","me","secret",2'


def test_a_family_without_credentials_has_no_command_for_them() -> None:
    assert catalog.family_named("sim7000").dialect.auth_command(1, "pap", "me", "secret") == ""
    assert catalog.family_named("generic").dialect.auth_command(1, "both", "me", "secret") == ""


def test_unknown_stays_an_answer() -> None:
    assert catalog.family_named("generic").ppp is Ability.UNKNOWN
