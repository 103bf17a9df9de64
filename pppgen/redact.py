"""Takes out of any text what names a modem, a card, a person, an account or a place on the Internet; pure.

Two ways together: what is known to be secret (the password of link.toml, the IMEI that the modem told) is looked for by
its letters, and what looks like a secret is found by its form, also in words of programs that nobody foresaw. What was
taken out is counted by kind, so that a person can be told what a text without redaction would disclose.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import ip_address


class Secret(StrEnum):
    """What kind of thing a secret is."""

    IMEI = "IMEI"
    IMSI = "IMSI"
    ICCID = "ICCID"
    NUMBER = "long number"
    PHONE = "phone number"
    USER = "user name"
    PASSWORD = "password"  # noqa: S105 -- the word, not one
    ADDRESS = "public address"
    MAC = "MAC address"
    PLACE = "cell"
    PIN = "PIN"


@dataclass(frozen=True, slots=True)
class Known:
    """A secret that is known by its letters."""

    kind: Secret
    text: str


_SHORTEST = 3
"""A shorter secret stands in too many ordinary words to be looked for by its letters; its forms are still found."""
_LONG = 6
"""A secret from this length on is found inside of words, too."""
# Resolvers that everybody may use name nobody.
_EVERYBODYS = frozenset(
    {
        *("1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9"),
        *(
            "2606:4700:4700::1111",
            "2606:4700:4700::1001",
            "2001:4860:4860::8888",
            "2001:4860:4860::8844",
            "2620:fe::fe",
        ),
    }
)
_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|<[^<>]*>)"""
_VALUE = rf"(?:{_QUOTED}|[^\s,;)\]>]+)"
_SECRETIVE = r"\b(?:password|passwd|passphrase|secret|pwd|psk)\b"

# Each form keeps its first group and hides the rest. The longer forms come first: they leave nothing for the others.
_FORMS: tuple[tuple[Secret, re.Pattern[str]], ...] = (
    # The AT commands that carry credentials, and their answers: every field, for each maker has an order of its own.
    (
        Secret.PASSWORD,
        re.compile(r"(?i)((?:\+(?:CGAUTH|QICSGP|XGAUTH|UAUTHREQ)|\$QCPDPP|\#PDPAUTH|\^AUTHDATA)\s*[=:])[^\r\n]*"),
    ),
    (Secret.PIN, re.compile(r"(?i)(\+(?:CPIN|CLCK|CPWD)=)[^\r\n]*")),
    # chat's own mark for what must not be logged.
    (Secret.PASSWORD, re.compile(r"(\\q)[^\r\n]*")),
    (Secret.PASSWORD, re.compile(rf"(?i)({_SECRETIVE}\s*[=:]\s*){_VALUE}")),
    (Secret.PASSWORD, re.compile(rf"(?i)({_SECRETIVE}\s+){_QUOTED}")),
    (Secret.PASSWORD, re.compile(r"(?im)(^\s*password\s+)\S+(?=\s*$)")),
    (Secret.USER, re.compile(rf"(?i)(\b(?:user|username|user name|login|peername)\b\s*[=:]\s*){_VALUE}")),
    (Secret.USER, re.compile(r"(?i)(^\s*user\s+)\S[^\r\n]*", re.MULTILINE)),
    (Secret.USER, re.compile(r'(?i)(\b(?:user|name)\s+)(?:"[^"]*"|\'[^\']*\')')),
    (Secret.USER, re.compile(r'(?i)(\b(?:CHAP|PAP|EAP)\b[^\r\n]*?\bname\s*=\s*)(?:"[^"]*"|<[^>]*>|[^\s\]]+)')),
    (Secret.PASSWORD, re.compile(r"(?i)(\bCHAP (?:Challenge|Response)\b[^\r\n]*?<)[0-9a-f]+(?=>)")),
    (Secret.IMEI, re.compile(r"(?i)(\bIMEI(?:SV)?\b\W{0,3})[0-9]{8,17}")),
    (Secret.IMSI, re.compile(r"(?i)((?<![A-Za-z])(?:IMSI|\+CIMI)\b\W{0,3})[0-9]{6,15}")),
    (Secret.ICCID, re.compile(r"(?i)((?<![A-Za-z])(?:ICCID|Q?CCID)\b\W{0,3})[0-9A-F]{10,22}")),
    (Secret.PHONE, re.compile(r'(?i)(\+CNUM:)[^\r\n]*|(?i:(\bMSISDN\b\W{0,3}))"?\+?[0-9]{5,15}"?')),
    (Secret.PLACE, re.compile(r'(?i)(\+C(?:E|G)?REG: [0-9](?:,[0-9])?),\s*"?[0-9A-F]+"?,\s*"?[0-9A-F]+"?')),
    (
        Secret.MAC,
        re.compile(r"()(?<![0-9A-Fa-f:.-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\2[0-9A-Fa-f]{2}){4}(?![:\w-])"),
    ),
    (Secret.PHONE, re.compile(r"()(?<![\w+.])\+[1-9][0-9]{6,14}(?![\w.])")),
    (Secret.ICCID, re.compile(r"()(?<![0-9A-Za-z.])89[0-9]{16,18}[0-9F]{0,2}(?![0-9A-Za-z.])")),
    (Secret.NUMBER, re.compile(r"()(?<![0-9A-Za-z.])[0-9]{14,22}(?![0-9A-Za-z.])")),
)
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w.]*\.[0-9])|(?=[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:)[0-9A-Fa-f:]{3,39}(?:\.[0-9.]+)?)"
)


