"""Who comes into a conversation, who goes, and what their sockets hear from then on."""

import asyncio
import uuid
from collections.abc import Collection
from functools import partial
from typing import Any

import pytest

from chat import limits, presence, queries
from chat.actions.conversations import change_group
from chat.actions.members import add_member, change_role, remove_member
from chat.errors import BadField
from chat.models import Conversation
from chat.ws.hub import hub
from pneumatic.lib import realtime
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_direct, make_group, say
from pneumatic.testing.socket import connected, device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


async def test_who_is_added_gets_the_conversation_at_once(live_world: World) -> None:
    world = live_world
    async with connected(world.charlie, world.bob) as (charlie, bob):
        await in_database(
            add_member, adder=world.alice, conversation_id=world.group.id, user_id=world.charlie.id
        )
        frame = await charlie.expect("sync", conversation=str(world.group.id))
        assert frame["reset"] is True
        await bob.expect("member")
        await in_database(say, world.alice, world.group, "hi charlie")
        event = await charlie.expect("message")
        while event["data"]["body"] != "hi charlie":
            event = await charlie.expect("message")


async def test_who_was_removed_hears_nothing_more(live_world: World) -> None:
    world = live_world
    async with connected(world.alice, world.bob) as (alice, bob):
        await in_database(
            remove_member, remover=world.alice, conversation_id=world.group.id, user_id=world.bob.id
        )
        await bob.expect("conversation.removed", conversation=str(world.group.id))
        ack = await alice.send(world.group, "without bob")
        await alice.expect("message", version=ack["version"])
        await bob.refute("message")
        await bob.say(type="sync", versions={str(world.group.id): 0}, ref="s")
        await bob.expect("conversation.removed")
        await bob.expect("synced", ref="s")
        assert bob.mirror.conversations == {}


