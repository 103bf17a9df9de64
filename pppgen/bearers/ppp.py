"""The PPP bearer, as the supervisor holds it; nothing here blocks, `run.py` does the work in a thread a start."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from pppgen.bearers import by_hand, notes, standing
from pppgen.bearers.protocol import Inbox
from pppgen.bearers.radio import Radio
from pppgen.bearers.run import LOG, Around, PppSetup, Run
from pppgen.bearers.standing import Standing
from pppgen.bearers.waiter import Wish
from pppgen.model import BearerKind, Holder, Port, Reason
from pppgen.system import link
from pppgen.system.dns import Dns
from pppgen.system.follow import new_log
from pppgen.system.spawn import Child, adopt


class PppBearer:
    """The supervisor's handle.

    `ports` gives the ports to dial on, best first, resolved anew at each call; `holder` tells who has a port open,
    `worked` is told of a port that brought a link up.
    """

    kind = BearerKind.PPP

    def __init__(
        self,
        setup: PppSetup,
        inbox: Inbox,
        *,
        ports: Callable[[], Sequence[Port]],
        holder: Callable[[Port], Holder | None],
        worked: Callable[[Port], None] = lambda port: None,  # noqa: ARG005 -- nobody remembers
        radio: Radio | None = None,
        dns: Dns | None = None,
    ) -> None:
        self._setup = setup
        self._around = Around(inbox, ports, holder, worked, radio, dns or Dns())
        self._run: Run | None = None

    def prepare(self) -> None:
        """Ask the modem ahead whether a dial can succeed."""
        if self._around.radio is not None:
            self._around.radio.look_ahead()

    def start(self, dial: int, *, again: bool = True) -> None:
        """Begin to dial; with `again` on the modem's other port too, should the first not do."""
        self._begin(dial, None, again=again)

    def stop(self, dial: int) -> None:
        """End the start of that number."""
        if self._run is not None and self._run.dial == dial:
            self._run.waiter.send(Wish.STOP)

    def repair(self, dial: int, reason: Reason) -> None:
        """Nothing of PPP's is repaired within a call."""

    def look(self, answer: Callable[[bool], None]) -> None:
        """Whether there is a port that nobody holds."""
        answer(any(self._around.holder(port) is None for port in self._around.ports()))

    def is_quiet(self) -> bool:
        """Whether hardly a byte went through since the last look at the counters."""
        return self._run is None or self._run.is_quiet()

    def adopt(self, dial: int) -> bool:
        """Take over the pppd that an earlier supervisor or a person left, or clear it away."""
        path = self._setup.folder / notes.PPP
        left = standing.read(path)
        child = adopt(left.mark) if left else None
        if left and child and left.lease and link.exists(left.lease.interface) and self._log.exists():
            self._begin(dial, (left, child))
            return True
        if left:
            self._clear(left, child)
            path.unlink(missing_ok=True)
        return self._take_from_hand(dial)

    def _take_from_hand(self, dial: int) -> bool:
        found = by_hand.find(
            self._setup.provider, self._around.ports(), locks=self._setup.locks, pid_files=self._setup.folder.parent
        )
        if found is None:
            return False
        left, child = found
        if left.lease is None:
            self._clear(left, child)
            return False
        os.close(new_log(self._log))  # its words go elsewhere: only its end is heard
        self._begin(dial, (left, child))
        return True

    def _clear(self, left: Standing, child: Child | None) -> None:
        standing.clear(left, child, self._around.dns, locks=self._setup.locks, pid_files=self._setup.folder.parent)
        if child:
            child.close()

    @property
    def _log(self) -> Path:
        return self._setup.folder / LOG

    def abandon(self) -> None:
        """End the thread and leave pppd, route and servers as they are."""
        if self._run is not None:
            self._run.waiter.send(Wish.LEAVE)
            self.join()

    def join(self) -> None:
        """Wait for the end of the start's thread, which follows its last report."""
        if self._run is not None:
            self._run.join()

    def _begin(self, dial: int, taken: tuple[Standing, Child] | None, *, again: bool = False) -> None:
        self._run = Run(dial, self._setup, self._around, taken, again=again)
        self._run.start()
