"""So much in a turn of the event loop, and everybody else between."""

import asyncio
from functools import partial
from typing import Any

import pytest

from pneumatic.lib.fewaturn import FewATurn

pytestmark = pytest.mark.asyncio


async def test_many_at_once_take_several_turns_in_order_and_others_have_theirs_between() -> None:
    few, came, seen = FewATurn(3), list[int](), list[int]()

    async def one(number: int) -> None:
        await few.turn()
        came.append(number)

    async def somebody_else() -> None:
        while len(came) < 10:
            seen.append(len(came))
            await asyncio.sleep(0)

    other = asyncio.create_task(somebody_else())
    await asyncio.gather(*(one(number) for number in range(10)))
    assert came == list(range(10))
    await other
    # Never more than a turn's at a time went by between two of the other's.
    assert all(after - before <= 3 for before, after in zip(seen, [*seen[1:], 10], strict=True))


async def test_where_few_come_nobody_waits() -> None:
    few = FewATurn(2)
    for _ in range(3):
        assert [few.takes() for _ in range(3)] == [True, True, False]
        await asyncio.sleep(0)


async def test_who_comes_later_overtakes_nobody() -> None:
    few, done = FewATurn(1), list[str]()
    assert few.takes()
    few.wait(partial(done.append, "first"))
    few.wait(partial(done.append, "second"))
    await asyncio.sleep(0)
    assert done == ["first"]
    assert not few.takes()
    await asyncio.sleep(0)
    assert done == ["first", "second"]


async def test_who_gives_up_and_what_fails_keep_nobody_waiting() -> None:
    few, failures = FewATurn(1), list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _, found: failures.append(found))
    assert few.takes()
    for work in (bool, lambda: 1 / 0, bool):
        few.wait(work)
    gone, last = (asyncio.create_task(few.turn()) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    async with asyncio.timeout(5):
        await last
    assert gone.cancelled()
    assert [type(each["exception"]) for each in failures] == [ZeroDivisionError]
