import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
import redis
from pytest_django import Settings

from pneumatic.lib.shared import attendance as attendance_module
from pneumatic.lib.shared import redisscript
from pneumatic.lib.shared.attendance import Attendance
from pneumatic.loopback.processes import Server
from tests.lib.conftest import Clock

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(params=["memory", "redis"])
async def attendance(request: pytest.FixtureRequest) -> AsyncIterator[Attendance]:
    request.getfixturevalue("no_redis" if request.param == "memory" else "redis_url")
    yield Attendance("test", 60)
    await redisscript.close()


async def test_the_first_holder_and_the_last_one_are_told(attendance: Attendance) -> None:
    assert await attendance.take("k", "a") is True
    assert await attendance.take("k", "b") is False
    assert await attendance.take("k", "a") is False
    assert await attendance.release("k", "a") is False
    assert await attendance.release("k", "b") is True


async def test_releasing_what_is_not_held_says_nothing(attendance: Attendance) -> None:
    assert await attendance.release("k", "a") is False
    await attendance.take("k", "a")
    assert await attendance.release("k", "stranger") is False
    assert await attendance.release("k", "a") is True
    assert await attendance.release("k", "a") is False


async def test_alive_are_those_with_a_holder(attendance: Attendance) -> None:
    await attendance.take("x", "a")
    await attendance.take("y", "a")
    await attendance.release("y", "a")
    assert await attendance.alive(["x", "y", "z"]) == {"x"}
    assert await asyncio.to_thread(attendance.alive_blocking, ["x", "y", "z"]) == {"x"}
    assert await attendance.alive([]) == set()


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_of_more_than_fit_into_one_look_those_held_elsewhere_are_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attendance_module, "_ENDS_AT_ONCE", 2)
    here, there = Attendance("test", 60), Attendance("test", 60)
    for key in ("a", "b", "c"):
        await there.take(key, "device")
    await there.attend([("d", "device")])
    await there.release("c", "device")
    asked = ["a", "x", "b", "y", "c", "z", "d"]
    assert await here.alive(asked) == {"a", "b", "d"}, "nor who went, and is still to be told of"


async def test_renewing_takes_again_what_ran_out(attendance: Attendance) -> None:
    await attendance.attend([("k", "a")])
    assert await attendance.alive(["k"]) == {"k"}
    assert await attendance.take("k", "b") is False


@pytest.mark.usefixtures("no_redis")
async def test_a_holder_that_says_nothing_any_more_stops_counting(clock: Clock) -> None:
    attendance = Attendance("test", 10, clock=clock)
    await attendance.take("k", "a")
    clock.now += 9
    assert await attendance.alive(["k"]) == {"k"}
    await attendance.attend([("k", "a")])
    clock.now += 9
    assert await attendance.alive(["k"]) == {"k"}
    clock.now += 2
    assert await attendance.alive(["k"]) == set()
    assert await attendance.take("k", "b") is True
    assert attendance._held.keys() == {"k"}


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_in_redis_too() -> None:
    brief = Attendance("test", 0.02)
    assert await brief.take("k", "a") is True
    while await brief.alive(["k"]):
        pass
    assert await brief.take("k", "b") is True


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_processes_count_together(settings: Settings) -> None:
    here, there = Attendance("test", 60), Attendance("test", 60)
    assert await here.take("k", "a") is True
    assert await there.take("k", "b") is False
    assert await there.alive(["k"]) == {"k"}
    assert await here.release("k", "a") is False
    assert await there.release("k", "b") is True
    assert await Attendance("other", 60).alive(["k"]) == set()


@pytest.mark.usefixtures("loop_closes_redis")
async def test_without_its_redis_a_process_knows_its_own(mortal_redis: Server) -> None:
    attendance = Attendance("test", 60)
    await attendance.take("k", "a")
    mortal_redis.stop()
    assert await attendance.alive(["k", "z"]) == {"k"}
    assert await attendance.take("k", "b") is False
    await attendance.attend([("k", "a"), ("k", "b")])
    assert await attendance.release("k", "a") is False
    assert await attendance.release("k", "b") is True
    assert await attendance.alive(["k"]) == set()


async def swept(attendance: Attendance, enough: int = 1) -> list[str]:
    """What sweeps give until it is enough; in Redis holders have a third of a lease to renew."""
    found: list[str] = []
    async with asyncio.timeout(10):
        while len(found) < enough:
            found += await attendance.sweep(100)
            await asyncio.sleep(0.005)
    return found


@pytest_asyncio.fixture(params=["memory", "redis"])
async def brief(request: pytest.FixtureRequest) -> AsyncIterator[Attendance]:
    """Leases that end soon."""
    request.getfixturevalue("no_redis" if request.param == "memory" else "redis_url")
    yield Attendance("test", 0.3)
    await redisscript.close()


