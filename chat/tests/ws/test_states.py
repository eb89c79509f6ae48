"""Positions, typing and presence: states that pass, and are told in passing."""

import asyncio
import uuid
from typing import Any
from uuid import UUID

import pytest

from chat import fanout, groups, presence
from chat.actions import presence as actions
from chat.ws import catching_up, crowd
from chat.ws import hub as hub_module
from pneumatic.lib import realtime
from pneumatic.lib.database.threads import in_database
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.shared.attendance import Attendance
from pneumatic.testing.factories import World, make_direct, make_group
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


async def test_people_who_come_one_after_the_other_are_told_of_together(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, told = live_world, list[list[str]]()
    everybody = (world.alice, world.bob, world.charlie)
    await in_database(make_group, *everybody)
    publish = realtime.publish

    def noting(group: str, *envelopes: Any) -> None:
        if group == groups.PRESENCE:
            told.append([each["without"] for each in envelopes])
        publish(group, *envelopes)

    monkeypatch.setattr(realtime, "publish", noting)
    monkeypatch.setattr(actions, "GATHER_SECONDS", 0.3)
    async with connected(*everybody) as (alice, bob, charlie):
        # The first one's coming is told at once, the others' come later, in one go.
        await alice.expect("presence", user=str(world.charlie.id), online=True)
        assert told == [[str(world.alice.id)], [str(world.bob.id), str(world.charlie.id)]]
        await alice.expect("presence", user=str(world.bob.id), online=True)
        await bob.expect("presence", user=str(world.charlie.id), online=True)
        await bob.refute("presence", user=str(world.bob.id))
        await charlie.expect("presence", user=str(world.bob.id), online=True)


async def test_of_many_who_came_so_many_are_told_of_in_one_go(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [uuid.uuid4() for _ in range(5)]
    told = list[list[UUID]]()
    monkeypatch.setattr(actions, "GATHER_SECONDS", 0.1)
    monkeypatch.setattr(actions, "TOGETHER", 2)
    monkeypatch.setattr(fanout, "presence", lambda who, **_: told.append(list(who)))
    for each in people:
        await actions.arrive(user_id=each, device="any", circle=dict)
    # Who goes before that is told of at once.
    actions.going(people[2])
    async with asyncio.timeout(10):
        while len(told) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    for each in people:
        await presence.departed(each, "any")
        await presence.settled(each)
    assert told == [people[:1], people[2:3], [people[1], people[3]], people[4:]]


async def test_that_somebody_came_is_told_before_they_go(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    monkeypatch.setattr(actions, "GATHER_SECONDS", 3600)
    async with connected(world.bob) as (bob,):
        alice = await device_of(world.alice)
        await alice.hello()
        # It stays online through a device of another process, which has nothing to tell.
        await presence.arrived(world.alice.id, "elsewhere")
        await bob.refute("presence", user=str(world.alice.id))
        await alice.close()
        await bob.expect("presence", user=str(world.alice.id), online=True)
        await bob.refute("presence", user=str(world.alice.id), online=False)
        await presence.departed(world.alice.id, "elsewhere")


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


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Presence ends within a second, and is renewed and looked at all the time."""
    leases = Attendance("presence", 1)
    monkeypatch.setattr(presence, "_leases", lambda: leases)
    monkeypatch.setattr(hub_module, "_KEEP_ALIVE_SECONDS", 0.05)


async def test_a_process_that_dies_takes_its_people_offline_for_those_who_know_them(
    live_world: World, quick: None
) -> None:
    world = live_world
    async with connected(world.bob, world.charlie) as (bob, charlie):
        # As a process does that is then killed: it never says anything again.
        await presence.arrived(world.alice.id, "a device of another process")
        await bob.expect("presence", user=str(world.alice.id), online=False)
        await charlie.refute("presence", user=str(world.alice.id))
        await bob.refute("presence", user=str(world.alice.id))


async def test_the_places_of_sockets_are_renewed_before_they_run_out(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = hub_module._PLACES_EVERY * hub_module._KEEP_ALIVE_SECONDS
    assert 2 * every < crowd.PLACE_SECONDS  # One may fail.
    monkeypatch.setattr(hub_module, "_KEEP_ALIVE_SECONDS", 0.02)
    renew, renewed = crowd.Crowd.renew, asyncio.Semaphore(0)

    async def watched(self: crowd.Crowd) -> None:
        await renew(self)
        renewed.release()

    monkeypatch.setattr(crowd.Crowd, "renew", watched)
    async with connected(live_world.bob), asyncio.timeout(10):
        for _ in range(3):
            await renewed.acquire()


#: Who may hear of a person, as it is really read.
CIRCLE_OF: Any = actions._Circles.of


async def test_a_departure_that_could_not_be_told_is_told_later(
    live_world: World, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    refused: list[UUID] = []

    async def away_once(self: Any, user_id: UUID) -> Any:
        if not refused:
            refused.append(user_id)
            raise Unavailable
        return await CIRCLE_OF(self, user_id)

    async with connected(world.alice, world.bob) as (alice, bob):
        monkeypatch.setattr(actions._Circles, "of", away_once)
        await alice.close()
        await bob.expect("presence", user=str(world.alice.id), online=False)
    assert refused == [world.alice.id]


async def test_who_is_gone_is_not_renewed_while_their_going_is_told(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world

    async def meanwhile(self: Any, user_id: UUID) -> Any:
        await hub_module.hub()._keep_presence()
        return await CIRCLE_OF(self, user_id)

    async with connected(world.alice, world.bob) as (alice, bob):
        monkeypatch.setattr(actions._Circles, "of", meanwhile)
        await alice.close()
        await bob.expect("presence", user=str(world.alice.id), online=False)
        await bob.refute("presence", user=str(world.alice.id), online=True)
        assert await presence.online_among([str(world.alice.id)]) == set()


async def test_who_is_being_welcomed_is_not_taken_for_somebody_who_is_back(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, renewed = live_world, asyncio.Event()
    really = catching_up.bring_up_to_date

    async def meanwhile(*arguments: Any, **options: Any) -> None:
        await hub_module.hub()._keep_presence()
        assert await presence.online_among([str(world.bob.id)]) == set()
        renewed.set()
        await really(*arguments, **options)

    monkeypatch.setattr(catching_up, "bring_up_to_date", meanwhile)
    async with connected(world.bob):
        assert renewed.is_set()
        await hub_module.hub()._keep_presence()
        assert await presence.online_among([str(world.bob.id)]) == {str(world.bob.id)}


async def test_who_was_forgotten_is_told_to_be_online_with_the_next_renewal(
    live_world: World, quick: None
) -> None:
    world = live_world
    async with connected(world.alice, world.bob) as (_, bob):
        # As Redis does where all of it is flushed.
        (device,) = presence._leases()._held[str(world.alice.id)]
        assert await presence.departed(world.alice.id, device)
        await bob.expect("presence", user=str(world.alice.id), online=True)
        assert await presence.online_among([str(world.alice.id)]) == {str(world.alice.id)}


async def test_who_is_back_before_their_going_is_told_is_online_in_the_end(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world

    async def slowly(self: Any, user_id: UUID) -> Any:
        await presence.arrived(world.alice.id, "the next device")
        return await CIRCLE_OF(self, user_id)

    async with connected(world.bob) as (bob,):
        await presence.arrived(world.alice.id, "a device")
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(actions._Circles, "of", slowly)
            await actions.depart(user_id=world.alice.id, device="a device")
        told = [(await bob.expect("presence", user=str(world.alice.id)))["online"] for _ in "ab"]
        assert told == [False, True]
        await presence.departed(world.alice.id, "the next device")


async def test_who_goes_while_their_return_is_to_be_told_is_not_back(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world

    async def meanwhile(self: Any, user_id: UUID) -> Any:
        assert await presence.departed(world.alice.id, "a device")
        return await CIRCLE_OF(self, user_id)

    async with connected(world.bob) as (bob,):
        await presence.arrived(world.alice.id, "a device")
        with monkeypatch.context() as patched:
            patched.setattr(actions._Circles, "of", meanwhile)
            await actions.come_back(user_ids=[world.alice.id])
        await bob.refute("presence", user=str(world.alice.id))
