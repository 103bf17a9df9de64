"""Waits until a program has let go of a modem's nodes; /proc is the proof, inotify(7) the alarm clock."""

import select
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic

from pppgen.model import Holder
from pppgen.system.opens import Opens
from pppgen.system.processes import read_usage


def await_release(nodes: Sequence[str], name: str, limit_s: float) -> Holder | None:
    """Return None as soon as no process called `name` has one of the nodes open, or who still has after `limit_s`."""
    end = monotonic() + limit_s
    opens = Opens()
    try:
        for node in nodes:
            with suppress(OSError):  # a node that is gone is held by nobody
                opens.watch(node)
        while True:
            claims = read_usage(dict.fromkeys(nodes, ())).claims
            holder = next((claim.holder for claim in claims if claim.holder.name == name), None)
            left = end - monotonic()
            if holder is None or left <= 0:
                return holder
            # An end by a signal closes without an event where another descriptor of the same file lives on.
            select.select([opens.descriptor], [], [], min(left, 1.0))
            opens.reopened()
    finally:
        opens.close()
