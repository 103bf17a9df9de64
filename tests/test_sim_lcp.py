from pppgen.sim import lcp
from pppgen.sim.lcp import CONF_ACK, CONF_REQ, ECHO_REP, ECHO_REQ, TERM_ACK, TERM_REQ, Refusal, framed, unframed

# pppd's first words, as in the user's transcript: asyncmap 0, a magic number, pcomp, accomp.
OPTIONS = bytes.fromhex("0206 00000000 0506 a0977ce5 0702 0802")


def packets(data: bytes) -> list[tuple[int, int, bytes]]:
    return [packet for frame in data.split(b"~") if (packet := unframed(frame))]


def test_lcp_comes_up_and_is_terminated() -> None:
    refusal = Refusal()
    assert packets(refusal.feed(framed(CONF_REQ, 1, OPTIONS))) == [(CONF_ACK, 1, OPTIONS), (CONF_REQ, 1, b"")]
    assert packets(refusal.feed(framed(CONF_ACK, 1))) == [(TERM_REQ, 2, b"")]
    assert not refusal.over
    assert refusal.feed(framed(TERM_ACK, 2)) == b""
    assert refusal.over


def test_the_subscribers_own_terminate_and_echo_are_answered() -> None:
    refusal = Refusal()
    assert packets(refusal.feed(framed(ECHO_REQ, 3, b"\0\0\0\1"))) == [(ECHO_REP, 3, bytes(4))]
    assert packets(refusal.feed(framed(TERM_REQ, 9, b"bye"))) == [(TERM_ACK, 9, b"")]
    assert refusal.over


def test_frames_cut_at_every_byte_are_understood() -> None:
    whole = framed(CONF_REQ, 1, OPTIONS) + framed(CONF_ACK, 1)
    expected = Refusal().feed(whole)
    for cut in range(len(whole)):
        refusal = Refusal()
        assert refusal.feed(whole[:cut]) + refusal.feed(whole[cut:]) == expected


def test_noise_wrong_checks_and_endless_frames_say_nothing_and_keep_nothing() -> None:
    refusal = Refusal()
    turned = bytearray(framed(CONF_REQ, 1, OPTIONS))
    turned[5] ^= 1
    assert refusal.feed(bytes(turned)) == b""
    assert refusal.feed(b"x" * 1_000_000) == b""
    assert len(refusal._rest) <= lcp.FRAME_BOUND
    assert packets(refusal.feed(b"~" + framed(TERM_REQ, 1))) == [(TERM_ACK, 1, b"")]


def test_a_length_beyond_the_frame_is_refused() -> None:
    content = bytes.fromhex("ff03c021") + bytes((CONF_REQ, 1)) + (99).to_bytes(2, "big")
    frame = content + lcp.fcs16(content).to_bytes(2, "little")
    escaped = b"".join(bytes((0x7D, byte ^ 0x20)) if byte < 0x20 else bytes((byte,)) for byte in frame)
    assert unframed(escaped) is None
