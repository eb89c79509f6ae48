"""One socket's way out: written in place while its device keeps up, a bounded queue where not."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from chat import limits, metrics, protocol
from pneumatic.lib.realtime.readyframes import Line, text_frame

#: Characters of events that share one `batch` frame.
_BATCH = 32_768
#: Seconds without progress after which a reader counts as stuck.
_STUCK_SECONDS = 30


class _Entry:
    __slots__ = ("at", "key", "text")

    def __init__(self, text: str, at: float, key: str | None) -> None:
        self.text, self.at, self.key = text, at, key


class _Queue:
    """What waits for a device, and how much that is."""

    __slots__ = ("_latest", "entries", "size")

    def __init__(self) -> None:
        self.entries: deque[_Entry] = deque()
        #: In characters.
        self.size = 0
        self._latest: dict[str, _Entry] = {}

    def replaced(self, text: str, key: str) -> bool:
        """Put the text in the place of the one of the same key that still waits, if one does."""
        older = self._latest.get(key)
        if older is None:
            return False
        self.size += len(text) - len(older.text)
        older.text = text
        return True

    def append(self, entry: _Entry) -> None:
        self.entries.append(entry)
        self.size += len(entry.text)
        if entry.key is not None:
            self._latest[entry.key] = entry

    def take(self) -> list[_Entry]:
        """What goes into the next frame, oldest first."""
        some: list[_Entry] = []
        size = 0
        while self.entries and (not some or size + len(self.entries[0].text) <= _BATCH):
            entry = self.entries.popleft()
            if entry.key is not None:
                del self._latest[entry.key]
            some.append(entry)
            size += len(entry.text)
        self.size -= size
        return some


class Outbound:
    """Texts in order; whoever offers one never waits.

    Where the server takes ready frames (`line`), a text is written at once unless the peer is
    behind; then it waits in the queue until the server says that there is room again. On other
    servers a task sends what waits, for as long as anything does.

    A reader that stays behind fills the queue: then `overflow` is called, once, and nothing more
    is taken. Nothing is lost by that, because the device syncs when it is back.
    """

    __slots__ = (
        "_closed",
        "_line_takes",
        "_overflow",
        "_progress",
        "_queue",
        "_send",
        "_sending",
        "_spawn",
        "is_free",
        "write",
    )

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        overflow: Callable[[], None],
        line: Line | None = None,
    ) -> None:
        #: Whether a frame may be given to `write` now, past the queue: it is empty.
        self.is_free = False
        self.write = line["write"] if line else _nowhere
        self._line_takes = False
        self._send = None if line else send
        self._spawn = spawn
        self._overflow = overflow
        # None: nothing waits. An empty one would take more memory than all the rest of this.
        self._queue: _Queue | None = None
        self._sending = False
        self._progress: asyncio.Event | None = None
        self._closed = False
        if line:
            line["watch"](self._line_changed)

    def offer(
        self, text: str, at: float = 0.0, *, droppable: bool = False, key: str | None = None
    ) -> None:
        """Send an encoded event, or queue it; `at` is when it was published (epoch seconds).

        What is `droppable` is left out where the queue is half full. An event with a `key` takes
        the place of one with the same key that still waits.
        """
        if self.is_free:
            self.write(text_frame(text))
            return
        if self._closed:
            return
        queue = self._queue
        if queue is None:
            queue = self._queue = _Queue()
        if key is not None and queue.replaced(text, key):
            return
        if droppable and queue.size * 2 > limits.OUTBOUND_BYTES:
            return
        # By what waits already: one text that is longer by itself, as a large `synced`, would else
        # end its socket each time anew.
        if queue.size > limits.OUTBOUND_BYTES or len(queue.entries) >= limits.OUTBOUND_FRAMES:
            self.close()
            self._overflow()
            return
        queue.append(_Entry(text, at, key))
        if self._send is not None and not self._sending:
            self._sending = True
            self._spawn(self._send_waiting(self._send))

    async def room(self) -> None:
        """Return once at most a quarter of the queue is taken: for what is long and can wait.

        Raises `TimeoutError` where the reader takes nothing for a long time.
        """
        while (queue := self._queue) is not None and (
            queue.size * 4 > limits.OUTBOUND_BYTES
            or len(queue.entries) * 4 > limits.OUTBOUND_FRAMES
        ):
            async with asyncio.timeout(_STUCK_SECONDS):
                await self._next_progress()

    async def flush(self) -> None:
        """Return once everything that was offered has been handed on."""
        while not self._closed and (self._queue is not None or self._sending):
            await self._next_progress()

    def close(self) -> None:
        """Drop what waits and take nothing more."""
        self._closed = True
        self.is_free = False
        self._queue = None
        self._progressed()

    # --- Out ------------------------------------------------------------------------------------

    def _line_changed(self, takes: bool | None) -> None:
        if takes is None:
            # What was said last may still be answered, behind much else: none of it waits for room.
            self._line_takes = False
            self.close()
            return
        self._line_takes = takes
        # What waits goes first; each write may fill the line again.
        while self._line_takes and (some := self._take()):
            self.write(text_frame(protocol.batch([each.text for each in some])))
            self._written(some)
        self.is_free = self._line_takes and not self._closed

    async def _send_waiting(self, send: Callable[[str], Awaitable[None]]) -> None:
        try:
            while some := self._take():
                await send(protocol.batch([each.text for each in some]))
                self._written(some)
        except BaseException:
            # The peer is gone, or this task was cancelled: nobody would send the rest.
            self.close()
            raise
        finally:
            self._sending = False
            self._progressed()

    def _take(self) -> list[_Entry]:
        if self._queue is None:
            return []
        some = self._queue.take()
        if not self._queue.entries:
            self._queue = None
        return some

    def _written(self, some: list[_Entry]) -> None:
        if announced := [each.at for each in some if each.at]:
            metrics.delivered(len(announced), announced[0])
        self._progressed()

    def _progressed(self) -> None:
        if self._progress is not None:
            self._progress.set()

    async def _next_progress(self) -> None:
        if self._progress is None:
            self._progress = asyncio.Event()
        self._progress.clear()
        await self._progress.wait()


def _nowhere(frame: bytes) -> None:
    raise AssertionError("This server takes no ready frames.")
