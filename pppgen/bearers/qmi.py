"""The QMI bearer, as the supervisor holds it; nothing here blocks, `qmi_run.py` does the work in a thread a start."""

import threading
from collections.abc import Callable

from pppgen.bearers import qmi_note, quectel
from pppgen.bearers.leasing import kernel_framing
from pppgen.bearers.protocol import Inbox
from pppgen.bearers.qmi_note import Standing
from pppgen.bearers.qmi_parts import QmiAround, QmiSetup
from pppgen.bearers.qmi_run import Lost, QmiRun, Repair, qmi_function
from pppgen.bearers.radio import Radio
from pppgen.bearers.teller import Ended
from pppgen.bearers.waiter import Wish
from pppgen.config import QmiBackend
from pppgen.errors import PppgenError
from pppgen.lease_cause import Framing, framing_cause
from pppgen.model import BearerKind, Device, Reason
from pppgen.programs import qmi_calls
from pppgen.programs.events import Kind
from pppgen.system import link
from pppgen.system.dns import Dns
from pppgen.system.spawn import Child, adopt

_LOGS = {QmiBackend.LIBQMI: qmi_note.CALL_LOG, QmiBackend.QUECTEL_CM: quectel.LOG}
# With the same framing as then, a start that ended so would end so again: nothing here has changed since.
_WOULD_REPEAT = frozenset({Reason.NO_DHCP_LEASE, Reason.RAW_IP_MISMATCH})


class QmiBearer:
    """The supervisor's handle.

    `device` gives the modem as it stands on its bus, found anew at each call; `free` frees its context over AT when
    QMI hangs and returns sentences; `login` writes the profile's credentials over AT and returns why it could not.
    """

    kind = BearerKind.QMI

    def __init__(
        self,
        setup: QmiSetup,
        inbox: Inbox,
        *,
        device: Callable[[], Device | None],
        radio: Radio | None = None,
        free: Callable[[], tuple[str, ...]] = tuple,
        login: Callable[[], str] = str,
        dns: Dns | None = None,
    ) -> None:
        self._setup = setup
        self._around = QmiAround(inbox, device, radio, free, login, dns or Dns())
        self._run: QmiRun | None = None

    def prepare(self) -> None:
        """Ask the modem ahead whether a call can succeed."""
        if self._around.radio is not None:
            self._around.radio.look_ahead()

    def start(self, dial: int, *, again: bool = True) -> None:  # noqa: ARG002 -- a start makes one call in any case
        """Begin."""
        self._begin(dial, None)

    def stop(self, dial: int) -> None:
        """End the start of that number."""
        if self._run is not None and self._run.dial == dial:
            self._run.waiter.send(Wish.STOP)

    def repair(self, dial: int, reason: Reason) -> None:  # noqa: ARG002 -- there is one repair, of the framing
        """Make the kernel's framing the modem's, within the same start."""
        if self._run is not None and self._run.dial == dial:
            self._run.waiter.send(Repair())

    def look(self, answer: Callable[[bool], None]) -> None:
        """Ask the modem's QMI side what can be told beforehand, in a thread of its own: PPP goes on meanwhile."""
        lost = self._run.lost if self._run is not None else None
        threading.Thread(target=lambda: answer(self._promising(lost)), name="qmi-look", daemon=True).start()

    def is_quiet(self) -> bool:
        """Whether hardly a byte went through since the last look at the counters."""
        return self._run is None or self._run.is_quiet()

    def adopt(self, dial: int) -> bool:
        """Take over the call that an earlier supervisor left, or clear it away."""
        folder = self._setup.folder
        left = qmi_note.read(folder)
        if left is None:
            return False
        child = adopt(left.mark) if left.mark else None
        plugged = qmi_note.inode_of(left.node) == left.inode
        if child and left.lease and plugged and link.exists(left.interface) and (folder / _LOGS[left.backend]).exists():
            self._begin(dial, (left, child))
            return True
        qmi_note.clear(left, child, folder, self._around.dns, self._setup.programs.ask)
        if child:
            child.close()
        return False

    def abandon(self) -> None:
        """End the thread and leave the call, its program, route and servers as they are."""
        if self._run is not None:
            self._run.waiter.send(Wish.LEAVE)
            self._run.join()

    def _begin(self, dial: int, taken: tuple[Standing, Child] | None) -> None:
        self._run = QmiRun(dial, self._setup, self._around, taken)
        self._run.start()

    def _promising(self, lost: Lost | None) -> bool:
        """Whether the node answers, the framings agree or may be made to, and something changed since the last loss."""
        setup = self._setup
        device = self._around.device()
        try:
            if device is None:
                return False
            node, interface = qmi_function(device)
            if setup.backend is QmiBackend.QUECTEL_CM:
                return True  # it would have to be started to tell more
            # Twice its own patience: one that is killed before it gives up would leave its client id in the modem.
            done = setup.programs.ask(qmi_calls.data_format(node), 2 * setup.answer_s)
        except (Ended, PppgenError):
            return False
        lines = done.output.splitlines()
        if done.status is None or qmi_calls.is_silence(lines):
            return False
        told = qmi_calls.value_of(qmi_calls.heard(lines), Kind.MODEM_FRAMING)
        modem = Framing(told) if told in set(Framing) else Framing.UNKNOWN
        kernel = kernel_framing(interface, setup)
        if lost is not None and lost.reason in _WOULD_REPEAT and (lost.modem, lost.kernel) == (modem, kernel):
            return setup.repair and lost.reason is Reason.RAW_IP_MISMATCH
        return setup.repair or framing_cause(interface, modem, kernel) is None
