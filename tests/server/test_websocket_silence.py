"""Is anybody there? Whom our WebSocket connections ask, and whom they take for gone."""

import asyncio
from typing import cast

import pytest

from pneumatic.server.websocket import FrameProtocol
from tests.server.websockets import (
    PATIENCE,
    App,
    deaf,
    read_to_the_end,
    serving,
    talking,
    until_full,
)

pytestmark = pytest.mark.asyncio


async def test_who_answers_no_ping_is_given_up_with_all_that_waits_for_it(app: App) -> None:
    async with serving(app, ws_ping_interval=0.1, ws_ping_timeout=0.1) as url, deaf(url) as peer:
        await app.accepted.wait()
        await until_full(app)
        async with asyncio.timeout(PATIENCE):
            await app.ended.wait()
        await read_to_the_end(peer)


async def test_who_is_behind_with_a_ping_and_goes_on_talking_stays(app: App) -> None:
    async with serving(app, ws_ping_interval=0.2, ws_ping_timeout=0.2) as url, deaf(url) as peer:
        await app.accepted.wait()
        await until_full(app)
        # Five times as long as who is silent would have.
        for _ in range(100):
            await peer.send("still here")
            await asyncio.sleep(0.02)
            assert not app.ended.is_set()
        async with asyncio.timeout(PATIENCE):
            await app.ended.wait()
        await read_to_the_end(peer)
    assert len(app.heard) == 100


async def test_who_speaks_is_asked_for_nothing_until_silent_for_the_interval(app: App) -> None:
    async with serving(app, ws_ping_interval=0.3, ws_ping_timeout=20) as url, talking(url) as peer:
        await app.accepted.wait()
        assert app.server is not None
        [connection] = cast(set[FrameProtocol], app.server.server_state.connections)
        for _ in range(30):
            await peer.send("heartbeat")
            await asyncio.sleep(0.03)
            assert connection.ping_sent_at == 0
        async with asyncio.timeout(PATIENCE):
            while not connection.ping_sent_at:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert connection.ping_sent_at - connection._heard_at >= 0.3


async def test_who_spoke_and_vanished_is_found_out_by_one_ping(app: App) -> None:
    async with serving(app, ws_ping_interval=0.2, ws_ping_timeout=0.2) as url, deaf(url) as peer:
        await app.accepted.wait()
        await peer.send("the last word")
        await until_full(app)
        async with asyncio.timeout(PATIENCE):
            await app.ended.wait()
        await read_to_the_end(peer)
    assert app.heard == ["the last word"]


async def test_who_is_gone_is_kept_in_no_round(app: App) -> None:
    async with serving(app, ws_ping_interval=600, ws_ping_timeout=20) as url:
        async with talking(url):
            await app.accepted.wait()
            assert app.server is not None
            [connection] = cast(set[FrameProtocol], app.server.server_state.connections)
            held = connection._round
            assert held == {connection}
        await app.connection_lost()
    assert not held
