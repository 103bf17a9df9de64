"""Each cause has a log where it is right and a near miss where it must not be named; the user's own three runs."""

import html
import re
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pppgen.causes import cause
from pppgen.diagnose import Diagnosis, Outcome, diagnose
from pppgen.model import INTERNAL_REASONS, BearerKind, Reason
from pppgen.policy.chronicle import Entry, Moment, dump
from pppgen.policy.chronicle import Kind as Told
from pppgen.reports import Step
from pppgen.system.logs import LINE_BOUND, lines_of

FOLDER = Path(__file__).parent / "fixtures" / "diagnose"
CAUSES = sorted(set(Reason) - INTERNAL_REASONS)


def told_of(name: str) -> Diagnosis:
    return diagnose((FOLDER / name).read_text().splitlines())


def causes(told: Diagnosis) -> list[Reason]:
    return [finding.cause for finding in told.findings]


@pytest.mark.parametrize("reason", CAUSES)
def test_a_cause_is_named_where_it_is_right(reason: Reason) -> None:
    assert causes(told_of(f"{reason}.log"))[:1] == [reason]


@pytest.mark.parametrize("reason", CAUSES)
def test_a_cause_is_not_named_in_its_near_miss(reason: Reason) -> None:
    assert reason not in causes(told_of(f"{reason}.not.log"))


@pytest.mark.parametrize("name", ["user-qmi-bg96.log", "user-qmi-ec25.log"])
def test_the_users_qmi_runs_have_a_call_and_no_lease_most_likely_for_the_framing(name: str) -> None:
    told = told_of(name)
    assert told.outcome is Outcome.FAILED
    assert causes(told) == [Reason.NO_DHCP_LEASE, Reason.RAW_IP_MISMATCH]
    texts = [sighting.text for finding in told.findings for sighting in finding.evidence]
    assert any("netcard driver = qmi_wwan" in text for text in texts)
    assert any(text == "udhcpc: no lease, failing" for text in texts)
    assert {"sim", "device", "call"} <= {step.name for step in told.steps}


def test_the_users_two_commands_prove_the_framing() -> None:
    for reason in (Reason.NO_DHCP_LEASE, Reason.RAW_IP_MISMATCH):
        typed = "\n".join(cause(reason).action)
        assert "--wda-get-data-format" in typed
        assert "/sys/class/net/wwan0/qmi/raw_ip" in typed


def test_the_users_ppp_run_works_keeps_wlan0s_route_and_starts_slowly() -> None:
    told = told_of("user-ppp-bg96.log")
    assert told.outcome is Outcome.UP
    assert {Reason.DEFAULT_ROUTE_KEPT, Reason.SLOW_START, Reason.NONE} == set(causes(told))
    assert "remote-invented" in {calm.slug for calm in told.harmless}
    assert not {"auth-failed", "not-registered"} & set(causes(told))


def test_a_repaired_framing_is_a_link_that_is_up() -> None:
    log = """requestSetupDataCall WdsConnectionIPv4Handle: 0x86d87130
udhcpc: started, v1.36.1
udhcpc: no lease, failing
echo Y > /sys/class/net/wwan0/qmi/raw_ip
udhcpc: started, v1.36.1
udhcpc: lease of 10.1.2.3 obtained from 10.1.2.4, lease time 7200"""
    told = diagnose(log.splitlines())
    assert told.outcome is Outcome.UP
    assert causes(told)[0] is Reason.RAW_IP_MISMATCH


@pytest.mark.parametrize(
    "dress",
    [
        "Mar  1 09:08:07 host pppd[812]: {}",
        "2024-03-01T09:08:07.123456+01:00 host pppd[812]: {}",
        "[  123.456789] host pppd[812]: {}",
        "Fri Mar  1 09:08:07 2024 daemon.info pppd[812]: {}",
        "pppd[812]: {}",
        "Mär  1 09:08:07 host pppd[812]: {}",
        "févr. 01 09:08:07 hôte pppd[812]: {}",
        "daemon.info pppd[812]: {}",
        "modem-1  | Mar  1 09:08:07 pppd[812]: {}",
        "I/pppd    (  812): {}",
        "   {}   ",
        "> > {}",
        "\x1b[33m{}\x1b[0m",
        "[COLOR=#ff0000]{}[/COLOR]",
        "<b>{}</b>",
        "# {}\r",
    ],
)
def test_a_line_is_read_however_it_was_pasted(dress: str) -> None:
    lines = ["PAP authentication succeeded", "LCP terminated by peer", "Modem hangup"]
    told = diagnose(dress.format(line) for line in lines)
    assert causes(told) == [Reason.APN_REJECTED]
    assert [sighting.line for sighting in told.findings[0].evidence] == [1, 2]


