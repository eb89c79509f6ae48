"""RFC 6455 as far as a client needs it; no I/O."""

import base64
import os
from typing import Final, NamedTuple

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
_FINAL: Final = 0x80
_MASKED: Final = 0x80
_SHORT: Final = 126
_MEDIUM: Final = 127


class Header(NamedTuple):
    opcode: int
    #: Where its payload begins and ends in the buffer that was looked at; the end may lie beyond.
    start: int
    end: int


def header(data: bytes | bytearray, at: int, until: int) -> Header | None:
    """The frame header at this place; None where it isn't there whole.

    Of a client's frame, the mask stands before the payload and is not part of its size.
    """
    if until - at < 2:
        return None
    size = data[at + 1] & 0x7F
    if size < _SHORT:
        start = at + 2
    elif size == _SHORT:
        start = at + 4
        if start > until:
            return None
        size = data[at + 2] << 8 | data[at + 3]
    else:
        start = at + 10
        if start > until:
            return None
        size = int.from_bytes(data[at + 2 : start])
    return Header(data[at] & 0xF, start, start + size)


def frame(opcode: int, payload: bytes, mask: bytes | None = None) -> bytes:
    """A whole client's frame, masked as it must be (with four random bytes)."""
    mask = mask or os.urandom(4)
    size = len(payload)
    if size < _SHORT:
        head = bytes((_FINAL | opcode, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((_FINAL | opcode, _MASKED | _SHORT)) + size.to_bytes(2)
    else:
        head = bytes((_FINAL | opcode, _MASKED | _MEDIUM)) + size.to_bytes(8)
    # As one large number: the fastest way that plain Python has.
    key = int.from_bytes((mask * (size // 4 + 1))[:size])
    return head + mask + (int.from_bytes(payload) ^ key).to_bytes(size)


def upgrade(host: str, path: str, protocol: str | None) -> bytes:
    """The request that opens a socket."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
    ]
    if protocol:
        lines.append(f"Sec-WebSocket-Protocol: {protocol}")
    return "\r\n".join([*lines, "", ""]).encode()
