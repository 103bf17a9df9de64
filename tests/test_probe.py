"""The decision over all ports: order, the right AT port, the dial port, and what is said about both."""

from collections.abc import Mapping

from pppgen.interview import Seen
from pppgen.model import Device, ExpectedRole, Holder, Port, PortRole
from pppgen.probe import GRACE_S, Outcome, Probe, Remembered, candidates_of, decide

NOTHING = Remembered()
LAYOUT = {0: ExpectedRole.DIAG, 1: ExpectedRole.NMEA, 2: ExpectedRole.AT, 3: ExpectedRole.DIAL}


def modem(path: str = "1-1.4", holders: Mapping[int, Holder] | None = None) -> Device:
    ports = tuple(
        Port(
            f"/dev/{path}/tty{number}",
            f"/dev/pppgen/{path}-if{number:02}",
            path,
            number,
            holder=(holders or {}).get(number),
        )
        for number in range(4)
    )
    return Device(path, "2c7c", "0296", ports)


def decided(
    roles: Mapping[int, PortRole],
    remembered: Remembered = NOTHING,
    device: Device | None = None,
    layout: Mapping[int, ExpectedRole] = LAYOUT,
) -> Outcome:
    candidates = candidates_of([device or modem()], {"1-1.4": layout}, {"1-1.4": remembered})
    found = []
    for candidate in candidates:
        number = candidate.port.interface
        assert number is not None
        role = roles.get(number, PortRole.SILENT)
        found.append((candidate, Seen(candidate.port.device, role, ("BG96",) if role is PortRole.AT else ())))
    return decide(found, {"1-1.4": remembered})


def names(outcome: Outcome) -> tuple[int | None, int | None, bool]:
    assert outcome.modem
    dial = outcome.modem.dial
    return outcome.modem.at.interface, dial.interface if dial else None, outcome.modem.dial_proven


def codes(outcome: Outcome) -> list[str]:
    assert outcome.modem
    return [notice.code for notice in outcome.modem.warnings]


def test_the_catalogs_dial_port_is_taken_but_not_proven() -> None:
    outcome = decided({2: PortRole.AT, 3: PortRole.AT})
    assert names(outcome) == (2, 3, False)
    assert codes(outcome) == ["dial-port-unproven"]
    assert [seen.role for _, seen in outcome.ports][:2] == [PortRole.AT, PortRole.DIAL]


def test_the_port_that_dialled_before_is_proven_against_the_catalog() -> None:
    outcome = decided({2: PortRole.AT, 3: PortRole.AT}, Remembered(dial=2))
    assert names(outcome) == (3, 2, True)
    assert codes(outcome) == []


def test_one_at_port_does_both_and_is_said_to() -> None:
    outcome = decided({0: PortRole.AT})
    assert names(outcome) == (0, 0, False)
    assert codes(outcome) == ["one-at-port"]
    assert outcome.seen("/dev/1-1.4/tty0") == Seen("/dev/1-1.4/tty0", PortRole.AT_DIAL, ("BG96",))


def test_a_remembered_dial_port_that_fell_silent_is_named() -> None:
    outcome = decided({2: PortRole.AT}, Remembered(dial=3))
    assert names(outcome) == (2, 2, False)
    assert codes(outcome) == ["dial-port-lost", "one-at-port"]


def test_a_dial_port_in_use_stays_the_dial_port() -> None:
    device = modem(holders={3: Holder(812, "pppd")})
    outcome = decided({2: PortRole.AT, 3: PortRole.BUSY}, Remembered(dial=3), device)
    assert names(outcome) == (2, 3, True)
    assert codes(outcome) == ["port-held"]
    assert names(decided({2: PortRole.AT, 3: PortRole.BUSY}, device=device)) == (2, 3, False)


def test_an_unlisted_modem_dials_on_its_first_at_port() -> None:
    assert names(decided({1: PortRole.AT, 3: PortRole.AT}, layout={})) == (3, 1, False)


def test_three_at_ports_keep_the_catalogs_roles() -> None:
    assert names(decided({0: PortRole.AT, 2: PortRole.AT, 3: PortRole.AT})) == (2, 3, False)


def test_without_an_at_port_there_is_no_modem() -> None:
    assert decided({}).modem is None


def test_while_ports_were_not_heard_nothing_is_said_about_dialling() -> None:
    outcome = decided({2: PortRole.AT, 3: PortRole.UNPROBED})
    assert names(outcome) == (2, None, False)
    assert codes(outcome) == []


def test_two_modems_are_told_apart() -> None:
    devices = [modem("1-1.4"), modem("1-1.2")]
    candidates = candidates_of(devices, {"1-1.2": LAYOUT, "1-1.4": LAYOUT}, {})
    found = [
        (one, Seen(one.port.device, PortRole.AT if one.port.interface == 2 else PortRole.SILENT, ("x",)))
        for one in candidates
    ]
    assert [one.at.device for one in decide(found, {}).modems] == ["/dev/1-1.2/tty2", "/dev/1-1.4/tty2"]


def test_uarts_are_asked_last_and_the_remembered_port_first() -> None:
    uart = Device("", "", "", (Port("/dev/ttyS0", "/dev/ttyS0", None, None),))
    order = candidates_of([uart, modem()], {"1-1.4": LAYOUT}, {"1-1.4": Remembered(at=1)})
    assert [one.port.interface for one in order] == [1, 2, 3, 0, None]


def answer(probe: Probe, number: int, now: float) -> None:
    [interview] = [i for c, i in zip(probe.candidates, probe.interviews, strict=True) if c.port.interface == number]
    interview.received(b"\r\nOK\r\n", now)
    interview.received(b"\r\nBG96\r\n\r\nOK\r\n", now)


def started(*, whole: bool) -> Probe:
    probe = Probe(candidates_of([modem()], {"1-1.4": LAYOUT}, {}), whole=whole)
    for interview in probe.interviews:
        interview.begin(0.0)
    return probe


def test_the_likeliest_port_ends_a_quick_probe_at_once() -> None:
    probe = started(whole=False)
    assert not probe.enough(0.1)
    answer(probe, 2, 0.2)
    assert probe.enough(0.2)
    assert names(probe.outcome())[0] == 2


def test_an_unlikely_port_waits_a_moment_for_a_likelier_one() -> None:
    probe = started(whole=False)
    answer(probe, 0, 0.2)
    assert not probe.enough(0.2)
    assert probe.wake_at(0.2) == 0.2 + GRACE_S
    answer(probe, 2, 0.205)
    assert probe.enough(0.205)
    assert names(probe.outcome())[0] == 2


def test_an_unlikely_port_is_taken_when_the_moment_is_over() -> None:
    probe = started(whole=False)
    answer(probe, 0, 0.2)
    assert probe.enough(0.2 + GRACE_S)
    assert names(probe.outcome())[0] == 0


def test_a_whole_probe_waits_for_all_but_not_for_long_once_the_modem_spoke() -> None:
    probe = started(whole=True)
    answer(probe, 2, 0.1)
    assert not probe.enough(1.0)
    assert probe.wake_at(0.1) == 1.5
    probe.settle()
    assert probe.wake_at(0.1) == 1.2


def test_a_probe_of_nothing_is_over() -> None:
    assert Probe(()).enough(0.0)
    assert Probe(()).outcome() == Outcome(())
