"""One device's socket, as cheap as Python can make it."""

import asyncio
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from bench.generator import frames
from bench.generator.tally import ACK, ERROR, MESSAGE, SYNCED, Edge, stamps

#: All connections read into one buffer: each has done with it before the next one reads.
_BUFFER: Final = bytearray(1 << 18)


@dataclass
class Counts:
    """What all connections together have seen; times in nanoseconds."""

    delivered: int = 0
    acks: int = 0
    #: Answers to `sync`; only counted where they are asked for.
    synced: int = 0
    watch_synced: bool = False
    errors: int = 0
    bytes: int = 0
    reads: int = 0
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


class Connection(asyncio.BufferedProtocol):
    """Opens by itself; ``ready`` is done when the server has said everything it had to say."""

    def __init__(self, counts: Counts, *, request: bytes, hello: bytes | None) -> None:
        self.counts = counts
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        #: When each send that isn't acknowledged yet went out.
        self.sent: deque[int] = deque()
        self._request = request
        self._hello = hello
        self._handshake: bytearray | None = bytearray()
        self._edge = Edge()
        #: Bytes of the present frame that are still to come.
        self._left = 0
        #: The beginning of a frame that can't be understood before the rest is there.
        self._part = b""
        self.closed = False
        #: When it sent what hasn't come back to it: how long that takes counts for nobody.
        self.stamped: set[int] = set()

    # --- The transport --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closed:
            self._ended(1006)
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was ready"))
            self.ready.exception()  # looked at, whether or not somebody still waits

    def get_buffer(self, sizehint: int) -> bytearray:
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        if self._handshake is not None:
            self._shake_hands(self._handshake, nbytes)
        elif self._part:
            # Rare: a header or a control frame came in two pieces.
            data = bytearray(self._part) + _BUFFER[:nbytes]
            self._part = b""
            self._take(data, len(data))
        else:
            self._take(_BUFFER, nbytes)

    # --- What comes -----------------------------------------------------------------------------

    def _shake_hands(self, answer: bytearray, nbytes: int) -> None:
        answer += _BUFFER[:nbytes]
        head, found, rest = answer.partition(b"\r\n\r\n")
        if not found:
            return
        if not head.startswith(b"HTTP/1.1 101"):
            self.counts.first_error = self.counts.first_error or head[:200].decode("latin-1")
            self._transport.abort()
            return
        self._handshake = None
        if self._hello is not None:
            self._transport.write(frames.frame(frames.TEXT, self._hello))
        elif not self.ready.done():
            self.ready.set_result(None)
        if rest:
            self._take(rest, len(rest))

    def _take(self, data: bytearray, size: int) -> None:
        counts = self.counts
        counts.reads += 1
        counts.bytes += size
        counts.delivered += data.count(MESSAGE, 0, size)
        if self._left:
            counts.delivered += self._edge.count(MESSAGE, data, size)
        if counts.delivered >= counts.wake_at:
            counts.wake_at = sys.maxsize
            counts.wake()
        if self.sent:
            self._acknowledged(data, size)
        found = stamps(data, size)
        if found:
            now = time.monotonic_ns()
            counts.latencies.extend([now - each for each in found if each not in self.stamped])
            self.stamped.difference_update(found)
        if counts.watch_synced:
            counts.synced += data.count(SYNCED, 0, size) + self._edge.count(SYNCED, data, size)
        if data.find(ERROR, 0, size) >= 0:
            self._refused(data, size)
        if not self.ready.done() and (
            data.find(SYNCED, 0, size) >= 0 or self._edge.count(SYNCED, data, size)
        ):
            self.ready.set_result(None)
        self._walk(data, size)
        if self._left:
            self._edge.keep(data, size)
        else:
            self._edge.clear()

    def _acknowledged(self, data: bytearray, size: int) -> None:
        some = data.count(ACK, 0, size)
        if self._left:
            some += self._edge.count(ACK, data, size)
        if some:
            now = time.monotonic_ns()
            self.counts.acks += some
            for _ in range(min(some, len(self.sent))):
                self.counts.ack_times.append(now - self.sent.popleft())

    def _refused(self, data: bytearray, size: int) -> None:
        self.counts.errors += data.count(ERROR, 0, size)
        if not self.counts.first_error:
            at = data.find(ERROR, 0, size)
            self.counts.first_error = data[at : min(size, at + 300)].decode(errors="replace")

    def _walk(self, data: bytearray, size: int) -> None:
        """From header to header; answers pings."""
        at = self._left
        while at < size:
            head = frames.header(data, at, size)
            if head is None or (head.opcode >= frames.CLOSE and head.end > size):
                self._part = bytes(data[at:size])
                self._left = 0
                return
            if head.opcode >= frames.CLOSE:
                self._control(head, bytes(data[head.start : head.end]))
            at = head.end
        self._left = at - size

    def _control(self, head: frames.Header, payload: bytes) -> None:
        if head.opcode == frames.PING:
            self._transport.write(frames.frame(frames.PONG, payload))
        elif head.opcode == frames.CLOSE:
            self._ended(int.from_bytes(payload[:2]) if len(payload) >= 2 else 1005)
            self._transport.write(frames.frame(frames.CLOSE, payload[:2]))
            self._transport.close()

    def _ended(self, code: int) -> None:
        self.closed = True
        self.counts.closes[code] += 1
        self.counts.closed_at.append(time.monotonic_ns())

    # --- What goes ------------------------------------------------------------------------------

    def send(self, text: bytes, *, acknowledged: bool) -> None:
        """One text frame; with ``acknowledged`` its answer is waited for and timed."""
        if acknowledged:
            self.sent.append(time.monotonic_ns())
        self._transport.write(frames.frame(frames.TEXT, text))

    def close(self) -> None:
        self.closed = True
        self._transport.abort()


async def connect(counts: Counts, device: dict[str, Any], *, seconds: float) -> Connection:
    """A connection that is ready. Raises `OSError` or `TimeoutError` where it doesn't become so.

    ``device``: `port`, `path`, and where it must say hello, `hello` (text) and `protocol`.
    """
    host = f"127.0.0.1:{device['port']}"
    request = frames.upgrade(host, device["path"], device.get("protocol"))
    hello = device.get("hello")
    connection = Connection(counts, request=request, hello=hello.encode() if hello else None)
    async with asyncio.timeout(seconds):
        await asyncio.get_running_loop().create_connection(
            lambda: connection, "127.0.0.1", device["port"]
        )
        try:
            await connection.ready
        except asyncio.CancelledError:
            connection.close()
            raise
    return connection
