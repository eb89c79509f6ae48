"""Uvicorn's WebSocket connection, and what it lacks.

It offers the ASGI extension ``pneumatic.frames`` (`pneumatic.lib.readyframes`), takes for gone only
who says nothing at all, gives up devices that read nothing of the close, and keeps nothing of the
handshake for the life of a connection.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from pneumatic.lib import readyframes

#: How long the peer may take to answer a close, with all that it has not read before.
CLOSE_SECONDS: Final = 20.0


class _Messages:
    """What asyncio's queue does for one reader, in a tenth of its memory."""

    __slots__ = ("_coming", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[ASGIReceiveEvent] = []
        self._coming: asyncio.Future[None] | None = None

    def put_nowait(self, message: ASGIReceiveEvent) -> None:
        self._waiting.append(message)
        if self._coming is not None and not self._coming.done():
            self._coming.set_result(None)

    async def get(self) -> ASGIReceiveEvent:
        while not self._waiting:
            self._coming = asyncio.get_running_loop().create_future()
            try:
                await self._coming
            finally:
                self._coming = None
        # Few at most: the reader is asked to pause as soon as one waits.
        return self._waiting.pop(0)

    def empty(self) -> bool:
        return not self._waiting


class _Flag:
    """What asyncio's event does for those who wait now and then, in a tenth of its memory."""

    __slots__ = ("_event", "_holds")

    def __init__(self, *, holds: bool) -> None:
        self._holds = holds
        self._event: asyncio.Event | None = None

    def is_set(self) -> bool:
        return self._holds

    def set(self) -> None:
        self._holds = True
        if self._event is not None:
            self._event.set()
            self._event = None

    def clear(self) -> None:
        self._holds = False

    async def wait(self) -> None:
        while not self._holds:
            self._event = self._event or asyncio.Event()
            await self._event.wait()


class FrameProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = _Messages()  # type: ignore[assignment]
        self.writable = _Flag(holds=True)  # type: ignore[assignment]
        self._changed: Callable[[bool], None] | None = None
        self._took = False
        #: Whether a whole message has come since the last ping.
        self._heard = False

    # --- The extension --------------------------------------------------------------------------

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        # A frame that is the same for all can't be compressed as one of them agreed.
        if not self.close_sent and not self.conn.extensions:
            line = readyframes.Line(write=self.transport.write, watch=self._watch)
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[readyframes.EXTENSION] = line

    def _watch(self, changed: Callable[[bool], None]) -> None:
        self._changed = changed
        self._took = self._takes()
        changed(self._took)

    def _takes(self) -> bool:
        return (
            self.handshake_complete
            and not self.close_sent
            and not self.disconnected
            and self.writable.is_set()
            and not self.transport.is_closing()
        )

    def _tell(self) -> None:
        takes = self._takes()
        if takes != self._took and self._changed is not None:
            self._took = takes
            self._changed(takes)

    def _takes_no_more(self) -> None:
        """Told before a close frame is written: nothing may follow that."""
        changed, self._changed = self._changed, None
        if changed is not None and self._took:
            changed(False)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._tell()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._tell()

    # --- Opening and closing --------------------------------------------------------------------

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "websocket.close":
            self._takes_no_more()
            # It waits for no room: who closes on a peer that doesn't read would wait as long.
            self.writable.set()
        await super().send(message)
        if message["type"] == "websocket.accept":
            # For the life of the connection these would hold what a browser said at its beginning.
            del self.request, self.response
            self._tell()
        elif self.close_timer is not None:
            # Uvicorn's own would wait until the peer has read everything, which it may never do.
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def handle_close(self, event: Frame) -> None:
        self._takes_no_more()
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        self._takes_no_more()
        super().handle_parser_exception()

    # --- Is anybody there? ----------------------------------------------------------------------

    def send_receive_event_to_app(self) -> None:
        # Whole messages alone: a frame that comes byte by byte for ever keeps nobody here.
        self._heard = True
        super().send_receive_event_to_app()

    def send_keepalive_ping(self) -> None:
        self._heard = False
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Whoever says nothing is gone: what it has not read is of no use to anybody.

        Who does say something is there, and only behind: the ping waits among all that it has yet
        to read. So is who can't be heard, because we are behind with what it has said before.
        """
        if self._heard or self.read_paused:
            self.pong_timer = None
            self.pending_ping_payload = None
            self.schedule_ping()
            return
        self._takes_no_more()
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def shutdown(self) -> None:
        self._takes_no_more()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._takes_no_more()
        super().connection_lost(exc)
