"""What doctor asks of a QMI port: the answer when there is one, patience with a busy board, and nothing left behind."""

import os
import select
import sys
from pathlib import Path

import pytest

from pppgen.errors import MissingProgram
from pppgen.lease_cause import Framing
from pppgen.system import qmi_look

PATIENCE_S = 20.0
# A client id is taken at the start and given back at the end; `modem` tells what comes in between.
QMICLI = """#!{python}
import os, pathlib, sys, time
here = pathlib.Path(__file__).parent
if "--version" in sys.argv:
    time.sleep({start})
    sys.exit(0)
client = here / "client"
client.write_text(str(os.getpid()))
time.sleep({late})
print({said!r}, flush=True)
client.unlink()
sys.exit({status})
"""
ANSWER = "[/dev/cdc-wdm0] Successfully got data format\n               Link layer protocol: 'raw-ip'"


def qmicli(folder: Path, said: str = ANSWER, *, start: float = 0.0, late: float = 0.0, status: int = 0) -> str:
    program = folder / "qmicli"
    program.write_text(QMICLI.format(python=sys.executable, said=said, start=start, late=late, status=status))
    program.chmod(0o755)
    return str(program)


def test_a_modem_tells_its_frames(tmp_path: Path) -> None:
    heard = qmi_look.ask_framing("/dev/cdc-wdm0", qmicli=qmicli(tmp_path))
    assert (heard.answers, heard.framing) == (True, Framing.RAW_IP)


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        ("error: couldn't create client for the 'wda' service: QMI protocol error (31): 'InvalidServiceType'", True),
        ("error: couldn't create client for the 'wda' service: CID allocation failed: Transaction timed out", False),
    ],
)
def test_a_refusal_is_an_answer_and_libqmis_own_timeout_is_none(tmp_path: Path, said: str, answers: bool) -> None:
    heard = qmi_look.ask_framing("/dev/cdc-wdm0", qmicli=qmicli(tmp_path, said, status=1))
    assert (heard.answers, heard.framing) == (answers, Framing.UNKNOWN)


def test_a_modem_that_hangs_is_given_up_and_its_qmicli_left_to_give_its_client_back(tmp_path: Path) -> None:
    program = qmicli(tmp_path, late=2 * qmi_look.ANSWER_S)
    heard = qmi_look.ask_framing("/dev/cdc-wdm0", usb_interface=4, qmicli=program)
    assert not heard.answers
    assert "no answer within" in heard.said
    client = tmp_path / "client"
    ended = os.pidfd_open(int(client.read_text()))
    assert select.select([ended], [], [], PATIENCE_S)[0]
    os.close(ended)
    assert not client.exists(), "it was killed, or its broken pipe did that"


def test_a_board_on_which_programs_start_slowly_is_no_silent_modem(tmp_path: Path) -> None:
    slow = 0.5
    program = qmicli(tmp_path, start=slow, late=qmi_look.ANSWER_S + slow)
    assert qmi_look.ask_framing("/dev/cdc-wdm0", qmicli=program).answers


def test_without_qmicli_that_is_said() -> None:
    with pytest.raises(MissingProgram):
        qmi_look.ask_framing("/dev/cdc-wdm0", qmicli="qmicli-that-is-not-there")
