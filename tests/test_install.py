"""Files onto the disk and off again, with the power failing at every step."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from pppgen.errors import BadValue, ChangedByHand, NoPermission
from pppgen.install import Action, install, preview, preview_rollback, rollback
from pppgen.manifest import MANIFEST, dump_manifest, parse_manifest
from pppgen.memory import remember
from pppgen.model import Device
from pppgen.render import RenderedFile
from pppgen.system.files import Tree
from tests.fakes.dying_tree import DyingTree, PowerCut

PEERS = "/etc/ppp/peers/provider"
CONNECT = "/etc/chatscripts/chat-connect"
SECRET = "/etc/ppp/pppgen/provider.secret"  # noqa: S105 -- a path
FILES = (
    RenderedFile(PEERS, b"new peers\n", 0o640, "dip"),
    RenderedFile(CONNECT, b"new chat\n", 0o640, "dip"),
    RenderedFile(SECRET, b'password "topsecret"\n', 0o600, secret=True),
)

Disk: TypeAlias = dict[str, tuple[bytes | None, int]]


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A board on which somebody had a working peers file, readable for too many."""
    for directory in ("etc/ppp/peers", "etc/chatscripts", "var/lib"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / PEERS[1:]).write_bytes(b"old peers\xff\n")
    (tmp_path / PEERS[1:]).chmod(0o644)
    return tmp_path


def disk(root: Path) -> Disk:
    """Everything below `root`: bytes and mode of each file, `None` for a directory."""
    return {
        str(path.relative_to(root)): (path.read_bytes() if path.is_file() else None, path.stat().st_mode & 0o7777)
        for path in sorted(root.rglob("*"))
    }


def actions(changes: tuple[object, ...]) -> list[Action]:
    return [change.action for change in changes]  # type: ignore[attr-defined] # a tuple of FileChange


def test_a_first_run_creates_and_changes_and_rollback_restores_the_exact_bytes_and_modes(board: Path) -> None:
    before = disk(board)
    assert actions(install(Tree(board), FILES, "provider")) == [Action.CHANGED, Action.CREATED, Action.CREATED]
    assert {path: disk(board)[path[1:]] for path in (PEERS, SECRET)} == {
        PEERS: (b"new peers\n", 0o640),
        SECRET: (b'password "topsecret"\n', 0o600),
    }
    assert actions(rollback(Tree(board))) == [Action.RESTORED, Action.REMOVED, Action.REMOVED]
    assert disk(board) == before


def test_a_second_run_with_nothing_to_change_writes_nothing(board: Path) -> None:
    install(Tree(board), FILES, "provider")
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in board.rglob("*")}
    assert actions(install(DyingTree(board, 0), FILES, "provider")) == [Action.SAME] * 3
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in board.rglob("*")} == before


def test_a_preview_writes_nothing_and_tells_the_same(board: Path) -> None:
    before = disk(board)
    told = preview(DyingTree(board, 0), FILES, "provider")
    assert disk(board) == before
    assert told == install(Tree(board), FILES, "provider")
    assert actions(preview_rollback(DyingTree(board, 0))) == [Action.RESTORED, Action.REMOVED, Action.REMOVED]


def test_a_difference_is_shown_without_secrets(board: Path) -> None:
    (board / CONNECT[1:]).write_text("'' 'AT+CGAUTH=1,2,\"u\",\"oldsecret\"'\n'' '\\qAT+X=\"oldsecret\"'\n")
    shown = "".join(change.difference for change in preview(Tree(board), FILES, "provider"))
    assert "-old peers\\xff\n+new peers\n" in shown
    assert "mode 0644 -> 0640" in shown
    assert 'secret"' not in shown


def test_a_file_edited_since_is_kept_and_nothing_else_is_written(board: Path) -> None:
    install(Tree(board), FILES, "provider")
    (board / PEERS[1:]).write_text("my own\n")
    before = disk(board)
    changed = [replace(file, content=b"newer\n") for file in FILES]
    told = preview(Tree(board), changed, "provider")
    assert (told[0].action, told[0].by_hand) == (Action.KEPT, True)
    assert "-my own\n+newer\n" in told[0].difference
    with pytest.raises(ChangedByHand, match=PEERS):
        install(Tree(board), changed, "provider")
    with pytest.raises(ChangedByHand, match=PEERS):
        rollback(Tree(board))
    assert disk(board) == before


def test_force_overwrites_an_edited_file_but_keeps_a_copy_and_rollback_still_knows_the_first_one(board: Path) -> None:
    before = disk(board)
    install(Tree(board), FILES, "provider")
    (board / PEERS[1:]).write_text("my own\n")
    told = install(Tree(board), FILES, "provider", force=True)
    assert Path(told[0].copy).read_text() == "my own\n"
    rollback(Tree(board))
    assert disk(board)[PEERS[1:]] == before[PEERS[1:]]
    assert Path(told[0].copy).read_text() == "my own\n"


