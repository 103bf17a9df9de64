"""What counts as a failure of the lab, from the files that its machines leave."""

from pathlib import Path

import pytest

from tests.lab import counts

PASSED, FAILED = "", '<failure message="AssertionError: no ppp0&#10;more">trace</failure>'
SKIPPED, BROKE_LATER = '<skipped message="needs root"/>', '<error message="teardown">trace</error>'


def run(folder: Path, name: str, **tests: str) -> Path:
    path = folder / f"{name}.xml"
    cases = (
        f'<testcase classname="tests.lab.test_dial" name="{test}">{told}</testcase>' for test, told in tests.items()
    )
    path.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return path


def test_a_failure_is_named_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert counts.main([run(tmp_path, "1", one=PASSED, two=FAILED), run(tmp_path, "2", three=BROKE_LATER)]) == 1
    said = capsys.readouterr().out
    assert "failed: tests.lab.test_dial::two: AssertionError: no ppp0\n" in said
    assert "failed: tests.lab.test_dial::three: teardown\n" in said


def test_what_failed_and_then_passed_alone_is_named_and_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert counts.main([run(tmp_path, "1", one=PASSED, two=FAILED), run(tmp_path, "again", two=PASSED)]) == 0
    assert "failed once, passed when it ran again: tests.lab.test_dial::two\n" in capsys.readouterr().out


def test_what_failed_twice_is_a_failure(tmp_path: Path) -> None:
    assert (
        counts.main([run(tmp_path, "1", one=PASSED, two=FAILED), run(tmp_path, "again", two=FAILED, one=PASSED)]) == 1
    )


def test_what_failed_and_was_then_skipped_is_a_failure(tmp_path: Path) -> None:
    assert (
        counts.main([run(tmp_path, "1", one=PASSED, two=FAILED), run(tmp_path, "again", two=SKIPPED, one=PASSED)]) == 1
    )


def test_what_no_run_ran_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host, guest = run(tmp_path, "host", one=SKIPPED, two=PASSED), run(tmp_path, "guest", one=SKIPPED, three=PASSED)
    assert counts.main([host, guest]) == 1
    assert "ran nowhere: tests.lab.test_dial::one\n" in capsys.readouterr().out
    assert counts.main([host, run(tmp_path, "guest", one=PASSED)]) == 0


def test_a_run_that_left_no_file_is_a_failure(tmp_path: Path) -> None:
    assert counts.main([run(tmp_path, "1", one=PASSED), tmp_path / "2.xml"]) == 1


def test_a_failed_test_can_be_named_to_pytest() -> None:
    case = counts.Case("tests.test_lab_counts", "test_a_failed_test_can_be_named_to_pytest", "failed")
    assert case.node == "tests/test_lab_counts.py::test_a_failed_test_can_be_named_to_pytest"
