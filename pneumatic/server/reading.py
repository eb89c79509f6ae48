"""Whole texts, read past the parser of `websockets`: most of what devices say is one frame each."""

from types import CodeType
from typing import Any, Final

from websockets.frames import apply_mask  # type: ignore[attr-defined]
from websockets.protocol import Protocol, State
from websockets.streams import StreamReader

from pneumatic.lib.realtime.readyframes import WHOLE_TEXT

#: Is added to the length of what is masked, as all must be that a client says.
_MASKED: Final = 0x80
#: Says that the length stands in two more bytes; above it, in eight.
_MEDIUM: Final = 126
#: Bytes of the smallest head.
_HEAD: Final = 6
_FRAMES: Final = Protocol.parse.__code__
_FIRST_BYTE: Final = StreamReader.at_eof.__code__


def is_between_messages(conn: Protocol) -> bool:
    """Whether what comes next begins a message, on an open connection that doesn't compress."""
    if conn.state is not State.OPEN or conn.extensions or conn.current_size is not None:
        return False
    # The parser, a generator, waits for the first byte of a frame, or else within one.
    frame = _waits_in(conn.parser)
    return _code_of(frame) is _FRAMES and _code_of(_waits_in(frame)) is _FIRST_BYTE


def next_text(data: bytes, at: int, most: int) -> tuple[bytes, int] | None:
    """The text at this place, and where it ends.

    None where there is something else, where it isn't there whole, or has more bytes than `most`.
    """
    size = len(data)
    if size - at <= _HEAD or data[at] != WHOLE_TEXT:
        return None
    length, mask = data[at + 1] - _MASKED, at + 2
    if length == _MEDIUM:
        length, mask = data[at + 2] << 8 | data[at + 3], at + 4
    elif not 0 <= length < _MEDIUM:
        return None
    begin = mask + 4
    end = begin + length
    if end > size or length > most:
        return None
    return apply_mask(data[begin:end], data[mask:begin]), end


def _waits_in(generator: Any) -> Any:
    return getattr(generator, "gi_yieldfrom", None)


def _code_of(generator: Any) -> CodeType | None:
    return getattr(generator, "gi_code", None)
