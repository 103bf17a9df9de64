"""Each rung of doctor's both ways: named when it is so, and not named by the near miss beside it."""

from dataclasses import fields, replace

import pytest

from pppgen.at.reading import Reading, read_modem
from pppgen.at.replies.contexts import Bearer, Context
from pppgen.at.replies.sim import PinTries
from pppgen.attach import Attach, attach_risk
from pppgen.config import Attempts, Config, Profile, Qmi
from pppgen.discovery import Candidate, Found, Likelihood
from pppgen.doctor import RUNGS, examine, first_failure
from pppgen.doctor.facts import (
    Asked,
    DryRun,
    Facts,
    Failure,
    FileSeen,
    FileState,
    Frames,
    Kernel,
    ManagedDevice,
    Missing,
    OptionLine,
    Past,
    QmiPort,
    Resolver,
    RouteSeen,
    Script,
    SecretFile,
    Standing,
    Time,
)
from pppgen.doctor.verdict import Answer, ForgetServers, LoadModule, SetFraming, Tighten, Unlock, Verdict
from pppgen.errors import ExitCode, NoAtPort, NoPermission, PortBusy
from pppgen.facts import Claim, Grip, StaleLock, Usage
from pppgen.lease_cause import Framing
from pppgen.model import (
    BearerKind,
    Device,
    Holder,
    Notice,
    Port,
    Reason,
    Registration,
    RegistrationStat,
    Signal,
    SimState,
)
from pppgen.modems.catalog import family_named
from pppgen.policy.governor import Budget, Ledger
from pppgen.probe import Outcome
from pppgen.resolver import Owner
from tests.fakes.answering import USERS_BG96, AnsweringModem
from tests.fakes.healthy import ASKED, BG96, DRIVERS, FOUND, HEALTHY, LINK, PORTS, READING, USAGE
from tests.fakes.watched import watched

OK, WARN, FAIL, SKIP, UNKNOWN = Verdict.OK, Verdict.WARN, Verdict.FAIL, Verdict.SKIP, Verdict.UNKNOWN
PPP_ONLY = Config(bearers=(BearerKind.PPP,))
QMI_ONLY = Config(bearers=(BearerKind.QMI,))
UART = Device("", "", "", (Port("/dev/ttyS0", "/dev/ttyS0", None, None),))
NO_USB = Found((Candidate(UART, Likelihood.UART, "a serial port of the board"),), usage=USAGE)


def answer(name: str, facts: Facts) -> Answer:
    return next(rung for rung in RUNGS if rung.name == name).judge(facts)


def read(**changes: object) -> Facts:
    """The healthy board, whose modem says something else."""
    return replace(HEALTHY, asked=replace(ASKED, reading=replace(READING, **changes)))  # type: ignore[arg-type] # any field


def held(*claims: Claim, complete: bool = True) -> Facts:
    return replace(HEALTHY, found=replace(FOUND, usage=Usage(claims, complete=complete)))


def claim(device: str, name: str) -> Claim:
    return Claim(device, Holder(812, name), Grip.DESCRIPTOR, "/proc/812/fd/4")


def noticed(code: str, *, modem: bool = True) -> Facts:
    notice = Notice(code, f"it is {code}", "type this", ("1-1.4: a line",))
    return replace(HEALTHY, found=replace(FOUND if modem else Found(usage=USAGE), notices=(notice,)))


def unasked(error: Exception, facts: Facts = HEALTHY) -> Facts:
    assert isinstance(error, NoAtPort | PortBusy | NoPermission)
    return replace(facts, asked=Asked(Outcome(()), error))


def hurried(*unasked: str, **changes: object) -> Facts:
    """The healthy board, whose modem is so slow that some questions were not asked."""
    facts = read(unasked=unasked, **changes)
    assert isinstance(facts.asked, Asked)
    return replace(facts, asked=replace(facts.asked, answer_s=0.9))


def stats(*each: RegistrationStat, heard: bool = True) -> Facts:
    domains = ("cereg", "cgreg", "creg")
    signal = READING.signal if heard else Signal()
    return read(
        registrations=tuple(Registration(domain, stat) for domain, stat in zip(domains, each, strict=False)),
        signal=signal,
    )


