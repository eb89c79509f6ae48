"""The only caller of the channel layer: one channel in it, and the connections under that."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import Any, Final

import structlog
from channels.layers import BaseChannelLayer, InMemoryChannelLayer, get_channel_layer
from django.core.exceptions import ImproperlyConfigured

from pneumatic.lib.realtime.together import (
    begin_group_send,
    group_add_all,
    group_discard_all,
    group_send_all,
)

log = structlog.get_logger(__name__)

Envelope = dict[str, Any]
_MESSAGE_TYPE: Final = "realtime"
#: Seconds that one call of the layer may take.
CALL_SECONDS: Final = 2.0
#: Groups of one call: Redis answers each, and shall not be long about it. A device in a thousand
#: conversations, which has a group more, takes one.
GROUPS_AT_ONCE: Final = 2_000
#: Seconds that a reader that failed rests before it reads on.
REST_SECONDS: Final = 0.3
#: What every process hears: that one could not tell the others something.
EVERYBODY: Final = "processes"


def _layer() -> BaseChannelLayer:
    layer = get_channel_layer()
    if layer is None:
        raise ImproperlyConfigured("CHANNEL_LAYERS has no default.")
    return layer


def _message(name: str, group: str, envelopes: list[Envelope]) -> dict[str, Any]:
    return {"type": _MESSAGE_TYPE, "from": name, "group": group, "envelopes": envelopes}


def _beginning(written: bytes, name: str) -> bytes | None:
    """What is written up to the name's end; None where it is encrypted."""
    before, found, _ = written.partition(name.encode())
    return before + found if found else None


