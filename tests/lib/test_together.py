"""Several messages in one call of Redis, on a connection that is kept."""

import asyncio
from collections import deque
from typing import Any

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from pneumatic.lib.realtime import publisher, together
from pneumatic.lib.realtime.together import begin_group_send, group_send_all

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(not settings.REDIS_URL, reason="needs Redis"),
]


async def test_what_is_sent_together_reaches_channels_of_the_stock_layer_as_it_is() -> None:
    here, there = (
        RedisPubSubChannelLayer(**settings.CHANNEL_LAYERS["default"]["CONFIG"]) for _ in range(2)
    )
    try:
        mine = await there.new_channel()
        for group in ("a", "b"):
            await there.group_add(group, mine)
        messages = {group: {"type": "any", "to": group, "n": [1, None]} for group in "abc"}
        await group_send_all(here, messages)
        async with asyncio.timeout(10):
            received = [await there.receive(mine) for _ in range(2)]
        assert received == [messages["a"], messages["b"]]
    finally:
        await here.flush()
        await there.flush()


@pytest.mark.parametrize("ended_by", ["Redis", "whoever sends"])
async def test_after_a_connection_that_ended_there_is_another(
    ended_by: str,
) -> None:
    layer = RedisPubSubChannelLayer(**settings.CHANNEL_LAYERS["default"]["CONFIG"])
    try:
        mine = await layer.new_channel()
        await layer.group_add("a", mine)
        await group_send_all(layer, {"a": {"n": 1}})
        if ended_by == "Redis":
            admin = Redis.from_url(settings.REDIS_URL)
            await admin.client_kill_filter(_type="normal", skipme=True)
            await admin.aclose()
            (shard,) = layer._get_layer()._shards
            async with asyncio.timeout(10):
                while together._publishers[shard._redis].begin([("a", b"")], str):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        else:
            sending = asyncio.create_task(group_send_all(layer, {"a": {"n": 2}}))
            await asyncio.sleep(0)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        await group_send_all(layer, {"a": {"n": 3}, "b": {"n": 3}})
        received = list[int]()
        async with asyncio.timeout(10):
            while received[-1:] != [3]:
                received.append((await layer.receive(mine))["n"])
        assert set(received) - {2} == {1, 3}
    finally:
        await layer.flush()


async def test_one_that_ends_meanwhile_is_told_to_all_who_wait_for_it() -> None:
    layer = RedisPubSubChannelLayer(**settings.CHANNEL_LAYERS["default"]["CONFIG"])
    try:
        told: asyncio.Queue[Exception | None] = asyncio.Queue()
        done = told.put_nowait
        assert not begin_group_send(layer, "a", {"n": 1}, done), "it is not connected yet"
        await group_send_all(layer, {"a": {"n": 1}})
        (shard,) = layer._get_layer()._shards
        assert all(begin_group_send(layer, group, {"n": 2}, done) for group in "ab")
        await shard._redis.connection_pool.disconnect()
        async with asyncio.timeout(10):
            assert [type(await told.get()) for _ in "ab"] == [RedisConnectionError] * 2
    finally:
        await layer.flush()


async def test_what_is_begun_arrives_before_what_is_sent_after_it() -> None:
    layer = RedisPubSubChannelLayer(**settings.CHANNEL_LAYERS["default"]["CONFIG"])
    try:
        mine = await layer.new_channel()
        await layer.group_add("a", mine)
        await group_send_all(layer, {"a": {"n": 1}})
        told = list[Exception | None]()
        assert begin_group_send(layer, "a", {"n": 2}, told.append)
        await group_send_all(layer, {"a": {"n": 3}})
        assert told == [None]
        async with asyncio.timeout(10):
            assert [(await layer.receive(mine))["n"] for _ in range(3)] == [1, 2, 3]
    finally:
        await layer.flush()


async def test_that_redis_takes_nothing_is_noticed_when_sending_together() -> None:
    config = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    (host,) = config["hosts"]
    nobody = {**config, "hosts": [{**host, "address": "redis://127.0.0.1:1/0"}]}
    layer = RedisPubSubChannelLayer(**nobody)
    with pytest.raises(RedisConnectionError):
        await group_send_all(layer, {group: {"type": "any"} for group in "ab"})
    await layer.flush()


async def test_news_of_redis_is_no_answer_and_an_error_is_told_once_all_is_answered() -> None:
    written, told = deque[publisher._Written](), list[Exception | None]()
    for size in (2, 1):
        written.append(publisher._Written(size, told.append))
    full = ResponseError("OOM")
    for reply in ([b"invalidate", [b"a"]], full, 1):
        publisher._answered(written, reply)
    assert told == [full]
    publisher._ended(written)
    assert [type(each) for each in told] == [ResponseError, RedisConnectionError]
    publisher._answered(written, 1)
    assert len(told) == 2


async def test_a_former_connection_that_ends_late_takes_nothing_of_the_next_with_it() -> None:
    layer = RedisPubSubChannelLayer(**settings.CHANNEL_LAYERS["default"]["CONFIG"])
    try:
        await group_send_all(layer, {"a": {"n": 1}})
        (shard,) = layer._get_layer()._shards
        kept = together._publishers[shard._redis]
        former: Any = kept._connection._writer.transport.get_protocol()
        await kept._connection.disconnect()
        await group_send_all(layer, {"a": {"n": 2}})
        told: asyncio.Queue[Exception | None] = asyncio.Queue()
        assert begin_group_send(layer, "a", {"n": 3}, told.put_nowait)
        former.is_over = False
        former.connection_lost(None)
        assert await asyncio.wait_for(told.get(), 10) is None
    finally:
        await layer.flush()
