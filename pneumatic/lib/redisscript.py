"""Small Lua scripts that every process shares through Redis, and what to do while it is away.

Callers ask Redis and, on :class:`Away`, use what they know themselves: nothing here may fail or
stall a request for longer than ``TIMEOUT``. After a failure Redis is left alone for ``PAUSE``.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.conf import settings

from pneumatic.lib.perloop import PerLoop

if TYPE_CHECKING:
    # Its client takes a tenth of a start, which who has no Redis is spared.
    import redis
    import redis.asyncio

log = structlog.get_logger(__name__)

TIMEOUT: Final = 0.5
PAUSE: Final = 1.0
#: Connections of one event loop. An answer takes some tenths of a millisecond, so that even a few
#: would do; Redis has 10,000 for everybody.
CONNECTIONS: Final = 32


class Away(Exception):
    """Redis isn't configured, or can't be reached at the moment."""


class _Outage:
    """Whether Redis answered last time; says so once when that changes."""

    def __init__(self) -> None:
        self.since: float | None = None
        self._ask_again_at = 0.0

    def check(self) -> None:
        if not settings.REDIS_URL or time.monotonic() < self._ask_again_at:
            raise Away

    def began(self, error: Exception) -> None:
        now = time.monotonic()
        self._ask_again_at = now + PAUSE
        if self.since is None:
            self.since = now
            log.warning(
                "redis_down",
                error=f"{type(error).__name__}: {error}",
                using="what this process knows",
            )

    def ended(self) -> None:
        if self.since is not None:
            log.info("redis_back", after_s=round(time.monotonic() - self.since, 1))
            self.since = None


_outage = _Outage()


def _failures() -> tuple[type[Exception], ...]:
    from redis import RedisError

    return RedisError, OSError, asyncio.TimeoutError


def reset() -> None:
    """Forget clients and outages: for tests that start and stop a Redis."""
    _client.cache_clear()
    _clients.clear()
    _outage.since, _outage._ask_again_at = None, 0.0


@lru_cache(maxsize=4)
def _client(url: str) -> "redis.Redis":
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        # Once more at once: the first use after Redis restarted finds a dead connection.
        retry=Retry(NoBackoff(), 1),
    )


class _LoopsClient:
    """One event loop's client: its connections can't be used from another loop."""

    def __init__(self) -> None:
        import redis.asyncio
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        self.url = settings.REDIS_URL
        self.redis = redis.asyncio.Redis.from_url(
            self.url,
            max_connections=CONNECTIONS,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1),
        )
        #: Who asks waits for a place: a client that has no connection left would say that Redis
        #: is away, just when everybody comes at once.
        self.places = asyncio.Semaphore(CONNECTIONS)
        #: How many scripts wait for a place or an answer.
        self.under_way = 0


_clients = PerLoop(_LoopsClient)


def _loops_client() -> _LoopsClient:
    known = _clients.get()
    if known.url != settings.REDIS_URL:
        _clients.pop()
        known = _clients.get()
    return known


async def close() -> None:
    """Close the running event loop's connections, if it has any, once nothing uses them."""
    known = _clients.known()
    if known is None:
        return
    # A connection that is closed under a script would be opened again by it, for nobody to close.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(4 * TIMEOUT):
            while known.under_way:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    _clients.pop()
    await known.redis.aclose()


def ping() -> None:
    """Raise unless Redis answers within ``TIMEOUT``."""
    _client(settings.REDIS_URL).ping()


class Script:
    """A Lua script; keys get the prefix that keeps installations in one Redis apart."""

    def __init__(self, source: str) -> None:
        self._source = source

    def _keys(self, keys: Sequence[str]) -> list[str]:
        return [f"{settings.REDIS_PREFIX}:{key}" for key in keys]

    def run(self, keys: Sequence[str], *arguments: str | float) -> Any:
        """What the script returns; raises Away when there is no Redis to ask."""
        _outage.check()
        client = _client(settings.REDIS_URL)
        try:
            answer = client.register_script(self._source)(self._keys(keys), arguments)
        except _failures() as error:
            _outage.began(error)
            raise Away from error
        _outage.ended()
        return answer

    async def arun(self, keys: Sequence[str], *arguments: str | float) -> Any:
        """As ``run``, without blocking the event loop."""
        _outage.check()
        client = _loops_client()
        client.under_way += 1
        try:
            async with client.places:
                # It may have gone while this waited: then nobody waits for it one after another.
                _outage.check()
                script = client.redis.register_script(self._source)
                answer = await script(self._keys(keys), arguments)
        except _failures() as error:
            _outage.began(error)
            raise Away from error
        finally:
            client.under_way -= 1
        _outage.ended()
        return answer
