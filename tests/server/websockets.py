"""WebSocket connections to a server of the test's own, and peers that read nothing."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pneumatic.lib.realtime.readyframes import Line, line_of, text_frame
from pneumatic.server.websocket import FrameProtocol

PATIENCE = 20.0
LARGE = "x" * 60_000


class App:
    """Accepts a socket and keeps it, with all that it was told, until the peer is gone."""

    def __init__(self) -> None:
        self.accepted = asyncio.Event()
        self.ended = asyncio.Event()
        self.closing = asyncio.Event()
        self.takes: list[bool | None] = []
        self.line: Line | None = None
        self.heard: list[Any] = []
        self.server: uvicorn.Server | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        self.line = line_of(scope)
        if self.line:
            self.line["watch"](self.takes.append)
        await send({"type": "websocket.accept"})
        self.send = send
        self.accepted.set()
        while (message := await receive())["type"] != "websocket.disconnect":
            self.heard.append(message["text"])
        self.ended.set()

    async def connection_lost(self) -> None:
        assert self.server is not None
        async with asyncio.timeout(PATIENCE):
            while self.server.server_state.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def write(self, text: str) -> None:
        assert self.line is not None
        self.line["write"](text_frame(text))


@contextlib.asynccontextmanager
async def serving(app: Any, **options: Any) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        ws=FrameProtocol,
        lifespan="off",
        log_config=None,
        log_level="warning",
        **{"ws_per_message_deflate": False, **options},
    )
    server = app.server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve([listener]))
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        async with asyncio.timeout(PATIENCE):
            await running


def talking(url: str) -> connect:
    return connect(url, compression=None, ping_interval=None)


def deaf(url: str) -> connect:
    """A peer whose system takes hardly anything that its program hasn't read."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    made.connect(("127.0.0.1", int(url.rsplit(":", 1)[1].strip("/"))))
    return connect(url, compression=None, ping_interval=None, max_queue=1, sock=made)


async def until_full(app: App) -> int:
    """Write until the line takes nothing more; how many frames that took."""
    async with asyncio.timeout(PATIENCE):
        for number in range(10_000):
            if app.takes[-1] is False:
                return number
            app.write(f"{number} {LARGE}")
            await asyncio.sleep(0)
    raise AssertionError("it took everything")


async def read_to_the_end(peer: ClientConnection) -> list[str]:
    texts = []
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(PATIENCE):
            while True:
                texts.append(str(await peer.recv()))
    return texts
