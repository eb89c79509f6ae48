"""WebSocket frames that are made once and written to many connections as they are.

And, the other way, messages that are taken as soon as they are read.

A server that can do that offers the ASGI extension ``pneumatic.frames`` in
``scope["extensions"]``; ours does (`pneumatic.server.websocket`). On any other server one sends
texts, and the server frames each of them once a connection.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any, Final, TypedDict, cast

#: The first byte of a text frame that is the last of its message.
WHOLE_TEXT: Final = 0x81
_SHORT: Final = Struct("!BBH")
_LONG: Final = Struct("!BBQ")
EXTENSION: Final = "pneumatic.frames"


class Line(TypedDict):
    """The extension's value: how to write to one connection."""

    #: Writes whole frames, at once and in order with what is sent the ordinary way. To be called
    #: in the event loop, and only while the connection takes frames: nothing else bounds it.
    write: Callable[[bytes], None]
    #: Calls back, at once and with each change, with whether the connection takes frames: the
    #: handshake is done, nobody has closed it, and the peer reads fast enough. None: never again.
    watch: Callable[[Callable[[bool | None], None]], None]
    #: Has this asked for each message that comes while none waits to be received: where it returns
    #: True, it has taken the message. None: all of them wait to be received, as at first.
    listen: Callable[[Callable[[dict[str, Any]], bool] | None], None]


def line_of(scope: dict[str, Any]) -> Line | None:
    """What the server offers for this connection; None: nothing but the ordinary way."""
    return cast("Line | None", (scope.get("extensions") or {}).get(EXTENSION))


def text_frame(text: str) -> bytes:
    """The bytes of one unfragmented, unmasked, uncompressed text frame (RFC 6455, 5.2)."""
    payload = text.encode()
    size = len(payload)
    # By hand: what websockets does for frames of any kind takes ten times as long.
    if size < 126:
        return bytes((WHOLE_TEXT, size)) + payload
    if size < 65_536:
        return _SHORT.pack(WHOLE_TEXT, 126, size) + payload
    return _LONG.pack(WHOLE_TEXT, 127, size) + payload
