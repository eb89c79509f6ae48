"""What actions publish leads a client to what a fresh device is told.

The files are replayed by the browser's own store as well (tests/js/golden.test.mjs).
"""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.actions.conversations import change_group
from chat.actions.members import add_member, change_role, remove_member
from chat.actions.messages import delete_message, edit_message
from chat.actions.profiles import change_profile
from chat.actions.receipts import mark_read
from chat.actions.sending import send_message
from pneumatic.lib.database.threads import in_database
from pneumatic.testing import golden
from pneumatic.testing.factories import World, make_direct, say
from pneumatic.testing.socket import connected, device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]
_FOLDER = Path(__file__).parent.parent / "golden"
_KEPT = {
    "welcome",
    "sync",
    "synced",
    "message",
    "member",
    "conversation",
    "conversation.removed",
    "receipt",
}
# Yields the type of event to wait for before it goes on.
Scenario = Callable[[World], Iterator[str]]


def messages(world: World) -> Iterator[str]:
    """alice writes, edits, deletes, mentions; bob reads some of it."""
    group = world.group
    first = say(world.alice, group, "one")
    second = say(world.alice, group, "two @bob")
    send_message(
        sender=world.bob, conversation_id=group.id, id=uuid.uuid4(), body="re", reply_to=first.id
    )
    edit_message(editor=world.alice, conversation_id=group.id, message_id=first.id, body="eins")
    mark_read(user=world.bob, conversation_id=group.id, seq=first.seq)
    delete_message(deleter=world.alice, conversation_id=group.id, message_id=second.id)
    say(world.alice, group, "three “ünïcode” 🎉\nsecond line")
    yield "receipt"


def members(world: World) -> Iterator[str]:
    """charlie comes, becomes an admin and goes; the group gets another name."""
    group = world.group
    add_member(adder=world.alice, conversation_id=group.id, user_id=world.charlie.id)
    change_role(
        changer=world.alice, conversation_id=group.id, user_id=world.charlie.id, role="admin"
    )
    say(world.charlie, group, "hello")
    change_group(changer=world.charlie, conversation_id=group.id, title="Landing", topic="Soon")
    change_profile(user=world.alice, display_name="Alice Liddell")
    remove_member(remover=world.alice, conversation_id=group.id, user_id=world.charlie.id)
    yield "message"


def comings_and_goings(world: World) -> Iterator[str]:
    """bob is put out of the group, and alice begins a direct conversation."""
    group = world.group
    say(world.alice, group, "before")
    remove_member(remover=world.alice, conversation_id=group.id, user_id=world.bob.id)
    yield "conversation.removed"
    say(world.alice, group, "without bob")
    direct = make_direct(world.alice, world.bob)
    yield "synced"
    say(world.alice, direct, "sorry, bob")
    yield "message"


@pytest.mark.parametrize("scenario", [messages, members, comings_and_goings])
async def test_events_lead_to_what_a_fresh_device_is_told(
    live_world: World, scenario: Scenario
) -> None:
    async with connected(live_world.bob) as (bob,):
        steps = scenario(live_world)
        while awaited := await in_database(next, steps, None):
            await bob.expect(awaited)
        await bob.has_everything()
        fresh = await device_of(live_world.bob)
        await fresh.hello()
        assert bob.mirror.durable() == fresh.mirror.durable()
        after = {
            conversation_id: {
                "known": each.known,
                "row": each.row,
                "members": each.members,
                "messages": each.messages,
                "receipts": bob.mirror.conversations[conversation_id].receipts,
            }
            for conversation_id, each in fresh.mirror.conversations.items()
        }
        events: list[dict[str, Any]] = [f for f in bob.received if f["type"] in _KEPT]
        await fresh.close()
    golden.check(
        _FOLDER / f"{scenario.__name__}.json",
        {
            "name": scenario.__doc__,
            "before": None,
            "events": events,
            "after": {"conversations": after},
        },
    )