def kernel(*present: str, loadable: tuple[str, ...] = (), replaced: bool = False) -> Facts:
    return replace(HEALTHY, kernel=Kernel("6.1.0", frozenset(present), frozenset(loadable), replaced))


def configured(config: Config, facts: Facts = HEALTHY) -> Facts:
    return replace(facts, config=config)


STATS = RegistrationStat


def stat_only(stat: RegistrationStat) -> tuple[Registration, ...]:
    return tuple(Registration(domain, stat) for domain in ("cereg", "cgreg", "creg"))


LIFTED = claim("/dev/ttyUSB2", "pppd")
UNKNOWN_FACT = Missing("it refuses")
ELSEWHERE = Missing("another machine", skip=True)

# rung, facts, verdict, words that stand in what was seen
CASES: tuple[tuple[str, Facts, Verdict, str], ...] = (
    ("kernel-ppp", kernel(), FAIL, "no ppp_generic and no ppp_async: pppd cannot dial"),
    ("kernel-ppp", kernel("ppp_generic"), FAIL, "no ppp_async"),
    ("kernel-ppp", kernel(loadable=("ppp_generic", "ppp_async")), OK, "loaded when needed"),
    ("kernel-ppp", configured(QMI_ONLY, kernel()), WARN, "no ppp_generic"),
    ("kernel-ppp", replace(HEALTHY, kernel=UNKNOWN_FACT), UNKNOWN, "it refuses"),
    ("kernel-option", kernel(), WARN, "no option"),
    ("kernel-option", replace(noticed("driver-not-bound"), kernel=Kernel("6.1.0")), FAIL, "no option"),
    ("kernel-option", kernel(loadable=("option",)), OK, "loaded when needed"),
    ("kernel-qmi", kernel(), WARN, "only PPP"),
    ("kernel-qmi", configured(PPP_ONLY, kernel()), SKIP, "bearers"),
    ("usb-device", replace(HEALTHY, found=Found(usage=USAGE)), FAIL, "no modem found"),
    ("usb-device", replace(HEALTHY, link=replace(LINK, usb_path="1-1.2")), FAIL, "USB 1-1.2, is not there"),
    ("usb-device", replace(HEALTHY, link=replace(LINK, usb_path="")), OK, "2c7c:0296"),
    ("usb-device", replace(HEALTHY, found=NO_USB, link=ELSEWHERE), OK, "/dev/ttyS0 may have one"),
    ("usb-device", replace(HEALTHY, found=NO_USB), FAIL, "no modem found"),
    ("usb-device", noticed("not-mode-switched", modem=False), FAIL, "next rung"),
    ("mode-switch", noticed("not-mode-switched", modem=False), FAIL, "it is not-mode-switched"),
    ("mode-switch", noticed("network-only"), WARN, "it is network-only"),
    ("mode-switch", noticed("leftover"), OK, "serial"),
    ("mode-switch", replace(HEALTHY, found=NO_USB), SKIP, "no USB modem"),
    ("power", replace(HEALTHY, throttled=0x50005), FAIL, "too low now"),
    ("power", replace(HEALTHY, throttled=0x50000), WARN, "since boot"),
    ("power", replace(HEALTHY, throttled=0x20002), OK, "no under-voltage"),  # capped by heat, not by the supply
    (
        "power",
        replace(HEALTHY, throttled=ELSEWHERE, kernel_log=("hwmon hwmon1: Undervoltage detected!",)),
        WARN,
        "supply drops too low",
    ),
    (
        "power",
        replace(HEALTHY, throttled=ELSEWHERE, kernel_log=("hwmon hwmon1: Voltage normalised",)),
        OK,
        "no under-voltage",
    ),
    ("power", replace(HEALTHY, kernel_log=("usb usb1-port4: over-current change #3",)), WARN, "faults on the USB bus"),
    ("power", replace(HEALTHY, throttled=ELSEWHERE, kernel_log=UNKNOWN_FACT), UNKNOWN, "it refuses"),
    ("power", replace(HEALTHY, throttled=UNKNOWN_FACT, kernel_log=ELSEWHERE), UNKNOWN, "it refuses"),
    ("holders", held(LIFTED), OK, "held by pppd"),
    ("holders", held(claim("/dev/ttyUSB2", "minicom")), WARN, "/dev/ttyUSB2 by minicom (pid 812)"),
    ("holders", held(claim("/dev/ttyUSB9", "minicom")), OK, "held by nobody"),
    ("holders", held(claim("/dev/cdc-wdm0", "quectel-CM")), WARN, "/dev/cdc-wdm0 by quectel-CM (pid 812)"),
    ("holders", replace(held(claim("/dev/cdc-wdm0", "quectel-CM")), own=frozenset({812})), OK, "held by quectel-CM"),
    ("holders", replace(held(claim("/dev/cdc-wdm0", "quectel-CM")), own=frozenset({811})), WARN, "by quectel-CM"),
    ("holders", held(complete=False), UNKNOWN, "only root"),
    ("holders", replace(HEALTHY, found=Found(usage=USAGE)), SKIP, "no port"),
    ("ports", unasked(NoAtPort("no port speaks AT: all silent")), FAIL, "no port speaks AT"),
    ("ports", unasked(PortBusy("held")), FAIL, "held"),
    ("ports", unasked(PortBusy("held"), held(LIFTED)), UNKNOWN, "pppd holds"),
    ("ports", unasked(NoPermission("may not be opened")), UNKNOWN, "may not be opened"),
    ("ports", HEALTHY, OK, "/dev/ttyUSB2 speaks AT"),
    ("modem-manager", replace(HEALTHY, modem_manager=True), OK, "by our udev rule"),
    ("modem-manager", replace(HEALTHY, modem_manager=True, modem_manager_rule=False), WARN, "may take"),
    ("modem-manager", replace(held(claim("/dev/ttyUSB3", "ModemManager")), modem_manager=True), FAIL, "/dev/ttyUSB3"),
    ("modem-manager", replace(held(claim("/dev/ttyUSB3", "minicom")), modem_manager=True), OK, "leaves this modem"),
    (
        "network-manager",
        replace(HEALTHY, network_manager=(ManagedDevice("cdc-wdm0", "gsm", "connected"),)),
        FAIL,
        "holds",
    ),
    (
        "network-manager",
        replace(HEALTHY, network_manager=(ManagedDevice("wwan0", "ethernet", "disconnected"),)),
        WARN,
        "any",
    ),
    (
        "network-manager",
        replace(HEALTHY, network_manager=(ManagedDevice("eth0", "ethernet", "connected"),)),
        OK,
        "not know",
    ),
    ("leftovers", noticed("leftover"), WARN, "it is leftover"),
    ("leftovers", noticed("stale-lock"), OK, "none"),
    ("serial-console", replace(HEALTHY, found=replace(FOUND, consoles=(UART,))), OK, "the modem is on USB"),
    ("serial-console", replace(HEALTHY, found=Found(consoles=(UART,), usage=USAGE)), WARN, "not asked"),
    (
        "serial-console",
        replace(HEALTHY, found=Found(consoles=(UART,)), link=replace(LINK, usb_path="", device="/dev/ttyS0")),
        FAIL,
        "the port that setup chose",
    ),
    ("sim", read(sim=SimState.ABSENT), FAIL, "SIM"),
    ("sim", read(sim=SimState.PIN), FAIL, "PIN"),
    ("sim", read(sim=SimState.PUK), FAIL, "PUK"),
    ("sim", read(sim=SimState.NETWORK_LOCK), FAIL, "lock"),
    ("sim", read(sim=SimState.BUSY), WARN, "starting"),
    ("sim", read(sim=SimState.UNKNOWN), UNKNOWN, "does not say"),
    ("answers", hurried("AT+CIMI", "AT+QCCID", "AT+CEER"), WARN, "0.9 s each, so 2 questions were not asked"),
    ("answers", hurried("AT+CIMI"), WARN, "so 1 question was not asked"),
    ("answers", hurried("AT+CEER"), OK, "900 ms each"),
    ("sim", hurried("AT+CPIN?", sim=SimState.UNKNOWN), UNKNOWN, "not asked: the modem takes 0.9 s for an answer"),
    ("pin-tries", hurried('AT+QPINC="SC"', pin_tries=PinTries(None)), UNKNOWN, "not asked"),
    ("pin-tries", hurried("AT+CIMI", pin_tries=PinTries(None)), UNKNOWN, "does not say"),
    (
        "registration",
        hurried("AT+CGREG?", "AT+CREG?", registrations=stat_only(STATS.SEARCHING)[:1]),
        UNKNOWN,
        "not ask",
    ),
    ("registration", hurried("AT+CEREG?", "AT+CGREG?", "AT+CREG?", registrations=()), UNKNOWN, "not asked"),
    ("registration", hurried("AT+CGREG?", "AT+CREG?"), OK, "registered"),
    (
        "registration",
        hurried("AT+QCSQ", "AT+CSQ", registrations=stat_only(STATS.UNKNOWN), signal_known=False, signal=Signal()),
        UNKNOWN,
        "not asked",
    ),
    ("registration", hurried("AT+CSQ", registrations=stat_only(STATS.SEARCHING)), FAIL, "not registered"),
    ("registration", hurried("AT+CEREG?", registrations=(), functionality=4), FAIL, "the radio is off"),
    ("registration", hurried("AT+CEREG?", registrations=(), sim=SimState.ABSENT), SKIP, "before its SIM"),
    ("signal", hurried("AT+QCSQ", "AT+CSQ", signal=Signal(), signal_known=False), UNKNOWN, "not asked"),
    ("signal", hurried("AT+CSQ", signal=Signal(), signal_known=True), UNKNOWN, "not asked"),
    ("signal", hurried("AT+CSQ"), OK, "RSRP"),
    ("apn", hurried("AT+CIMI", "AT+QCCID", imsi="", iccid=""), UNKNOWN, "not asked"),
    ("attach-context", hurried("AT+CGCONTRDP", "AT+CGDCONT?", bearers=(), contexts=()), UNKNOWN, "not asked"),
    ("pin-tries", read(pin_tries=PinTries(2)), WARN, "only 2 left"),
    ("pin-tries", read(pin_tries=PinTries(0, 9), sim=SimState.PUK), FAIL, "9 tries of the PUK"),
    ("pin-tries", read(pin_tries=PinTries(0, 10)), WARN, "none left"),
    ("pin-tries", read(pin_tries=PinTries(None)), UNKNOWN, "does not say"),
    ("pin-tries", read(sim=SimState.ABSENT), SKIP, "no SIM"),
    ("registration", stats(STATS.SEARCHING, STATS.NOT_REGISTERED), FAIL, "not registered"),
    ("registration", stats(STATS.DENIED, STATS.NOT_REGISTERED), FAIL, "refuse"),
    ("registration", stats(STATS.SEARCHING, heard=False), FAIL, "cell"),
    ("registration", stats(STATS.UNKNOWN, STATS.NOT_REGISTERED), WARN, "may well dial"),
    ("registration", stats(STATS.NOT_REGISTERED, STATS.NOT_REGISTERED, STATS.HOME), OK, "registered: AT&T Twilio"),
    (
        "registration",
        read(sim=SimState.PIN, registrations=stat_only(STATS.NOT_REGISTERED)),
        SKIP,
        "before its SIM does",
    ),
    ("registration", read(functionality=4), FAIL, "radio is off"),
    ("registration", read(registrations=()), UNKNOWN, "does not say"),
    ("signal", read(signal=Signal(rssi_dbm=-109)), WARN, "weak: RSSI -109 dBm"),
    ("signal", read(signal=Signal(rssi_dbm=-109, rsrp_dbm=-100)), OK, "RSRP -100 dBm"),
    ("signal", read(signal=Signal(rsrp_dbm=-121)), WARN, "weak"),
    ("signal", read(signal=Signal(rsrp_dbm=-90, sinr_db=-4.0)), WARN, "noisy"),
    ("signal", read(signal=Signal()), FAIL, "cell"),
    ("signal", read(signal=Signal(), signal_known=False), UNKNOWN, "does not say"),
    ("apn", HEALTHY, OK, "as Twilio/KORE Super SIM has it"),
    ("apn", replace(HEALTHY, link=replace(LINK, apn="SUPER.mnc410.mcc310.gprs")), OK, "Twilio"),
    ("apn", replace(HEALTHY, link=replace(LINK, apn="internet")), WARN, "internet is none of those"),
    ("apn", read(iccid="8900", imsi="001010000000000"), UNKNOWN, "nothing is known"),
    ("apn", read(sim=SimState.ABSENT, iccid="", imsi=""), SKIP, "no SIM"),
    ("apn", replace(HEALTHY, link=ELSEWHERE), SKIP, "another machine"),
    ("apn", replace(HEALTHY, providers=b"<nothing"), UNKNOWN, "damaged"),
    ("attach-context", HEALTHY, OK, "this very APN"),
    ("attach-context", read(bearers=(Bearer(1, "attm2m"),)), WARN, "another APN in context 1"),
    ("attach-context", read(bearers=(), contexts=(Context(1, "IP", ""),)), UNKNOWN, "does not say with which"),
    ("attach-context", replace(read(bearers=(Bearer(1, "x"),)), link=replace(LINK, cid=3)), OK, "not the one"),
    (
        "attach-context",
        configured(Config(attempts=Attempts(Profile.VERIZON)), read(bearers=(Bearer(1, "vzwinternet"),))),
        WARN,
        "refusing the next attach",
    ),
    (
        "framing",
        replace(HEALTHY, framing=Frames("wwan0", Framing.ETHERNET, Framing.RAW_IP)),
        WARN,
        "pppgen repairs that",
    ),
    (
        "framing",
        configured(
            Config(qmi=Qmi(repair=False)), replace(HEALTHY, framing=Frames("wwan0", Framing.ETHERNET, Framing.RAW_IP))
        ),
        FAIL,
        "raw IP",
    ),
    ("framing", replace(HEALTHY, framing=Frames("wwan0", Framing.ETHERNET, Framing.ETHERNET)), OK, "both speak 802.3"),
    (
        "framing",
        replace(HEALTHY, framing=Frames("wwan0", Framing.ETHERNET, Framing.UNKNOWN)),
        UNKNOWN,
        "the kernel expects 802.3",
    ),
    (
        "framing",
        replace(HEALTHY, framing=Frames("wwan0", Framing.UNKNOWN, Framing.RAW_IP, "qmi_wwan_q")),
        WARN,
        "qmi_wwan_q",
    ),
    ("framing", configured(PPP_ONLY), SKIP, "bearers"),
    ("qmi-device", replace(HEALTHY, qmi=QmiPort("/dev/cdc-wdm0", answers=False, said="timed out")), WARN, "only PPP"),
    (
        "qmi-device",
        configured(QMI_ONLY, replace(HEALTHY, qmi=QmiPort("/dev/cdc-wdm0", answers=False))),
        FAIL,
        "not answer",
    ),
    ("qmi-device", configured(PPP_ONLY), SKIP, "bearers"),
    ("pppd", replace(HEALTHY, pppd=()), FAIL, "not installed"),
    ("pppd", replace(HEALTHY, pppd=(2, 4, 5)), WARN, "older"),
    ("pppd", replace(HEALTHY, pppd=(2, 5, 3)), OK, "pppd 2.5.3"),
    (
        "pppd",
        replace(HEALTHY, options=(OptionLine("/etc/ppp/options", "persist"),)),
        WARN,
        "`persist` in /etc/ppp/options",
    ),
    ("pppd", replace(HEALTHY, options=(OptionLine("/etc/ppp/options", "persistent-x"),)), OK, "no option"),
    ("pppd", replace(HEALTHY, options=UNKNOWN_FACT), UNKNOWN, "pppd 2.4.9; it refuses"),
    ("files", replace(HEALTHY, files=()), WARN, "not written anything"),
    (
        "files",
        replace(HEALTHY, files=(FileSeen("/a", FileState.SAME), FileSeen("/b", FileState.EDITED))),
        WARN,
        "by hand: /b",
    ),
    (
        "files",
        replace(HEALTHY, files=(FileSeen("/a", FileState.EDITED), FileSeen("/b", FileState.GONE))),
        FAIL,
        "gone: /b",
    ),
    (
        "files",
        replace(HEALTHY, files=(FileSeen("/a", FileState.SAME), FileSeen("/b", FileState.UNREADABLE))),
        UNKNOWN,
        "/b",
    ),
    (
        "peers-syntax",
        replace(HEALTHY, dry_run=DryRun("p", 2, ("pppd: In file /etc/ppp/peers/p: unrecognized option 'nonsens'",))),
        FAIL,
        "nonsens",
    ),
    (
        "peers-syntax",
        replace(HEALTHY, dry_run=DryRun("p", 2, ("unrecognized option '/dev/pppgen/1-1.4-if03'",))),
        UNKNOWN,
        "not there",
    ),
    ("peers-syntax", replace(HEALTHY, dry_run=DryRun("p", 4, ("no PPP",))), UNKNOWN, "this kernel has no PPP"),
    ("peers-syntax", replace(HEALTHY, dry_run=DryRun("p", None)), UNKNOWN, "does not say why"),
    ("chat-syntax", replace(HEALTHY, script=Script("/c", "'' AT\nOK 'ATD*99#\n")), FAIL, "/c: line 2: a ' is opened"),
    ("chat-syntax", replace(HEALTHY, script=Script("/c", "'' AT\nOK 'ATD*99#\\''\n")), OK, "/c"),
    ("chat-syntax", replace(HEALTHY, script=Script("/c", "# ATD*99#\n'' AT\nOK\n")), FAIL, "never dial"),
    ("chat-syntax", replace(HEALTHY, script=Script("/c", "TIMEOUT ten\n'' ATD*99#\n")), FAIL, "wants seconds, not ten"),
    ("chat-syntax", replace(HEALTHY, script=Missing("none", skip=True)), SKIP, "none"),
    ("files", replace(HEALTHY, config=Missing("pppgen.toml: x", "edit it", broken=True)), FAIL, "pppgen.toml: x"),
    ("files", replace(HEALTHY, link=Missing("link.toml: x", "edit it", broken=True)), FAIL, "link.toml: x"),
    ("files", replace(HEALTHY, link=Missing("may not be read")), OK, "all as setup wrote them"),
    (
        "secrets",
        replace(HEALTHY, secrets=(SecretFile("/s", 0o640, of_root=True),)),
        FAIL,
        "others may read or change /s",
    ),
    ("secrets", replace(HEALTHY, secrets=(SecretFile("/s", 0o600, of_root=False),)), FAIL, "/s"),
    ("secrets", replace(HEALTHY, secrets=(SecretFile("/s", 0o400, of_root=True),)), OK, "root alone"),
    ("secrets", replace(HEALTHY, secrets=()), SKIP, "no file"),
    ("routes", HEALTHY, OK, "wlan0 (metric 600) carries traffic that names no interface; ppp0 (metric 700)"),
    ("routes", configured(Config(primary=True)), WARN, "`primary` is set, but wlan0"),
    (
        "routes",
        configured(Config(primary=True), replace(HEALTHY, routes=(RouteSeen(4, "ppp0", 50, ours=True),))),
        OK,
        "ppp0",
    ),
    ("routes", replace(HEALTHY, routes=(RouteSeen(4, "ppp0", 0), RouteSeen(4, "wlan0", 600))), WARN, "not by pppgen"),
    ("routes", replace(HEALTHY, routes=(RouteSeen(4, "ppp0", 0),)), OK, "ppp0"),
    ("routes", replace(HEALTHY, routes=()), OK, "no link is up"),
    ("routes", replace(HEALTHY, routes=(), supervised=True), WARN, "no default route"),
    ("dns", replace(HEALTHY, resolver=Resolver(Owner.FILE, ("10.11.12.13",))), FAIL, "name server"),
    ("dns", replace(HEALTHY, resolver=Resolver(Owner.FILE, ("10.11.12.13", "8.8.8.8"))), OK, "file owns"),
    ("dns", replace(HEALTHY, resolver=Resolver(Owner.FILE)), WARN, "no name server stands in it"),
    ("dns", replace(HEALTHY, resolver=Resolver(Owner.FILE, ("8.8.8.8",), ("ppp0",))), WARN, "ppp0, which is gone"),
    ("time", replace(HEALTHY, time=Time(3600.0, synchronised=True)), FAIL, "1970-01-01 01:00 UTC is in the past"),
    ("time", replace(HEALTHY, time=Time(1_790_000_000.0, synchronised=False)), WARN, "nobody set it"),
    ("budget", HEALTHY, OK, "1 of 10 attempts of the last 1 h are spent"),
    (
        "budget",
        replace(HEALTHY, standing=Standing(Ledger((10.0,), failures=2, delay_until=130.0), Budget(10, 3600.0), 70.0)),
        WARN,
        "the next attempt is in 60 s, the pause after a failed round; 1 of 10",
    ),
    (
        "budget",
        replace(HEALTHY, standing=Standing(Ledger(tuple(map(float, range(4)))), Budget(4, 3600.0), 1000.0)),
        WARN,
        "the carrier's limit",
    ),
    ("budget", replace(HEALTHY, standing=ELSEWHERE), SKIP, "another machine"),
    ("last-failures", HEALTHY, OK, "none in the last day"),
    (
        "last-failures",
        replace(HEALTHY, past=Past((Failure(70.0, BearerKind.QMI, Reason.NO_DHCP_LEASE),))),
        WARN,
        "2 min ago, qmi",
    ),
    (
        "last-failures",
        replace(HEALTHY, past=Past((Failure(70.0, BearerKind.QMI, Reason.NO_DHCP_LEASE),), up_since=True)),
        OK,
        "came up",
    ),
    ("last-failures", replace(HEALTHY, past=Past(ever=False)), SKIP, "no link was started"),
)


