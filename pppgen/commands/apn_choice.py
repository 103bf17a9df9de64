"""Which APN setup takes when the command line names none, and what writing it into the context would mean."""

from pathlib import Path

from pppgen.apn import NotADatabase, Proposal, proposals, proposed
from pppgen.at.reading import Reading
from pppgen.attach import Attach, attach_risk, other_cid
from pppgen.errors import BadValue
from pppgen.model import Notice
from pppgen.modems.catalog import Family
from pppgen.system.providers import PACKAGE, read_providers


def choose_apn(reading: Reading, root: Path) -> tuple[str, Notice]:
    """Return the APN that the SIM's operator uses, and what to say of it.

    Raises:
        BadValue: nothing is known of this SIM, or several APNs are as likely; the message lists them.
    """
    database = read_providers(root)
    try:
        found = proposals(reading.imsi, reading.iccid, database)
    except NotADatabase as error:
        raise BadValue(
            f"the provider database is damaged: {error}", hint=f"apt install --reinstall {PACKAGE}"
        ) from error
    best = proposed(found)
    if best:
        return best.apn, Notice("apn-proposed", f"APN {best.apn} ({best.provider}, {best.source})", _other(best))
    if found:
        names = ", ".join(dict.fromkeys(f"{one.apn} ({one.provider})" for one in found))
        raise BadValue(f"this SIM's operator has several APNs: {names}", hint=f"--apn {found[0].apn}")
    hint = "--apn NAME (your SIM's vendor tells it)"
    if database is None:
        hint += f"\nsudo apt install {PACKAGE}    # then pppgen proposes one"
    raise BadValue(f"no APN is known for this SIM (network {reading.imsi[:6] or 'unknown'})", hint=hint)


def attach_notice(family: Family, reading: Reading, cid: int, apn: str) -> Notice | None:
    """Return a warning where writing the APN would change the context that LTE attached with."""
    if attach_risk(family, reading, cid, apn) is not Attach.REATTACH:
        return None
    return Notice(
        "attach-context",
        f"LTE attached with another APN in context {cid}: dialling writes {apn} there, which takes a new attach",
        f"--cid {other_cid(family, reading)}    # a context of its own; some networks want that",
    )


def _other(best: Proposal) -> str:
    if best.user:
        return f"--apn NAME for another one\nits vendor names a user: --user {best.user} --password-file FILE"
    return "--apn NAME for another one"
