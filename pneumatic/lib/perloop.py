"""What each event loop has one of: its tasks, futures and connections are of no use to another."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary, ref

T = TypeVar("T")


class PerLoop(Generic[T]):
    """One object for each event loop, made at its first use and forgotten with the loop."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()
        #: What was asked for last, mostly the only one: several are asked for with each frame.
        self._latest: tuple[ref[asyncio.AbstractEventLoop], T] | None = None

    def get(self) -> T:
        """The running event loop's."""
        loop = asyncio.get_running_loop()
        found = self._known_to(loop)
        if found is None:
            found = self._made[loop] = self._make()
        return found

    def _known_to(self, loop: asyncio.AbstractEventLoop) -> T | None:
        latest = self._latest
        if latest is not None and latest[0]() is loop:
            return latest[1]
        found = self._made.get(loop)
        if found is not None:
            self._latest = ref(loop, self._forget), found
        return found

    def _forget(self, _: object = None) -> None:
        self._latest = None

    def known(self) -> T | None:
        """The running event loop's, if it has one."""
        return self._known_to(asyncio.get_running_loop())

    def pop(self) -> T | None:
        """The running event loop's, if it has one, which is forgotten."""
        self._forget()
        return self._made.pop(asyncio.get_running_loop(), None)

    def clear(self) -> None:
        """Forget every event loop's."""
        self._forget()
        self._made.clear()

    def of_a_running_loop(self) -> T | None:
        """The running event loop's; for threads, which have none, that of some loop that runs."""
        here = asyncio._get_running_loop()
        if here is not None:
            return self._known_to(here)
        for loop, found in list(self._made.items()):
            if loop.is_running():
                return found
        return None
