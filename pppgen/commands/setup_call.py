"""The last step of `setup --dial`: the link once, by the bearer that the service uses, until packets come back.

The modem says CONNECT, and often checks the password, before the network is asked for anything: a wrong APN is known
only to who goes on from there.
"""

import os
import queue
from dataclasses import dataclass

from pppgen.at.replies.states import CallEnd, ceer
from pppgen.bearers.endings import NETWORK_MAY_TELL
from pppgen.bearers.modem import Modem
from pppgen.causes import cause
from pppgen.commands.assembly import bearers_of, read_setting, take_place
from pppgen.errors import DialFailed
from pppgen.model import BearerKind, Reason
from pppgen.policy.sentences import why
from pppgen.reports import BearerDegraded, BearerDown, BearerFailed, BearerReport, BearerUp, Step
from pppgen.system.files import Tree


@dataclass(frozen=True, slots=True)
class Called:
    """A link that came up, carried traffic and was taken down again; `seconds` from the dial to the first packet."""

    address: str
    interface: str
    seconds: float

    def as_json(self) -> dict[str, object]:
        """Return it as docs/schema/setup.json has it."""
        return {"address": self.address, "interface": self.interface, "seconds": self.seconds}


def call_once(tree: Tree) -> Called:
    """Bring the link up that `tree` is set up for, see packets come back, and take it down.

    Raises:
        DialFailed: it did not come up, or nothing came back; the reason is named.
        PppgenError: a supervisor is running.
    """
    place = take_place(tree)
    try:
        setting = read_setting(tree)
        reports: queue.SimpleQueue[BearerReport] = queue.SimpleQueue()
        bearer = bearers_of(setting, Modem(setting.link, root=tree.root), reports.put, tree.root)[BearerKind.PPP]
        called: Called | None = None
        failed: DialFailed | None = None
        bearer.start(1)
        try:
            while not isinstance(report := reports.get(), BearerDown):
                match report:
                    case BearerUp(lease=lease, steps=steps):
                        called = Called(lease.address, lease.interface, round(sum(one.seconds for one in steps), 3))
                        bearer.stop(1)
                    case BearerDegraded(reason=reason, evidence=evidence):
                        failed = _failed(reason, Step.TRAFFIC, evidence)
                        bearer.stop(1)
                    case BearerFailed(reason=reason, step=step, evidence=evidence):
                        failed = _failed(reason, step, evidence)
                    case _:
                        pass
        except KeyboardInterrupt:
            bearer.stop(1)
            while not isinstance(reports.get(), BearerDown):
                pass  # nothing of a link that was only a trial stays behind
            raise
    finally:
        os.close(place)
    if failed is not None or called is None:
        raise failed or DialFailed("pppd ended without a word", hint="pppgen diagnose /run/pppgen/pppd.log")
    return called


def _failed(reason: Reason, step: Step, evidence: tuple[str, ...]) -> DialFailed:
    if reason in NETWORK_MAY_TELL:
        # The bearer does not believe an end that the modem told before the dial already; here that was our dial too.
        end = ceer(evidence)
        reason = end.reason if isinstance(end, CallEnd) and end.reason is not Reason.NONE else reason
    said = f"; the last words: {' | '.join(evidence)[-300:]}" if evidence else ""
    return DialFailed(
        f"the link did not come up, {why(reason)}, at the step {step.value}{said}", hint="\n".join(cause(reason).action)
    )
