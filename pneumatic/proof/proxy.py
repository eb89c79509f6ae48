"""A TCP proxy before each process, in which connections are cut, stalled and delayed."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

_CHUNK = 16_384
# Seconds between two pieces that come late: a timer may swap those that are due at once.
_ONE_AFTER_THE_OTHER = 0.000_01
# Small, so that a reader that stalls is felt by the server after some frames, not after megabytes.
_BUFFER = 32_768


class Wire:
    """One proxied connection; `peer` is the local port of the device's end."""

    def __init__(self, peer: int) -> None:
        self.peer = peer
        #: While clear, nothing is taken from the server.
        self.flowing = asyncio.Event()
        self.flowing.set()
        #: While set, what the server says is thrown away.
        self.mute = False
        #: Seconds by which everything the server says comes late, in order and at full speed.
        self.delay = 0.0
        self._ends: list[Callable[[], None]] = []

    def carry(self, end: Callable[[], None]) -> None:
        """Call `end` to end one side."""
        self._ends.append(end)

    def cut(self) -> None:
        """End the connection on both sides at once, without a word."""
        self.flowing.set()
        for end in self._ends:
            end()


class Proxy:
    """Listens on `port` and carries to `target`."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.wires: dict[int, Wire] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for wire in list(self.wires.values()):
            wire.cut()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")[1]
        wire = self.wires[peer] = Wire(peer)
        wire.carry(writer.transport.abort)
        try:
            # A bare socket: what the server said before it reset the connection can be read still.
            with socket.socket() as upstream:
                upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
                upstream.setblocking(False)
                await asyncio.get_running_loop().sock_connect(upstream, ("127.0.0.1", self.target))
                wire.carry(partial(_shut, upstream))
                await _first_to_end(_up(reader, upstream), _down(upstream, writer, wire))
        except OSError:
            # The process is gone: the device meets a closed connection, as without a proxy.
            pass
        finally:
            self.wires.pop(peer, None)
            wire.cut()


def _shut(upstream: socket.socket) -> None:
    with contextlib.suppress(OSError):
        upstream.shutdown(socket.SHUT_RDWR)


async def _up(reader: asyncio.StreamReader, upstream: socket.socket) -> None:
    """Until the device ends; a server that hears no more may still have something to say."""
    loop = asyncio.get_running_loop()
    while data := await reader.read(_CHUNK):
        with contextlib.suppress(OSError):
            await loop.sock_sendall(upstream, data)


async def _down(upstream: socket.socket, writer: asyncio.StreamWriter, wire: Wire) -> None:
    loop = asyncio.get_running_loop()
    due = 0.0
    while True:
        await wire.flowing.wait()
        try:
            data = await loop.sock_recv(upstream, _CHUNK)
        except OSError:
            data = b""  # The process has gone without a word.
        await wire.flowing.wait()
        now = loop.time()
        if not data:
            # What was written before the end arrives: a close code must not be lost here.
            await asyncio.sleep(max(0.0, due - now))
            writer.write_eof()
            await asyncio.sleep(0.2)
            return
        if wire.mute:
            continue
        if wire.delay or due > now:
            # Never before what was read earlier, nor in the same moment.
            due = max(due + _ONE_AFTER_THE_OTHER, now + wire.delay)
            loop.call_at(due, _write_late, writer, data)
        else:
            writer.write(data)
        await writer.drain()


def _write_late(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)


async def _first_to_end(*ways: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


def wire_of(proxies: Iterable[Proxy], peer: int | None) -> Wire | None:
    """The connection whose device's end has this port."""
    if peer is None:
        return None
    return next((proxy.wires[peer] for proxy in proxies if peer in proxy.wires), None)
