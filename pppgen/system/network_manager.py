"""What NetworkManager thinks of the machine's devices."""

import re

from pppgen.system.spawn import run

_ANSWER_S = 2.0
_NOT_RUNNING = 8  # nmcli(1), EXIT STATUS


def devices() -> tuple[tuple[str, str, str], ...] | None:
    """Return each device's name, type and state; `None` when NetworkManager does not run.

    Raises:
        MissingProgram: there is no nmcli.
        TimeoutError: it did not answer.
    """
    done = run(["nmcli", "--terse", "--fields", "DEVICE,TYPE,STATE", "device"], _ANSWER_S)
    if done.status == _NOT_RUNNING:
        return None
    if done.status != 0:
        raise TimeoutError(done.output.strip()[:200] or "nmcli did not answer")
    return parse(done.output)


def parse(output: str) -> tuple[tuple[str, str, str], ...]:
    r"""Return the rows of nmcli's terse form, in which a colon of a value stands behind a backslash.

    >>> parse("cdc-wdm0:gsm:connected\nwlan0:wifi:connected\nAA\\:BB:bt:disconnected\n")
    (('cdc-wdm0', 'gsm', 'connected'), ('wlan0', 'wifi', 'connected'), ('AA:BB', 'bt', 'disconnected'))
    """
    rows = [re.split(r"(?<!\\):", line) for line in output.splitlines()]
    return tuple((row[0].replace("\\:", ":"), row[1], row[2]) for row in rows if len(row) == 3)
