"""What the kernel says about one network interface, and the one knob of it that we turn."""

from contextlib import suppress
from pathlib import Path

from pppgen.health import Counters

_NET = Path("/sys/class/net")
_CONF = Path("/proc/sys/net/ipv4/conf")
_STRICT = 1  # rp_filter, RFC 3704 strict: a packet is dropped unless the *best* route back is where it came in
_LOOSE = 2


def exists(interface: str) -> bool:
    """Whether there is an interface of that name."""
    return bool(interface) and (_NET / interface).exists()


def counters(interface: str) -> Counters | None:
    """Return the kernel's counters; `None` when the interface is gone."""
    folder = _NET / interface / "statistics"
    try:
        numbers = [int((folder / name).read_text()) for name in ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes")]
    except OSError:
        return None
    return Counters(*numbers)


def mtu(interface: str) -> int | None:
    """Return the interface's MTU; `None` when it is gone."""
    try:
        return int((_NET / interface / "mtu").read_text())
    except OSError:
        return None


def raw_ip(interface: str, net: Path = _NET) -> bool | None:
    """Return whether the kernel expects bare IP packets on a QMI interface; `None` where it has no such choice.

    The attribute is the in-kernel qmi_wwan's, since Linux 4.5; vendors' own drivers lack it.
    """
    try:
        return (net / interface / "qmi/raw_ip").read_text().strip().upper() in {"Y", "1"}
    except OSError:
        return None


def set_raw_ip(interface: str, wanted: bool, net: Path = _NET) -> str:
    """Make the kernel expect bare IP packets, or Ethernet frames; return why not, empty when it does.

    The kernel refuses while the interface is up.
    """
    try:
        (net / interface / "qmi/raw_ip").write_text("Y\n" if wanted else "N\n")
    except OSError as error:
        return f"{interface}: raw_ip could not be written: {error.strerror}"
    return "" if raw_ip(interface, net) is wanted else f"{interface}: the driver did not take raw_ip"


def loosen_reverse_path(interface: str) -> str:
    """Make the reverse-path filter loose where it is strict; return the interface's value before, empty if unchanged.

    Strict drops every answer on a link that stands behind another default route: the best route back is not this one.
    The kernel uses the higher one of `all` and the interface's own value (ip-sysctl), so the interface's is enough.
    """
    own = _CONF / interface / "rp_filter"
    try:
        before = own.read_text().strip()
        if max(int((_CONF / "all/rp_filter").read_text()), int(before)) != _STRICT:
            return ""
        own.write_text(f"{_LOOSE}\n")
    except OSError:  # a container without /proc/sys to write: the probe that follows tells whether it matters
        return ""
    return before


def restore_reverse_path(interface: str, before: str) -> None:
    """Take `loosen_reverse_path` back; an interface that is gone has taken its own with it."""
    with suppress(OSError):
        (_CONF / interface / "rp_filter").write_text(f"{before}\n")