def test_a_line_that_a_mail_program_folded_is_read_whole_and_its_first_half_is_the_proof() -> None:
    folded = """Mar  1 09:08:07 a-host-with-a-long-name pppd[812]: PAP authentication
succeeded
Mar  1 09:08:08 a-host-with-a-long-name pppd[812]: LCP terminated by
peer""".splitlines()
    told = diagnose(folded)
    assert causes(told) == [Reason.APN_REJECTED]
    assert [sighting.line for sighting in told.findings[0].evidence] == [1, 3]
    assert [sighting.text for sighting in told.findings[0].evidence] == [folded[0], folded[2]]


def test_a_folded_line_that_nobody_signed_is_read_whole() -> None:
    folded = [
        "error: couldn't create client for the 'wds' service: CID allocation failed in",
        "the CTL client: Transaction timed out",
    ]
    assert causes(diagnose(folded)) == [Reason.QMI_TIMEOUT]


@pytest.mark.parametrize("between", ["", "Mar  1 09:08:07 host sshd[1]: hello", "NO CARRIER"])
def test_halves_with_something_between_them_are_no_line(between: str) -> None:
    told = diagnose(["Mar  1 09:08:07 host pppd[812]: PAP authentication", between, "succeeded"])
    assert not any(step.name == "auth" for step in told.steps)


@pytest.mark.parametrize("speaker", ["< {}", "AT< {}", "<- {}", "<-- {}", "RX: {}", "resp: {}", "Received: {}"])
def test_what_the_modem_answers_is_read_behind_the_arrow_of_any_terminal(speaker: str) -> None:
    assert causes(diagnose([speaker.format("+CME ERROR: 10")])) == [Reason.SIM_MISSING]


def test_the_shells_words_are_read_in_other_languages() -> None:
    assert causes(diagnose(["bash: /dev/ttyUSB0: Keine Berechtigung"])) == [Reason.PERMISSION_DENIED]
    assert causes(diagnose(["cat: /dev/ttyUSB0: Périphérique ou ressource occupé"])) == [Reason.PORT_BUSY]


def test_the_last_attempt_decides() -> None:
    failed = ["send (ATD*99#^M)", "expect (CONNECT)", "NO CARRIER", "Failed (NO CARRIER)", "Connect script failed"]
    worked = ["send (ATD*99#^M)", "expect (CONNECT)", "CONNECT", " -- got it", "local  IP address 10.0.0.1"]
    assert diagnose([*failed, *worked]).outcome is Outcome.UP
    told = diagnose([*worked, "LCP terminated by peer", *failed])
    assert (told.outcome, causes(told)[0], told.attempts) == (Outcome.FAILED, Reason.NO_CARRIER, 2)


def test_a_log_of_something_else_is_unknown() -> None:
    told = diagnose(["Mar  1 09:08:07 host sshd[1]: Failed password for root", "hello", "error: no such command"])
    assert told.outcome is Outcome.UNKNOWN
    assert not told.findings


def test_evidence_is_few_lines_and_each_is_the_logs_own() -> None:
    for path in sorted(FOLDER.glob("*.log")):
        lines = path.read_text().splitlines()
        for finding in diagnose(lines).findings:
            assert 0 < len(finding.evidence) <= 5, path.name
            assert all(lines[sighting.line - 1] == sighting.text for sighting in finding.evidence), path.name


@pytest.mark.parametrize(
    "line",
    [
        "requestSetupDataCall QMUXResult = 0x1, QMUXError = 0xwhat",
        "64 bytes from 8.8.8.8: icmp_seq=1 ttl=55 time=1.2.3 ms",
        "--> The PPP daemon has died: (exit code = \u00b2)",
        "call_end_reason_verbose is 99999999999999999999",
        "[modem0] state changed (a -> b -> c)",
    ],
)
def test_a_number_that_is_none_is_no_number(line: str) -> None:
    diagnose([line])


# Whatever bytes come: no exception, no hang, nothing named twice.
WORDS = sorted({line for path in FOLDER.glob("*.log") for line in path.read_text().splitlines()})


