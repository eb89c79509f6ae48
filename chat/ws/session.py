"""A socket's session: who it is, until when, and how fast it may talk."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils import timezone

from accounts.authentication import Identity
from chat import limits
from pneumatic.lib.shared.ratelimit import MINUTE, LocalBuckets

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


_commands = LocalBuckets()


def command_wait(user_id: str) -> float:
    """Count one command other than a send; 0.0, or the seconds to wait and it isn't counted.

    One bucket for all of a person's sockets in this process, so that nobody's cheap commands can
    fill the queue for the database that everybody shares. Not in Redis: asking would cost as much
    as most of these commands do.
    """
    return _commands.spend(user_id, 1.0, _command_buckets()).wait


def charge_for_frames(user_id: str, frames: int) -> None:
    """Let a sync cost what it brought; a long one is waited for afterwards, not cut."""
    _commands.charge(user_id, FRAME_COST * frames, _command_buckets())


def _command_buckets() -> tuple[tuple[float, float], ...]:
    return ((settings.SOCKET_COMMANDS_PER_MINUTE, MINUTE),)


def same_session(identity: Identity, other: Identity) -> bool:
    """Whether a renewed token may take the place of the socket's first one."""
    return identity.session.id == other.session.id and identity.user.id == other.user.id
