"""A link whose other end follows a script, on a clock that only moves when somebody waits."""

from collections import deque
from dataclasses import dataclass, field

from pppgen.errors import PortGone


@dataclass
class ScriptedLink:
    """Each written line takes its replies from `script`: (delay in seconds, bytes); nothing is real but the order."""

    script: dict[str, list[list[tuple[float, bytes]]]]
    name: str = "/dev/ttyFAKE"
    now: float = 0.0
    gone_at: float | None = None
    written: list[bytes] = field(default_factory=list)
    coming: deque[tuple[float, bytes]] = field(default_factory=deque)

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes) -> None:
        self._check()
        self.written.append(data)
        turns = self.script.get(data.decode("latin-1").rstrip("\r"), [])
        for delay, reply in turns.pop(0) if turns else []:
            self.coming.append((self.now + delay, reply))
        self.coming = deque(sorted(self.coming))

    def read(self, timeout_s: float) -> bytes:
        self._check()
        until = self.now + timeout_s
        if self.coming and self.coming[0][0] <= until:
            due, data = self.coming.popleft()
            self.now = max(self.now, due)
            return data
        self.now = until
        self._check()
        return b""

    def close(self) -> None:
        pass

    def _check(self) -> None:
        if self.gone_at is not None and self.now >= self.gone_at:
            raise PortGone(f"{self.name} vanished")
