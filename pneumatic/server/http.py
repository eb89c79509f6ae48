"""HTTP as Uvicorn speaks it, with an end to how long a request may take to arrive."""

import asyncio
from functools import partial
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pneumatic.lib.fewaturn import FewATurn
from pneumatic.lib.perloop import PerLoop

#: Bytes of a request's line and headers, or of what stands beside a body (trailers, what chunks
#: say of themselves). Give or take one piece. As of Uvicorn's other parser; Nginx takes half of it.
HEAD_BYTES: Final = 65_536
#: How long they may take, in seconds.
HEAD_SECONDS: Final = 20.0
#: How long a body may take after them, in seconds; the largest needs 19 kB a second.
BODY_SECONDS: Final = 60.0
#: Bytes that the parser gets at once. One read may bring 256 KiB, of many requests.
PIECE: Final = 16_384
#: Connections whose first words are taken in one turn of the event loop, 0.1 to 0.2 ms each. A
#: thousand devices that come back at the same moment may say theirs all at once.
BEGINNINGS_A_TURN: Final = 5

_beginnings = PerLoop(lambda: FewATurn(BEGINNINGS_A_TURN))


class HeadProtocol(HttpToolsProtocol):
    """Uvicorn's own lets headers and bodies come for as long as their sender likes."""

    #: Bytes that were read since the request began, or since the last of its body.
    _beside: int = 0
    #: Bytes of its complete headers.
    _told: int = 0
    _timer: asyncio.TimerHandle | None = None
    _begun = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # What is long isn't kept while it waits: few requests are, and no handshake of a device.
        if self._begun or len(data) > PIECE or (beginnings := _beginnings.get()).takes():
            self._begun = True
            self._take(data)
        else:
            self.transport.pause_reading()
            beginnings.wait(partial(self._begin, data))

    def _begin(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self._begun = True
            self.transport.resume_reading()
            self._take(data)

    def _take(self, data: bytes) -> None:
        for at in range(0, len(data), PIECE):
            piece = data[at : at + PIECE]
            super().data_received(piece)
            # What follows an upgrade is for nobody, as with Uvicorn's own.
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                return
            # What isn't complete (a header, a trailer) is told to no callback.
            self._beside += len(piece)
            if self._beside > HEAD_BYTES:
                self.send_400_response("The headers are too large.")
                return
        if self._timer is None and self.timeout_keep_alive_task is None and self._answered:
            # Line ends before a request are no part of it, and have ended the wait for it.
            self._wait(HEAD_SECONDS)

    @property
    def _answered(self) -> bool:
        return bool(self.cycle.response_complete)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait_for_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._told += len(name) + len(value) + 4
        if self._told > HEAD_BYTES:
            # The parser makes an error of its own of it, which is answered with 400.
            raise ValueError("The headers are too large.")

    def on_headers_complete(self) -> None:
        self._wait(BODY_SECONDS)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._beside = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        # Also called for a request that has no body, and for one that becomes a WebSocket.
        self._stop_waiting()
        super().on_message_complete()

    def _wait_for_head(self) -> None:
        self._beside, self._told = 0, 0
        self._wait(HEAD_SECONDS)

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
