"""Uvicorn's WebSocket connection, and what it lacks.

It offers the ASGI extension ``pneumatic.frames`` (`pneumatic.lib.realtime.readyframes`), takes for
gone only who says nothing at all, gives up devices that read nothing of the close, and keeps
nothing of the handshake for the life of a connection. What Uvicorn doesn't hand on (pings, pieces
of a message) is counted here: nobody gets to keep a process busy with it, or has pongs pile up
unread.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request
from websockets.protocol import State

from chat import limits
from chat.protocol import Close
from chat.ws.session import Pace
from pneumatic.lib import health
from pneumatic.lib.realtime import readyframes
from pneumatic.server.due import Due, rounds
from pneumatic.server.messages import Flag, Messages
from pneumatic.server.reading import is_between_messages, next_text

#: How long the peer may take to answer a close, with all that it has not read before.
CLOSE_SECONDS: Final = 20.0
#: Messages that wait to be taken, at which no more is read.
READ_AHEAD: Final = 4
#: Bytes that are parsed at once. One read may bring 256 KiB, which can be 43,000 frames.
PIECE: Final = 4_096
#: Frames of any kind, as a multiple of the texts that a device may send. Too many texts are the
#: consumer's to refuse, in their turn; here it ends for frames that never come so far.
FRAMES: Final = 10
#: Pieces of one message. The empty ones count for nothing in its size.
FRAGMENTS: Final = 1_000


class FrameProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._messages = Messages()
        self.queue = self._messages  # type: ignore[assignment]
        self.writable = Flag(holds=True)  # type: ignore[assignment]
        self._changed: Callable[[bool | None], None] | None = None
        self._took = False
        #: As the parser has had nothing since: to ask it takes longer than to read most texts.
        self._is_between = False
        #: In which it is asked whether it is still there, unless it has spoken by then.
        self._round: set[Due] | None = None
        #: When the last whole message came.
        self._heard_at = self.loop.time()
        self._pace = Pace(times=FRAMES)

    # --- What comes -----------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        size = len(data)
        self._is_between = self._is_between or is_between_messages(self.conn)
        done = self._take_texts(data) if self._is_between else 0
        if done == size:
            return
        self._is_between = False
        for at in range(done, size, PIECE):
            super().data_received(data[at : at + PIECE])
            if self.transport.is_closing():
                return

    def _take_texts(self, data: bytes) -> int:
        """Take whole texts of one frame each, as most are; how many bytes these were.

        The parser takes several times as long. It has the rest, and whatever is wrong.
        """
        at = 0
        while self.conn.state is State.OPEN and (
            found := next_text(data, at, self.config.ws_max_size)
        ):
            payload, at = found
            self.curr_msg_data_type = "text"
            self.frames = [payload]
            self.send_receive_event_to_app()
            if self.transport.is_closing():
                return len(data)
        return at

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        if len(self.frames) > FRAGMENTS:
            self._give_up(CloseCode.MESSAGE_TOO_BIG)
        self._count()

    def handle_ping(self) -> None:
        super().handle_ping()
        self._count()
        if self.transport.get_write_buffer_size() > limits.OUTBOUND_BYTES:
            # It asks on and on and reads none of the answers: nor would it read a close.
            self.transport.abort()

    def handle_pong(self, event: Frame) -> None:
        super().handle_pong(event)
        self._count()

    def _count(self) -> None:
        if not self._pace.allows(self.loop.time()):
            self._give_up(Close.TOO_MANY)

    def _give_up(self, code: int) -> None:
        """Close at once, without an answer to the rest of what was read."""
        if self.conn.state is State.OPEN:
            self.conn.fail(int(code))
            self.handle_parser_exception()
        elif self.close_sent:
            # It has been told. What it goes on sending may wait for the end of the connection.
            self.transport.pause_reading()
        else:
            # It didn't wait for the end of the handshake.
            self.transport.abort()

    # --- The extension --------------------------------------------------------------------------

    def handle_connect(self, event: Request) -> None:
        if health.is_draining():
            self._send_elsewhere()
            return
        super().handle_connect(event)
        # A frame that is the same for all can't be compressed as one of them agreed.
        if not self.close_sent and not self.conn.extensions:
            line = readyframes.Line(
                write=self.transport.write, watch=self._watch, listen=self._messages.listen
            )
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[readyframes.EXTENSION] = line

    def _send_elsewhere(self) -> None:
        """Before the handshake: a proxy may ask another process, of which the device sees nothing.

        Else it comes back, as after any other handshake that failed.
        """
        response = self.conn.reject(HTTPStatus.SERVICE_UNAVAILABLE, "This process stops.\n")
        response.headers["Retry-After"] = "1"
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        self.conn.send_response(response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def _watch(self, changed: Callable[[bool | None], None]) -> None:
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
        if changed is not None:
            changed(None)

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
        self._heard_at = self.loop.time()
        # Uvicorn's own stops reading at each message, and goes on when it is taken: for most that
        # is at once, and each time it tells the kernel twice.
        paused, self.read_paused = self.read_paused, True
        super().send_receive_event_to_app()
        self.read_paused = paused
        if not paused and len(self._messages) >= READ_AHEAD:
            self.read_paused = True
            self.transport.pause_reading()
        self._count()

    def schedule_ping(self) -> None:
        """Ask who has said nothing for so long; heartbeats come faster, and ask for nothing."""
        due = max(self._heard_at, self.ping_sent_at) + (self.ping_interval or 0.0)
        self._round = rounds().join(self, due)

    def is_due(self) -> None:
        self._round = None
        if self._heard_at + (self.ping_interval or 0.0) > self.loop.time():
            self.schedule_ping()  # It has spoken since.
        else:
            self.send_keepalive_ping()

    def stop_keepalive(self) -> None:
        if self._round is not None:
            self._round.discard(self)
            self._round = None
        super().stop_keepalive()

    def keepalive_timeout(self) -> None:
        """Whoever says nothing is gone: what it has not read is of no use to anybody.

        Who does say something is there, and only behind: the ping waits among all that it has yet
        to read. So is who can't be heard, because we are behind with what it has said before.
        """
        if self.read_paused or self._heard_at >= self.ping_sent_at:
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