@pytest.mark.parametrize(("name", "facts", "verdict", "words"), CASES, ids=[f"{one[0]}: {one[3]}" for one in CASES])
def test_a_rung_says_what_is_so(name: str, facts: Facts, verdict: Verdict, words: str) -> None:
    said = answer(name, facts)
    assert said.verdict is verdict, said
    assert words in said.seen


def test_every_rung_is_right_on_a_healthy_board() -> None:
    assert {check.name: check.answer for check in examine(HEALTHY) if check.verdict is not OK} == {}


def test_every_rung_has_a_case_that_is_right_and_one_that_is_not() -> None:
    for rung in RUNGS:
        seen = {verdict for name, _, verdict, _ in CASES if name == rung.name} | {OK}
        assert seen & {WARN, FAIL}, rung.name


def test_nothing_read_is_never_called_right_or_wrong_by_guess() -> None:
    guessed = {check.name for check in examine(Facts()) if check.verdict in {OK, WARN, FAIL}}
    # An empty bus, no leftover and no UART are facts, not ignorance.
    assert guessed <= {"usb-device", "leftovers"}


def test_what_fails_or_warns_always_says_what_to_type() -> None:
    for name, facts, verdict, _ in CASES:
        if verdict is FAIL and name not in {"usb-device", "mode-switch", "ports"}:
            assert answer(name, facts).fix, (name, facts)


