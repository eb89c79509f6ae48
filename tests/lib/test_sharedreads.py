"""Questions that are asked together, and what becomes of them when the database is away."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from pneumatic.lib.database import sharedreads
from pneumatic.lib.database.sharedreads import SharedReads
from pneumatic.lib.errors import Unavailable

pytestmark = pytest.mark.asyncio


class Doubles(SharedReads[int, int]):
    together = 3

    def read(self, keys: Collection[int]) -> Mapping[int, int]:
        return {key: 2 * key for key in keys if key >= 0}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """What each read was about; there is no database behind it."""
    made: list[list[int]] = []

    async def at_once(work: Any, keys: Collection[int]) -> Any:
        made.append(list(keys))
        await asyncio.sleep(0)
        return work(keys)

    monkeypatch.setattr(sharedreads, "in_database", at_once)
    return made


async def test_one_read_answers_as_many_as_may_share_it_and_the_next_the_others(
    reads: list[list[int]],
) -> None:
    doubles = Doubles()
    answers = await asyncio.gather(*(doubles.of(key) for key in (1, 2, 2, 3, 4)))
    assert answers == [2, 4, 4, 6, 8]
    assert reads == [[1, 2, 3], [4]]


async def test_an_answer_that_is_missing_is_an_error_to_who_asked_and_nobody_waits_for_ever(
    reads: list[list[int]],
) -> None:
    doubles = Doubles()
    answers = await asyncio.gather(*(doubles.of(key) for key in (1, -1)), return_exceptions=True)
    assert answers[0] == 2
    assert isinstance(answers[1], KeyError)
    assert await doubles.of(5) == 10


async def test_that_the_database_is_away_is_told_to_all_who_wait_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[int] = []

    async def away(work: Any, keys: Collection[int]) -> Any:
        tries.append(len(keys))
        await asyncio.sleep(0)
        raise Unavailable

    monkeypatch.setattr(sharedreads, "in_database", away)
    doubles = Doubles()
    answers = await asyncio.gather(*(doubles.of(key) for key in range(100)), return_exceptions=True)
    assert {type(each) for each in answers} == {Unavailable}
    assert tries == [3]
