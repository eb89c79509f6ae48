import asyncio
import contextlib
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pytest_django import Settings
from structlog.testing import capture_logs

from pneumatic.lib import redisscript
from pneumatic.lib.ratelimit import (
    DAY,
    HOUR,
    MINUTE,
    Budget,
    LocalBuckets,
    address_key,
    daily_budget,
    rate_key,
    user_budget,
)
from pneumatic.loopback.processes import Server
from tests.lib.conftest import Clock

BOTH = ((60.0, MINUTE), (1000.0, HOUR))


def test_a_full_bucket_allows_its_size_and_then_says_how_long_to_wait(clock: Clock) -> None:
    buckets = LocalBuckets(clock=clock)
    assert [buckets.spend("k", 1, BOTH).wait for _ in range(60)] == [0.0] * 60
    assert buckets.spend("k", 1, BOTH).wait == pytest.approx(1.0)
    assert buckets.spend("other", 1, BOTH).wait == 0.0


def test_a_bucket_refills_continuously_and_never_beyond_its_size(clock: Clock) -> None:
    buckets = LocalBuckets(clock=clock)
    for _ in range(60):
        buckets.spend("k", 1, BOTH)
    clock.now += 0.5
    assert buckets.spend("k", 1, BOTH).wait == pytest.approx(0.5)
    clock.now += 0.5
    assert buckets.spend("k", 1, BOTH).wait == 0.0
    clock.now += 100_000
    assert buckets.spend("k", 0, BOTH).left == (60.0, 1000.0)


@pytest.mark.parametrize("phase", [0.0, 0.3, 29.9, 59.0, 59.999])
def test_the_edge_of_a_minute_or_an_hour_gives_nothing_back(clock: Clock, phase: float) -> None:
    """A window that begins anew would give 60 before its edge and 60 after."""
    clock.now = 3600.0 * 5 - 60 + phase
    buckets = LocalBuckets(clock=clock)
    for _ in range(60):
        assert buckets.spend("k", 1, BOTH).wait == 0.0
    allowed = 0
    for _ in range(600):
        clock.now += 0.1
        allowed += buckets.spend("k", 1, BOTH).wait == 0.0
    assert allowed in (59, 60), "one a second, over every edge"


def test_what_was_done_already_is_charged_into_debt_that_has_an_end(clock: Clock) -> None:
    buckets = LocalBuckets(clock=clock)
    minute = ((60.0, MINUTE), (0.0, HOUR))
    buckets.charge("k", 70, minute)
    assert buckets.spend("k", 1, minute).wait == pytest.approx(11.0)
    buckets.charge("k", 10_000, minute)
    assert buckets.spend("k", 1, minute).wait == pytest.approx(61.0)
    assert buckets.spend("other", 1, minute).wait == 0.0


@pytest.mark.usefixtures("no_redis")
def test_a_day_has_a_budget_of_its_own() -> None:
    budget = daily_budget(3)
    assert budget is daily_budget(3)
    key = uuid.uuid4().hex
    assert budget.spend(key, 2) == 0.0
    assert budget.spend(key, 1) == 0.0
    assert budget.spend(key, 1) == pytest.approx(DAY / 3, abs=1)
    assert daily_budget(0).spend(key, 10_000) == 0.0


@pytest.mark.usefixtures("redis_url")
def test_the_shared_bucket_has_no_edge_either_and_knows_days() -> None:
    budget = Budget(60, 0)
    assert all(budget.spend("k") == 0.0 for _ in range(60))
    time.sleep(1.2)
    began = time.monotonic()
    allowed = sum(budget.spend("k") == 0.0 for _ in range(60))
    assert 1 <= allowed <= 3 + (time.monotonic() - began)
    day = daily_budget(2)
    assert day.spend("d", 2) == 0.0
    assert day.spend("d") == pytest.approx(DAY / 2, abs=60)


def test_waiting_as_long_as_told_is_always_enough(clock: Clock) -> None:
    buckets = LocalBuckets(clock=clock)
    for _ in range(500):
        wait = buckets.spend("k", 1, BOTH).wait
        clock.now += wait
        if wait:
            assert buckets.spend("k", 1, BOTH).wait == 0.0


