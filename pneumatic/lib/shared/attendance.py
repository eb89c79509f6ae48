"""Leases whose end is told: who came, who went, and who is gone without a word.

Beside each key's holders Redis keeps one sorted set of all keys by when they end. A key leaves it
only once its going has been told (`settle`). Until then `sweep` gives it to one process at a time,
again after each ``seconds``. So a going is told although who held the key was killed, couldn't
release it, or couldn't tell.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final

from pneumatic.lib.shared.leases import NOW, Leases, in_one, portions
from pneumatic.lib.shared.redisscript import Away, Script, acommand

_TAKE = Script(
    NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local before = redis.call('ZCARD', KEYS[1])
local ends = string.format('%.6f', now + ARGV[1])
redis.call('ZADD', KEYS[1], ends, ARGV[2])
redis.call('EXPIRE', KEYS[1], math.ceil(ARGV[1]) + 1)
redis.call('ZADD', KEYS[2], ends, ARGV[3])
return before == 0 and 1 or 0
"""
)
_RELEASE = Script(
    NOW
    + """
local gone = redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
gone = gone + redis.call('ZREM', KEYS[1], ARGV[2]) + ARGV[4]
if gone == 0 or redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('ZADD', KEYS[2], string.format('%.6f', now + ARGV[1]), ARGV[3])
return 1
"""
)
_ATTEND = Script(
    NOW
    + """
local ends = string.format('%.6f', now + ARGV[1])
local back = {}
for key, holder in string.gmatch(ARGV[2], '(%S+) (%S+)') do
  local name = KEYS[2] .. key
  redis.call('ZREMRANGEBYSCORE', name, '-inf', now)
  if redis.call('ZCARD', name) == 0 then back[#back + 1] = key end
  redis.call('ZADD', name, ends, holder)
  redis.call('EXPIRE', name, math.ceil(ARGV[1]) + 1)
  redis.call('ZADD', KEYS[1], ends, key)
end
return back
"""
)
# Where nobody has swept for `seconds`, Redis was away, and holders had no way to renew: first they
# get the time to, a third of a lease.
_SWEEP = Script(
    NOW
    + """
for i = 3, #ARGV do redis.call('ZADD', KEYS[1], 'NX', string.format('%.6f', now), ARGV[i]) end
local since = tonumber(redis.call('GET', KEYS[2]) or now)
if since > now then since = now end
redis.call('SET', KEYS[2], string.format('%.6f', since), 'EX', math.ceil(ARGV[1]))
if now - since < ARGV[1] / 3 then return {} end
local gone = {}
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, key in ipairs(ended) do
  local last = redis.call('ZREVRANGE', KEYS[3] .. key, 0, 0, 'WITHSCORES')
  if last[2] and tonumber(last[2]) > now then
    redis.call('ZADD', KEYS[1], last[2], key)
  else
    redis.call('ZADD', KEYS[1], string.format('%.6f', now + ARGV[1]), key)
    gone[#gone + 1] = key
  end
end
return gone
"""
)
_SETTLE = Script(
    NOW
    + """
if redis.call('ZCOUNT', KEYS[1], string.format('(%.6f', now), '+inf') > 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
"""
)
#: Keys of one look at all ends, which takes Redis 0.4 ms where nobody holds them, and 2 where all
#: are held: no more than to look for the holders of `leases.AT_ONCE`.
_ENDS_AT_ONCE: Final = 2_000


