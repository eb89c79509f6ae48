"""A TCP proxy of which the line can be cut, go silent, get slow, or lose connections at random.

It runs in a thread of its own, so that one can serve tests that each have their own event loop.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")
_CHUNK = 65_536


class Wire:
    """From `port` to `target`, both on loopback."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        #: Seconds by which everything comes late, in each direction.
        self.delay = 0.0
        #: How likely each piece of data ends its connection instead of arriving.
        self.loss = 0.0
        self._silent = False
        self._random = random.Random(25)
        self._lines: set[_Line] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def stop(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def cut(self) -> None:
        """As when the other side dies: open connections are reset, and new ones refused."""
        self._do(self._close())

    def go_silent(self) -> None:
        """As when the other side loses power: nothing comes any more, and nobody says so."""
        self._silent = True

    def heal(self) -> None:
        """All is well again. Connections from before the silence are unknown now, and reset."""
        self._silent, self.delay, self.loss = False, 0.0, 0.0
        self._do(self._reset_and_listen())

    def connections(self) -> int:
        return len(self._lines)

    # --- In its own thread ----------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", self.port, limit=_CHUNK, backlog=2048
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for line in tuple(self._lines):
            line.abort()

    async def _reset_and_listen(self) -> None:
        for line in tuple(self._lines):
            if line.dead:
                line.abort()
        await self._listen()

    async def _end(self) -> None:
        await self._close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(self, [writer])
        self._lines.add(line)
        try:
            while self._silent:
                line.dead = True
                # A connection that nobody answers; where it is given up, that shows as its end.
                if not await _read_within(reader, 0.05):
                    return
            back, forth = await asyncio.open_connection("127.0.0.1", self.target, limit=_CHUNK)
            line.writers.append(forth)
            ways = [
                asyncio.ensure_future(line.carry(reader, forth)),
                asyncio.ensure_future(line.carry(back, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # the target is gone: so is the connection
        finally:
            self._lines.discard(line)
            line.abort()

    def is_lost(self) -> bool:
        return self.loss > 0 and self._random.random() < self.loss

    def is_silent(self) -> bool:
        return self._silent


async def _read_within(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Throw away what comes within this time; False at the end of the stream."""
    try:
        async with asyncio.timeout(seconds):
            return bool(await reader.read(_CHUNK))
    except TimeoutError:
        return True


class _Line:
    """One connection."""

    def __init__(self, wire: Wire, writers: list[asyncio.StreamWriter]) -> None:
        self.wire = wire
        self.writers = writers
        #: Went silent, and stays so.
        self.dead = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        later = asyncio.ensure_future(self._write(late, writer))
        try:
            while data := await reader.read(_CHUNK):
                self.dead = self.dead or self.wire.is_silent()
                if self.dead:
                    continue
                if self.wire.is_lost():
                    return
                if self.wire.delay or not late.empty():
                    late.put_nowait((loop.time() + self.wire.delay, data))
                else:
                    writer.write(data)
                    await writer.drain()
            await late.join()  # What was said before the end still arrives.
        except OSError:
            return
        finally:
            later.cancel()

    async def _write(
        self, late: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await late.get()
            await asyncio.sleep(due - loop.time())
            writer.write(data)
            late.task_done()

    def abort(self) -> None:
        for writer in self.writers:
            with contextlib.suppress(RuntimeError):
                writer.transport.abort()
