"""QMUX frames and the QMI messages in them: bytes to values and back.

One frame: marker 1, length (of all that follows the marker), sender flags, service, client; then the message: flags,
transaction (one byte in CTL, two elsewhere), id, length, and TLVs of type, length and value. All little-endian.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

MARKER = 0x01
FROM_SERVICE = 0x80  # in the flags after the length
FRAME_BOUND = 4096  # qmi_wwan's own bound for one control message (usb_cdc_wdm_register)
RESULT = 0x02  # the TLV that every response has


class ServiceId(IntEnum):
    """The services that this modem has."""

    CTL = 0x00
    WDS = 0x01  # wireless data: calls
    DMS = 0x02  # device management: who it is
    NAS = 0x03  # network access: registration, signal
    UIM = 0x0B  # the card
    WDA = 0x1A  # wireless data administration: framing


class Kind(IntEnum):
    """What a message is; on the wire twice that, except in CTL."""

    REQUEST = 0
    RESPONSE = 1
    INDICATION = 2


class QmiError(IntEnum):
    """Why a request failed."""

    NONE = 0
    MALFORMED_MESSAGE = 1
    CLIENT_IDS_EXHAUSTED = 5
    INVALID_CLIENT_ID = 7
    INVALID_HANDLE = 9
    INVALID_PROFILE = 10
    INCORRECT_PIN = 12
    CALL_FAILED = 14
    OUT_OF_CALL = 15
    MISSING_ARGUMENT = 17
    NO_EFFECT = 26
    INVALID_SERVICE_TYPE = 31
    PIN_BLOCKED = 35
    UIM_UNINITIALIZED = 37
    INVALID_ARGUMENT = 48
    DEVICE_NOT_READY = 52
    INVALID_OPERATION = 70
    INVALID_QMI_COMMAND = 71
    INFORMATION_UNAVAILABLE = 74
    NOT_SUPPORTED = 94


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a client, or to it."""

    service: int
    client: int
    kind: Kind
    transaction: int
    number: int
    values: dict[int, bytes]

    def value(self, kind: int) -> bytes:
        """Return the value of a TLV, empty when it is not there."""
        return self.values.get(kind, b"")

    def number_of(self, kind: int) -> int | None:
        """Return the value of a TLV as one little-endian number, `None` when it is not there or empty."""
        value = self.values.get(kind, b"")
        return int.from_bytes(value, "little") if value else None


class Malformed(ValueError):
    """The bytes are no QMUX frame."""


def decode(frame: bytes) -> Message:
    """Return the message of one whole frame.

    >>> decode(bytes.fromhex("01 0b 00 00 00 00 00 07 27 00 00 00")).number == 0x27
    True

    Raises:
        Malformed: a length does not fit, or the marker is missing.
    """
    try:
        marker, length, _sender, service, client = struct.unpack_from("<BHBBB", frame)
        if marker != MARKER or length != len(frame) - 1 or len(frame) > FRAME_BOUND:
            raise Malformed(f"no QMUX frame of {len(frame)} bytes")
        head = "<BBHH" if service == ServiceId.CTL else "<BHHH"
        flags, transaction, number, size = struct.unpack_from(head, frame, 6)
        body = frame[6 + struct.calcsize(head) :]
        kind = Kind(flags if service == ServiceId.CTL else flags >> 1)
    except (struct.error, ValueError) as error:
        raise Malformed(str(error)) from error
    if size != len(body):
        raise Malformed(f"{len(body)} bytes of TLVs where {size} are told")
    return Message(service, client, kind, transaction, number, _tlvs(body))


def _tlvs(body: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(body):
        if at + 3 > len(body):
            raise Malformed("a TLV without a length")
        kind, length = struct.unpack_from("<BH", body, at)
        at += 3
        if at + length > len(body):
            raise Malformed("a TLV longer than the message")
        found[kind] = body[at : at + length]
        at += length
    return found


def encode(message: Message) -> bytes:
    """Return a message as a frame.

    >>> request = Message(ServiceId.CTL, 0, Kind.REQUEST, 7, 0x0027, {})
    >>> encode(request).hex(" ")
    '01 0b 00 00 00 00 00 07 27 00 00 00'
    >>> decode(encode(request)) == request
    True
    """
    body = b"".join(struct.pack("<BH", kind, len(value)) + value for kind, value in message.values.items())
    if message.service == ServiceId.CTL:
        head = struct.pack("<BBHH", message.kind, message.transaction, message.number, len(body))
    else:
        head = struct.pack("<BHHH", message.kind << 1, message.transaction, message.number, len(body))
    sender = 0 if message.kind is Kind.REQUEST else FROM_SERVICE
    whole = struct.pack("<BBB", sender, message.service, message.client) + head + body
    return struct.pack("<BH", MARKER, len(whole) + 2) + whole


def text(value: str) -> bytes:
    """Return a string as it stands inside a structure: its length, then its bytes."""
    return bytes((len(value),)) + value.encode("latin-1", "replace")


def address(dotted: str) -> bytes:
    """Return an IPv4 address as QMI has it, lowest byte first.

    >>> address("100.64.12.89").hex(".")
    '59.0c.40.64'
    """
    return bytes(int(each) for each in reversed(dotted.split(".")))
