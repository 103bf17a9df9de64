"""pppgen's own journal (`policy/chronicle.py` writes its lines): what the last run says of itself."""

from pppgen.policy.chronicle import Kind as Told
from pppgen.policy.chronicle import load
from pppgen.programs.events import Event, Kind, Program


class OwnJournalReader:
    """Lines of journal.jsonl; remembers the dial, since each begins an attempt."""

    def __init__(self) -> None:
        self._dial = 0

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line proves; `()` for what is no entry."""
        try:
            entry = load(line)
        except ValueError:
            return ()
        events: list[Event] = []
        if entry.dial > self._dial and entry.kind is not Told.DECISION:
            events.append(_event(Kind.CONNECT_STARTED, entry.bearer or ""))
        self._dial = max(self._dial, entry.dial)
        match entry.kind:
            case Told.RUN:
                self._dial = 0
                return (_event(Kind.PROGRAM_STARTED, ""),)
            case Told.LEASE if entry.address:
                events.append(_event(Kind.LOCAL_ADDRESS, entry.address))
            case Told.UP | Told.RECOVERED:
                events.append(_event(Kind.CONNECT_SUCCEEDED, ""))
            case Told.FAILED | Told.DEGRADED if entry.reason is not None:
                events.append(_event(Kind.REPORTED, entry.reason))
            case _:
                pass
        return tuple(events)


def _event(kind: Kind, value: str) -> Event:
    return Event(Program.PPPGEN, kind, str(value)[:200])
