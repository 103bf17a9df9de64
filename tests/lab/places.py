"""Where the lab's things lie in the guest, and who answers at which address."""

from pathlib import Path

RUN = Path("/run/lab")
SOCKET = RUN / "control.sock"
MODEM_ENDS = RUN / "modem"
MODEM_QMI = RUN / "qmi"
OWNERS = RUN / "owners"  # Debian's owners of resolv.conf, a folder each, unpacked and not installed
SANDBOX = RUN / "operator.mnt"  # the mount namespace in which the operator's pppd lives

OPERATOR_NETNS = "operator"
HOME_NETNS = "home"
# Another name and another file than pppd, so that `poff`, `killall pppd` and `pidof pppd` pass it by.
OPERATOR_PPPD = Path("/usr/local/sbin/operator-pppd")
OPERATOR_ETC = Path("/var/lib/pppgen-lab/etc-ppp")

CLIENT_ADDRESS = "100.64.12.89"  # carrier NAT, as the user got it
OPERATOR_ADDRESS = "10.64.0.1"  # never told to the client
DNS = ("8.8.8.8", "8.8.4.4")
WLAN = "wlan0"
WLAN_ADDRESS, WLAN_GATEWAY, WLAN_METRIC = "192.168.1.50", "192.168.1.1", 600  # NetworkManager's metric for Wi-Fi
