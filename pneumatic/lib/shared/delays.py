"""Delays that grow with each failure and shrink with time: the brake on guessing.

Each failure of a key adds one to its level, and the level forgets one failure each ``forgets``
seconds. Up to ``free`` failures cost nothing; each one more doubles the time until the next
attempt, up to ``longest``. Shared by all processes through Redis; while it is away, each process
counts for itself.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from pneumatic.lib.shared.redisscript import Away, Script

#: How many keys one process remembers while Redis is away or not configured.
MOST_LOCAL_KEYS: Final = 50_000

_Step = Literal["ask", "begin", "fail", "forgive", "forget"]

# The same as `GrowingDelay._locally`.
_STEP = Script("""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local step, free, first = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local longest, forgets = tonumber(ARGV[4]), tonumber(ARGV[5])
if step == 'forget' then
  redis.call('DEL', KEYS[1])
  return '0'
end
local state = redis.call('HMGET', KEYS[1], 'level', 'at', 'until')
local level, at, till = tonumber(state[1] or 0), tonumber(state[2] or now), tonumber(state[3] or 0)
if (step == 'ask' or step == 'begin') and till > now then return tostring(till - now) end
if step == 'ask' then return '0' end
level = math.max(0, level - math.max(0, now - at) / forgets)
if step == 'forgive' then
  level, till = math.max(0, level - 1), 0
else
  level = level + 1
  till = 0
  if level > free then till = now + math.min(longest, first * 2 ^ (level - free - 1)) end
end
redis.call('HSET', KEYS[1], 'level', string.format('%.9f', level),
  'at', string.format('%.6f', now), 'until', string.format('%.6f', till))
redis.call('PEXPIRE', KEYS[1], math.ceil((level * forgets + longest) * 1000))
return '0'
""")


@dataclass(slots=True)
class _State:
    level: float = 0.0
    at: float = 0.0
    until: float = 0.0


class GrowingDelay:
    """One kind of brake; ``name`` is the first part of its keys."""

    def __init__(
        self,
        name: str,
        *,
        free: int,
        forgets: float,
        first: float = 1.0,
        longest: float = 900.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.free, self.first, self.longest, self.forgets = free, first, longest, forgets
        self._clock = clock
        self._lock = threading.Lock()
        self._local: OrderedDict[str, _State] = OrderedDict()
        _all.append(self)

    def wait(self, key: str) -> float:
        """Seconds until ``key`` may try again; 0.0: now."""
        return self._step("ask", key)

    def begin(self, key: str) -> float:
        """As ``wait``; and where it is 0.0, counts a failure at once.

        Counted before the outcome is known, so that attempts side by side don't all go free. Take
        it back with ``forgive`` or ``forget``.
        """
        return self._step("begin", key)

    def fail(self, key: str) -> None:
        """Count a failure."""
        self._step("fail", key)

    def forgive(self, key: str) -> None:
        """Take one failure back: it was none."""
        self._step("forgive", key)

    def forget(self, key: str) -> None:
        """Forget all failures of ``key``."""
        self._step("forget", key)

    def _step(self, step: _Step, key: str) -> float:
        try:
            answer = _STEP.run(
                [f"delay:{self.name}:{key}"],
                step,
                self.free,
                self.first,
                self.longest,
                self.forgets,
            )
        except Away:
            return self._locally(step, key)
        return float(answer)

    def _locally(self, step: _Step, key: str) -> float:
        with self._lock:
            now = self._clock()
            if step == "forget":
                self._local.pop(key, None)
                return 0.0
            state = self._local.get(key) or _State(at=now)
            if step in ("ask", "begin") and state.until > now:
                return state.until - now
            if step == "ask":
                return 0.0
            level = max(0.0, state.level - max(0.0, now - state.at) / self.forgets)
            until = 0.0
            if step == "forgive":
                level = max(0.0, level - 1)
            else:
                level += 1
                if level > self.free:
                    # The exponent is bounded: 2.0 ** 1100 would overflow.
                    doubled = self.first * 2.0 ** min(64.0, level - self.free - 1)
                    until = now + min(self.longest, doubled)
            self._local[key] = _State(level, now, until)
            self._local.move_to_end(key)
            if len(self._local) > MOST_LOCAL_KEYS:
                self._local.popitem(last=False)
            return 0.0


_all: list[GrowingDelay] = []


def reset() -> None:
    """Forget what this process counted itself: between tests."""
    for each in _all:
        each._local.clear()
