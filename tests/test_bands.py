"""Bands: every family's masks and lists, there and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pppgen.errors import BadValue
from pppgen.modems import bands
from pppgen.modems.catalog import Family, Rat, family_named

FAMILIES = [family_named(name) for name in bands.settable()]


def names_of(family: Family) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(bands.available(family)), min_size=1, unique=True)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_what_is_encoded_decodes_to_the_same_bands(family: Family) -> None:
    @settings(max_examples=25)
    @given(names_of(family))
    def there_and_back(chosen: list[str]) -> None:
        seen: set[str] = set()
        for key, value in bands.encode(family, chosen):
            for field in bands.decode(family, value, key):
                assert not field.unknown
                seen.update(field.bands)
        assert {name[1:] if name[0] in "Bn" else name for name in seen} == {
            name[1:] if name[0] in "Bn" else name for name in chosen
        }

    there_and_back()


@given(st.sets(st.integers(1, 88)))
def test_a_mask_holds_exactly_its_bands(numbers: set[int]) -> None:
    assert set(bands.bands_in(bands.mask_of(numbers))) == numbers


def test_bands_above_64_need_no_special_case() -> None:
    assert bands.encode(family_named("bg95"), ["B85"], Rat.LTE_M) == (("band", ",1000000000000000000000,"),)
    assert bands.encode(family_named("ec25"), ["B66", "B71"]) == (("band", ",420000000000000000,"),)


@pytest.mark.parametrize(
    ("name", "chosen", "value"),
    [
        ("bg96", ["B2", "B4", "B12"], "80A,80A"),
        ("bg96", ["GSM900", "B2"], "1,2,2"),
        ("ec25", ["WCDMA2100", "GSM1900"], "18,,"),
        ("ec200", ["B3"], ",4"),
        ("rm5xx", ["B1", "B3", "n78"], "1:3"),
        ("sim7600", ["B3"], ",0x0000000000000004,"),
        ("le910", ["B20"], ",,524288"),
        ("huawei", ["B3", "WCDMA900"], ",2000000000000,,,4"),
        ("sim7000", ["B3", "B20"], "3,20"),
        ("sara-r4", ["B4", "B13"], "4104"),
    ],
)
def test_each_form_of_writing(name: str, chosen: list[str], value: str) -> None:
    assert bands.encode(family_named(name), chosen)[0][1].lstrip(",") == value.lstrip(",")


@pytest.mark.parametrize(("typed", "value"), [("b2", ",2,2"), ("2", ",2,2"), ("B02", ",2,2"), ("gsm900", "1,,")])
def test_names_are_taken_as_people_type_them(typed: str, value: str) -> None:
    assert bands.encode(family_named("bg96"), [typed]) == (("band", value),)


@pytest.mark.parametrize("typed", ["B7", "B0", "B999", "n78", "", "B2;AT", "GSM", "²"])
def test_a_band_the_family_lacks_lists_those_it_has(typed: str) -> None:
    with pytest.raises(BadValue, match="it has GSM900, GSM1800, GSM850, GSM1900, B1, B2"):
        bands.encode(family_named("bg96"), [typed])


def test_the_users_mask_decodes() -> None:
    (field,) = bands.decode(family_named("bg96"), "400A0E189F")
    assert field.field == "lte-m"
    assert " ".join(field.bands) == "B1 B2 B3 B4 B5 B8 B12 B13 B18 B19 B20 B26 B28 B39"
    assert field.unknown == ()


def test_a_modems_own_answer_decodes_field_by_field() -> None:
    fields = bands.decode(family_named("ec25"), "0x93,0x80800c5,0x0")
    assert [(field.field, field.bands) for field in fields] == [
        ("gsm+wcdma", ("GSM900", "GSM1800", "WCDMA2100", "WCDMA900")),
        ("lte", ("B1", "B3", "B7", "B8", "B20", "B28")),
    ]


def test_bits_that_the_family_does_not_name_are_said() -> None:
    (field,) = bands.decode(family_named("bg96"), "40")
    assert (field.bands, field.unknown) == (("B7",), ("B7",))
    gsm, *_ = bands.decode(family_named("bg96"), "1F,1,1")
    assert gsm.unknown == ("bit 4",)


@pytest.mark.parametrize("value", ["", "hello", "400A0E189G", "1,2,3,4", "F" * 1000, "-1", "0x", "1,,z"])
def test_what_is_no_mask_is_refused(value: str) -> None:
    with pytest.raises(BadValue):
        bands.decode(family_named("bg96"), value)


@settings(max_examples=40)
@given(st.text(max_size=120))
def test_any_text_decodes_or_is_refused(text: str) -> None:
    for family in FAMILIES:
        try:
            bands.decode(family, text)
        except BadValue:
            continue
