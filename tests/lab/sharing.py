"""A pytest plugin for the guest: of several machines that have the same tests each takes the next one not taken yet.

Most of the lab's time is one emulated processor's, so two machines take half of it. A test is claimed by making a
folder that all of them see, which succeeds for one; LAB_CLAIMS says where.
"""

import hashlib
import os
from pathlib import Path

import pytest


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run what this machine gets; pytest's own loop would run all."""
    claims = Path(os.environ["LAB_CLAIMS"])
    if session.testsfailed:
        raise session.Interrupted(f"{session.testsfailed} errors during collection")
    (claims / "collected").write_text(str(len(session.items)))
    for item in session.items:
        if _claimed(claims, item.nodeid):
            # Which test is next here nobody knows yet, so everything that it has set up is taken down.
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
    return True


def _claimed(claims: Path, node: str) -> bool:
    try:
        (claims / hashlib.sha256(node.encode()).hexdigest()[:32]).mkdir()
    except FileExistsError:
        return False
    return True


def left_over(claims: Path) -> int:
    """On the host: return how many of the collected tests nobody took."""
    collected = claims / "collected"
    taken = sum(each.is_dir() for each in claims.iterdir())
    return int(collected.read_text()) - taken if collected.exists() else 1
