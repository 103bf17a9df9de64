"""The real `chat` runs what we render: the bytes that arrive at the modem, the ways it ends, the secrets it keeps."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pppgen.config import Auth, PdpType
from pppgen.errors import PortGone
from pppgen.model import Reason
from pppgen.modems.catalog import family_named
from pppgen.plan import Dial, make_plan
from pppgen.programs.chat import ABORTS
from pppgen.programs.chat_script import complaints
from pppgen.render import chat_word, cut_before_dial, render
from pppgen.sim.bench import Bench
from pppgen.sim.faults import Faults, with_fault
from pppgen.sim.transcript import load
from pppgen.system.chat import prove_script
from tests.fakes.plain_modem import PlainModem, obliging

pytestmark = pytest.mark.skipif(
    not shutil.which("chat", path="/usr/sbin:/usr/bin"), reason="chat is missing: apt-get install ppp"
)
DEVICE = "/dev/pppgen/1-1.4-if02"
HANG_UP = b"TIMEOUT 3\n'' ATH\nOK\n"
PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=127)


def connect_script(dial: Dial, family: str = "generic") -> bytes:
    return render(make_plan(dial, family_named(family), DEVICE))[1].content


@contextmanager
def simulated(root: Path, family: str = "bg96", *faults: str) -> Iterator[Path]:
    """The simulated modem's folder of devices."""
    wanted = Faults()
    for fault in faults:
        wanted = with_fault(wanted, fault)
    with Bench(load(family), wanted, root) as bench:
        thread = threading.Thread(target=bench.run)
        thread.start()
        try:
            yield root / "dev"
        finally:
            bench.stop()
            thread.join()


def test_the_default_script_sends_its_commands_and_nothing_else() -> None:
    with PlainModem() as modem:
        proof = prove_script(modem.device, connect_script(Dial("super")), hang_up=HANG_UP)
    assert (proof.passed, proof.connected, proof.hung_up) == (True, True, True)
    assert modem.heard == [b"AT", b"ATE0", b'AT+CGDCONT=1,"IP","super"', b"ATD*99#", b"ATH"]


def test_the_guides_script_sends_the_users_commands_in_the_users_order() -> None:
    family = family_named("bg96")
    plan = make_plan(Dial("super", as_guide=True), family, DEVICE)
    with PlainModem() as modem:
        proof = prove_script(modem.device, render(plan)[1].content, hang_up=HANG_UP, argument="super")
    assert proof.connected
    assert modem.heard[:-1] == [
        b"AT",
        b"ATE0",
        b'AT+QCFG="band",F,400A0E189F,A0E189F,1',
        b'AT+QCFG="nwscanseq",02,1',
        b'AT+QCFG="nwscanmode",3,1',
        b'AT+QCFG="iotopmode",0,1',
        b"ATI;+CSUB;+CSQ;+COPS?;+CGREG?;&D2",
        b'AT+CGDCONT=1,"IP","super",,0,0',
        b"ATD*99#",
    ]


def test_a_cut_script_never_dials_and_waits_for_the_last_answer() -> None:
    with PlainModem() as modem:
        proof = prove_script(modem.device, connect_script(Dial("super")))
    assert (proof.passed, proof.connected) == (True, False)
    assert modem.heard == [b"AT", b"ATE0", b'AT+CGDCONT=1,"IP","super"']
    with PlainModem(lambda command: b"\r\nERROR\r\n" if b"CGDCONT" in command else obliging(command)) as modem:
        assert prove_script(modem.device, connect_script(Dial("super"))).end.abort == "ERROR"


def test_every_cut_script_is_the_beginning_of_the_whole_one() -> None:
    script = connect_script(Dial("super"))
    cut = cut_before_dial(script)
    assert script.startswith(cut[: cut.rindex(b"\nOK '\\c'")])
    assert b"ATD" not in cut


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PRINTABLE)
def test_chat_sends_any_printable_word_as_it_is(word: str) -> None:
    script = f"'' {chat_word('AT+' + word)}\nOK\n".encode()
    with PlainModem() as modem:
        assert prove_script(modem.device, script).passed
    assert modem.heard == [b"AT+" + word.encode()]


@pytest.mark.parametrize(
    "word", [r"\T\U\d\K\N\c", "^M^C^", "a'b\"c", "\\", "trailing\\", "'", "$HOME `id` $(id)", "@/etc/passwd", " x "]
)
def test_chat_sends_its_own_escapes_as_they_are(word: str) -> None:
    script = f"'' {chat_word('AT' + word)}\nOK\n".encode()
    with PlainModem() as modem:
        assert prove_script(modem.device, script, argument="ARGUMENT").passed
    assert modem.heard == [b"AT" + word.encode()]


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("bg96", b'AT+QICSGP=2,3,"a.b","it\'s","^M {{x}} #%s",2'),
        ("sim7600", b'AT+CGAUTH=2,2,"^M {{x}} #%s","it\'s"'),
        ("generic", b'AT+CGAUTH=2,2,"it\'s","^M {{x}} #%s"'),
    ],
)
def test_credentials_arrive_in_the_familys_order_and_stay_out_of_chats_log(family: str, expected: bytes) -> None:
    dial = Dial("a.b", cid=2, pdp=PdpType.IPV4V6, auth=Auth.CHAP, user="it's", password="^M {{x}} #%s")
    with PlainModem() as modem:
        proof = prove_script(modem.device, connect_script(dial, family), hang_up=HANG_UP)
    assert proof.connected
    assert modem.heard[2:5] == [expected, b'AT+CGDCONT=2,"IPV4V6","a.b"', b"ATD*99***2#"]
    assert "{{x}}" not in "\n".join(proof.lines)
    assert "send (??????)" in "\n".join(proof.lines)