def test_a_forced_rollback_keeps_a_copy_of_the_edit(board: Path) -> None:
    install(Tree(board), FILES, "provider")
    (board / CONNECT[1:]).write_text("my own\n")
    told = rollback(Tree(board), force=True)
    assert not (board / CONNECT[1:]).exists()
    assert Path(next(change.copy for change in told if change.copy)).read_text() == "my own\n"


def test_a_file_deleted_since_is_written_again(board: Path) -> None:
    install(Tree(board), FILES, "provider")
    (board / CONNECT[1:]).unlink()
    assert actions(install(Tree(board), FILES, "provider")) == [Action.SAME, Action.CREATED, Action.SAME]


def test_a_mode_changed_since_is_set_again(board: Path) -> None:
    install(Tree(board), FILES, "provider")
    (board / SECRET[1:]).chmod(0o644)
    assert actions(install(Tree(board), FILES, "provider")) == [Action.SAME, Action.SAME, Action.CHANGED]
    assert (board / SECRET[1:]).stat().st_mode & 0o777 == 0o600


def test_a_file_that_the_new_plan_has_no_more_is_taken_back_but_not_another_providers(board: Path) -> None:
    before = disk(board)
    install(Tree(board), FILES, "provider")
    other = RenderedFile("/etc/ppp/peers/backup", b"other\n", 0o640)
    install(Tree(board), [other], "backup")
    assert actions(install(Tree(board), FILES[:2], "provider")) == [Action.SAME, Action.SAME, Action.REMOVED]
    assert not (board / SECRET[1:]).exists()
    assert (board / other.path[1:]).read_bytes() == b"other\n"
    assert actions(install(DyingTree(board, 0), FILES[:2], "provider")) == [Action.SAME, Action.SAME]
    rollback(Tree(board))
    assert disk(board) == before


def test_an_empty_root_is_left_empty_by_rollback(tmp_path: Path) -> None:
    root = tmp_path / "new" / "root"
    install(Tree(root), FILES, "provider")
    rollback(Tree(root))
    assert disk(root) == {}
    assert rollback(Tree(root)) == ()


def crash_at_each_step(root: Path, act: Callable[[Tree], object], check: Callable[[int], None]) -> int:
    """Let the power fail before step 0, 1, 2 … of `act`, each time on what the crash before left behind."""
    for steps in range(200):
        try:
            act(DyingTree(root, steps))
        except PowerCut:
            check(steps)
        else:
            return steps
    raise AssertionError("it never ended")


@pytest.mark.parametrize("afterwards", ["rollback", "install"])
def test_a_power_cut_at_any_step_of_install_leaves_whole_files_and_a_way_back(tmp_path: Path, afterwards: str) -> None:
    for steps in range(200):
        root = tmp_path / str(steps)
        for directory in ("etc/ppp/peers", "etc/chatscripts", "var/lib/pppgen/backups"):
            (root / directory).mkdir(parents=True)
        (root / PEERS[1:]).write_bytes(b"old peers\n")
        before = disk(root)
        try:
            install(DyingTree(root, steps), FILES, "provider")
        except PowerCut:
            pass
        else:
            assert steps > 10
            return
        assert (root / PEERS[1:]).read_bytes() in {b"old peers\n", b"new peers\n"}
        if afterwards == "install":
            install(Tree(root), FILES, "provider")
            assert [(root / file.path[1:]).read_bytes() for file in FILES] == [file.content for file in FILES]
        rollback(Tree(root))
        left = {path: what for path, what in disk(root).items() if not path.startswith("var")}
        assert left == {path: what for path, what in before.items() if not path.startswith("var")}, steps
        # Before the manifest is there, a copy of the old file can be left in the backups; nobody misses it.
        files = [path for path, (content, _) in disk(root).items() if content is not None and "backups" not in path]
        assert [path for path in files if not path.endswith("manifest.json.pppgen-new")] == [PEERS[1:]]
    raise AssertionError("it never ended")


def test_a_power_cut_at_any_step_of_an_update_never_looks_like_an_edit(board: Path) -> None:
    install(Tree(board), FILES, "provider")
    newer = [replace(file, content=b"newer\n") for file in FILES]

    def still_ours(_: int) -> None:
        assert Action.KEPT not in actions(preview(Tree(board), newer, "provider"))

    assert crash_at_each_step(board, lambda tree: install(tree, newer, "provider"), still_ours) > 3