def test_a_modem_that_was_not_asked_leaves_its_rungs_unknown() -> None:
    silent = unasked(NoAtPort("no port speaks AT"))
    for name in ("sim", "pin-tries", "registration", "signal", "apn", "attach-context"):
        assert answer(name, silent).verdict is UNKNOWN


def test_what_the_supervisor_heard_stands_in_for_a_modem_that_pppd_keeps_from_us() -> None:
    busy = unasked(PortBusy("held"), held(LIFTED))
    heard = replace(
        busy, heard=Reading(signal=Signal(rsrp_dbm=-98), signal_known=True, registrations=READING.registrations)
    )
    for name in ("signal", "registration"):
        assert answer(name, busy).verdict is UNKNOWN
        assert answer(name, heard).verdict is OK
        assert "as the supervisor heard it last" in answer(name, heard).seen
    assert answer("sim", heard).verdict is UNKNOWN
    denied = replace(heard, heard=Reading(registrations=(Registration("cereg", RegistrationStat.DENIED),)))
    assert answer("registration", denied).verdict is FAIL


def test_the_lowest_rung_that_fails_gives_the_exit_code() -> None:
    board = replace(read(sim=SimState.ABSENT), time=Time(0.0, synchronised=False))
    failed = first_failure(examine(board))
    assert failed is not None
    assert (failed.name, failed.exit) == ("sim", ExitCode.SIM)
    assert first_failure(examine(replace(HEALTHY, time=Time(1.8e9, synchronised=False)))) is None


