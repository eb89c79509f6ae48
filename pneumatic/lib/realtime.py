"""The only caller of the channel layer: small texts to groups, at most once.

A message published here is a hint. It may be lost, doubled or late; whoever needs to be sure reads
the database. So nothing here ever raises into the request that publishes: failures are logged once
an outage, and the listener is told when the layer is away and when it is back.
"""

import asyncio
import contextlib
import time
import uuid
from collections import deque
from collections.abc import Coroutine
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import structlog
from channels.layers import BaseChannelLayer, InMemoryChannelLayer, get_channel_layer
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

log = structlog.get_logger(__name__)

Envelope = dict[str, Any]
_MESSAGE_TYPE: Final = "realtime"
#: Seconds between two beats, which a process sends to itself through the layer, and how many may
#: go unheard. A Redis that restarts is back after about a second at the soonest, and what other
#: processes published until then is lost without an error: more than a second would miss that.
BEAT_SECONDS: Final = 0.3
BEATS_UNHEARD: Final = 3
#: Seconds that one call of the layer may take.
CALL_SECONDS: Final = 2.0
#: Messages that may wait to be sent; with more the layer counts as away.
BACKLOG: Final = 10_000


class Listener(Protocol):
    """Who hears what is published. All of it runs in the event loop and must not block or raise."""

    def deliver(self, group: str, envelope: Envelope) -> None: ...

    def layer_lost(self) -> None:
        """From now on messages of other processes may be missing."""

    def layer_back(self) -> None:
        """Messages arrive again; what was published meanwhile does not."""


def _layer() -> BaseChannelLayer:
    layer = get_channel_layer()
    if layer is None:
        raise ImproperlyConfigured("CHANNEL_LAYERS has no default.")
    return layer


class Bus:
    """One event loop's connection to the channel layer: one channel, many groups."""

    def __init__(self) -> None:
        self.layer = _layer()
        self.healthy = True
        self._loop = asyncio.get_running_loop()
        self._name = uuid.uuid4().hex
        self._listener: Listener | None = None
        self._outgoing: deque[tuple[str, Envelope]] = deque()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._channel = ""
        self._starting = asyncio.Lock()
        self._closed = False
        self._beat = self._heard = 0
        #: The last beat sent before the layer was found away: a later one shows that it is back.
        self._lost_at = 0

    async def listen(self, listener: Listener) -> None:
        """Hand over every message of the groups that are joined.

        Returns once messages can arrive; does nothing when already listening. Raises what the
        layer raises when it can't be reached.
        """
        async with self._starting:
            if self._channel:
                return
            self._listener = listener
            async with asyncio.timeout(CALL_SECONDS):
                channel = await self.layer.new_channel()
                await self.layer.group_add(self._own_group, channel)
            self._channel = channel
            self._spawn(self._receive())
            self._spawn(self._send())
            self._spawn(self._keep_beating())

    async def join(self, group: str) -> None:
        """Receive what is published to ``group`` from now on; raises when the layer is away."""
        async with asyncio.timeout(CALL_SECONDS):
            await self.layer.group_add(group, self._channel)

    async def leave(self, group: str) -> None:
        """Receive no more of ``group``; a layer that is away forgets it by itself."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CALL_SECONDS):
                await self.layer.group_discard(group, self._channel)

    def publish(self, group: str, envelope: Envelope) -> None:
        """Hand to this process's own listener at once, to the others through the layer."""
        if asyncio._get_running_loop() is self._loop:
            self._publish(group, envelope)
        else:
            self._loop.call_soon_threadsafe(self._publish, group, envelope)

    async def close(self) -> None:
        """Stop listening and sending; what is still queued is dropped."""
        # A flag as well: the Redis client can turn a cancellation into an error of its own.
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._channel = ""
        with contextlib.suppress(Exception):
            # Closes what the layer keeps for this event loop: connections and their readers.
            await self.layer.flush()

    # --- Inside ---------------------------------------------------------------------------------

    @property
    def _own_group(self) -> str:
        return f"process.{self._name}"

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(self._loop.create_task(work))

    def _publish(self, group: str, envelope: Envelope) -> None:
        if self._listener is not None:
            self._listener.deliver(group, envelope)
        if not self.healthy:
            return  # nobody would get it; the others catch up when the layer is back
        if len(self._outgoing) >= BACKLOG:
            self._lost("backlog", None)
            return
        self._outgoing.append((group, envelope))
        self._wake.set()

    async def _send(self) -> None:
        while not self._closed:
            await self._wake.wait()
            self._wake.clear()
            while self._outgoing:
                group, envelope = self._outgoing.popleft()
                await self._group_send(group, envelope)

    async def _group_send(self, group: str, envelope: Envelope) -> None:
        message = {
            "type": _MESSAGE_TYPE,
            "from": self._name,
            "group": group,
            "envelope": envelope,
        }
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self.layer.group_send(group, message)
        except Exception as error:
            self._lost("send", error)

    async def _receive(self) -> None:
        while not self._closed:
            try:
                message = await self.layer.receive(self._channel)
            except Exception as error:
                self._lost("receive", error)
                await asyncio.sleep(BEAT_SECONDS)
                continue
            if message.get("type") != _MESSAGE_TYPE:
                continue
            if message["group"] == self._own_group:
                self._hear(message["envelope"]["beat"])
            elif message["from"] != self._name and self._listener is not None:
                self._listener.deliver(message["group"], message["envelope"])

    async def _keep_beating(self) -> None:
        while not self._closed:
            self._beat += 1
            await self._group_send(self._own_group, {"beat": self._beat})
            await asyncio.sleep(BEAT_SECONDS)
            # Counted in beats and not in seconds: a stalled event loop sends none either.
            if self._beat - self._heard >= BEATS_UNHEARD:
                self._lost("beat", None)

    def _hear(self, beat: int) -> None:
        self._heard = max(self._heard, beat)
        if not self.healthy and beat > self._lost_at:
            self.healthy = True
            log.info("channel_layer_back")
            if self._listener is not None:
                self._listener.layer_back()

    def _lost(self, doing: str, error: Exception | None) -> None:
        self._lost_at = self._beat
        self._outgoing.clear()
        if self.healthy:
            self.healthy = False
            log.warning("channel_layer_lost", doing=doing, error=repr(error) if error else None)
            if self._listener is not None:
                self._listener.layer_lost()


