"""What wwan0 leads to: the simulated modem's packet side, and a tun in the operator's network."""

import asyncio
import contextlib
import fcntl
import os
import struct
from collections.abc import Callable

from pppgen.sim.modem import Modem
from pppgen.sim.qmi.wan import Wan
from tests.lab import namespaces
from tests.lab.carrier import Weather
from tests.lab.places import CLIENT_ADDRESS, OPERATOR_NETNS

TUN = "gateway"
TUNSETIFF = 0x400454CA  # <linux/if_tun.h>
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET = 2048
METRIC = 500  # a call over PPP has the same address, and pppd's own route to it wins


class Wwan:
    """Carries frames between the modem's bulk pair (`to_host`) and the operator's tun, for as long as a call is up."""

    def __init__(self, to_host: Callable[[bytes], None]) -> None:
        self.to_host = to_host
        self.wan = Wan()
        self.started: float | None = None
        with namespaces.inside(OPERATOR_NETNS):
            self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", TUN.encode(), IFF_TUN | IFF_NO_PI))
        namespaces.run_ip(
            f"link set {TUN} up", f"route add {CLIENT_ADDRESS}/32 dev {TUN} metric {METRIC}", netns=OPERATOR_NETNS
        )

    def from_host(self, frame: bytes, modem: Modem, weather: Weather, now: float) -> None:
        """Take a frame of the host."""
        if modem.qmi.call is None:
            self.started = None
            return
        if self.started is None:
            self.started = now
        passed = self.wan.from_host(frame, raw_ip=modem.qmi.speaks_raw_ip, dhcp=not modem.faults.dhcp_silent)
        for each in passed.to_host:
            self.to_host(each)
        age = now - self.started
        if not passed.to_network or modem.faults.qmi_no_traffic or weather.black_hole or age < weather.lost_s:
            return
        for packet in passed.to_network:
            if age < weather.held_s:
                asyncio.get_running_loop().call_later(weather.held_s - age, self._write, packet)
            else:
                self._write(packet)

    def from_operator(self, modem: Modem, weather: Weather) -> None:
        """Take a packet of the operator's network."""
        with contextlib.suppress(BlockingIOError):
            packet = os.read(self.tun, PACKET)
            lost = modem.qmi.call is None or modem.faults.qmi_no_traffic or weather.black_hole
            if packet[0] >> 4 == 4 and not lost:
                self.to_host(self.wan.from_network(packet, raw_ip=modem.qmi.speaks_raw_ip))

    def _write(self, packet: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self.tun, packet)
