"""What the application of a connection waits for, in a tenth of the memory of asyncio's own."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from uvicorn._types import ASGIReceiveEvent

from pneumatic.lib.fewaturn import FewATurn
from pneumatic.lib.perloop import PerLoop

#: Applications that are told in one turn of the event loop that their peers are gone. What each
#: does then takes some 30 µs; where a network is cut, a thousand go in the same moment.
_ENDS_A_TURN: Final = 25


class Messages:
    """A queue for one reader."""

    __slots__ = ("_coming", "_take", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[ASGIReceiveEvent] = []
        self._coming: asyncio.Future[None] | None = None
        self._take: Callable[[Any], bool] | None = None

    def listen(self, take: Callable[[Any], bool] | None) -> None:
        """Ask this for each message that overtakes none; what it doesn't take waits.

        To wake the reader up for each takes longer than what is done for most of them.
        """
        self._take = take

    def put_nowait(self, message: ASGIReceiveEvent) -> None:
        """Have it received after what was put before; the end of all, in its turn."""
        if message["type"] == "websocket.disconnect":
            if (ends := _ends.get()).takes():
                self._append(message)
            else:
                ends.wait(partial(self._append, message))
        elif self._waiting or self._take is None or not self._take(message):
            self._append(message)

    def _append(self, message: ASGIReceiveEvent) -> None:
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
        # Few at most: the reader is asked to pause.
        return self._waiting.pop(0)

    def empty(self) -> bool:
        return not self._waiting

    def __len__(self) -> int:
        return len(self._waiting)


_ends = PerLoop(lambda: FewATurn(_ENDS_A_TURN))


class Flag:
    """An event for those who wait now and then."""

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