_buses: "WeakKeyDictionary[asyncio.AbstractEventLoop, Bus]" = WeakKeyDictionary()


def bus() -> Bus:
    """The running event loop's bus, made at the first call."""
    loop = asyncio.get_running_loop()
    found = _buses.get(loop)
    if found is None:
        found = _buses[loop] = Bus()
    return found


async def close_bus() -> None:
    """Close the running event loop's bus, if it has one."""
    found = _buses.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.close()


def publish(group: str, envelope: Envelope) -> None:
    """Send ``envelope`` to every process that has joined ``group``; never raises.

    To be called from any thread; in an event loop only after its bus was made.

    ``envelope`` holds texts, numbers, booleans, lists and dicts of these only.
    """
    envelope.setdefault("at", time.time())
    for loop, found in list(_buses.items()):
        if loop.is_running():
            found.publish(group, envelope)
            return
    if asyncio._get_running_loop() is not None:
        return  # this loop's bus is closed: the process is ending
    # A process without an event loop of its own: a management command, a WSGI server.
    if isinstance(_layer(), InMemoryChannelLayer):
        return  # there is nobody else to hear it
    try:
        # A loop of its own, that ends here: async_to_sync would borrow the server's.
        asyncio.run(_publish_once(group, envelope))
    except Exception as error:
        log.warning("channel_layer_lost", doing="send", error=repr(error))


async def _publish_once(group: str, envelope: Envelope) -> None:
    layer = _layer()
    try:
        async with asyncio.timeout(CALL_SECONDS):
            await layer.group_send(
                group,
                {"type": _MESSAGE_TYPE, "from": "", "group": group, "envelope": envelope},
            )
    finally:
        await layer.flush()


def publish_on_commit(group: str, envelope: Envelope) -> None:
    """Publish when the current transaction commits; nothing is published when it does not."""
    # Robust: what is committed has succeeded, whatever becomes of its announcement.
    transaction.on_commit(lambda: publish(group, envelope), robust=True)
