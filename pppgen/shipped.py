"""Where the files lie that pppgen ships beside its code: templates and the samples that setup installs."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(folder: str) -> Path:
    """Return the shipped folder `templates` or `etc`.

    In a wheel it lies inside the package, in a checkout (an editable install) beside it.

    >>> shipped("templates").is_dir()
    True
    """
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder
