"""Devices that are gone leave what they were in: a few at a time, where many go at once.

Where a network is cut, most are back within seconds. They overtake those who wait here: then nobody
is told of either, and no group is left and joined again.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from chat.actions.presence import going
from chat.ws.hub import hub
from chat.ws.rooms import Socket
from pneumatic.lib import health
from pneumatic.lib.perloop import PerLoop

#: Devices that leave together, of a few; of many a hundredth of those who wait.
_TOGETHER: Final = 10
_PARTS: Final = 100
#: Seconds between those and the next. So the last of a thousand leaves after some 2 s, and where
#: a call of Redis takes 0.2 s, after some 20 s, which is half of what their leases last.
_BETWEEN_SECONDS: Final = 0.02


class Leaving:
    """One event loop's."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Socket, asyncio.Future[None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def leave(self, socket: Socket) -> None:
        """Return once the socket is in nothing any more, and its person as good as gone.

        Whoever gives up waiting for that leaves all the same.
        """
        loop = asyncio.get_running_loop()
        left: asyncio.Future[None] = loop.create_future()
        self._waiting.append((socket, left))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._run())
        await left

    async def _run(self) -> None:
        try:
            while self._waiting:
                many = max(_TOGETHER, len(self._waiting) // _PARTS)
                some = [self._waiting.popleft() for _ in range(min(many, len(self._waiting)))]
                await self._leave(some)
                # Nobody comes back to a process that drains, and its time is short.
                if self._waiting and not health.is_draining():
                    await asyncio.sleep(_BETWEEN_SECONDS)
        finally:
            # The event loop ends. Nobody shall wait for what can't come.
            for _, left in self._waiting:
                left.cancel()
            self._waiting.clear()

    async def _leave(self, some: Sequence[tuple[Socket, asyncio.Future[None]]]) -> None:
        try:
            for socket, _ in some:
                # While it is still in its conversations, which are told of it.
                going(socket.user_id)
            await hub().unregister([socket for socket, _ in some])
        except Exception as error:
            for _, left in some:
                if not left.done():
                    left.set_exception(error)
        finally:
            for _, left in some:
                if not left.done():
                    left.set_result(None)


_leaving = PerLoop(Leaving)


def leaving() -> Leaving:
    """The running event loop's, made at the first call."""
    return _leaving.get()
