"""How far our server's WebSocket connections read ahead of who takes what they have read."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pneumatic.server.websocket import READ_AHEAD, FrameProtocol
from tests.server.websockets import PATIENCE, App, serving, talking

pytestmark = pytest.mark.asyncio


class Busy(App):
    """Takes nothing before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_take = asyncio.Event()
        self.protocol: FrameProtocol | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.protocol = receive.__self__

        async def late() -> Any:
            if self.accepted.is_set():
                await self.may_take.wait()
            return await receive()

        await super().__call__(scope, late, send)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_reading_stops_where_some_messages_wait_and_goes_on_when_they_are_taken() -> None:
    app = Busy()
    async with serving(app) as url, talking(url) as peer:
        await app.accepted.wait()
        protocol = app.protocol
        assert protocol is not None
        for number in range(1, READ_AHEAD + 1):
            assert not protocol.read_paused
            await peer.send(str(number))
            await _until(lambda: len(protocol._messages) == number)  # noqa: B023
        assert protocol.read_paused
        assert not protocol.transport.is_reading()
        app.may_take.set()
        await peer.send("more")
        await _until(lambda: len(app.heard) == READ_AHEAD + 1)
        assert app.heard[-1] == "more"
        assert protocol.transport.is_reading()
