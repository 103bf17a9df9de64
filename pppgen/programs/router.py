"""Hands each line of a mixed log to the reader of the program that wrote it.

Lines come as people post them: behind syslog's, the journal's, the kernel's or quectel-CM's stamps, and in whatever
`pasted.py` takes away. What a prefix names goes to that program's reader alone; a bare line is offered to all who may
know it, the talkative ones last. Nothing here keeps more than one line: one of ours that says nothing by itself may
have been folded, as mail programs do, and is read again with the bare line below it.
"""

import re
from typing import TYPE_CHECKING

from pppgen.programs import (
    at_session,
    chat,
    kernel,
    modemmanager,
    net_tools,
    networkmanager,
    pppd,
    qmicli,
    quectel_cm,
    udhcpc,
    wvdial,
)
from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.own_journal import OwnJournalReader
from pppgen.programs.pasted import cleaned
from pppgen.programs.quectel_cm import STAMP
from pppgen.programs.sieve import Sorter, any_of

if TYPE_CHECKING:
    from collections.abc import Callable

# No message of any program is longer; what a line holds beyond it is not looked at.
LINE_LIMIT = 2000

_LOGCAT = re.compile(r"[VDIWEF]/([A-Za-z][\w.-]{0,40}) *\( *\d+\): ?")
_PIPE = 40  # a container's name in front of `|` is no longer
_FOLDED_FROM = 60  # a line that nobody signed and that is shorter was not folded
_NUMBER = re.compile(r"(\d{1,6})[.)]?(?:\s+|$)")
_PROMPT = re.compile(r"(?:\[?[\w.-]+@[\w.-]+[: ~][^$#]{0,80}[$#]|[:~/\w.-]{0,40}[$#]) \S")
_STAMP = re.compile(
    r"(?:<\d+>)?"
    r"(?:(?:[^\W\d_]{2,4}\.? )?[^\W\d_]{2,5}\.? +\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)?(?: \d{4})?"  # in any language
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?[+-]\d\d:?\d\d)?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d+)?)\s+"
)
_TAG = re.compile(
    r"(?:(?:kern|daemon|user|local\d|auth|authpriv|syslog)\.\w+:?\s+)?(?:(?![\w./@-]+(?:\[\d+\])?:)\S+\s+)?"
    r"(?:local\d\.\w+ |daemon\.\w+ )?([A-Za-z][\w./@-]{0,40}?)(?:\[\d+\]|\(\d+\))?: ?"
)
_FACILITY = re.compile(r"(?:kern|daemon|user|local\d|auth|authpriv|syslog)\.[a-z]+:? +")
_BRACKETED = re.compile(r"\[([A-Za-z][\w./-]{0,40})\] ")  # metalog, which ends a line in "_" too
_NAMELESS = re.compile(_FACILITY.pattern + r"\[\d+\]: ?")
_FACILITIES = ("kern", "daemon", "user", "local", "auth", "syslog")
_SHORT_TAG = re.compile(r"([A-Za-z][\w.-]{0,40})\[\d+\]: ?")
_KERNEL = re.compile(r"(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")
_NETIFD = re.compile(r"(?:netifd: )?[\w.-]+ \(\d+\): ?")
_NAMED = re.compile(
    r"(pppd|chat|wvdial|udhcpc|dhclient|netifd|kernel|ModemManager|NetworkManager|mmcli|qmicli)(?:\[\d+\])?: ?"
)
# Programs that never speak of a modem's link: most of an ordinary syslog.
_STRANGERS = frozenset(
    """
    CRON cron anacron sshd sudo su login systemd systemd-logind systemd-resolved systemd-timesyncd systemd-journald
    systemd-udevd dbus dbus-daemon avahi-daemon rsyslogd wpa_supplicant hostapd cupsd polkitd smartd
    ntpd chronyd postfix dnsmasq rtkit-daemon gdm gnome-session pulseaudio bluetoothd snapd lightdm Xorg acpid nmbd smbd
    named apache2 nginx dockerd containerd audit udisksd colord fstrim logrotate mosquitto telegraf node java python
    """.split()  # noqa: SIM905 -- a list of words reads best as words
)
_OURS: dict[str, str] = {
    "pppd": "pppd",
    "chat": "chat",
    "wvdial": "wvdial",
    "WvDial": "wvdial",
    "ModemManager": "modemmanager",
    "modem-manager": "modemmanager",
    "mmcli": "modemmanager",
    "modemmanager": "modemmanager",
    "NetworkManager": "networkmanager",
    "kernel": "kernel",
    "dhclient": "udhcpc",
    "dhcpcd": "udhcpc",
    "udhcpc": "udhcpc",
    "netifd": "netifd",
    "qmicli": "qmicli",
    "uqmi": "qmicli",
    "usb_modeswitch": "net_tools",
}
# What a program that nobody knows (a script, a dialler's wrapper) hands on of ours has one of these in it.
_WORDS = (
    *("ppp", "modem", "connect", "lease", "discover", "qmi", "+c", "+q", "wwan", "tty", "sim", "lcp", "ipcp", "chap"),
    *("carrier", "dial", "apn", "regist", "chat", "terminat", "hangup", "address", "timed", "network"),
)
_OF_US = any_of(_WORDS)
# In the order in which a bare line is offered to them, the talkative ones last.
_SIEVES = (
    chat.SIEVE,
    pppd.SIEVE,
    udhcpc.SIEVE,
    quectel_cm.SIEVE,
    qmicli.SIEVE,
    modemmanager.SIEVE,
    kernel.SIEVE,
    net_tools.SIEVE,
    networkmanager.SIEVE,
    wvdial.SIEVE,
    at_session.SIEVE,
)
_SORTER = Sorter(*_SIEVES)
_CHAT = 1 << _SIEVES.index(chat.SIEVE)


