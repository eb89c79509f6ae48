"""Argon2id as the settings say, a bounded number of them at once.

Django's own cost (100 MiB, 8 lanes) makes sign-in a lever: twenty at once take 2 GB. Here one hash
takes 19 MiB, and the rest wait their turn.
"""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import cache
from typing import Final, TypeVar

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

from pneumatic.lib.errors import Unavailable

T = TypeVar("T")

AT_ONCE: Final[int] = settings.ARGON2_AT_ONCE
#: Seconds to wait for a turn; a queue that long means that most of it has given up already.
PATIENCE: Final = 10.0


@cache
def _workers() -> ThreadPoolExecutor:
    # Threads of their own, not a semaphore around whichever thread asks: the allocator keeps what
    # a thread once used, and 19 MiB in each of a server's threads is hundreds.
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")


def _in_turn(work: Callable[[str, str], T], password: str, other: str) -> T:
    """``work(password, other)`` in its turn; raises ``Unavailable`` when that is long in coming."""
    future = _workers().submit(work, password, other)
    try:
        return future.result(PATIENCE)
    except FutureTimeoutError:
        if future.cancel():
            raise Unavailable("Too many people are signing in at once.", retry_after=5) from None
        return future.result()  # its turn came in that very moment


class Argon2Hasher(Argon2PasswordHasher):
    """Hashes of other parameters still verify, and are renewed when their owner signs in."""

    time_cost = settings.ARGON2_TIME_COST
    memory_cost = settings.ARGON2_MEMORY_KIB
    parallelism = settings.ARGON2_PARALLELISM

    def encode(self, password: str, salt: str) -> str:
        return _in_turn(super().encode, password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        return _in_turn(super().verify, password, encoded)

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Make up for what a stored hash of cheaper parameters took less than one of ours.

        Else a wrong password would be answered faster than a name that nobody has. A whole hash
        more would only turn that round: Argon2's time grows with memory times passes, so the rest
        is that of the product. What a costlier hash took longer can't be taken back.
        """
        stored = self.decode(encoded)
        spent = stored["time_cost"] * stored["memory_cost"]
        memory = (self.time_cost * self.memory_cost - spent) // self.time_cost
        if memory < 8 * self.parallelism:  # the least that Argon2 takes
            return
        rest = copy.copy(self)
        rest.memory_cost = memory
        rest.encode(password, self.salt())
