"""Counts with a lifetime: who holds what at the moment, over all processes.

A holder that dies without a word stops counting after ``seconds``. What this process holds is
also known here, which is what counts while Redis is away or not configured.
"""

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

from pneumatic.lib.redisscript import Away, Script

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
_RENEW = Script(
    NOW
    + """
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, string.format('%.6f', now + ARGV[1]), ARGV[i + 1])
  redis.call('EXPIRE', key, math.ceil(ARGV[1]) + 1)
end
return 0
"""
)
_ALIVE = Script(
    NOW
    + """
local alive = {}
for i, key in ipairs(KEYS) do
  alive[i] = redis.call('ZCOUNT', key, string.format('(%.6f', now), '+inf')
end
return alive
"""
)


def _portions(keys: Iterable[str]) -> Iterator[list[str]]:
    every = list(keys)
    return (every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE))


class Leases:
    """Leases under ``prefix``, each lasting ``seconds`` unless renewed. Nothing here raises."""

    def __init__(
        self, prefix: str, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = seconds
        self._prefix = prefix
        self._clock = clock
        self._held: dict[str, dict[str, float]] = {}

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
        with contextlib.suppress(Away):
            await _LEAVE.arun(self._names(list(keys)), holder)

    async def renew(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Let each (key, holder) last ``seconds`` from now, taking it again if it ran out."""
        pairs = list(pairs)
        expires = self._clock() + self.seconds
        for key, holder in pairs:
            self._held.setdefault(key, {})[holder] = expires
        for start in range(0, len(pairs), AT_ONCE):
            some = pairs[start : start + AT_ONCE]
            keys = [self._name(key) for key, _ in some]
            try:
                await _RENEW.arun(keys, self.seconds, *(holder for _, holder in some))
            except Away:
                return

    async def alive(self, keys: Iterable[str]) -> set[str]:
        """Those of ``keys`` that somebody holds."""
        found: set[str] = set()
        for some in _portions(keys):
            try:
                found |= self._held_among(some, await _ALIVE.arun(self._names(some)))
            except Away:
                found.update(key for key in some if self._alive_here(key))
        return found

    def alive_blocking(self, keys: Iterable[str]) -> set[str]:
        """As ``alive``, for threads."""
        found: set[str] = set()
        for some in _portions(keys):
            try:
                found |= self._held_among(some, _ALIVE.run(self._names(some)))
            except Away:
                found.update(key for key in some if self._alive_here(key))
        return found

    @staticmethod
    def _held_among(keys: list[str], counts: list[int]) -> set[str]:
        return {key for key, count in zip(keys, counts, strict=True) if count}

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