def test_a_power_cut_at_any_step_of_rollback_is_ended_by_the_next_one(board: Path) -> None:
    before = disk(board)
    install(Tree(board), FILES, "provider")
    crash_at_each_step(board, rollback, lambda _: None)
    rollback(Tree(board))
    assert {p: w for p, w in disk(board).items() if p in before} == before
    assert not [path for path, (content, _) in disk(board).items() if path not in before and content is not None]


def test_a_full_disk_at_any_step_changes_no_file(tmp_path: Path) -> None:
    for steps in range(200):
        root = tmp_path / str(steps)
        (root / "etc/ppp/peers").mkdir(parents=True)
        (root / PEERS[1:]).write_bytes(b"old peers\n")
        before = disk(root)
        try:
            install(DyingTree(root, steps, NoPermission), FILES, "provider")
        except NoPermission:
            files = {path: what for path, what in disk(root).items() if what[0] is not None and path[:3] == "etc"}
            assert files == {path: what for path, what in before.items() if what[0] is not None}, steps
        else:
            return
    raise AssertionError("it never ended")


def test_a_root_that_cannot_be_made_is_named() -> None:
    nowhere = Path("/proc/nowhere")  # where not even root makes a folder
    with pytest.raises(NoPermission, match="/proc/nowhere"):
        install(Tree(nowhere), FILES, "provider")
    with pytest.raises(NoPermission, match="/proc/nowhere"):
        remember(nowhere, Device("1-1.4", "2c7c", "0296", ()), at=2)


@pytest.mark.parametrize("linked", ["etc/ppp/peers", "etc/ppp", PEERS[1:]])
def test_nothing_is_written_through_a_symbolic_link(
    board: Path, tmp_path_factory: pytest.TempPathFactory, linked: str
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (board / linked).rename(elsewhere / "moved")
    (board / linked).symlink_to(elsewhere / "moved")
    before = disk(elsewhere)
    with pytest.raises(NoPermission, match="symbolic link"):
        install(Tree(board), FILES, "provider")
    assert disk(elsewhere) == before
    assert not (board / CONNECT[1:]).exists()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a directory to somebody else: run as root")
def test_root_does_not_write_into_a_directory_that_is_somebody_elses(board: Path) -> None:
    os.chown(board / "etc/ppp", 1234, 0)
    with pytest.raises(NoPermission, match="not root's alone"):
        install(Tree(board), FILES, "provider")
    os.chown(board / "etc/ppp", 0, 0)
    (board / "etc/ppp").chmod(0o777)
    with pytest.raises(NoPermission, match="not root's alone"):
        install(Tree(board), FILES, "provider")
    assert not (board / CONNECT[1:]).exists()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away: run as root")
def test_owners_are_restored_too(board: Path) -> None:
    os.chown(board / PEERS[1:], 1234, 4321)
    install(Tree(board), FILES, "provider")
    assert (board / PEERS[1:]).stat().st_uid == 0
    rollback(Tree(board))
    status = (board / PEERS[1:]).stat()
    assert (status.st_uid, status.st_gid) == (1234, 4321)


def test_two_at_once_do_not_write(board: Path) -> None:
    with Tree(board).alone(), pytest.raises(NoPermission, match="another pppgen"):
        install(Tree(board), FILES, "provider")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"version": 2, "entries": [], "directories": []}',
        b'{"version": 1, "entries": [{"path": "/etc/../root/.ssh/x"}], "directories": []}',
        b'{"version": 1, "entries": [], "directories": ["/home/pi"]}',
        b'{"version": 1, "entries": [], "directories": [7]}',
        b"[" * 100_000,
    ],
)
def test_a_corrupt_manifest_is_named_and_nothing_is_written(board: Path, text: bytes) -> None:
    (board / MANIFEST[1:]).parent.mkdir()
    (board / MANIFEST[1:]).write_bytes(text)
    before = disk(board)
    with pytest.raises(BadValue, match=r"manifest\.json"):
        install(Tree(board), FILES, "provider")
    with pytest.raises(BadValue, match=r"manifest\.json"):
        rollback(Tree(board))
    assert disk(board) == before


def test_a_lost_backup_stops_rollback_before_it_changes_anything(board: Path) -> None:
    install(Tree(board), FILES, "provider")
    for backup in (board / "var/lib/pppgen/backups").iterdir():
        backup.write_text("damaged")
    before = disk(board)
    with pytest.raises(NoPermission, match="missing or damaged"):
        rollback(Tree(board))
    assert disk(board) == before


def test_the_manifest_holds_no_content(board: Path) -> None:
    install(Tree(board), FILES, "provider")
    text = (board / MANIFEST[1:]).read_bytes()
    assert b"topsecret" not in text
    assert dump_manifest(parse_manifest(text, "m")) == text
    assert (board / MANIFEST[1:]).stat().st_mode & 0o777 == 0o600
