"""What one device has sent and this process has received, in order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

#: Messages that are read while an earlier one is being answered. What comes on top waits in the
#: server's own bounded buffer, and then at the device.
_AHEAD: Final = 32

Message = dict[str, Any]


class Incoming:
    """Reads ahead, so that a device that goes away is noticed while its frames are answered.

    A task answers what has been read, one message after the other, for as long as there is any:
    a device that says nothing has none.
    """

    __slots__ = ("_answer", "_answering", "_gone", "_room", "_spawn", "_waiting", "ended")

    def __init__(
        self,
        answer: Callable[[Message], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        gone: Callable[[], None],
    ) -> None:
        self._answer = answer
        self._spawn = spawn
        self._gone = gone
        self._waiting: deque[Message] | None = None
        self._answering: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None
        #: The device is gone. What it sent before that is still to be answered.
        self.ended = False

    async def run(self, receive: Callable[[], Awaitable[Message]]) -> Message:
        """Read until the device is gone, and all is answered; how it went.

        When it is gone, `gone` is called. Raises what the server raises when it is asked.
        """
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                await self.put(message)
        except Exception:
            await self._settle()
            raise
        self.ended = True
        self._gone()
        await self._settle()
        return message

    async def put(self, message: Message) -> None:
        """Have this answered after everything that has been received by now."""
        while self._waiting is not None and len(self._waiting) >= _AHEAD:
            self._room = self._room or asyncio.Event()
            self._room.clear()
            await self._room.wait()
        if self._waiting is None:
            self._waiting = deque((message,))
            self._answering = self._spawn(self._answer_all(self._waiting))
        else:
            self._waiting.append(message)

    async def _answer_all(self, waiting: deque[Message]) -> None:
        try:
            while waiting:
                message = waiting.popleft()
                if self._room is not None:
                    self._room.set()
                await self._answer(message)
        finally:
            self._waiting = self._answering = None
            if self._room is not None:
                self._room.set()

    async def _settle(self) -> None:
        if self._answering is not None:
            await asyncio.wait([self._answering])
