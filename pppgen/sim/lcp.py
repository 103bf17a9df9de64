"""A call that the network refuses, as PPP shows it: LCP, which ends in the module, comes up and is terminated at once.

Just enough of RFC 1661 and 1662 for that; nothing here reads a clock.
"""

from dataclasses import dataclass, field

FLAG, ESCAPE = 0x7E, 0x7D
HEAD = b"\xff\x03\xc0\x21"  # all stations, unnumbered information, LCP
CONF_REQ, CONF_ACK, TERM_REQ, TERM_ACK, ECHO_REQ, ECHO_REP = 1, 2, 5, 6, 9, 10
OUR_REQUEST, OUR_TERMINATE = 1, 2  # identifiers
FRAME_BOUND = 4096  # twice a default MRU of 1500 with each byte escaped, and some


def fcs16(content: bytes) -> int:
    """Return the frame check sequence of RFC 1662, appendix C.

    >>> hex(fcs16(b"123456789"))
    '0x906e'
    """
    fcs = 0xFFFF
    for byte in content:
        fcs ^= byte
        for _ in range(8):
            fcs = (fcs >> 1) ^ 0x8408 if fcs & 1 else fcs >> 1
    return fcs ^ 0xFFFF


def framed(code: int, identifier: int, data: bytes = b"") -> bytes:
    """Return an LCP packet as it stands on the line, with every control character escaped.

    >>> framed(TERM_REQ, 2).hex(" ")
    '7e ff 7d 23 c0 21 7d 25 7d 22 7d 20 7d 24 59 28 7e'
    """
    content = HEAD + bytes((code, identifier)) + (4 + len(data)).to_bytes(2, "big") + data
    content += fcs16(content).to_bytes(2, "little")
    escaped = (
        bytes((ESCAPE, byte ^ 0x20)) if byte < 0x20 or byte in {FLAG, ESCAPE} else bytes((byte,)) for byte in content
    )
    return bytes((FLAG,)) + b"".join(escaped) + bytes((FLAG,))


def unframed(frame: bytes) -> tuple[int, int, bytes] | None:
    """Return code, identifier and data of an LCP packet between two flags; `None` for anything else.

    >>> unframed(framed(CONF_ACK, 7, b"ab")[1:-1])
    (2, 7, b'ab')
    >>> unframed(b"noise") is None
    True
    """
    out = bytearray()
    escaped = False
    for byte in frame:
        if byte == ESCAPE and not escaped:
            escaped = True
        else:
            out.append(byte ^ 0x20 if escaped else byte)
            escaped = False
    content, check = bytes(out[:-2]), bytes(out[-2:])
    if not content.startswith(HEAD) or len(content) < 8 or fcs16(content) != int.from_bytes(check, "little"):
        return None
    length = int.from_bytes(content[6:8], "big")
    return (content[4], content[5], content[8 : 4 + length]) if 4 <= length <= len(content) - 4 else None


@dataclass(slots=True)
class Refusal:
    """The module's side of such a call; `over` once the subscriber has taken the terminate."""

    over: bool = False
    _rest: bytearray = field(default_factory=bytearray)
    _asked: bool = False
    _ours: bool = False  # our request was acknowledged
    _theirs: bool = False  # we acknowledged theirs

    def feed(self, data: bytes) -> bytes:
        """Take the subscriber's bytes, return what the module says to them."""
        self._rest += data
        *frames, rest = bytes(self._rest).split(bytes((FLAG,)))
        self._rest = bytearray(rest[:FRAME_BOUND])
        packets = (unframed(frame) for frame in frames)
        return b"".join(self._answer(*packet) for packet in packets if packet is not None)

    def _answer(self, code: int, identifier: int, data: bytes) -> bytes:
        answer = b""
        if code == CONF_REQ:
            answer = framed(CONF_ACK, identifier, data)
            if not self._asked:
                answer += framed(CONF_REQ, OUR_REQUEST)
            self._asked, self._theirs = True, True
        elif code == CONF_ACK and identifier == OUR_REQUEST:
            self._ours = True
        elif code == ECHO_REQ:
            return framed(ECHO_REP, identifier, bytes(4) + data[4:])
        elif code == TERM_REQ:
            self.over = True
            return framed(TERM_ACK, identifier)
        elif code == TERM_ACK:
            self.over = True
            return b""
        if self._ours and self._theirs:
            answer += framed(TERM_REQ, OUR_TERMINATE)
        return answer
