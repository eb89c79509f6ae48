import uuid

import pytest

from chat import limits
from chat.actions.messages import edit_message
from chat.models import Message
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, say
from pneumatic.testing.socket import Device, connected, device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


async def test_hello_is_answered_with_everything_the_person_may_see(live_world: World) -> None:
    await in_database(say, live_world.alice, live_world.group, "welcome")
    device = await device_of(live_world.bob)
    welcome = await device.hello()
    assert welcome["user"]["username"] == "bob"
    assert welcome["protocol"] == 1
    assert welcome["limits"]["body_chars"] == limits.BODY_CHARS
    history = device.mirror.history(str(live_world.group.id))
    assert [row["body"] for row in history] == ["created the group", "welcome"]
    row = device.mirror.conversations[str(live_world.group.id)].row
    assert row is not None
    assert row["me"]["unread"] == 2
    await device.close()


async def test_a_stranger_sees_no_conversation(live_world: World) -> None:
    async with connected(live_world.charlie) as (device,):
        assert device.mirror.conversations == {}


async def test_a_message_reaches_every_device_of_every_member_and_nobody_else(
    live_world: World,
) -> None:
    world = live_world
    async with connected(world.alice, world.alice, world.bob, world.charlie) as devices:
        laptop, phone, bob, charlie = devices
        ack = await laptop.send(world.group, "hello")
        for device in (laptop, phone, bob):
            event = await device.expect("message", version=ack["version"])
            assert event["data"]["body"] == "hello"
            assert event["data"]["seq"] == ack["seq"]
        await charlie.refute("message")


async def test_an_acknowledged_message_is_committed_once(live_world: World) -> None:
    async with connected(live_world.alice, live_world.bob) as (alice, bob):
        id = uuid.uuid4()
        first = await alice.send(live_world.group, "hi", id=id)
        second = await alice.send(live_world.group, "hi", id=id)
        assert (first["duplicate"], second["duplicate"]) == (False, True)
        assert (first["seq"], first["version"]) == (second["seq"], second["version"])
        await bob.expect("message")
        await bob.refute("message")
        assert await in_database(Message.objects.filter(id=id).count) == 1


async def test_what_was_missed_comes_with_the_next_hello(live_world: World) -> None:
    world = live_world
    bob = await device_of(world.bob)
    await bob.hello()
    await bob.close()
    message = await in_database(say, world.alice, world.group, "helo")
    await in_database(
        edit_message,
        editor=world.alice,
        conversation_id=world.group.id,
        message_id=message.id,
        body="hello",
    )
    back = Device(bob.token, mirror=bob.mirror)
    await back.hello()
    assert back.mirror.history(str(world.group.id))[-1]["body"] == "hello"
    frames = [frame for frame in back.waiting if frame["type"] == "sync"]
    assert [(frame["reset"], frame["more"], len(frame["messages"])) for frame in frames] == [
        (False, False, 1)
    ]
    await back.close()


async def test_a_device_that_missed_nothing_is_sent_nothing(live_world: World) -> None:
    bob = await device_of(live_world.bob)
    await bob.hello()
    await bob.close()
    back = Device(bob.token, mirror=bob.mirror)
    await back.hello()
    assert [frame["type"] for frame in back.waiting if frame["type"] == "sync"] == []
    await back.close()


async def test_another_history_makes_known_versions_void(live_world: World) -> None:
    bob = await device_of(live_world.bob)
    await bob.open()
    await bob.say(
        type="hello",
        token=bob.token,
        epoch=uuid.uuid4(),
        versions={str(live_world.group.id): 2},
    )
    assert (await bob.expect("sync"))["reset"] is True
    await bob.close()


async def test_a_device_far_behind_gets_the_conversation_anew(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SYNC_MAX", 3)
    bob = await device_of(live_world.bob)
    await bob.hello()
    await bob.close()
    for number in range(4):
        await in_database(say, live_world.alice, live_world.group, str(number))
    back = Device(bob.token, mirror=bob.mirror)
    await back.hello()
    assert [frame["reset"] for frame in back.waiting if frame["type"] == "sync"] == [True]
    await back.close()


async def test_a_long_sync_comes_in_parts_and_counts_only_when_it_is_whole(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SYNC_FRAME_ROWS", 2)
    bob = await device_of(live_world.bob)
    await bob.hello()
    frames = [frame for frame in bob.waiting if frame["type"] == "sync"]
    assert [frame["more"] for frame in frames] == [True, False]
    assert frames[0]["to"] == frames[0]["from"] == 0
    assert [frame["reset"] for frame in frames] == [True, False]
    assert frames[1]["to"] == frames[1]["data"]["version"]
    await bob.close()


async def test_a_sync_of_any_size_arrives(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OUTBOUND_BYTES", 20_000)
    for number in range(20):
        await in_database(say, live_world.alice, live_world.group, f"{number} " * 500)
    monkeypatch.setattr(limits, "SYNC_FRAME_ROWS", 2)
    async with connected(live_world.bob) as (bob,):
        assert len(bob.mirror.history(str(live_world.group.id))) == 21
