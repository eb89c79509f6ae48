"""Hellos that come at once: whom they may keep waiting, and how each of them ends."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from accounts.authentication import authenticate_all
from accounts.tokens import Claims
from chat import limits, queries
from chat.protocol import Close
from chat.ws import consumer, entrances, turns
from chat.ws.hub import hub
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.errors import Unauthenticated, Unavailable
from pneumatic.testing.factories import World, make_group, say
from pneumatic.testing.socket import Device, connected, device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


async def _say_hello(device: Device) -> None:
    await device.open()
    await device.say(type="hello", token=device.token, epoch=None, versions={})


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def _is_there() -> bool:
    return False  # it is not gone


async def test_readers_that_take_nothing_of_their_catch_up_keep_no_other_hello_waiting(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    for _ in range(5):
        group = await in_database(make_group, world.alice, world.bob)
        for _ in range(6):
            await in_database(say, world.alice, group, "x" * 3000)
    monkeypatch.setattr(limits, "OUTBOUND_BYTES", 80_000)
    really_send = consumer.ChatConsumer._send_text
    stuck = set[consumer.ChatConsumer]()

    async def send_but_not_to_bob(self: consumer.ChatConsumer, text: str) -> None:
        if self.identity is not None and self.user_id == world.bob.id:
            stuck.add(self)
            await asyncio.Event().wait()
        await really_send(self, text)

    monkeypatch.setattr(consumer.ChatConsumer, "_send_text", send_but_not_to_bob)
    readers = [await device_of(world.bob) for _ in range(limits.CATCH_UPS_AT_ONCE)]
    for each in readers:
        await _say_hello(each)
    await _until(lambda: len(stuck) == len(readers))
    async with await device_of(world.alice) as alice:
        assert await alice.send(world.group, "I am in")
    for each in readers:
        await each.close()


async def test_a_hello_whose_turn_does_not_come_is_told_to_come_back(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_STANDSTILL_SECONDS", 0.05)
    monkeypatch.setattr(turns.turns(), "_free", 0)
    device = await device_of(live_world.alice)
    await _say_hello(device)
    assert await device.expect_close() == Close.TOO_SLOW
    await device.close()
    turns.turns()._pass_on()
    async with await device_of(live_world.alice):
        assert turns.turns()._free == 1


async def test_a_line_that_moves_is_worth_waiting_for_and_one_that_stands_still_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "_STANDSTILL_SECONDS", 0.3)
    line = turns.Turns(1)
    loop = asyncio.get_running_loop()
    came_at, waited = loop.time(), list[float]()

    async def go(seconds: float, failure: Exception | None = None) -> None:
        async with line.take(_is_there, begun=False):
            waited.append(loop.time() - came_at)
            await asyncio.sleep(seconds)
            if failure is not None:
                raise failure

    # Each is served, though the last ones wait longer than that; so it is where tokens are bad.
    async with asyncio.timeout(10):
        going = (go(0.05, Unauthenticated() if n % 2 else None) for n in range(12))
        ends = await asyncio.gather(*going, return_exceptions=True)
    assert {type(each) for each in ends} == {type(None), Unauthenticated}
    assert len(waited) == 12
    assert waited[-1] > 0.3
    # The database hangs: those who have a turn are told late, those who wait don't wait for that.
    hanging = asyncio.create_task(go(30))
    waiting = [asyncio.create_task(go(0)) for _ in range(3)]
    async with asyncio.timeout(10):
        ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in ends} == {Unavailable}
    hanging.cancel()
    await asyncio.wait([hanging])
    assert line._free == 1


async def test_nobody_waits_longer_than_a_device_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_PATIENCE_SECONDS", 0.1)
    line = turns.Turns(1)

    async def go() -> None:
        async with line.take(_is_there, begun=False):
            await asyncio.sleep(0.06)

    async with asyncio.timeout(10):
        ends = await asyncio.gather(*(go() for _ in range(5)), return_exceptions=True)
    assert {type(each) for each in ends} == {type(None), Unavailable}
    assert line._free == 1


async def test_devices_that_gave_up_are_not_served_before_those_that_wait(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []

    def authenticate(asked: Collection[Claims]) -> Any:
        served.extend(str(each.user_id) for each in asked)
        return authenticate_all(asked)

    monkeypatch.setattr(entrances, "authenticate_all", authenticate)
    line = turns.turns()
    monkeypatch.setattr(line, "_free", 0)
    given_up = [await device_of(live_world.bob) for _ in range(3)]
    for each in given_up:
        await _say_hello(each)
    await _until(lambda: len(line._beginners) == len(given_up))
    for each in given_up:
        await each.socket.send_input({"type": "websocket.disconnect", "code": 1006})
    alice = await device_of(live_world.alice)
    await _say_hello(alice)
    await _until(lambda: len(line._beginners) == len(given_up) + 1)
    line._pass_on()
    await alice.expect("synced")
    assert served == [str(live_world.alice.id)]
    for each in (alice, *given_up):
        await each.close()


async def test_who_has_begun_goes_before_those_who_begin() -> None:
    line, order = turns.Turns(1), list[str]()

    async def go(name: str, *, begun: bool) -> None:
        async with line.take(_is_there, begun=begun):
            order.append(name)

    async with line.take(_is_there, begun=False):
        going = [asyncio.create_task(go("beginner", begun=False))]
        going.append(asyncio.create_task(go("gives up", begun=True)))
        going.append(asyncio.create_task(go("begun", begun=True)))
        await _until(lambda: len(line._begun) == 2)
        going[1].cancel()
    await asyncio.wait(going)
    assert order == ["begun", "beginner"]
    assert line._free == 1


async def test_a_turn_that_comes_in_the_moment_of_giving_up_is_passed_on() -> None:
    line = turns.Turns(1)

    async def go() -> None:
        async with line.take(_is_there, begun=True):
            pass

    async with line.take(_is_there, begun=True):
        waiting = asyncio.create_task(go())
        await _until(lambda: len(line._begun) == 1)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert line._free == 1


@pytest.mark.parametrize("failure", [Unavailable(), RuntimeError("a defect")])
@pytest.mark.parametrize(
    ("module", "name"), [(entrances, "authenticate_all"), (queries, "entrances_of")]
)
async def test_a_hello_that_fails_closes_its_socket(
    live_world: World,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    failure: Exception,
) -> None:
    def fail(*_: Any) -> None:
        raise failure

    device = await device_of(live_world.alice)
    with monkeypatch.context() as patched:
        patched.setattr(module, name, fail)
        await _say_hello(device)
        assert await device.expect_close() == Close.TOO_SLOW
    await device.close()
    async with await device_of(live_world.alice) as again:
        assert again.mirror.conversations


async def test_who_is_here_is_answered_while_many_say_hello(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    monkeypatch.setattr(turns, "_HELLOS_A_TURN", 1)
    async with connected(world.alice, world.bob) as (alice, bob):
        many = [await device_of(world.bob) for _ in range(10)]
        for each in many:
            await each.open()
        for each in many:
            await each.say(type="hello", token=each.token, epoch=None, versions={})
        # Gone before it is their turn: they keep nobody waiting.
        for each in many[:3]:
            await each.socket.send_input({"type": "websocket.disconnect", "code": 1006})
        ack = await alice.send(world.group, "hello all")
        for each in many[3:]:
            await each.expect("welcome")
            await each.expect("synced")
            await each.close()
        await bob.expect("message", version=ack["version"])
        await _until(lambda: len(hub().sockets) == 2)
