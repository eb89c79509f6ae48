"""Tokens taken ahead: nobody waits for Redis each time, and nobody gets more than the budget."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from pneumatic.lib.shared import redisscript
from pneumatic.lib.shared.ratelimit import Budget
from pneumatic.lib.shared.spending import _Spending, aspend_often
from pneumatic.loopback.processes import Server

pytestmark = pytest.mark.asyncio


@pytest.fixture
def calls(redis_url: str, loop_closes_redis: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many keys each call of Redis was about."""
    made: list[int] = []
    arun = redisscript.Script.arun

    async def counted(self: redisscript.Script, keys: Sequence[str], *arguments: Any) -> Any:
        made.append(len(keys))
        return await arun(self, keys, *arguments)

    monkeypatch.setattr(redisscript.Script, "arun", counted)
    return made


async def all_of(spend: Any) -> int:
    """How often one may until one is refused."""
    for number in itertools.count():
        if await spend():
            return number
    raise AssertionError


async def test_most_spend_what_was_taken_ahead_and_get_exactly_the_budget(calls: list[int]) -> None:
    budget = Budget(0, 240)
    assert await all_of(lambda: aspend_often(budget, "k")) == 240
    await asyncio.sleep(0)
    # Each in the upper half of the bucket brings eight; below that each token is asked for.
    assert len(calls) < 160
    assert budget.spend("k") > 0


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_two_processes_together_get_no_more_and_hardly_less() -> None:
    budget, some, others = Budget(0, 240), _Spending(), _Spending()
    allowed = 0
    for _ in range(100):
        allowed += await some.spend_ahead(budget, "k") == 0.0
    allowed += await all_of(lambda: others.spend_ahead(budget, "k"))
    # What the first one took ahead and didn't use is what may be missing.
    kept = some._purse(budget, "k").tokens
    assert allowed + kept == 240
    assert kept <= 2 * 8


async def test_of_a_small_budget_nothing_is_taken_ahead(calls: list[int]) -> None:
    budget = Budget(14, 0)
    assert await aspend_often(budget, "k") == 0.0
    assert budget.take("k", 0).left[0] == pytest.approx(13, abs=0.1)


async def test_what_was_taken_ahead_is_worthless_when_its_bucket_is_full_again(
    calls: list[int],
) -> None:
    budget, spending = Budget(240, 0), _Spending()
    assert await spending.spend_ahead(budget, "k") == 0.0
    purse = spending._purse(budget, "k")
    assert purse.tokens == 8
    purse.until = asyncio.get_running_loop().time()
    assert await spending.spend_ahead(budget, "k") == 0.0
    assert len(calls) == 2
    assert purse.tokens == 8


async def test_those_who_ask_at_the_same_time_take_no_more_ahead_than_one(calls: list[int]) -> None:
    budget, spending = Budget(0, 240), _Spending()
    waits = await asyncio.gather(*(spending.spend_ahead(budget, "k") for _ in range(20)))
    assert waits == [0.0] * 20
    assert spending._purse(budget, "k").tokens == 8


@pytest.mark.usefixtures("no_redis")
async def test_without_redis_the_budget_is_the_same() -> None:
    budget = Budget(0, 240)
    assert await all_of(lambda: aspend_often(budget, "k")) == 240


@pytest.mark.usefixtures("loop_closes_redis")
async def test_an_outage_costs_nobody_what_was_taken_ahead(mortal_redis: Server) -> None:
    budget, spending = Budget(0, 240), _Spending()
    assert await spending.spend_ahead(budget, "k") == 0.0
    mortal_redis.stop()
    waits = [await spending.spend_ahead(budget, "k") for _ in range(20)]
    assert waits == [0.0] * 20
