"""The AT language: bytes to replies, replies to values, and a client that asks over a link."""
