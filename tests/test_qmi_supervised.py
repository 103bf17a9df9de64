"""The QMI bearer under the real policy, beside a PPP that works: the user's fault and its end, with the reason."""

import queue
from pathlib import Path

import pytest

from pppgen.bearers.modem import Modem
from pppgen.bearers.qmi import QmiBearer
from pppgen.commands.assembly import Setting, bearers_of
from pppgen.config import Addressing, Config, Link
from pppgen.model import BearerKind, Reason
from pppgen.modems.catalog import family_named
from pppgen.policy.state import Decided, FallingBack, Online, Rules, State
from pppgen.reports import BearerReport
from pppgen.supervisor import Inbox, Leave, Supervisor
from pppgen.system.clock import boottime
from tests.fakes.bearers import FakeBearer, Works
from tests.fakes.namespace import needs_namespaces
from tests.fakes.qmi_board import OnBoard, QmiBoard, on_board

__all__ = ["on_board"]
QMI, PPP = BearerKind.QMI, BearerKind.PPP


class Watcher:
    """Notes the decisions, and ends the supervisor when a link stands."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.decisions: list[Decided] = []

    def reported(self, report: BearerReport, now: float) -> None:
        """Only decisions matter here."""

    def decided(self, decision: Decided, state: State, now: float) -> None:  # noqa: ARG002 -- the protocol's form
        self.decisions.append(decision)
        if isinstance(decision.after, Online):
            self._inbox.put(Leave(keep=False))


def run(board: QmiBoard, *, repair: bool, addressing: Addressing = Addressing.AUTO) -> tuple[list[Decided], list[str]]:
    """Bring a link up by the policy, take it down, and return what was decided and what was asked of PPP."""
    inbox: Inbox = queue.SimpleQueue()
    log: list[str] = []
    watcher = Watcher(inbox)
    qmi = board.bearer(addressing=addressing, put=inbox.put)
    ppp = FakeBearer(PPP, inbox.put, (Works(),), log)
    state = State(Rules(repair=repair))
    supervisor = Supervisor(
        state, {QMI: qmi, PPP: ppp}, inbox=inbox, clock=boottime, remember=lambda _: None, witnesses=(watcher,)
    )
    supervisor.run()
    return watcher.decisions, log


def fallbacks(decisions: list[Decided]) -> list[Reason | None]:
    return [one.after.why for one in decisions if isinstance(one.after, FallingBack)]


def stood(decisions: list[Decided]) -> list[BearerKind]:
    return [one.after.kind for one in decisions if isinstance(one.after, Online)]


@needs_namespaces
def test_the_user_s_fault_is_repaired_and_qmi_carries_the_link(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.raw_ip.write_text("N\n")
        decisions, log = run(board, repair=True)
        assert (stood(decisions), fallbacks(decisions), log) == ([QMI], [], [])
        board.nothing_is_left()

    on_board(body)


@needs_namespaces
def test_with_repair_forbidden_ppp_takes_over_without_a_call_over_qmi(on_board: OnBoard) -> None:
    def body(board: QmiBoard) -> None:
        board.raw_ip.write_text("N\n")
        decisions, log = run(board, repair=False)
        assert (stood(decisions), fallbacks(decisions)) == ([PPP], [Reason.RAW_IP_MISMATCH])
        assert log[0] == "prepare ppp"
        assert log[1].startswith("start ppp")
        assert not board.calls_of("start-network")
        board.nothing_is_left()

    on_board(body)


@needs_namespaces
@pytest.mark.parametrize(
    ("modem", "reason"),
    [({"dhcp": "silent"}, Reason.NO_DHCP_LEASE), ({"call": "refused"}, Reason.APN_REJECTED)],
)
def test_each_failure_ends_on_ppp_with_its_reason(on_board: OnBoard, modem: dict[str, str], reason: Reason) -> None:
    def body(board: QmiBoard) -> None:
        board.behaves(**modem)
        decisions, _ = run(board, repair=True, addressing=Addressing.DHCP)
        assert (stood(decisions), fallbacks(decisions)) == ([PPP], [reason])
        board.nothing_is_left()

    on_board(body)


def test_a_modem_on_usb_has_both_bearers_and_one_on_a_uart_has_ppp_alone(tmp_path: Path) -> None:
    for usb_path, kinds in (("1-1.4", {QMI, PPP}), ("", {PPP})):
        link = Link("provider", "super", "bg96", "/dev/ttyS0", usb_path=usb_path)
        setting = Setting(Config(), link, family_named("bg96"))
        made = bearers_of(setting, Modem(link, sysroot=tmp_path, root=tmp_path), lambda _: None, tmp_path)
        assert set(made) == kinds
        assert all(kind is PPP or isinstance(bearer, QmiBearer) for kind, bearer in made.items())
