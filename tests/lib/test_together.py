"""A thousand groups are joined and left like one; the layer is none the wiser."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from channels.layers import get_channel_layer  # noqa: TID251  # what is tested here

from pneumatic.lib.realtime.together import group_add_all, group_discard_all

pytestmark = pytest.mark.asyncio

GROUPS = [f"group.{number}" for number in range(300)]


@pytest_asyncio.fixture
async def layer() -> AsyncIterator[Any]:
    """The settings' own."""
    found = get_channel_layer()
    assert found is not None
    yield found
    await found.flush()


async def heard(layer: Any, channel: str) -> Any:
    async with asyncio.timeout(10):
        return (await layer.receive(channel))["number"]


async def test_what_was_joined_together_is_heard_and_what_was_left_is_not(layer: Any) -> None:
    channel, other = await layer.new_channel(), await layer.new_channel()
    await group_add_all(layer, GROUPS, channel)
    # Again, and beside one that is in some of them: neither changes anything.
    await group_add_all(layer, GROUPS, channel)
    await group_add_all(layer, GROUPS[:2], other)
    for number in (0, 150, 299):
        await layer.group_send(GROUPS[number], {"type": "test", "number": number})
        assert await heard(layer, channel) == number
    assert await heard(layer, other) == 0
    await group_discard_all(layer, [*GROUPS[:299], "never.joined"], channel)
    for number in (1, 150, 299):
        await layer.group_send(GROUPS[number], {"type": "test", "number": number})
    # What was left is still heard by who stayed, and by nobody else.
    assert await heard(layer, other) == 1
    assert await heard(layer, channel) == 299
    await group_add_all(layer, GROUPS[1:3], channel)
    await layer.group_send(GROUPS[2], {"type": "test", "number": 2})
    assert await heard(layer, channel) == 2


@pytest.mark.needs_redis
async def test_redis_is_told_once_for_all(layer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = await layer.new_channel()
    (shard,) = layer._get_layer()._shards
    told = list[tuple[str, int]]()
    for name in ("subscribe", "unsubscribe"):
        really = getattr(shard._pubsub, name)

        async def count(*names: str, name: str = name, really: Any = really) -> None:
            told.append((name, len(names)))
            await really(*names)

        monkeypatch.setattr(shard._pubsub, name, count)
    await group_add_all(layer, GROUPS, channel)
    await group_add_all(layer, GROUPS, channel)
    await group_discard_all(layer, GROUPS, channel)
    assert told == [("subscribe", len(GROUPS)), ("unsubscribe", len(GROUPS))]


@pytest.mark.needs_redis
async def test_a_channel_that_was_given_up_joins_nothing(layer: Any) -> None:
    channel = await layer.new_channel()
    await layer.flush()
    with pytest.raises(RuntimeError):
        await group_add_all(layer, GROUPS, channel)
    assert not layer.groups
