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
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings

if TYPE_CHECKING:
    # Its client takes a tenth of a start, which who has no Redis is spared.
    import redis
    import redis.asyncio

log = structlog.get_logger(__name__)

TIMEOUT: Final = 0.5
PAUSE: Final = 1.0


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


_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[str, redis.asyncio.Redis]]" = (
    WeakKeyDictionary()
)


def _async_client(url: str) -> "redis.asyncio.Redis":
    """The running loop's client: its connections can't be used from another loop."""
    loop = asyncio.get_running_loop()
    known = _clients.get(loop)
    if known is None or known[0] != url:
        import redis.asyncio
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        client = redis.asyncio.Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1),
        )
        known = _clients[loop] = (url, client)
    return known[1]


#: How many scripts each event loop is waiting for.
_under_way: "WeakKeyDictionary[asyncio.AbstractEventLoop, int]" = WeakKeyDictionary()


async def close() -> None:
    """Close the running event loop's connections, if it has any, once nothing uses them."""
    loop = asyncio.get_running_loop()
    # A connection that is closed under a script would be opened again by it, for nobody to close.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(4 * TIMEOUT):
            while _under_way.get(loop):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    known = _clients.pop(loop, None)
    if known is not None:
        await known[1].aclose()


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
        client = _async_client(settings.REDIS_URL)
        loop = asyncio.get_running_loop()
        _under_way[loop] = _under_way.get(loop, 0) + 1
        try:
            answer = await client.register_script(self._source)(self._keys(keys), arguments)
        except _failures() as error:
            _outage.began(error)
            raise Away from error
        finally:
            _under_way[loop] -= 1
        _outage.ended()
        return answer
