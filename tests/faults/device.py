"""A device outside of the servers: an honest client with a mirror, an outbox and a gap timer."""

import asyncio
import contextlib
import json
import socket
import time
import uuid
from typing import Any, ClassVar, Self, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pneumatic.proof.mirror import Mirror

Frame = dict[str, Any]
PATIENCE = 40.0
_GAP_SECONDS = 0.3
#: The `ref` of a sync that asks for presence and positions as well.
_STATES = "states"
TOO_SLOW = 4408


class NotLetIn(Exception):
    """The server had no time for this device; it may try again."""


class Device:
    """Connects to one port; whoever moves it to another says so."""

    #: Those that no test has closed yet.
    open_ones: ClassVar[set["Device"]] = set()

    def __init__(self, token: str, port: int, mirror: Mirror | None = None) -> None:
        self.token = token
        self.port = port
        self.mirror = mirror or Mirror()
        self.received: list[Frame] = []
        self.close_code: int | None = None
        self._line: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._gap: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    @property
    def line(self) -> ClientConnection:
        assert self._line is not None
        return self._line

    async def open(self, seconds: float = PATIENCE, receive_buffer: int = 0) -> Self:
        """Connect, say hello as the mirror knows things, and take everything up to `synced`.

        With a `receive_buffer` the kernel keeps no more than about so many bytes for it.

        Raises `NotLetIn` where the server says that it has no time for that.
        """
        self.close_code = None
        since = len(self.received)
        self._line = await connect(
            f"ws://127.0.0.1:{self.port}/ws/",
            subprotocols=[cast(Any, "pneumatic.v1")],
            compression=None,
            ping_interval=None,
            open_timeout=seconds,
            close_timeout=1,
            sock=self._socket(receive_buffer),
        )
        self.open_ones.add(self)
        self._reading = asyncio.create_task(self._read())
        epoch, versions = self.mirror.position()
        await self.say("hello", token=self.token, epoch=epoch, versions=versions)
        await self.until(
            lambda: (
                self._has("synced", since)
                or self._has("error", since)
                or self.close_code is not None
            ),
            seconds,
        )
        if self._has("error", since) or self._closed_with(TOO_SLOW):
            told = {each["code"] for each in self.received[since:] if each["type"] == "error"}
            assert told <= {"unavailable"}
            raise NotLetIn
        assert self.close_code is None, self.close_code
        return self

    def _socket(self, receive_buffer: int) -> socket.socket | None:
        if not receive_buffer:
            return None
        made = socket.socket()
        # Before it connects: the window that it then offers is of this size.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.connect(("127.0.0.1", self.port))
        made.setblocking(False)
        return made

    def freeze(self) -> None:
        """Read nothing any more; what comes has to wait where it comes from."""
        self.line.transport.pause_reading()

    def thaw(self) -> None:
        """Read on."""
        self.line.transport.resume_reading()

    def _closed_with(self, code: int) -> bool:
        return self.close_code == code

    async def close(self) -> None:
        self.open_ones.discard(self)
        if self._line is not None:
            await self._line.close()
        for task in (self._reading, self._gap):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def say(self, kind: str, **fields: Any) -> None:
        await self.line.send(json.dumps({"type": kind, **fields}))

    async def send(self, group: str, body: str = "hello", id: str = "") -> float:
        """Send a message; the seconds until its `ack`. Fails on an error or a close."""
        id = id or str(uuid.uuid4())
        began = time.monotonic()
        await self.say("message.send", ref=id, id=id, conversation=group, body=body)
        answer = await self.answer(id)
        assert answer is not None, f"closed with {self.close_code}"
        assert answer["type"] == "ack", answer
        return time.monotonic() - began

    async def answer(self, ref: str) -> Frame | None:
        """The `ack` or `error` for a ref; None when the socket closes instead."""
        found: list[Frame] = []

        def is_there() -> bool:
            found[:] = [
                each
                for each in self.received
                if each.get("ref") == ref and each["type"] in {"ack", "error"}
            ]
            return bool(found) or self.close_code is not None

        await self.until(is_there)
        return found[-1] if found else None

    async def until(self, holds: Any, seconds: float = PATIENCE) -> float:
        """Wait for something that events bring about; how long it took."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            while not holds():
                self._news.clear()
                await self._news.wait()
        return time.monotonic() - began

    async def knows(self, body: str, seconds: float = PATIENCE) -> float:
        """Wait until a message with this body is in the mirror."""
        return await self.until(lambda: body in self.bodies(), seconds)

    def bodies(self) -> list[str]:
        return [
            row["body"]
            for each in self.mirror.conversations.values()
            for row in each.messages.values()
        ]

    def seen_online(self, person: str) -> list[bool]:
        """What it was told of the person's presence, once for each time that it changed.

        Live, or by a sync where an event got lost, as events of states may.
        """
        seen = [False]
        for frame in self.received:
            online = seen[-1]
            if frame["type"] == "presence" and frame["user"] == person:
                online = frame["online"]
            elif frame["type"] == "synced" and frame.get("ref") in {None, _STATES}:
                online = person in frame.get("online", ())
            if online is not seen[-1]:
                seen.append(online)
        return seen

    def _has(self, kind: str, since: int = 0) -> bool:
        return any(frame["type"] == kind for frame in self.received[since:])

    async def _read(self) -> None:
        try:
            while True:
                frame = json.loads(await self.line.recv())
                for each in frame["events"] if frame["type"] == "batch" else [frame]:
                    self.mirror.apply(each)
                    self.received.append(each)
                    if each["type"] == "resync":
                        await self._sync(ref=_STATES, states=True)
                self._mind_the_gap()
                self._news.set()
        except ConnectionClosed:
            self.close_code = self.line.close_code or 1006
        finally:
            self._news.set()

    def _mind_the_gap(self) -> None:
        waiting = self._gap is not None and not self._gap.done()
        if not waiting and any(each.has_gap for each in self.mirror.conversations.values()):
            self._gap = asyncio.create_task(self._ask_for_the_missing())

    async def _ask_for_the_missing(self) -> None:
        await asyncio.sleep(_GAP_SECONDS)
        if any(each.has_gap for each in self.mirror.conversations.values()):
            with contextlib.suppress(ConnectionClosed):
                await self._sync(ref="gap")

    async def _sync(self, **fields: Any) -> None:
        epoch, versions = self.mirror.position()
        await self.say("sync", epoch=epoch, versions=versions, **fields)
