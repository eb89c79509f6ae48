"""Messages over a channel layer that may fail: it hears it fail, says so, and mends it."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Collection, Coroutine, Mapping, Sequence
from typing import Any, Final, Protocol

import structlog

from pneumatic.lib.realtime.channel import EVERYBODY, Channel, Envelope

log = structlog.get_logger(__name__)

#: Seconds between two beats, which a process sends to itself through the layer, and how many may
#: go unheard. The layer's reader rests for a second after each error, and what other processes
#: published until then is lost without one: more than a second would miss that.
BEAT_SECONDS: Final = 0.3
BEATS_UNHEARD: Final = 3
#: Seconds that the layer may be lost before its connections are given up for new ones: one that
#: fell silent without being closed never comes back by itself.
LOST_SECONDS: Final = 5.0
#: Seconds in which news of what others missed is gathered into one.
GATHER_SECONDS: Final = 0.5
#: Messages that may wait to be sent; with more the layer counts as away.
BACKLOG: Final = 10_000


class Listener(Protocol):
    """Who hears what is published. All of it runs in the event loop and must not block or raise."""

    def deliver(self, group: str, envelopes: Sequence[Envelope]) -> None:
        """These came together, in this order."""

    def layer_lost(self) -> None:
        """From now on messages of other processes may be missing."""

    def layer_back(self) -> None:
        """Messages arrive again; what was published meanwhile does not."""


class Bus:
    """One event loop's connection to the channel layer: one channel, many groups."""

    def __init__(self) -> None:
        #: Whether what is published arrives at the others, and what they publish here.
        self.healthy = False
        self._loop = asyncio.get_running_loop()
        self.channel = Channel(self._take, self._cannot_receive)
        self._listener: Listener | None = None
        self._outgoing: deque[tuple[str, Envelope]] = deque()
        #: What other threads publish, until the event loop takes it, and whether it was asked to.
        self._handed: deque[tuple[str, Sequence[Envelope]]] = deque()
        self._taking = False
        self._wake = asyncio.Event()
        self._sending = False
        #: Whether something was sent without a task and has no answer yet.
        self._sent_at_once = False
        self._tasks: list[asyncio.Task[None]] = []
        self._starting, self._joining = asyncio.Lock(), asyncio.Lock()
        self._to_join = set[str]()
        self._next_join: asyncio.Task[None] | None = None
        self._closed = False
        self._beat = self._heard = 0
        #: The last beat sent before the layer was found away: a later one shows that it is back.
        self._lost_at, self._lost_since = 0, 0.0
        #: Whether something was not told to the other processes.
        self._dropped = False
        self._telling: asyncio.TimerHandle | None = None

    @property
    def has_others(self) -> bool:
        """Whether there may be other processes."""
        return self.channel.has_others

    async def listen(self, listener: Listener) -> None:
        """Hand over every message of the groups that are joined, from now on if the layer is there.

        Where it isn't, it is tried again until it is. Does nothing when already listening.
        """
        if self._tasks:
            return
        async with self._starting:
            if self._tasks:
                return
            self._listener = listener
            self.healthy = await self.channel.renew()
            if not self.healthy:
                self._lost("listen", None)
            self._spawn(self._send())
            self._spawn(self._keep_beating())

    async def join(self, groups: Collection[str]) -> None:
        """Receive what is published to these: from now on, or from when the layer is back."""
        self.channel.want(groups)
        if self.healthy:
            self._to_join.update(groups)
            if self._next_join is None:
                self._next_join = self._loop.create_task(self._join_together())
            # Shielded: others wait for it, too.
            await asyncio.shield(self._next_join)

    async def _join_together(self) -> None:
        # Those who come while an earlier join is under way share the next.
        async with self._joining:
            self._next_join = None
            groups, self._to_join = self.channel.wanted(self._to_join), set()
            if not self.healthy:
                return  # They are joined when the layer is back.
            try:
                await self.channel.join(groups)
            except Exception as error:
                self._lost("join", error)
            if left := groups - self.channel.wanted(groups):
                # While it was joined: whoever wanted it is gone.
                await self.leave(left)

    async def leave(self, groups: Collection[str]) -> None:
        """Receive no more of these; a layer that is away forgets them with its channel."""
        self.channel.forget(groups)
        if self.healthy:
            await self.channel.leave(groups)

    def publish(self, group: str, *envelopes: Envelope) -> None:
        """Hand to this process's own listener at once, to the others through the layer."""
        if asyncio._get_running_loop() is self._loop:
            self._publish(group, envelopes)
            return
        # The loop is woken once for all that a transaction announces: each time is a system call.
        self._handed.append((group, envelopes))
        if not self._taking:
            self._taking = True
            self._loop.call_soon_threadsafe(self._take_handed)

    async def close(self) -> None:
        """Stop listening and sending; what is still queued is sent, if that takes no second."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                # An event would have to be set with each message, for this one moment.
                while self.healthy and (self._outgoing or self._sending or self._sent_at_once):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        # A flag as well: the Redis client can turn a cancellation into an error of its own.
        self._closed = True
        if self._telling is not None:
            self._telling.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.channel.close()

    # --- Sending --------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(self._loop.create_task(work))

    def _take_handed(self) -> None:
        # First this: what is handed over from now on is taken below, or asks again.
        self._taking = False
        while self._handed:
            self._publish(*self._handed.popleft())

    def _publish(self, group: str, envelopes: Sequence[Envelope]) -> None:
        if self._listener is not None:
            try:
                self._listener.deliver(group, envelopes)
            except Exception:
                # A defect. What else is to be announced, of a batch that is committed, goes on.
                log.exception("not_delivered", group=group)
        if not self.healthy:
            # Nobody would get it. The others are told to catch up when the layer is back.
            self._dropped = True
            return
        if self.channel.hears_alone(group):
            return
        if len(self._outgoing) >= BACKLOG:
            self._lost("backlog", None)
            return
        if not self._sent_at_once and not self._sending and not self._outgoing:
            # What finds nothing before it waits for no task. What comes with it goes together.
            self._sent_at_once = self.channel.begin_send(group, list(envelopes), self._answered)
            if self._sent_at_once:
                return
        self._outgoing.extend((group, envelope) for envelope in envelopes)
        self._wake.set()

    def _answered(self, error: Exception | None) -> None:
        self._sent_at_once = False
        if error is not None:
            self._lost("send", error)

    async def _send(self) -> None:
        while not self._closed:
            await self._wake.wait()
            # Who waits for what was just written is told first: this takes longer, and where
            # another process has the same core, it would go first.
            await asyncio.sleep(0)
            self._wake.clear()
            while self._outgoing:
                # One message a group for all that had to wait, and one call for all of them:
                # where a call takes long, the next carries more.
                by_group: dict[str, list[Envelope]] = {}
                for group, envelope in self._outgoing:
                    by_group.setdefault(group, []).append(envelope)
                self._outgoing.clear()
                self._sending = True
                await self._send_all(by_group)
                self._sending = False

    async def _send_all(self, by_group: Mapping[str, list[Envelope]]) -> None:
        try:
            await self.channel.send(by_group)
        except Exception as error:
            self._lost("send", error)

    # --- Hearing --------------------------------------------------------------------------------

    def _cannot_receive(self, error: Exception) -> None:
        self._lost("receive", error)

    def _take(self, message: dict[str, Any]) -> None:
        try:
            self._open(message["from"], message["group"], message["envelopes"])
        except Exception:
            # Of another version, say: one message more that the devices have to ask for.
            log.warning("message_not_understood", exc_info=True)
            self._tell_soon()

    def _open(self, sender: str, group: str, envelopes: list[Envelope]) -> None:
        """`sender` is the name of a channel; these came at once, for one group."""
        if group == self.channel.own_group:
            self._hear(envelopes[-1]["beat"])
        elif sender == self.channel.name or self._listener is None:
            return
        elif group == EVERYBODY:
            self._tell_soon()
        else:
            self._listener.deliver(group, envelopes)

    async def _keep_beating(self) -> None:
        while not self._closed:
            self._beat += 1
            try:
                await self.channel.beat(self._beat)
            except Exception as error:
                self._lost("send", error)
            await asyncio.sleep(BEAT_SECONDS)
            # Counted in beats and not in seconds: a stalled event loop sends none either.
            if self._beat - self._heard >= BEATS_UNHEARD:
                self._lost("beat", None)
            if not self.healthy:
                await self._mend()

    def _hear(self, beat: int) -> None:
        # One that is missing shows that the connection was cut, and what others sent with it.
        cut = beat > self._heard + 1
        self._heard = max(self._heard, beat)
        if self.healthy:
            if cut:
                self._tell_soon()
        elif beat > self._lost_at and self.channel.is_complete:
            self.healthy = True
            log.info("channel_layer_back")
            if self._dropped:
                self._dropped = False
                self._outgoing.append((EVERYBODY, {}))
                self._wake.set()
            if self._listener is not None:
                self._listener.layer_back()

    def _tell_soon(self) -> None:
        """Tell the listener that something is missing: once for all that comes in a moment."""
        if self._telling is None:
            self._telling = self._loop.call_later(GATHER_SECONDS, self._tell)

    def _tell(self) -> None:
        self._telling = None
        if self.healthy and self._listener is not None:
            self._listener.layer_back()

    def _lost(self, doing: str, error: Exception | None) -> None:
        self._lost_at = self._beat
        self._dropped = True
        self._outgoing.clear()
        if self.healthy or not self._lost_since:
            self.healthy = False
            self._lost_since = self._loop.time()
            log.warning("channel_layer_lost", doing=doing, error=repr(error) if error else None)
            if self._listener is not None:
                self._listener.layer_lost()

    async def _mend(self) -> None:
        """Join what could not be joined, or connect anew where waiting didn't help."""
        if not self.channel.is_open or self._loop.time() - self._lost_since >= LOST_SECONDS:
            if await self.channel.renew():
                self._lost_since = self._loop.time()
        elif self._heard > self._lost_at:
            with contextlib.suppress(Exception):
                await self.channel.join_missing()
