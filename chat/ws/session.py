"""A socket's session: who it is, until when, and how fast it may talk."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

from django.conf import settings
from django.utils import timezone

from accounts.authentication import Identity
from chat import limits
from pneumatic.lib.shared.ratelimit import MINUTE

#: What each frame of a sync's answer costs, where any command costs 1.
FRAME_COST: Final = 0.1


class TokenClock:
    """Warns before the access token ends, and gives up some time after it did."""

    __slots__ = ("_expire", "_timer", "_warn")

    def __init__(self, warn: Callable[[int], None], expire: Callable[[], None]) -> None:
        self._warn = warn
        self._expire = expire
        #: The one that comes next: each takes memory in every socket.
        self._timer: asyncio.TimerHandle | None = None

    def start(self, expires_at: datetime) -> None:
        """(Re)start for a token that ends then."""
        self.stop()
        left = (expires_at - timezone.now()).total_seconds()
        warning = min(limits.AUTH_WARNING, max(0.0, left / 2))
        loop = asyncio.get_running_loop()
        end = loop.time() + max(0.0, left) + limits.AUTH_GRACE
        self._timer = loop.call_later(
            max(0.0, left - warning), self._warn_in_time, round(warning), end
        )

    def _warn_in_time(self, seconds: int, end: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(end, self._expire)
        self._warn(seconds)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Pace:
    """A token bucket of frames: a burst, then so many a second; both ``times`` over."""

    __slots__ = ("_at", "_times", "_tokens")

    def __init__(self, times: float = 1.0) -> None:
        self._times = times
        self._tokens = limits.FRAMES_BURST * times
        self._at = asyncio.get_running_loop().time()

    def allows(self, now: float) -> bool:
        """Count one frame, by the event loop's clock; False when it is one too many."""
        tokens = self._tokens + (now - self._at) * limits.FRAMES_PER_SECOND * self._times
        most = limits.FRAMES_BURST * self._times
        if tokens > most:
            tokens = most
        self._at = now
        allowed = tokens >= 1
        self._tokens = tokens - 1 if allowed else tokens
        return allowed


class CommandBudget:
    """What a person may ask a minute, a send aside: one for all of their sockets in this process.

    Nobody's cheap commands can so fill the queue for the database that everybody shares. Not in
    Redis: asking would cost as much as most of these commands do.
    """

    __slots__ = ("__weakref__", "_at", "_size", "_tokens")

    def __init__(self) -> None:
        #: 0 lifts the limit.
        self._size = self._tokens = float(settings.SOCKET_COMMANDS_PER_MINUTE)
        self._at = _clock()

    def wait(self) -> float:
        """Count one command; 0.0, or the seconds to wait, and it isn't counted."""
        if not self._size:
            return 0.0
        tokens = self._refilled() - 1.0
        if tokens < -_ROUNDING:
            return -tokens * MINUTE / self._size
        self._tokens = tokens
        return 0.0

    def charge(self, frames: int) -> None:
        """Let a sync cost what it brought; a long one is waited for afterwards, not cut."""
        # Into debt, but no deeper than what is had in a minute.
        self._tokens = max(-self._size, self._refilled() - FRAME_COST * frames)

    def keep(self) -> None:
        """Have it found until it is full again: whoever comes back sooner shall not get another."""
        if self._size and (missing := self._size - self._refilled()) > 0:
            seconds = missing * MINUTE / self._size
            asyncio.get_running_loop().call_later(seconds, self._refilled)

    def _refilled(self) -> float:
        now = _clock()
        tokens = self._tokens + (now - self._at) * self._size / MINUTE
        self._at = now
        self._tokens = tokens if tokens < self._size else self._size
        return self._tokens


_clock = time.monotonic
_ROUNDING: Final = 1e-6
#: By the person's id as a text. Each is kept by the sockets that spend from it.
_budgets: Final = WeakValueDictionary[str, CommandBudget]()


def command_budget(user_text: str) -> CommandBudget:
    """The person's, as their other sockets have left it."""
    return _budgets.setdefault(user_text, CommandBudget())


def same_session(identity: Identity, other: Identity) -> bool:
    """Whether a renewed token may take the place of the socket's first one."""
    return identity.session.id == other.session.id and identity.user.id == other.user.id
