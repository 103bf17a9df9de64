"""Whatever comes in at the control socket, the supervisor goes on and answers the next one."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pppgen.control import Conversation, ask
from pppgen.door import CLIENTS_MAX, UNREAD_MAX
from pppgen.errors import NotRunning, PppgenError
from pppgen.policy.chronicle import Entry, Kind, Moment
from pppgen.requests import LINE_MAX, Events, Status, dump, parse
from tests.fakes.bearers import Works
from tests.test_running import Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, Works(), Works()) as made:
        made.until("online")
        yield made


def connect(stage: Stage) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(stage.tree.shown("/run/pppgen/control.sock"))
    connection.settimeout(10)
    return connection


def lines(connection: socket.socket, count: int) -> list[dict[str, object]]:
    with connection.makefile("rb") as file:
        return [json.loads(file.readline()) for _ in range(count)]


def still_answers(stage: Stage) -> None:
    assert ask(stage.tree, Status())["status"]["phase"] == "online"


GARBAGE = [
    b"\n",
    b"{}\n",
    b"[]\n",
    b"null\n",
    b"\xff\xfe\x00\n",
    b'{"v":2,"ask":"status"}\n',
    b'{"v":1}\n',
    b'{"v":1,"ask":"format-disk"}\n',
    b'{"v":1,"ask":["up"]}\n',
    b'{"v":1,"ask":"up","now":"yes"}\n',
    b'{"v":1,"ask":"up","force":true}\n',
    b'{"v":1,"ask":"up","confirm_s":1e999}\n',
    b'{"v":1,"ask":"up","confirm_s":-5}\n',
    b'{"v":1,"ask":"failover","to":"carrier-pigeon"}\n',
    b'{"v":1,"ask":"failover","reason":"\\u001b[2J"}\n',
    b'{"v":1,"ask":"failover","reason":"' + b"x" * 300 + b'"}\n',
    b"[" * 2000 + b"\n",
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=[str(line[:30]) for line in GARBAGE])
def test_garbage_is_answered_and_changes_nothing(stage: Stage, garbage: bytes) -> None:
    with connect(stage) as connection:
        connection.sendall(garbage)
        (answer,) = lines(connection, 1)
        assert answer["ok"] is False
        connection.sendall(dump(Status()))
        assert lines(connection, 1)[0]["ok"] is True, "the same connection is still served"
    still_answers(stage)


def test_a_line_of_a_megabyte_costs_its_sender_the_connection(stage: Stage) -> None:
    with connect(stage) as connection:
        with pytest.raises((ConnectionError, AssertionError)):  # noqa: PT012 -- either end of it may be seen first
            connection.sendall(b'{"v":1,"ask":"' + b"a" * 1_000_000)
            (answer,) = lines(connection, 1)
            assert answer["ok"] is True
        still_answers(stage)


def test_a_line_at_its_bound_is_read_and_one_beyond_is_not(stage: Stage) -> None:
    request = b'{"v":1,"ask":"status"}'
    with connect(stage) as connection:
        connection.sendall(b" " * (LINE_MAX - len(request) - 1) + request + b"\n")
        assert lines(connection, 1)[0]["ok"] is True
    with connect(stage) as connection:
        connection.sendall(b" " * (LINE_MAX - len(request)) + request + b"\n")
        assert lines(connection, 1)[0]["ok"] is False


def test_half_a_line_and_a_hang_up_harm_nobody(stage: Stage) -> None:
    for cut in range(1, len(dump(Status()))):
        connection = connect(stage)
        connection.sendall(dump(Status())[:cut])
        connection.close()
    still_answers(stage)


def test_a_last_request_needs_no_end_of_its_line(stage: Stage) -> None:
    with connect(stage) as connection:
        connection.sendall(dump(Status()) + dump(Status()).strip())
        connection.shutdown(socket.SHUT_WR)
        assert [answer["ok"] for answer in lines(connection, 2)] == [True, True]
        assert connection.recv(1) == b""


def test_a_request_cut_into_bytes_is_one_request(stage: Stage) -> None:
    with connect(stage) as connection:
        for byte in dump(Status()):
            connection.sendall(bytes([byte]))
        assert lines(connection, 1)[0]["ok"] is True


def test_requests_sent_at_once_are_answered_in_their_order(stage: Stage) -> None:
    with connect(stage) as connection:
        connection.sendall(dump(Status()) + b"nonsense\n" + dump(Status()))
        connection.shutdown(socket.SHUT_WR)
        assert [answer["ok"] for answer in lines(connection, 3)] == [True, False, True]
        assert connection.recv(1) == b"", "whoever closed its side is hung up on after its answers"


def test_too_many_clients_are_told_so_and_the_place_is_free_again(stage: Stage) -> None:
    connections = [connect(stage) for _ in range(CLIENTS_MAX)]
    for connection in connections:
        connection.sendall(dump(Status()))
        lines(connection, 1)
    with connect(stage) as late:
        assert lines(late, 1)[0]["ok"] is False
    for connection in connections:
        connection.close()
    deadline = time.monotonic() + 10
    while True:
        try:
            still_answers(stage)
        except PppgenError:
            assert time.monotonic() < deadline
        else:
            return


def test_a_follower_that_does_not_read_is_hung_up_on_and_the_others_are_not(stage: Stage) -> None:
    with connect(stage) as sleeper, Conversation(stage.tree) as reader:
        sleeper.sendall(dump(Events()))
        lines(sleeper, 1)
        reader.ask(Events())
        big = Entry(Kind.ASKED, Moment(0, 0), text="x" * 300, evidence=("y" * 300,) * 12)
        seen = 0
        for _ in range(4 * UNREAD_MAX // 4000):
            stage.running._door.publish(big)
            entry = reader.event(10)
            assert entry is not None
            seen += 1
        received = 0
        while piece := sleeper.recv(65536):
            received += len(piece)
        assert received < seen * 4000, "it was let go, and the rest was never kept for it"
    still_answers(stage)


def test_a_storm_of_clients_leaves_the_door_open(stage: Stage) -> None:
    def storm() -> None:
        for number in range(30):
            try:
                with connect(stage) as connection:
                    connection.sendall((GARBAGE[number % len(GARBAGE)]) * 3)
            except OSError:  # hung up on in the middle: as it should be
                continue

    threads = [threading.Thread(target=storm) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    still_answers(stage)


def test_who_asked_is_written_down(stage: Stage) -> None:
    stage.command("failover", "--to", "ppp", "--reason", "because")
    assert "uid" in stage.command("events").output
    assert "failover to=ppp reason=because" in stage.command("events").output


def test_a_supervisor_that_ends_hangs_up(tmp_path: Path) -> None:
    with staged(tmp_path, Works(), Works()) as stage:
        stage.until("online")
        conversation = Conversation(stage.tree)
        conversation.ask(Events())
    with conversation, pytest.raises(NotRunning):
        list(conversation.events())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused_in_words(line: bytes) -> None:
    try:
        parse(line)
    except ValueError as error:
        assert str(error)  # noqa: PT017 -- both ends are right


@given(
    st.dictionaries(
        st.sampled_from(["v", "ask", "now", "bearer", "confirm_s", "to", "reason", "x"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(["up", "ppp"])),
    )
)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_object_is_a_request_or_refused_in_words(found: dict[str, object]) -> None:
    try:
        request = parse(json.dumps({"v": 1, "ask": "up", **found}).encode())
    except ValueError:
        return
    assert parse(dump(request)) == request
