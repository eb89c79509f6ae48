"""What sockets' persons may read now, asked for together: most syncs find that nothing is new.

Each device asks with every heartbeat, so that what got lost on the way to it is found. One read
serves all who ask before it begins. Those who come while it goes on wait for the next: an answer
never rests on a read that began before its question came in.
"""

import asyncio
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final
from uuid import UUID

from chat.queries import Standing, standings_of
from pneumatic.lib.perloop import PerLoop
from pneumatic.lib.threads import in_database

#: How long a heartbeat's question waits for others to share its read, in seconds. At 400 a second,
#: which 10,000 devices make, some 20 share one; more would save little and block for longer.
GATHER_SECONDS: Final = 0.05
#: People of one read.
_TOGETHER: Final = 100


class Standings:
    """One event loop's questions, by person, and the read that answers them."""

    def __init__(self) -> None:
        self._asked: dict[UUID, list[asyncio.Future[Standing]]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    async def of(self, user_id: UUID, *, patient: bool = False) -> Standing:
        """What the person may read, as of a moment after this was called.

        Who is `patient` lets others come along first. Raises what `in_database` raises.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Standing] = loop.create_future()
        self._asked.setdefault(user_id, []).append(answer)
        if not patient:
            self._hurry.set()
        if self._reading is None or self._reading.done():
            self._reading = loop.create_task(self._read())
        return await answer

    async def _read(self) -> None:
        while self._asked:
            if len(self._asked) < _TOGETHER:
                await self._gather()
            some = {each: self._asked.pop(each) for each in list(islice(self._asked, _TOGETHER))}
            if not self._asked:
                self._hurry.clear()
            try:
                found = await in_database(standings_of, some.keys())
            except Exception as error:
                for answer in _waited_for(some):
                    answer.set_exception(error)
            except BaseException:
                # The event loop ends. Nobody shall wait for an answer that can't come.
                for answer in (*_waited_for(some), *_waited_for(self._asked)):
                    answer.cancel()
                raise
            else:
                for each, answers in some.items():
                    for answer in _waited_for({each: answers}):
                        answer.set_result(found[each])

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(GATHER_SECONDS):
                await self._hurry.wait()
        except TimeoutError:
            return


def _waited_for(
    asked: Mapping[UUID, list[asyncio.Future[Standing]]],
) -> Iterator[asyncio.Future[Standing]]:
    """Without those of sockets that are gone by now."""
    return (answer for each in asked.values() for answer in each if not answer.done())


_standings = PerLoop(Standings)


def standings() -> Standings:
    """The running event loop's, made at the first call."""
    return _standings.get()
