"""What one device has sent and this process has received, in order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from typing import Any, Final

from pneumatic.lib.realtime.readyframes import Line

#: Messages that are read while an earlier one is being answered. What comes on top waits in the
#: server's own bounded buffer, and then at the device.
_AHEAD: Final = 32

Message = dict[str, Any]
Work = Callable[[], Awaitable[None]]


class Incoming:
    """Reads ahead, so that a device that goes away is noticed while its frames are answered.

    What can be answered at once is. A task does the rest, one message after the other, for as long
    as there is any: a device that says nothing has none.
    """

    __slots__ = (
        "_answering",
        "_begin",
        "_context",
        "_gone",
        "_in_hand",
        "_room",
        "_spawn",
        "_waiting",
        "ended",
        "hurry",
    )

    def __init__(
        self,
        begin: Callable[[Message], Work | None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        gone: Callable[[], None],
    ) -> None:
        """`begin` answers a message, or returns what is still to be awaited for that."""
        self._begin = begin
        self._spawn = spawn
        self._gone = gone
        self._waiting: deque[Message] | None = None
        self._answering: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None
        #: Messages that were received and wait for that.
        self._in_hand = 0
        #: The reader's. Each message is begun in it, so that logs and traces know whose it is.
        self._context = copy_context()
        #: To be called when something waits for what is answered now, and takes its time.
        self.hurry: Callable[[], None] | None = None
        #: The device is gone. What it sent before that is still to be answered.
        self.ended = False

    async def run(
        self, receive: Callable[[], Awaitable[Message]], line: Line | None = None
    ) -> Message:
        """Read until the device is gone, and all is answered; how it went.

        When it is gone, `gone` is called. Raises what the server raises when it is asked.
        """
        if line is not None:
            line["listen"](self._take_at_once)
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                await self.put(message)
        except Exception:
            await self._settle()
            raise
        finally:
            if line is not None:
                line["listen"](None)
        self.ended = True
        self._gone()
        await self._settle()
        return message

    async def put(self, message: Message) -> None:
        """Have this answered after everything that has been received by now."""
        while not self._take(message):
            self._room = self._room or asyncio.Event()
            self._room.clear()
            self._in_hand += 1
            try:
                await self._room.wait()
            finally:
                self._in_hand -= 1

    def _take_at_once(self, message: Message) -> bool:
        """As the server reads it; False where others are before it."""
        return not self._in_hand and self._context.run(self._take, message)

    def _take(self, message: Message) -> bool:
        """Unless so many wait for their answers that this one can't even wait for its own."""
        if self._waiting is None:
            rest = self._begin(message)
            if rest is not None:
                self._waiting = deque()
                self._answering = self._spawn(self._answer_all(rest, self._waiting))
            return True
        if len(self._waiting) >= _AHEAD:
            return False
        self._waiting.append(message)
        if self.hurry is not None:
            self.hurry()
        return True

    @property
    def has_more(self) -> bool:
        """Whether something waits for what is answered now."""
        return bool(self._waiting)

    async def _answer_all(self, rest: Work | None, waiting: deque[Message]) -> None:
        try:
            while True:
                if rest is not None:
                    await rest()
                if not waiting:
                    break
                message = waiting.popleft()
                if self._room is not None:
                    self._room.set()
                rest = self._begin(message)
        finally:
            self._waiting = self._answering = None
            if self._room is not None:
                self._room.set()

    async def _settle(self) -> None:
        if self._answering is not None:
            await asyncio.wait([self._answering])
