"""A modem as a table of answers, which keeps what it was asked and can fall silent or vanish."""

import re
from collections.abc import Mapping

from pppgen.at.client import ANSWER_S
from pppgen.at.codec import Answer, Final, FinalKind
from pppgen.errors import ModemSilent, PortGone

SILENT = "(silent)"
GONE = "(gone)"


class AnsweringModem:
    """Answers ERROR to what is not in its table; an entry is lines, the last of which may be a final result."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []
        self.timeouts: list[float] = []

    def __call__(self, command: str, timeout_s: float = ANSWER_S) -> Answer:
        self.asked.append(command)
        self.timeouts.append(timeout_s)
        said = self.answers.get(command, "ERROR")
        if said == SILENT:
            raise ModemSilent(f"{command}: nothing within {timeout_s:g} s")
        if said == GONE:
            raise PortGone("the port vanished")
        lines = [line for line in said.split("\n") if line]
        final = Final(FinalKind.OK)
        if lines and (error := re.fullmatch(r"\+CME ERROR: ?(.*)", lines[-1])):
            final = Final(FinalKind.CME_ERROR, error.group(1))
            lines.pop()
        elif lines and lines[-1] == "ERROR":
            final = Final(FinalKind.ERROR)
            lines.pop()
        elif lines and lines[-1] == "OK":
            lines.pop()
        return Answer(command, tuple(lines), final)


class SlowModem:
    """The same with a model clock: each answer takes `answer_s`, a silence its whole deadline."""

    def __init__(self, modem: AnsweringModem, answer_s: float) -> None:
        self.modem = modem
        self.answer_s = answer_s
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def __call__(self, command: str, timeout_s: float = ANSWER_S) -> Answer:
        try:
            answer = self.modem(command, timeout_s)
        except ModemSilent:
            self.now += timeout_s
            raise
        self.now += self.answer_s
        return answer
