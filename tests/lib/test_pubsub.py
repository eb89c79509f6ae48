"""What Redis says to a subscriber is taken as it comes: together, and each for what it is."""

import asyncio
from types import SimpleNamespace
from typing import Any

import hiredis
import pytest
from channels.layers import get_channel_layer  # noqa: TID251  # what is tested here
from redis._parsers.hiredis import NOT_ENOUGH_DATA, _AsyncHiredisParser
from redis.asyncio import ConnectionPool
from redis.exceptions import ResponseError

from pneumatic.lib.realtime.pubsub import _PubSub
from pneumatic.lib.realtime.together import group_add_all, group_discard_all

pytestmark = pytest.mark.asyncio

CHECKED = b"redis-py-health-check"


class Subscriber(_PubSub):
    """One that has heard these bytes, and waits for nothing else."""

    def __init__(self, said: bytes) -> None:
        super().__init__(ConnectionPool())
        parser: Any = _AsyncHiredisParser(65536)
        parser._connected = True
        parser._reader = hiredis.Reader(
            replyError=parser.parse_error, notEnoughData=NOT_ENOUGH_DATA
        )
        parser._reader.feed(said)
        connection: Any = SimpleNamespace(
            _parser=parser, deregister_connect_callback=lambda _: None
        )
        self.connection = connection

    async def parse_response(self, *_: Any, **__: Any) -> Any:
        """Nothing more came."""
        return None


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
