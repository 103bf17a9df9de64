import pytest

from pppgen.model import Reason
from pppgen.programs.chat import ChatReader
from pppgen.programs.chat import reason_of_exit as reason_of_chat
from pppgen.programs.events import Event, Kind
from pppgen.programs.pppd import EXIT_STATUSES, PppdReader, reason_of, reason_of_exit


def kinds(reader: PppdReader | ChatReader, *lines: str) -> list[tuple[Kind, str]]:
    return [(event.kind, event.value) for line in lines for event in reader.read(line)]


@pytest.mark.parametrize(
    ("line", "kind", "value"),
    [
        ("pppd 2.4.9 started by root, uid 0", Kind.PROGRAM_STARTED, "2.4.9"),
        ("Serial connection established.", Kind.SERIAL_UP, ""),
        ("Using interface ppp0", Kind.INTERFACE, "ppp0"),
        ("Connect: ppp0 <--> /dev/ttyUSB2", Kind.LINK_CONNECTED, "/dev/ttyUSB2"),
        ("Device ttyUSB2 is locked by pid 411", Kind.PORT_BUSY, "411"),
        ("In file /etc/ppp/peers/x: unrecognized option '/dev/ttyUSB9'", Kind.PORT_MISSING, "/dev/ttyUSB9"),
        ("unrecognized option '/dev/ttyUSB9'", Kind.PORT_MISSING, "/dev/ttyUSB9"),
        ("In file /etc/ppp/peers/x: unrecognized option 'nodetahc'", Kind.OPTION_REFUSED, "nodetahc"),
        ("unknown host: pci-0000:00:14.0-usb-0:4:1.2-port0", Kind.PORT_MISSING, "usb-0:4"),
        ("Failed to open /dev/ttyUSB2: No such file or directory", Kind.PORT_MISSING, "/dev/ttyUSB2"),
        ("Failed to open /dev/ttyUSB2: Device or resource busy", Kind.PORT_BUSY, ""),
        ("Failed to open /dev/ttyUSB2: Permission denied", Kind.PERMISSION_DENIED, "/dev/ttyUSB2"),
        ("local  IP address 100.64.12.89", Kind.LOCAL_ADDRESS, "100.64.12.89"),
        ("primary   DNS address 8.8.8.8", Kind.DNS_ADDRESS, "8.8.8.8"),
        ("not replacing default route to wlan0 [192.168.1.1]", Kind.ROUTE_KEPT, "wlan0"),
        ("not replacing existing default route via 192.168.1.252", Kind.ROUTE_KEPT, "192.168.1.252"),
        ("CHAP authentication failed: Password mismatch", Kind.AUTH_FAILED, "Password mismatch"),
        ("No CHAP secret found for authenticating us to ", Kind.SECRET_MISSING, ""),
        ("LCP terminated by peer (^A^B)", Kind.PEER_TERMINATED, "LCP"),
        ("No response to 4 echo-requests", Kind.ECHO_LOST, "4"),
        ("Connect time 9.6 minutes.", Kind.CONNECT_TIME, "9.6"),
        ("Sent 1008 bytes, received 1787 bytes.", Kind.TRAFFIC, "1008 1787"),
        ("Script chat -v -f /etc/chatscripts/x finished (pid 9), status = 0x3", Kind.CHAT_EXITED, "3"),
    ],
)
def test_a_line_of_pppd_is_the_event_it_says(line: str, kind: Kind, value: str) -> None:
    (event,) = PppdReader().read(line)
    assert event.kind is kind
    assert value in event.value


@pytest.mark.parametrize(
    "line",
    [
        "Script /etc/ppp/ip-up finished (pid 767), status = 0x1",
        "Script chat -f /etc/chatscripts/chat-disconnect finished (pid 1), status = 0x3",
        "using channel 1",
        "sent [",
        "rcvd [LCP",
        "",
    ],
)
def test_a_line_without_meaning_proves_nothing(line: str) -> None:
    assert PppdReader().read(line) == ()


def test_lcp_and_ipcp_are_open_when_both_sides_acknowledged() -> None:
    said = kinds(
        PppdReader(),
        "Connect: ppp0 <--> /dev/ttyUSB2",
        "rcvd [LCP ConfReq id=0x10 <asyncmap 0x0> <auth chap MD5> <magic 0x473bd206>]",
        "sent [LCP ConfRej id=0x10 <auth chap MD5>]",
        "rcvd [LCP ConfAck id=0x1 <asyncmap 0x0>]",
        "sent [LCP ConfAck id=0x11 <asyncmap 0x0>]",
        "sent [IPCP ConfReq id=0x1 <addr 0.0.0.0> <ms-dns1 0.0.0.0>]",
        "rcvd [IPCP ConfNak id=0x1 <addr 100.64.12.89> <ms-dns1 8.8.8.8>]",
        "sent [IPCP ConfAck id=0xb]",
        "rcvd [IPCP ConfAck id=0x2 <addr 100.64.12.89>]",
    )
    assert [pair for pair in said if pair[0] not in {Kind.PACKET_SENT, Kind.PACKET_RECEIVED}] == [
        (Kind.LINK_CONNECTED, "/dev/ttyUSB2"),
        (Kind.AUTH_ASKED, "chap MD5"),
        (Kind.AUTH_REFUSED_BY_US, "chap MD5"),
        (Kind.LCP_OPEN, ""),
        (Kind.IPCP_ASKED, ""),
        (Kind.IPCP_OFFERED, "100.64.12.89"),
        (Kind.IPCP_OPEN, ""),
    ]


