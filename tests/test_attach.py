"""The attach context: what giving it another APN would mean."""

import pytest

from pppgen.at.reading import Reading
from pppgen.at.replies.contexts import Bearer, Context
from pppgen.attach import Attach, attach_risk, other_cid
from pppgen.modems.catalog import family_named

BG96 = family_named("bg96")


@pytest.mark.parametrize(
    ("reading", "cid", "apn", "risk"),
    [
        (Reading(contexts=(Context(1, "IP", "super"),)), 1, "super", Attach.SAME),
        (Reading(contexts=(Context(1, "IP", "other"),)), 1, "super", Attach.REATTACH),
        (Reading(contexts=(Context(1, "IP", "other"),)), 3, "super", Attach.FREE),
        (Reading(bearers=(Bearer(1, "Super.mnc410.mcc310.gprs"),)), 1, "super", Attach.SAME),
        (Reading(contexts=(Context(1, "IP", "super"),), bearers=(Bearer(1, "vzwims"),)), 1, "super", Attach.REATTACH),
        (Reading(contexts=(Context(1, "IP", "super"),), bearers=(Bearer(1),)), 1, "super", Attach.SAME),
        (Reading(contexts=(Context(1, "IP", ""),)), 1, "super", Attach.UNKNOWN),
        (Reading(), 1, "super", Attach.UNKNOWN),
    ],
)
def test_the_network_counts_before_the_definition(reading: Reading, cid: int, apn: str, risk: Attach) -> None:
    assert attach_risk(BG96, reading, cid, apn) is risk


def test_another_context_is_one_that_nobody_uses() -> None:
    reading = Reading(contexts=(Context(2, "IP", "ims"), Context(3, "IP", ""), Context(4, "IP", "sos")))
    assert other_cid(BG96, reading) == 3
    assert other_cid(family_named("lara"), Reading(contexts=tuple(Context(cid, "IP", "a") for cid in (2, 3)))) == 5
