"""DMS, NAS and UIM: who the modem is, where it is registered, and its card. What is said is the transcript's."""

import re

from pppgen.sim.faults import SimCard
from pppgen.sim.qmi.endpoint import Answer, Endpoint, Reply
from pppgen.sim.qmi.qmux import Message, QmiError, ServiceId, text

LTE, UMTS, GSM = 8, 5, 4  # radio interfaces of NAS
CAPABILITY = {LTE: 0x0B, UMTS: 0x05, GSM: 0x01}
ACCESS = {"0": GSM, "1": GSM, "3": GSM, "2": UMTS, "4": UMTS, "5": UMTS, "6": UMTS}  # +COPS' AcT; others are LTE's
ATTACHED, DETACHED = 1, 2
NORTH_AMERICA = re.compile(r"3(?:02|1[0-6]|34)")  # countries whose networks have three digits
USIM = bytes.fromhex("a0000000871002ff33ffff8901010000")  # ETSI TS 101 220: 3GPP, USIM
NO_APPLICATION = b"\xff\xff"
ICCID_FILE, IMSI_FILE = 0x2FE2, 0x6F07
OFFLINE = {1, 3, 6, 7}


def _said(endpoint: Endpoint, *commands: str) -> str:
    """Return the last line of the first of some AT answers that the family has, without its prefix."""
    for command in commands:
        answer = endpoint.modem.transcript.answer(command, frozenset())
        if answer and answer.lines:
            return re.sub(r"^[+^][A-Z0-9]+: ?", "", answer.lines[-1][1]).strip('"')
    return ""


def _words(values: dict[int, str]) -> Reply:
    return Reply({kind: value.encode("latin-1", "replace") for kind, value in values.items()})


def _ids(endpoint: Endpoint, _request: Message) -> Reply:
    return _words({0x10: "0", 0x11: _said(endpoint, "AT+CGSN", "AT+GSN"), 0x13: "01"})


def _maker(endpoint: Endpoint, _request: Message) -> Reply:
    return _words({0x01: _said(endpoint, "AT+CGMI", "AT+GMI") or endpoint.modem.transcript.manufacturer})


def _model(endpoint: Endpoint, _request: Message) -> Reply:
    return _words({0x01: _said(endpoint, "AT+CGMM", "AT+GMM")})


def _revision(endpoint: Endpoint, _request: Message) -> Reply:
    # quectel-CM shows these words of the user's BG96: revision, a one, the date of the build.
    return _words({0x01: f"{_said(endpoint, 'AT+CGMR', 'AT+GMR')}  1  [Jun 22 2018 06:00:00]"})


def _capabilities(_endpoint: Endpoint, _request: Message) -> Reply:
    rates = (50_000_000).to_bytes(4, "little") + (150_000_000).to_bytes(4, "little")
    return Reply({0x01: rates + bytes((2, 2, 3, GSM, UMTS, LTE))})


def _mode(endpoint: Endpoint, _request: Message) -> Reply:
    return Reply({0x01: b"\0" if endpoint.modem.service.functionality == 1 else b"\1"})


def _set_mode(endpoint: Endpoint, request: Message) -> Reply:
    wanted = request.number_of(0x01)
    if wanted == 0 or wanted in OFFLINE:
        endpoint.modem.set_functionality(4 if wanted else 1)
        return Reply()
    # Reset and shutting down want a tty's answer first: AT+CFUN=1,1 does it.
    return Reply(error=QmiError.MISSING_ARGUMENT if wanted is None else QmiError.NOT_SUPPORTED)


def _unsupported(_endpoint: Endpoint, _request: Message) -> Reply:
    return Reply(error=QmiError.NOT_SUPPORTED)


def _nothing(_endpoint: Endpoint, _request: Message) -> Reply:
    return Reply()


# NAS.


def _state(endpoint: Endpoint) -> int:
    """Return NAS' registration state, which is the best that the packet domains say."""
    stats = {endpoint.modem.service.stat(domain) for domain in ("cgreg", "cereg")}
    if stats & {1, 5}:
        return 1
    return next((state for state in (3, 2, 4) if state in stats), 0)


