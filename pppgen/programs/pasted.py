"""What terminals, mail and forums put around a line, and how it is taken away again."""

import html
import re

_NOISE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]")
_MARKUP = re.compile(
    r"\[/?(?:COLOR|B|I|U|CODE|SIZE|QUOTE|FONT|URL|EMAIL)(?:=[^\]]*)?\]|</?(?:b|i|br|pre|code|span|p)\b[^>]*>"
)
# What word processors and blogs make of quotes, `--`, `...` and two blanks.
_TYPESET = str.maketrans(
    {**dict.fromkeys("\u2018\u2019", "'"), **dict.fromkeys("\u201c\u201d", '"'), **dict.fromkeys("\u2013\u2014", "--")}
    | {"\u2026": "...", "\xa0": " ", "\ufeff": ""}
)
_OPENERS = frozenset("[< >\t")  # a tag that is closed on another line stands at the beginning
# Most lines are letters and what cannot begin any of the above; a G may begin _GNOME. A bracket inside a line matters
# where a tag is closed by it.
_PLAIN = re.compile(r"[0-9A-FH-Za-z][\t -%'-;=-Z\\-~]*+(?:[<\[](?!/)[\t -%'-;=-Z\\-~]*+)*+").fullmatch
_LEAD = re.compile(r"[\s>#~*\"'`\ufeff]+")
_GNOME = re.compile(r"GNOME PPP: STD(?:ERR|OUT): ?")


def cleaned(line: str) -> str:
    r"""Return the line without what terminals, mail and forums put around it.

    >>> cleaned("\t> \x1b[31mModem hangup\x1b[0m  ")
    'Modem hangup'
    >>> cleaned("[COLOR=#ff0000]state changed (a -&gt; b)[/COLOR]")
    'state changed (a -> b)'
    """
    if _PLAIN(line) is not None:
        return line.rstrip()
    text = line if line.isprintable() else _NOISE.sub("", line)
    if not text.isascii():
        text = text.translate(_TYPESET)
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if "[/" in text or "</" in text or text[:1] in _OPENERS:
        text = _MARKUP.sub("", text)
    text = text.rstrip()
    if not text[:1].isalnum() and (lead := _LEAD.match(text)) is not None:
        text = text[lead.end() :]
    if text.startswith("GNOME PPP") and (gnome := _GNOME.match(text)) is not None:
        text = text[gnome.end() :]
    return text
