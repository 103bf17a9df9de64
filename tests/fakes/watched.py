"""A reading that tells which of its fields somebody looked at."""

from dataclasses import fields

from pppgen.at.reading import Reading


def watched(reading: Reading, looked: set[str]) -> Reading:
    """Return the same reading; the names of the fields that are looked at go to `looked`."""
    names = {field.name for field in fields(Reading)}

    class Watched(Reading):
        def __getattribute__(self, name: str) -> object:
            if name in names:
                looked.add(name)
            return super().__getattribute__(name)

    return Watched(**{name: getattr(reading, name) for name in names})
