"""The stock layer on Redis's pub/sub, but for how it subscribes and how it reads.

Redis confirms each subscription, and a device may bring a thousand. The client handles every reply
as if it had to be waited for, which takes some 30 µs each: longer than all the rest of such a
device's hello. Here what has arrived together is taken together, and a message is handed on where
it is read, without a queue and a task that waits for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisSingleShardConnection
from hiredis import pack_command
from redis.asyncio.client import PubSub

from pneumatic.lib.realtime.replies import Replies, is_read_here


class Layer(RedisPubSubChannelLayer):  # type: ignore[misc]  # untyped
    """Everything else is as in the stock one, which other processes may have."""

    def hand_on(self, channel: str, take: Callable[[bytes], None]) -> None:
        """Call this with each message of a new channel, as it came, instead of keeping it.

        It must not raise. `deserialize` makes of it what `receive` would have returned.
        """
        self._get_layer().channels[channel] = _Taker(take)

    def _get_layer(self) -> Any:
        known = self._layers.get(asyncio.get_running_loop())
        if known is None:
            known = super()._get_layer()
            known._shards = [_Shard(each.host, known) for each in known._shards]
        return known


class _Shard(RedisSingleShardConnection):  # type: ignore[misc]  # untyped
    def _ensure_redis(self) -> None:
        if self._redis is None:
            super()._ensure_redis()
            client: Any = self._redis
            self._pubsub = _PubSub(
                client.connection_pool,
                event_dispatcher=client._event_dispatcher,
                hand_on=self._receive_message,
            )


class _PubSub(PubSub):
    """Without handlers: a channel is its name alone."""

    def __init__(self, *args: Any, hand_on: Callable[[Any], object], **options: Any) -> None:
        """`hand_on` is called with each message, and must not raise."""
        super().__init__(*args, **options)
        self._hand_on = hand_on
        #: What is neither a message nor a confirmation, until somebody asks.
        self._others: deque[Any] = deque()
        #: That there are some, or that the connection has ended.
        self._news = asyncio.Event()

    async def subscribe(self, *names: Any, **_: Any) -> None:
        """To all of these, in one command."""
        await self._command("SUBSCRIBE", names)
        # After that: where it had to connect first, it has subscribed to those that were here.
        named = dict.fromkeys(_as_answered(names))
        self.channels.update(named)
        self.pending_unsubscribe_channels.difference_update(named)

    async def unsubscribe(self, *names: Any) -> None:
        """From all of these, in one command."""
        self.pending_unsubscribe_channels.update(_as_answered(names))
        await self._command("UNSUBSCRIBE", names)

    async def _command(self, word: str, names: Sequence[str | bytes]) -> None:
        client: Any = super()
        await client.connect()
        connection: Any = self.connection
        # Its types know tuples of one only.
        packed = pack_command((word, *names))  # type: ignore[arg-type]
        # Without a look at its health, whose answer the receiver may be waiting for already.
        send = partial(connection.send_packed_command, packed, check_health=False)
        await client._execute(connection, send)

    async def get_message(
        self,
        ignore_subscribe_messages: bool = False,
        timeout: float | None = 0.0,  # noqa: ASYNC109  # as the client has it
    ) -> Any:
        """Wait for what is no message: those are handed on as they arrive. Returns None, mostly.

        However long that takes: the layer asks for 0.1 s, again and again, and to wake up takes as
        long as to read a message. A connection that fell silent is found by our beats.
        """
        while is_read_here(self.connection):
            replies = Replies.of(self.connection, self._came, self._news.set)
            if self._others:
                return await self._told(self._others.popleft(), ignore_subscribe_messages)
            if replies.is_over:
                break
            self._news.clear()
            await self._news.wait()
        # Not connected, or not any more: the client connects and subscribes anew.
        return await super().get_message(ignore_subscribe_messages, timeout)

    def _came(self, reply: Any) -> None:
        kind = reply[0] if isinstance(reply, list) else None
        if kind == b"message":
            self._hand_on({"channel": reply[1], "data": reply[2]})
        elif kind == b"unsubscribe":
            if reply[1] in self.pending_unsubscribe_channels:
                self.pending_unsubscribe_channels.remove(reply[1])
                self.channels.pop(reply[1], None)
        elif kind != b"subscribe":
            self._others.append(reply)
            self._news.set()

    async def _told(self, reply: Any, ignore_subscribe_messages: bool) -> Any:
        """As the client's own way through it all."""
        error = reply[0] if isinstance(reply, list) else reply
        if isinstance(error, Exception):
            raise error
        if reply in self.health_check_response:
            return None
        client: Any = super()
        return await client.handle_message(reply, ignore_subscribe_messages)


class _Taker:
    """In the place of a channel's queue."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self.put_nowait = take


def _as_answered(names: Iterable[str | bytes]) -> list[bytes]:
    return [each if isinstance(each, bytes) else each.encode() for each in names]
