"""Hands each line of a mixed log to the reader of the program that wrote it.

Lines come as people post them: behind syslog's, the journal's, the kernel's or quectel-CM's stamps, indented, quoted as
in mail, with colour codes, HTML entities or a forum's markup. What a prefix names goes to that program's reader alone;
a bare line is offered to all, the talkative ones last. Nothing here keeps more than one line: one of ours that says
nothing by itself may have been folded, as mail programs do, and is read again with the bare line below it.
"""

import html
import re
from typing import TYPE_CHECKING

from pppgen.programs.at_session import AtReader
from pppgen.programs.chat import ChatReader
from pppgen.programs.events import Event, Kind, Program, Reader
from pppgen.programs.kernel import KernelReader
from pppgen.programs.modemmanager import ModemManagerReader
from pppgen.programs.net_tools import NetToolsReader
from pppgen.programs.networkmanager import NetworkManagerReader
from pppgen.programs.own_journal import OwnJournalReader
from pppgen.programs.pppd import PppdReader
from pppgen.programs.qmicli import QmicliReader
from pppgen.programs.quectel_cm import STAMP, QuectelCmReader
from pppgen.programs.udhcpc import UdhcpcReader
from pppgen.programs.wvdial import WvdialReader, bare

if TYPE_CHECKING:
    from collections.abc import Callable

# No message of any program is longer; what a line holds beyond it is not looked at.
LINE_LIMIT = 2000

_NOISE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]")
_MARKUP = re.compile(
    r"\[/?(?:COLOR|B|I|U|CODE|SIZE|QUOTE|FONT|URL|EMAIL)(?:=[^\]]*)?\]|</?(?:b|i|br|pre|code|span|p)\b[^>]*>"
)
# What word processors and blogs make of quotes, `--`, `...` and two blanks.
_TYPESET = str.maketrans(
    {**dict.fromkeys("\u2018\u2019", "'"), **dict.fromkeys("\u201c\u201d", '"'), **dict.fromkeys("\u2013\u2014", "--")}
    | {"\u2026": "...", "\xa0": " ", "\ufeff": ""}
)
_OPENERS = frozenset("[< >\t")  # a tag that is closed on another line stands at the beginning
_LOGCAT = re.compile(r"[VDIWEF]/([A-Za-z][\w.-]{0,40}) *\( *\d+\): ?")
# Who speaks in a dialogue with the modem, as terminals and diallers show it: `< OK`, `AT> ATI`, `resp: BUSY`.
_SPEAKER = re.compile(
    r"(?:comgt \S+ -> |-{1,2}>|<-{1,2}|(?:AT)?[<>]{1,2}|(?i:send|sent|recv|resp|received|rx|tx) ?[:>=]) *(?=\S)"
)
_SPEAKERS = frozenset("-<>ASRTcsrt")
_PIPE = 40  # a container's name in front of `|` is no longer
_LEAD = re.compile(r"[\s>#~*\"'`\ufeff]+")
_GNOME = re.compile(r"GNOME PPP: STD(?:ERR|OUT): ?")
_FOLDED_FROM = 60  # a line that nobody signed and that is shorter was not folded
_NUMBER = re.compile(r"(\d{1,6})[.)]?(?:\s+|$)")
_PROMPT = re.compile(r"(?:\[?[\w.-]+@[\w.-]+[: ~][^$#]{0,80}[$#]|[:~/\w.-]{0,40}[$#]) \S")
_STAMP_WORDS = (
    r"(?:<\d+>)?"
    r"(?:(?:[^\W\d_]{2,4}\.? )?[^\W\d_]{2,5}\.? +\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)?(?: \d{4})?"  # in any language
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?[+-]\d\d:?\d\d)?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d+)?)\s+"
)
_TAG_WORDS = (
    r"(?:(?:kern|daemon|user|local\d|auth|authpriv|syslog)\.\w+:?\s+)?(?:(?![\w./@-]+(?:\[\d+\])?:)\S+\s+)?"
    r"(?:local\d\.\w+ |daemon\.\w+ )?([A-Za-z][\w./@-]{0,40}?)(?:\[\d+\]|\(\d+\))?: ?"
)
_STAMP = re.compile(_STAMP_WORDS)
_TAG = re.compile(_TAG_WORDS)
_SYSLOG = re.compile(_STAMP_WORDS + _TAG_WORDS)
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


