"""The facts of a board on which every rung of doctor's is right: the user's BG96 on USB, PPP up behind Wi-Fi."""

from pppgen.at.reading import Reading
from pppgen.at.replies.contexts import Bearer, Context
from pppgen.at.replies.sim import PinTries
from pppgen.config import Config, Link
from pppgen.discovery import Candidate, Found, Likelihood
from pppgen.doctor.facts import (
    Asked,
    DryRun,
    Facts,
    FileSeen,
    FileState,
    Frames,
    Kernel,
    ManagedDevice,
    OptionLine,
    Past,
    QmiPort,
    Resolver,
    RouteSeen,
    Script,
    SecretFile,
    Standing,
    Time,
)
from pppgen.facts import Board, Uart, Usage, UsbDevice
from pppgen.interview import Seen
from pppgen.lease_cause import Framing
from pppgen.model import (
    Device,
    ExpectedRole,
    Identity,
    Port,
    PortRole,
    Registration,
    RegistrationStat,
    Signal,
    SimState,
)
from pppgen.modems.catalog import family_named
from pppgen.policy.governor import Budget, Ledger
from pppgen.probe import Candidate as Asking
from pppgen.probe import Modem, Outcome
from pppgen.resolver import Owner

PORTS = tuple(Port(f"/dev/ttyUSB{n}", f"/dev/pppgen/1-1.4-if{n:02}", "1-1.4", n, "option1") for n in range(4))
BG96 = Device("1-1.4", "2c7c", "0296", PORTS, "Quectel", "BG96", net=("wwan0",), wdm=("/dev/cdc-wdm0",))
USAGE = Usage(complete=True)
FOUND = Found((Candidate(BG96, Likelihood.KNOWN, "Quectel BG96 by its USB identity"),), usage=USAGE)

READING = Reading(
    identity=Identity("Quectel", "BG96", "BG96MAR02A07M1G", "866425030000000"),
    iccid="89883070000001234567",
    imsi="310410000000000",
    sim=SimState.READY,
    pin_tries=PinTries(3, 10),
    functionality=1,
    signal=Signal(rssi_dbm=-69, rsrp_dbm=-98, rsrq_db=-11, sinr_db=4.8, rat="lte-m"),
    signal_known=True,
    operator="AT&T Twilio",
    rat="lte-m",
    registrations=(
        Registration("cereg", RegistrationStat.ROAMING),
        Registration("cgreg", RegistrationStat.UNKNOWN),
        Registration("creg", RegistrationStat.NOT_REGISTERED),
    ),
    contexts=(Context(1, "IP", "super"),),
    bearers=(Bearer(1, "super"),),
)
ASKED = Asked(
    Outcome(((Asking(PORTS[2], ExpectedRole.AT), Seen("/dev/ttyUSB2", PortRole.AT, ("Quectel", "BG96"))),)),
    modem=Modem("1-1.4", PORTS[2], PORTS[3], dial_proven=True, said=("Quectel", "BG96")),
    device=BG96,
    family=family_named("bg96"),
    reading=READING,
)
LINK = Link("provider", "super", "bg96", "/dev/pppgen/1-1.4-if03", usb_path="1-1.4", at_interface=2, dial_interface=3)
DRIVERS = frozenset({"ppp_generic", "ppp_async", "option", "qmi_wwan"})

HEALTHY = Facts(
    board=Board((UsbDevice("1-1.4", "2c7c", "0296"),), (Uart("ttyS0", "/dev/ttyS0"),)),
    found=FOUND,
    link=LINK,
    config=Config(),
    kernel=Kernel("6.1.0-rpi7", present=DRIVERS),
    throttled=0,
    kernel_log=("usb 1-1.4: new high-speed USB device number 3 using xhci_hcd",),
    asked=ASKED,
    modem_manager=False,
    modem_manager_rule=True,
    network_manager=(ManagedDevice("wlan0", "wifi", "connected"), ManagedDevice("wwan0", "ethernet", "unmanaged")),
    framing=Frames("wwan0", Framing.RAW_IP, Framing.RAW_IP, "qmi_wwan"),
    qmi=QmiPort("/dev/cdc-wdm0", answers=True),
    pppd=(2, 4, 9),
    options=(OptionLine("/etc/ppp/options", "auth"), OptionLine("/etc/ppp/options", "lcp-echo-interval 30")),
    files=(FileSeen("/etc/ppp/peers/provider", FileState.SAME),),
    dry_run=DryRun("provider", 0),
    script=Script("/etc/chatscripts/chat-connect", "'' AT\nOK ATD*99#\nCONNECT\n"),
    secrets=(SecretFile("/etc/pppgen/link.toml", 0o600, of_root=True),),
    routes=(RouteSeen(4, "wlan0", 600, "192.168.1.1"), RouteSeen(4, "ppp0", 700, ours=True)),
    resolver=Resolver(Owner.RESOLVED, ("127.0.0.53",)),
    time=Time(1_790_000_000.0, synchronised=True),
    standing=Standing(Ledger(spent=(100.0,)), Budget(10, 3600.0), 900.0),
    past=Past(),
)
