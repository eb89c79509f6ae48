import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pytest_django import Settings

from pneumatic.lib import redisscript
from pneumatic.lib.leases import Leases
from pneumatic.loopback.processes import Server
from tests.lib.conftest import Clock

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(params=["memory", "redis"])
async def leases(request: pytest.FixtureRequest) -> AsyncIterator[Leases]:
    request.getfixturevalue("no_redis" if request.param == "memory" else "redis_url")
    yield Leases("test", 60)
    await redisscript.close()


async def test_the_first_holder_and_the_last_one_are_told(leases: Leases) -> None:
    assert await leases.take("k", "a") is True
    assert await leases.take("k", "b") is False
    assert await leases.take("k", "a") is False
    assert await leases.release("k", "a") is False
    assert await leases.release("k", "b") is True


async def test_releasing_what_is_not_held_says_nothing(leases: Leases) -> None:
    assert await leases.release("k", "a") is False
    await leases.take("k", "a")
    assert await leases.release("k", "stranger") is False
    assert await leases.release("k", "a") is True
    assert await leases.release("k", "a") is False


async def test_alive_are_those_with_a_holder(leases: Leases) -> None:
    await leases.take("x", "a")
    await leases.take("y", "a")
    await leases.release("y", "a")
    assert await leases.alive(["x", "y", "z"]) == {"x"}
    assert await asyncio.to_thread(leases.alive_blocking, ["x", "y", "z"]) == {"x"}
    assert await leases.alive([]) == set()


async def test_more_keys_than_fit_into_one_question(leases: Leases) -> None:
    pairs = [(f"k{number}", "a") for number in range(1100)]
    await leases.renew(pairs)
    assert len(await leases.alive([key for key, _ in pairs] + ["none"])) == 1100


async def test_renewing_takes_again_what_ran_out(leases: Leases) -> None:
    await leases.renew([("k", "a")])
    assert await leases.alive(["k"]) == {"k"}
    assert await leases.take("k", "b") is False


@pytest.mark.usefixtures("no_redis")
async def test_a_holder_that_says_nothing_any_more_stops_counting(clock: Clock) -> None:
    leases = Leases("test", 10, clock=clock)
    await leases.take("k", "a")
    clock.now += 9
    assert await leases.alive(["k"]) == {"k"}
    await leases.renew([("k", "a")])
    clock.now += 9
    assert await leases.alive(["k"]) == {"k"}
    clock.now += 2
    assert await leases.alive(["k"]) == set()
    assert await leases.take("k", "b") is True
    assert leases._held.keys() == {"k"}


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_in_redis_too() -> None:
    brief = Leases("test", 0.02)
    assert await brief.take("k", "a") is True
    while await brief.alive(["k"]):
        pass
    assert await brief.take("k", "b") is True


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_processes_count_together(settings: Settings) -> None:
    here, there = Leases("test", 60), Leases("test", 60)
    assert await here.take("k", "a") is True
    assert await there.take("k", "b") is False
    assert await there.alive(["k"]) == {"k"}
    assert await here.release("k", "a") is False
    assert await there.release("k", "b") is True
    assert await Leases("other", 60).alive(["k"]) == set()


@pytest.mark.usefixtures("loop_closes_redis")
async def test_without_its_redis_a_process_knows_its_own(mortal_redis: Server) -> None:
    leases = Leases("test", 60)
    await leases.take("k", "a")
    mortal_redis.stop()
    assert await leases.alive(["k", "z"]) == {"k"}
    assert await leases.take("k", "b") is False
    await leases.renew([("k", "a"), ("k", "b")])
    assert await leases.release("k", "a") is False
    assert await leases.release("k", "b") is True
    assert await leases.alive(["k"]) == set()
