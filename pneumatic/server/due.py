"""What is due for many connections at about the same time, done together.

A timer for each would wake the process for each: of 10,000 devices, as often as their heartbeats.
"""

import asyncio
from math import ceil
from typing import Final, Protocol

from pneumatic.lib.perloop import PerLoop

#: How much later than its time something may be done, in seconds.
WIDTH: Final = 0.5
#: Connections of one turn of the event loop. Most have nothing to do, in a microsecond.
_A_TURN: Final = 50


class Due(Protocol):
    def is_due(self) -> None: ...


class Rounds:
    """One event loop's."""

    def __init__(self) -> None:
        self._by_number: dict[int, set[Due]] = {}

    def join(self, who: Due, at: float) -> set[Due]:
        """Have it told that it `is_due` at this time of the event loop, or up to ``WIDTH`` later.

        Returns the round that it is in, for it to be discarded from.
        """
        number = ceil(at / WIDTH)
        found = self._by_number.get(number)
        if found is None:
            found = self._by_number[number] = set()
            asyncio.get_running_loop().call_at(number * WIDTH, self._hold, number)
        found.add(who)
        return found

    def _hold(self, number: int) -> None:
        some = self._by_number[number]
        try:
            for _ in range(min(_A_TURN, len(some))):
                some.pop().is_due()
        finally:
            # Also where one of them fails: that shall keep nobody else waiting for ever.
            if some:
                asyncio.get_running_loop().call_soon(self._hold, number)
            else:
                del self._by_number[number]


_rounds = PerLoop(Rounds)


def rounds() -> Rounds:
    """The running event loop's."""
    return _rounds.get()