class Router:
    """One log's worth of readers."""

    def __init__(self) -> None:
        self.pppd = pppd.PppdReader()
        self.chat = chat.ChatReader()
        self.wvdial = wvdial.WvdialReader()
        self.at = at_session.AtReader()
        self.qmicli = qmicli.QmicliReader()
        self.quectel = quectel_cm.QuectelCmReader()
        self.udhcpc = udhcpc.UdhcpcReader()
        self.kernel = kernel.KernelReader()
        self.modemmanager = modemmanager.ModemManagerReader()
        self.networkmanager = networkmanager.NetworkManagerReader()
        self.net_tools = net_tools.NetToolsReader()
        self.own = OwnJournalReader()
        self.continued = False
        """Whether the last events were proved by a folded line: its first half is the line above."""
        self._number = 0  # of a log that was pasted with its lines numbered
        self._folded: tuple[str, str] | None = None  # whose line, empty for an unsigned one, and what it said
        self._by_tag: dict[str, Callable[[str], tuple[Event, ...]]] = {
            "pppd": self._from_pppd,
            "chat": self._from_chat,
            "wvdial": self._from_wvdial,
            "modemmanager": self.modemmanager.read,
            "networkmanager": self.networkmanager.read,
            "kernel": self._from_kernel,
            "udhcpc": self.udhcpc.read,
            "netifd": self._from_netifd,
            "qmicli": self.qmicli.read,
            "net_tools": self.net_tools.read,
        }
        readers = (
            self._from_chat,
            self.pppd.read,
            self.udhcpc.read,
            self.quectel.read,
            self.qmicli.read,
            self.modemmanager.read,
            self.kernel.read,
            self.net_tools.read,
            self.networkmanager.read,
            self.wvdial.read,
            self._from_modem,
        )
        self._readers = tuple((1 << number, read) for number, read in enumerate(readers))

    def route(self, line: str) -> tuple[Event, ...]:
        """Return the events that one line of a log proves."""
        if line[:2] == '{"' and (own := self.own.read(line)):
            return own
        text = cleaned(line[:LINE_LIMIT])
        self.continued = False
        if not text:
            self._folded = None
            return ()
        first = text[0]
        if first in "123456789" and (number := _NUMBER.match(text)) is not None and int(number[1]) == self._number + 1:
            self._number += 1
            if not (text := cleaned(text[number.end() :])):
                return ()
            first = text[0]
        if first in "[<":
            if (stamp := STAMP.match(text)) is not None:
                return self._from_quectel(text[stamp.end() :])
            if (stamp := _KERNEL.match(text)) is not None:
                return self._from_kernel_log(text[stamp.end() :])
        elif first in "-W" and (words := wvdial.bare(text)) is not None:
            return self._from_wvdial(words)
        colon = text.find(":")
        return self._named(text, colon) if colon > 0 else self._bare(text)

    def _named(self, text: str, colon: int) -> tuple[Event, ...]:
        """A line with a colon: perhaps a time, perhaps a program's name in front."""
        # A time's first colon stands behind a digit: a look at one character instead of a pattern's many tries.
        if text[colon - 1].isdigit() and (stamp := _STAMP.match(text)) is not None:
            return self._stamped(text, stamp.end())
        if text.startswith(_FACILITIES) and (facility := _FACILITY.match(text)) is not None:
            text = text[facility.end() :]
            if (colon := text.find(":")) < 0:
                return self._bare(text)
        if (tag := (_SHORT_TAG if text[colon - 1] == "]" else _NAMED).match(text)) is not None:
            return self._tagged(tag[1], text[tag.end() :])
        if text[1:2] == "/" and (tag := _LOGCAT.match(text)) is not None:
            return self._tagged(tag[1], text[tag.end() :])
        if (
            0 < (bar := text.find(" | ")) < _PIPE
            and (stamp := _STAMP.match(text, bar + 3)) is not None
            and (tag := _TAG.match(text, stamp.end())) is not None
        ):
            return self._tagged(tag[1], text[tag.end() :])
        if ("$" in text or "#" in text) and _PROMPT.match(text):
            return ()
        return self._bare(text)

    def _stamped(self, text: str, end: int) -> tuple[Event, ...]:
        """A line with a time that ends at `end`, and perhaps a program's name behind it."""
        if text.find(":", end) >= 0 and (tag := _TAG.match(text, end)) is not None:
            return self._tagged(tag[1], text[tag.end() :])
        self._folded = None
        rest = text[end:]
        if (tag := _BRACKETED.match(rest)) is not None:
            return self._tagged(tag[1], rest[tag.end() :].removesuffix("_"))
        nameless = _NAMELESS.match(rest)  # what OpenWrt's log shows of a daemon that it does not know
        return self._bare(rest[nameless.end() :] if nameless else rest)

    def _tagged(self, tag: str, rest: str) -> tuple[Event, ...]:
        name = tag.rsplit("/", 1)[-1]
        ours = _OURS.get(name)
        self._folded = None
        if ours is not None:
            if not (events := self._by_tag[ours](rest)):
                self._folded = ours, rest
            return events
        if name in _STRANGERS:
            return ()
        if not _is_of_us(rest):
            return ()
        events = self._bare(rest)
        self._folded = None if events else (name, rest)
        return events

    def _bare(self, text: str) -> tuple[Event, ...]:
        """A line whose writer is not named."""
        above, self._folded = self._folded, None
        # While chat listens, every line is the modem's.
        whose = _SORTER.whose(text) | (_CHAT if self.chat.listening else 0)
        events = self._first_answer(whose, text) if whose else ()
        # A sentence does not go on in capitals.
        if above and not events and (above[0] or (not text[:1].isupper() and _is_of_us(above[1]))):
            events = self._unfolded(*above, text)
        if len(text) >= _FOLDED_FROM and not events:
            self._folded = "", text
        return events

    def _first_answer(self, whose: int, text: str) -> tuple[Event, ...]:
        """Ask those who may know the line, in their order."""
        for bit, read in self._readers:
            if whose & bit and (events := read(text)):
                return events
        return ()

    def _unfolded(self, ours: str, above: str, text: str) -> tuple[Event, ...]:
        """A bare line that says nothing: perhaps the second half of the line above."""
        events = self._by_tag.get(ours, self._bare)(f"{above} {text}"[:LINE_LIMIT])
        self._folded = None  # two halves, not three: prose would grow
        self.continued = bool(events)
        return events

    def _from_pppd(self, text: str) -> tuple[Event, ...]:
        # Old pppd versions hand on what chat writes, under their own name.
        return self.pppd.read(text) or self._from_chat(text)

    def _from_chat(self, text: str) -> tuple[Event, ...]:
        if self.chat.listening and (foreign := self.pppd.read(text)):
            return foreign
        events = self.chat.read(text)
        if not events:
            return ()
        if events[0].kind is Kind.COMMAND_SENT:
            self.at.command = events[0].value
        if events[0].kind is not Kind.MODEM_SAID:
            return events
        spoken = self.at.read(events[0].value)
        if spoken and spoken[0].kind is Kind.COMMAND_SENT and self.chat.foreign(spoken[0].value):
            return (Event(Program.CHAT, Kind.OTHER_PROGRAM_ON_PORT, spoken[0].value),)
        return (*events, *spoken)

    def _from_wvdial(self, text: str) -> tuple[Event, ...]:
        events = self.wvdial.read(text)
        if events:
            return events
        inner = text.removeprefix("pppd: ")
        return self.pppd.read(inner) or self._from_modem(inner)

    def _from_modem(self, text: str) -> tuple[Event, ...]:
        text = at_session.spoken(text)
        events = self.at.read(text)
        for event in events:
            if event.kind is Kind.COMMAND_SENT and self.wvdial.dialling and self.wvdial.foreign(event.value):
                return (Event(Program.WVDIAL, Kind.OTHER_PROGRAM_ON_PORT, event.value),)
        return events

    def _from_quectel(self, text: str) -> tuple[Event, ...]:
        return self.quectel.read(text) or self.udhcpc.read(text)

    def _from_kernel(self, text: str) -> tuple[Event, ...]:
        stamp = _KERNEL.match(text)
        return self.kernel.read(text[stamp.end() :] if stamp is not None else text)

    def _from_kernel_log(self, text: str) -> tuple[Event, ...]:
        """A kernel's stamp; `journalctl -o short-monotonic` writes one before every program's name."""
        if (events := self.kernel.read(text)) or (tag := _TAG.match(text)) is None or tag[1] not in _OURS:
            self._folded = None if events else ("kernel", text)
            return events
        return self._tagged(tag[1], text[tag.end() :])

    def _from_netifd(self, text: str) -> tuple[Event, ...]:
        stamp = _NETIFD.match(text)
        if stamp is not None:
            text = text[stamp.end() :]
        if (stamp := STAMP.match(text)) is not None:
            return self._from_quectel(text[stamp.end() :])
        readers = (self.udhcpc, self.qmicli, self.pppd, self.chat)
        return next((events for reader in readers if (events := reader.read(text))), ()) or self._from_modem(text)


def _is_of_us(text: str) -> bool:
    return _OF_US.search(text.lower()) is not None
