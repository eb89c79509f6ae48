"""Positions, typing and presence: states that pass, and are told in passing."""

import pytest

from pneumatic.lib.threads import in_database
from pneumatic.testing.factories import World, make_direct
from pneumatic.testing.socket import connected, device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


async def test_receipts_reach_the_others_and_ones_own_devices_with_counts(
    live_world: World,
) -> None:
    world = live_world
    async with connected(world.alice, world.bob, world.bob) as (alice, laptop, phone):
        ack = await alice.send(world.group, "read me, @bob")
        await laptop.say(type="delivered", conversation=world.group.id, seq=ack["seq"])
        event = await alice.expect("receipt", user=str(world.bob.id))
        assert (event["read_seq"], event["delivered_seq"]) == (0, ack["seq"])
        assert "unread" not in event
        await laptop.say(type="read", conversation=world.group.id, seq=ack["seq"])
        event = await alice.expect("receipt", read_seq=ack["seq"])
        event = await phone.expect("receipt", read_seq=ack["seq"])
        assert (event["unread"], event["mentions"]) == (0, 0)
        await laptop.say(type="read", conversation=world.group.id, seq=1)
        await alice.refute("receipt", read_seq=1)


async def test_typing_reaches_the_others_only(live_world: World) -> None:
    world = live_world
    async with connected(world.alice, world.bob, world.charlie) as (alice, bob, charlie):
        await alice.say(type="typing", conversation=world.group.id, on=True)
        event = await bob.expect("typing")
        assert (event["user"], event["on"]) == (str(world.alice.id), True)
        await alice.refute("typing")
        await charlie.say(type="typing", conversation=world.group.id, on=True)
        assert (await charlie.expect("error"))["code"] == "not_found"
        await bob.refute("typing", user=str(world.charlie.id))


async def test_coming_and_going_is_told_to_those_who_share_a_conversation(
    live_world: World,
) -> None:
    world = live_world
    async with connected(world.bob, world.charlie) as (bob, charlie):
        alice = await device_of(world.alice)
        await alice.hello()
        assert (await bob.expect("presence", user=str(world.alice.id)))["online"] is True
        second = await device_of(world.alice)
        await second.hello()
        await second.close()
        await alice.close()
        event = await bob.expect("presence", user=str(world.alice.id))
        assert event["online"] is False
        await charlie.refute("presence", user=str(world.alice.id))


async def test_who_is_online_is_part_of_the_first_sync(live_world: World) -> None:
    async with connected(live_world.bob):
        alice = await device_of(live_world.alice)
        await alice.open()
        await alice.say(type="hello", token=alice.token)
        assert (await alice.expect("synced"))["online"] == [str(live_world.bob.id)]
        await alice.close()


async def test_people_who_meet_while_both_are_online_see_each_other_online(
    live_world: World,
) -> None:
    world = live_world
    async with connected(world.alice, world.charlie) as (alice, charlie):
        await in_database(make_direct, world.alice, world.charlie)
        await alice.expect("presence", user=str(world.charlie.id), online=True)
        await charlie.expect("presence", user=str(world.alice.id), online=True)