def test_the_hour_counts_when_the_minute_would_allow(clock: Clock) -> None:
    buckets = LocalBuckets(clock=clock)
    small_hour = ((60.0, MINUTE), (90.0, HOUR))
    allowed = 0
    for _ in range(190):
        allowed += buckets.spend("k", 1, small_hour).wait == 0.0
        clock.now += 1
    assert 90 <= allowed <= 95
    assert 0 < buckets.spend("k", 1, small_hour).wait <= 40


def test_a_refusal_takes_from_neither_bucket(clock: Clock) -> None:
    buckets = LocalBuckets(clock=clock)
    for _ in range(60):
        buckets.spend("k", 1, BOTH)
    for _ in range(10):
        buckets.spend("k", 1, BOTH)
    assert buckets.spend("k", 0, BOTH).left == (0.0, 940.0)


def test_a_cost_beyond_the_size_empties_the_bucket_instead_of_never_being_allowed(
    clock: Clock,
) -> None:
    buckets = LocalBuckets(clock=clock)
    small = ((2.0, MINUTE), (0.0, HOUR))
    assert buckets.spend("k", 5, small).wait == 0.0
    assert buckets.spend("k", 1, small).wait > MINUTE


def test_memory_is_bounded(clock: Clock) -> None:
    buckets = LocalBuckets(most=10, clock=clock)
    for number in range(100):
        buckets.spend(str(number), 1, BOTH)
    assert len(buckets) == 10


def test_threads_can_not_overspend_a_local_bucket() -> None:
    buckets = LocalBuckets(clock=lambda: 0.0)
    allowed = _race(lambda: buckets.spend("k", 1, BOTH).wait == 0.0, threads=8, each=20)
    assert allowed == 60


@pytest.mark.usefixtures("redis_url")
def test_processes_can_not_overspend_a_shared_bucket() -> None:
    budgets = [Budget(0, 60) for _ in range(8)]  # an hour's: nothing refills meanwhile
    turn = iter(budgets)
    lock = threading.Lock()
    mine = threading.local()

    def spend() -> bool:
        if not hasattr(mine, "budget"):
            with lock:
                mine.budget = next(turn)
        return bool(mine.budget.spend("k") == 0.0)

    assert _race(spend, threads=8, each=20) == 60


_PROGRAM = """
import sys
from django.conf import settings
from pneumatic.lib.ratelimit import Budget
settings.configure(REDIS_URL=sys.argv[1], REDIS_PREFIX=sys.argv[2])
budget = Budget(0, 60)
print("ready", flush=True)
sys.stdin.readline()
print(sum(budget.spend("k") == 0.0 for _ in range(50)))
"""


def test_programs_of_their_own_can_not_overspend_it_either(
    redis_url: str, settings: Settings
) -> None:
    command = [sys.executable, "-c", _PROGRAM, redis_url, settings.REDIS_PREFIX]
    with contextlib.ExitStack() as stack:
        programs = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    cwd=settings.BASE_DIR,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(3)
        ]
        for program in programs:
            assert program.stdout is not None
            assert program.stdout.readline() == "ready\n"
        for program in programs:
            assert program.stdin is not None
            program.stdin.write("go\n")
            program.stdin.flush()
        spent = [int(program.communicate(timeout=30)[0]) for program in programs]
    assert sum(spent) == 60


@pytest.mark.usefixtures("redis_url")
def test_the_shared_bucket_refuses_waits_and_tells_what_is_left_like_the_local_one() -> None:
    budget = Budget(3, 100)
    assert budget.take("k", 1).left == (2.0, 99.0)
    assert budget.spend("k", 2) == 0.0
    assert budget.spend("k", 1) == pytest.approx(20, abs=0.5)
    left = budget.take("k", 1).left
    assert left[0] == pytest.approx(0, abs=0.05)
    assert left[1] == pytest.approx(97, abs=0.05)


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
@pytest.mark.asyncio
async def test_sockets_and_requests_spend_from_the_same_bucket() -> None:
    budget = Budget(0, 3)
    assert await budget.aspend("k") == 0.0
    assert budget.spend("k") == 0.0
    assert await budget.aspend("k") == 0.0
    assert budget.spend("k") > 0
    assert await budget.aspend("k") > 0


