"""Which APN is proposed: by the card, by the operator, and against files that are not what they seem."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.apn import DATABASE_MAX, NotADatabase, Proposal, proposals, proposed
from pppgen.system.providers import PACKAGE, read_providers

DATABASE = b"""<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE serviceproviders SYSTEM "serviceproviders.2.dtd">
<serviceproviders format="2.0">
<country code="us">
  <provider primary="true"><name>Wide</name><gsm>
    <network-id mcc="310" mnc="410"/><network-id mcc="310" mnc="150"/>
    <apn value="wide.mms"><usage type="mms"/></apn>
    <apn value="wide.net"><usage type="internet"/><username>w</username><password>p&amp;q</password>
      <authentication method="pap"/></apn>
  </gsm></provider>
  <provider><name>Two</name><name xml:lang="de">Zwei</name><gsm>
    <network-id mcc="310" mnc="41"/><apn value="two.net"/></gsm></provider>
  <provider><name>Many</name><gsm><network-id mcc="262" mnc="01"/>
    <apn value="plain"/><apn value="best"><usage type="internet"/></apn></gsm></provider>
</country>
</serviceproviders>
"""


def test_the_operators_internet_apn_is_proposed_with_its_credentials() -> None:
    (found,) = proposals("310410123456789", "", DATABASE)
    assert found == Proposal("wide.net", "Wide", "provider database, network 310-410", "w", "p&q", "pap")
    assert proposed([found]) == found


def test_three_digits_of_a_network_win_over_two() -> None:
    assert [found.apn for found in proposals("310410123456789", "", DATABASE)] == ["wide.net"]
    assert [found.apn for found in proposals("310415123456789", "", DATABASE)] == ["two.net"]


def test_an_apn_marked_for_the_internet_comes_first_and_several_are_not_decided() -> None:
    found = proposals("262011234567890", "", DATABASE)
    assert [one.apn for one in found] == ["best", "plain"]
    assert proposed(found) is None


def test_a_cards_own_prefix_wins_over_the_imsi_that_it_borrows() -> None:
    found = proposals("310410123456789", "89883070000001234567", DATABASE)
    assert [one.apn for one in found] == ["super", "wide.net"]
    assert proposed(found) == found[0]


@pytest.mark.parametrize("imsi", ["", "31", "99999", "abcdefgh", "001010000000001", "²²²²²²²²"])
def test_an_unknown_operator_gets_no_proposal(imsi: str) -> None:
    assert proposals(imsi, "8949020000012345678", DATABASE) == ()
    assert proposed(()) is None


BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]>
<serviceproviders><provider><name>&c;</name></provider></serviceproviders>"""


@pytest.mark.parametrize("data", [BOMB, b"", b"\x00", b"<a>", b"not xml", b"<a>" * 100_000, b" " * (DATABASE_MAX + 1)])
def test_a_file_that_is_no_database_is_refused(data: bytes) -> None:
    with pytest.raises(NotADatabase):
        proposals("310410123456789", "", data)


def test_control_characters_and_endless_names_do_not_come_through() -> None:
    hostile = DATABASE.replace(b"wide.net", b"wide&#10;net" + b"x" * 5000)
    (found,) = proposals("310410123456789", "", hostile)
    assert found.apn.isprintable()
    assert len(found.apn) <= 100


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        proposals("310410123456789", "", b"<serviceproviders>" + data)
    except NotADatabase:
        return


def test_the_systems_database_is_read(tmp_path: Path) -> None:
    assert read_providers(tmp_path) is None
    database = read_providers()
    if database is None:
        pytest.skip(f"the provider database is not installed: apt-get install {PACKAGE}")
    found = proposals("310410123456789", "", database)
    assert "AT&T" in {one.provider for one in found}
    assert all(one.apn for one in found)
