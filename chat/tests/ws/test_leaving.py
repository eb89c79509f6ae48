"""Devices that go, many at once: who is here doesn't wait for them, nor who comes back."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pytest_django import Settings

from chat import groups
from chat.ws.crowd import crowd
from chat.ws.hub import hub
from chat.ws.leaving import leaving
from chat.ws.rooms import Rooms, Socket
from pneumatic.lib import health
from pneumatic.testing.factories import World
from pneumatic.testing.socket import Device, connected, device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _lose(device: Device) -> None:
    """The device is gone, and nobody waits for what the server makes of that."""
    await device.socket.send_input({"type": "websocket.disconnect", "code": 1006})


@asynccontextmanager
async def _nobody_leaves() -> AsyncIterator[None]:
    """For the block, others leave, and take their time."""
    done, line = asyncio.Event(), leaving()
    await _until(lambda: line._task is None or line._task.done())

    async def others() -> None:
        await done.wait()
        await line._run()

    line._task = asyncio.create_task(others())
    yield
    done.set()


async def test_who_is_back_before_their_turn_to_leave_was_never_gone(live_world: World) -> None:
    world = live_world
    async with connected(world.bob) as (bob,):
        lost = await device_of(world.alice)
        await lost.hello()
        await bob.expect("presence", user=str(world.alice.id), online=True)
        async with _nobody_leaves():
            await _lose(lost)
            alice = await device_of(world.alice)
            await alice.hello()
            # And all goes on as ever meanwhile.
            ack = await bob.send(world.group, "are you back?")
            await alice.expect("message", version=ack["version"])
        await _until(lambda: len(hub().sockets) == 2)
        ack = await bob.send(world.group, "then listen")
        await alice.expect("message", version=ack["version"])
        await bob.refute("presence", user=str(world.alice.id))
        await alice.close()
        await bob.expect("presence", user=str(world.alice.id), online=False)


async def test_who_waits_for_their_turn_to_leave_takes_nobodys_place(
    live_world: World, settings: Settings
) -> None:
    settings.SOCKETS_PER_USER = settings.SOCKETS_PER_ADDRESS = 1
    lost = await device_of(live_world.alice)
    await lost.hello()
    async with _nobody_leaves():
        await _lose(lost)
        await _until(lambda: not crowd()._held)
        again = await device_of(live_world.alice)
        await again.hello()
    await again.close()


async def test_everybody_who_is_gone_leaves_in_the_end(live_world: World) -> None:
    world = live_world
    async with connected(world.bob) as (bob,):
        many = [await device_of(world.alice) for _ in range(5)]
        for each in many:
            await each.hello()
        async with _nobody_leaves():
            for each in many:
                await _lose(each)
            # One of them gives up its place in the line, as where the process ends.
            many[2].socket.future.cancel()
        await bob.expect("presence", user=str(world.alice.id), online=False)
        await _until(lambda: len(hub().sockets) == 1)
        assert not hub().is_in(next(iter(hub().sockets)), groups.user(world.alice.id))


async def test_who_is_gone_is_not_renewed_however_long_leaving_takes(live_world: World) -> None:
    lost = await device_of(live_world.alice)
    await lost.hello()
    (socket,) = hub().sockets
    await _until(lambda: socket.arrived)
    async with _nobody_leaves():
        await _lose(lost)
        await _until(lambda: not socket.arrived)
        assert tuple(hub().sockets) == (socket,)
    await _until(lambda: not hub().sockets)


async def test_many_leave_together_and_at_once_where_the_process_drains(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.ws.leaving._TOGETHER", 2)
    monkeypatch.setattr("chat.ws.leaving._BETWEEN_SECONDS", 3_600)
    together, leave = list[int](), Rooms.leave_all

    async def count(rooms: Rooms, sockets: Iterable[Socket]) -> None:
        together.append(len(list(sockets)))
        await leave(rooms, sockets)

    monkeypatch.setattr(Rooms, "leave_all", count)
    many = [await device_of(live_world.alice) for _ in range(5)]
    for each in many:
        await each.hello()
    async with _nobody_leaves():
        for each in many:
            await _lose(each)
        await _until(lambda: len(leaving()._waiting) == 5)
        monkeypatch.setattr(health, "_draining", True)
    await _until(lambda: not hub().sockets)
    assert together == [2, 2, 1]
