"""What one device has sent and this process has received, in order."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

#: Messages that are read while an earlier one is being answered. What comes on top waits in the
#: server's own bounded buffer, and then at the device.
_AHEAD: Final = 32

Message = dict[str, Any]


class Incoming:
    """Reads ahead, so that a device that goes away is noticed while its frames are answered."""

    def __init__(self, receive: Callable[[], Awaitable[Message]], gone: Callable[[], None]) -> None:
        self._receive = receive
        self._gone = gone
        self._read: asyncio.Queue[Message | Exception] = asyncio.Queue(_AHEAD)
        #: The device is gone. What it sent before that is still to come from `next`.
        self.ended = False

    async def run(self) -> None:
        """Read until the device is gone; then `gone` is called."""
        while not self.ended:
            try:
                message = await self._receive()
            except Exception as error:
                await self._read.put(error)
                return
            if message["type"] == "websocket.disconnect":
                self.ended = True
                self._gone()
            await self._read.put(message)

    async def put(self, message: Message) -> None:
        """Let `next` return this after everything that has been received by now."""
        await self._read.put(message)

    async def next(self) -> Any:
        """The oldest message. Raises what the server raised when it was asked for it."""
        message = await self._read.get()
        if isinstance(message, Exception):
            raise message
        return message
