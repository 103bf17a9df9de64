"""Which rules are asked, in which order: from the explicit to the inferred; a rule never guesses from silence alone.

A rule looks at the decided attempt (`case.record`) and at what the whole log knows (`case.world`), and answers with the
lines that prove its cause, or with nothing.
"""

from pppgen.diagnose.case import Confidence, Rule, plain
from pppgen.diagnose.rules_dial import (
    another_speaker,
    locked_by_symptom,
    managed_port,
    modem_errors,
    no_carrier,
    positions,
    rejected,
    script_failed,
    silence,
    timeout,
)
from pppgen.diagnose.rules_machine import busy, lost_port, missing_port, not_switched, permission, usb, voltage
from pppgen.diagnose.rules_network import denied, no_signal, not_registered, reported, searching_dial, sim
from pppgen.diagnose.rules_ppp import (
    attached_without_service,
    auth,
    dropped,
    echo,
    exit_status,
    hung_up,
    ipcp,
    lcp,
    no_common_auth,
    no_context,
    placeholder_dns,
    refused_apn,
    silent_exit,
)
from pppgen.diagnose.rules_qmi import connect_refused, framing, framing_by_symptom, no_lease, qmi_call, qmi_version
from pppgen.diagnose.rules_up import route_kept, silent_carrier, slow_start, unanswered_dhcp
from pppgen.model import Reason
from pppgen.programs.events import Kind

# Asked of an attempt that failed, and of a log without an attempt; the first answer is the main cause.
FAILED_RULES: tuple[Rule, ...] = (
    reported,
    voltage,
    usb,
    not_switched,
    sim,
    plain(Kind.KERNEL_NO_PPP, Reason.KERNEL_NO_PPP),
    permission,
    managed_port,
    busy,
    plain(Kind.LOOPED_BACK, Reason.LOOPBACK),
    plain(Kind.AUTH_REQUIRED_OF_PEER, Reason.AUTH_REQUIRED_OF_PEER),
    missing_port,
    plain(Kind.OPTION_REFUSED, Reason.PPPD_CONFIG),
    auth,
    denied,
    echo,
    dropped,
    lcp,
    ipcp,
    placeholder_dns,
    qmi_version,
    plain(Kind.CALL_NO_EFFECT, Reason.QMI_NO_EFFECT),
    plain(Kind.QMI_DEVICE_MISSING, Reason.QMI_DEVICE_MISSING),
    refused_apn,
    framing,
    attached_without_service,
    no_signal,
    not_registered,
    qmi_call,
    plain(Kind.QMI_TIMED_OUT, Reason.QMI_TIMEOUT, Confidence.MEDIUM),
    no_lease,
    unanswered_dhcp,
    framing_by_symptom,
    no_context,
    modem_errors,
    searching_dial,
    no_carrier,
    lost_port,
    no_common_auth,
    hung_up,
    locked_by_symptom,
    rejected,
    another_speaker,
    positions,
    silence,
    timeout,
    exit_status,
    connect_refused,
    silent_exit,
)
# Asked only where nothing else was answered.
LAST_RULES: tuple[Rule, ...] = (script_failed,)

# Asked of a link that is up: those that make it useless come first, the others are told beside "none".
UP_RULES: tuple[Rule, ...] = (framing, silent_carrier, unanswered_dhcp, placeholder_dns, slow_start, route_kept)
USELESS = frozenset({Reason.CARRIER_SILENT, Reason.DNS_PLACEHOLDER, Reason.NO_DHCP_LEASE})