def test_a_modem_that_refuses_the_credentials_is_dialled_all_the_same() -> None:
    dial = Dial("super", auth=Auth.PAP, user="u", password="p")
    with PlainModem(lambda command: b"\r\nERROR\r\n" if b"CGAUTH" in command else obliging(command)) as modem:
        assert prove_script(modem.device, connect_script(dial), hang_up=HANG_UP).connected


def test_secrets_that_a_modem_echoes_are_hidden_from_the_proof() -> None:
    dial = Dial("super", auth=Auth.PAP, user="u", password="topsecret")
    with PlainModem(lambda command: command + b"\r" + obliging(command)) as modem:
        proof = prove_script(modem.device, connect_script(dial), secrets=("topsecret",))
    assert proof.passed
    assert "topsecret" not in "\n".join(proof.lines)


@pytest.mark.parametrize("form", [Dial("super"), Dial("super", as_guide=True)])
def test_a_stale_no_carrier_does_not_end_the_dial(form: Dial) -> None:
    with PlainModem(greeting=b"\r\nNO CARRIER\r\n\r\n+CME ERROR: 30\r\n") as modem:
        assert prove_script(modem.device, connect_script(form), hang_up=HANG_UP, argument="super").connected


@pytest.mark.parametrize("word", ABORTS)
def test_each_abort_string_is_told_by_chats_status(word: str) -> None:
    lines = connect_script(Dial("super")).splitlines(keepends=True)
    script = b"".join(line for line in lines if line.startswith(b"ABORT")) + b"'' ATD\nCONNECT\n"
    with PlainModem(lambda _: f"\r\n{word}\r\n".encode()) as modem:
        proof = prove_script(modem.device, script, hang_up=HANG_UP)
    assert proof.end.abort == word
    assert proof.end.reason not in {Reason.NONE, Reason.PPPD_CONFIG}


def test_a_modem_that_misses_the_first_command_is_asked_again() -> None:
    answers = iter([b""])
    script = connect_script(Dial("super")).replace(b"TIMEOUT 5", b"TIMEOUT 1")
    with PlainModem(lambda command: next(answers, obliging(command))) as modem:
        assert prove_script(modem.device, script, hang_up=HANG_UP).connected
    assert modem.heard[:3] == [b"AT", b"AT", b"ATE0"]


def test_a_silent_modem_is_a_timeout_and_the_deadline_holds() -> None:
    with PlainModem(lambda _: b"") as modem:
        proof = prove_script(modem.device, connect_script(Dial("super")), seconds=0.5)
    assert proof.end.reason is Reason.CHAT_TIMEOUT
    assert not proof.passed


def test_a_flood_without_a_newline_ends_at_the_deadline_and_keeps_little() -> None:
    with PlainModem(lambda _: b"\xff\x00garbage" * 100) as modem:
        proof = prove_script(modem.device, connect_script(Dial("super")), seconds=1)
    assert not proof.passed
    assert sum(map(len, proof.lines)) < 100_000


def test_an_absent_port_is_named() -> None:
    with pytest.raises(PortGone, match="ttyUSB77"):
        prove_script("/dev/ttyUSB77", connect_script(Dial("super")))


def test_the_simulated_modem_of_the_users_thread_is_dialled_and_hung_up(tmp_path: Path) -> None:
    plan = make_plan(Dial("super"), family_named("bg96"), DEVICE)
    connect, disconnect = (file.content for file in render(plan)[1:3])
    with simulated(tmp_path) as devices:
        proof = prove_script(str(devices / "ttyUSB2"), connect, hang_up=disconnect)
        assert (proof.connected, proof.hung_up) == (True, True), proof.lines
        assert prove_script(str(devices / "ttyUSB2"), connect).passed


def test_the_shipped_hang_up_works_in_command_mode_too(tmp_path: Path) -> None:
    disconnect = render(make_plan(Dial("super"), family_named("generic"), DEVICE))[2].content
    with simulated(tmp_path) as devices:
        assert prove_script(str(devices / "ttyUSB2"), disconnect).passed


@pytest.mark.parametrize(
    ("script", "refused"), [("'' 'AT\n", True), ('"" AT\\"\n', False), ('"" "AT\\"\n', True), ("'' AT'OK\n", False)]
)
def test_a_quote_that_chat_does_not_find_closed_is_told_before_it_runs(script: str, refused: bool) -> None:
    with PlainModem() as modem:
        proof = prove_script(modem.device, script.encode(), hang_up=HANG_UP)
    assert any("unterminated quote" in line for line in proof.lines) == refused
    assert any("not closed" in told for told in complaints(script)) == refused
