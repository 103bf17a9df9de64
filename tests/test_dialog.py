"""What pppd's words prove while it runs: steps, lease, and the earliest line that decides."""

import pytest

from pppgen.bearers.dialog import Dialog
from pppgen.model import Lease, Reason
from pppgen.reports import Step
from tests.fakes.pppd_words import (
    CHAP_SUCCESS,
    CHAT,
    CONNECTED,
    HUNG_UP,
    IP_UP,
    IPCP,
    IPCP_ASKED,
    LCP,
    LCP_WITH_CHAP,
    TERMINATED,
)

LINGER = TERMINATED + HUNG_UP


def heard(text: str) -> Dialog:
    dialog = Dialog()
    for line in text.splitlines():
        dialog.hear(line)
    return dialog


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("", Step.PORT_OPEN),
        (CHAT, Step.CHAT),
        (CHAT + CONNECTED, Step.LCP),
        (CHAT + CONNECTED + LCP_WITH_CHAP, Step.AUTH),
        (CHAT + CONNECTED + LCP_WITH_CHAP + CHAP_SUCCESS, Step.IPCP),
        (CHAT + CONNECTED + LCP + IPCP_ASKED, Step.IPCP),
        (CHAT + CONNECTED + LCP_WITH_CHAP + CHAP_SUCCESS + IPCP, Step.ROUTE),
    ],
)
def test_each_step_begins_with_its_line(text: str, step: Step) -> None:
    dialog = heard(text)
    assert (dialog.step, dialog.reason) == (step, None)


def test_the_lease_has_all_that_was_given_and_not_the_peer_that_pppd_made_up() -> None:
    told = CHAT + CONNECTED + LCP_WITH_CHAP + CHAP_SUCCESS + IPCP
    assert not heard(told).told_all
    dialog = heard(told + IP_UP)
    assert dialog.told_all
    assert dialog.lease() == Lease("100.64.12.89", "ppp0", dns=("8.8.8.8", "8.8.4.4"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CHAT + "Failed (NO CARRIER)\nConnect script failed\n", Reason.NO_CARRIER),
        (CHAT + "alarm\nFailed\nScript chat finished (pid 1), status = 0x3\n", Reason.CHAT_TIMEOUT),
        (CHAT.split("^M\nOK\n", maxsplit=1)[0] + "alarm\nFailed\nConnect script failed\n", Reason.MODEM_NOT_RESPONDING),
        (CHAT + "alarm\nFailed\nScript chat finished (pid 1), status = 0x1\n", Reason.CHAT_TIMEOUT),
        ("Script chat finished (pid 1), status = 0x1\n", Reason.PPPD_CONFIG),
        (CHAT + CONNECTED + "LCP: timeout sending Config-Requests\nModem hangup\n", Reason.LCP_TIMEOUT),
        (CHAT + CONNECTED + "Serial line is looped back.\nModem hangup\n", Reason.LOOPBACK),
        (CHAT + CONNECTED + LCP_WITH_CHAP + LINGER, Reason.AUTH_FAILED),
        (CHAT + CONNECTED + LCP_WITH_CHAP + "CHAP authentication failed: no\n" + LINGER, Reason.AUTH_FAILED),
        (CHAT + CONNECTED + LCP_WITH_CHAP + CHAP_SUCCESS + LINGER, Reason.APN_REJECTED),
        (CHAT + CONNECTED + LCP + LINGER, Reason.PEER_HANGUP),
        (CHAT + CONNECTED + LCP_WITH_CHAP + CHAP_SUCCESS + IPCP + LINGER, Reason.LINK_DROPPED),
        (
            CHAT + CONNECTED + LCP_WITH_CHAP + CHAP_SUCCESS + IPCP + "No response to 4 echo-requests\n" + LINGER,
            Reason.ECHO_UNANSWERED,
        ),
        (
            CHAT + CONNECTED + LCP_WITH_CHAP + CHAP_SUCCESS + "IPCP: timeout sending Config-Requests\n",
            Reason.IPCP_TIMEOUT,
        ),
        (CHAT + "Terminating on signal 15\nConnect script failed\n", Reason.STOPPED),
    ],
)
def test_the_earliest_decisive_line_is_the_reason(text: str, reason: Reason) -> None:
    dialog = heard(text)
    assert dialog.reason is reason
    assert dialog.evidence, "the lines that prove it"
    assert dialog.ended(16, device_there=True) is reason, "the exit status does not overrule what was said"


def test_a_timeout_that_the_script_answers_by_sending_again_is_no_end() -> None:
    dialog = heard("send (AT^M)\nexpect (OK)\nalarm\nsend (AT^M)\nexpect (OK)\n^M\nOK\n -- got it\n")
    assert dialog.reason is None


def test_a_modem_that_says_pppd_s_words_while_chat_listens_is_not_believed() -> None:
    lies = "Using interface wlan0\nlocal  IP address 6.6.6.6\nLCP terminated by peer\nprimary   DNS address 6.6.6.6\n"
    dialog = heard(CHAT + lies)
    assert (dialog.step, dialog.reason, dialog.leased) == (Step.CHAT, None, False)
    assert dialog.interface == ""


def test_ipv6_alone_is_a_lease_and_a_refused_ipv4_beside_it_no_end() -> None:
    only_v6 = CHAT + CONNECTED + LCP_WITH_CHAP + CHAP_SUCCESS + "local  LL address fe80::1\nremote LL address fe80::2\n"
    assert heard(only_v6).leased
    both = CHAT + CONNECTED + LCP_WITH_CHAP + CHAP_SUCCESS + IPCP_ASKED + "local  LL address fe80::1\n"
    assert not heard(both).leased, "IPv4 is still being asked for"
    assert heard(both + "IPCP: timeout sending Config-Requests\n").reason is None


@pytest.mark.parametrize(
    ("status", "there", "reason"),
    [
        (2, False, Reason.USB_DISCONNECT),
        (2, True, Reason.PPPD_CONFIG),
        (6, True, Reason.PORT_BUSY),
        (-9, True, Reason.PROGRAM_KILLED),
        (None, True, Reason.LINK_DROPPED),
    ],
)
def test_without_a_decisive_line_the_status_is_the_reason(status: int | None, there: bool, reason: Reason) -> None:
    dialog = Dialog()
    assert dialog.ended(status, device_there=there) is reason
    assert "pppd" in dialog.evidence[-1]