@pytest.mark.parametrize(
    ("name", "facts", "remedies"),
    [
        (
            "mode-switch",
            replace(noticed("driver-not-bound"), kernel=Kernel("6.1.0", loadable=DRIVERS)),
            (LoadModule("option"),),
        ),
        ("mode-switch", noticed("driver-not-bound"), ()),  # it is loaded: the device's id is new to it
        ("secrets", replace(HEALTHY, secrets=(SecretFile("/s", 0o640, of_root=True),)), (Tighten("/s"),)),
        ("secrets", replace(HEALTHY, secrets=(SecretFile("/s", 0o640, of_root=False),)), ()),
        (
            "framing",
            replace(HEALTHY, framing=Frames("wwan0", Framing.ETHERNET, Framing.RAW_IP)),
            (SetFraming("wwan0", raw_ip=True),),
        ),
        ("framing", replace(HEALTHY, framing=Frames("wwan0", Framing.ETHERNET, Framing.RAW_IP, addressed=True)), ()),
        ("framing", replace(HEALTHY, framing=Frames("wwan0", Framing.ETHERNET, Framing.RAW_IP), supervised=True), ()),
        ("dns", replace(HEALTHY, resolver=Resolver(Owner.FILE, ("1.1.1.1",), ("ppp0",))), (ForgetServers("ppp0"),)),
        (
            "holders",
            replace(
                HEALTHY, found=replace(FOUND, usage=Usage(stale_locks=(StaleLock("/dev/ttyUSB2", "/run/lock/LCK", 9),)))
            ),
            (Unlock("/run/lock/LCK", 9),),
        ),
    ],
)
def test_only_what_is_safe_is_offered_to_be_mended(name: str, facts: Facts, remedies: tuple[object, ...]) -> None:
    assert answer(name, facts).remedies == remedies