@pytest.mark.usefixtures("redis_url", "loop_closes_redis")
@pytest.mark.asyncio
async def test_what_is_asked_for_in_one_turn_of_the_loop_shares_a_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[int] = []
    arun = redisscript.Script.arun

    async def counted(self: redisscript.Script, keys: Sequence[str], *arguments: Any) -> Any:
        calls.append(len(keys))
        return await arun(self, keys, *arguments)

    monkeypatch.setattr(redisscript.Script, "arun", counted)
    budget, other = Budget(0, 3), Budget(0, 1)
    asked = [budget.aspend(key) for key in ["a", "b", "a", "a", "a"]]
    waits = await asyncio.gather(*asked, other.aspend("c"), budget.aspend("b", 3))
    # Each as if it had been asked alone, after those before it.
    assert [wait == 0.0 for wait in waits] == [True] * 4 + [False, True, False]
    assert calls == [6, 1]
    many = await asyncio.gather(*(budget.aspend(str(number)) for number in range(250)))
    assert many == [0.0] * 250
    assert calls[2:] == [100, 100, 50]


@pytest.mark.usefixtures("no_redis")
@pytest.mark.asyncio
async def test_who_stops_waiting_costs_the_others_nothing() -> None:
    budget = Budget(0, 2)
    tasks = [asyncio.create_task(budget.aspend("k")) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    waits = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(waits[0], asyncio.CancelledError)
    assert [wait == 0.0 for wait in waits[1:]] == [True, False]


@pytest.mark.usefixtures("no_redis")
@pytest.mark.asyncio
async def test_without_redis_they_still_do() -> None:
    budget = Budget(2, 0)
    assert await budget.aspend("k") == 0.0
    assert budget.spend("k") == 0.0
    assert await budget.aspend("k") > 0


@pytest.mark.usefixtures("loop_closes_redis")
@pytest.mark.asyncio
async def test_without_its_redis_a_process_counts_for_itself_and_says_so_once(
    mortal_redis: Server,
) -> None:
    budget = Budget(0, 2)
    assert budget.spend("k") == 0.0
    mortal_redis.stop()
    with capture_logs() as lines:
        assert budget.spend("k") == 0.0
        assert budget.spend("k") == 0.0
        assert budget.spend("k") > 0
        assert await budget.aspend("k") > 0
    assert [line["event"] for line in lines] == ["redis_down"]


@pytest.mark.parametrize("limits", [(0, 0)])
def test_zero_lifts_a_limit(limits: tuple[int, int]) -> None:
    budget = Budget(*limits)
    assert [budget.spend("k") for _ in range(5000)] == [0.0] * 5000


def test_the_settings_say_what_a_user_may_do(settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE, settings.RATE_LIMIT_PER_HOUR = 7, 70
    assert (user_budget().per_minute, user_budget().per_hour) == (7, 70)
    assert user_budget() is user_budget()


def test_who_has_an_ipv6_address_has_its_whole_network() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff") == "2001:db8::/64"
    assert address_key("2001:db8:0:1::1") != address_key("2001:db8::1")
    assert address_key("192.0.2.1") == "192.0.2.1"
    assert address_key("") == address_key("nonsense") == "unknown"


def test_a_user_is_one_key_wherever_they_are() -> None:
    assert rate_key(5, "192.0.2.1") == rate_key(5, "192.0.2.2") == "user:5"
    assert rate_key(None, "2001:db8::1") == "address:2001:db8::/64"


@pytest.mark.usefixtures("redis_url")
def test_installations_in_one_redis_keep_apart(settings: Settings) -> None:
    budget = Budget(0, 1)
    assert budget.spend("k") == 0.0
    settings.REDIS_PREFIX += "-other"
    assert budget.spend("k") == 0.0


def test_after_an_outage_redis_is_asked_again(
    redis_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(0, 1)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert budget.spend("k") == 0.0
    settings.REDIS_URL = redis_url
    assert budget.spend("k") > 0, "left alone for a moment: the local bucket answers"
    monkeypatch.setattr(redisscript._outage, "_ask_again_at", 0.0)
    with capture_logs() as lines:
        assert budget.spend("k") == 0.0
    assert [line["event"] for line in lines] == ["redis_back"]


def _race(act: Callable[[], bool], *, threads: int, each: int) -> int:
    """How many of ``threads`` × ``each`` calls at once said yes."""
    start = threading.Barrier(threads)
    said: list[bool] = []

    def run() -> None:
        start.wait()
        said.extend([act() for _ in range(each)])

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(said)
