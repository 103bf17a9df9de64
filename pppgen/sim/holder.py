"""Other processes that hold a simulated modem's ports: the fault `held`.

Each is a `cat` that waits on a pipe of ours and has the port as its output: it sends nothing, shows up in /proc as any
stranger would, and ends with us, however we end.
"""

import os

from pppgen.system.spawn import Child, spawn


class Holders:
    """The ports that are held now."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self._children: dict[str, Child] = {}

    def hold(self, terminals: set[str]) -> None:
        """Hold exactly these."""
        for name in self._children.keys() - terminals:
            child = self._children.pop(name)
            child.end()
            child.close()
        for name in terminals - self._children.keys():
            port = os.open(name, os.O_WRONLY | os.O_NOCTTY)
            nothing = os.open(os.devnull, os.O_WRONLY)
            try:
                self._children[name] = spawn(("cat",), nothing, given=self._read, output=port)
            finally:
                os.close(port)
                os.close(nothing)

    def close(self) -> None:
        """Let all go."""
        self.hold(set())
        os.close(self._read)
        os.close(self._write)
