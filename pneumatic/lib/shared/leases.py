"""Counts with a lifetime: who holds what at the moment, over all processes.

A holder that dies without a word stops counting after ``seconds``. What this process holds is
also known here, which is what counts while Redis is away or not configured.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Final, TypeVar

from pneumatic.lib.shared.redisscript import Away, Script

AT_ONCE: Final = 500

#: Redis's clock counts, which is one for all processes.
NOW: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
"""
_ENTER = Script(
    NOW
    + """
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if redis.call('ZCARD', key) >= tonumber(ARGV[i + 2]) then return 0 end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, string.format('%.6f', now + ARGV[1]), ARGV[2])
  redis.call('EXPIRE', key, math.ceil(ARGV[1]) + 1)
end
return 1
"""
)
_LEAVE = Script(
    """
for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end
return 0
"""
)
# All of them in one argument: to write and to read each as one of its own would take most of the
# time.
_RENEW = Script(
    NOW
    + """
local ends, kept = string.format('%.6f', now + ARGV[1]), {}
for key, holder in string.gmatch(ARGV[2], '(%S+) (%S+)') do
  redis.call('ZADD', KEYS[1] .. key, ends, holder)
  if not kept[key] then redis.call('EXPIRE', KEYS[1] .. key, math.ceil(ARGV[1]) + 1) end
  kept[key] = true
end
return 0
"""
)
_ALIVE = Script(
    NOW
    + """
local alive, after = {}, string.format('(%.6f', now)
for key in string.gmatch(ARGV[1], '%S+') do
  if redis.call('ZCOUNT', KEYS[1] .. key, after, '+inf') > 0 then alive[#alive + 1] = key end
end
return alive
"""
)

T = TypeVar("T")


def in_one(pairs: Iterable[tuple[str, str]]) -> str:
    """Pairs of texts without spaces, as the scripts read them."""
    return " ".join(chain.from_iterable(pairs))


def portions(every: Iterable[T]) -> Iterator[list[T]]:
    """So many as one call may carry, each drawn when it is asked for."""
    each = iter(every)
    while some := list(islice(each, AT_ONCE)):
        yield some


class Leases:
    """Leases under ``prefix``, each lasting ``seconds`` unless renewed. Nothing here raises."""

    def __init__(
        self, prefix: str, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = seconds
        self._prefix = prefix
        self._clock = clock
        self._held: dict[str, dict[str, float]] = {}
        #: What is being renewed just now, with the end of that.
        self._renewals: list[tuple[set[tuple[str, str]], asyncio.Event]] = []

    async def enter(self, most: Mapping[str, int], holder: str) -> bool:
        """Count ``holder`` under each key of ``most``, or under none where one is full already.

        Exact over all processes: the question and the counting are one. While Redis is away, each
        process counts its own holders only.
        """
        try:
            names = self._names(list(most))
            entered = bool(await _ENTER.arun(names, self.seconds, holder, *most.values()))
        except Away:
            entered = all(self._alive_here(key) < many for key, many in most.items())
        if entered:
            for key in most:
                self._held.setdefault(key, {})[holder] = self._clock() + self.seconds
        return entered

    async def leave(self, keys: Collection[str], holder: str) -> None:
        """Count ``holder`` under none of ``keys`` any more."""
        for key in keys:
            held = self._held.get(key, {})
            held.pop(holder, None)
            if not held:
                self._held.pop(key, None)
        await self._renewed(keys, holder)
        with contextlib.suppress(Away):
            await _LEAVE.arun(self._names(list(keys)), holder)

    async def renew(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Let each (key, holder) last ``seconds`` from now, taking it again if it ran out.

        There is no space in any of them. They are drawn as their turn comes: an iterator may leave
        out who is gone by then.
        """
        for some in portions(pairs):
            expires = self._clock() + self.seconds
            for key, holder in some:
                self._held.setdefault(key, {})[holder] = expires
            with self._renewing(some), contextlib.suppress(Away):
                await _RENEW.arun([self._name("")], self.seconds, in_one(some))

    async def alive(self, keys: Iterable[str]) -> set[str]:
        """Those of ``keys`` that somebody holds; none of them with a space in it."""
        every = set(keys)
        found = self._held_among(every)
        # What is held here is held, whatever Redis has to say.
        for some in portions(await self._perhaps_held(every - found)):
            with contextlib.suppress(Away):
                alive = await _ALIVE.arun([self._name("")], " ".join(some))
                found.update(key.decode() for key in alive)
        return found

    async def _perhaps_held(self, keys: set[str]) -> Iterable[str]:
        """Without those of ``keys`` that surely nobody holds, where that is known for less."""
        return keys

    def alive_blocking(self, keys: Iterable[str]) -> set[str]:
        """As ``alive``, for threads."""
        every = set(keys)
        found = self._held_among(every)
        for some in portions(every - found):
            with contextlib.suppress(Away):
                alive = _ALIVE.run([self._name("")], " ".join(some))
                found.update(key.decode() for key in alive)
        return found

    def _held_among(self, keys: set[str]) -> set[str]:
        """Those that are held here; for threads, too."""
        now, found = self._clock(), set[str]()
        # In one step, and mostly a few of many.
        for key in self._held.keys() & keys:
            held = self._held.get(key)
            # The longest of them, in one step: meanwhile the event loop may count another holder.
            if held and max(tuple(held.values()), default=now) > now:
                found.add(key)
        return found

    @contextlib.contextmanager
    def _renewing(self, some: Iterable[tuple[str, str]]) -> Iterator[None]:
        under_way = set(some), asyncio.Event()
        self._renewals.append(under_way)
        try:
            yield
        finally:
            self._renewals.remove(under_way)
            under_way[1].set()

    async def _renewed(self, keys: Collection[str], holder: str) -> None:
        """Return when none of this is being renewed: else Redis might hear of its end first."""
        pairs = {(key, holder) for key in keys}
        for some, ended in tuple(self._renewals):
            if not pairs.isdisjoint(some):
                await ended.wait()

    def _names(self, keys: list[str]) -> list[str]:
        return [self._name(key) for key in keys]

    def _name(self, key: str) -> str:
        return f"lease:{self._prefix}:{key}"

    def _alive_here(self, key: str) -> int:
        """How many holders this process knows of; forgets the ones that ran out."""
        now = self._clock()
        held = self._held.get(key)
        if held is None:
            return 0
        for holder in [holder for holder, expires in held.items() if expires <= now]:
            del held[holder]
        if not held:
            del self._held[key]
            self._ran_out(key)
        return len(held)

    def _ran_out(self, key: str) -> None:
        """The last holder that this process knew of is gone without a word."""
