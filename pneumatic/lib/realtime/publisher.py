"""Publishing many messages in one write, on a connection that is kept.

What a pipeline of the client would do, for a third of the time: neither are its timeouts set for
each command and each answer, nor is the connection fetched and given back.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from typing import Any

from hiredis import pack_command
from redis.exceptions import ConnectionError as RedisConnectionError

from pneumatic.lib.realtime.replies import Replies, is_read_here


class _Written:
    """What was written at once, and how many answers are still to come."""

    __slots__ = ("done", "left")

    def __init__(self, left: int, done: "asyncio.Future[None]") -> None:
        self.left = left
        self.done = done


class Publisher:
    """Redis answers in the order in which is written; whoever writes bounds how long that takes."""

    def __init__(self, pool: Any) -> None:
        """Its connection comes from this pool of the client, which closes it."""
        self._pool = pool
        self._connection: Any = None
        self._replies: Replies | None = None
        self._written: deque[_Written] = deque()

    async def publish(self, pairs: Collection[tuple[str, bytes]]) -> None:
        """Publish each message on its channel; raises what Redis or its client raises."""
        done = self.begin(pairs)
        if done is None:
            await self._connect()
            done = self.begin(pairs)
            if done is None:
                raise RedisConnectionError("The connection ended.")
        try:
            await done
        except BaseException:
            # Nobody knows how much of it was published, or the answers come too late.
            await self._connection.disconnect(nowait=True)
            raise

    def begin(self, pairs: Collection[tuple[str, bytes]]) -> "asyncio.Future[None] | None":
        """Write it at once, where it is connected; the future ends when Redis has answered."""
        if self._replies is None or self._replies.is_over or not is_read_here(self._connection):
            return None
        # Its types know tuples of one only.
        commands = [pack_command(("PUBLISH", *pair)) for pair in pairs]  # type: ignore[arg-type]
        self._connection._writer.write(b"".join(commands))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._written.append(_Written(len(pairs), done))
        return done

    async def _connect(self) -> None:
        if self._connection is None:
            self._connection = await self._pool.get_connection()
        else:
            await self._connection.disconnect(nowait=True)
            await self._connection.connect()
        self._replies = Replies.of(self._connection, self._answered, self._ended)

    def _answered(self, reply: Any) -> None:
        if isinstance(reply, list) or not self._written:
            return  # Redis may tell news of itself at any time.
        first = self._written[0]
        if isinstance(reply, Exception) and not first.done.done():
            first.done.set_exception(reply)
        first.left -= 1
        if not first.left:
            self._written.popleft()
            if not first.done.done():
                first.done.set_result(None)

    def _ended(self) -> None:
        for each in self._written:
            if not each.done.done():  # else whoever wrote it waits no more
                each.done.set_exception(RedisConnectionError("The connection ended."))
        self._written.clear()
