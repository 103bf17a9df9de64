"""Which pppd is installed: its options changed between versions."""

from pppgen.errors import MissingProgram
from pppgen.plan import pppd_version
from pppgen.system.spawn import run

_ANSWER_S = 5.0


def installed_pppd() -> tuple[int, ...] | None:
    """Return the version of the installed pppd, `None` when there is none or it does not say."""
    try:
        return pppd_version(run(["pppd", "--version"], _ANSWER_S).output)
    except MissingProgram:
        return None
