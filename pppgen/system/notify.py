"""Tells systemd how we are: ready, alive, what we do, ending [sd_notify(3)]; without systemd nothing is done."""

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress

_MICRO = 1_000_000


class Notifier:
    """The notification socket of a unit with `Type=notify`.

    The variables are taken out of the environment, so that nothing that we start speaks in our name. `breath_s` is how
    often `alive` is due, None without a watchdog.
    """

    def __init__(self, environment: MutableMapping[str, str] | None = None, pid: int | None = None) -> None:
        environment = os.environ if environment is None else environment
        address = environment.pop("NOTIFY_SOCKET", "")
        watchdog = environment.pop("WATCHDOG_USEC", "")
        for_whom = environment.pop("WATCHDOG_PID", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) if address else None
        ours = not for_whom or for_whom == str(os.getpid() if pid is None else pid)
        usec = int(watchdog) if watchdog.isdigit() and ours else 0
        # Twice within the limit, as sd_watchdog_enabled(3) advises.
        self.breath_s = usec / _MICRO / 2 if usec and address else None

    def ready(self, status: str) -> None:
        """The doors are open."""
        self._tell(f"READY=1\nSTATUS={_line(status)}")

    def alive(self) -> None:
        """The owner of the state goes round."""
        if self.breath_s is not None:
            self._tell("WATCHDOG=1")

    def status(self, status: str) -> None:
        """Give the line that `systemctl status` shows."""
        self._tell(f"STATUS={_line(status)}")

    def stopping(self) -> None:
        """We end."""
        self._tell("STOPPING=1")

    def close(self) -> None:
        """Say nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, words: str) -> None:
        if self._socket is not None:
            # A systemd that is gone or does not keep up must not stop the link.
            with suppress(OSError):
                self._socket.sendto(words.encode(), self._address)


def _line(text: str) -> str:
    return " ".join(text.split())
