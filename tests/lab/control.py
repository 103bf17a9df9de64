"""The lab's control socket, from both ends: JSON lines, one request and one answer each.

As a program: `python -m tests.lab.control fault at=2`, `… replug 2`, `… weather first-packets 20 47`, `… status`.
"""

import json
import socket
import sys
from dataclasses import dataclass, field
from typing import Any

from tests.lab.places import SOCKET

DEADLINE_S = 45.0  # a replug waits for udev, and the machine may be slow


@dataclass(frozen=True, slots=True)
class Request:
    """What to do, with words as on a command line."""

    do: str
    words: tuple[str, ...] = ()
    seconds: float = 0.5

    @staticmethod
    def parse(line: bytes) -> "Request":
        """Read a request from its line."""
        given = json.loads(line)
        return Request(str(given["do"]), tuple(map(str, given.get("words", ()))), float(given.get("seconds", 0.5)))

    def line(self) -> bytes:
        """Return the request as a line."""
        return json.dumps({"do": self.do, "words": self.words, "seconds": self.seconds}).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """Facts, or why not."""

    facts: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    def line(self) -> bytes:
        """Return the answer as a line."""
        return json.dumps({"facts": self.facts, "error": self.error}).encode() + b"\n"


def ask(do: str, *words: object, seconds: float = 0.5) -> dict[str, Any]:
    """Ask the lab for something and return the facts; a refusal is an exception."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(DEADLINE_S)
        line.connect(str(SOCKET))
        line.sendall(Request(do, tuple(map(str, words)), seconds).line())
        with line.makefile("rb") as answers:
            given = json.loads(answers.readline() or b'{"facts": {}, "error": "the lab has gone"}')
    if given["error"]:
        raise RuntimeError(f"lab: {do} {' '.join(map(str, words))}: {given['error']}")
    facts: dict[str, Any] = given["facts"]
    return facts


if __name__ == "__main__":
    print(json.dumps(ask(sys.argv[1], *sys.argv[2:]), indent=2))
