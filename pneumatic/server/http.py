"""HTTP as Uvicorn speaks it, with an end to how long a request may take to arrive."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes of a request's line and headers, give or take what one read brings. As of Uvicorn's other
#: parser; Nginx takes half of it.
HEAD_BYTES: Final = 65_536
#: How long they may take, in seconds.
HEAD_SECONDS: Final = 20.0
#: How long a body may take after them, in seconds; the largest needs 19 kB a second.
BODY_SECONDS: Final = 60.0


class HeadProtocol(HttpToolsProtocol):
    """Uvicorn's own lets headers and bodies come for as long as their sender likes."""

    #: Bytes of it that were read, and of its complete headers.
    _head: int = 0
    _told: int = 0
    _in_head: bool = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            # A header that isn't complete is told to no callback.
            self._head += len(data)
            if self._head > HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The headers are too large.")

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
        self._in_head = False
        self._wait(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        # Also called for a request that has no body, and for one that becomes a WebSocket.
        self._stop_waiting()
        super().on_message_complete()

    def _wait_for_head(self) -> None:
        self._head, self._told, self._in_head = 0, 0, True
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
