"""Questions to the database that are asked together: a read answers many who ask before it begins.

Those who come while it goes on wait for the next: an answer never rests on a read that began before
its question came in.
"""

import asyncio
from collections.abc import Collection, Hashable, Iterator, Mapping
from itertools import islice
from typing import Generic, TypeVar

from pneumatic.lib.database.threads import in_database
from pneumatic.lib.errors import Unavailable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SharedReads(Generic[K, V]):
    """One event loop's questions, by key, and the read that answers them."""

    #: Keys of one read.
    together = 100
    #: How long who is patient waits for others to share a read, in seconds.
    gather_seconds = 0.0

    def __init__(self) -> None:
        self._asked: dict[K, list[asyncio.Future[V]]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    def read(self, keys: Collection[K]) -> Mapping[K, V]:
        """The answers to all of these, in a thread of the database."""
        raise NotImplementedError

    async def of(self, key: K, *, patient: bool = False) -> V:
        """The answer, as of a moment after this was called.

        Who is `patient` lets others come along first. Raises what `in_database` raises.
        """
        return await self.ask(key, patient=patient)

    def ask(self, key: K, *, patient: bool = False) -> "asyncio.Future[V]":
        """As `of`, without a task that waits."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[V] = loop.create_future()
        self._asked.setdefault(key, []).append(answer)
        if not patient:
            self._hurry.set()
        if self._reading is None or self._reading.done():
            self._reading = loop.create_task(self._read())
        return answer

    def hurry(self) -> None:
        """Let nobody else come along: somebody who was patient is no more."""
        if self._asked:
            self._hurry.set()

    async def _read(self) -> None:
        while self._asked:
            if len(self._asked) < self.together and not self._hurry.is_set():
                await self._gather()
            keys = list(islice(self._asked, self.together))
            some = {each: self._asked.pop(each) for each in keys}
            if not self._asked:
                self._hurry.clear()
            try:
                found = await in_database(self.read, keys)
                for each, answers in some.items():
                    for answer in answers:
                        if not answer.done():  # else who asked is gone
                            answer.set_result(found[each])
            except Unavailable as error:
                # Nobody else shall wait as long for the same.
                for answer in (*_waited_for(some), *_waited_for(self._asked)):
                    answer.set_exception(error)
                self._asked.clear()
                self._hurry.clear()
            except Exception as error:
                for answer in _waited_for(some):
                    answer.set_exception(error)
            except BaseException:
                # The event loop ends. Nobody shall wait for an answer that can't come.
                for answer in (*_waited_for(some), *_waited_for(self._asked)):
                    answer.cancel()
                raise

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(self.gather_seconds):
                await self._hurry.wait()
        except TimeoutError:
            return


def _waited_for(asked: Mapping[K, list[asyncio.Future[V]]]) -> Iterator[asyncio.Future[V]]:
    """Without those of sockets that are gone by now."""
    return (answer for each in asked.values() for answer in each if not answer.done())
