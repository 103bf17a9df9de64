"""The modem's PDP context over AT, on behalf of a QMI call: freed when QMI hangs, given its login before a call."""

from pppgen.at.client import Ask
from pppgen.at.replies import contexts
from pppgen.at.replies.fields import Unread
from pppgen.config import Auth, Link
from pppgen.modems.catalog import Dialect

_ANSWER_S = 2.0
_DETACH_S = 10.0  # a deactivation and the radio's way off wait for the network


def free_context(ask: Ask, link: Link, dialect: Dialect) -> tuple[str, ...]:
    """Free the context that a call may hold, the gentle way first, and return in sentences what was done.

    A call made over QMI need not show as a context: then there is nothing that AT could free.

    Raises:
        ModemSilent, PortGone: as the client does.
    """
    if not _is_active(ask, link.cid):
        return (f"context {link.cid} is not active: nothing to free over AT",)
    ask(f"AT+CGACT=0,{link.cid}", _DETACH_S)
    if not _is_active(ask, link.cid):
        return (f"QMI hangs: context {link.cid} was freed over AT (AT+CGACT=0,{link.cid})",)
    for command in (dialect.radio_off, dialect.radio_on):
        ask(command, _DETACH_S)
    return (f"QMI hangs and holds context {link.cid}: the radio was switched off and on ({dialect.radio_off})",)


def write_login(ask: Ask, link: Link, dialect: Dialect) -> str:
    """Give the context its APN and credentials, and return why not, empty when it has them; the secret is never said.

    Raises:
        ModemSilent, PortGone: as the client does.
    """
    if any(char in text for text in (link.user, link.password) for char in '"\\'):
        return "the user or password has a quote or backslash, which AT commands can't carry"
    kinds = (Auth.BOTH, Auth.CHAP) if link.auth is Auth.BOTH else (link.auth,)
    commands = [
        dialect.auth_command(link.cid, kind, link.user, link.password, apn=link.apn, ip=link.pdp_type) for kind in kinds
    ]
    wanted = next((command for command in commands if command), "")
    if not wanted:
        return "this modem has no AT command that takes a user and a password for QMI"
    answer = ask("AT+CGDCONT?", _ANSWER_S)
    found = contexts.cgdcont(answer.lines) if answer.ok else ()
    defined = () if isinstance(found, Unread) else found
    # It lives in the modem's flash, so it is written only where it differs.
    if not any((one.cid, one.ip_type, one.apn) == (link.cid, link.pdp_type, link.apn) for one in defined):
        ask(f'AT+CGDCONT={link.cid},"{link.pdp_type}","{link.apn}"', _ANSWER_S)
    answer = ask(wanted, _ANSWER_S)
    return "" if answer.ok else f"{wanted.partition('=')[0]}: {answer.final}"


def _is_active(ask: Ask, cid: int) -> bool:
    answer = ask("AT+CGACT?", _ANSWER_S)
    found = contexts.cgact(answer.lines) if answer.ok else ()
    return not isinstance(found, Unread) and cid in found
