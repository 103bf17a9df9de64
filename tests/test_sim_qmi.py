"""The simulated modem's QMI endpoint, spoken to as libqmi does: clients, calls, one state with the AT side."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.sim.effects import Effect, Encapsulated, Send
from pppgen.sim.faults import Faults, SimCard, with_fault
from pppgen.sim.modem import Modem
from pppgen.sim.qmi.qmux import Kind, Malformed, Message, QmiError, ServiceId, decode, encode
from pppgen.sim.transcript import families, load

START, STOP, STATUS, SETTINGS = 0x0020, 0x0021, 0x0022, 0x002D
ALLOCATE, RELEASE, SYNC = 0x0022, 0x0023, 0x0027


class Host:
    """A host with a clock of its own and every message that it got."""

    def __init__(self, faults: Faults | None = None, family: str = "bg96") -> None:
        self.modem = Modem(load(family), faults)
        self.now = 1.0
        self.transaction = 0
        self.heard: list[Message] = []

    def ask(self, service: ServiceId, client: int, number: int, values: dict[int, bytes] | None = None) -> Message:
        """Ask, wait for the answer, and return it."""
        self.transaction += 1
        request = Message(service, client, Kind.REQUEST, self.transaction % 256, number, values or {})
        self.take(self.modem.control(encode(request), self.now))
        while (wake := self.modem.qmi.wake_at()) is not None and wake <= self.now + 1:
            self.wait(max(0.0, wake - self.now))
        answers = [each for each in self.heard if each.kind is Kind.RESPONSE]
        assert answers, "no answer"
        assert (answers[-1].transaction, answers[-1].number) == (request.transaction, number)
        return answers[-1]

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.take(self.modem.advance(self.now))

    def take(self, effects: list[Effect]) -> None:
        self.heard += [decode(each.data) for each in effects if isinstance(each, Encapsulated)]

    def at(self, command: str, port: int = 2) -> str:
        effects = self.modem.receive(port, f"{command}\r".encode(), self.now)
        self.take(effects)
        return b"".join(each.data for each in effects if isinstance(each, Send) and each.port == port).decode()

    def client(self, service: ServiceId) -> int:
        return self.ask(ServiceId.CTL, 0, ALLOCATE, {1: bytes((service,))}).value(1)[1]

    def start(self, client: int, apn: str = "super") -> Message:
        return self.ask(ServiceId.WDS, client, START, {0x14: apn.encode(), 0x19: b"\4"})

    def indications(self) -> list[Message]:
        return [each for each in self.heard if each.kind is Kind.INDICATION and each.service == ServiceId.WDS]

    def connected(self) -> bool:
        client = self.client(ServiceId.WDS)
        status = self.ask(ServiceId.WDS, client, STATUS).value(1)
        self.ask(ServiceId.CTL, 0, RELEASE, {1: bytes((ServiceId.WDS, client))})
        return status == b"\2"


def error(message: Message) -> QmiError:
    status, code = int.from_bytes(message.value(2)[:2], "little"), int.from_bytes(message.value(2)[2:], "little")
    assert bool(status) == bool(code)
    return QmiError(code)


def cause(message: Message) -> tuple[int, int, int]:
    verbose = message.value(0x11)
    return (
        int.from_bytes(message.value(0x10), "little"),
        int.from_bytes(verbose[:2], "little"),
        int.from_bytes(verbose[2:], "little"),
    )


def test_client_ids_are_counted_and_none_is_left_after_a_release() -> None:
    host = Host()
    first, second = host.client(ServiceId.WDS), host.client(ServiceId.WDS)
    assert first != second
    assert host.modem.qmi.held() == {"WDS": [first, second]}
    for client in (first, second):
        host.ask(ServiceId.CTL, 0, RELEASE, {1: bytes((ServiceId.WDS, client))})
    assert host.modem.qmi.held() == {}
    assert host.modem.qmi.allocated == 2


def test_ids_that_leak_are_exhausted_at_last() -> None:
    host = Host()
    given_out = 0
    while error(answer := host.ask(ServiceId.CTL, 0, ALLOCATE, {1: b"\1"})) is QmiError.NONE:
        given_out += 1
        assert given_out < 100
    assert error(answer) is QmiError.CLIENT_IDS_EXHAUSTED


def test_a_message_of_an_id_that_nobody_holds_is_refused() -> None:
    assert error(Host().ask(ServiceId.DMS, 3, 0x0025)) is QmiError.INVALID_CLIENT_ID


def test_a_call_is_up_for_all_to_see_and_has_settings_for_its_own_client_only() -> None:
    host = Host()
    owner, other = host.client(ServiceId.WDS), host.client(ServiceId.WDS)
    assert error(host.start(owner)) is QmiError.NONE
    assert host.ask(ServiceId.WDS, other, STATUS).value(1) == b"\2"
    assert host.ask(ServiceId.WDS, owner, SETTINGS, {0x10: b"\x10\xe3\0\0"}).value(0x1E).hex() == "590c4064"
    assert error(host.ask(ServiceId.WDS, other, SETTINGS, {0x10: b"\x10\xe3\0\0"})) is QmiError.OUT_OF_CALL
    assert {each.client for each in host.indications()} == {owner, other}


def test_a_call_ends_with_the_client_id_that_it_belongs_to() -> None:
    host = Host()
    owner = host.client(ServiceId.WDS)
    host.start(owner)
    host.ask(ServiceId.CTL, 0, RELEASE, {1: bytes((ServiceId.WDS, owner))})
    assert not host.connected()


def test_a_sync_releases_everything_and_ends_the_call() -> None:
    host = Host()
    host.start(host.client(ServiceId.WDS))
    host.ask(ServiceId.CTL, 0, SYNC)
    assert host.modem.qmi.held() == {}
    assert not host.connected()


def test_a_second_start_has_no_effect_and_counts_as_an_attempt() -> None:
    host = Host()
    host.start(host.client(ServiceId.WDS))
    assert error(host.start(host.client(ServiceId.WDS))) is QmiError.NO_EFFECT
    assert host.modem.qmi.starts == 2


def test_a_call_is_stopped_by_its_handle_or_by_the_one_that_stands_for_all() -> None:
    host = Host()
    owner, other = host.client(ServiceId.WDS), host.client(ServiceId.WDS)
    handle = host.start(owner).value(1)
    assert error(host.ask(ServiceId.WDS, owner, STOP, {1: b"\1\2\3\4"})) is QmiError.INVALID_HANDLE
    assert error(host.ask(ServiceId.WDS, other, STOP, {1: handle})) is QmiError.INVALID_HANDLE
    assert error(host.ask(ServiceId.WDS, other, STOP, {1: b"\xff" * 4})) is QmiError.NONE
    assert error(host.ask(ServiceId.WDS, owner, STOP, {1: handle})) is QmiError.NO_EFFECT


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("qmi-reject=33", (1018, 6, 33)),
        ("qmi-reject=8", (1012, 6, 8)),
        ("apn=hologram", (1018, 6, 33)),
        ("reg=3", (3, 3, 2001)),
        ("sim=absent", (3, 3, 518)),
        ("sim=pin", (3, 3, 518)),
        ("backoff=60", (1, 2, 209)),
    ],
)
def test_a_refused_call_tells_its_cause(fault: str, told: tuple[int, int, int]) -> None:
    host = Host(with_fault(Faults(), fault))
    answer = host.start(host.client(ServiceId.WDS))
    assert error(answer) is QmiError.CALL_FAILED
    assert cause(answer) == told
    assert not host.connected()


def test_the_network_ends_a_call_after_its_time_and_says_so_to_every_client() -> None:
    host = Host(with_fault(Faults(), "qmi-call-ends=30"))
    owner = host.client(ServiceId.WDS)
    host.start(owner)
    host.wait(25.0)
    assert host.connected()
    host.wait(6.0)
    ended = host.indications()[-1]
    assert (ended.value(1)[0], ended.client) == (1, owner)
    assert cause(ended) == (1008, 6, 36)


def test_a_lost_registration_ends_the_call_with_an_indication() -> None:
    host = Host()
    host.start(host.client(ServiceId.WDS))
    host.take(host.modem.set_faults(with_fault(Faults(), "reg=0"), host.now))
    assert cause(host.indications()[-1]) == (3, 3, 2001)


def test_a_modem_that_hangs_says_nothing_until_the_fault_is_taken_away() -> None:
    host = Host()
    wds = host.client(ServiceId.WDS)
    host.take(host.modem.set_faults(Faults(qmi_hang=True), host.now))
    before = len(host.heard)
    host.take(host.modem.control(encode(Message(ServiceId.WDS, wds, Kind.REQUEST, 9, STATUS, {})), host.now))
    host.wait(60.0)
    assert len(host.heard) == before
    assert "OK" in host.at("AT")
    host.take(host.modem.set_faults(Faults(), host.now))
    assert host.ask(ServiceId.WDS, wds, STATUS).value(1) == b"\1"


# One modem: QMI and AT see the same card, the same radio and the same context.


def test_at_ends_a_call_of_qmi_with_the_context() -> None:
    host = Host()
    host.start(host.client(ServiceId.WDS))
    assert "OK" in host.at("AT+CGACT=0,1")
    assert not host.connected()


def test_a_dial_is_refused_while_qmi_has_the_context_and_accepted_after_it() -> None:
    host = Host()
    owner = host.client(ServiceId.WDS)
    handle = host.start(owner).value(1)
    assert "NO CARRIER" in host.at("ATD*99#", 3)
    host.ask(ServiceId.WDS, owner, STOP, {1: handle})
    assert "CONNECT" in host.at("ATD*99#", 3)


def test_a_start_is_refused_while_a_port_has_the_context() -> None:
    host = Host()
    host.at("ATD*99#", 3)
    assert cause(host.start(host.client(ServiceId.WDS))) == (1, 2, 237)


def test_airplane_mode_set_over_qmi_is_seen_over_at() -> None:
    host = Host()
    client = host.client(ServiceId.DMS)
    host.ask(ServiceId.DMS, client, 0x002E, {1: b"\1"})
    assert "+CFUN: 4" in host.at("AT+CFUN?")
    assert host.ask(ServiceId.DMS, client, 0x002D).value(1) == b"\1"


def test_three_wrong_pins_over_qmi_leave_the_puk_for_at() -> None:
    host = Host(Faults(sim=SimCard.PIN))
    client = host.client(ServiceId.UIM)
    for left in (2, 1, 0):
        answer = host.ask(ServiceId.UIM, client, 0x0026, {1: b"\0\0", 2: b"\1\x040000"})
        assert error(answer) is QmiError.INCORRECT_PIN
        assert answer.value(0x10)[0] == left
    assert "SIM PUK" in host.at("AT+CPIN?")


def test_a_profile_written_over_qmi_is_the_context_of_at() -> None:
    host = Host()
    client = host.client(ServiceId.WDS)
    host.ask(ServiceId.WDS, client, 0x0028, {1: b"\0\1", 0x14: b"hologram"})
    assert '"hologram"' in host.at("AT+CGDCONT?")
    assert host.ask(ServiceId.WDS, client, 0x002B, {1: b"\0\1"}).value(0x14) == b"hologram"


def test_a_reboot_forgets_clients_calls_and_framing() -> None:
    host = Host()
    wda = host.client(ServiceId.WDA)
    host.ask(ServiceId.WDA, wda, 0x0020, {0x11: b"\2\0\0\0"})
    host.start(host.client(ServiceId.WDS))
    assert host.modem.qmi.speaks_raw_ip
    host.modem.boot(host.now)
    assert host.modem.qmi.held() == {}
    assert host.modem.qmi.call is None
    assert not host.modem.qmi.speaks_raw_ip


def test_a_modem_that_only_has_raw_ip_says_so_whatever_it_is_asked_for() -> None:
    host = Host(replace(Faults(), qmi_raw_ip=True))
    wda = host.client(ServiceId.WDA)
    assert host.ask(ServiceId.WDA, wda, 0x0020, {0x11: b"\1\0\0\0"}).value(0x11) == b"\2\0\0\0"


@pytest.mark.parametrize("family", families())
def test_every_familys_modem_says_who_it_is(family: str) -> None:
    host = Host(family=family)
    dms, nas = host.client(ServiceId.DMS), host.client(ServiceId.NAS)
    assert host.ask(ServiceId.DMS, dms, 0x0025).value(0x11).isdigit()
    assert host.ask(ServiceId.NAS, nas, 0x0024).value(1)[0] in {0, 1, 2, 3, 4}


# Bytes that no host should send.


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_none_and_never_harm(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        decode(data)
    modem = Modem(load("bg96"))
    modem.control(data, 1.0)
    assert modem.qmi.held() == {}


@given(
    st.sampled_from(sorted(ServiceId)),
    st.integers(0, 0xFF),
    st.dictionaries(st.integers(0, 255), st.binary(max_size=40)),
)
def test_every_message_with_any_values_is_answered(service: ServiceId, number: int, values: dict[int, bytes]) -> None:
    host = Host()
    client = 0 if service is ServiceId.CTL else host.client(service)
    host.ask(service, client, number, values)
