"""Which pppd is installed, and what it thinks of a peers file: its options changed between versions."""

from pppgen.errors import MissingProgram
from pppgen.plan import pppd_version
from pppgen.system.spawn import Completed, run

_ANSWER_S = 5.0


def installed_pppd() -> tuple[int, ...] | None:
    """Return the version of the installed pppd, `None` when there is none or it does not say."""
    try:
        return pppd_version(run(["pppd", "--version"], _ANSWER_S).output)
    except MissingProgram:
        return None


def dry_run(provider: str) -> Completed:
    """Return what pppd says of a peers file; it reads all options and ends before it opens a port or runs a script.

    Raises:
        MissingProgram: there is no pppd.
    """
    return run(["pppd", "call", provider, "nodetach", "dryrun"], _ANSWER_S)
