"""Is traffic really flowing? Counters first, probes second. (in progress)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counters:
    """What the kernel counted on an interface since it came up."""

    rx_packets: int = 0
    tx_packets: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0