def _network(endpoint: Endpoint) -> tuple[int, int, str, int]:
    """Return MCC, MNC, name and radio interface."""
    name, _, access = re.sub(r"^\d,\d,", "", _said(endpoint, "AT+COPS?")).partition('",')
    told = re.search(r'"(\d{5,6})"', _said(endpoint, "AT+QNWINFO"))
    imsi = _said(endpoint, "AT+CIMI")
    plmn = told[1] if told else imsi[: 6 if NORTH_AMERICA.match(imsi) else 5]
    return int(plmn[:3] or 0), int(plmn[3:] or 0), name.strip('"'), ACCESS.get(access, LTE)


def serving_system(endpoint: Endpoint, *, indication: bool = False) -> dict[int, bytes]:
    """Return the TLVs of the serving system; in an indication the universal time moves the later ones up by one."""
    state, service = _state(endpoint), endpoint.modem.service
    mcc, mnc, name, radio = _network(endpoint)
    registered = state == 1
    packets = ATTACHED if registered and service.attached else DETACHED
    radios = bytes((1, radio)) if registered else bytes((1, 0))
    values = {0x01: bytes((state, packets, packets, 2 if registered else 0)) + radios}
    if not registered:
        return values
    roaming = 5 in {service.stat(domain) for domain in ("cgreg", "cereg")}
    values[0x10] = b"\0" if roaming else b"\1"
    values[0x11] = bytes((1, CAPABILITY[radio]))
    values[0x12] = mcc.to_bytes(2, "little") + mnc.to_bytes(2, "little") + text(name)
    place = re.match(r'"([0-9A-F]+)","([0-9A-F]+)"', endpoint.modem.transcript.registration["cereg"][1])
    if place:
        area, cell = int(place[1], 16).to_bytes(2, "little"), int(place[2], 16).to_bytes(4, "little")
        values |= {kind + indication: value for kind, value in ((0x1C, area), (0x1D, cell), (0x24, area))}
    return values


def _serving_system(endpoint: Endpoint, _request: Message) -> Reply:
    return Reply(serving_system(endpoint))


def _home(endpoint: Endpoint, _request: Message) -> Reply:
    if not endpoint.modem.service.ready:
        return Reply(error=QmiError.NOT_SUPPORTED)
    mcc, mnc, name, _ = _network(endpoint)
    return Reply({0x01: mcc.to_bytes(2, "little") + mnc.to_bytes(2, "little") + text(name)})


def _strength(endpoint: Endpoint) -> int:
    """Return dBm from what +CSQ says (TS 27.007 8.5)."""
    csq = re.match(r"(\d+)", _said(endpoint, "AT+CSQ"))
    return -113 + 2 * min(int(csq[1]) if csq else 20, 31)


def _heard(endpoint: Endpoint) -> bool:
    return endpoint.modem.faults.signal and endpoint.modem.service.functionality == 1


def _signal_strength(endpoint: Endpoint, _request: Message) -> Reply:
    if not _heard(endpoint):
        return Reply(error=QmiError.INFORMATION_UNAVAILABLE)
    return Reply({0x01: _signed(_strength(endpoint), 1) + bytes((_network(endpoint)[3],))})


def _signal(endpoint: Endpoint, _request: Message) -> Reply:
    if not _heard(endpoint):
        return Reply(error=QmiError.INFORMATION_UNAVAILABLE)
    strength = _strength(endpoint)
    match _network(endpoint)[3]:
        case 4:
            return Reply({0x12: _signed(strength, 1)})
        case 5:
            return Reply({0x13: _signed(strength, 1) + _signed(-12, 2)})
        case _:  # RSSI, RSRQ, RSRP, and SNR in tenths
            parts = _signed(strength, 1) + _signed(-11, 1) + _signed(strength - 29, 2) + _signed(98, 2)
            return Reply({0x14: parts})


def _system(endpoint: Endpoint, _request: Message) -> Reply:
    status = 2 if _state(endpoint) == 1 else 0
    return Reply({0x14: bytes((status, status, 1))})


def _signed(number: int, size: int) -> bytes:
    return number.to_bytes(size, "little", signed=True)


# UIM.


def _pin_states(endpoint: Endpoint) -> tuple[int, int]:
    """Return the state of the application and that of PIN1."""
    match endpoint.modem.service.card:
        case SimCard.PIN:
            return 2, 1
        case SimCard.PUK:
            return (3, 4) if endpoint.modem.service.puk_tries else (5, 5)
        case _:
            return 7, 3  # ready, and no code wanted


