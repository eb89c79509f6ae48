"""What Redis says to a subscriber is taken as it comes: together, and each for what it is."""

import asyncio
from types import SimpleNamespace
from typing import Any

import hiredis
import pytest
from channels.layers import get_channel_layer  # noqa: TID251  # what is tested here
from redis._parsers.hiredis import NOT_ENOUGH_DATA, _AsyncHiredisParser
from redis.asyncio import ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from pneumatic.lib.realtime.pubsub import _PubSub
from pneumatic.lib.realtime.replies import next_reply
from pneumatic.lib.realtime.together import group_add_all, group_discard_all, group_send_all

pytestmark = pytest.mark.asyncio

CHECKED = b"redis-py-health-check"


class Subscriber(_PubSub):
    """One that has heard these bytes, and waits for nothing else."""

    def __init__(self, said: bytes) -> None:
        super().__init__(ConnectionPool())
        #: How often the client itself looked for more.
        self.looked = 0
        parser: Any = _AsyncHiredisParser(65536)
        parser._connected = True
        parser._reader = hiredis.Reader(
            replyError=parser.parse_error, notEnoughData=NOT_ENOUGH_DATA
        )
        parser._reader.feed(said)
        parser._stream = asyncio.StreamReader()
        parser._stream.feed_eof()
        connection: Any = SimpleNamespace(
            _parser=parser, deregister_connect_callback=lambda _: None
        )
        self.connection = connection

    async def parse_response(self, *_: Any, **__: Any) -> Any:
        """Nothing more came."""
        self.looked += 1
        return None

    @property
    def line(self) -> asyncio.StreamReader:
        """What else it will hear."""
        connection: Any = self.connection
        stream: asyncio.StreamReader = connection._parser._stream
        return stream


def pushed(*words: bytes, last: bytes = b":1\r\n") -> bytes:
    texts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    return b">%d\r\n" % (len(words) + 1) + texts + last


async def test_confirmations_are_passed_over_up_to_the_next_message() -> None:
    confirmed = b"".join(pushed(b"subscribe", b"a%d" % number) for number in range(500))
    redis = Subscriber(confirmed + pushed(b"message", b"a7", last=b"$2\r\nhi\r\n") + confirmed)
    message = await redis.get_message(ignore_subscribe_messages=True)
    assert (message["channel"], message["data"]) == (b"a7", b"hi")
    assert await redis.get_message(ignore_subscribe_messages=True) is None


async def test_what_was_left_is_forgotten_once_redis_says_so_unless_it_is_wanted_again() -> None:
    redis = Subscriber(b"".join(pushed(b"unsubscribe", each) for each in (b"a", b"b")))
    redis.channels = dict.fromkeys((b"a", b"b", b"c"))
    redis.pending_unsubscribe_channels = {b"a", b"c"}
    assert await redis.get_message() is None
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
    assert await Subscriber(pong).get_message() is None


async def test_an_error_is_raised() -> None:
    redis = Subscriber(pushed(b"subscribe", b"a") + b"-NOPERM this channel is not for you\r\n")
    with pytest.raises(ResponseError):
        await redis.get_message()


async def test_nothing_is_heard_of_a_connection_that_was_cut() -> None:
    redis: Any = Subscriber(pushed(b"message", b"a", last=b"$2\r\nhi\r\n"))
    redis.connection._parser.on_disconnect()
    assert await redis.get_message() is None


async def test_a_message_is_waited_for_and_may_come_in_pieces() -> None:
    redis: Any = Subscriber(b"")
    redis.connection._parser._stream = asyncio.StreamReader()
    waiting = asyncio.create_task(redis.get_message(timeout=0.0))
    said = pushed(b"message", b"a", last=b"$2\r\nhi\r\n")
    for piece in (said[:7], said[7:]):
        await asyncio.sleep(0)
        assert not waiting.done()
        redis.line.feed_data(piece)
    assert (await asyncio.wait_for(waiting, 5))["data"] == b"hi"


async def test_a_line_that_breaks_while_one_waits_is_left_to_the_client_to_mend() -> None:
    redis: Any = Subscriber(b"")
    redis.connection._parser._stream = asyncio.StreamReader()
    waiting = asyncio.create_task(redis.get_message())
    await asyncio.sleep(0)
    redis.line.set_exception(ConnectionResetError())
    assert await asyncio.wait_for(waiting, 5) is None
    assert redis.looked == 1


async def test_an_answer_is_told_from_news_an_error_and_the_end() -> None:
    redis: Any = Subscriber(pushed(b"invalidate", b"a") + b":3\r\n-OOM no room\r\n:4")
    assert await next_reply(redis.connection) == 3
    with pytest.raises(ResponseError):
        await next_reply(redis.connection)
    with pytest.raises(RedisConnectionError):
        await next_reply(redis.connection)


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
