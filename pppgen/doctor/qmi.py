"""The rungs of QMI: the control port answers, and modem and kernel agree on their frames."""

from pppgen.causes import cause
from pppgen.config import Config
from pppgen.doctor.facts import Facts, Missing
from pppgen.doctor.verdict import Answer, SetFraming, Verdict, missing, ok
from pppgen.lease_cause import Framing
from pppgen.model import BearerKind, Reason


def _unwanted(facts: Facts) -> Answer | None:
    if isinstance(facts.config, Config) and BearerKind.QMI not in facts.config.bearers:
        return Answer(Verdict.SKIP, "pppgen.toml's `bearers` does not name qmi")
    return None


def framing(facts: Facts) -> Answer:
    """The commonest cause of a call without a lease: one side speaks raw IP, the other Ethernet."""
    if unwanted := _unwanted(facts):
        return unwanted
    if isinstance(facts.framing, Missing):
        return missing(facts.framing)
    seen = facts.framing
    sides = (f"kernel: {seen.kernel}", f"modem: {seen.modem}")
    if seen.kernel is Framing.UNKNOWN:
        fix = ("sudo rmmod qmi_wwan_q GobiNet; sudo modprobe qmi_wwan    # the kernel's own driver can be told",)
        words = f"{seen.interface} ({seen.driver or 'unknown driver'}) has no raw_ip to read or set"
        return Answer(Verdict.WARN, words, sides, fix)
    if seen.modem is Framing.UNKNOWN:
        fix = ("sudo qmicli -d /dev/cdc-wdm0 --device-open-proxy --wda-get-data-format",)
        return Answer(Verdict.UNKNOWN, f"{seen.interface}: the kernel expects {seen.kernel}", sides, fix)
    if seen.kernel is seen.modem:
        return ok(f"{seen.interface}: both speak {seen.kernel}")
    repairs = not isinstance(facts.config, Config) or facts.config.qmi.repair
    # While a supervisor runs, or the interface carries an address, the frames are somebody's business already.
    idle = not seen.addressed and not facts.supervised
    remedies = (SetFraming(seen.interface, seen.modem is Framing.RAW_IP),) if idle else ()
    told = cause(Reason.RAW_IP_MISMATCH)
    verdict = Verdict.WARN if repairs else Verdict.FAIL
    also = " pppgen repairs that before it asks for a lease." if repairs else ""
    return Answer(verdict, told.sentence + also, (seen.interface, *sides), told.action, remedies)


def device(facts: Facts) -> Answer:
    """The control port, which a crash of the modem's firmware leaves there but dumb."""
    if unwanted := _unwanted(facts):
        return unwanted
    if isinstance(facts.qmi, Missing):
        return missing(facts.qmi)
    port = facts.qmi
    if port.answers:
        return ok(f"{port.node} answers")
    only = isinstance(facts.config, Config) and facts.config.bearers == (BearerKind.QMI,)
    return Answer(
        Verdict.FAIL if only else Verdict.WARN,
        f"{port.node} does not answer" + ("" if only else ": only PPP is possible"),
        tuple(port.said.splitlines()[-3:]),
        ("sudo pppgen at AT+CFUN=1,1    # restarts the modem", *cause(Reason.QMI_TIMEOUT).action[:1]),
    )
