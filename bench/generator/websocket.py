"""A device of ours, and of servers that speak as ours does: text frames of JSON."""

import time
import uuid
from typing import Any

from bench.generator import frames
from bench.generator.connection import BUFFER, Connection, Counts
from bench.generator.tally import ACK, ERROR, MESSAGE, SYNCED, stamps


class WebSocket(Connection):
    """``request`` asks for the upgrade; ``hello`` is said after it, where there is one to say."""

    def __init__(self, counts: Counts, *, request: bytes, hello: bytes | None) -> None:
        super().__init__(counts)
        self._request = request
        self._hello = hello
        self._handshake: bytearray | None = bytearray()
        #: Bytes of the present frame that are still to come.
        self._left = 0
        #: The beginning of a frame that can't be understood before the rest is there.
        self._part = b""

    @classmethod
    def of(cls, counts: Counts, device: dict[str, Any]) -> "WebSocket":
        """``device``: `port`, `path`, and to say hello, `hello` (text) and `protocol`."""
        host = f"127.0.0.1:{device['port']}"
        request = frames.upgrade(host, device["path"], device.get("protocol"))
        hello = device.get("hello")
        return cls(counts, request=request, hello=hello.encode() if hello else None)

    def opening(self) -> bytes:
        return self._request

    def message(self, conversation: str, body: str) -> bytes:
        return (
            f'{{"type":"message.send","id":"{uuid.uuid4()}",'
            f'"conversation":"{conversation}","body":"{body}"}}'
        ).encode()

    def _framed(self, text: bytes) -> bytes:
        return frames.frame(frames.TEXT, text)

    def buffer_updated(self, nbytes: int) -> None:
        if self._handshake is not None:
            self._shake_hands(self._handshake, nbytes)
        elif self._part:
            # Rare: a header or a control frame came in two pieces.
            data = bytearray(self._part) + BUFFER[:nbytes]
            self._part = b""
            self._take(data, len(data))
        else:
            self._take(BUFFER, nbytes)

    # --- What comes -----------------------------------------------------------------------------

    def _shake_hands(self, answer: bytearray, nbytes: int) -> None:
        answer += BUFFER[:nbytes]
        head, found, rest = answer.partition(b"\r\n\r\n")
        if not found:
            return
        if not head.startswith(b"HTTP/1.1 101"):
            self._refused_to_open(head)
            return
        self._handshake = None
        if self._hello is not None:
            self.send(self._hello, acknowledged=False)
        elif not self.ready.done():
            self.ready.set_result(None)
        if rest:
            self._take(rest, len(rest))

    def _take(self, data: bytearray, size: int) -> None:
        counts = self.counts
        counts.reads += 1
        counts.bytes += size
        events = data.count(MESSAGE, 0, size)
        if self._left:
            events += self._edge.count(MESSAGE, data, size)
        counts.arrived(events)
        if self.sent:
            self._acknowledged(data, size)
        if found := stamps(data, size):
            self._timed(found)
        if counts.watch_synced:
            counts.synced += data.count(SYNCED, 0, size) + self._edge.count(SYNCED, data, size)
        if (at := data.find(ERROR, 0, size)) >= 0:
            counts.refused(data.count(ERROR, 0, size), data[at:size])
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
