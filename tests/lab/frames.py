"""PPP frames in a stream of bytes (RFC 1662), as far as the simulated radio has to look into them. Pure."""

from dataclasses import dataclass, field

FLAG = 0x7E
ESCAPE = 0x7D
BOUND = 8192  # twice the longest frame when each byte is escaped, at an MRU of 1500, and some
IP = frozenset({0x0021, 0x0057})
CHAP = 0xC223
IPCP = 0x8021
IPCP_NAK, IPCP_ADDRESS = 3, 3
CHAP_SUCCESS, CHAP_FAILURE = 3, 4


@dataclass(slots=True)
class Splitter:
    """Cuts a stream after each flag; what comes before the first flag is given on as it is."""

    rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the whole frames so far, each with its closing flag.

        >>> splitter = Splitter()
        >>> splitter.feed(b"~one~tw"), splitter.feed(b"o~")
        ([b'~', b'one~'], [b'two~'])
        """
        self.rest += data
        *whole, rest = bytes(self.rest).split(b"~")
        if len(rest) > BOUND:
            whole, rest = [bytes(self.rest)], b""
            self.rest.clear()
            return whole
        self.rest = bytearray(rest)
        return [each + b"~" for each in whole]


def unescape(frame: bytes) -> bytes:
    """Return the frame's content: no flag, no escapes, FCS still at its end.

    >>> unescape(bytes([0xFF, 0x7D, 0x23, 0xC0, 0x7E])).hex()
    'ff03c0'
    """
    out = bytearray()
    escaped = False
    for byte in frame:
        if byte == FLAG:
            continue
        if byte == ESCAPE:
            escaped = True
            continue
        out.append(byte ^ 0x20 if escaped else byte)
        escaped = False
    return bytes(out)


def escape(content: bytes) -> bytes:
    """Return content as a frame with its closing flag; everything that any async map could want is escaped.

    >>> escape(bytes([0xFF, 0x03, 0xC0])).hex()
    'ff7d23c07e'
    """
    out = bytearray()
    for byte in content:
        if byte < 0x20 or byte in {FLAG, ESCAPE}:
            out += bytes((ESCAPE, byte ^ 0x20))
        else:
            out.append(byte)
    out.append(FLAG)
    return bytes(out)


def protocol(content: bytes) -> int | None:
    """Return the protocol number of unescaped content, with or without address, control and the long form.

    >>> hex(protocol(bytes.fromhex("ff03c021"))), hex(protocol(bytes.fromhex("2145")))
    ('0xc021', '0x21')
    """
    body = content[2:] if content[:2] == b"\xff\x03" else content
    if not body:
        return None
    if body[0] & 1:
        return body[0]
    return int.from_bytes(body[:2], "big") if len(body) > 1 else None


def carries_ip(frame: bytes) -> bool:
    """Whether a frame as it stands on the line holds an IPv4 or IPv6 packet."""
    return protocol(unescape(frame)) in IP


def fcs16(content: bytes) -> int:
    """Return the frame check sequence of RFC 1662 appendix C over content without FCS.

    >>> hex(fcs16(b"123456789"))
    '0x906e'
    """
    fcs = 0xFFFF
    for byte in content:
        fcs ^= byte
        for _ in range(8):
            fcs = (fcs >> 1) ^ 0x8408 if fcs & 1 else fcs >> 1
    return fcs ^ 0xFFFF


def rewritten(frame: bytes, content: bytes) -> bytes:
    """Return content (without FCS) as a frame; `frame` is what it was before, and comes back if nothing changed."""
    return frame if content == unescape(frame)[:-2] else escape(content + fcs16(content).to_bytes(2, "little"))


def pardon(frame: bytes) -> bytes:
    """Return a CHAP Failure as a CHAP Success, every other frame as it is.

    What follows is the authenticator's own terminate: so wrong credentials look on many a carrier.

    >>> failure = bytes.fromhex("ff03c22304010004")
    >>> unescape(pardon(escape(failure + b"..")))[:5].hex()
    'ff03c22303'
    """
    content = unescape(frame)[:-2]
    if protocol(content) != CHAP:
        return frame
    at = content.index(b"\xc2\x23") + 2
    if content[at] != CHAP_FAILURE:
        return frame
    return rewritten(frame, content[:at] + bytes((CHAP_SUCCESS,)) + content[at + 1 :])


def unasked(frame: bytes) -> bytes:
    """Return a client's IPCP Nak that proposes an address to the network's end as a Nak that proposes nothing.

    Cellular modems tell no address of their own and heed no proposal: the client gives up and invents a remote address
    (10.64.64.64). The operator's pppd would heed the proposal and tell his address after all.

    >>> nak = bytes.fromhex("ff038021" "0301000a" "030600000000")
    >>> unescape(unasked(escape(nak + b"..")))[:-2].hex()
    'ff03802103010004'
    """
    content = unescape(frame)[:-2]
    if protocol(content) != IPCP:
        return frame
    at = content.index(b"\x80\x21") + 2
    if content[at] != IPCP_NAK or content[at + 4 : at + 5] != bytes((IPCP_ADDRESS,)):
        return frame
    return rewritten(frame, content[: at + 2] + b"\0\4")
