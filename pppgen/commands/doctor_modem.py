"""What the modem says, for doctor: over AT on a free port, over QMI through the shared proxy; nothing is changed."""

import os
from time import monotonic

from pppgen.at.client import Client
from pppgen.at.pace import Pace
from pppgen.at.reading import Reading, read_modem, words
from pppgen.commands.doctor_place import ELSEWHERE, Place, Skipped, known
from pppgen.commands.probe import look
from pppgen.commands.survey import Survey
from pppgen.config import Link
from pppgen.doctor.facts import Asked, Frames, Missing, QmiPort
from pppgen.errors import NoModem, NoPermission, PppgenError
from pppgen.lease_cause import Framing
from pppgen.model import Device
from pppgen.modems.catalog import family_for
from pppgen.system import link as net_link
from pppgen.system import qmi_look
from pppgen.system.tty import open_tty

ANSWER_S = 2.0
"""How long the modem may take for one answer; two silences in a row end the reading."""
LOOK_S = 2.8
"""How long the look at the modem lasts, its ports' probe included: with all the rest a person waits three seconds."""
PATIENT_S = 120.0
"""The same with `--patient`: thirty questions to a modem that takes the longest that an answer may, and more."""
_KERNEL = {True: Framing.RAW_IP, False: Framing.ETHERNET, None: Framing.UNKNOWN}


def chosen(seen: Survey, link: Link | Missing) -> Device | None:
    """Return the modem that setup chose, else the likeliest one."""
    wanted = link.usb_path if isinstance(link, Link) else ""
    devices = sorted(seen.found.devices, key=lambda device: not wanted or device.usb_path != wanted)
    return devices[0] if devices else None


def ask_modem(place: Place, seen: Survey, device: Device | None) -> Asked | Missing:
    """Find the port that speaks AT and read the modem there; a port that another process holds is not touched."""
    if device is None or not device.ports:
        return Missing("no modem to ask", skip=True)
    deadline = monotonic() + (PATIENT_S if place.patient else LOOK_S)
    # One modem of several is asked alone; where setup chose none, every candidate is.
    names = tuple(port.device for port in device.ports) if device.usb_path else ()
    # A port in data mode is left in it: bringing it back would end a call.
    report = look(place.sysroot, place.root, names, whole=False, recover=False)
    if isinstance(report.error, NoModem):
        return Missing("no modem to ask", skip=True)
    modem = report.outcome.modem
    if modem is None:
        return Asked(report.outcome, report.error)
    found = next((one for one in seen.found.devices if modem.at.device in {port.device for port in one.ports}), device)
    family = family_for(found.vid, found.pid, " ".join(modem.said))
    at = report.outcome.seen(modem.at.device)

    def read() -> tuple[Reading, float]:
        with open_tty(modem.at.device) as tty:
            pace = Pace(Client(tty, monotonic).ask, monotonic, deadline, (at and at.answer_s) or 0.0)
            return read_modem(pace, family, ANSWER_S, pace.goes_on), pace.answer_s

    heard = known(read)
    if isinstance(heard, Missing):
        return Asked(report.outcome, report.error, modem, found, family, heard)
    reading, answer_s = heard
    family = family_for(found.vid, found.pid, words(reading.identity) or " ".join(modem.said))
    return Asked(report.outcome, report.error, modem, found, family, reading, answer_s)


def ask_qmi(place: Place, seen: Survey, device: Device | None) -> tuple[Frames | Missing, QmiPort]:
    """Ask the QMI port for its frames, unless somebody other than the shared proxy holds it."""
    if not place.runs:
        raise Skipped(ELSEWHERE.why)
    if device is None or not device.wdm:
        raise Skipped("the modem has no QMI port")
    node, interface = device.wdm[0], next(iter(device.net), "")
    holder = seen.found.usage.holder_of(node)
    if holder and holder.name != "qmi-proxy":
        raise PppgenError(f"{node} is held by {holder.name} (pid {holder.pid}), so it is not asked")
    if os.geteuid() and not os.access(node, os.R_OK | os.W_OK):
        raise NoPermission(f"{node} may not be opened")
    numbers = (one.number for usb in seen.board.usb for one in usb.interfaces if node in one.wdm)
    heard = qmi_look.ask_framing(node, next(numbers, None))
    port = QmiPort(node, heard.answers, heard.said)
    if not interface:
        return Missing("the modem has no QMI network interface", skip=True), port
    sides = Frames(
        interface,
        kernel=_KERNEL[net_link.raw_ip(interface)],
        modem=heard.framing,
        driver=qmi_look.driver(interface),
        addressed=qmi_look.has_address(interface),
    )
    return sides, port


def sides(found: tuple[Frames | Missing, QmiPort] | Missing) -> tuple[Frames | Missing, QmiPort | Missing]:
    """Return the two facts of the QMI side, both missing where neither could be had."""
    return (found, found) if isinstance(found, Missing) else found
