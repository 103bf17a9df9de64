"""What the supervisor may ask of a bearer: nothing here blocks, completion is a report in the inbox."""

from collections.abc import Callable
from typing import Protocol

from pppgen.model import BearerKind, Reason
from pppgen.reports import BearerReport

Inbox = Callable[[BearerReport], None]
"""Takes a report from any thread and returns at once (`queue.SimpleQueue.put`)."""


class Bearer(Protocol):
    """One way to a link. At most one start is under way or up at a time: the supervisor waits for `BearerDown`."""

    @property
    def kind(self) -> BearerKind:
        """Which bearer this is."""
        ...

    def prepare(self) -> None:
        """Find out ahead, in a thread of its own, what the next start asks first; it may never come.

        Another bearer may still be ending: its link is not touched.
        """
        ...

    def start(self, dial: int, *, again: bool = True) -> None:
        """Begin; reports with `dial` follow, the last one is `BearerDown`.

        Without `again` the network is asked once at most: the budget has no attempt left for the modem's other port.
        """
        ...

    def stop(self, dial: int) -> None:
        """End the start of that number, also one still in progress; a number that is not under way changes nothing."""
        ...

    def repair(self, dial: int, reason: Reason) -> None:
        """Repair what `BearerNeedsRepair` named, within the same call; then go on as if it had never been broken."""
        ...

    def look(self, answer: Callable[[bool], None]) -> None:
        """Find out, without disturbing another bearer, whether a start is likely to work, and call `answer` once."""
        ...

    def is_quiet(self) -> bool:
        """Whether so little flows over the link right now that dropping it would hardly be noticed."""
        ...

    def adopt(self, dial: int) -> bool:
        """Take over the healthy link that an earlier supervisor left, as if `start(dial)` had brought it up.

        False: there was none, and what a broken one left has been cleared.
        """
        ...

    def abandon(self) -> None:
        """Let go of a link without ending it: the supervisor leaves, the link stays for the next one to adopt."""
        ...
