"""The steps of setup, each named for what it proves; a failure leaves what was found in the answer.

`look` decides everything and changes nothing; `carry_out` proves the very bytes on the modem and only then writes them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

from pppgen.at.client import Client
from pppgen.at.reading import Reading, obstacle, read_modem
from pppgen.commands import radio_undo
from pppgen.commands.apn_choice import attach_notice, choose_apn
from pppgen.commands.dial_options import DialRequest
from pppgen.commands.letting_go import see_it_let_go
from pppgen.commands.present import say, working
from pppgen.commands.probe import look as probe_look
from pppgen.commands.setup_answer import Answer
from pppgen.commands.shipment import device_named, shipment
from pppgen.config import Link
from pppgen.errors import BadValue, DialFailed, NotRegistered, PppgenError, SimProblem
from pppgen.install import Action, install, preview
from pppgen.memory import remember
from pppgen.model import Device, Notice, Port, PortRole, Reason
from pppgen.modems.catalog import Family, Rat, family_for
from pppgen.plan import DEBIAN_PPPD, Plan, chat_path, make_plan
from pppgen.probe import Modem, with_dial_seen
from pppgen.radio import Wanted, apply, wanted
from pppgen.render import RenderedFile, render
from pppgen.system import udevadm
from pppgen.system.chat import Proof, prove_script
from pppgen.system.files import Tree
from pppgen.system.pppd import installed_pppd
from pppgen.system.service import enable_service
from pppgen.system.tty import open_tty

_SIM_HINTS = {
    Reason.SIM_MISSING: "seat the SIM the right way round, then: sudo pppgen at 'AT+CPIN?'",
    Reason.SIM_PIN: 'sudo pppgen at \'AT+CLCK="SC",0,"PIN"\'    # takes the PIN off for good; a wrong one costs a try',
    Reason.SIM_PUK: "unlock the SIM with its PUK in a phone; three wrong PINs locked it",
    Reason.NETWORK_LOCK: "the modem takes another operator's SIM only: use that one, or have the modem unlocked",
}
_NETWORK_SENTENCES = {
    Reason.REGISTRATION_DENIED: "the network refuses the registration (stat 3)",
    Reason.NO_SIGNAL: "the modem hears no cell",
    Reason.NOT_REGISTERED: "the modem is not registered in a network",
}


@dataclass(frozen=True, slots=True)
class Radio:
    """What is asked to be written to the modem's flash; nothing, where nothing is named."""

    rat: Rat | None = None
    bands: tuple[str, ...] = ()
    scan_order: tuple[Rat, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    request: DialRequest
    radio: Radio
    dial: bool
    start: bool
    ports: tuple[str, ...]
    dry_run: bool
    force: bool
    root: Path
    sysroot: Path

    @property
    def live(self) -> bool:
        """Whether this system itself is set up, and not a tree of another one."""
        return self.root.resolve() == self.sysroot.resolve() == Path("/")


@dataclass(slots=True)
class Run:
    """One run of setup. The provider owns the files: what an earlier setup of it wrote and this one does not goes."""

    wish: Wish
    answer: Answer
    _reading: Reading = field(default_factory=Reading)
    _settings: Wanted = ()
    _apn: str | None = None
    _plan: Plan | None = None
    _files: tuple[RenderedFile, ...] = ()

    def check(self) -> None:
        """Refuse what cannot be, before any port is touched."""
        if self.wish.request.apn is not None:
            self.wish.request.dial()
        if self.wish.start and not self.wish.live:
            raise BadValue("--start is for this system itself, not for --root or --sysroot", hint="leave out --start")

    def look(self) -> None:
        """Find the modem, prove the AT port, read the modem, and decide what shall be written."""
        self._probe()
        modem, device = self._modem(), self._device()
        with working(f"reading the modem on {modem.at.device} …"), _client(modem.at.device) as client:
            self._reading = read_modem(client.ask, family_for(device.vid, device.pid, " ".join(modem.said)))
        family = family_for(device.vid, device.pid, _words(self._reading) or " ".join(modem.said))
        self.answer.family, self.answer.identity = family, self._reading.identity
        say(f"{family.title}, firmware {self._reading.identity.revision or 'unknown'}")
        self._check_sim_and_network()
        radio = self.wish.radio
        # The guide's script writes its settings at each dial, and the proof runs it: the old values are kept before.
        guide = self.wish.request.as_guide and bool(family.radio.guide)
        self._settings = wanted(family, rat=radio.rat, band_names=radio.bands, scan_order=radio.scan_order, guide=guide)
        self._decide(modem)

    def carry_out(self) -> None:
        """Write the radio settings that were asked for, prove the script on the modem, write the files."""
        if self.wish.dry_run:
            return
        tree = Tree(self.wish.root)
        # Again what `look` saw, now with the right to refuse: an edit by hand stops us before the modem is touched.
        if any(change.action is Action.KEPT for change in self.answer.changes):
            install(tree, self._files, self.wish.request.provider, force=self.wish.force)
        self._set_radio()
        if self.wish.dial:
            self._dial()
        else:
            self._prove_without_dial()
        self.answer.changes = install(tree, self._files, self.wish.request.provider, force=self.wish.force)
        self.answer.installed = True
        device, modem = self._device(), self._modem()
        if device.usb_path:
            dial = modem.dial.interface if modem.dial and modem.dial_proven else None
            self.answer.notices += remember(
                self.wish.root, device, at=modem.at.interface, dial=dial, iccid=self._reading.iccid
            )
        if self.wish.live and device.usb_path:
            unnamed = udevadm.apply_rules(device.usb_path)
            held = see_it_let_go(device)
            self.answer.notices += [notice for notice in (unnamed, held) if notice]
        if self.wish.dial and self.wish.live:
            self._call()
        if self.wish.start:
            with working("starting pppgen.service …"):
                enable_service()

    # --- the steps ---------------------------------------------------------------------------------------------

    def _probe(self) -> None:
        report = probe_look(self.wish.sysroot, self.wish.root, self.wish.ports, whole=True, recover=True)
        self.answer.outcome = report.outcome
        self.answer.notices += report.notices
        if report.devices and report.outcome.modem is None:
            self.answer.device = report.devices[0]
            self.answer.family = family_for(report.devices[0].vid, report.devices[0].pid)
        if report.error:
            raise report.error
        modem = report.outcome.modem
        if modem is None:
            raise DialFailed("the probe ended without a modem")
        self.answer.modem = modem
        self.answer.device = next(one for one in report.devices if modem.at in one.ports)
        self.answer.notices += modem.warnings
        others = [one.usb_path or one.at.device for one in report.outcome.modems[1:]]
        if others:
            self.answer.notices.append(
                Notice(
                    "more-modems", f"more than one modem answers; {', '.join(others)} is left alone", "--port DEVICE"
                )
            )

    def _check_sim_and_network(self) -> None:
        reason = obstacle(self._reading)
        if reason in _SIM_HINTS:
            tries = self._reading.pin_tries.pin
            left = "" if tries is None else f", {tries} PIN tries left"
            raise SimProblem(f"the SIM is not ready: {reason}{left}", hint=_SIM_HINTS[reason])
        if reason is None:
            return
        sentence = _NETWORK_SENTENCES.get(reason, str(reason))
        stats = ", ".join(f"{one.domain.upper()} {one.stat}" for one in self._reading.registrations)
        hint = "sudo pppgen at 'AT+CSQ;+CEREG?;+CGREG?;+CREG?'\ncheck antenna, SIM activation and --rat / --bands"
        if self.wish.dial:
            raise NotRegistered(f"{sentence} ({stats}), so it was not dialled", hint=hint)
        self.answer.notices.append(Notice(str(reason), f"{sentence} ({stats}): a dial would fail now", hint))

    def _decide(self, modem: Modem) -> None:
        """Make the plan, render it, and see what it would change."""
        request = self.wish.request
        if request.apn is None and self._apn is None:
            self._apn, said = choose_apn(self._reading, self.wish.sysroot)
            self.answer.notices.append(said)
        dial = request.dial(self._apn)
        port = modem.dial or modem.at
        family = self._family()
        self._plan = make_plan(dial, family, self._stable(port), pppd=installed_pppd() or DEBIAN_PPPD)
        attach = attach_notice(family, self._reading, dial.cid, dial.apn)
        for notice in (*self._plan.notices, *([attach] if attach else [])):
            if notice not in self.answer.notices:
                self.answer.notices.append(notice)
        link = Link(
            provider=dial.provider,
            apn=dial.apn,
            family=family.name,
            device=self._plan.device,
            cid=dial.cid,
            pdp_type=dial.pdp,
            auth=dial.auth,
            user=dial.user,
            password=dial.password,
            usb_path=port.usb_path or "",
            at_interface=modem.at.interface,
            dial_interface=port.interface,
            imei=self._reading.identity.imei,
        )
        tree = Tree(self.wish.root)
        self._files = (*render(self._plan), *shipment(tree, link))
        self.answer.changes = preview(tree, self._files, self.wish.request.provider, force=self.wish.force)

    def _set_radio(self) -> None:
        if not self._settings:
            return
        device, family = self._device(), self._family()

        def keep(key: str, old: str) -> None:
            radio_undo.note(self.wish.root, device, family, ((key, old),))

        with _client(self._modem().at.device) as client:
            rows = apply(client.ask, family, self._settings, keep=keep)
        self.answer.radio = rows
        if any(row.reboot and row.result == "written" for row in rows):
            self.answer.notices.append(
                Notice(
                    "restart-needed", "a radio setting counts after the modem restarted", "sudo pppgen at AT+CFUN=1,1"
                )
            )

    def _prove_without_dial(self) -> None:
        port = self._modem().dial or self._modem().at
        with working(f"proving the chat script on {port.device}, up to the dial …"):
            proof = self._proof(port, whole=False)
        if not proof.passed:
            raise _failed(proof, port, "the chat script failed before the dial")

    def _dial(self) -> None:
        """Dial on the likeliest port, and on the modem's other AT port where that one never connects."""
        modem = self._modem()
        failed: PppgenError | None = None
        for port in _dial_candidates(modem, self.answer):
            with working(f"dialling on {port.device} …"):
                proof = self._proof(port, whole=True)
            if proof.connected:
                self._dialled_on(port, modem, hung_up=proof.hung_up)
                return
            failed = failed or _failed(proof, port, "the dial failed")
        self.answer.dialled = False
        raise failed or DialFailed("no port to dial on")

    def _dialled_on(self, port: Port, modem: Modem, *, hung_up: bool) -> None:
        """Take the port that really worked: it goes into the files and into the memory."""
        self.answer.dialled = True
        guess = [notice for notice in modem.warnings if notice.code == "dial-port-unproven"]
        self.answer.notices = [notice for notice in self.answer.notices if notice not in guess]
        if not hung_up:
            self.answer.notices.append(
                Notice("still-connected", f"{port.device} connected but did not hang up", "sudo pppgen probe")
            )
        at = modem.at
        if port == at and modem.dial and modem.dial != port:
            at = modem.dial  # the two change places: signal can still be read while PPP runs
        proven = replace(modem, at=at, dial=port, dial_proven=True)
        self.answer.modem = proven
        self.answer.outcome = with_dial_seen(self.answer.outcome, proven)
        self._decide(proven)

    def _call(self) -> None:
        """Bring the whole link up once; only the network knows whether the APN is right."""
        from pppgen.commands.setup_call import call_once  # noqa: PLC0415 -- the bearers, and only --dial needs them

        with working("bringing the link up once, until packets come back …"):
            self.answer.called = call_once(Tree(self.wish.root))

    # --- small questions ---------------------------------------------------------------------------------------

    def _proof(self, port: Port, *, whole: bool) -> Proof:
        provider = self.wish.request.provider
        script = self._content(chat_path("connect", provider))
        hang_up = self._content(chat_path("disconnect", provider)) if whole else None
        plan = self._plan
        secrets = (plan.dial.password,) if plan and plan.dial.password else ()
        argument = plan.dial.apn if plan and plan.dial.as_guide else ""
        return prove_script(port.device, script, hang_up=hang_up, argument=argument, secrets=secrets)

    def _content(self, path: str) -> bytes:
        return next(file.content for file in self._files if file.path == path)

    def _stable(self, port: Port) -> str:
        return device_named(self._device(), port)

    def _modem(self) -> Modem:
        if self.answer.modem is None:
            raise DialFailed("no modem was proved")
        return self.answer.modem

    def _device(self) -> Device:
        if self.answer.device is None:
            raise DialFailed("no modem was found")
        return self.answer.device

    def _family(self) -> Family:
        if self.answer.family is None:
            raise DialFailed("the modem was not read")
        return self.answer.family


@contextmanager
def _client(device: str) -> Iterator[Client]:
    with open_tty(device) as tty:
        yield Client(tty, monotonic)


def _words(reading: Reading) -> str:
    who = reading.identity
    return " ".join(part for part in (who.manufacturer, who.model, who.revision) if part)


def _dial_candidates(modem: Modem, answer: Answer) -> list[Port]:
    """The port that is expected to dial, then the modem's other AT ports; a proven one stays alone."""
    first = modem.dial or modem.at
    if modem.dial_proven:
        return [first]
    speaking = {PortRole.AT, PortRole.DIAL, PortRole.AT_DIAL}
    others = [
        candidate.port
        for candidate, seen in answer.outcome.ports
        if seen.role in speaking and candidate.port.usb_path == modem.usb_path and candidate.port != first
    ]
    return [first, *others]


def _failed(proof: Proof, port: Port, what: str) -> DialFailed:
    said = " | ".join(line.strip() for line in proof.lines if line.strip())[-300:]
    return DialFailed(
        f"{what} on {port.device}: {proof.end.sentence}" + (f"; chat said: {said}" if said else ""),
        hint="sudo pppgen at AT+CEER    # the modem's own reason\nsudo pppgen at 'AT+CGDCONT?'    # is the APN right?",
    )