def _card(endpoint: Endpoint, _request: Message) -> Reply:
    service = endpoint.modem.service
    if service.card is SimCard.ABSENT:
        return Reply({0x10: NO_APPLICATION * 4 + bytes((1, 0, 0, 0, 0, 3, 0))})  # no answer to reset
    application, pin = _pin_states(endpoint)
    tries = bytes((0, pin, service.pin_tries, service.puk_tries, 1, 3, 10))
    one = bytes((2, application, 2, 11, 0, 0, len(USIM))) + USIM + tries
    return Reply({0x10: b"\0\0" + NO_APPLICATION * 3 + bytes((1, 1, 0, 0, 0, 0, 1)) + one})


def _verify(endpoint: Endpoint, request: Message) -> Reply:
    value = request.value(0x02)
    if len(value) < 2 or len(value) != 2 + value[1]:
        return Reply(error=QmiError.MISSING_ARGUMENT)
    service = endpoint.modem.service
    if service.card is SimCard.ABSENT:
        return Reply(error=QmiError.UIM_UNINITIALIZED)
    if service.card is SimCard.READY:
        return Reply(error=QmiError.NO_EFFECT)
    if service.card is SimCard.PUK:
        error = QmiError.PIN_BLOCKED
    else:
        error = QmiError.NONE if service.verify(value[2:].decode("latin-1")) else QmiError.INCORRECT_PIN
    if error is QmiError.NONE:
        endpoint.modem.follow_attachment()
        return Reply()
    return Reply({0x10: bytes((service.pin_tries, service.puk_tries))}, error)


def _read(endpoint: Endpoint, request: Message) -> Reply:
    service = endpoint.modem.service
    if service.card is SimCard.ABSENT:
        return Reply(error=QmiError.UIM_UNINITIALIZED)
    file = int.from_bytes(request.value(0x02)[:2], "little")
    if file == ICCID_FILE:
        content = swapped(_said(endpoint, "AT+QCCID", "AT+CCID", "AT+ICCID").ljust(20, "f"))
    elif file == IMSI_FILE and service.card is SimCard.READY:
        # TS 31.102 4.2.2: a length, then a nine for "odd number of digits", then the digits.
        content = b"\x08" + swapped("9" + _said(endpoint, "AT+CIMI"))
    else:
        return Reply({0x10: b"\x6a\x82"}, QmiError.INVALID_ARGUMENT)
    return Reply({0x10: b"\x90\0", 0x11: len(content).to_bytes(2, "little") + content})


def swapped(digits: str) -> bytes:
    """Return digits as a card keeps them, two to a byte, the first one in the low half.

    >>> swapped("8901f").hex()
    '9810ff'
    """
    even = digits + "f" * (len(digits) % 2)
    return bytes.fromhex("".join(even[at + 1] + even[at] for at in range(0, len(even), 2)))


TABLE: dict[tuple[ServiceId, int], Answer] = {
    (ServiceId.DMS, 0x0000): _nothing,
    (ServiceId.DMS, 0x0001): _nothing,
    (ServiceId.DMS, 0x0020): _capabilities,
    (ServiceId.DMS, 0x0021): _maker,
    (ServiceId.DMS, 0x0022): _model,
    (ServiceId.DMS, 0x0023): _revision,
    (ServiceId.DMS, 0x0025): _ids,
    (ServiceId.DMS, 0x002D): _mode,
    (ServiceId.DMS, 0x002E): _set_mode,
    # The card is UIM's; what DMS once had for it is refused as these modems refuse it.
    **{(ServiceId.DMS, number): _unsupported for number in (0x0027, 0x0028, 0x002B, 0x003C, 0x0043, 0x0044)},
    (ServiceId.NAS, 0x0000): _nothing,
    (ServiceId.NAS, 0x0002): _nothing,
    (ServiceId.NAS, 0x0003): _nothing,
    (ServiceId.NAS, 0x0020): _signal_strength,
    (ServiceId.NAS, 0x0024): _serving_system,
    (ServiceId.NAS, 0x0025): _home,
    (ServiceId.NAS, 0x004D): _system,
    (ServiceId.NAS, 0x004F): _signal,
    (ServiceId.UIM, 0x0000): _nothing,
    (ServiceId.UIM, 0x0020): _read,
    (ServiceId.UIM, 0x0026): _verify,
    (ServiceId.UIM, 0x002E): _nothing,  # register for indications
    (ServiceId.UIM, 0x002F): _card,
}
