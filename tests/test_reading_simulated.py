"""Every family's simulated modem, read and set through the real client and codec."""

import pytest

from pppgen import radio
from pppgen.at.client import Client
from pppgen.at.reading import obstacle, read_modem, words
from pppgen.model import Reason, SimState
from pppgen.modems.catalog import family_for, family_named, names
from pppgen.radio import Result
from pppgen.sim.faults import Faults, SimCard
from tests.fakes.simlink import SimLink

# What a real module of the family does not know either, by its transcript.
NOT_UNDERSTOOD = {"le910": {"ATI", "AT#WS46?"}}


def client(name: str, faults: Faults | None = None) -> Client:
    link = SimLink(name, faults)
    return Client(link, link.clock)


@pytest.mark.parametrize("name", names())
def test_every_familys_modem_is_read_whole(name: str) -> None:
    reading = read_modem(client(name).ask, family_named(name))
    assert {said.command for said in reading.unread} == NOT_UNDERSTOOD.get(name, set())
    assert reading.sim is SimState.READY
    assert (reading.pin_tries.pin, len(reading.identity.imei)) == (3, 15)
    assert reading.iccid.startswith("89")
    assert reading.signal.usable
    assert reading.rat
    assert reading.operator
    assert obstacle(reading) is None
    assert family_for("", "", words(reading.identity)).name == name


@pytest.mark.parametrize("name", names())
def test_a_locked_card_is_seen_on_every_family(name: str) -> None:
    reading = read_modem(client(name, Faults(sim=SimCard.PIN)).ask, family_named(name))
    assert reading.sim is SimState.PIN
    assert obstacle(reading) is Reason.SIM_PIN
    assert reading.imsi == ""


@pytest.mark.parametrize("name", names())
def test_what_is_written_reads_back_the_same_and_is_undone(name: str) -> None:
    family = family_named(name)
    for rat in dict(family.radio.rats):
        ask = client(name).ask
        before = read_modem(ask, family).settings
        wanted = radio.wanted(family, rat=rat)
        rows = radio.apply(ask, family, wanted)
        done = {Result.WRITTEN, Result.SAME}
        assert {row.result for row in rows if row.key != "IOT-WS46"} <= done
        assert {row.result for row in radio.apply(ask, family, wanted) if row.key != "IOT-WS46"} == {Result.SAME}
        radio.apply(ask, family, radio.undo_of(rows))
        assert read_modem(ask, family).settings == before
