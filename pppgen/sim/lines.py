"""A command line cut into its commands: ITU-T V.250 5.2 to 5.4."""

import re

_BASIC = re.compile(r"S\d+(?:=\d*|\?)?|&?[A-Z]\d*(?:=[^;]*|\?)?")


def normalise(command: str) -> str:
    """Return a command in capitals and without blanks, except between quotes.

    >>> normalise('at+cgdcont=1, "IP","super"')
    'AT+CGDCONT=1,"IP","super"'
    """
    parts = command.split('"')
    return '"'.join(re.sub(r"\s", "", part).upper() if index % 2 == 0 else part for index, part in enumerate(parts))


def split(body: str) -> list[str]:
    """Return the commands of a normalised line whose `AT` was taken off.

    Basic commands stand side by side, extended ones end at a semicolon outside quotes, and `D` takes the rest.

    >>> split('I;+CSUB;+COPS?;&D2')
    ['I', '+CSUB', '+COPS?', '&D2']
    >>> split('E0V1D*99#')
    ['E0', 'V1', 'D*99#']
    >>> split('+CGDCONT=1,"IP","a;b";E0')
    ['+CGDCONT=1,"IP","a;b"', 'E0']
    """
    commands: list[str] = []
    at = 0
    while at < len(body):
        if body[at] == ";":
            at += 1
        elif body[at] == "D":
            commands.append(body[at:])
            at = len(body)
        elif basic := _BASIC.match(body, at):
            commands.append(basic[0])
            at = basic.end()
        else:
            end = _end_of_extended(body, at)
            commands.append(body[at:end])
            at = end
    return commands


def _end_of_extended(body: str, start: int) -> int:
    quoted = False
    for index in range(start, len(body)):
        if body[index] == '"':
            quoted = not quoted
        elif body[index] == ";" and not quoted:
            return index
    return len(body)
