"""Publishing many messages in one write, on a connection that is kept.

What a pipeline of the client would do, for a third of the time: neither are its timeouts set for
each command and each answer, nor is the connection fetched and given back.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from hiredis import pack_command
from redis.exceptions import ConnectionError as RedisConnectionError

from pneumatic.lib.realtime.replies import Replies, is_read_here

Pairs = Collection[tuple[str, bytes]]
Done = Callable[[Exception | None], object]


class _Written:
    """What was written at once, and how many answers are still to come."""

    __slots__ = ("done", "left", "wrong")

    def __init__(self, left: int, done: Done) -> None:
        self.left = left
        self.done = done
        self.wrong: Exception | None = None


class Publisher:
    """Redis answers in the order in which is written; whoever writes bounds how long that takes."""

    def __init__(self, pool: Any) -> None:
        """Its connection comes from this pool of the client, which closes it."""
        self._pool = pool
        self._connection: Any = None
        self._replies: Replies | None = None
        self._written: deque[_Written] = deque()

    async def publish(self, pairs: Pairs) -> None:
        """Publish each message on its channel; raises what Redis or its client raises."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(wrong: Exception | None) -> None:
            if answer.done():
                return  # Whoever wrote it waits no more.
            if wrong is None:
                answer.set_result(None)
            else:
                answer.set_exception(wrong)

        if not self.begin(pairs, done):
            await self._connect()
            if not self.begin(pairs, done):
                raise RedisConnectionError("The connection ended.")
        try:
            await answer
        except BaseException:
            # Nobody knows how much of it was published, or the answers come too late.
            await self._connection.disconnect(nowait=True)
            raise

    def begin(self, pairs: Pairs, done: Done) -> bool:
        """Write it at once, if it is connected; whether it was written.

        `done` is called, later, when Redis has answered to all of it, with what is wrong.
        """
        if self._replies is None or self._replies.is_over or not is_read_here(self._connection):
            return False
        # Its types know tuples of one only.
        commands = [pack_command(("PUBLISH", *pair)) for pair in pairs]  # type: ignore[arg-type]
        self._connection._writer.write(b"".join(commands))
        self._written.append(_Written(len(pairs), done))
        return True

    async def _connect(self) -> None:
        if self._connection is None:
            self._connection = await self._pool.get_connection()
        else:
            await self._connection.disconnect(nowait=True)
            await self._connection.connect()
        # Of its own: the end of the former one may be heard of only later.
        written = self._written = deque()
        self._replies = Replies.of(
            self._connection, partial(_answered, written), partial(_ended, written)
        )


def _answered(written: deque[_Written], reply: Any) -> None:
    if isinstance(reply, list) or not written:
        return  # Redis may tell news of itself at any time.
    first = written[0]
    if isinstance(reply, Exception):
        first.wrong = first.wrong or reply
    first.left -= 1
    if not first.left:
        written.popleft()
        first.done(first.wrong)


def _ended(written: deque[_Written]) -> None:
    while written:
        written.popleft().done(RedisConnectionError("The connection ended."))
