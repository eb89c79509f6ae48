"""Several calls of a channel layer at once: in one round trip where it is Redis's pub/sub.

The stock layer takes a lock and waits for Redis's answer for each message, which in small groups
costs more than everything else. It also writes a command for each group that is joined or left,
and a device may be in a thousand. What is written here is what it would have written itself.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from channels.layers import BaseChannelLayer

from pneumatic.lib import tracing

if TYPE_CHECKING:
    from pneumatic.lib.realtime.publisher import Publisher

Message = dict[str, Any]
#: Of each of Redis's clients.
_publishers: Final[WeakKeyDictionary[Any, "Publisher"]] = WeakKeyDictionary()


def begin_group_send(
    layer: BaseChannelLayer,
    group: str,
    message: Message,
    done: Callable[[Exception | None], object],
) -> bool:
    """``group_send`` without a task, where Redis can be written to at once; whether it was.

    `done` is called, later, when Redis has it, with what is wrong. How long that takes is bounded
    by whoever calls `group_send_all` after this: with one Redis they wait for the same.
    """
    if not hasattr(layer, "_get_layer") or tracing.is_on():
        return False
    shard, pair = _addressed(cast("Any", layer), group, message)
    publisher = None if shard._redis is None else _publishers.get(shard._redis)
    return publisher is not None and publisher.begin([pair], done)


async def group_send_all(layer: BaseChannelLayer, messages: Mapping[str, Message]) -> None:
    """``group_send`` each message to its group; raises what the layer or Redis raises."""
    # Known by what it is made of: its import takes 0.5 s, which a start without Redis saves.
    if not hasattr(layer, "_get_layer"):
        for group, message in messages.items():
            await layer.group_send(group, message)
        return
    by_shard: dict[Any, list[tuple[str, bytes]]] = {}
    for group, message in messages.items():
        shard, pair = _addressed(cast("Any", layer), group, message)
        by_shard.setdefault(shard, []).append(pair)
    with tracing.span("redis.publish", groups=len(messages)):
        # Mostly one, and then no task is made for it.
        first, *others = (_publish_all(*each) for each in by_shard.items())
        await (asyncio.gather(first, *others) if others else first)


def _addressed(pubsub: Any, group: str, message: Message) -> tuple[Any, tuple[str, bytes]]:
    """The shard, and what is published there."""
    of_this_loop = pubsub._get_layer()
    channel = of_this_loop._get_group_channel_name(group)
    return of_this_loop._get_shard(channel), (channel, pubsub.serialize(message))


async def _publish_all(shard: Any, pairs: Collection[tuple[str, bytes]]) -> None:
    # The shard's lock keeps its connections from being closed under us, as for its own calls.
    async with shard._lock:
        shard._ensure_redis()
        publisher = _publishers.get(shard._redis)
        if publisher is None:
            # Not for a start without Redis.
            from pneumatic.lib.realtime.publisher import Publisher

            publisher = _publishers[shard._redis] = Publisher(shard._redis.connection_pool)
        await publisher.publish(pairs)


async def group_add_all(layer: BaseChannelLayer, groups: Collection[str], channel: str) -> None:
    """``group_add`` a channel to each of these; raises what the layer or Redis raises."""
    if len(groups) == 1 or not hasattr(layer, "_get_layer"):
        for group in groups:
            await layer.group_add(group, channel)
        return
    of_this_loop = cast("Any", layer)._get_layer()
    if channel not in of_this_loop.channels:
        raise RuntimeError("The channel was given up.")
    names = [of_this_loop._get_group_channel_name(group) for group in groups]
    for name in names:
        of_this_loop.groups.setdefault(name, set()).add(channel)
    for shard, some in _by_shard(of_this_loop, names).items():
        # The shard's lock keeps its connections from being closed under us, as for its own calls.
        async with shard._lock:
            new = [name for name in some if name not in shard._subscribed_to]
            if new:
                shard._ensure_redis()
                shard._ensure_receiver()
                await shard._pubsub.subscribe(*new)
                shard._subscribed_to.update(new)


async def group_discard_all(layer: BaseChannelLayer, groups: Collection[str], channel: str) -> None:
    """``group_discard`` a channel from each of these; raises what the layer or Redis raises."""
    if len(groups) == 1 or not hasattr(layer, "_get_layer"):
        for group in groups:
            await layer.group_discard(group, channel)
        return
    of_this_loop = cast("Any", layer)._get_layer()
    names = []
    for group in groups:
        name = of_this_loop._get_group_channel_name(group)
        channels = of_this_loop.groups.get(name, set())
        channels.discard(channel)
        if not channels:
            of_this_loop.groups.pop(name, None)
            names.append(name)
    for shard, some in _by_shard(of_this_loop, names).items():
        async with shard._lock:
            old = [name for name in some if name in shard._subscribed_to]
            if old:
                shard._ensure_redis()
                shard._ensure_receiver()
                await shard._pubsub.unsubscribe(*old)
                shard._subscribed_to.difference_update(old)


def _by_shard(of_this_loop: Any, names: Collection[str]) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = {}
    for name in names:
        found.setdefault(of_this_loop._get_shard(name), []).append(name)
    return found
