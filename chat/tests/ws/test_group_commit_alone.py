"""The algorithm of group commit, without a database."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from chat.errors import NoSuchConversation
from chat.ws.groupcommit import GroupCommit
from pneumatic.lib.database import threads
from pneumatic.lib.errors import ProblemError, Unavailable

pytestmark = pytest.mark.asyncio


class Store:
    """Writes numbers, once it may, and answers with their doubles."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.is_writing, self.may_write = asyncio.Event(), asyncio.Event()
        self.queue = GroupCommit[int, int](self.write, 3)

    async def write(self, numbers: Sequence[int]) -> list[int | ProblemError]:
        self.batches.append(list(numbers))
        self.is_writing.set()
        await self.may_write.wait()
        if 13 in numbers:
            raise ZeroDivisionError
        return [NoSuchConversation() if number < 0 else 2 * number for number in numbers]

    def ask(self, *numbers: int) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.queue.ask(number)) for number in numbers]


async def test_what_waits_while_one_is_written_shares_a_transaction_up_to_so_many() -> None:
    store = Store()
    first = store.ask(1)
    await store.is_writing.wait()
    others = store.ask(2, 3, 4, 5)
    await asyncio.sleep(0)
    store.may_write.set()
    assert await asyncio.gather(*first, *others) == [2, 4, 6, 8, 10]
    assert store.batches == [[1], [2, 3, 4], [5]]
    assert store.queue.is_idle


async def test_who_waits_behind_one_that_hangs_is_told_as_soon_f24(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "SECONDS", 0.2)
    store = Store()
    first = store.ask(1)
    await store.is_writing.wait()
    results = await asyncio.gather(*first, *store.ask(2), return_exceptions=True)
    assert [type(each) for each in results] == [Unavailable] * 2
    monkeypatch.setattr(threads, "SECONDS", 10)
    store.may_write.set()
    assert await store.queue.ask(3) == 6
    # What nobody waits for any more is not begun.
    assert store.batches == [[1], [3]]


async def test_who_has_gone_has_still_said_it() -> None:
    store = Store()
    store.ask(1)
    await store.is_writing.wait()
    gone, stays = store.ask(2, 3)
    await asyncio.sleep(0)
    gone.cancel()
    store.may_write.set()
    assert await stays == 6
    assert store.batches == [[1], [2, 3]]
    assert gone.cancelled()


async def test_one_that_breaks_the_transaction_goes_alone() -> None:
    store = Store()
    store.may_write.set()
    results = await asyncio.gather(*store.ask(1, 13, -1), return_exceptions=True)
    assert [type(each) for each in results] == [int, ZeroDivisionError, NoSuchConversation]
    assert store.batches == [[1, 13, -1], [1], [13], [-1]]


async def test_a_database_that_is_away_is_told_to_all_who_wait() -> None:
    async def away(_: Sequence[int]) -> list[int | ProblemError]:
        raise Unavailable

    queue = GroupCommit[int, int](away, 3)
    results = await asyncio.gather(*(queue.ask(each) for each in (1, 2)), return_exceptions=True)
    assert [type(each) for each in results] == [Unavailable] * 2


async def test_nobody_waits_for_an_answer_that_cannot_come() -> None:
    store = Store()
    asked = store.ask(1)
    await store.is_writing.wait()
    asked += store.ask(2)
    await asyncio.sleep(0)
    assert store.queue._task is not None
    store.queue._task.cancel()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in results] == [asyncio.CancelledError] * 2


async def test_settling_waits_for_all_of_it() -> None:
    store = Store()
    asked = store.ask(1, 2, 3, 4)
    await store.is_writing.wait()
    settling = asyncio.create_task(store.queue.settle())
    store.may_write.set()
    await settling
    await asyncio.sleep(0)
    assert all(each.done() for each in asked)


class AloneStore(Store):
    """One that takes a lone number without a task, and answers it when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_write.set()
        self.begun: list[tuple[int, Callable[[int | None], object]]] = []
        self.told: list[int | None] = []
        self.queue = GroupCommit[int, int](self.write, 3, self.take)

    def take(self, number: int, told: Callable[[int | None], object]) -> bool:
        if number < 0:
            raise NoSuchConversation
        self.begun.append((number, told))
        return number != 13

    def begin(self, number: int) -> bool:
        return self.queue.begin(number, self.told.append)

    def answer(self, answer: int | None) -> None:
        self.begun.pop()[1](answer)


async def test_a_lone_one_is_answered_without_a_task() -> None:
    store = AloneStore()
    assert store.begin(1)
    assert not store.queue.is_idle
    store.answer(2)
    assert (store.told, store.batches) == ([2], [])
    assert store.queue.is_idle


async def test_who_comes_while_a_lone_one_is_written_waits_for_it() -> None:
    store = AloneStore()
    assert store.begin(1)
    assert not store.begin(2)
    others = store.ask(3, 4)
    await asyncio.sleep(0)
    assert store.batches == []
    store.answer(2)
    assert await asyncio.gather(*others) == [6, 8]
    assert store.batches == [[3, 4]]


async def test_what_a_lone_one_cannot_be_told_is_asked_the_ordinary_way() -> None:
    store = AloneStore()
    assert store.begin(1)
    store.answer(None)
    assert store.told == [None]
    assert await store.queue.ask(1) == 2


async def test_what_cannot_be_begun_leaves_the_queue_free() -> None:
    store = AloneStore()
    assert not store.begin(13)
    with pytest.raises(NoSuchConversation):
        store.begin(-1)
    assert store.queue.is_idle


async def test_settling_waits_for_a_lone_one_and_for_those_behind_it() -> None:
    store = AloneStore()
    assert store.begin(1)
    (asked,) = store.ask(2)
    settling = asyncio.create_task(store.queue.settle())
    await asyncio.sleep(0)
    store.answer(2)
    assert not settling.done()
    async with asyncio.timeout(5):
        await settling
        assert await asked == 4
