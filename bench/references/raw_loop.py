"""The floor: one Python loop that writes the same bytes, framed once, to every socket.

No library, no parsing but of what it needs; the event is as large as one of ours.
"""

import asyncio
import base64
import hashlib
import os
from collections import defaultdict
from typing import cast

import uvloop

from bench.generator import frames

ROOMS: defaultdict[bytes, set[asyncio.WriteTransport]] = defaultdict(set)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_EVENT = (
    b'{"type":"message","conversation":"019ad2f1-0000-7000-8000-000000000000","version":123456,'
    b'"data":{"id":"019ad2f1-0000-7000-8000-000000000000",'
    b'"conversation":"019ad2f1-0000-7000-8000-000000000000","seq":123456,"version":123456,'
    b'"sender":"019ad2f1-0000-7000-8000-000000000000","kind":"text","body":"%b",'
    b'"reply_to":null,"attachments":[],"mentions":[],"reactions":[],"pinned_at":null,'
    b'"created_at":"2026-01-01T00:00:00.000000Z","edited_at":null,"deleted_at":null}}'
)


class Socket(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)
        self.data = b""
        self.room: set[asyncio.WriteTransport] | None = None

    def connection_lost(self, error: Exception | None) -> None:
        if self.room:
            self.room.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.data += data
        if self.room is None:
            self._shake_hands()
            return
        while head := frames.header(self.data, 0, len(self.data)):
            # A client's frame has four bytes of mask before its payload.
            end = head.end + 4
            if end > len(self.data):
                return
            mask, masked = self.data[head.start : head.start + 4], self.data[head.start + 4 : end]
            self.data = self.data[end:]
            if head.opcode != frames.TEXT:
                self.transport.close()
                return
            key = int.from_bytes((mask * (len(masked) // 4 + 1))[: len(masked)])
            text = (int.from_bytes(masked) ^ key).to_bytes(len(masked))
            self._tell(text.partition(b'"body":"')[2].partition(b'"')[0])

    def _tell(self, body: bytes) -> None:
        text = _EVENT % body
        frame = bytes((0x81, 126)) + len(text).to_bytes(2) + text
        for transport in self.room or ():
            transport.write(frame)

    def _shake_hands(self) -> None:
        head, found, self.data = self.data.partition(b"\r\n\r\n")
        if not found:
            self.data = head
            return
        lines = head.split(b"\r\n")
        key = next(
            line[18:].strip() for line in lines if line[:18].lower() == b"sec-websocket-key:"
        )
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324  # RFC 6455
        self.room = ROOMS[lines[0].split(b"/")[2]]
        self.room.add(self.transport)
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Socket, "127.0.0.1", int(os.environ["PORT"]), backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