async def test_removal_holds_even_where_the_announcement_of_it_was_lost(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat import fanout

    world = live_world
    async with connected(world.alice, world.bob) as (alice, bob):
        monkeypatch.setattr(fanout, "membership_ended", lambda *_, **__: None)
        await in_database(
            remove_member, remover=world.alice, conversation_id=world.group.id, user_id=world.bob.id
        )
        ack = await alice.send(world.group, "without bob")
        await alice.expect("message", version=ack["version"])
        await bob.expect("conversation.removed")
        await bob.refute("message")
        await bob.refute("member")


async def test_renames_and_roles_arrive_as_events(live_world: World) -> None:
    world = live_world
    async with connected(world.bob) as (bob,):
        await in_database(
            change_group, changer=world.alice, conversation_id=world.group.id, title="Landing crew"
        )
        event = await bob.expect("conversation")
        assert event["data"]["title"] == "Landing crew"
        assert "me" not in event["data"]
        await in_database(
            change_role,
            changer=world.alice,
            conversation_id=world.group.id,
            user_id=world.bob.id,
            role="admin",
        )
        assert (await bob.expect("member"))["data"]["role"] == "admin"


async def test_a_lost_invitation_is_made_good_by_the_next_sync(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat import fanout

    world = live_world
    async with connected(world.charlie) as (charlie,):
        monkeypatch.setattr(fanout, "membership_began", lambda *_: None)
        await in_database(
            add_member, adder=world.alice, conversation_id=world.group.id, user_id=world.charlie.id
        )
        await charlie.sync()
        assert str(world.group.id) in charlie.mirror.conversations
        await in_database(say, world.alice, world.group, "now live")
        await charlie.expect("message")


async def test_a_new_direct_conversation_appears_on_both_sides(live_world: World) -> None:
    world = live_world
    async with connected(world.alice, world.charlie) as (alice, charlie):
        direct = await in_database(make_direct, world.alice, world.charlie)
        for device in (alice, charlie):
            await device.expect("sync", conversation=str(direct.id))
        await charlie.send(direct, "hi alice")
        await alice.expect("message", conversation=str(direct.id))


async def test_a_sync_that_races_a_removal_tells_nothing_that_came_after_it(
    live_world: World,
) -> None:
    from chat import catchup

    world = live_world
    other = await in_database(make_group, world.alice, world.bob)
    found = await in_database(catchup.since, world.bob, {}, same_history=False)
    await in_database(
        remove_member,
        remover=world.alice,
        conversation_id=world.group.id,
        user_id=world.bob.id,
    )
    await in_database(say, world.alice, world.group, "without bob")
    (part,) = found.parts
    page = await in_database(catchup.page, part)
    assert {frame.conversation for frame in page.frames} == {other.id}
    assert page.gone == {str(world.group.id)}


async def test_who_is_removed_while_a_sync_is_told_hears_no_more_of_who_is_there(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    direct = await in_database(make_direct, world.alice, world.bob)
    async with connected(world.alice) as (alice,):
        real = presence.online_among

        async def removed_meanwhile(people: Collection[str]) -> set[str]:
            online = await real(people)
            monkeypatch.undo()
            await in_database(
                remove_member,
                remover=world.alice,
                conversation_id=world.group.id,
                user_id=world.bob.id,
            )
            (socket,) = (each for each in hub().sockets if each.user_id == world.bob.id)
            async with asyncio.timeout(10):
                while str(world.group.id) in hub().conversations_of(socket):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            return online

        versions = {
            str(each.id): (await in_database(Conversation.objects.get, id=each.id)).version
            for each in (world.group, direct)
        }
        monkeypatch.setattr(presence, "online_among", removed_meanwhile)
        bob = await device_of(world.bob)
        epoch = str(await in_database(queries.epoch))
        await bob.open()
        await bob.say(type="hello", token=bob.token, versions=versions, epoch=epoch)
        synced = await bob.expect("synced")
        await bob.close()
        await alice.expect("presence", user=str(world.bob.id), online=False)
    assert {each["conversation"] for each in synced["receipts"]} == {str(direct.id)}


async def test_who_is_removed_while_saying_hello_hears_nothing_more_f37(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    real = queries.entrances_of

    def removed_meanwhile(user_ids: Collection[uuid.UUID]) -> Any:
        found = real(user_ids)
        if world.bob.id in user_ids:
            bob = world.bob.id
            remove_member(remover=world.alice, conversation_id=world.group.id, user_id=bob)
        return found

    monkeypatch.setattr(queries, "entrances_of", removed_meanwhile)
    async with connected(world.alice) as (alice,):
        bob = await device_of(world.bob)
        await bob.open()
        await bob.say(type="hello", token=bob.token)
        await bob.expect("welcome")
        ack = await alice.send(world.group, "without bob")
        await alice.expect("message", version=ack["version"])
        await bob.expect("synced")
        await bob.refute("message")
        assert str(world.group.id) not in bob.mirror.conversations
        await bob.close()


async def test_nobody_is_in_more_conversations_than_a_hello_can_name(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONVERSATIONS", 1)
    with pytest.raises(BadField):
        await in_database(make_direct, live_world.alice, live_world.charlie)


@pytest.mark.parametrize("state", ["arrival", "departure", "typing", "position"])
async def test_states_reach_nobody_whose_removal_was_not_announced(
    live_world: World, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    world, group = live_world, live_world.group.id
    async with connected(world.bob) as (bob,):
        alice = await device_of(world.alice)
        if state != "arrival":
            await alice.hello()
            await bob.expect("presence", online=True)
        with monkeypatch.context() as patched:
            # As if the channel layer had lost all of it.
            patched.setattr(realtime, "publish", lambda *_: None)
            said = await in_database(say, world.bob, world.group)
            await in_database(
                remove_member, remover=world.alice, conversation_id=group, user_id=world.bob.id
            )
        match state:
            case "arrival":
                await alice.hello()
            case "departure":
                await alice.close()
            case "typing":
                await alice.say(type="typing", conversation=group, on=True)
            case "position":
                await alice.say(type="read", conversation=group, seq=said.seq)
        # It is by this that the process notices.
        await bob.expect("conversation.removed", conversation=str(group))
        for kind in ("presence", "typing", "receipt"):
            await bob.refute(kind, user=str(world.alice.id))
        await alice.close()


async def test_who_joins_makes_nobody_ask_again_who_is_a_member(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    charlie: dict[str, Any] = {"conversation_id": world.group.id, "user_id": world.charlie.id}
    await in_database(partial(add_member, adder=world.alice, **charlie))
    await in_database(partial(remove_member, remover=world.alice, **charlie))
    asked = 0
    real = queries.members_among

    def members_among(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return real(*arguments)

    monkeypatch.setattr(queries, "members_among", members_among)
    async with connected(world.alice, world.bob) as (alice, bob):
        ack = await alice.send(world.group, "without charlie")
        await bob.expect("message", version=ack["version"])
        async with connected(world.bob) as (phone,):
            ack = await alice.send(world.group, "to both")
            await phone.expect("message", version=ack["version"])
    assert asked == 0
