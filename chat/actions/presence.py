"""Devices come and go; people who share a conversation are told when it changes who is online."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from typing import Final
from uuid import UUID

import structlog

from chat import fanout, presence
from chat.queries import circles_of
from pneumatic.lib.database.sharedreads import SharedReads
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.perloop import PerLoop

log = structlog.get_logger(__name__)
#: People whom one process takes upon itself to tell of at once.
_GONE_AT_ONCE: Final = 100
#: Seconds in which arrivals are gathered that come after another one. Where everybody comes back at
#: once, each device hears of hundreds: to write to it for each would be most of what a hello costs.
GATHER_SECONDS: Final = 1.0
#: People whose coming is told in one go, or whose circles are asked for in one: nothing else moves
#: meanwhile, and each takes 0.1 to 0.3 ms.
TOGETHER: Final = 50
#: Seconds until the next of them are told of, where more wait than are told of in one go.
_BETWEEN_SECONDS: Final = 0.02

#: The conversations in which a person's coming is told, as `queries.circles_of`.
Circle = Callable[[], Mapping[str, int]]


class _Arrivals:
    """People who came to one process: the first is told at once, who comes soon after together."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, Circle] = {}
        self._pause: asyncio.TimerHandle | None = None

    def tell(self, user_id: UUID, circle: Circle) -> None:
        self._waiting[user_id] = circle
        if self._pause is None:
            self._tell_waiting()

    def tell_now(self, user_id: UUID) -> None:
        """If they still wait to be told of."""
        circle = self._waiting.pop(user_id, None)
        if circle is not None:
            fanout.presence({user_id: circle()}, online=True)

    def _tell_waiting(self) -> None:
        self._pause = None
        if not self._waiting:
            return
        some = [(each, self._waiting.pop(each)) for each in list(islice(self._waiting, TOGETHER))]
        fanout.presence({each: circle() for each, circle in some}, online=True)
        seconds = _BETWEEN_SECONDS if self._waiting else GATHER_SECONDS
        self._pause = asyncio.get_running_loop().call_later(seconds, self._tell_waiting)


class _Circles(SharedReads[UUID, Mapping[str, int]]):
    """By person. Where a network is cut, a thousand devices go at the same time."""

    together = TOGETHER

    def read(self, keys: Collection[UUID]) -> Mapping[UUID, Mapping[str, int]]:
        return circles_of(keys)


_arrivals = PerLoop(_Arrivals)
_circles = PerLoop(_Circles)


async def arrive(*, user_id: UUID, device: str, circle: Circle) -> None:
    """A device is online now; `circle` is asked when others are told, while the device is there."""
    if await presence.arrived(user_id, device):
        _arrivals.get().tell(user_id, circle)


def going(user_id: UUID) -> None:
    """One of the person's devices is about to be gone, and to `depart`.

    That they came is told before: afterwards another process may be the one to tell that they are
    gone, and it must not be overtaken.
    """
    _arrivals.get().tell_now(user_id)


async def depart(*, user_id: UUID, device: str) -> None:
    """A device is gone."""
    if await presence.departed(user_id, device):
        await _tell_of_going(user_id)


async def come_back(*, user_ids: Iterable[UUID]) -> None:
    """These people were taken for gone, or Redis forgot them: they are here."""
    await asyncio.gather(*(_tell_of_return(each) for each in user_ids))


async def _tell_of_return(user_id: UUID) -> None:
    try:
        circle = await _circles.get().of(user_id)
    except Unavailable as error:
        # Devices learn of it when they ask for states again.
        log.info("return_not_told", user=str(user_id), error=repr(error))
        return
    # They may have gone since, and that was told already.
    if await presence.online_among([str(user_id)]):
        fanout.presence({user_id: circle}, online=True)


async def miss() -> None:
    """Tell of those who are gone without a word: their process was killed, or Redis was away."""
    while True:
        gone = await presence.gone(_GONE_AT_ONCE)
        told = await asyncio.gather(*(_tell_of_going(user_id) for user_id in gone))
        if not all(told) or len(gone) < _GONE_AT_ONCE:
            return


async def _tell_of_going(user_id: UUID) -> bool:
    try:
        circle = await _circles.get().of(user_id)
    except Unavailable as error:
        # Who may hear of it isn't known. It isn't settled: a process will miss the person again.
        log.info("departure_not_told", user=str(user_id), error=repr(error))
        return False
    fanout.presence({user_id: circle}, online=False)
    if not await presence.settled(user_id):
        # They came back meanwhile, and that may have been told before this.
        fanout.presence({user_id: circle}, online=True)
    return True
