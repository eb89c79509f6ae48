"""One socket's bounded queue of texts to send."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chat import limits, metrics, protocol

#: Characters of events that share one `batch` frame.
_BATCH = 32_768
#: Seconds without progress after which a reader counts as stuck.
_STUCK_SECONDS = 30


@dataclass(slots=True)
class _Entry:
    text: str
    at: float
    key: str | None


class Outbound:
    """Texts in order, sent by one task; whoever offers one never waits.

    A reader that stays behind fills the queue: then `overflow` is called, once, and nothing more
    is taken. Nothing is lost by that, because the device syncs when it is back.
    """

    def __init__(
        self, send: Callable[[str], Awaitable[None]], overflow: Callable[[], None]
    ) -> None:
        self._send = send
        self._overflow = overflow
        self._waiting: deque[_Entry] = deque()
        #: Entries that wait and that a newer one of the same key replaces.
        self._latest: dict[str, _Entry] = {}
        self._bytes = 0
        self._wake = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._all_sent.set()
        self._progress = asyncio.Event()
        self._closed = False

    def offer(
        self, text: str, at: float = 0.0, *, droppable: bool = False, key: str | None = None
    ) -> None:
        """Queue an encoded event; `at` is when it was published (seconds since the epoch).

        What is `droppable` is left out where the queue is half full. An event with a `key` takes
        the place of one with the same key that still waits.
        """
        if self._closed:
            return
        if key is not None and (older := self._latest.get(key)):
            self._bytes += len(text) - len(older.text)
            older.text = text
            return
        if droppable and self._bytes * 2 > limits.OUTBOUND_BYTES:
            return
        entry = _Entry(text, at, key)
        self._waiting.append(entry)
        if key is not None:
            self._latest[key] = entry
        self._bytes += len(text)
        if self._bytes > limits.OUTBOUND_BYTES or len(self._waiting) > limits.OUTBOUND_FRAMES:
            self.close()
            self._overflow()
            return
        self._all_sent.clear()
        self._wake.set()

    async def room(self) -> None:
        """Return once at most a quarter of the queue is taken: for what is long and can wait.

        Raises `TimeoutError` where the reader takes nothing for a long time.
        """
        while not self._closed and (
            self._bytes * 4 > limits.OUTBOUND_BYTES
            or len(self._waiting) * 4 > limits.OUTBOUND_FRAMES
        ):
            self._progress.clear()
            async with asyncio.timeout(_STUCK_SECONDS):
                await self._progress.wait()

    async def flush(self) -> None:
        """Return once everything that was offered has been handed on."""
        await self._all_sent.wait()

    def close(self) -> None:
        """Drop what waits and take nothing more."""
        self._closed = True
        self._waiting.clear()
        self._latest.clear()
        self._bytes = 0
        self._all_sent.set()
        self._progress.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                texts, oldest = self._take()
                await self._send(protocol.batch(texts))
                self._progress.set()
                if oldest:
                    metrics.DELIVERY_SECONDS.observe(max(0.0, time.time() - oldest))
            self._all_sent.set()

    def _take(self) -> tuple[list[str], float]:
        texts: list[str] = []
        size, oldest = 0, 0.0
        while self._waiting and (not texts or size + len(self._waiting[0].text) <= _BATCH):
            entry = self._waiting.popleft()
            if entry.key is not None:
                del self._latest[entry.key]
            texts.append(entry.text)
            size += len(entry.text)
            self._bytes -= len(entry.text)
            oldest = oldest or entry.at
        return texts, oldest
