"""Which APN a SIM probably wants: by the card's own prefix, else by its operator in the provider database.

The database is mobile-broadband-provider-info's XML. It is a file of the system, but it is parsed as if it were not:
bounded, without entities, and nothing of it reaches a file or a modem before the values' own check.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

DATABASE_MAX = 8 * 1024 * 1024
"""The largest database read, in bytes: the real one is 0.4 MB."""
_PROPOSALS_MAX = 20
_TEXT_MAX = 100


@dataclass(frozen=True, slots=True)
class Proposal:
    """An APN that a SIM probably wants, where from, and the credentials that the operator publishes with it."""

    apn: str
    provider: str
    source: str
    user: str = ""
    password: str = ""
    auth: str = ""


# Cards whose IMSI is lent by another operator, so that only the card's own number tells whose they are.
_BY_ICCID: tuple[tuple[str, Proposal], ...] = (
    # docs.korewireless.com: Super SIM cards begin with 8988307, from 2025 on with 8910392; the APN is super
    ("8988307", Proposal("super", "Twilio/KORE Super SIM", "ICCID prefix 8988307")),
    ("8910392", Proposal("super", "Twilio/KORE Super SIM", "ICCID prefix 8910392")),
    # emnify.com/resources/iccid-number: 89, country code 883, issuer 03
    ("8988303", Proposal("em", "emnify", "ICCID prefix 8988303")),
    # help.1nce.com, SIM knowledge: 89, country code 88, issuer 228
    ("8988228", Proposal("iot.1nce.net", "1NCE", "ICCID prefix 8988228")),
    # developers.soracom.io: the SIM's own user and password are public
    ("8942310", Proposal("soracom.io", "Soracom", "ICCID prefix 8942310", "sora", "sora", "chap")),
)


class NotADatabase(Exception):
    """The provider database is no well-formed XML of that kind; the caller goes on without it."""


def proposals(imsi: str, iccid: str, database: bytes | None) -> tuple[Proposal, ...]:
    """Return the APNs that fit a SIM, the best first; none where nothing is known.

    A network number of three digits wins over one of two: `310410` is not `31041`.

    Raises:
        NotADatabase: `database` is not the XML that it should be.

    >>> proposals("", "89883070000001234567", None)[0].apn
    'super'
    >>> proposals("", "", None)
    ()
    """
    by_card = tuple(proposal for prefix, proposal in _BY_ICCID if iccid.startswith(prefix))
    if database is None or not (imsi.isdecimal() and len(imsi) >= 6):
        return by_card
    found = _search(database, imsi)
    return (by_card + found)[:_PROPOSALS_MAX]


@dataclass(slots=True)
class _Apn:
    value: str
    usages: list[str] = field(default_factory=list)
    user: str = ""
    password: str = ""
    auth: str = ""


class _Providers:
    """Walks the XML once and keeps the APNs of those providers that own the SIM's network."""

    def __init__(self, imsi: str) -> None:
        self._mcc, self._mncs = imsi[:3], (imsi[3:6], imsi[3:5])
        self.found: list[tuple[int, int, Proposal]] = []
        self._path: list[str] = []
        self._text = ""
        self._name = ""
        self._digits = 0
        self._apns: list[_Apn] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._path.append(tag)
        self._text = ""
        if tag == "provider":
            self._name, self._digits, self._apns = "", 0, []
        elif tag == "network-id" and attributes.get("mcc") == self._mcc:
            mnc = attributes.get("mnc", "")
            if mnc in self._mncs:
                self._digits = max(self._digits, len(mnc))
        elif tag == "apn":
            self._apns.append(_Apn(_clean(attributes.get("value", ""))))
        elif tag == "usage" and self._apns:
            self._apns[-1].usages.append(attributes.get("type", ""))
        elif tag == "authentication" and self._apns:
            self._apns[-1].auth = _clean(attributes.get("method", ""))

    def text(self, data: str) -> None:
        if len(self._text) < _TEXT_MAX:
            self._text += data

    def end(self, tag: str) -> None:
        text = _clean(self._text)
        self._text = ""
        self._path.pop()
        parent = self._path[-1] if self._path else ""
        if tag == "name" and parent == "provider" and not self._name:
            self._name = text
        elif tag == "username" and parent == "apn":
            self._apns[-1].user = text
        elif tag == "password" and parent == "apn":
            self._apns[-1].password = text
        elif tag == "provider" and self._digits:
            self._keep()

    def _keep(self) -> None:
        source = f"provider database, network {self._mcc}-{self._mncs[3 - self._digits]}"
        for apn in self._apns:
            rank = _rank(apn.usages)
            if not apn.value or rank is None or len(self.found) >= _PROPOSALS_MAX * 4:
                continue
            auth = apn.auth if apn.auth in {"pap", "chap"} else ""
            proposal = Proposal(apn.value, self._name, source, apn.user, apn.password, auth)
            self.found.append((-self._digits, rank, proposal))


def _rank(usages: Sequence[str]) -> int | None:
    """How likely an APN is the one for data, 0 the best; `None` for one that is for messages or a wallet only."""
    if "internet" in usages:
        return 0
    if not usages:
        return 1
    return 2 if any("internet" in usage for usage in usages) else None  # AT&T's mms-internet-hipri


def _clean(text: str) -> str:
    return "".join(char for char in text[:_TEXT_MAX] if char.isprintable()).strip()


def _search(database: bytes, imsi: str) -> tuple[Proposal, ...]:
    if len(database) > DATABASE_MAX:
        raise NotADatabase(f"larger than {DATABASE_MAX} bytes")
    providers = _Providers(imsi)
    parser = expat.ParserCreate()
    parser.StartElementHandler = providers.start
    parser.EndElementHandler = providers.end
    parser.CharacterDataHandler = providers.text
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(database, True)
    except (expat.ExpatError, ValueError) as error:
        raise NotADatabase(str(error)) from error
    ordered = sorted(providers.found, key=lambda entry: entry[:2])  # stable: the database's own order within a rank
    best = [proposal for digits, _, proposal in ordered if digits == ordered[0][0]]
    return tuple(dict.fromkeys(best))


def _refuse_entity(*_: object) -> None:
    """Refuse entities: expansion is how a small file becomes a large one, and the database has none."""
    raise NotADatabase("it declares an entity")


def proposed(found: Sequence[Proposal]) -> Proposal | None:
    """Return the one APN to take without asking, `None` where none or several are as likely.

    >>> proposed(proposals("", "8988303000000614227", None)).apn  # type: ignore[union-attr]
    'em'
    """
    apns = {proposal.apn for proposal in found}
    by_card = [proposal for proposal in found if proposal.source.startswith("ICCID")]
    if by_card:
        return by_card[0]
    return found[0] if len(apns) == 1 else None
