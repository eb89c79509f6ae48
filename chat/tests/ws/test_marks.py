import asyncio
import threading
from typing import Any

import pytest

from chat.actions.receipts import Mark, mark_all
from chat.errors import NoSuchConversation
from chat.models import Membership
from chat.ws import marks
from chat.ws.marks import MarkQueue
from pneumatic.lib import threads
from pneumatic.lib.errors import Unavailable
from pneumatic.lib.threads import in_database
from pneumatic.testing.factories import World, say

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


async def test_what_waits_while_one_is_written_shares_a_transaction_and_the_furthest_counts(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    for _ in range(5):
        await in_database(say, world.alice, world.group)
    batches: list[list[Mark]] = []
    loop, is_writing, may_write = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def counted(*, marks: list[Mark]) -> Any:
        batches.append(marks)
        loop.call_soon_threadsafe(is_writing.set)
        may_write.wait(10)
        return mark_all(marks=marks)

    monkeypatch.setattr(marks, "mark_all", counted)
    queue = MarkQueue()

    def mark(user: Any, **places: int) -> asyncio.Task[None]:
        return asyncio.create_task(queue.mark(user, world.group.id, **places))

    first = mark(world.bob, delivered=1)
    await is_writing.wait()
    others = [mark(world.bob, delivered=4), mark(world.bob, read=3, delivered=3)]
    others += [mark(world.alice, delivered=2), mark(world.charlie, delivered=2)]
    await asyncio.sleep(0)
    may_write.set()
    results = await asyncio.gather(first, *others, return_exceptions=True)
    assert [type(each) for each in results] == [type(None)] * 4 + [NoSuchConversation]
    assert [[(each.read, each.delivered) for each in batch] for batch in batches] == [
        [(0, 1)],
        [(3, 4), (0, 2), (0, 2)],
    ]
    bob = await in_database(Membership.objects.get, user=world.bob, conversation=world.group)
    assert (bob.read_seq, bob.delivered_seq) == (3, 4)


async def test_who_stops_waiting_costs_the_others_nothing(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_write = threading.Event()

    def slow(*, marks: list[Mark]) -> Any:
        may_write.wait(10)
        return mark_all(marks=marks)

    monkeypatch.setattr(marks, "mark_all", slow)
    queue = MarkQueue()
    tasks = [
        asyncio.create_task(queue.mark(live_world.bob, live_world.group.id, delivered=1))
        for _ in range(3)
    ]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    may_write.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [None, None]


async def test_one_that_breaks_the_transaction_goes_alone(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks_on_poison(*, marks: list[Mark]) -> Any:
        if any(mark.delivered == 13 for mark in marks):
            raise ZeroDivisionError
        return mark_all(marks=marks)

    monkeypatch.setattr(marks, "mark_all", breaks_on_poison)
    queue = MarkQueue()
    people = (live_world.alice, live_world.bob, live_world.charlie)
    results = await asyncio.gather(
        *(
            queue.mark(user, live_world.group.id, delivered=delivered)
            for user, delivered in zip(people, (1, 13, 1), strict=True)
        ),
        return_exceptions=True,
    )
    assert [type(each) for each in results] == [type(None), ZeroDivisionError, NoSuchConversation]


async def test_a_database_that_hangs_keeps_nobody(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "SECONDS", 0.2)
    release = threading.Event()

    def hang(*, marks: list[Mark]) -> Any:
        release.wait(10)
        return mark_all(marks=marks)

    monkeypatch.setattr(marks, "mark_all", hang)
    queue = MarkQueue()
    with pytest.raises(Unavailable):
        await queue.mark(live_world.bob, live_world.group.id, delivered=1)
    release.set()
    await queue.settle()
