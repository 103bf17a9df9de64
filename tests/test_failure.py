"""A `--json` run that fails before its command can speak still prints the command's own object."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from pppgen.commands.failure import failure
from pppgen.errors import BadValue, ExitCode

SCHEMAS = Path(__file__).parent.parent / "docs" / "schema"


@pytest.mark.parametrize("schema", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
@pytest.mark.parametrize("words", [["decode"], ["encode"], []])
def test_every_command_has_an_answer_for_a_failure_that_fits_its_schema(schema: Path, words: list[str]) -> None:
    answer = failure([schema.stem, *words], BadValue("refused", hint="do it right"))
    jsonschema.validate(answer, json.loads(schema.read_text()))
    assert json.loads(json.dumps(answer["error"]))["exit"] == ExitCode.CONFIGURATION


@pytest.mark.parametrize(
    ("arguments", "exit_code", "named"),
    [
        (["setup", "--apn", "super", "--cid", "abc"], ExitCode.USAGE, "--cid"),
        (["setup", "--apn", "super", "--user", "u", "--password-file", "/nowhere"], ExitCode.PERMISSION, "/nowhere"),
        (["render", "--family", "nokia"], ExitCode.USAGE, "nokia"),
        (["bands", "encode"], ExitCode.USAGE, "BANDS"),
        (["bands"], ExitCode.USAGE, "--json"),
        (["bands", "sing"], ExitCode.USAGE, "sing"),
        (["sim", "--fault", "fire"], ExitCode.CONFIGURATION, "fire"),
        (["up", "--confirm", "never"], ExitCode.CONFIGURATION, "never"),
    ],
)
def test_what_is_refused_early_comes_as_the_one_object(arguments: list[str], exit_code: ExitCode, named: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pppgen", *arguments, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == exit_code
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, json.loads((SCHEMAS / f"{arguments[0]}.json").read_text()))
    assert answer["error"]["exit"] == exit_code
    assert named in answer["error"]["message"]


def test_each_line_of_up_stays_an_object() -> None:
    command = [sys.executable, "-m", "pppgen", "up", "--json", "--bogus"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [json.loads(line)["kind"] for line in done.stdout.splitlines()] == ["result"]