def test_the_attach_cases_rest_on_the_real_rule() -> None:
    bg96 = family_named("bg96")
    assert attach_risk(bg96, replace(READING, bearers=(Bearer(1, "attm2m"),)), 1, "super") is Attach.REATTACH
    assert isinstance(ASKED.reading, Reading)
    assert BG96.ports == PORTS


TOLD = {"operator", "rat", "unasked"}  # words in what was seen; no verdict hangs on them


def fed() -> dict[str, set[str]]:
    """Which questions each field of a reading comes from: those without which it is another."""
    family = family_named("bg96")
    modem = AnsweringModem(USERS_BG96)
    whole = read_modem(modem, family)
    found: dict[str, set[str]] = {}
    for command in dict.fromkeys(modem.asked):
        without = read_modem(AnsweringModem({**USERS_BG96, command: "ERROR"}), family)
        for field in fields(Reading):
            if getattr(without, field.name) != getattr(whole, field.name):
                found.setdefault(field.name, set()).add(command)
    return found


def test_whatever_a_rung_judges_is_missed_by_answers_when_it_was_not_asked() -> None:
    looked: set[str] = set()
    for _, facts, _, _ in CASES:
        if isinstance(facts.asked, Asked) and isinstance(facts.asked.reading, Reading):
            seen = replace(facts, asked=replace(facts.asked, reading=watched(facts.asked.reading, looked)))
            for rung in RUNGS:
                rung.judge(seen)
    sources = fed()
    assert {"sim", "functionality", "imsi", "bearers"} <= looked
    assert looked - TOLD <= sources.keys() | {"signal_known"}  # of the same questions as `signal`
    judged = {command for field in looked - TOLD for command in sources.get(field, ())}
    assert len(judged) > 8
    assert not {command for command in judged if answer("answers", hurried(command)).verdict is not WARN}
