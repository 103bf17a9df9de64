import re
import tomllib
from pathlib import Path

import pytest

from pppgen.causes import cause, causes, harmless
from pppgen.model import INTERNAL_REASONS, Reason

PROGRAMS = Path(__file__).parent.parent / "pppgen" / "programs"


def test_the_table_covers_every_reason_and_nothing_else() -> None:
    assert set(causes()) == set(Reason)


def test_internal_causes_are_marked_so() -> None:
    assert {reason for reason, entry in causes().items() if entry.internal} == set(INTERNAL_REASONS)


@pytest.mark.parametrize("reason", Reason)
def test_every_cause_says_something_that_can_be_typed(reason: Reason) -> None:
    entry = cause(reason)
    assert entry.sentence.endswith(".")
    assert len(entry.explanation) > 40 or reason is Reason.USB_NOT_SWITCHED
    assert entry.action
    assert entry.command.removeprefix("sudo ").startswith("pppgen ")


def test_every_alarming_line_that_a_reader_calls_harmless_is_explained() -> None:
    slugs = {
        slug
        for path in PROGRAMS.glob("*.py")
        for slug in re.findall(r'Kind\.HARMLESS, "([a-z0-9-]+)"', path.read_text())
    }
    assert slugs
    assert slugs <= set(harmless())


def test_the_table_is_plain_toml_with_strings_only() -> None:
    table = tomllib.loads((PROGRAMS.parent / "causes.toml").read_text())
    assert all(isinstance(why, str) for why in table["harmless"].values())
