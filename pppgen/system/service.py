"""Enables and starts our systemd service."""

from pppgen.errors import PppgenError
from pppgen.system.spawn import run

UNIT = "pppgen.service"
_START_S = 60.0


def enable_service() -> None:
    """Enable the service for each boot and start it now; one that runs is started anew, to read the new files.

    Raises:
        MissingProgram: this system has no systemctl.
        PppgenError: systemd refused; its own words are in the message.
    """
    for argv in (("systemctl", "enable", UNIT), ("systemctl", "restart", UNIT)):
        done = run(argv, _START_S)
        if done.status != 0:
            said = " ".join(done.output.split())[:300]
            raise PppgenError(
                f"{' '.join(argv)} failed: {said or 'it did not answer'}",
                hint="sudo make install    # installs the unit\nsudo pppgen up    # without a service",
            )
