"""What Redis says to a subscriber is taken as it comes: together, and each for what it is."""

import asyncio
from types import SimpleNamespace
from typing import Any

import hiredis
import pytest
from channels.layers import get_channel_layer  # noqa: TID251  # what is tested here
from redis._parsers.hiredis import NOT_ENOUGH_DATA, _AsyncHiredisParser
from redis.asyncio import ConnectionPool
from redis.exceptions import InvalidResponse, ResponseError

from pneumatic.lib.realtime.pubsub import _PubSub
from pneumatic.lib.realtime.together import group_add_all, group_discard_all, group_send_all

pytestmark = pytest.mark.asyncio

CHECKED = b"redis-py-health-check"


class Wire(asyncio.Transport):
    """The connection's, on which nothing is written."""

    def __init__(self, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.aborted = False

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def abort(self) -> None:
        self.aborted = True


class Subscriber(_PubSub):
    """One that has heard these bytes before anybody took them, the first of them in the parser."""

    def __init__(self, parsed: bytes, said: bytes = b"") -> None:
        self.handed = list[tuple[bytes, bytes]]()
        super().__init__(ConnectionPool(), hand_on=self._keep)
        #: How often the client itself looked for more.
        self.looked = 0
        parser: Any = _AsyncHiredisParser(65536)
        parser._connected = True
        parser._reader = hiredis.Reader(
            protocolError=InvalidResponse,
            replyError=parser.parse_error,
            notEnoughData=NOT_ENOUGH_DATA,
        )
        parser._reader.feed(parsed)
        stream = parser._stream = asyncio.StreamReader()
        stream.feed_data(said)
        self.wire = Wire(asyncio.StreamReaderProtocol(stream))
        connection: Any = SimpleNamespace(
            _parser=parser,
            _writer=SimpleNamespace(transport=self.wire),
            deregister_connect_callback=lambda _: None,
        )
        self.connection = connection

    def _keep(self, message: Any) -> None:
        self.handed.append((message["channel"], message["data"]))

    async def parse_response(self, *_: Any, **__: Any) -> Any:
        """Nothing more came."""
        self.looked += 1
        return None

    def hear(self, said: bytes) -> None:
        protocol: Any = self.wire.protocol
        protocol.data_received(said)

    def lose(self, error: Exception | None = None) -> None:
        self.wire.protocol.connection_lost(error)

    async def get_to_the_end(self) -> Any:
        """What there is to be said of a connection that then ends."""
        asyncio.get_running_loop().call_soon(self.lose)
        return await asyncio.wait_for(self.get_message(ignore_subscribe_messages=True), 5)


def pushed(*words: bytes, last: bytes = b":1\r\n") -> bytes:
    texts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    return b">%d\r\n" % (len(words) + 1) + texts + last


HI = pushed(b"message", b"a7", last=b"$2\r\nhi\r\n")


async def test_confirmations_are_passed_over_and_messages_handed_on() -> None:
    confirmed = b"".join(pushed(b"subscribe", b"a%d" % number) for number in range(500))
    redis = Subscriber(confirmed + HI, confirmed + HI)
    assert await redis.get_to_the_end() is None
    assert redis.handed == [(b"a7", b"hi")] * 2


async def test_what_was_left_is_forgotten_once_redis_says_so_unless_it_is_wanted_again() -> None:
    redis = Subscriber(b"".join(pushed(b"unsubscribe", each) for each in (b"a", b"b")))
    redis.channels = dict.fromkeys((b"a", b"b", b"c"))
    redis.pending_unsubscribe_channels = {b"a", b"c"}
    assert await redis.get_to_the_end() is None
    assert redis.channels.keys() == {b"b", b"c"}
    assert redis.pending_unsubscribe_channels == {b"c"}


@pytest.mark.parametrize(
    "pong",
    [
        b"$%d\r\n%s\r\n" % (len(CHECKED), CHECKED),
        b"*2\r\n$4\r\npong\r\n$%d\r\n%s\r\n" % (len(CHECKED), CHECKED),
    ],
)
async def test_that_redis_is_well_is_no_message(pong: bytes) -> None:
    redis = Subscriber(pong)
    assert await redis.get_to_the_end() is None
    assert not redis.handed


async def test_an_error_is_raised() -> None:
    redis = Subscriber(pushed(b"subscribe", b"a") + b"-NOPERM this channel is not for you\r\n")
    with pytest.raises(ResponseError):
        await redis.get_message()


async def test_nothing_is_heard_of_a_connection_that_was_cut() -> None:
    redis: Any = Subscriber(HI)
    redis.connection._parser.on_disconnect()
    assert await redis.get_message() is None
    assert not redis.handed


async def test_a_message_may_come_in_pieces_and_is_handed_on_where_it_arrives() -> None:
    redis = Subscriber(HI[:3], HI[3:7])
    waiting = asyncio.create_task(redis.get_message())
    await asyncio.sleep(0)
    assert not redis.handed
    redis.hear(HI[7:] + HI[:5])
    assert redis.handed == [(b"a7", b"hi")]
    redis.hear(HI[5:])
    assert len(redis.handed) == 2
    redis.lose()
    assert await asyncio.wait_for(waiting, 5) is None


async def test_a_line_that_breaks_while_one_waits_is_left_to_the_client_to_mend() -> None:
    redis = Subscriber(b"")
    waiting = asyncio.create_task(redis.get_message())
    await asyncio.sleep(0)
    redis.lose(ConnectionResetError())
    assert await asyncio.wait_for(waiting, 5) is None
    assert redis.looked == 1


async def test_a_line_that_had_ended_before_anybody_listened_is_the_clients_as_well() -> None:
    redis: Any = Subscriber(HI)
    redis.connection._parser._stream.feed_eof()
    assert await asyncio.wait_for(redis.get_message(), 5) is None
    assert (redis.handed, redis.looked) == ([(b"a7", b"hi")], 1)


async def test_what_is_not_redis_is_not_listened_to() -> None:
    redis = Subscriber(b"HTTP/1.1 400 Bad Request\r\n")
    waiting = asyncio.create_task(redis.get_message())
    await asyncio.sleep(0)
    assert redis.wire.aborted
    redis.lose()
    await asyncio.wait_for(waiting, 5)


@pytest.mark.needs_redis
async def test_what_comes_for_a_channel_is_handed_on_as_it_came_and_what_is_left_to_others() -> (
    None
):
    layer: Any = get_channel_layer()
    mine, other = await layer.new_channel(), await layer.new_channel()
    for channel in (mine, other):
        await layer.group_add("a", channel)
    came: asyncio.Queue[bytes] = asyncio.Queue()
    layer.hand_on(mine, came.put_nowait)
    said = {"type": "any", "n": [1, None]}
    await group_send_all(layer, {"a": said})
    async with asyncio.timeout(10):
        assert layer.deserialize(await came.get()) == said
        assert await layer.receive(other) == said
    await layer.flush()


@pytest.mark.needs_redis
async def test_redis_and_the_layer_agree_on_what_is_subscribed_to() -> None:
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    (shard,) = layer._get_layer()._shards
    groups = [f"group.{number}" for number in range(1000)]
    await group_add_all(layer, groups, channel)
    await group_discard_all(layer, groups[1:], channel)
    async with asyncio.timeout(10):
        while shard._pubsub.pending_unsubscribe_channels:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    kept = layer._get_layer()._get_group_channel_name(groups[0])
    assert shard._pubsub.channels.keys() == {channel.encode(), kept.encode()}
    asked = await asyncio.wait_for(shard._redis.pubsub_channels(f"{layer.prefix}*"), 5)
    assert {channel.encode(), kept.encode()} == set(asked)
    await layer.flush()