class Router:
    """One log's worth of readers."""

    def __init__(self) -> None:
        self.pppd = PppdReader()
        self.chat = ChatReader()
        self.wvdial = WvdialReader()
        self.at = AtReader()
        self.qmicli = QmicliReader()
        self.quectel = QuectelCmReader()
        self.udhcpc = UdhcpcReader()
        self.kernel = KernelReader()
        self.modemmanager = ModemManagerReader()
        self.networkmanager = NetworkManagerReader()
        self.net_tools = NetToolsReader()
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
        self._order: tuple[Reader, ...] = (
            self.pppd,
            self.udhcpc,
            self.quectel,
            self.qmicli,
            self.modemmanager,
            self.kernel,
            self.net_tools,
            self.networkmanager,
            self.wvdial,
        )

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
        elif first in "-W" and (words := bare(text)) is not None:
            return self._from_wvdial(words)
        colon = text.find(":")
        return self._named(text, colon) if colon > 0 else self._bare(text)

    def _named(self, text: str, colon: int) -> tuple[Event, ...]:
        """A line with a colon: perhaps a time, perhaps a program's name in front."""
        if (tag := _SYSLOG.match(text)) is not None:
            return self._tagged(tag[1], text[tag.end() :])
        if (stamp := _STAMP.match(text)) is not None:
            self._folded = None
            rest = text[stamp.end() :]
            if (tag := _BRACKETED.match(rest)) is not None:
                return self._tagged(tag[1], rest[tag.end() :].removesuffix("_"))
            nameless = _NAMELESS.match(rest)  # what OpenWrt's log shows of a daemon that it does not know
            return self._bare(rest[nameless.end() :] if nameless else rest)
        if text.startswith(_FACILITIES) and (facility := _FACILITY.match(text)) is not None:
            text = text[facility.end() :]
            if (colon := text.find(":")) < 0:
                return self._bare(text)
        if (tag := (_SHORT_TAG if text[colon - 1] == "]" else _NAMED).match(text)) is not None:
            return self._tagged(tag[1], text[tag.end() :])
        if text[1:2] == "/" and (tag := _LOGCAT.match(text)) is not None:
            return self._tagged(tag[1], text[tag.end() :])
        if 0 < (bar := text.find(" | ")) < _PIPE and (tag := _SYSLOG.match(text, bar + 3)) is not None:
            return self._tagged(tag[1], text[tag.end() :])
        if ("$" in text or "#" in text) and _PROMPT.match(text):
            return ()
        return self._bare(text)

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
        if events := self._from_chat(text):
            return events
        for reader in self._order:
            if events := reader.read(text):
                return events
        events = self._from_modem(text)
        if above and not events and (above[0] or not text[:1].isupper()):  # a sentence does not go on in capitals
            events = self._unfolded(*above, text)
        if len(text) >= _FOLDED_FROM and not events and _is_of_us(text):
            self._folded = "", text
        return events

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
        if text[:1] in _SPEAKERS and (speaker := _SPEAKER.match(text)) is not None:
            text = text[speaker.end() :]
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
    """Whether one of our words is in it; a loop, since `any` takes half as long again."""
    lower = text.lower()
    for word in _WORDS:  # noqa: SIM110 -- see above
        if word in lower:
            return True
    return False


def cleaned(line: str) -> str:
    r"""Return the line without what terminals, mail and forums put around it.

    >>> cleaned("\t> \x1b[31mModem hangup\x1b[0m  ")
    'Modem hangup'
    >>> cleaned("[COLOR=#ff0000]state changed (a -&gt; b)[/COLOR]")
    'state changed (a -> b)'
    """
    text = line if line.isprintable() else _NOISE.sub("", line)
    if not text.isascii():
        text = text.translate(_TYPESET)
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if "[/" in text or "</" in text or text[:1] in _OPENERS:
        text = _MARKUP.sub("", text)
    text = text.rstrip()
    if not text[:1].isalnum() and (lead := _LEAD.match(text)) is not None:
        text = text[lead.end() :]
    if text.startswith("GNOME PPP") and (gnome := _GNOME.match(text)) is not None:
        text = text[gnome.end() :]
    return text
