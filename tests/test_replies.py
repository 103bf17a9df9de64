"""Answer parsers: the real oddities of every maker, and nothing that can be said makes one fail."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pppgen.at.codec import Answer, Final, FinalKind
from pppgen.at.replies import contexts, identity, network, signal, sim, states
from pppgen.at.replies.contexts import Bearer, Context
from pppgen.at.replies.fields import TEXT_MAX, Unread, fields
from pppgen.at.replies.network import Operator, Serving
from pppgen.model import Identity, Reason, RegistrationStat, Signal, SimState

PARSERS: tuple[Callable[[Sequence[str]], object], ...] = (
    identity.identity,
    identity.word,
    identity.imei,
    identity.imsi,
    identity.iccid,
    sim.pin_tries,
    signal.csq,
    signal.cesq,
    signal.qcsq,
    signal.hcsq,
    network.cops,
    network.registration,
    network.qnwinfo,
    network.cpsi,
    contexts.cgdcont,
    contexts.cgpaddr,
    contexts.cgcontrdp,
    contexts.cgact,
    contexts.cgatt,
    states.ceer,
    states.cfun,
    states.backoff_s,
)
PREFIXES = [
    "+QPINC",
    "+SPIC",
    "+CPINC",
    "+UPINCNT",
    "^CPIN",
    "#PCT",
    "+CPINR",
    "+CSQ",
    "+CESQ",
    "+QCSQ",
    "^HCSQ",
    "+COPS",
    "+CREG",
    "+CGREG",
    "+CEREG",
    "+QNWINFO",
    "+CPSI",
    "+CGDCONT",
    "+CGPADDR",
    "+CGCONTRDP",
    "+CGACT",
    "+CGATT",
    "+CEER",
    "+CFUN",
    "+QNWCFG",
    "+CPIN",
    "+CCID",
    "!ICCID",
    "Revision",
    "Model",
]
pieces = st.sampled_from(
    [
        "0",
        "1",
        "5",
        "99",
        "-85",
        "9" * 30,
        '"',
        '"a,b"',
        "LTE",
        '"eMTC"',
        "",
        " ",
        "READY",
        "²",
        "\x00",
        "10.0.0.1",
        "F",
    ]
)
lines = st.lists(
    st.one_of(
        st.text(max_size=80),
        st.builds(lambda head, tail: f"{head}: {','.join(tail)}", st.sampled_from(PREFIXES), st.lists(pieces)),
    ),
    max_size=6,
)


@settings(max_examples=60)
@given(lines)
def test_nothing_a_modem_says_makes_a_parser_fail(said: list[str]) -> None:
    for parse in PARSERS:
        parse(said)
    for kind in FinalKind:
        sim.sim_state(Answer("AT+CPIN?", tuple(said), Final(kind, said[0] if said else "")))


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: f"{parse.__module__.rsplit('.', 1)[-1]}.{parse.__name__}")
def test_an_answer_without_end_is_shown_short_and_clean(parse: Callable[[Sequence[str]], object]) -> None:
    value = parse(["%\x1b[31m\x00" + "é" * 1_000_000])
    if isinstance(value, Unread):
        assert len(value.raw) <= TEXT_MAX
        assert value.raw.isprintable()
    else:
        assert len(str(value)) < 1000


@given(st.text(max_size=500))
def test_fields_never_invent_text(text: str) -> None:
    assert sum(len(field) for field in fields(text)) <= len(text)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["Quectel", "BG96", "Revision: BG96MAR02A07M1G"], Identity("Quectel", "BG96", "BG96MAR02A07M1G")),
        (
            [
                "Manufacturer: SIMCOM INCORPORATED",
                "Model: SIMCOM_SIM7600E-H",
                "Revision: SIM7600M22_V2.0",
                "IMEI: 861075020112344",
                "+GCAP: +CGSM",
            ],
            Identity("SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "SIM7600M22_V2.0", "861075020112344"),
        ),
        (["SIM7000E R1351"], Identity("", "SIM7000E R1351")),
        (["SARA-R410M-02B-00"], Identity("", "SARA-R410M-02B-00")),
        (["Quectel", "EC200U", "Revision: \x1b[31mEC200U"], Identity("Quectel", "EC200U", "[31mEC200U")),
        (["332"], Unread("332")),  # a Telit answers a number
        ([], Unread("")),
    ],
)
def test_ati(said: list[str], told: object) -> None:
    assert identity.identity(said) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("+QCCID: 89014103271467425631F", "89014103271467425631"),
        ("+CCID: 89314404000012345678", "89314404000012345678"),
        ('+CCID: "8939104160000392272F"', "8939104160000392272"),
        ("^ICCID: 98109909002143658739", "89019990001234567893"),
        ("!ICCID: 89011704252308735634", "89011704252308735634"),
        ("#CCID: 8939104160000392272", "8939104160000392272"),
        ("89860318740013123456", "89860318740013123456"),
        ("+ICCID: 897010269813267917FF", "897010269813267917"),
    ],
)
def test_iccid_in_every_makers_form(said: str, told: str) -> None:
    assert identity.iccid([said]) == told


@pytest.mark.parametrize("said", ["+QCCID: ", "+CCID: not a card", "+CCID: 12345678901234567890", "866425031234567"])
def test_what_is_no_iccid_is_not_taken_for_one(said: str) -> None:
    assert isinstance(identity.iccid([said]), Unread)


@pytest.mark.parametrize(
    ("said", "final", "told"),
    [
        (["+CPIN: READY"], "OK", SimState.READY),
        (["+CPIN:READY"], "OK", SimState.READY),
        (["+CPIN: SIM PIN"], "OK", SimState.PIN),
        (["+CPIN: SIM PIN2"], "OK", SimState.READY),
        (["+CPIN: SIM PUK"], "OK", SimState.PUK),
        (['+CPIN: "SIM PUK"'], "OK", SimState.PUK),
        (["+CPIN: PH-NET PIN"], "OK", SimState.NETWORK_LOCK),
        (["+CPIN: NOT READY"], "OK", SimState.BUSY),
        (["+CPIN: NOT INSERTED"], "OK", SimState.ABSENT),
        ([], "10", SimState.ABSENT),
        ([], "11", SimState.PIN),
        ([], "12", SimState.PUK),
        ([], "13", SimState.ABSENT),
        ([], "14", SimState.BUSY),
        ([], "SIM not inserted", SimState.ABSENT),
        ([], "SIM busy", SimState.BUSY),
        ([], "", Unread("+CME ERROR: ")),  # some firmware names no cause
        ([], "999", Unread("+CME ERROR: 999")),
    ],
)
def test_sim_state_by_answer_and_by_error(said: list[str], final: str, told: object) -> None:
    ended = Final(FinalKind.OK) if final == "OK" else Final(FinalKind.CME_ERROR, final)
    assert sim.sim_state(Answer("AT+CPIN?", tuple(said), ended)) == told


@pytest.mark.parametrize(
    ("said", "pin", "puk"),
    [
        (['+QPINC: "SC",3,10', '+QPINC: "P2",2,10'], 3, 10),
        (['+QPINC: "P2",2,10', '+QPINC: "SC",1,10'], 1, 10),
        (["+SPIC: 3,10,0,10"], 3, 10),
        (["+SPIC: 1"], 1, None),
        (["+CPINC: 2,3,10,10"], 2, 10),
        (["+UPINCNT: 3,3,10,10"], 3, 10),
        (["^CPIN: READY,,10,3,10,3"], 3, 10),
        (["^CPIN: SIM PIN,2,10,2,10,3"], 2, 10),
        (["+CPINR: SIM PIN,3,3", "+CPINR: SIM PUK,10,10"], 3, 10),
        (['+CPINR: "SIM PIN",1,3'], 1, None),
        (["#PCT: 3"], 3, None),
    ],
)
def test_pin_tries_in_every_makers_order(said: list[str], pin: int, puk: int | None) -> None:
    assert sim.pin_tries(said) == sim.PinTries(pin, puk)


@pytest.mark.parametrize("said", ["+QPINC: ", "+SPIC: x", "+CPINC: 99,3,10,10", "+CPINR: SIM PUK,10,10"])
def test_unknown_tries_are_not_guessed(said: str) -> None:
    assert isinstance(sim.pin_tries([said]), Unread)


@pytest.mark.parametrize(
    ("parse", "said", "told"),
    [
        (signal.csq, "+CSQ: 22,99", Signal(rssi_dbm=-69)),
        (signal.csq, "+CSQ: 0,0", Signal(rssi_dbm=-113)),
        (signal.csq, "+CSQ: 99,99", Signal()),
        (signal.csq, "+CSQ: 150,99", Signal(rssi_dbm=-66)),
        (signal.csq, "+CSQ:", Unread("+CSQ:")),
        (signal.csq, "+CSQ: 55,99", Unread("+CSQ: 55,99")),
        (signal.qcsq, '+QCSQ: "CAT-M1",-62,-92,93,-14', Signal(-62, -92, -14, -1.4, "lte-m")),
        (signal.qcsq, '+QCSQ: "eMTC",-84,-91,165,-6', Signal(-84, -91, -6, 13.0, "lte-m")),
        (signal.qcsq, '+QCSQ: "NBIoT",-71,-80,120,-9', Signal(-71, -80, -9, 4.0, "nb-iot")),
        (signal.qcsq, '+QCSQ: "LTE",-52,-81,195,-10', Signal(-52, -81, -10, 19.0, "lte")),
        (signal.qcsq, '+QCSQ: "GSM",-69', Signal(rssi_dbm=-69, rat="gsm")),
        (signal.qcsq, '+QCSQ: "WCDMA",-69,-85,-10', Signal(rssi_dbm=-69, rat="wcdma")),
        (signal.qcsq, '+QCSQ: "NR5G",-87,16,-12', Signal(None, -87, -12, 16.0, "nr5g")),
        (signal.qcsq, '+QCSQ: "NOSERVICE"', Signal()),
        (signal.qcsq, '+QCSQ: "NOSERVICE",0,0,0,0', Signal()),
        (signal.qcsq, '+QCSQ: "LTE",0,0,0,0', Signal(sinr_db=-20.0, rat="lte")),
        (signal.cesq, "+CESQ: 99,99,255,255,20,51", Signal(None, -90, -10)),
        (signal.cesq, "+CESQ: 30,0,255,255,255,255", Signal(-81)),
        (signal.cesq, "+CESQ: 99,99,41,30,255,255", Signal(-80)),
        (signal.cesq, "+CESQ: 99,99", Unread("+CESQ: 99,99")),
        (signal.hcsq, '^HCSQ: "LTE",45,34,106,19', Signal(-76, -107, -11, 1.2, "lte")),
        (signal.hcsq, '^HCSQ: "NOSERVICE"', Signal()),
        (signal.hcsq, '^HCSQ: "WCDMA",40,30,45', Signal(rssi_dbm=-81, rat="wcdma")),
    ],
)
def test_signal(parse: Callable[[Sequence[str]], object], said: str, told: object) -> None:
    assert parse([said]) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('+COPS: 0,0,"AT&T Twilio",8', Operator(0, "AT&T Twilio", "lte-m")),
        ("+COPS: 0", Operator(0)),
        ('+COPS: 0,2,"20408",7', Operator(0, "20408", "lte")),
        ("+COPS: 1,2,26201,9", Operator(1, "26201", "nb-iot")),
        ('+COPS: 0,0,"A, B Mobile"', Operator(0, "A, B Mobile")),
        ('+COPS: 0,0,"open', Operator(0, "open")),
        ("+COPS: x", Unread("+COPS: x")),
    ],
)
def test_operator(said: str, told: object) -> None:
    assert network.cops([said]) == told


@pytest.mark.parametrize(
    ("said", "stat", "area", "act"),
    [
        ("+CGREG: 0,4", RegistrationStat.UNKNOWN, "", ""),
        ("+CREG: 0,5", RegistrationStat.ROAMING, "", ""),
        ("+CEREG: 0,1", RegistrationStat.HOME, "", ""),
        ('+CEREG: 2,1,"1A2D","08F3A10B",8', RegistrationStat.HOME, "1A2D", "lte-m"),
        ('+CEREG: 2,5,"1a2d","8F3A10B",7,,,"00000000","00000000"', RegistrationStat.ROAMING, "1A2D", "lte"),
        ("+CREG: 3", RegistrationStat.DENIED, "", ""),  # a URC has no <n>
        ('+CREG: 1,"00C3","7D22",0', RegistrationStat.HOME, "00C3", "gsm"),
        ("+CREG: 1,00C3,00007D22", RegistrationStat.HOME, "00C3", ""),
        ("+CEREG: 0,10", RegistrationStat.ROAMING, "", ""),
        ("+CEREG: 8", RegistrationStat.LIMITED, "", ""),
    ],
)
def test_registration_asked_and_unasked(said: str, stat: RegistrationStat, area: str, act: str) -> None:
    found = network.registration([said])
    assert not isinstance(found, Unread)
    assert (found.stat, found.area, found.act) == (stat, area, act)
    assert found.domain == said[1:].partition(":")[0].lower()


@pytest.mark.parametrize("said", ["+CREG: ", "+CREG: 0,77", "+CREG: home", "+C5GREG: 0,1"])
def test_an_unknown_registration_stays_unread(said: str) -> None:
    assert network.registration([said]) == Unread(said.strip())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('+QNWINFO: "FDD LTE","46001","LTE BAND 3",1650', Serving("lte", "46001", "LTE BAND 3", "1650")),
        ('+QNWINFO: "CAT-M1","310410","LTE BAND 12",5110', Serving("lte-m", "310410", "LTE BAND 12", "5110")),
        ('+QNWINFO: "EDGE","23203","GSM 900",1', Serving("gsm", "23203", "GSM 900", "1")),
        ("+QNWINFO: No Service", Serving("")),
        ('+QNWINFO: "?"', Unread('+QNWINFO: "?"')),
    ],
)
def test_qnwinfo(said: str, told: object) -> None:
    assert network.qnwinfo([said]) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "+CPSI: LTE,Online,460-01,0x230A,175499523,318,EUTRAN-BAND3,1650,5,0,-85,-1062,-750,13",
            (Serving("lte", "46001", "EUTRAN-BAND3", "1650"), Signal(-75, -106, -8, 13.0, "lte")),
        ),
        (
            "+CPSI: LTE CAT-M1,Online,310-410,0x4804,79167243,200,EUTRAN-BAND4,2300,3,3,-16,-118,-85,-1",
            (Serving("lte-m", "310410", "EUTRAN-BAND4", "2300"), Signal(-85, -118, -16, -1.0, "lte-m")),
        ),
        (
            "+CPSI: GSM,Online,460-00,0x182d,12401,27 EGSM 900,-64,2110,42-42",
            (Serving("gsm", "46000"), Signal(rat="gsm")),
        ),
        ("+CPSI: NO SERVICE,Online", (Serving(""), Signal())),
        ("+CPSI: ", Unread("+CPSI:")),
    ],
)
def test_cpsi(said: str, told: object) -> None:
    assert network.cpsi([said]) == told


def test_contexts_as_defined() -> None:
    said = ['+CGDCONT: 1,"IP","super","0.0.0.0",0,0', '+CGDCONT: 2,"ipv4v6","ims"', "+CGDCONT: 5,,", "+CGDCONT: x"]
    assert contexts.cgdcont(said) == (Context(1, "IP", "super"), Context(2, "IPV4V6", "ims"), Context(5, "", ""))
    assert contexts.cgdcont([]) == ()
    assert isinstance(contexts.cgdcont(["noise"]), Unread)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (['+CGPADDR: 1,"10.225.154.84"'], (Bearer(1, addresses=("10.225.154.84",)),)),
        (["+CGPADDR: 1,10.1.2.3,2001:db8::5"], (Bearer(1, addresses=("10.1.2.3", "2001:db8::5")),)),
        (["+CGPADDR: 1"], (Bearer(1),)),
        (['+CGPADDR: 1,"0.0.0.0"'], (Bearer(1),)),
        ([], ()),
    ],
)
def test_addresses(said: list[str], told: object) -> None:
    assert contexts.cgpaddr(said) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            ['+CGCONTRDP: 1,5,"m2m","10.192.234.63.255.255.255.128","10.192.234.1","8.8.8.8","8.8.4.4"'],
            Bearer(1, "m2m", ("10.192.234.63",), "10.192.234.1", ("8.8.8.8", "8.8.4.4")),
        ),
        (["+CGCONTRDP: 2,5,ims,10.76.206.157,,,,10.178.76.2"], Bearer(2, "ims", ("10.76.206.157",))),
        (
            ["+CGCONTRDP: 2,6,ims,192.0.2.10,32.1.13.184.0.1.0.0.0.0.0.0.0.0.0.10,fe80::1,,,192.0.2.20"],
            Bearer(2, "ims", ("192.0.2.10", "2001:db8:1::a")),
        ),
        (
            ['+CGCONTRDP: 1,5,"a","10.0.0.2","","8.8.8.8"', '+CGCONTRDP: 1,5,"a","2001:db8::2"'],
            Bearer(1, "a", ("10.0.0.2", "2001:db8::2"), "", ("8.8.8.8",)),
        ),
        (
            ["+CGCONTRDP: 1,5,ctlte,192.168.97.2/30,192.168.97.1,8.8.8.8"],
            Bearer(1, "ctlte", ("192.168.97.2",), "192.168.97.1", ("8.8.8.8",)),
        ),
    ],
)
def test_bearers_in_one_line_or_several_quoted_or_not(said: list[str], told: Bearer) -> None:
    assert contexts.cgcontrdp(said) == (told,)


RDP = '+CGCONTRDP: 1,5,"a","10.0.0.2",,"8.8.8.8","8.8.4.4"'


@pytest.mark.parametrize(
    ("said", "mtu"),
    [
        ([f"{RDP},,,0,0,1430"], 1430),
        ([f'{RDP},"","",,,"1428",0'], 1428),
        ([f"{RDP},,,0,0,1430", '+CGCONTRDP: 1,5,"a","2001:db8::2",,,,,,0,0,1400'], 1400),
        (['+CGCONTRDP: 2,6,"ims","10.0.0.9",,,,,,0,0,1300', f"{RDP},,,0,0,1500"], 1500),
        ([RDP], None),
        ([f"{RDP},,,0,0,"], None),
        ([f"{RDP},,,0,0,0"], None),
        ([f"{RDP},,,0,0,-1430"], None),
        ([f"{RDP},,,0,0,575"], None),
        ([f"{RDP},,,0,0,1501"], None),
        ([f"{RDP},,,0,0,{'9' * 40}"], None),
        ([f"{RDP},,,0,0,1430 bytes"], None),
        (["+CGCONTRDP: 1,5,a,10.0.0.2,32.1.13.184.0.1.0.0.0.0.0.0.0.0.0.10,fe80::1,,,192.0.2.20,,,1300"], None),
        (["+CGCONTRDP: ,,,,,,,,,,,1430", "1430", ""], None),
        ([], None),
    ],
)
def test_the_mtu_of_a_context_is_told_or_left_out(said: list[str], mtu: int | None) -> None:
    assert contexts.ipv4_mtu(said, 1) == mtu


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("+CEER: 0,0,5,16,normal call clearing", Reason.NONE),
        ('+CEER: "0 Unknown"', Reason.NONE),
        ("+CEER: EMM_CAUSE_ESM_FAILURE", Reason.APN_REJECTED),
        ("+CEER: Deactivate Cause: SM34 (Service option temporarily out of order)", Reason.NONE),
        ("+CEER: Requested service option not subscribed (#33)", Reason.APN_REJECTED),
        ("+CEER: Missing or unknown APN", Reason.APN_REJECTED),
        ("+CEER: User authentication failed", Reason.AUTH_FAILED),
        ("+CEER: PLMN not allowed", Reason.REGISTRATION_DENIED),
        ("+CEER: Illegal MS", Reason.REGISTRATION_DENIED),
        ("+CEER: No service", Reason.NOT_REGISTERED),
    ],
)
def test_the_end_of_a_call_keeps_its_words_and_names_a_known_cause(said: str, reason: Reason) -> None:
    found = states.ceer([said])
    assert not isinstance(found, Unread)
    assert found.reason is reason
    assert found.text == said.removeprefix("+CEER: ").strip('"')


def test_backoff_is_seconds_or_unread() -> None:
    assert states.backoff_s(['+QNWCFG: "backoff",712']) == 712
    assert isinstance(states.backoff_s(['+QNWCFG: "nr5g_csi",1']), Unread)
    assert isinstance(states.backoff_s(['+QNWCFG: "backoff",99999999']), Unread)
