"""The kernel's words about USB modems, serial converters, network drivers and the supply (dmesg, any stamp)."""

from pppgen.programs.events import Event, Kind, Program
from pppgen.programs.grammar import Row, grammar
from pppgen.programs.sieve import Sieve

ROWS: tuple[Row, ...] = (
    Row(r"usb ([\d.-]+): USB disconnect", Kind.USB_DISCONNECTED),
    Row(r"usb ([\d.-]+): new (?:\w+[- ])*speed USB device", Kind.USB_FOUND),
    Row(r"usb ([\d.-]+): reset (?:\w+[- ])*speed USB device", Kind.USB_RESET),
    Row(r"usb [\d.-]+: .*converter now attached to (tty\w+)", Kind.TTY_ATTACHED),
    Row(r"\S+ [\d.:-]+: (ttyACM\d+): USB ACM device", Kind.TTY_ATTACHED),
    Row(r"\w+ (tty\w+): .*converter now disconnected from", Kind.TTY_DETACHED),
    Row(
        r"(usb [\d.-]+: (?:device descriptor read|device not accepting address|device not responding to"
        r"|unable to enumerate|can't set|rejected \d+ configurations? due to insufficient).*)",
        Kind.USB_FAULT,
    ),
    Row(
        r"((?:usb|hub) [\d.:-]+: (?:over-current|over-current (?:condition|change)|unable to enumerate USB device).*)",
        Kind.USB_FAULT,
    ),
    Row(
        r"(usb [\w.-]+-port\d+: (?:over-current|unable to enumerate|[Cc]annot (?:reset|enable|disable)"
        r"|disabled by hub).*)",
        Kind.USB_FAULT,
    ),
    Row(r"(hub [\d.:-]+: (?:[Cc]annot (?:reset|enable|disable) port|port \d+ disabled by hub).*)", Kind.USB_FAULT),
    Row(
        r"(\S+ \S+: (?:HC died|xHCI host controller not responding, assume dead|Host halt failed"
        r"|WARNING: Host System Error).*)",
        Kind.USB_FAULT,
    ),
    # Not -2: that is only the port being closed.
    Row(r"(option\d?(?: tty\w+)?: \w+: (?:error|.*failed:) \(?-(?:19|32|71|84|108|110)\b.*)", Kind.USB_FAULT),
    Row(r"(\w+ tty\w+: \w+: .*failed[:.] \(?-(?:19|71|108)\b.*)", Kind.USB_FAULT),
    Row(r"(cdc_wdm \S+: Error in flush path: -(?:19|71|108))", Kind.USB_FAULT),
    Row(r"(?:pccard: |pcmcia_socket \S+: .*)card ejected from slot (\d+)", Kind.USB_DISCONNECTED),
    Row(
        r"(?:Under-voltage detected|hwmon hwmon\d+: Undervoltage detected|.*[Uu]nder-?voltage detected)",
        Kind.UNDER_VOLTAGE,
    ),
    Row(r"(?:Voltage normalised|hwmon hwmon\d+: Voltage normalised)", Kind.VOLTAGE_NORMAL),
    Row(r"(?:usb-storage|sr|scsi|sd) [\d:.-]+: (?:USB Mass Storage device detected|.*CD-ROM)", Kind.STORAGE_ONLY),
    Row(r"(?:usb|usb-storage) [\d.:-]+: USB Mass Storage device detected", Kind.STORAGE_ONLY),
    Row(r"scsi \S+: CD-ROM ", Kind.STORAGE_ONLY),
    Row(
        r"(?:qmi_wwan|cdc_mbim|cdc_ncm|cdc_ether|huawei_cdc_ncm) \S+(?: \w+)?: (?:cdc-wdm\d+: )?USB WDM device",
        Kind.QMI_DEVICE,
    ),
    Row(r"((?:cdc_wdm|qmi_wwan) \S+: (?:nonzero urb status|wdm_int_callback - usb_submit_urb).*)", Kind.USB_FAULT),
    Row(r"(qmi_wwan\S* .*(?:probe|bind).*failed.*|qmi_wwan: probe of .* failed.*)", Kind.USB_FAULT),
    Row(r"(?:FATAL: )?Module ppp_generic not found", Kind.KERNEL_NO_PPP),
    Row(r"modprobe: FATAL: Module ppp\w* not found", Kind.KERNEL_NO_PPP),
    Row(r"\S+ \S+ \w+: kevent \d+ may have been dropped", Kind.HARMLESS, "kevent"),
)
SIEVE = Sieve(ROWS)


class KernelReader:
    """Kernel lines without their stamp; reads a line by itself."""

    def __init__(self) -> None:
        self._grammar = grammar(Program.KERNEL, ROWS)

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line proves."""
        event = self._grammar.match(line)
        return () if event is None else (event,)
