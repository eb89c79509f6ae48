"""Frames that can't be understood, or are too many, and readers that take too few."""

import asyncio
import json
import uuid

import pytest
from prometheus_client import REGISTRY

from chat import groups, limits
from chat.protocol import Close
from chat.ws.consumer import ChatConsumer
from chat.ws.hub import hub
from pneumatic.testing.factories import World
from pneumatic.testing.socket import connected, device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "42",
        '{"type":"nope"}',
        '{"type":"ping","t":NaN}',
        '{"type":"ping","unknown":1}',
        '{"type":"message.send","id":"x","conversation":"y","body":1}',
        '{"type":"ping","t":' + "9" * 5000 + "}",
        '{"type":"hello","versions":' + "[" * 30_000,
        '{"type":"ping","t":"\\ud800"}',
        '{"type":"ping","t":1,"t":2}',
        '{"type":"ping","t":1, "\\u0074" :2}',
        '{"type":"ping","type":"ping"}',
        f'{{"type":"sync","versions":{{"{uuid.UUID(int=1)}":1,"{uuid.UUID(int=1)}":2}}}}',
        '{"type":"ping","t":' + "1" * 300 + ',"t":"a:b"}',
        '{"type":"read","conversation":"00000000-0000-4000-8000-000000000000","seq":-1}',
    ],
    ids=lambda text: text[:40],
)
async def test_a_malformed_frame_gets_an_error_and_the_socket_lives(
    live_world: World, text: str
) -> None:
    async with connected(live_world.bob) as (bob,):
        await bob.say_text(text)
        assert (await bob.expect("error"))["code"] == "invalid"
        await bob.say(type="ping", ref="alive")
        await bob.expect("pong", ref="alive")


async def test_a_key_given_twice_is_named_in_an_answer_to_the_frame(live_world: World) -> None:
    """Nobody gets to say one thing to us and another to whoever reads the first of two."""
    group, text = live_world.group.id, "said"
    async with connected(live_world.bob) as (bob,):
        await bob.say_text(
            f'{{"type":"message.send","ref":"r1","id":"{uuid.uuid4()}","conversation":"{group}",'
            f'"body":"{text}","body":"{text} again"}}'
        )
        error = await bob.expect("error", ref="r1")
        assert list(error["errors"]) == ["body"]
        await bob.say_text(
            f'{{"type":"message.send","ref":"r3","id":"{uuid.uuid4()}","conversation":"{group}",'
            f'"body":"{text}","reply_to":null,"reply_to":null}}'
        )
        assert list((await bob.expect("error", ref="r3"))["errors"]) == ["reply_to"]
        await bob.say_text('{"type":"ping","ref":"r2","t":"\\"t\\":1,\\"t\\":2"}')
        await bob.expect("pong", ref="r2")


async def test_a_key_given_twice_is_found_in_a_hello_too(live_world: World) -> None:
    group, other = (f'"{each}":1' for each in (live_world.group.id, uuid.uuid4()))
    bob = await device_of(live_world.bob)
    await bob.open()
    for twice in (
        f'"token":"a","token":"a","versions":{{{group}}}',
        f'"token":"a","versions":{{{other},{group},{group}}}',
        f'"token":"a","versions":{{{group}}},"epoch":null,"epoch":null',
        f'"token":"a","versions":{{}},"versions":{{{group}}}',
        f'"versions":{{{group}}},"type":"hello"',
    ):
        await bob.say_text(f'{{"type":"hello","ref":"r",{twice}}}')
        assert (await bob.expect("error", ref="r"))["code"] == "invalid"
    await bob.close()


async def test_an_error_names_the_frame_and_the_field(live_world: World) -> None:
    async with connected(live_world.bob) as (bob,):
        await bob.say(
            type="message.send", id="x", conversation=live_world.group.id, body="", ref="r1"
        )
        error = await bob.expect("error", ref="r1")
        assert list(error["errors"]) == ["id"]
        await bob.begin_send(live_world.group, "", ref="r2")
        error = await bob.expect("error", ref="r2")
        assert list(error["errors"]) == ["body"]


