"""What the network gives a call: the same values by QMI, by DHCP and by ARP."""

from pppgen.sim.service import ADDRESS

# The smallest net that the address fits in, as Qualcomm's modems make it up; the gateway is the modem itself.
MASK = "255.255.255.252"
_HEAD, _, _LAST = ADDRESS.rpartition(".")
GATEWAY = f"{_HEAD}.{int(_LAST) + 1}"
DNS = ("8.8.8.8", "8.8.4.4")
MTU = 1500
LEASE_S = 7200
