"""The pppd that Debian ships accepts every golden peers file. `dryrun` needs /dev/ppp, so this is told here only."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import board
from tests.lab.stage import REPOSITORY

GOLDEN = REPOSITORY / "tests/golden"
PEERS = sorted(path for path in GOLDEN.glob("*/*/*") if path.name in {"provider", "backup"})
SECRETS = Path("/etc/ppp/pppgen")


@pytest.fixture(scope="module", autouse=True)
def _restored() -> Iterator[None]:
    yield
    Path("/etc/ppp/peers/golden").unlink(missing_ok=True)
    shutil.rmtree(SECRETS, ignore_errors=True)


def content(golden: Path) -> list[str]:
    """Return the lines of a golden file; the first, with mode and group, is the test's own."""
    first, *lines = golden.read_text().splitlines(keepends=True)
    assert first.startswith("0")
    return lines


@pytest.mark.parametrize("peers", PEERS, ids=lambda path: str(path.relative_to(GOLDEN)))
def test_debians_pppd_takes_every_option_of_every_golden_peers_file(peers: Path) -> None:
    # The port is the one thing that is not the file's own: dryrun wants one that exists.
    lines = ["/dev/ttyUSB2\n" if line.startswith("/dev/") else line for line in content(peers)]
    assert "/dev/ttyUSB2\n" in lines
    Path("/etc/ppp/peers/golden").write_text("".join(lines))
    SECRETS.mkdir(mode=0o700, exist_ok=True)
    for secret in peers.parent.glob("*.secret"):
        (SECRETS / secret.name).write_text("".join(content(secret)))
    dry = board.run("pppd", "call", "golden", "dryrun", "dump")
    assert dry.status == 0, dry.said
    assert "pppd options in effect" in dry.said


def test_an_option_that_pppd_lacks_would_be_seen() -> None:
    Path("/etc/ppp/peers/golden").write_text("/dev/ttyUSB2\nno-such-option\n")
    assert board.run("pppd", "call", "golden", "dryrun", "dump").status == 2