def test_every_exit_status_of_the_man_page_has_a_sentence() -> None:
    assert sorted(EXIT_STATUSES) == list(range(20))
    assert all(status.sentence for status in EXIT_STATUSES.values())


def test_exit_2_without_the_node_is_a_device_that_is_gone() -> None:
    assert reason_of_exit(2, device_there=False) is Reason.USB_DISCONNECT
    assert reason_of_exit(2) is Reason.PPPD_CONFIG
    assert reason_of_exit(-9) is Reason.PROGRAM_KILLED


def reason_of_run(*lines: str) -> Reason | None:
    reader, authenticated, leased = PppdReader(), False, False
    for line in lines:
        for event in reader.read(line):
            authenticated |= event.kind is Kind.AUTH_SUCCEEDED
            leased |= event.kind is Kind.LOCAL_ADDRESS
            if (reason := reason_of(event, authenticated=authenticated, leased=leased)) is not None:
                return reason
    return None


def test_the_reason_is_the_earliest_decisive_line() -> None:
    assert (
        reason_of_run("PAP authentication succeeded", "LCP terminated by peer", "Modem hangup") is Reason.APN_REJECTED
    )
    assert reason_of_run("LCP terminated by peer", "Modem hangup") is Reason.PEER_HANGUP
    assert reason_of_run("local  IP address 10.0.0.1", "Modem hangup") is Reason.LINK_DROPPED
    assert reason_of_run("No response to 4 echo-requests", "Modem hangup") is Reason.ECHO_UNANSWERED
    assert reason_of_run("IPV6CP terminated by peer", "local  IP address 10.0.0.1") is None


CHAT = """abort on (NO CARRIER)
timeout set to 30 seconds
send (AT^M)
expect (OK)
AT^M^M
OK
 -- got it

send (ATI;+CSQ^M)
expect (OK)
^M
Quectel^M
+CSQ: 22,99^M
^M
OK
 -- got it

send (ATD*99#^M)
expect (CONNECT)
^M
^M
CONNECT
 -- got it""".splitlines()


def test_chat_hands_on_what_the_modem_said_between_expect_and_its_end() -> None:
    said = kinds(ChatReader(), *CHAT)
    assert (Kind.MODEM_SAID, "+CSQ: 22,99") in said
    assert said[-4:] == [
        (Kind.DIALLING, "ATD*99#"),
        (Kind.EXPECTING, "CONNECT"),
        (Kind.CARRIER_UP, ""),
        (Kind.GOT_IT, "CONNECT"),
    ]


def test_chat_names_the_abort_string_that_matched() -> None:
    said = kinds(
        ChatReader(), "send (ATD*99#^M)", "expect (CONNECT)", "NO CARRIER", " -- failed", "Failed (NO CARRIER)"
    )
    assert said[-1] == (Kind.CHAT_ABORTED, "NO CARRIER")


def test_chat_names_what_it_waited_for_when_the_alarm_rings() -> None:
    said = kinds(ChatReader(), "expect (OK)", "^M", "alarm", "Failed")
    assert said[-2:] == [(Kind.CHAT_TIMED_OUT, "OK"), (Kind.CHAT_TIMED_OUT, "OK")]


def test_chats_exit_status_is_the_index_of_its_abort_string() -> None:
    aborts = ["BUSY", "NO CARRIER", "+CME ERROR: 10", "ERROR"]
    assert reason_of_chat(6, aborts) is Reason.SIM_MISSING
    assert reason_of_chat(7, aborts) is Reason.DIAL_REJECTED
    assert reason_of_chat(3, aborts) is Reason.CHAT_TIMEOUT
    assert reason_of_chat(40, aborts) is Reason.CHAT_TIMEOUT


def test_readers_keep_no_more_of_a_line_than_its_bound() -> None:
    for reader in (PppdReader(), ChatReader()):
        event: Event
        for line in (
            "send (AT" + "x" * 10_000,
            "expect (" + "y" * 10_000 + ")",
            "Terminating on signal " + "1" * 10_000,
        ):
            for event in reader.read(line):
                assert len(event.value) <= 200
