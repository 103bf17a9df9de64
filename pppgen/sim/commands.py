"""The commands that change what the simulated modem is, one function each, and the table that finds them.

A function takes the modem, the port and the match, and returns the lines of the answer and its final result ("" where
it has said that itself). A command runs only if the transcript's `[accepts]` lists its name:
a family lacks what it lacks.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pppgen.sim.faults import SimCard
from pppgen.sim.service import PUK
from pppgen.sim.transcript import Setting

if TYPE_CHECKING:
    from pppgen.sim.modem import Modem
    from pppgen.sim.port import Port


@dataclass(frozen=True, slots=True)
class Reply:
    """Information lines and the final result."""

    lines: tuple[str, ...] = ()
    final: str = "OK"


OK = Reply()
ERROR = Reply(final="ERROR")
_Command = Callable[["Modem", "Port", re.Match[str]], Reply]
CIDS = range(1, 17)  # a bound of ours: families have 7, 15 or 16


def run(modem: "Modem", port: "Port", command: str) -> Reply:
    """Carry out a normalised command without its `AT`."""
    if not command:
        return OK
    name = re.match(r"[+^$#*%!]\w+|&?[A-Z]", command)
    if name is None:
        return ERROR
    if (setting := _setting(modem, command)) is not None:
        return setting
    if name[0] not in modem.transcript.accepts:
        return ERROR
    for pattern, function in TABLE:
        if found := pattern.fullmatch(command):
            return function(modem, port, found)
    return OK if not command.endswith("?") else ERROR


def _setting(modem: "Modem", command: str) -> Reply | None:
    """Read or write a value of the flash; `None` if the command is none of these.

    A write may have fewer values (the rest stays) or two more (when it takes effect); hex digits are kept in the form
    that the transcript has, since modems read back `0xf` for a written `F`.
    """
    family = [setting for setting in modem.flash if command.startswith(setting.command)]
    if asked := [setting for setting in family if command == f"{setting.command}?"]:
        pairs = [(each, ",".join(modem.flash[each])) for each in asked]
        if asked[0].key.startswith("@"):
            return Reply((f"{asked[0].command}: " + ",".join(f"{each.key[1:]},{text}" for each, text in pairs),))
        return Reply(tuple(f"{each.command}: {f'{each.key},' if each.key else ''}{text}" for each, text in pairs))
    for setting in family:
        if setting.key and command == f"{setting.command}={setting.key}":
            return Reply((f"{setting.command}: {setting.key},{','.join(modem.flash[setting])}",))
        start = f"{setting.command}={setting.key.removeprefix('@')}{',' if setting.key else ''}"
        if command.startswith(start) and not command.endswith("=?"):
            return _written(modem, setting, command[len(start) :].split(","))
    return None


def _written(modem: "Modem", setting: Setting, written: list[str]) -> Reply:
    values = modem.flash[setting]
    if setting.listed:
        modem.flash[setting] = tuple(written)
        return OK
    if len(written) > len(values) + 2:
        return ERROR
    kept = tuple(_formed(new, old) for new, old in zip(written, values, strict=False))
    modem.flash[setting] = kept + values[len(kept) :]
    return OK


def _formed(new: str, old: str) -> str:
    if not new:
        return old
    if old.startswith("0x"):
        digits = new.removeprefix("0X").removeprefix("0x")
        return "0x" + (digits.lower() if old == old.lower() else digits)
    return new


def _switch(field: str) -> _Command:
    def switch(_modem: "Modem", port: "Port", found: re.Match[str]) -> Reply:
        setattr(port, field, (found[1] or "0") == "1")
        return OK

    return switch


def _dtr(_modem: "Modem", port: "Port", found: re.Match[str]) -> Reply:
    port.dtr = int(found[1] or 0)
    return OK


def _defaults(_modem: "Modem", port: "Port", _found: re.Match[str]) -> Reply:
    port.echo, port.verbose, port.quiet, port.dtr = True, True, False, 2
    return OK


def _register(_modem: "Modem", port: "Port", found: re.Match[str]) -> Reply:
    number = int(found[1][:4])
    if found[0].endswith("?"):
        return Reply((f"{port.registers[number]:03}",)) if number in port.registers else ERROR
    value = int((found[2] or "0")[:4])
    if number not in port.registers or value > 255 or (number in {3, 4, 5} and value > 127):
        return ERROR
    port.registers[number] = value
    return OK


def _dial(modem: "Modem", port: "Port", found: re.Match[str]) -> Reply:
    number = re.fullmatch(r"[TP]?\*99(?:\*\*\*(\d{1,2})|\*+)?#;?", found[1])
    return Reply(final=modem.dial(port, int(number[1] or 1)) if number else "ERROR")


def _hang_up(modem: "Modem", port: "Port", _found: re.Match[str]) -> Reply:
    if port.in_call:
        modem.end_call(port)
    return OK


def _online(modem: "Modem", port: "Port", _found: re.Match[str]) -> Reply:
    return Reply(final=modem.resume(port))


def _functionality(modem: "Modem", port: "Port", found: re.Match[str]) -> Reply:
    if found[0].endswith("?"):
        return Reply((f"+CFUN: {modem.service.functionality}",))
    if found[2] == "1":
        return _reboot(modem, port, found)
    if found[1] not in {"0", "1", "4"}:
        return ERROR
    modem.set_functionality(int(found[1]))
    return OK


def _reboot(modem: "Modem", port: "Port", _found: re.Match[str]) -> Reply:
    modem.result(port, "OK")
    modem.reboot(port)
    return Reply(final="")


def _pin(modem: "Modem", _port: "Port", found: re.Match[str]) -> Reply:
    if modem.service.card is SimCard.ABSENT:
        return Reply(final="+CME ERROR: 10")
    if found[0].endswith("?"):
        words = {SimCard.READY: "READY", SimCard.PIN: "SIM PIN", SimCard.PUK: "SIM PUK"}
        return Reply((f"+CPIN: {words[modem.service.card]}",))
    if modem.service.card is SimCard.READY:
        return Reply(final="+CME ERROR: 3")
    if modem.service.card is SimCard.PIN:
        modem.service.verify(found[1])
    elif found[2]:
        modem.service.puk_tries = 10 if found[1] == PUK else max(0, modem.service.puk_tries - 1)
        modem.service.card = SimCard.READY if found[1] == PUK else SimCard.PUK
        modem.service.pin_tries = 3 if found[1] == PUK else 0
    return OK if modem.service.card is SimCard.READY else Reply(final="+CME ERROR: 16")


def _tries(form: str) -> _Command:
    def tries(modem: "Modem", _port: "Port", _found: re.Match[str]) -> Reply:
        if modem.service.card is SimCard.ABSENT:
            return Reply(final="+CME ERROR: 10")
        values = {"pin": modem.service.pin_tries, "puk": modem.service.puk_tries}
        return Reply(tuple(line.format(**values) for line in form.split("\n")))

    return tries


def _registration(modem: "Modem", _port: "Port", found: re.Match[str]) -> Reply:
    domain = found[1].lower()
    if found[0].endswith("?"):
        return Reply((modem.service.registration(domain, with_n=True),))
    if found[2] not in {"0", "1", "2", "4"}:
        return ERROR
    modem.service.report[domain] = int(found[2])
    return OK


def _operator(modem: "Modem", _port: "Port", found: re.Match[str]) -> Reply:
    modem.service.deregistered = found[1] == "2"
    modem.follow_attachment()
    return OK


def _attach(modem: "Modem", _port: "Port", found: re.Match[str]) -> Reply:
    if found[0].endswith("?"):
        return Reply((f"+CGATT: {int(modem.service.attached)}",))
    modem.service.detached = found[1] == "0"
    modem.follow_attachment()
    return OK if modem.service.detached or modem.service.attached else Reply(final="+CME ERROR: 30")


def _activate(modem: "Modem", _port: "Port", found: re.Match[str]) -> Reply:
    if found[0].endswith("?"):
        return Reply(tuple(f"+CGACT: {cid},{int(each.active)}" for cid, each in sorted(modem.service.contexts.items())))
    cid = int(found[2] or 1)
    if cid not in modem.service.contexts:
        return ERROR
    return Reply(final=modem.activate(cid, active=found[1] == "1"))


def _contexts(modem: "Modem", _port: "Port", found: re.Match[str]) -> Reply:
    if found[0].endswith("?"):
        lines = (
            f'+CGDCONT: {cid},"{c.kind}","{c.apn}","0.0.0.0",0,0,0,0'
            for cid, c in sorted(modem.service.contexts.items())
        )
        return Reply(tuple(lines))
    if int(found[1]) not in CIDS:
        return ERROR
    return Reply(final=modem.service.define(int(found[1]), found[2], found[3] or ""))


def _addresses(modem: "Modem", _port: "Port", found: re.Match[str]) -> Reply:
    wanted = modem.service.contexts if not found[1] else {int(found[1])} & modem.service.contexts.keys()
    lines = (f'+CGPADDR: {cid},"{modem.service.address(cid)}"' for cid in sorted(wanted))
    return Reply(tuple(lines))


def _dynamic(modem: "Modem", _port: "Port", found: re.Match[str]) -> Reply:
    active = {cid: each for cid, each in sorted(modem.service.contexts.items()) if each.active}
    wanted = active if not found[1] else {cid: active[cid] for cid in {int(found[1])} & active.keys()}
    # P-CSCF, IM_CN_Signalling_Flag and LIPA_indication stand before IPv4_MTU (TS 27.007 10.1.23).
    mtu = "" if modem.faults.mtu is None else f",,,0,0,{modem.faults.mtu}"
    return Reply(
        tuple(
            f'+CGCONTRDP: {cid},5,"{each.network_apn}","{modem.service.address(cid)}",,"8.8.8.8","8.8.4.4"{mtu}'
            for cid, each in wanted.items()
        )
    )


def _login(modem: "Modem", _port: "Port", found: re.Match[str]) -> Reply:
    if int(found[1]) not in CIDS:
        return ERROR
    if len(modem.service.logins) < len(CIDS) or int(found[1]) in modem.service.logins:
        modem.service.logins[int(found[1])] = found[2]
    return OK


def _logins(modem: "Modem", _port: "Port", _found: re.Match[str]) -> Reply:
    return Reply(tuple(f"+CGAUTH: {cid},{rest}" for cid, rest in sorted(modem.service.logins.items())))


def _quectel_context(modem: "Modem", _port: "Port", found: re.Match[str]) -> Reply:
    cid, rest = int(found[1]), found[2]
    if not rest:
        context = modem.service.contexts.get(cid)
        return Reply((f'+QICSGP: 1,"{context.apn if context else ""}","","",0',))
    if apn := re.match(r'\d,"([^"]*)"', rest):
        return Reply(final=modem.service.define(cid, "IP", apn[1]))
    return ERROR


def _cause(modem: "Modem", _port: "Port", _found: re.Match[str]) -> Reply:
    return Reply((f"+CEER: {modem.service.cause or 'No cause information available'}",))


def _backoff(modem: "Modem", _port: "Port", _found: re.Match[str]) -> Reply:
    return Reply((f'+QNWCFG: "backoff",{max(0, round(modem.service.refused_until - modem.now))}',))


TABLE: tuple[tuple[re.Pattern[str], _Command], ...] = tuple(
    (re.compile(pattern), function)
    for pattern, function in (
        (r"E([01]?)", _switch("echo")),
        (r"V([01]?)", _switch("verbose")),
        (r"Q([01]?)", _switch("quiet")),
        (r"&D([012]?)", _dtr),
        (r"Z\d?|&F\d?", _defaults),
        (r"S(\d+)(?:=(\d*)|\?)", _register),
        (r"D(.*)", _dial),
        (r"H\d?", _hang_up),
        (r"O\d?", _online),
        (r"\+CFUN=(?:15|16)|\+CRESET|\+CREBOOT|\^RESET|#REBOOT|!RESET", _reboot),
        (r"\+CFUN(?:\?|=(\d)(?:,(\d))?)", _functionality),
        (r'\+CPIN(?:\?|="?(\d{1,8})"?(?:,"?(\d{4,8})"?)?)', _pin),
        (r'\+QPINC="SC"', _tries('+QPINC: "SC",{pin},{puk}')),
        (r"\+QPINC\??", _tries('+QPINC: "SC",{pin},{puk}\n+QPINC: "P2",3,10')),
        (r"\+CPINR(?:=.*)?", _tries("+CPINR: SIM PIN,{pin},3\n+CPINR: SIM PUK,{puk},10")),
        (r"\+SPIC", _tries("+SPIC: {pin},{puk},3,10")),
        (r"\^CPIN\?", _tries("^CPIN: READY,{puk},{puk},{pin},10,3")),
        (r"#PCT", _tries("#PCT: {pin}")),
        (r"\+UPINCNT", _tries("+UPINCNT: {pin},3,{puk},10")),
        (r"\+(CREG|CGREG|CEREG)(?:\?|=(\d))", _registration),
        (r"\+COPS=(\d).*", _operator),
        (r"\+CGATT(?:\?|=([01]))", _attach),
        (r"\+CGACT(?:\?|=([01])(?:,(\d{1,2}))?)", _activate),
        (r'\+CGDCONT(?:\?|=(\d{1,2})(?:,"(\w*)"(?:,"([^"]*)".*)?)?)', _contexts),
        (r"\+CGPADDR(?:=(\d{1,2}))?", _addresses),
        (r"\+CGCONTRDP(?:=(\d{1,2}))?", _dynamic),
        (r"\+CGAUTH=(\d{1,2}),?(.*)", _login),
        (r"\+CGAUTH\?", _logins),
        (r"\+QICSGP=(\d{1,2}),?(.*)", _quectel_context),
        (r"\+CEER", _cause),
        (r'\+QNWCFG="backoff"', _backoff),
    )
)