async def test_who_is_gone_without_a_word_is_given_to_one_sweep(brief: Attendance) -> None:
    await brief.take("k", "a")
    await brief.take("k", "b")
    assert await brief.sweep(100) == []
    assert await swept(brief) == ["k"]
    assert await brief.sweep(100) == [], "it is the first one's to tell"


async def test_what_was_not_told_is_given_again_until_it_is(brief: Attendance) -> None:
    await brief.take("k", "a")
    assert await brief.release("k", "a") is True
    assert await swept(brief) == ["k"], "who released it could not tell"
    assert await swept(brief) == ["k"], "nor could the first sweeper"
    assert await brief.settle("k") is True
    await brief.take("other", "a")
    assert await swept(brief) == ["other"]
    assert await brief.settle("other") is True
    assert brief._untold == {}


async def test_who_is_back_before_the_going_was_told_is_not_settled(brief: Attendance) -> None:
    await brief.take("k", "a")
    assert await swept(brief) == ["k"]
    assert await brief.take("k", "b") is True
    assert await brief.settle("k") is False
    assert await swept(brief) == ["k"], "and is missed again"


async def test_who_renews_is_not_missed(brief: Attendance) -> None:
    await brief.take("here", "a")
    await brief.take("dead", "a")
    found: list[str] = []
    async with asyncio.timeout(10):
        while not found:
            assert await brief.attend([("here", "a")]) == set()
            found = await brief.sweep(100)
            await asyncio.sleep(0.005)
    assert found == ["dead"]


async def test_renewing_says_who_had_run_out(brief: Attendance) -> None:
    await brief.take("k", "a")
    assert await swept(brief) == ["k"]
    assert await brief.attend([("k", "a"), ("k", "b"), ("new", "a")]) == {"k", "new"}
    assert await brief.attend([("k", "a"), ("k", "b"), ("new", "a")]) == set()


async def test_a_sweep_takes_no_more_than_it_can_tell(brief: Attendance) -> None:
    await brief.attend([(f"k{n}", "a") for n in range(5)])
    async with asyncio.timeout(10):
        while not (first := await brief.sweep(2)):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    second = await brief.sweep(2)
    assert len({*first, *second}) == 4
    assert len(await brief.sweep(2)) == 1


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_of_many_processes_one_hears_that_another_died() -> None:
    await Attendance("test", 0.1).take("k", "a")
    others = [Attendance("test", 0.1) for _ in range(3)]
    found: list[str] = []
    async with asyncio.timeout(10):
        while not found:
            for answer in await asyncio.gather(*(each.sweep(100) for each in others)):
                found += answer
            await asyncio.sleep(0.005)
    assert found == ["k"]


async def test_when_redis_forgot_all_holders_renewing_says_who_is_here(redis_url: str) -> None:
    attendance = Attendance("test", 60)
    await attendance.take("k", "a")
    await attendance.take("gone", "a")
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    assert await attendance.release("gone", "a") is True, "also who leaves before that"
    assert await attendance.attend([("k", "a")]) == {"k"}
    assert await attendance.alive(["k", "gone"]) == {"k"}
    await redisscript.close()


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_after_nobody_swept_for_long_holders_may_renew_before_they_are_missed() -> None:
    away, other = Attendance("test", 0.6), Attendance("test", 0.6)
    await away.take("k", "a")
    async with asyncio.timeout(10):
        while await other.alive(["k"]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await other.sweep(100) == [], "Redis is back: the others have not renewed yet"
    assert await away.attend([("k", "a")]) == {"k"}
    assert await other.sweep(100) == []


async def test_what_was_not_told_while_redis_was_away_is_missed_all_the_same(
    mortal_redis: Server,
) -> None:
    attendance = Attendance("test", 0.1)
    await attendance.take("k", "a")
    mortal_redis.stop()
    assert await attendance.release("k", "a") is True
    assert await swept(attendance) == ["k"]
    assert await attendance.settle("k") is True
    assert await attendance.sweep(100) == []
    await redisscript.close()


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
async def test_who_leaves_while_the_others_are_renewed_is_gone(
    held_up: Callable[[redisscript.Script], asyncio.Event],
) -> None:
    """Of a thousand some are being renewed, and others are still to be."""
    attendance = Attendance("test", 60)
    here = dict.fromkeys(f"k{number}" for number in range(1100))
    go = held_up(attendance_module._ATTEND)
    renewal = asyncio.create_task(
        attendance.attend((key, "a") for key in tuple(here) if key in here)
    )
    await asyncio.sleep(0)
    leaving = []
    for key in ("k0", "k700"):
        del here[key]
        leaving.append(asyncio.create_task(attendance.release(key, "a")))
    # Nobody hears of the first before its renewal has ended.
    done, _ = await asyncio.wait(leaving, timeout=0.2)
    go.set()

    assert done == {leaving[1]}
    assert await leaving[0] is True
    assert await renewal == here.keys()
    assert await attendance.alive(["k0", "k1", "k700"]) == {"k1"}
    assert not {"k0", "k700"} & attendance._held.keys()
