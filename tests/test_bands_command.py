"""`pppgen bands` as a person and a script meet it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pppgen.errors import ExitCode

SCHEMA = json.loads((Path(__file__).parent.parent / "docs/schema/bands.json").read_text())


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pppgen", "bands", *arguments], capture_output=True, text=True, check=False
    )


def answer(*arguments: str, expected: ExitCode = ExitCode.OK) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.returncode == expected, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    Draft202012Validator(SCHEMA).validate(found)
    assert isinstance(found, dict)
    return found


def test_the_users_mask_is_named() -> None:
    done = run("decode", "400A0E189F")
    assert done.stdout == "LTE-M: B1 B2 B3 B4 B5 B8 B12 B13 B18 B19 B20 B26 B28 B39\n"


def test_the_same_words_mean_other_bands_to_an_ec25() -> None:
    done = run("decode", "--family", "ec25", "F,400A0E189F,A0E189F")
    assert done.stdout.splitlines() == [
        "GSM, WCDMA: GSM900 GSM1800 GSM850 GSM1900",
        "LTE: B1 B2 B3 B4 B5 B8 B12 B13 B18 B19 B20 B26 B28 B39",
    ]


def test_encode_gives_the_command_that_can_be_sent() -> None:
    assert run("encode", "B2,B4").stdout == 'AT+QCFG="band",0,A,A,1\n'
    assert run("encode", "B2,B4", "--rat", "lte-m").stdout == 'AT+QCFG="band",0,A,40000000,1\n'
    assert run("encode", "B2,B4", "--family", "ec25").stdout == 'AT+QCFG="band",0,A,40000000,1\n'


def test_where_the_modems_own_value_is_needed_no_command_is_invented() -> None:
    found = answer("encode", "B3", "--family", "sim7600")
    assert found["settings"] == [{"key": "CNBP", "value": ",0x0000000000000004,", "command": None}]
    assert "read the modem's" in run("encode", "B3", "--family", "sim7600").stdout


def test_both_answers_fit_their_schema() -> None:
    assert answer("decode", "400A0E189F")["fields"][0]["bands"][-1] == "B39"
    assert answer("encode", "b2, B4")["bands"] == ["b2", "B4"]


@pytest.mark.parametrize("arguments", [("decode", "fog"), ("encode", "B7"), ("encode", "B2", "--family", "sierra")])
def test_a_refusal_is_an_object_too(arguments: tuple[str, ...]) -> None:
    assert answer(*arguments, expected=ExitCode.CONFIGURATION)["error"]["code"] == "configuration"


def test_a_band_that_is_not_there_lists_those_that_are() -> None:
    done = run("encode", "B7")
    assert done.returncode == ExitCode.CONFIGURATION
    assert done.stdout == ""
    assert "it has GSM900, GSM1800, GSM850, GSM1900, B1, B2, B3" in done.stderr


def test_control_characters_do_not_reach_the_terminal() -> None:
    done = run("decode", "\x1b[2J")
    assert "\x1b" not in done.stderr + done.stdout
