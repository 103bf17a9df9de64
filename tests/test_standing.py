"""The note of a standing link: written whole by whoever writes it, whoever else does at the same time."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pppgen.bearers import standing
from pppgen.bearers.standing import Standing
from pppgen.model import Lease
from pppgen.system.spawn import Mark

NOTE = Standing(Mark(812, 4711), "provider", "/dev/ttyUSB2", "/dev/pppgen/1-1.4-if02", Lease("10.0.0.2", "ppp0"))


def test_a_note_comes_back_as_it_was_written_and_is_root_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "run/ppp.json"
    standing.write(path, NOTE)
    assert standing.read(path) == NOTE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_who_write_at_once_leave_one_whole_note_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "ppp.json"

    def write(number: int) -> None:
        for _ in range(200):
            standing.put(path, {"writer": number, "words": "x" * 500})
            assert len(json.loads(path.read_text())["words"]) == 500

    with ThreadPoolExecutor(4) as writers:
        for each in [writers.submit(write, number) for number in range(4)]:
            each.result()
    assert list(tmp_path.iterdir()) == [path]


def test_a_note_that_cannot_be_written_leaves_the_old_one_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "ppp.json"
    standing.write(path, NOTE)
    with pytest.raises(TypeError):
        standing.put(path, {"no": object()})
    assert standing.read(path) == NOTE
    assert list(tmp_path.iterdir()) == [path]