class Redactor:
    """Hides secrets in texts and counts them; with `hides` false it only counts."""

    def __init__(self, known: Iterable[Known] = (), *, hides: bool = True) -> None:
        self.hides = hides
        self._found: set[tuple[Secret, str]] = set()
        # The longest first: a user name may be part of a password.
        texts = sorted({one.text: one for one in known if len(one.text) >= _SHORTEST}.values(), key=_length)
        self._known = tuple((one.kind, _exactly(one.text)) for one in texts)

    def text(self, text: str) -> str:
        """Return `text` with every secret replaced by its kind in brackets.

        >>> Redactor([Known(Secret.PASSWORD, "hunter2")]).text('hunter2 at 80.1.2.3, IMEI: 866425030000000')
        '[password] at [public address], IMEI: [IMEI]'
        >>> Redactor().text('user="me", password "x y", from 192.168.1.1 and 10.64.64.64 by 8.8.8.8')
        'user=[user name], password [password], from 192.168.1.1 and 10.64.64.64 by 8.8.8.8'
        """
        clear = text
        for kind, pattern in self._known:
            clear = pattern.sub(partial(self._whole, kind), clear)
        for kind, pattern in _FORMS:
            clear = pattern.sub(partial(self._form, kind), clear)
        clear = _ADDRESS.sub(self._address, clear)
        return clear if self.hides else text

    @property
    def found(self) -> Counter[Secret]:
        """How many different secrets of each kind were met."""
        return Counter(kind for kind, _ in self._found)

    def _hidden(self, kind: Secret, text: str) -> str:
        self._found.add((kind, text))
        return f"[{kind.value}]"

    def _whole(self, kind: Secret, match: re.Match[str]) -> str:
        return self._hidden(kind, match[0])

    def _form(self, kind: Secret, match: re.Match[str]) -> str:
        kept = match[1] or (match[2] if kind is Secret.PHONE and match.re.groups > 1 else "") or ""
        rest = match[0][len(kept) :].strip("\"'<> ")
        # What is hidden already, or nothing at all, is no find.
        if not rest or re.fullmatch(r"\[[A-Za-z ]+\]", rest):
            return match[0]
        return kept + self._hidden(kind, rest)

    def _address(self, match: re.Match[str]) -> str:
        try:
            address = ip_address(match[0].rstrip(":"))
        except ValueError:
            return match[0]
        if not address.is_global or address.is_multicast or str(address) in _EVERYBODYS:
            return match[0]
        return self._hidden(Secret.ADDRESS, str(address))

    def disclosed(self) -> str:
        """Return what a text without redaction holds, for a person.

        >>> redactor = Redactor(hides=False)
        >>> _ = redactor.text("80.1.2.3 and 80.1.2.4, +491701234567")
        >>> redactor.disclosed()
        '1 phone number, 2 public addresses'
        """
        return ", ".join(_counted(kind, number) for kind, number in sorted(self.found.items())) or "nothing secret"


def _length(one: Known) -> int:
    return -len(one.text)


def _exactly(text: str) -> re.Pattern[str]:
    """Return a pattern for the letters: a short one only as a word of its own, a long one anywhere."""
    letters = re.escape(text)
    return re.compile(letters if len(text) >= _LONG else rf"(?<![A-Za-z0-9]){letters}(?![A-Za-z0-9])")


def _counted(kind: Secret, number: int) -> str:
    if number == 1:
        return f"1 {kind.value}"
    return f"{number} {kind.value}{'es' if kind.value.endswith('s') else 's'}"
