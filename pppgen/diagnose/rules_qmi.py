"""Rules about QMI calls, framing, DHCP and the managers."""

from pppgen.diagnose.case import Answer, Case, Confidence, say
from pppgen.diagnose.rules_network import is_registered, last_stats
from pppgen.model import Reason
from pppgen.programs.events import Kind, Program
from pppgen.programs.qmicli import DENIED_WORDS, SERVICE_WORDS


def qmi_version(case: Case) -> Answer:
    """The firmware does not know a service, or answers with an error that the tool does not know."""
    unknown = [found for found in case.record.of(Kind.QMI_REFUSED) if found.value == "unknown to this libqmi"]
    unsupported = case.record.of(Kind.SERVICE_UNSUPPORTED)
    words = {
        "InvalidServiceType",
        "InvalidQmiCommand",
        "NotSupported",
        "InvalidQmiCmd",
        "MalformedMessage",
        "MissingArgument",
    }
    refused = [found for found in case.record.of(Kind.QMI_REFUSED, Kind.CALL_FAILED) if found.value in words]
    if not (unknown or refused or (unsupported and case.down is not None)):
        return None
    return say(Reason.QMI_VERSION_MISMATCH, Confidence.MEDIUM, unknown[:2], refused[:2], unsupported[:1])


def qmi_call(case: Case) -> Answer:
    """The call was asked for and refused; the reason that comes with it decides."""
    failed = case.record.of(Kind.CALL_FAILED)
    unanswered = case.record.has(Kind.QMI_TIMED_OUT) and not any(found.value for found in failed)
    if not failed or unanswered:
        return None
    why = case.record.of(Kind.CALL_ENDED_WHY)
    if any(DENIED_WORDS.search(found.value) for found in why):
        return say(Reason.REGISTRATION_DENIED, Confidence.MEDIUM, failed[:1], why[:2])
    if any(SERVICE_WORDS.search(found.value) for found in why):
        return say(Reason.NOT_REGISTERED, Confidence.MEDIUM, failed[:1], why[:2])
    detached = case.world.last(Kind.ATTACHED, Kind.DETACHED)
    if detached is not None and detached.kind is Kind.DETACHED:
        return say(Reason.NOT_REGISTERED, Confidence.MEDIUM, detached, failed[:1], why[:1])
    return say(Reason.QMI_CALL_FAILED, Confidence.MEDIUM, failed[:2], why[:2])


def framing(case: Case) -> Answer:
    """Modem and kernel disagree on the frames, or a switch of raw_ip gave the lease that DHCP was refused before."""
    modem, kernel = case.world.last(Kind.MODEM_FRAMING), case.world.last(Kind.KERNEL_FRAMING)
    if modem is not None and kernel is not None and modem.value != kernel.value and not case.world.has(Kind.RAW_IP_SET):
        return say(Reason.RAW_IP_MISMATCH, Confidence.HIGH, modem, kernel, case.record.last(Kind.DHCP_NO_LEASE))
    switched = case.record.last(Kind.RAW_IP_SET)
    silent = case.record.first(Kind.DHCP_NO_LEASE)
    if switched is not None and silent is not None and silent.line < switched.line:
        lease = case.record.last(Kind.DHCP_LEASE)
        if lease is not None and lease.line > switched.line:
            return say(Reason.RAW_IP_MISMATCH, Confidence.HIGH, case.record.of(Kind.DHCP_NO_LEASE)[:2], switched, lease)
    return None


def framing_by_symptom(case: Case) -> Answer:
    """A call that is up, the in-kernel driver, DHCP unanswered, and raw_ip never set."""
    driver = case.world.last(Kind.DRIVER)
    silent = case.record.of(Kind.DHCP_NO_LEASE)
    called = case.record.last(Kind.CALL_UP)
    if driver is None or driver.value != "qmi_wwan" or not silent or called is None or case.record.has(Kind.RAW_IP_SET):
        return None
    return say(Reason.RAW_IP_MISMATCH, Confidence.MEDIUM, silent[:1], called, driver)


def no_lease(case: Case) -> Answer:
    """DHCP was asked and nobody answered."""
    found = case.record.of(Kind.DHCP_NO_LEASE, Kind.LINK_LOCAL_ONLY, Kind.DHCP_LOST)
    if not found:
        return None
    return say(
        Reason.NO_DHCP_LEASE,
        Confidence.HIGH,
        found[:2],
        case.record.of(Kind.DHCP_DISCOVER)[:1],
        case.record.last(Kind.CALL_UP),
    )


def connect_refused(case: Case) -> Answer:
    """A manager could not connect a modem that was registered, and does not say why."""
    found = case.record.of(Kind.CONNECT_FAILED)
    if not found:
        return None
    if Program.QMICLI in case.story.programs or case.record.has(Kind.CALL_FAILED):
        return say(Reason.QMI_CALL_FAILED, Confidence.LOW, found[:2])
    if is_registered(case):
        return say(Reason.PEER_HANGUP, Confidence.LOW, last_stats(case).values(), found[:3])
    return None