async def test_a_binary_frame_is_malformed(live_world: World) -> None:
    async with connected(live_world.bob) as (bob,):
        await bob.socket.send_to(bytes_data=b"{}")
        assert (await bob.expect("error"))["code"] == "invalid"


async def test_a_client_that_goes_on_being_malformed_is_closed(live_world: World) -> None:
    bob = await device_of(live_world.bob)
    await bob.hello()
    for _ in range(limits.BAD_FRAMES + 1):
        await bob.say_text("nonsense")
    assert await bob.expect_close() == 4500


async def test_a_frame_that_is_too_large_closes_at_once(live_world: World) -> None:
    bob = await device_of(live_world.bob)
    await bob.hello()
    await bob.say_text(json.dumps({"type": "ping", "t": "ü" * (limits.FRAME_BYTES // 2)}))
    assert await bob.expect_close() == 4500


async def test_too_many_frames_close_the_socket(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FRAMES_BURST", 5)
    bob = await device_of(live_world.bob)
    await bob.hello()
    for _ in range(10):
        await bob.say(type="ping")
    assert await bob.expect_close() == 4429


async def test_sends_beyond_the_budget_wait_and_are_not_lost(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat.ws import posting
    from pneumatic.lib.shared.ratelimit import Budget

    budget = Budget(per_minute=2, per_hour=100)
    monkeypatch.setattr(posting, "user_budget", lambda: budget)
    async with connected(live_world.bob) as (bob,):
        await bob.send(live_world.group, "one")
        await bob.send(live_world.group, "two")
        await bob.begin_send(live_world.group, "three", ref="r")
        error = await bob.expect("error", ref="r")
        assert error["code"] == "rate_limited"
        assert 0 < error["retry_after"] <= 30


async def test_a_reader_that_stays_behind_is_closed(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = asyncio.Event()
    reads.set()
    real = ChatConsumer._send_text

    async def send_when_read(self: ChatConsumer, text: str) -> None:
        if getattr(self, "user_id", None) == live_world.bob.id:
            await reads.wait()
        await real(self, text)

    monkeypatch.setattr(ChatConsumer, "_send_text", send_when_read)
    monkeypatch.setattr(limits, "OUTBOUND_FRAMES", 20)
    async with connected(live_world.alice, live_world.bob) as (alice, bob):
        reads.clear()
        for number in range(30):
            await alice.send(live_world.group, str(number))
        assert await bob.expect_close() == 4408


async def test_a_defect_in_a_handler_costs_an_answer_not_the_socket(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat.ws import sends

    async def broken(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sends, "asend_messages", broken)
    async with connected(live_world.bob) as (bob,):
        await bob.begin_send(live_world.group, "x", ref="r")
        assert (await bob.expect("error", ref="r"))["code"] == "unavailable"
        await bob.refute("error")


@pytest.mark.parametrize("broken", ["_hear", "_handle"])
async def test_a_defect_outside_of_a_handler_leaves_no_socket_and_no_group_behind(
    live_world: World, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async with connected(live_world.alice) as (alice,):
        before = REGISTRY.get_sample_value("pneumatic_sockets")
        bob = await device_of(live_world.bob)
        await bob.hello()
        rooms = hub()._rooms
        assert len(rooms.sockets) == 2
        with monkeypatch.context() as defect:
            defect.setattr(ChatConsumer, broken, fail)
            await bob.say(type="sync", versions={})
            assert await bob.expect_close() == Close.TOO_SLOW
        await bob.close()
        assert [socket.user_id for socket in rooms.sockets] == [live_world.alice.id]
        assert groups.user(live_world.bob.id) not in rooms.by_group
        assert {len(room.sockets) for room in rooms.by_group.values()} == {1}
        assert REGISTRY.get_sample_value("pneumatic_sockets") == before
        await alice.refute("error")
