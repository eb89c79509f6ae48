"""Small Lua scripts that every process shares through Redis, and what to do while it is away.

Callers ask Redis and, on :class:`Away`, use what they know themselves: nothing here may fail or
stall a request for longer than ``TIMEOUT``. After a failure Redis is left alone for ``PAUSE``.
"""

import asyncio
import contextlib
import hashlib
import time
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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
#: Scripts of one call: Redis does nothing else meanwhile.
TOGETHER: Final = 100


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


class _Call(NamedTuple):
    #: None where it is one of Redis's own commands.
    script: "Script | None"
    words: tuple[str | float, ...]
    answer: asyncio.Future[Any]


class _LoopsClient:
    """One event loop's connection, which can't be used from another loop.

    What is asked while an answer is awaited goes in the next call, together: a call of the client's
    own for each would cost several times as much.
    """

    def __init__(self) -> None:
        import redis.asyncio
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        self.url = settings.REDIS_URL
        self.redis = redis.asyncio.Redis.from_url(
            self.url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1),
        )
        self._waiting: deque[_Call] = deque()
        self._asking: asyncio.Task[None] | None = None

    @property
    def is_asking(self) -> bool:
        return self._asking is not None and not self._asking.done()

    async def ask(self, script: "Script | None", words: tuple[str | float, ...]) -> Any:
        """The answer; raises what the client raises, and Away."""
        loop = asyncio.get_running_loop()
        call = _Call(script, words, loop.create_future())
        self._waiting.append(call)
        if not self.is_asking:
            self._asking = loop.create_task(self._ask())
        return await call.answer

    async def _ask(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
            try:
                # It may have gone while these waited: then nobody waits for it one after another.
                _outage.check()
                answers = await self._answers(some)
            except BaseException as error:
                for call in some:
                    if not call.answer.done():
                        call.answer.set_exception(error)
                if not isinstance(error, Exception):
                    raise  # The event loop ends.
                if isinstance(error, _failures()):
                    # Now, and not when who asked gets to it: the next ones shall not try as well.
                    _outage.began(error)
                continue
            for call, answer in zip(some, answers, strict=True):
                if call.answer.done():
                    continue  # Who asked is gone.
                if isinstance(answer, Exception):
                    call.answer.set_exception(answer)
                else:
                    call.answer.set_result(answer)

    async def _answers(self, calls: Sequence[_Call]) -> list[Any]:
        from redis.exceptions import NoScriptError

        answers = await self._sent([each.words for each in calls])
        unknown = {
            n: calls[n].script for n, each in enumerate(answers) if isinstance(each, NoScriptError)
        }
        told = [each.told(calls[n].words) for n, each in unknown.items() if each is not None]
        if told:
            for n, answer in zip(unknown, await self._sent(told), strict=True):
                answers[n] = answer
        return answers

    async def _sent(self, commands: Sequence[tuple[str | float, ...]]) -> list[Any]:
        """The answers to these commands, errors of one of them among them."""
        pool: Any = self.redis.connection_pool
        connection = await pool.get_connection()
        try:
            # Once more at once: the first use after Redis restarted finds a dead connection.
            answers: list[Any] = await connection.retry.call_with_retry(
                lambda: _sent_through(connection, commands),
                lambda _: connection.disconnect(nowait=True),
            )
            return answers
        except BaseException:
            # Whoever had it next would read the answers to this.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)


async def _sent_through(connection: Any, commands: Sequence[tuple[str | float, ...]]) -> list[Any]:
    from hiredis import pack_command
    from redis import ResponseError

    # In C: the client's own way takes 0.6 ms for a thousand words, this 0.1. Its types know tuples
    # of one only.
    await connection.send_packed_command([pack_command(each) for each in commands])  # type: ignore[arg-type]
    answers: list[Any] = []
    for _ in commands:
        try:
            answers.append(await connection.read_response())
        except ResponseError as error:
            answers.append(error)
    return answers


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
            while known.is_asking:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    _clients.pop()
    await known.redis.aclose()


def ping() -> None:
    """Raise unless Redis answers within ``TIMEOUT``."""
    _client(settings.REDIS_URL).ping()


class Script:
    """A Lua script; keys get the prefix that keeps installations in one Redis apart."""

    def __init__(self, source: str) -> None:
        self.source = source
        #: As Redis names it.
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    def told(self, words: tuple[str | float, ...]) -> tuple[str | float, ...]:
        """What `arun` says, with the script itself in the place of its name."""
        return ("EVAL", self.source, *words[2:])

    def run(self, keys: Sequence[str], *arguments: str | float) -> Any:
        """What the script returns; raises Away when there is no Redis to ask."""
        _outage.check()
        client = _client(settings.REDIS_URL)
        try:
            answer = client.register_script(self.source)(_prefixed(keys), arguments)
        except _failures() as error:
            _outage.began(error)
            raise Away from error
        _outage.ended()
        return answer

    async def arun(self, keys: Sequence[str], *arguments: str | float) -> Any:
        """As ``run``, without blocking the event loop."""
        return await _asked(self, ("EVALSHA", self.sha, len(keys), *_prefixed(keys), *arguments))


async def acommand(word: str, key: str, *arguments: str | float) -> Any:
    """The answer to one of Redis's own commands about a key, as a script's."""
    return await _asked(None, (word, *_prefixed([key]), *arguments))


async def _asked(script: Script | None, words: tuple[str | float, ...]) -> Any:
    _outage.check()
    try:
        answer = await _loops_client().ask(script, words)
    except _failures() as error:
        _outage.began(error)
        raise Away from error
    _outage.ended()
    return answer


def _prefixed(keys: Sequence[str]) -> list[str]:
    return [f"{settings.REDIS_PREFIX}:{key}" for key in keys]
