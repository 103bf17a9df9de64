"""One start of a bearer, in a thread of its own: whatever goes wrong in it, its last report is `BearerDown`.

Nothing else begins before that report, so a thread that ended without it would stop the supervisor for good.
"""

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pppgen.bearers.protocol import Inbox
from pppgen.bearers.quiet import Quiet
from pppgen.bearers.teller import Ended, Teller
from pppgen.bearers.waiter import LeaveAsked, Waiter
from pppgen.model import BearerKind, Reason
from pppgen.reports import BearerDown, Step
from pppgen.system.clock import boottime
from pppgen.system.stderr import fault

if TYPE_CHECKING:
    from pppgen.bearers.holding import Holding


class Start(threading.Thread, ABC):
    """What both bearers' starts share: the thread, who it waits and speaks with, the lease that it holds."""

    def __init__(self, dial: int, kind: BearerKind, inbox: Inbox, first: Step) -> None:
        super().__init__(name=f"{kind}-{dial}", daemon=True)
        self.dial = dial
        self.waiter = Waiter(boottime)
        self._teller = Teller(dial, kind, inbox, first)
        self._holding: Holding | None = None
        self._quiet = Quiet()

    def run(self) -> None:
        """Bring the link up, hold it, take it down; the last report is `BearerDown`."""
        with self.waiter:
            try:
                leftover = self._whole()
            except LeaveAsked:
                self._let_go()
                return
            except Exception as error:  # noqa: BLE001 -- see above
                leftover = self._last_resort(error)
            self._teller.send(BearerDown(self.dial, self._teller.kind, leftover))

    def is_quiet(self) -> bool:
        """Whether hardly a byte went through since the last call; called by another thread."""
        holding = self._holding
        return self._quiet.look(holding.lease.interface if holding is not None else "")

    def _last_resort(self, error: Exception) -> tuple[str, ...]:
        fault()
        self._teller.failed(Ended(Reason.PROGRAM_KILLED, self._teller.step, (f"a fault in pppgen: {error!r}",)))
        try:
            return self._tidy()
        except Exception as another:  # noqa: BLE001 -- see above
            fault()
            return (f"a fault in pppgen: {another!r}",)

    @abstractmethod
    def _whole(self) -> tuple[str, ...]:
        """Do it all and return what could not be removed."""

    @abstractmethod
    def _tidy(self) -> tuple[str, ...]:
        """Take everything back; what is left is named. A second call finds nothing to do."""

    @abstractmethod
    def _let_go(self) -> None:
        """Leave the link for the next supervisor."""
