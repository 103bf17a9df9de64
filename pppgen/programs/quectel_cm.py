"""quectel-CM (also shipped as waveshare-CM): its log lines behind the time stamp; the tool itself runs udhcpc.

Strings of versions 1.1 to 1.6.7 (QMIThread.c, GobiNetCM.c, QmiWwanCM.c, mbim-cm.c, device.c, udhcpc.c, main.c). From
1.6.0.19 on a DHCP failure is followed by its own raw_ip switch, and the address is set without DHCP in the end.
"""

import re

from pppgen.model import RegistrationStat, SimState
from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.grammar import Row, grammar
from pppgen.programs.sieve import Sieve

STAMP = re.compile(r"\[\d\d-\d\d_\d\d:\d\d:\d\d:\d{3}\] ?")

ROWS: tuple[Row, ...] = (
    Row(
        r"(?:Quectel_|Waveshare_)?(?:QConnectManager|WCDMA&LTE_QConnectManager|\w*ConnectManager)_\w+_V?(\S+)",
        Kind.PROGRAM_STARTED,
    ),
    Row(r"(?:WCDMA&LTE_)?QConnectManager_\S*?V(\S+)", Kind.PROGRAM_STARTED),
    Row(r"Auto find qmichannel = (\S+)", Kind.QMI_DEVICE),
    Row(r"netcard driver = (\w+)", Kind.DRIVER),
    Row(r"qmidevice_detect failed", Kind.QMI_DEVICE_MISSING),
    Row(r"(network interface '.*' or qmidev '.*' is not exist)", Kind.QMI_DEVICE_MISSING),
    Row(r"(?:\w+ )?[Ff]ailed to open (/dev/\S+), errno: ?16", Kind.PORT_BUSY, ""),
    Row(r"(?:\w+ )?[Ff]ailed to open (/dev/\S+), errno: ?(?:1|13) ", Kind.PERMISSION_DENIED),
    Row(r"(?:\w+ )?[Ff]ailed to open (/dev/\S+),? errno", Kind.QMI_DEVICE_MISSING),
    Row(r"(?:Fail|Failed) to open (/dev/\S+)", Kind.QMI_DEVICE_MISSING),
    Row(r"Get client(\w+) = (\d+)", Kind.QMI_CLIENT),
    Row(r"request\w*SIMStatus SIMStatus: (\S+)", Kind.SIM),
    Row(r"requestSetupDataCall WdsConnectionIPv[46]Handle: (0x[0-9a-f]+)", Kind.CALL_UP),
    Row(r"request\w+ err = 110", Kind.QMI_TIMED_OUT),  # ETIMEDOUT
    Row(r"requestSetupDataCall (?:error|QMUXResult|err)", Kind.CALL_FAILED),
    Row(r"try to requestSetupDataCall (\d+) second later", Kind.CALL_FAILED, ""),
    Row(r"ifconfig \S+ 0\.0\.0\.0", Kind.CALL_STARTING, ""),
    Row(r"echo [Yy1] > /sys/class/net/(\w+)/qmi/raw_ip", Kind.RAW_IP_SET),
    Row(r"(?:File:\S+ Line:\d+ )?udhcpc fail to get ip address, try next", Kind.DHCP_NO_LEASE),
    Row(r"Unsupported service \S+|.*QMUX_ERR_INVALID_QMI_CMD", Kind.SERVICE_UNSUPPORTED),
    Row(r"\w*QMITimeout.* timeout|(\S+ message timeout)", Kind.QMI_TIMED_OUT),
    Row(r"main recv MODEM RESET SIGNAL", Kind.USB_RESET),
    Row(r"(?:poll err|poll_events|cdc_wdm_thread).*(?:POLLHUP|POLLERR|0x0?01[08]|0x0?8)", Kind.PORT_IO_FAILED),
    Row(r"(\w+ (?:poll err/hup/inval|(?:read|write|poll)[ =].*errno: ?(?:5|19|71|108).*))", Kind.PORT_IO_FAILED),
    # MBIM
    Row(r"SubscriberReadyState \w+ -> (\w+)", Kind.SIM),
    Row(r"RegisterState \w+ -> (\w+)", Kind.REGISTRATION),
    Row(r"PacketServiceState \w+ -> Attached", Kind.ATTACHED),
    Row(r"PacketServiceState \w+ -> Detached", Kind.DETACHED),
    Row(r"ActivationState \w+ -> Activated", Kind.CALL_UP),
    Row(r"ActivationState Activated -> Deactivated", Kind.CALL_DOWN),
    Row(r"< IPv4 = (\d[\d.]+)", Kind.LOCAL_ADDRESS),
    Row(r"< dns\d = (\d[\d.]+)", Kind.DNS_ADDRESS),
    Row(r"system\(ip -4 address add (\d[\d.]+)", Kind.LOCAL_ADDRESS),
    Row(r"system\(echo 1 > \S+/link_state\)=[1-9]", Kind.HARMLESS, "link-state"),
    Row(r"(?:localIP|ipv4).*VS", Kind.HARMLESS, "address-compare"),
    Row(r"ioctl\(0x89f3, qmap_settings\) failed", Kind.HARMLESS, "qmap-ioctl"),
    Row(r"ioctl\(0x89f2, qmap_settings\) failed", Kind.HARMLESS, "qmap-ioctl"),
    Row(r"No default\.script found", Kind.HARMLESS, "default-script"),
    Row(r"(?:qmi_main|mbim_main|\w*_main) exit|QmiWwanThread exit", Kind.PROGRAM_EXITED),
)
# From this version on it switches raw_ip by itself after a DHCP failure, and then sets the address without DHCP.
REPAIRS_ITSELF = (1, 6, 0, 19)
_REGISTRATION = re.compile(r"requestRegistrationState2? MCC: (\d+), MNC: (\d+), PS: (\w+), DataCap: (\w+)")
_QUERY = re.compile(r"requestQueryDataCall IPv[46]ConnectionStatus: (\w+)")
_PROFILE = re.compile(r"requestGetProfile\[(\d+)\] ([^/]*)/")
_ENDED = re.compile(r"call_end_reason(_type|_verbose)? is (\d+)")
# Call end reasons by libqmi's words: the plain ones, then the verbose ones of type 6 (3GPP TS 24.008 10.5.6.6).
_PLAIN = {
    3: "generic-no-service",
    1002: "gsm-wcdma-no-service",
    1012: "operator-determined-barring",
    1013: "gsm-wcdma-unknown-apn",
    1014: "gsm-wcdma-unknown-pdp",
    1015: "gsm-wcdma-ggsn-reject",
    1018: "gsm-wcdma-option-unsubscribed",
}
_VERBOSE = {
    (3, 2001): "[cm] no-service",
    (6, 8): "[3gpp] operator-determined-barring",
    (6, 27): "[3gpp] unknown-apn",
    (6, 28): "[3gpp] unknown-pdp",
    (6, 29): "[3gpp] authentication-failed",
    (6, 30): "[3gpp] ggsn-reject",
    (6, 33): "[3gpp] option-unsubscribed",
    (6, 50): "[3gpp] ipv4-only-allowed",
    (6, 51): "[3gpp] ipv6-only-allowed",
}
_REFUSED = re.compile(r"(\w+) QMUXResult = 0x([0-9a-fA-F]+), QMUXError = 0x([0-9a-fA-F]+)")
SIEVE = Sieve(ROWS, _REGISTRATION, _QUERY, _PROFILE, _ENDED, _REFUSED, leads=(STAMP,))
_NO_EFFECT = 26  # libqmi's QMI_PROTOCOL_ERROR_NO_EFFECT: such a call stands already
_SIM = {
    "SIM_READY": SimState.READY,
    "SIM_ABSENT": SimState.ABSENT,
    "SIM_NOT_READY": SimState.BUSY,
    "SIM_PIN": SimState.PIN,
    "SIM_PUK": SimState.PUK,
    "SIM_BLOCKED": SimState.PUK,
    "SIM_NETWORK_PERSONALIZATION": SimState.NETWORK_LOCK,
    "SIM_BAD": SimState.ABSENT,
    "Initialized": SimState.READY,
    "NotInitialized": SimState.BUSY,
    "SimNotInserted": SimState.ABSENT,
    "BadSim": SimState.ABSENT,
    "DeviceLocked": SimState.PIN,
}
_MBIM_REGISTER = {
    "Home": RegistrationStat.HOME,
    "Roaming": RegistrationStat.ROAMING,
    "Partner": RegistrationStat.ROAMING,
    "Searching": RegistrationStat.SEARCHING,
    "Denied": RegistrationStat.DENIED,
    "Deregistered": RegistrationStat.NOT_REGISTERED,
}


