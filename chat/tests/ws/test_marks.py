import asyncio
from typing import Any

import pytest

from chat.actions.receipts import Mark, amark_all
from chat.errors import NoSuchConversation
from chat.models import Membership
from chat.ws import marks
from chat.ws.marks import MarkQueue
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, say

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


async def test_what_waits_shares_a_transaction_and_the_furthest_counts(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    for _ in range(5):
        await in_database(say, world.alice, world.group)
    batches: list[list[Mark]] = []

    async def counted(*, marks: list[Mark]) -> Any:
        batches.append(marks)
        return await amark_all(marks=marks)

    monkeypatch.setattr(marks, "amark_all", counted)
    queue = MarkQueue()
    results = await asyncio.gather(
        queue.mark(world.bob, world.group.id, delivered=4),
        queue.mark(world.bob, world.group.id, read=3, delivered=3),
        queue.mark(world.alice, world.group.id, delivered=2),
        queue.mark(world.charlie, world.group.id, delivered=2),
        return_exceptions=True,
    )
    assert [type(each) for each in results] == [type(None)] * 3 + [NoSuchConversation]
    assert [[(each.read, each.delivered) for each in batch] for batch in batches] == [
        [(3, 4), (0, 2), (0, 2)],
    ]
    bob = await in_database(Membership.objects.get, user=world.bob, conversation=world.group)
    assert (bob.read_seq, bob.delivered_seq) == (3, 4)