class Channel:
    """One channel, many groups. What is wanted stays wanted while the layer is away.

    `take` is called with each message that comes, `failed` where none can be received; neither may
    raise.
    """

    def __init__(
        self, take: Callable[[dict[str, Any]], None], failed: Callable[[Exception], None]
    ) -> None:
        self.layer: Any = _layer()
        self._handed_on = hasattr(self.layer, "hand_on")
        self.name = uuid.uuid4().hex
        #: A group of this channel alone.
        self.own_group = f"process.{self.name}"
        self._take = take
        #: What every message of this channel begins with, but a beat.
        self._ours: bytes | None = None
        self._failed = failed
        self._channel = ""
        #: The groups to be in, and those that the present channel is in.
        self._groups, self._joined = set[str](), set[str]()
        self._receiving: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def has_others(self) -> bool:
        """Whether other processes may have channels in this layer."""
        return not isinstance(self.layer, InMemoryChannelLayer)

    @property
    def is_open(self) -> bool:
        return bool(self._channel)

    @property
    def is_complete(self) -> bool:
        """Whether it is in every group that it is to be in."""
        return self._groups <= self._joined

    def want(self, groups: Collection[str]) -> None:
        """Be in these groups from the next `join_missing` or `renew` on."""
        self._groups.update(groups)

    def wanted(self, groups: Collection[str]) -> set[str]:
        """Those of these groups that it is to be in."""
        return self._groups.intersection(groups)

    async def join(self, groups: Collection[str]) -> None:
        """Receive what is sent to these groups from now on; raises what the layer raises."""
        every = list(groups)
        for start in range(0, len(every), GROUPS_AT_ONCE):
            some = every[start : start + GROUPS_AT_ONCE]
            async with asyncio.timeout(CALL_SECONDS):
                await group_add_all(self.layer, some, self._channel)
            self._joined.update(some)
        self._joined.discard(self.own_group)

    def forget(self, groups: Collection[str]) -> None:
        """Be in these groups no more; a layer that is away forgets them with its channel."""
        self._groups.difference_update(groups)
        self._joined.difference_update(groups)

    async def leave(self, groups: Collection[str]) -> None:
        """Receive no more of these groups, if the layer can be told."""
        every = list(groups)
        with contextlib.suppress(Exception):
            for start in range(0, len(every), GROUPS_AT_ONCE):
                some = every[start : start + GROUPS_AT_ONCE]
                async with asyncio.timeout(CALL_SECONDS):
                    await group_discard_all(self.layer, some, self._channel)

    def hears_alone(self, group: str) -> bool:
        """Whether it is certain that no other channel is in ``group``: nobody else would get it."""
        if not isinstance(self.layer, InMemoryChannelLayer):
            return False
        return self.layer.groups.get(group, {}).keys() <= {self._channel}

    def begin_send(
        self, group: str, envelopes: list[Envelope], done: Callable[[Exception | None], object]
    ) -> bool:
        """Send to every channel in the group without a task, if the layer can; whether it does.

        `done` is called, later, when it is sent, with what is wrong.
        """
        return begin_group_send(self.layer, group, _message(self.name, group, envelopes), done)

    async def send(self, by_group: Mapping[str, list[Envelope]]) -> None:
        """Send to every channel in each of these groups; raises what the layer raises."""
        messages = {
            group: _message(self.name, group, envelopes) for group, envelopes in by_group.items()
        }
        async with asyncio.timeout(CALL_SECONDS):
            await group_send_all(self.layer, messages)

    async def beat(self, number: int) -> None:
        """Send to this channel, which hears it; raises what the layer raises."""
        message = _message(self.own_group, self.own_group, [{"beat": number}])
        async with asyncio.timeout(CALL_SECONDS):
            await group_send_all(self.layer, {self.own_group: message})

    async def join_missing(self) -> None:
        """Join what is wanted and could not be joined; raises what the layer raises."""
        self._groups.add(EVERYBODY)
        while missing := self._groups - self._joined:
            # In portions, as some may have been left meanwhile.
            await self.join(list(islice(missing, GROUPS_AT_ONCE)))

    async def renew(self) -> bool:
        """Connect anew and join everything again; whether that could be done."""
        await self._give_up()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                self._channel = await self.layer.new_channel()
            if self._handed_on:
                self._ours = _beginning(
                    self.layer.serialize(_message(self.name, "", [])), self.name
                )
                self.layer.hand_on(self._channel, self._came)
            await self.join_missing()
            # The last one: what is heard through it means that all of it is.
            await self.join([self.own_group])
        except Exception as error:
            log.info("channel_layer_not_there", error=repr(error))
            await self._give_up()
            return False
        if not self._handed_on:
            self._receiving = asyncio.create_task(self._receive(self._channel))
        return True

    async def close(self) -> None:
        """Receive nothing more, and close the layer's connections."""
        # A flag as well: the Redis client can turn a cancellation into an error of its own.
        self._closed = True
        await self._give_up()

    def _came(self, data: bytes) -> None:
        """A message, as a layer hands it on that hands on what comes."""
        if self._ours is not None and data.startswith(self._ours):
            return  # Heard when it was said; to read it again would take as long as to say it.
        try:
            self._sort(self.layer.deserialize(data))
        except Exception as error:
            self._failed(error)

    async def _receive(self, channel: str) -> None:
        while not self._closed:
            try:
                message = await self.layer.receive(channel)
            except Exception as error:
                self._failed(error)
                await asyncio.sleep(REST_SECONDS)
                continue
            self._sort(message)

    def _sort(self, message: dict[str, Any]) -> None:
        if message.get("type") == _MESSAGE_TYPE:
            self._take(message)

    async def _give_up(self) -> None:
        """Give up the layer's connections, whatever state they are in."""
        self._channel = ""
        self._joined.clear()
        if self._receiving is not None:
            self._receiving.cancel()
        for _ in range(2):
            try:
                async with asyncio.timeout(2 * CALL_SECONDS):
                    await self.layer.flush()
                break
            except Exception:
                # The layer waits for its reader, and where that one had failed, raises what it
                # had failed with instead of closing anything.
                for shard in getattr(self.layer, "_shards", ()):
                    shard._receive_task = None
        if self._receiving is not None:
            await asyncio.gather(self._receiving, return_exceptions=True)
            self._receiving = None


def publish_blocking(group: str, envelopes: list[Envelope]) -> None:
    """Publish from a process without an event loop: a management command, a WSGI server."""
    if isinstance(_layer(), InMemoryChannelLayer):
        return  # there is nobody else to hear it
    try:
        # A loop of its own, that ends here: async_to_sync would borrow the server's.
        asyncio.run(_publish_once(group, envelopes))
    except Exception as error:
        log.warning("channel_layer_lost", doing="send", error=repr(error))


async def _publish_once(group: str, envelopes: list[Envelope]) -> None:
    layer = _layer()
    try:
        async with asyncio.timeout(CALL_SECONDS):
            await layer.group_send(group, _message("", group, envelopes))
    finally:
        await layer.flush()
