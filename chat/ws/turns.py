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
from pneumatic.lib.fewaturn import FewATurn
from pneumatic.lib.perloop import PerLoop

#: How long a hello waits for a turn while others have theirs. Below the time that a device waits
#: for its `welcome` (`static/app/services/link.js`), so that it is told to come back, and isn't
#: served after it gave up. Enough for 1,000 devices that come back at once on two busy cores.
_PATIENCE_SECONDS: Final = 25.0
#: How long it waits while nobody's turn ends: then the database is away. Less than what a call of
#: the database may take, so that those who have a turn are not waited for one after the other.
_STANDSTILL_SECONDS: Final = 4.0
#: Hellos that are begun in one turn of the event loop, some 0.1 ms each until they wait for theirs.
_HELLOS_A_TURN: Final = 5


class Gone(Exception):
    """The device went away while it waited for its turn."""


class Turns:
    """So many at once. Who had a turn before goes before those who begin."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        #: When the database last had an answer for somebody's turn, by the event loop's clock.
        self._moved_at = 0.0
        self._begun: deque[asyncio.Future[None]] = deque()
        self._beginners: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def take(self, is_gone: Callable[[], bool], *, begun: bool) -> AsyncIterator[None]:
        """Have a turn for the time of the block, which is to be work with the database alone.

        `begun` says that the hello had one before: else everybody would be half welcomed, and
        nobody wholly. Raises `Unavailable` where no turn comes in time, or nothing moves, and
        `Gone` where nobody is there any more to have it: those who are shall not wait for that.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(self._begun if begun else self._beginners)
        moved = True
        try:
            if is_gone():
                raise Gone
            yield
        except Unavailable:
            moved = False
            raise
        finally:
            if moved:
                self._moved_at = asyncio.get_running_loop().time()
            self._pass_on()

    async def _wait(self, line: "deque[asyncio.Future[None]]") -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        line.append(turn)
        came_at = loop.time()
        try:
            while not turn.done():
                last_moved = max(came_at, self._moved_at)
                until = min(came_at + _PATIENCE_SECONDS, last_moved + _STANDSTILL_SECONDS)
                if loop.time() >= until:
                    raise Unavailable("Too many come at once; try again.", retry_after=2)
                await asyncio.wait([turn], timeout=until - loop.time())
        except BaseException:
            if turn.done():
                self._pass_on()  # It came in the very moment of giving up.
            else:
                line.remove(turn)
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
_catch_up_turns = PerLoop(lambda: Turns(limits.CATCH_UPS_AT_ONCE))
_hellos = PerLoop(lambda: FewATurn(_HELLOS_A_TURN))


def turns() -> Turns:
    """The running event loop's, for reads that hellos share."""
    return _turns.get()


async def begin_hello(is_gone: Callable[[], bool]) -> None:
    """Return when there is time for one more. Raises `Gone` where that came too late."""
    await _hellos.get().turn()
    if is_gone():
        raise Gone


def catch_up_turns() -> Turns:
    """The running event loop's, for a hello's own reads."""
    return _catch_up_turns.get()
