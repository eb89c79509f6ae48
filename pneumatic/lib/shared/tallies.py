"""How often something happened, for each key and for a while: for what is told once, not always.

Shared by all processes through Redis; while it is away, each process counts for itself.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from pneumatic.lib.shared.redisscript import Away, Script

#: How many keys one process remembers while Redis is away or not configured.
MOST_LOCAL_KEYS: Final = 10_000

_ADD = Script("""
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count
""")


class Tally:
    """Counts under ``name``; each key's begins anew ``seconds`` after its first."""

    def __init__(
        self, name: str, *, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._local: OrderedDict[str, tuple[int, float]] = OrderedDict()
        _all.append(self)

    def add(self, key: str) -> int:
        """Count one more; how many it is now. Never raises."""
        try:
            return int(_ADD.run([f"tally:{self.name}:{key}"], int(self.seconds * 1000)))
        except Away:
            return self._locally(key)

    def _locally(self, key: str) -> int:
        with self._lock:
            now = self._clock()
            count, ends = self._local.get(key, (0, 0.0))
            if ends <= now:
                count, ends = 0, now + self.seconds
            self._local[key] = (count + 1, ends)
            self._local.move_to_end(key)
            if len(self._local) > MOST_LOCAL_KEYS:
                self._local.popitem(last=False)
            return count + 1


_all: list[Tally] = []


def reset() -> None:
    """Forget what this process counted itself: between tests."""
    for each in _all:
        each._local.clear()