class Attendance(Leases):
    """Leases under ``prefix``, to be renewed and swept every third of their ``seconds``."""

    def __init__(
        self, prefix: str, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(prefix, seconds, clock=clock)
        self._ends = f"leases:{prefix}:ends"
        self._swept = f"leases:{prefix}:swept"
        #: Whose going is known here alone and was not told yet, and when to give it to a sweep.
        self._untold: dict[str, float] = {}

    async def take(self, key: str, holder: str) -> bool:
        """Count ``holder``; whether ``key`` went from nobody to somebody."""
        first = self._hold(key, holder)
        names = [self._name(key), self._ends]
        try:
            return bool(await _TAKE.arun(names, self.seconds, holder, key))
        except Away:
            return first

    async def release(self, key: str, holder: str) -> bool:
        """Count ``holder`` no more; whether ``key`` went from somebody to nobody.

        If so, that is to be told, and then to be settled.
        """
        held = self._held.get(key, {})
        # Redis may have forgotten it, and then it must believe its holder.
        known = held.pop(holder, None) is not None
        if not held:
            self._held.pop(key, None)
        await self._renewed([key], holder)
        last = known and not self._alive_here(key)
        names = [self._name(key), self._ends]
        try:
            return bool(await _RELEASE.arun(names, self.seconds, holder, key, int(known)))
        except Away:
            if last:
                self._untold[key] = self._clock() + self.seconds
            return last

    async def attend(self, pairs: Iterable[tuple[str, str]]) -> set[str]:
        """Let each (key, holder) last ``seconds`` from now; the keys that nobody held any more.

        There is no space in any of them. They are drawn as their turn comes: an iterator may leave
        out who is gone by then.
        """
        back: set[str] = set()
        for some in portions(pairs):
            fresh = {key for key, holder in some if self._hold(key, holder)}
            names = [self._ends, self._name("")]
            try:
                with self._renewing(some):
                    answer = await _ATTEND.arun(names, self.seconds, in_one(some))
            except Away:
                back |= fresh
            else:
                back.update(key.decode() for key in answer)
        # Without those that were let go meanwhile: that is told already.
        return back & self._held.keys()

    async def sweep(self, most: int) -> list[str]:
        """At most so many keys that nobody holds and whose going wasn't told, for the caller alone.

        Each is to be told and then settled, else a sweep gives it again after ``seconds``.
        """
        due = self._due_here()[:most]
        names = [self._ends, self._swept, self._name("")]
        try:
            gone = await _SWEEP.arun(names, self.seconds, most, *due)
        except Away:
            self._untold.update(dict.fromkeys(due, self._clock() + self.seconds))
            return due
        for key in due:
            # Redis has it now, and knows whether another process holds it.
            self._untold.pop(key, None)
        return [key.decode() for key in gone]

    async def settle(self, key: str) -> bool:
        """Its going was told; False where somebody holds it again, which is then to be told."""
        here = self._alive_here(key)
        self._untold.pop(key, None)
        try:
            return bool(await _SETTLE.arun([self._name(key), self._ends], key))
        except Away:
            return not here

    async def _perhaps_held(self, keys: set[str]) -> Iterable[str]:
        """Those that are in the sorted set of all: most people aren't online."""
        asked, perhaps = list(keys), list[str]()
        try:
            for start in range(0, len(asked), _ENDS_AT_ONCE):
                some = asked[start : start + _ENDS_AT_ONCE]
                ends = await acommand("ZMSCORE", self._ends, *some)
                perhaps += [key for key, at in zip(some, ends, strict=True) if at is not None]
        except Away:
            return keys
        return perhaps

    def _hold(self, key: str, holder: str) -> bool:
        """Count ``holder`` here; whether nobody else was counted here for ``key``."""
        now = self._clock()
        held = self._held.get(key)
        # Most renew what they still hold: that is known without a look at the others.
        first = held is None or (held.get(holder, now) <= now and not self._alive_here(key))
        self._untold.pop(key, None)
        self._held.setdefault(key, {})[holder] = now + self.seconds
        return first

    def _ran_out(self, key: str) -> None:
        self._untold[key] = self._clock()

    def _due_here(self) -> list[str]:
        now = self._clock()
        # In one go: where ten thousand are held, nearly all of them have just been renewed.
        ended = [key for key, held in self._held.items() if min(held.values(), default=now) <= now]
        for key in ended:
            self._alive_here(key)
        return [key for key, at in self._untold.items() if at <= now]
