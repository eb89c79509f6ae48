"""The stock layer on Redis's pub/sub, but for how it subscribes and how it reads.

Redis confirms each subscription, and a device may bring a thousand. The client handles every reply
as if it had to be waited for, which takes some 30 µs each: longer than all the rest of such a
device's hello. Here what has arrived together is taken together.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisSingleShardConnection
from hiredis import pack_command
from redis._parsers.hiredis import NOT_ENOUGH_DATA, _AsyncHiredisParser
from redis.asyncio.client import PubSub

#: Seconds for which nothing may come before one looks whether the connection is well. Our own beats
#: come more often.
_PATIENCE: Final = 1.0


class Layer(RedisPubSubChannelLayer):  # type: ignore[misc]  # untyped
    """Everything else is as in the stock one, which other processes may have."""

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
                client.connection_pool, event_dispatcher=client._event_dispatcher
            )


class _PubSub(PubSub):
    """Without handlers: a channel is its name alone."""

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
        send = partial(connection.send_packed_command, packed, check_health=not self.subscribed)
        await client._execute(connection, send)

    async def get_message(
        self,
        ignore_subscribe_messages: bool = False,
        timeout: float | None = 0.0,  # noqa: ASYNC109  # as the client has it
    ) -> Any:
        """The next message, or None; confirmations that are here already are passed over."""
        while (reply := self._arrived()) is not None:
            kind = reply[0] if isinstance(reply, list) else None
            if kind == b"unsubscribe":
                if reply[1] in self.pending_unsubscribe_channels:
                    self.pending_unsubscribe_channels.remove(reply[1])
                    self.channels.pop(reply[1], None)
            elif kind != b"subscribe":
                return await self._told(reply, ignore_subscribe_messages)
        # The layer asks for 0.1 s, again and again; to wake up takes as long as to read a message.
        waits = timeout if timeout is None else max(timeout, _PATIENCE)
        return await super().get_message(ignore_subscribe_messages, waits)

    def _arrived(self) -> Any:
        """The next reply, if it is in memory already; else None."""
        parser: Any = getattr(self.connection, "_parser", None)
        # One that was cut has no more to say, whatever is left of it: asking that again raises.
        if parser is None or not parser._connected or type(parser) is not _AsyncHiredisParser:
            return None
        reader: Any = parser._reader
        reply = reader.gets()
        return None if reply is NOT_ENOUGH_DATA else reply

    async def _told(self, reply: Any, ignore_subscribe_messages: bool) -> Any:
        """As the client's own way through it all."""
        error = reply[0] if isinstance(reply, list) else reply
        if isinstance(error, Exception):
            raise error
        if reply in self.health_check_response:
            return None
        client: Any = super()
        return await client.handle_message(reply, ignore_subscribe_messages)


def _as_answered(names: Iterable[str | bytes]) -> list[bytes]:
    return [each if isinstance(each, bytes) else each.encode() for each in names]
