"""The provider database of the system, where it is installed."""

from pathlib import Path

from pppgen.apn import DATABASE_MAX

_PLACE = "usr/share/mobile-broadband-provider-info/serviceproviders.xml"
PACKAGE = "mobile-broadband-provider-info"


def read_providers(root: Path = Path("/")) -> bytes | None:
    """Return the database, `None` where it is not installed, not readable or absurdly large."""
    try:
        with (root / _PLACE).open("rb") as file:
            data = file.read(DATABASE_MAX + 1)
    except OSError:
        return None
    return data if len(data) <= DATABASE_MAX else None
