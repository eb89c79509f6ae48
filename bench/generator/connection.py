"""One device's socket, whatever is spoken on it, as cheap as Python can make it."""

import asyncio
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

from bench.generator.tally import Edge

#: All connections read into one buffer: each has done with it before the next one reads.
BUFFER: Final = bytearray(1 << 18)


@dataclass
class Counts:
    """What all connections together have seen; times in nanoseconds."""

    delivered: int = 0
    acks: int = 0
    #: Answers to `sync`; only counted where they are asked for.
    synced: int = 0
    watch_synced: bool = False
    errors: int = 0
    reads: int = 0
    bytes: int = 0
    latencies: list[int] = field(default_factory=list)
    ack_times: list[int] = field(default_factory=list)
    closes: Counter[int] = field(default_factory=Counter)
    #: When a socket was closed, by CLOCK_MONOTONIC.
    closed_at: list[int] = field(default_factory=list)
    first_error: str = ""
    #: Once so many were delivered, ``wake`` is called, once.
    wake_at: int = sys.maxsize
    wake: Callable[[], object] = bool

    def closes_by_code(self) -> dict[str, int]:
        return {str(code): times for code, times in self.closes.items()}

    def arrived(self, events: int) -> None:
        """So many more were delivered."""
        self.delivered += events
        if self.delivered >= self.wake_at:
            self.wake_at = sys.maxsize
            self.wake()

    def refused(self, times: int, told: bytearray) -> None:
        """Something was refused so often; the first refusal is kept in the server's words."""
        self.errors += times
        self.first_error = self.first_error or told[:300].decode(errors="replace")


class Connection(asyncio.BufferedProtocol):
    """Opens by itself; ``ready`` is done when the server has said everything it had to say."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        #: When each send that isn't acknowledged yet went out.
        self.sent: deque[int] = deque()
        self.closed = False
        #: When it sent what hasn't come back to it: how long that takes counts for nobody.
        self.stamped: set[int] = set()
        self._edge = Edge()

    def opening(self) -> bytes:
        """What it says first."""
        raise NotImplementedError

    def message(self, conversation: str, body: str) -> bytes:
        """What it says to send this message there; the body holds nothing that must be escaped."""
        raise NotImplementedError

    def send(self, text: bytes, *, acknowledged: bool) -> None:
        """Say this; with ``acknowledged`` its answer is waited for and timed."""
        if acknowledged:
            self.sent.append(time.monotonic_ns())
        self._transport.write(self._framed(text))

    def _framed(self, text: bytes) -> bytes:
        return text

    def close(self) -> None:
        self.closed = True
        self._transport.abort()

    # --- The transport --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self.opening())

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closed:
            self._ended(1006)
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was ready"))
            self.ready.exception()  # looked at, whether or not somebody still waits

    def get_buffer(self, sizehint: int) -> bytearray:
        return BUFFER

    # --- What comes -----------------------------------------------------------------------------

    def _timed(self, stamps: list[int]) -> None:
        """These were in what has just come."""
        now = time.monotonic_ns()
        self.counts.latencies.extend([now - each for each in stamps if each not in self.stamped])
        self.stamped.difference_update(stamps)

    def _refused_to_open(self, told: bytearray) -> None:
        self.counts.first_error = self.counts.first_error or told[:200].decode("latin-1")
        self._transport.abort()

    def _ended(self, code: int) -> None:
        self.closed = True
        self.counts.closes[code] += 1
        self.counts.closed_at.append(time.monotonic_ns())


async def connect(connection: Connection, port: int, *, seconds: float) -> None:
    """Make it ready. Raises `OSError` or `TimeoutError` where it doesn't become so."""
    async with asyncio.timeout(seconds):
        await asyncio.get_running_loop().create_connection(lambda: connection, "127.0.0.1", port)
        try:
            await connection.ready
        except asyncio.CancelledError:
            connection.close()
            raise
