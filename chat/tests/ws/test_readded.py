"""Who is a member again while a sync is being answered that was read before."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from accounts.models import User
from chat import catchup
from chat.actions.members import add_member, remove_member
from chat.ws import catching_up
from chat.ws.consumer import ChatConsumer
from chat.ws.hub import hub
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, say
from pneumatic.testing.socket import device_of

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("partial", [False, True])
async def test_a_sync_that_was_read_before_does_not_put_them_out_again(
    live_world: World, monkeypatch: pytest.MonkeyPatch, partial: bool
) -> None:
    world, group = live_world, str(live_world.group.id)
    bob = await device_of(world.bob)
    await bob.hello()
    await in_database(
        remove_member,
        remover=world.alice,
        conversation_id=world.group.id,
        user_id=world.bob.id,
    )
    await bob.expect("conversation.removed", conversation=group)

    really_since, really_put_out = catchup.since, catching_up._put_out
    added = False

    def since_and_add(user: User, versions: Mapping[str, int], **options: Any) -> catchup.Catchup:
        nonlocal added
        found = really_since(user, versions, **options)
        if not added:
            added = True
            add_member(adder=world.alice, conversation_id=world.group.id, user_id=world.bob.id)
        return found

    async def put_out_after_the_invitation(socket: ChatConsumer, *args: Any) -> None:
        async with asyncio.timeout(10):
            while group not in hub().conversations_of(socket):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await really_put_out(socket, *args)

    monkeypatch.setattr(catchup, "since", since_and_add)
    monkeypatch.setattr(catching_up, "_put_out", put_out_after_the_invitation)
    # A heartbeat's, that the removal crossed on the wire: it still names the conversation.
    await bob.say(type="sync", ref="s", epoch=None, versions={group: 2}, partial=partial)
    await bob.expect("synced", ref="s")
    await in_database(say, world.alice, world.group, "hello again")
    await bob.has_everything()
    assert group in bob.mirror.conversations
    assert bob.mirror.history(group)[-1]["body"] == "hello again"
    await bob.refute("conversation.removed")
    await bob.close()
