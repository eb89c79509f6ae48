"""What Redis replies, handed on where it arrives.

The client's own way (a stream, a time limit, retries and measures around each reply, and a task
that waits for it) takes longer than all that is done with a reply. Who reads here bounds the time,
and ends a connection that fails.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Self, cast

import structlog
from redis._parsers.hiredis import NOT_ENOUGH_DATA, _AsyncHiredisParser

log = structlog.get_logger(__name__)
_NONE: Final = object()


def is_read_here(connection: Any) -> bool:
    """Whether this connection of the client is open, and read by hiredis."""
    parser = getattr(connection, "_parser", None)
    # One that was cut has no more to say, whatever is left of it: asking that again raises.
    return type(parser) is _AsyncHiredisParser and parser._connected


class Replies(asyncio.Protocol):
    """Has the place of a connection's stream, which still learns whether it takes more and ends.

    `take` is called with each reply, an exception where it is an error, and `ended` at the end.
    Neither may raise.
    """

    def __init__(
        self, connection: Any, take: Callable[[Any], object], ended: Callable[[], object]
    ) -> None:
        self._transport = connection._writer.transport
        self._reader = connection._parser._reader
        self._take = take
        self._ended = ended
        self._former: asyncio.Protocol = self._transport.get_protocol()
        self.is_over = False

    @classmethod
    def of(
        cls, connection: Any, take: Callable[[Any], object], ended: Callable[[], object]
    ) -> Self:
        """Those of a connection that `is_read_here`, from now on."""
        known = connection._writer.transport.get_protocol()
        if isinstance(known, cls):
            return known
        replies = cls(connection, take, ended)
        replies._transport.set_protocol(replies)
        stream = cast("Any", connection._parser._stream)
        # What had come by then.
        came, stream._buffer = bytes(stream._buffer), bytearray()
        stream._maybe_resume_transport()
        replies.data_received(came)
        if stream.at_eof() or stream.exception() is not None:
            replies._is_over_now()
        return replies

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._next()) is not _NONE:
            self._take(reply)

    def _next(self) -> Any:
        try:
            reply = self._reader.gets()
        except Exception as error:
            log.info("redis_not_understood", error=repr(error))
            self._transport.abort()
            return _NONE
        return _NONE if reply is NOT_ENOUGH_DATA else reply

    def eof_received(self) -> bool | None:
        kept = self._former.eof_received()
        self._is_over_now()
        return kept

    def connection_lost(self, exc: Exception | None) -> None:
        self._former.connection_lost(exc)
        self._is_over_now()

    def _is_over_now(self) -> None:
        if not self.is_over:
            self.is_over = True
            self._ended()

    def pause_writing(self) -> None:
        self._former.pause_writing()

    def resume_writing(self) -> None:
        self._former.resume_writing()
