"""Token buckets: how much somebody may do, however many processes they do it through.

A bucket of ``n`` per minute holds ``n`` tokens and gains ``n`` a minute, continuously: there is no
window at whose edge it would be full again. A budget is two buckets, for the minute and for the
hour; each act takes its cost from both or from neither.
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from django.conf import settings

from pneumatic.lib.shared.redisscript import Away, Script

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
#: How many keys one process remembers while Redis is away or not configured.
MOST_LOCAL_KEYS: Final = 10_000
_ROUNDING: Final = 1e-6

# Each key with the cost that stands at its place, one after the other; and what it wants ahead.
_SPEND = Script("""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local answer = {}
for k = 1, #KEYS do
  local cost, ahead = tonumber(ARGV[4 + k]), tonumber(ARGV[4 + #KEYS + k])
  local state = redis.call('HMGET', KEYS[k], 'at', '1', '2')
  local wait, left, longest = 0, {}, 0
  for i = 1, 2 do
    local size, period = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    left[i] = 0
    if size > 0 then
      local tokens = size
      if state[1] and state[i + 1] then
        local passed = math.max(0, now - tonumber(state[1]))
        tokens = math.min(size, tonumber(state[i + 1]) + passed * size / period)
      end
      left[i] = tokens
      wait = math.max(wait, (math.min(cost, size) - tokens) * period / size)
      longest = math.max(longest, period)
    end
  end
  if wait < 0.000001 then
    wait = 0
    for i = 1, 2 do
      left[i] = left[i] - cost
      local size = tonumber(ARGV[2 * i - 1])
      if size > 0 and left[i] - ahead < size / 2 then ahead = 0 end
    end
    for i = 1, 2 do left[i] = left[i] - ahead end
    redis.call('HSET', KEYS[k], 'at', string.format('%.6f', now),
      '1', string.format('%.9f', left[1]), '2', string.format('%.9f', left[2]))
    redis.call('PEXPIRE', KEYS[k], math.ceil(longest * 1000))
  else
    ahead = 0
  end
  answer[k] = {tostring(wait), tostring(left[1]), tostring(left[2]), tostring(ahead)}
end
return answer
""")


class Spent(NamedTuple):
    """What became of an attempt to spend."""

    #: Seconds until the same would be allowed; 0.0 when it was allowed, and spent.
    wait: float
    #: Tokens left in the minute's and in the hour's bucket; 0 for a bucket that is lifted.
    left: tuple[float, float]
    #: Tokens taken beyond the cost, for what will be done next.
    ahead: float = 0.0


class Ask(NamedTuple):
    """What one wants of a bucket: the cost of an act, and tokens ahead if it stays half full."""

    key: str
    cost: float
    ahead: float = 0.0


class LocalBuckets:
    """The same arithmetic for one process; forgets the key that was used longest ago."""

    def __init__(
        self, *, most: int = MOST_LOCAL_KEYS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._states: OrderedDict[str, tuple[float, list[float]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def spend(self, key: str, cost: float, buckets: tuple[tuple[float, float], ...]) -> Spent:
        """Take ``cost`` from each bucket, a (size, period in seconds), or from none of them."""
        with self._lock:
            now, left = self._now(key, buckets)
            wait = 0.0
            for have, (size, period) in zip(left, buckets, strict=True):
                if size and cost > have:
                    wait = max(wait, (min(cost, size) - have) * period / size)
            if wait < _ROUNDING:
                wait = 0.0
                left = [
                    have - cost if size else 0.0
                    for have, (size, _) in zip(left, buckets, strict=True)
                ]
                self._keep(key, now, left)
            return Spent(wait, (left[0], left[-1]))

    def _now(self, key: str, buckets: tuple[tuple[float, float], ...]) -> tuple[float, list[float]]:
        now = self._clock()
        at, tokens = self._states.get(key, (now, [size for size, _ in buckets]))
        passed = max(0.0, now - at)
        return now, [
            min(size, have + passed * size / period) if size else 0.0
            for have, (size, period) in zip(tokens, buckets, strict=True)
        ]

    def _keep(self, key: str, now: float, left: list[float]) -> None:
        self._states[key] = (now, left)
        self._states.move_to_end(key)
        if len(self._states) > self._most:
            self._states.popitem(last=False)


class Budget:
    """So much a minute and so much an hour (or day) for each key; 0 lifts a limit."""

    def __init__(self, per_minute: int, per_hour: int, *, per_day: int = 0) -> None:
        self.per_minute = per_minute
        self.per_hour = per_hour
        # There is no use for all three at once, and Redis is asked for two.
        self._longer = (per_day, DAY) if per_day else (per_hour, HOUR)
        self._local = LocalBuckets()
        limits = [size for size in (per_minute, self._longer[0]) if size]
        self.unlimited = not limits
        #: The size of the smallest bucket that is not lifted; 0 where all are.
        self.smallest: float = min(limits, default=0)

    def spend(self, key: str, cost: float = 1.0) -> float:
        """0.0 and the cost is spent, or the seconds to wait and nothing is. Never raises."""
        return self.take(key, cost).wait

    def take(self, key: str, cost: float = 1.0) -> Spent:
        """As ``spend``, and tells what is left."""
        if self.unlimited:
            return Spent(0.0, (0.0, 0.0))
        try:
            (answer,) = _SPEND.run([f"rate:{key}"], *self._sizes, cost, 0)
        except Away:
            return self._local.spend(key, cost, self._buckets)
        return _read(answer)

    async def take_all(self, asks: Sequence[Ask]) -> list[Spent]:
        """As ``take`` for each of them in turn, in one call from the event loop.

        Nothing is given ahead while Redis is away.
        """
        costs, aheads = (ask.cost for ask in asks), (ask.ahead for ask in asks)
        try:
            names = [f"rate:{ask.key}" for ask in asks]
            answers = await _SPEND.arun(names, *self._sizes, *costs, *aheads)
        except Away:
            return [self._local.spend(ask.key, ask.cost, self._buckets) for ask in asks]
        return [_read(answer) for answer in answers]

    @property
    def _buckets(self) -> tuple[tuple[float, float], ...]:
        return (self.per_minute, MINUTE), self._longer

    @property
    def _sizes(self) -> tuple[float, ...]:
        return (self.per_minute, MINUTE, *self._longer)


def _read(answer: Any) -> Spent:
    wait, minute, hour, ahead = (float(number) for number in answer)
    return Spent(wait, (minute, hour), ahead)


@cache
def _budget(per_minute: int, per_hour: int) -> Budget:
    return Budget(per_minute, per_hour)


@cache
def daily_budget(per_day: int) -> Budget:
    """So much a day, for each key."""
    return Budget(0, 0, per_day=per_day)


def user_budget() -> Budget:
    """What one user, or one address that isn't signed in, may do: by the settings."""
    return _budget(settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR)


def address_key(address: str) -> str:
    """What an address counts as in limits: itself, or the /64 network of an IPv6 address.

    Whoever has one IPv6 address has the 2⁶⁴ of its network.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def rate_key(user_id: object | None, address: str) -> str:
    """The budget's key for a user; for somebody who isn't signed in (None), for the address."""
    return f"address:{address_key(address)}" if user_id is None else user_key(user_id)


def user_key(user_id: object) -> str:
    """The budget's key for somebody who is signed in."""
    return f"user:{user_id}"
