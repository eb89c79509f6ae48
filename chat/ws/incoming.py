"""What one device has sent and this process has received, in order."""

import asyncio
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
    as there is any: a device that says nothing has none, nor one whose answer comes by itself
    (`hold`).
    """

    __slots__ = (
        "_answering",
        "_begin",
        "_context",
        "_gone",
        "_held",
        "_hurry",
        "_in_hand",
        "_moved",
        "_spawn",
        "_waiting",
        "ended",
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
        #: Few at most. None while nothing is being answered.
        self._waiting: list[Message] | None = None
        self._answering: asyncio.Task[None] | None = None
        self._held = False
        self._hurry: Callable[[], None] | None = None
        #: For those who wait until there is room, or nothing is held.
        self._moved: asyncio.Event | None = None
        #: Messages that were received and wait for that.
        self._in_hand = 0
        #: The reader's. Each message is begun in it, so that logs and traces know whose it is.
        self._context = copy_context()
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
            self._in_hand += 1
            try:
                await self._next_move()
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
                self._go_on(rest)
            elif self._held:
                self._waiting = []
            return True
        if len(self._waiting) >= _AHEAD:
            return False
        self._waiting.append(message)
        if self._hurry is not None:
            self._hurry()
        return True

    def hold(self, hurry: Callable[[], None] | None = None) -> None:
        """Let all that follows wait until `release`: what is being begun is answered by then.

        To be called by `begin` alone. `hurry` is called when something does wait.
        """
        self._held = True
        self._hurry = hurry
        if self._waiting and hurry is not None:
            hurry()

    def release(self, rest: Work | None = None) -> None:
        """What was held has been answered, but for this; then what waited is."""
        self._held = False
        self._hurry = None
        if rest is not None or self._waiting:
            self._go_on(rest)
        else:
            self._waiting = None
        self._move()

    def _go_on(self, rest: Work | None) -> None:
        waiting = self._waiting = self._waiting or []
        self._answering = self._spawn(self._answer_all(rest, waiting))

    async def _answer_all(self, rest: Work | None, waiting: list[Message]) -> None:
        try:
            while True:
                if rest is not None:
                    await rest()
                if self._held or not waiting:
                    break
                message = waiting.pop(0)
                self._move()
                rest = self._begin(message)
        finally:
            self._answering = None
            if not self._held:
                self._waiting = None
            self._move()

    def _move(self) -> None:
        if self._moved is not None:
            self._moved.set()

    async def _next_move(self) -> None:
        self._moved = self._moved or asyncio.Event()
        self._moved.clear()
        await self._moved.wait()

    async def _settle(self) -> None:
        while self._held or self._answering is not None:
            if self._answering is not None:
                await asyncio.wait([self._answering])
            else:
                await self._next_move()
