"""Work of which the event loop does so much in a turn, and serves everybody else between.

It runs all that is ready before it looks for what has come: a thousand steps of a tenth of a
millisecond, ready in the same moment, keep all others waiting for as long as one step of 100 ms.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial


class FewATurn:
    """One event loop's, for work of one kind; in the order in which it was asked for."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._waiting: deque[Callable[[], object]] = deque()
        self._counting = False

    def takes(self) -> bool:
        """Whether there is room for one more in this turn, which is counted then."""
        if not self._counting:
            self._counting = True
            asyncio.get_running_loop().call_soon(self._next_turn)
        if self._waiting or not self._left:
            return False
        self._left -= 1
        return True

    def wait(self, work: Callable[[], object]) -> None:
        """Have it done in a later turn. Where it raises, that is the event loop's to report."""
        self._waiting.append(work)

    async def turn(self) -> None:
        """Return in this turn if there is room for one more, else in a later one."""
        if not self.takes():
            come: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.wait(partial(_set, come))
            await come

    def _next_turn(self) -> None:
        self._left = self._most
        self._counting = bool(self._waiting)
        if self._counting:
            # First: nothing that raises shall keep the rest waiting for ever.
            asyncio.get_running_loop().call_soon(self._next_turn)
        while self._waiting and self._left:
            self._left -= 1
            self._waiting.popleft()()


def _set(come: asyncio.Future[None]) -> None:
    if not come.done():
        come.set_result(None)
