"""Whether a link is so little used that dropping it would hardly be noticed."""

from pppgen.health import Counters
from pppgen.system import link

_BYTES = 2000  # since the last look


class Quiet:
    """Remembers what an interface's counters said at the last look."""

    def __init__(self) -> None:
        self._before = Counters()

    def look(self, interface: str) -> bool:
        """Whether hardly a byte went through since the last look."""
        now = link.counters(interface) or Counters()
        before, self._before = self._before, now
        return now.rx_bytes + now.tx_bytes - before.rx_bytes - before.tx_bytes < _BYTES
