"""A Quectel's radio settings as they live in its flash: AT+QCFG reads, writes and refuses as a BG96 does."""

import re

from pppgen.at.client import ANSWER_S
from pppgen.at.codec import Answer, Final, FinalKind

_NO_CHANGE = ("0", "40000000", "40000000")


class Flash:
    """`settings` as the modem answers them (`0xf,0xa`); keys in `refused` are read but answer ERROR when written."""

    def __init__(self, settings: dict[str, str], refused: tuple[str, ...] = ()) -> None:
        self.settings = dict(settings)
        self.refused = refused
        self.written: list[str] = []

    def __call__(self, command: str, timeout_s: float = ANSWER_S) -> Answer:
        assert timeout_s > 0
        found = re.fullmatch(r'AT\+QCFG="(\w+)"(?:,(.+),1)?', command)
        if found is None or found.group(1) not in self.settings:
            return Answer(command, (), Final(FinalKind.ERROR))
        key, value = found.groups()
        if value is None:
            return Answer(command, (f'+QCFG: "{key}",{self.settings[key]}',), Final(FinalKind.OK))
        if key in self.refused:
            return Answer(command, (), Final(FinalKind.ERROR))
        self.written.append(command)
        self.settings[key] = self._band(value) if key == "band" else value
        return Answer(command, (), Final(FinalKind.OK))

    def _band(self, value: str) -> str:
        olds, news = self.settings["band"].split(","), value.split(",")
        triples = zip(olds, news, _NO_CHANGE, strict=True)
        return ",".join(old if new == mark else f"0x{new.lower()}" for old, new, mark in triples)
