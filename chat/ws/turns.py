"""Turns at the database for those who say hello.

When many devices come back at once, those who are here already go on being served: the others'
hellos take turns, instead of filling the queue for the database's threads.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from chat import limits
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.perloop import PerLoop

#: How long a hello waits for a turn. Below the time that a device waits for its `welcome`, so that
#: it is told to come back, and isn't served after it gave up.
_PATIENCE_SECONDS: Final = 4.0


class Gone(Exception):
    """The device went away while it waited for its turn."""


class Turns:
    """So many at once. Who had a turn before goes before those who begin."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._begun: deque[asyncio.Future[None]] = deque()
        self._beginners: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def take(self, is_gone: Callable[[], bool], *, begun: bool) -> AsyncIterator[None]:
        """Have a turn for the time of the block, which is to be work with the database alone.

        `begun` says that the hello had one before: else everybody would be half welcomed, and
        nobody wholly. Raises `Unavailable` where no turn comes in time, and `Gone` where nobody
        is there any more to have it: those who are shall not wait for that.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(self._begun if begun else self._beginners)
        try:
            if is_gone():
                raise Gone
            yield
        finally:
            self._pass_on()

    async def _wait(self, line: "deque[asyncio.Future[None]]") -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS) as patience:
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # It came in the very moment of giving up.
            elif turn in line:
                line.remove(turn)
            if isinstance(error, TimeoutError) and patience.expired():
                raise Unavailable("Too many come at once; try again.", retry_after=2) from None
            raise

    def _pass_on(self) -> None:
        for line in (self._begun, self._beginners):
            while line:
                turn = line.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1


_turns = PerLoop(lambda: Turns(limits.WELCOMES_AT_ONCE))


def turns() -> Turns:
    """The running event loop's."""
    return _turns.get()
