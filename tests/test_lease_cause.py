"""Why there is no lease: one row a combination of facts, and the order in which evidence counts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.health import Counters
from pppgen.lease_cause import Call, Dhcp, Framing, LeaseFacts, framing_cause, lease_cause
from pppgen.model import Reason

RAW, ETHERNET, UNKNOWN = Framing.RAW_IP, Framing.ETHERNET, Framing.UNKNOWN
SOUND = LeaseFacts("wwan0", RAW, RAW, Call.STANDS, dhcp=Dhcp.UNANSWERED)
NOTHING = Counters()
SOME = Counters(rx_packets=3, tx_packets=9, rx_bytes=300, tx_bytes=900)


@pytest.mark.parametrize(
    ("facts", "reason", "cure", "words"),
    [
        (replace(SOUND, kernel=ETHERNET), Reason.RAW_IP_MISMATCH, RAW, "the modem speaks raw-ip"),
        (replace(SOUND, modem=ETHERNET), Reason.RAW_IP_MISMATCH, ETHERNET, "the kernel expects raw-ip"),
        (SOUND, Reason.NO_DHCP_LEASE, None, "in the right framing, the call stands, 0 packets received"),
        (replace(SOUND, modem=UNKNOWN, kernel=ETHERNET), Reason.RAW_IP_MISMATCH, RAW, "nothing at all came in"),
        (replace(SOUND, modem=UNKNOWN, received=SOME), Reason.NO_DHCP_LEASE, None, "framing not known"),
        (replace(SOUND, modem=UNKNOWN, kernel=UNKNOWN), Reason.NO_DHCP_LEASE, None, "framing not known"),
        (replace(SOUND, dhcp=Dhcp.REFUSED), Reason.NO_DHCP_LEASE, None, "NAK"),
        (replace(SOUND, dhcp=Dhcp.LINK_LOCAL), Reason.NO_DHCP_LEASE, None, "169.254/16"),
        (replace(SOUND, dhcp=Dhcp.NOT_ASKED), Reason.NO_DHCP_LEASE, None, "the modem names no address"),
        (replace(SOUND, address="10.0.0.2"), Reason.CARRIER_SILENT, None, "nothing came back"),
        (replace(SOUND, call=Call.NONE), Reason.QMI_CALL_FAILED, None, "gave no reason"),
        (replace(SOUND, call=Call.NONE, ended_why="[3gpp] unknown-apn"), Reason.APN_REJECTED, None, "unknown-apn"),
        (replace(SOUND, call=Call.NONE, kernel=ETHERNET), Reason.QMI_CALL_FAILED, None, "no data call"),
    ],
)
def test_each_cause_has_its_reason_and_says_what_proves_it(
    facts: LeaseFacts, reason: Reason, cure: Framing | None, words: str
) -> None:
    found = lease_cause(facts)
    assert (found.reason, found.cure) == (reason, cure)
    assert words in found.sentence


@given(
    st.builds(
        LeaseFacts,
        st.just("wwan0"),
        st.sampled_from(Framing),
        st.sampled_from(Framing),
        st.sampled_from(Call),
        st.sampled_from(["", "[3gpp] unknown-apn"]),
        st.sampled_from(Dhcp),
        st.sampled_from(["", "10.0.0.2"]),
        st.sampled_from([NOTHING, SOME]),
    )
)
def test_a_cure_is_named_for_a_mismatch_only_and_is_never_what_the_kernel_has(facts: LeaseFacts) -> None:
    found = lease_cause(facts)
    assert found.sentence
    assert (found.cure is not None) == (found.reason is Reason.RAW_IP_MISMATCH)
    assert found.cure is not facts.kernel


def test_framings_that_agree_or_are_not_known_are_no_mismatch() -> None:
    assert framing_cause("wwan0", RAW, RAW) is None
    assert framing_cause("wwan0", UNKNOWN, RAW) is None
    assert framing_cause("wwan0", ETHERNET, UNKNOWN) is None
