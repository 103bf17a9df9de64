"""A modem as a table of answers, which keeps what it was asked and can fall silent or vanish."""

import re
from collections.abc import Mapping

from pppgen.at.client import ANSWER_S
from pppgen.at.codec import Answer, Final, FinalKind
from pppgen.errors import ModemSilent, PortGone

SILENT = "(silent)"
GONE = "(gone)"

# The user's modem, in the words of their own transcript where it has them.
USERS_BG96 = {
    "ATI": "Quectel\nBG96\nRevision: BG96MAR02A07M1G",
    "AT+QGMR": "BG96MAR02A07M1G",
    "AT+CGSN": "866425031234567",
    "AT+CFUN?": "+CFUN: 1",
    "AT+CPIN?": "+CPIN: READY",
    "AT+QCCID": "+QCCID: 89883070000001234567F",
    'AT+QPINC="SC"': '+QPINC: "SC",3,10',
    "AT+CIMI": "310410123456789",
    "AT+QCSQ": '+QCSQ: "CAT-M1",-62,-92,93,-14',
    "AT+CSQ": "+CSQ: 22,99",
    "AT+CEREG?": "+CEREG: 0,5",
    "AT+CGREG?": "+CGREG: 0,4",
    "AT+COPS?": '+COPS: 0,0,"AT&T Twilio",8',
    "AT+QNWINFO": '+QNWINFO: "CAT-M1","310410","LTE BAND 12",5110',
    "AT+CGATT?": "+CGATT: 1",
    "AT+CGDCONT?": '+CGDCONT: 1,"IP","super","0.0.0.0",0,0,0,0',
    "AT+CGACT?": "+CGACT: 1,1",
    "AT+CGCONTRDP": "+CGCONTRDP: 1,5,super,100.64.12.89,,8.8.8.8,8.8.4.4",
    'AT+QCFG="band"': '+QCFG: "band",0xf,0x400a0e189f,0xa0e189f',
    'AT+QCFG="nwscanmode"': '+QCFG: "nwscanmode",3',
}


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
