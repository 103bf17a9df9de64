"""A chat script as chat itself takes it apart (chat.c, `do_file`): what of it could never be carried out."""

from collections.abc import Iterator

LINE_MAX = 1022  # chat's buffer is 1024: the rest of a longer line is read as a line of its own


class Unterminated(ValueError):
    """A quote that its line does not close."""


def words(line: str) -> Iterator[str]:
    r"""Yield the words of one line; a backslash hides the quote behind it, and stays.

    >>> list(words("OK 'AT+CGDCONT=1,\"IP\",\"a b\"' CONNECT"))
    ['OK', 'AT+CGDCONT=1,"IP","a b"', 'CONNECT']
    """
    at = 0
    while at < len(line):
        if line[at] in " \t":
            at += 1
            continue
        start, quote = at, line[at] if line[at] in "'\"" else ""
        if quote:
            start = at = at + 1
            while at < len(line) and line[at] != quote:
                at += 2 if line[at] == "\\" else 1
            if at >= len(line):
                raise Unterminated(quote)
        else:
            while at < len(line) and line[at] not in " \t":
                at += 1
        yield line[start:at]
        at += 1


def complaints(script: str) -> tuple[str, ...]:
    r"""Return what is wrong with a script that dials; nothing is run.

    >>> complaints("'' AT\nOK ATD*99#\nCONNECT"), complaints("'' AT\nOK 'ATD*99#\n")
    ((), ("line 2: a ' is opened and not closed",))
    """
    told: list[str] = []
    sent: list[str] = []
    said = ""
    expects = True
    for number, line in enumerate(script.splitlines(), 1):
        if line.startswith("#"):
            continue
        if len(line) > LINE_MAX:
            told.append(f"line {number}: longer than the {LINE_MAX} characters that chat takes")
        try:
            for word in words(line):
                if not expects and said == "TIMEOUT" and not word.isdigit():
                    told.append(f"line {number}: TIMEOUT wants seconds, not {word[:40]}")
                if not expects:
                    sent.append(word)
                said, expects = word, not expects
        except Unterminated as error:
            told.append(f"line {number}: a {error} is opened and not closed")
            return tuple(told)
    if not any(word.lstrip("\\q").upper().startswith("ATD") for word in sent):
        told.append("no line sends an ATD: it would never dial")
    return tuple(told)