@given(st.lists(st.one_of(st.text(), st.sampled_from(WORDS)), max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_mixture_of_lines_gets_an_answer(lines: list[str]) -> None:
    told = diagnose(lines)
    named = causes(told)
    assert len(named) == len(set(named))
    if told.outcome is not Outcome.FAILED:  # a failure may stay without a cause
        assert (told.outcome is Outcome.UNKNOWN) == (not named)
    for finding in told.findings:
        assert all(1 <= sighting.line <= len(lines) for sighting in finding.evidence)


@given(st.sampled_from(WORDS), st.data())
@settings(max_examples=300, deadline=None)
def test_a_line_cut_or_doubled_anywhere_gets_an_answer(line: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(line)))
    diagnose([line[:cut], line[cut:], line[:cut] + line, line[cut:] * 50])


@given(st.binary(max_size=4000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_become_lines_as_text_mode_would_split_them(data: bytes) -> None:
    told = list(lines_of(BytesIO(data)))
    if not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        text = TextIOWrapper(BytesIO(data), encoding="utf-8", errors="replace", newline=None).read()
        assert told == text.removesuffix("\n").split("\n") if text else not told
    diagnose(told)


def test_an_endless_line_and_nul_bytes_are_bounded() -> None:
    endless = BytesIO(b"\0" * 3_000_000 + b"local  IP address 10.0.0.1" * 100_000 + b"\nModem hangup\n")
    lines = list(lines_of(endless))
    assert [len(line) for line in lines] == [LINE_BOUND, len("Modem hangup")]


def test_a_log_in_utf_16_is_read() -> None:
    lines = list(lines_of(BytesIO("PAP authentication succeeded\r\nLCP terminated by peer\r\n".encode("utf-16"))))
    assert causes(diagnose(lines)) == [Reason.APN_REJECTED]


def test_pppgens_own_journal_is_a_log_like_any_other() -> None:
    at = Moment(1_709_280_487.0, 100.0)
    told = [
        Entry(Told.RUN, at),
        Entry(Told.STEP, at, dial=1, bearer=BearerKind.QMI, step=Step.DEVICE),
        Entry(Told.FAILED, at, dial=1, bearer=BearerKind.QMI, step=Step.LEASE, reason=Reason.RAW_IP_MISMATCH),
        Entry(Told.STEP, at, dial=2, bearer=BearerKind.PPP, step=Step.CHAT),
        Entry(Told.FAILED, at, dial=2, bearer=BearerKind.PPP, step=Step.AUTH, reason=Reason.AUTH_FAILED),
    ]
    failed = diagnose(dump(entry).rstrip() for entry in told)
    assert (failed.outcome, causes(failed), failed.attempts) == (Outcome.FAILED, [Reason.AUTH_FAILED], 2)
    told.append(Entry(Told.UP, at, dial=3, bearer=BearerKind.PPP, interface="ppp0", address="10.0.0.1"))
    assert diagnose(dump(entry).rstrip() for entry in told).outcome is Outcome.UP


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("sent [LCP ConfReq id=0x1 <magic 0x1>]\n" * 5 + "Modem hangup", Reason.LCP_TIMEOUT),
        ("CHAP authentication succeeded\n" + "sent [IPCP ConfReq id=0x1]\n" * 5 + "Modem hangup", Reason.IPCP_TIMEOUT),
        ("send (AT^M)\nexpect (OK)\n$GPGGA,092750.000,5321,N,0630,W*76\nalarm\nFailed", Reason.WRONG_PORT),
        (
            "requestSetupDataCall WdsConnectionIPv4Handle: 0x1\n" + "udhcpc: sending discover\n" * 6,
            Reason.NO_DHCP_LEASE,
        ),
        ("AT+CGACT=1,1\n+CME ERROR: 148", Reason.NOT_REGISTERED),
        ("AT+CGACT=1,1\nERROR", Reason.DIAL_REJECTED),
        ("(ttyUSB2): <-- '<CR><LF>+CPIN: SIM PIN<CR><LF>'", Reason.SIM_PIN),
        ("pppd: Couldn't set tty to PPP discipline: Invalid argument", Reason.KERNEL_NO_PPP),
        ("error: cannot re-start network, PDH already exists", Reason.QMI_NO_EFFECT),
        (
            "call_end_reason_type is 6\ncall_end_reason_verbose is 27\ntry to requestSetupDataCall 5 second later",
            Reason.APN_REJECTED,
        ),
        ("NetworkManager: <WARN>  dial_done(): No carrier", Reason.NO_CARRIER),
        ("--> The PPP daemon has died: Lack of LCP echo responses (exit code = 15)", Reason.ECHO_UNANSWERED),
    ],
)
def test_a_cause_that_only_a_few_words_tell_is_heard(log: str, reason: Reason) -> None:
    assert causes(diagnose(log.splitlines()))[:1] == [reason]


def _typeset(line: str) -> str:
    return (
        re.sub(r'"([^"]*)"', "\u201c\\1\u201d", line)
        .replace("--", "\u2013")
        .replace("'", "\u2019")
        .replace("...", "\u2026")
    )


# What pasting does to a whole log; none of it may change the answer.
PASTED: dict[str, Callable[[list[str]], list[str]]] = {
    "quoted": lambda lines: [f"> {line}" for line in lines],
    "typeset": lambda lines: [_typeset(line) for line in lines],
    "one-blank": lambda lines: [re.sub(" +", " ", line).strip() for line in lines],
    "hard-blanks": lambda lines: [line.replace("  ", "\xa0 ") for line in lines],
    "double-spaced": lambda lines: [part for line in lines for part in (line, "")],
    "escaped": lambda lines: [html.escape(line) for line in lines],
    "numbered": lambda lines: [f"{number:4}  {line}" for number, line in enumerate(lines, 1)],
    "listed": lambda lines: [f"  * {line}" for line in lines],
    "in-a-letter": lambda lines: ["Hello,", "this is what I get:", "", *lines, "", "Any ideas?"],
    "code": lambda lines: ["[CODE]", *lines, "[/CODE]"],
    "twice": lambda lines: [*lines, *lines],
}


@pytest.mark.parametrize("pasted", PASTED)
def test_no_way_of_pasting_changes_what_a_log_proves(pasted: str) -> None:
    logs = {path.name: path.read_text().splitlines() for path in sorted(FOLDER.glob("*.log"))}
    plain = {name: diagnose(lines) for name, lines in logs.items()}
    seen = {name: diagnose(PASTED[pasted](lines)) for name, lines in logs.items()}
    assert {name: (told.outcome, causes(told)[:1]) for name, told in seen.items()} == {
        name: (told.outcome, causes(told)[:1]) for name, told in plain.items()
    }


BESIDE = """Here is my /etc/wvdial.conf, and the chat script:
Init1 = ATZ
Init3 = AT+CGDCONT=1,"IP","internet"
Phone = *99#
ABORT 'NO CARRIER'
ABORT BUSY
'' ATZ
OK 'AT+CGDCONT=1,"IP","internet"'
OK ATD*99#
CONNECT ''
connect "/usr/sbin/chat -v -f /etc/chatscripts/gprs"
persist
user "web"
Bus 001 Device 004: ID 2c7c:0125 Quectel Wireless Solutions Co., Ltd. EC25 LTE modem
0.0.0.0         192.168.1.1     0.0.0.0         UG    600    0        0 wlan0
wlan0     Link encap:Ethernet  HWaddr b8:27:eb:00:00:01
          inet addr:192.168.1.20  Bcast:192.168.1.255  Mask:255.255.255.0
          RX packets:100 errors:0 dropped:0 overruns:0 frame:0""".splitlines()


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_configuration_beside_the_log_proves_nothing(first: bool) -> None:
    assert diagnose(BESIDE).outcome is Outcome.UNKNOWN
    for path in sorted(FOLDER.glob("*.log")):
        lines = path.read_text().splitlines()
        plain, beside = diagnose(lines), diagnose([*BESIDE, "", *lines] if first else [*lines, "", *BESIDE])
        assert (beside.outcome, causes(beside)[:1]) == (plain.outcome, causes(plain)[:1]), path.name


@pytest.mark.parametrize("hidden", ["xxx.xxx.xxx.xxx", "<removed>", "10.x.x.x", ""])
def test_an_address_that_was_taken_out_is_an_address(hidden: str) -> None:
    assert diagnose([f"local  IP address {hidden}".rstrip()]).outcome is Outcome.UP
    if hidden:
        assert diagnose([f"udhcpc: lease of {hidden} obtained, lease time 7200"]).outcome is Outcome.UP
        assert diagnose([f"bound to {hidden} -- renewal in 3000 seconds."]).outcome is Outcome.UP


def _written() -> list[tuple[str, str, str, set[str]]]:
    """The logs of fixtures/diagnose/written: behind `===` a name, the outcome and the causes that are right."""
    found = []
    for path in sorted((FOLDER / "written").glob("*.txt")):
        for block in path.read_text().split("=== ")[1:]:
            head, _, log = block.partition("\n")
            name, outcome, causes_that_fit = (word.strip() for word in head.split("|"))
            found.append((f"{path.stem}-{name}", log, outcome, set(causes_that_fit.split(","))))
    return found


@pytest.mark.parametrize(("log", "outcome", "right"), [pytest.param(*row[1:], id=row[0]) for row in _written()])
def test_logs_of_other_tools_and_versions_are_read_right(log: str, outcome: str, right: set[str]) -> None:
    told = diagnose(log.splitlines())
    named = causes(told)[0].value if told.findings else "unknown"
    assert named in right
    assert told.outcome == outcome or named == "unknown"


@pytest.mark.parametrize("number", ["{:4}  {}", "{}. {}", "{}\t{}", "{}) {}"])
def test_a_log_with_its_lines_numbered_is_read(number: str) -> None:
    lines = ["", "PAP authentication succeeded", "", "LCP terminated by peer"]
    told = diagnose(number.format(place, line) for place, line in enumerate(lines, 1))
    assert causes(told) == [Reason.APN_REJECTED]