def call_argv(interface: str, apn: str, profile: int | None, program: str) -> tuple[str, ...]:
    """Return the command line; credentials stand in the modem's profile, since everybody could read them here.

    >>> call_argv("wwan0", "super", None, "quectel-CM")
    ('quectel-CM', '-i', 'wwan0', '-s', 'super')
    """
    which = () if profile is None else ("-n", str(profile))
    return (program, "-i", interface, *which, *(("-s", apn) if apn else ()))


def repairs_itself(version: str) -> bool:
    """Whether that version switches raw_ip by itself.

    >>> [repairs_itself(version) for version in ("1.5.9", "1.6.0.12", "1.6.0.19", "1.6.7", "")]
    [False, False, True, True, False]
    """
    return tuple(int(part) for part in re.findall(r"\d{1,4}", version)) >= REPAIRS_ITSELF


class QuectelCmReader:
    """The lines of quectel-CM, with or without its stamp; remembers whether a data call stands."""

    def __init__(self) -> None:
        self._grammar = grammar(Program.QUECTEL_CM, ROWS)
        self._type = 0
        self._stands = False

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line proves."""
        stamp = STAMP.match(line)
        if stamp is not None:
            line = line[stamp.end() :]
        if line.startswith("request"):
            special = self._request(line)
            if special is not None:
                return special
        if (ended := _ENDED.match(line)) is not None:
            return self._ended(ended[1], int(ended[2][:6]))
        event = self._grammar.match(line)
        if event is None:
            return ()
        if event.kind is Kind.CALL_UP:
            self._stands = True
        if event.kind is Kind.SIM:
            return (_event(Kind.SIM, _SIM.get(event.value, SimState.UNKNOWN).value),)
        if event.kind is Kind.REGISTRATION:
            stat = _MBIM_REGISTER.get(event.value)
            return () if stat is None else (_event(Kind.REGISTRATION, f"cgreg {stat}"),)
        return (event,)

    def _ended(self, part: str | None, number: int) -> tuple[Event, ...]:
        """A call end reason comes as one plain number, or as a type and a number on two lines."""
        if part == "_type":
            self._type = number
            return ()
        if part == "_verbose":
            return (_event(Kind.CALL_ENDED_WHY, _VERBOSE.get((self._type, number), f"({self._type},{number})")),)
        return (_event(Kind.CALL_ENDED_WHY, _PLAIN.get(number, f"({number})")),)

    def _request(self, line: str) -> tuple[Event, ...] | None:
        if (found := _REGISTRATION.match(line)) is not None:
            _mcc, _mnc, packet, _capability = found.groups()
            return (_event(Kind.ATTACHED if packet == "Attached" else Kind.DETACHED, ""),)
        if (query := _QUERY.match(line)) is not None:
            stood, self._stands = self._stands, query[1] == "CONNECTED"
            if self._stands:
                return (_event(Kind.CALL_UP, "query"),)
            # Before a call it says so too: only a call that stood has ended.
            return (_event(Kind.CALL_DOWN, ""),) if stood else ()
        if (profile := _PROFILE.match(line)) is not None:
            return (_event(Kind.CONTEXT_DEFINED, f"{profile[1]} {profile[2]}"),)
        if (refused := _REFUSED.match(line)) is not None:
            error = int(refused[3][:8], 16)
            if "SetupDataCall" not in refused[1]:
                return (_event(Kind.QMI_REFUSED, str(error)),)
            return (_event(Kind.CALL_NO_EFFECT if error == _NO_EFFECT else Kind.CALL_FAILED, str(error)),)
        return None


def _event(kind: Kind, value: str) -> Event:
    return Event(Program.QUECTEL_CM, kind, value[:200])
