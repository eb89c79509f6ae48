"""Counting events in the bytes of one connection, whatever frames and reads they come in."""

from typing import Final

#: How a server's encoder begins these events. A body can't hold them: there quotes are escaped.
MESSAGE: Final = b'"type":"message"'
ACK: Final = b'"type":"ack"'
ERROR: Final = b'"type":"error"'
SYNCED: Final = b'"type":"synced"'
#: Before the 16 hexadecimal digits of when a sampled message was sent: the beginning of its body.
#: The quote is part of it, because a frame's header may hold two tildes (as a length of 32,382).
STAMP: Final = b'"~~'
#: The same of XMPP's stanzas, where a body can't hold a tag's bracket nor the quote that Prosody
#: writes around attributes.
STANZA: Final = b"<body>"
STANZA_ERROR: Final = b"type='error'"
STANZA_STAMP: Final = b"<body>~~"
_STAMP_DIGITS: Final = 16
_LONGEST: Final = len(MESSAGE)


class Edge:
    """The last bytes of a read, for what begins there and ends in the next."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b""

    def count(self, mark: bytes, data: bytearray, size: int) -> int:
        """How often ``mark`` begins in an earlier read and ends in this one."""
        if not self._tail:
            return 0
        part = len(mark) - 1
        return (self._tail[-part:] + data[: min(part, size)]).count(mark)

    def keep(self, data: bytearray, size: int) -> None:
        """Remember the end of this read; the next one continues it."""
        self._tail = (self._tail + data[max(0, size - _LONGEST) : size])[-_LONGEST:]

    def clear(self) -> None:
        self._tail = b""


def stamp(nanoseconds: int) -> str:
    """The beginning of a sampled message's body."""
    return f"{STAMP[1:].decode()}{nanoseconds:0{_STAMP_DIGITS}x}"


def stamps(data: bytearray, size: int, mark: bytes = STAMP) -> list[int]:
    """The times in the stamps of this read. One that is cut in two is left out: it's a sample."""
    found: list[int] = []
    at = data.find(mark, 0, size)
    while 0 <= at <= size - len(mark) - _STAMP_DIGITS:
        start = at + len(mark)
        found.append(int(data[start : start + _STAMP_DIGITS], 16))
        at = data.find(mark, start + _STAMP_DIGITS, size)
    return found
