import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from pneumatic.lib.shared import leases as leases_module
from pneumatic.lib.shared import redisscript
from pneumatic.lib.shared.leases import Leases
from pneumatic.loopback.processes import Server

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(params=["memory", "redis"])
async def leases(request: pytest.FixtureRequest) -> AsyncIterator[Leases]:
    request.getfixturevalue("no_redis" if request.param == "memory" else "redis_url")
    yield Leases("test", 60)
    await redisscript.close()


async def test_so_many_may_enter_and_no_more(leases: Leases) -> None:
    most = {"user": 2, "address": 3}
    assert await leases.enter(most, "a")
    assert await leases.enter(most, "b")
    assert not await leases.enter(most, "c")
    assert await leases.enter({"other": 2, "address": 3}, "d")
    assert not await leases.enter({"other": 2, "address": 3}, "e"), "one of the two is full"

    await leases.leave(["user", "address"], "a")
    assert await leases.enter(most, "c")
    assert not await leases.enter({"other": 2, "address": 3}, "e")


async def test_who_may_not_enter_takes_no_place(leases: Leases) -> None:
    await leases.enter({"full": 1}, "a")
    for holder in ("b", "c", "d"):
        assert not await leases.enter({"free": 1, "full": 1}, holder)
    assert await leases.enter({"free": 1}, "e")


async def test_of_many_at_once_as_many_enter_as_there_are_places(leases: Leases) -> None:
    entered = await asyncio.gather(*(leases.enter({"k": 5}, str(n)) for n in range(40)))
    assert sum(entered) == 5


async def test_places_are_counted_over_processes(redis_url: str) -> None:
    one, other = Leases("places", 60), Leases("places", 60)
    assert [await one.enter({"k": 3}, "a"), await other.enter({"k": 3}, "b")] == [True, True]
    assert [await other.enter({"k": 3}, "c"), await one.enter({"k": 3}, "d")] == [True, False]
    await redisscript.close()


async def test_the_places_of_who_died_are_free_after_a_while(redis_url: str) -> None:
    dead, other = Leases("places", 0.2), Leases("places", 60)
    await dead.enter({"k": 1}, "a")
    assert not await other.enter({"k": 1}, "b")
    async with asyncio.timeout(10):
        while not await other.enter({"k": 1}, "b"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await redisscript.close()


async def test_without_its_redis_a_process_counts_its_own_places(mortal_redis: Server) -> None:
    one, other = Leases("places", 60), Leases("places", 60)
    await one.enter({"k": 2}, "a")
    await other.enter({"k": 2}, "b")
    mortal_redis.stop()
    assert await one.enter({"k": 2}, "c"), "one of its own so far"
    assert not await one.enter({"k": 2}, "d")
    await one.leave(["k"], "a")
    assert await one.enter({"k": 2}, "d")
    await redisscript.close()


async def test_more_keys_than_fit_into_one_question(leases: Leases) -> None:
    pairs = [(f"k{number}", "a") for number in range(1100)]
    await leases.renew(pairs)
    assert len(await leases.alive([key for key, _ in pairs] + ["none"])) == 1100


async def test_places_are_counted_and_given_up_by_their_key(leases: Leases) -> None:
    await leases.enter({"x": 1, "y": 1}, "a")
    await leases.leave(["y"], "a")
    assert await leases.alive(["x", "y"]) == {"x"}


async def test_what_is_held_here_or_elsewhere_is_alive_and_no_other(redis_url: str) -> None:
    here, there = Leases("held", 60), Leases("held", 60)
    await here.renew([("mine", "a"), ("both", "a")])
    await there.renew([("both", "b"), ("theirs", "b")])
    asked = ["mine", "both", "theirs", "nobody's"]
    assert await here.alive(asked) == {"mine", "both", "theirs"}
    assert await asyncio.to_thread(there.alive_blocking, asked) == {"mine", "both", "theirs"}
    await here.leave(["mine", "both"], "a")
    assert await here.alive(asked) == {"both", "theirs"}
    await redisscript.close()


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_who_leaves_while_the_others_are_renewed_takes_no_place(
    held_up: Callable[[redisscript.Script], asyncio.Event],
) -> None:
    leases = Leases("test", 60)
    here = dict.fromkeys(f"k{number}" for number in range(1100))
    go = held_up(leases_module._RENEW)
    renewal = asyncio.create_task(leases.renew((key, "a") for key in tuple(here) if key in here))
    await asyncio.sleep(0)
    leaving = []
    for key in ("k0", "k700"):
        del here[key]
        leaving.append(asyncio.create_task(leases.leave([key], "a")))
    await asyncio.wait(leaving, timeout=0.2)
    go.set()

    await asyncio.gather(renewal, *leaving)
    assert await leases.alive(["k0", "k1", "k700"]) == {"k1"}
    assert not {"k0", "k700"} & leases._held.keys()
