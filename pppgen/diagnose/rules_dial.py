"""Rules about the dialogue with the modem, up to CONNECT."""

import re

from pppgen.diagnose.case import Answer, Case, Confidence, say
from pppgen.model import Reason
from pppgen.programs.events import Kind, Program


def modem_errors(case: Case) -> Answer:
    """Chat's ABORT string, or what the modem answered to the dial."""
    aborted = case.record.last(Kind.CHAT_ABORTED)
    if aborted is None or case.record.has(Kind.LINK_CONNECTED):
        return None
    if re.search(r"NO CARRIER|BUSY|NO ANSWER|NO DIAL", aborted.value.upper()):
        return say(Reason.NO_CARRIER, Confidence.HIGH, aborted)
    if "ERROR" in aborted.value.upper():
        return say(
            Reason.DIAL_REJECTED,
            Confidence.HIGH,
            case.record.last(Kind.COMMAND_SENT),
            case.record.last(Kind.AT_ERROR),
            aborted,
        )
    return None


def no_carrier(case: Case) -> Answer:
    """The dial was answered NO CARRIER, BUSY or the like."""
    found = case.record.of(Kind.NO_CARRIER, Kind.LINE_BUSY, Kind.NO_ANSWER, Kind.NO_DIALTONE)
    if not found or case.record.has(Kind.LCP_TIMED_OUT, Kind.LINK_CONNECTED):
        return None
    last = [sighting for sighting in found if sighting.event.program is not Program.AT]
    return say(Reason.NO_CARRIER, Confidence.HIGH, last[:2], found[:2], case.record.last(Kind.DIALLING))


_GOOD_CONTEXT = re.compile(r'AT\+CGDCONT=\d+, ?"IP[^"]*", ?"[^"]+"', re.IGNORECASE)


def locked_by_symptom(case: Case) -> Answer:
    """A well-formed APN is refused by a modem that answers everything else: its SIM waits for a PIN."""
    refused = case.record.last(Kind.INIT_REFUSED)
    if refused is None or not _GOOD_CONTEXT.match(refused.value):
        return None
    if case.world.has(Kind.PIN_GIVEN):
        return None
    command = [sent for sent in case.record.of(Kind.COMMAND_SENT) if sent.value == refused.value]
    return say(Reason.SIM_PIN, Confidence.LOW, command[-1:], case.record.last(Kind.AT_ERROR), refused)


def rejected(case: Case) -> Answer:
    """The dial or an initialisation command was answered ERROR."""
    refused = case.record.of(Kind.DIAL_REFUSED, Kind.INIT_REFUSED)
    if not refused:
        return None
    command = [sent for sent in case.record.of(Kind.COMMAND_SENT) if sent.value == refused[-1].value]
    odd = [sent for sent in case.world.of(Kind.COMMAND_SENT) if re.fullmatch(r"AT\+CGDCONT=\d", sent.value)]
    return say(
        Reason.DIAL_REJECTED, Confidence.MEDIUM, command[-1:], case.record.last(Kind.AT_ERROR), refused[-1:], odd[:1]
    )


def another_speaker(case: Case) -> Answer:
    """Commands that nobody here sent, or answers that get lost now and then: two programs on one port."""
    foreign = case.world.of(Kind.OTHER_PROGRAM_ON_PORT)
    if foreign:
        return say(Reason.MODEM_MANAGER_CONFLICT, Confidence.MEDIUM, foreign[:3], case.down)
    silent = case.record.last(Kind.MODEM_SILENT)
    repeated = case.record.of(Kind.COMMAND_REPEATED)
    # A dial among the initialisation commands is answered too, by CONNECT instead of the OK that is waited for.
    answered = case.record.has(Kind.GOT_IT) and not case.record.has(Kind.CARRIER_UP)
    if silent is not None and repeated and answered:
        return say(Reason.MODEM_MANAGER_CONFLICT, Confidence.LOW, repeated[:2], silent)
    return None


def managed_port(case: Case) -> Answer:
    """ModemManager was seen on the very port that stays silent or is busy."""
    managed = case.world.last(Kind.MANAGER_ON_PORT)
    trouble = case.record.last(Kind.MODEM_SILENT, Kind.CHAT_TIMED_OUT, Kind.PORT_BUSY, Kind.LCP_TIMED_OUT)
    if managed is None or trouble is None or trouble.event.program is Program.MODEM_MANAGER:
        return None
    return say(Reason.MODEM_MANAGER_CONFLICT, Confidence.MEDIUM, managed, trouble)


def positions(case: Case) -> Answer:
    """The port that was dialled on speaks of satellites."""
    heard = case.world.of(Kind.NMEA)
    return say(Reason.WRONG_PORT, Confidence.HIGH, heard[:2], case.down) if heard and case.down is not None else None


def silence(case: Case) -> Answer:
    """The first command of a dialogue stays without an answer: the modem, or the port, is dead."""
    silent = case.record.of(Kind.MODEM_SILENT, Kind.NO_MODEM_FOUND)
    if silent and case.record.has(Kind.CARRIER_UP):
        return say(Reason.CHAT_TIMEOUT, Confidence.MEDIUM, case.record.last(Kind.CARRIER_UP), silent[-1:])
    answered = case.record.has(Kind.AT_ERROR, Kind.MODEM_FOUND) and case.record.has(Kind.NO_MODEM_FOUND)
    if silent and not answered:
        return say(
            Reason.MODEM_NOT_RESPONDING, Confidence.MEDIUM, case.record.of(Kind.COMMAND_REPEATED)[:1], silent[-2:]
        )
    return None


def timeout(case: Case) -> Answer:
    """Chat or the dialler waited in vain."""
    waited = case.record.of(Kind.CHAT_TIMED_OUT, Kind.DIAL_TIMED_OUT)
    exited = [found for found in case.record.of(Kind.CHAT_EXITED) if found.value == "3"]
    failed = case.record.last(Kind.CONNECT_SCRIPT_FAILED)
    if not waited and not exited:
        return None
    heard = case.record.has(Kind.GOT_IT, Kind.CARRIER_UP) or not waited
    dialled = case.record.has(Kind.DIALLING) or any(found.value.startswith("CONNECT") for found in waited)
    cause = Reason.CHAT_TIMEOUT if heard or dialled else Reason.MODEM_NOT_RESPONDING
    return say(cause, Confidence.MEDIUM, case.record.last(Kind.EXPECTING), waited[-2:], exited[-1:], failed)


def script_failed(case: Case) -> Answer:
    """The script ended without its CONNECT and did not say why; `chat -v` would have.

    126 and 127 are the shell's own statuses (POSIX 2.8.2): it may not run the script, or does not find it.
    """
    shell = {"126": Reason.PERMISSION_DENIED, "127": Reason.PPPD_CONFIG}
    exited = case.record.last(Kind.CHAT_EXITED)
    if exited is not None and exited.value in shell:
        return say(shell[exited.value], Confidence.MEDIUM, exited, case.record.last(Kind.CONNECT_SCRIPT_FAILED))
    missing = case.record.last(Kind.PROGRAM_MISSING)
    if missing is not None:
        return say(Reason.PPPD_CONFIG, Confidence.LOW, missing, case.record.last(Kind.CONNECT_SCRIPT_FAILED))
    return say(Reason.CHAT_TIMEOUT, Confidence.LOW, case.record.of(Kind.CONNECT_SCRIPT_FAILED)[:2])
