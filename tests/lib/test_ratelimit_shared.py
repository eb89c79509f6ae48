"""One budget for all: threads, programs, sockets and requests, with Redis and without it."""

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pytest_django import Settings
from structlog.testing import capture_logs

from pneumatic.lib.shared import redisscript
from pneumatic.lib.shared.ratelimit import (
    HOUR,
    MINUTE,
    Budget,
    LocalBuckets,
)
from pneumatic.lib.shared.spending import aspend
from pneumatic.loopback.processes import Server

BOTH = ((60.0, MINUTE), (1000.0, HOUR))


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
from pneumatic.lib.shared.ratelimit import Budget
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
    assert await aspend(budget, "k") == 0.0
    assert budget.spend("k") == 0.0
    assert await aspend(budget, "k") == 0.0
    assert budget.spend("k") > 0
    assert await aspend(budget, "k") > 0


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
    asked = [aspend(budget, key) for key in ["a", "b", "a", "a", "a"]]
    waits = await asyncio.gather(*asked, aspend(other, "c"), aspend(budget, "b", 3))
    # Each as if it had been asked alone, after those before it.
    assert [wait == 0.0 for wait in waits] == [True] * 4 + [False, True, False]
    assert calls == [6, 1]
    many = await asyncio.gather(*(aspend(budget, str(number)) for number in range(250)))
    assert many == [0.0] * 250
    assert calls[2:] == [100, 100, 50]


@pytest.mark.usefixtures("no_redis")
@pytest.mark.asyncio
async def test_who_stops_waiting_costs_the_others_nothing() -> None:
    budget = Budget(0, 2)
    tasks = [asyncio.create_task(aspend(budget, "k")) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    waits = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(waits[0], asyncio.CancelledError)
    assert [wait == 0.0 for wait in waits[1:]] == [True, False]


@pytest.mark.usefixtures("no_redis")
@pytest.mark.asyncio
async def test_without_redis_they_still_do() -> None:
    budget = Budget(2, 0)
    assert await aspend(budget, "k") == 0.0
    assert budget.spend("k") == 0.0
    assert await aspend(budget, "k") > 0


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
        assert await aspend(budget, "k") > 0
    assert [line["event"] for line in lines] == ["redis_down"]


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
