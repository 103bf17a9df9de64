"""The memory of the ports that worked: kept, corrected, and never in the way."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.memory import PATH, Memory, ModemMemory, parse, read_memory, remember, render
from pppgen.model import Device
from pppgen.probe import Remembered

BG96 = Device("1-1.4", "2c7c", "0296", ())
ICCID = "8988303000001234567"


def test_what_worked_is_remembered_and_completed(tmp_path: Path) -> None:
    remember(tmp_path, BG96, dial=2, iccid=ICCID)
    remember(tmp_path, BG96, at=3)
    memory = read_memory(tmp_path)
    assert memory == Memory((ModemMemory("1-1.4", "2c7c", "0296", ICCID, at=3, dial=2),))
    assert memory.by_path([BG96]) == {"1-1.4": Remembered(at=3, dial=2)}


def test_a_sim_brings_its_memory_to_another_socket(tmp_path: Path) -> None:
    remember(tmp_path, BG96, dial=2, iccid=ICCID)
    moved = Device("2-1", "2c7c", "0296", ())
    assert read_memory(tmp_path).of(moved) == Remembered()
    assert read_memory(tmp_path).of(moved, ICCID) == Remembered(dial=2)


def test_another_modem_in_the_same_socket_is_a_stranger(tmp_path: Path) -> None:
    remember(tmp_path, BG96, dial=2)
    assert read_memory(tmp_path).of(Device("1-1.4", "1e0e", "9001", ())) == Remembered()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"version": 99, "modems": []}', b'{"version": 1}', b"[" * 100_000],
    ids=["empty", "cut", "list", "binary", "newer", "no modems", "deep"],
)
def test_a_damaged_file_warns_and_is_put_aside_not_lost(tmp_path: Path, content: bytes) -> None:
    remember(tmp_path, BG96, dial=2)
    file = tmp_path / PATH.lstrip("/")
    file.write_bytes(content)
    memory = read_memory(tmp_path)
    assert memory.modems == ()
    assert [notice.code for notice in memory.notices] == ["port-memory"]
    assert remember(tmp_path, BG96, dial=3) == memory.notices
    assert file.with_name("ports.json.unreadable").read_bytes() == content
    assert read_memory(tmp_path) == Memory((ModemMemory("1-1.4", "2c7c", "0296", dial=3),))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dial", "2"),
        ("dial", True),
        ("dial", -1),
        ("at", 256),
        ("usb_path", "1-1\n"),
        ("vid", None),
        ("iccid", "8" * 65),
    ],
)
def test_an_entry_that_makes_no_sense_is_left_out_and_the_rest_kept(field: str, value: object) -> None:
    good = ModemMemory("1-1.4", "2c7c", "0296", dial=2)
    whole = json.loads(render(Memory((good, good))))
    whole["modems"][0][field] = value
    memory = parse(json.dumps(whole).encode())
    assert memory.modems == (good,)
    assert "damaged in part" in memory.notices[0].message


def test_remembering_the_same_again_writes_nothing(tmp_path: Path) -> None:
    remember(tmp_path, BG96, dial=2)
    before = (tmp_path / PATH.lstrip("/")).stat()
    remember(tmp_path, BG96, dial=2)
    assert (tmp_path / PATH.lstrip("/")).stat() == before


@given(st.binary(max_size=200))
def test_no_content_is_a_crash(content: bytes) -> None:
    parse(content)
