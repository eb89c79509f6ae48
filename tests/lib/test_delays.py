"""Delays grow with failures and shrink with time, alike in Redis and without it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from pneumatic.lib.shared import delays, redisscript
from pneumatic.lib.shared.delays import GrowingDelay


class _Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def brake(clock: _Clock, settings: Settings) -> GrowingDelay:
    """Two failures are free; one is forgotten each ten minutes; nothing waits for over a minute."""
    settings.REDIS_URL = ""
    return GrowingDelay("test", free=2, forgets=600, first=4, longest=60, clock=clock)


def _fail(brake: GrowingDelay, times: int, clock: _Clock) -> list[float]:
    """The delay after each of these failures; each comes as soon as it may."""
    waits = []
    for _ in range(times):
        assert brake.begin("k") == 0.0
        waits.append(brake.wait("k"))
        clock.now += waits[-1]
    return waits


def test_the_first_failures_are_free_then_each_doubles_the_wait(
    brake: GrowingDelay, clock: _Clock
) -> None:
    waits = _fail(brake, 9, clock)

    assert waits[:2] == [0.0, 0.0]
    assert waits[2:5] == pytest.approx([4, 8, 16], rel=0.05)
    assert waits[7:] == [60.0, 60.0]


def test_while_one_waits_nothing_is_counted(brake: GrowingDelay, clock: _Clock) -> None:
    _fail(brake, 2, clock)
    assert brake.begin("k") == 0.0
    for _ in range(100):
        assert brake.begin("k") == pytest.approx(4)

    clock.now += 4
    assert brake.begin("k") == 0.0
    assert brake.wait("k") == pytest.approx(8, rel=0.05)


def test_failures_are_forgotten_one_by_one(brake: GrowingDelay, clock: _Clock) -> None:
    _fail(brake, 6, clock)
    clock.now += 3 * 600
    assert brake.begin("k") == 0.0
    assert brake.wait("k") == pytest.approx(8, rel=0.2), "as after the fourth"

    clock.now += 6 * 600
    assert _fail(brake, 2, clock) == [0.0, 0.0]


def test_what_is_taken_back_never_was(brake: GrowingDelay, clock: _Clock) -> None:
    for _ in range(50):
        assert brake.begin("k") == 0.0
        brake.forgive("k")
    assert _fail(brake, 2, clock) == [0.0, 0.0]

    brake.fail("k")
    assert brake.wait("k") > 0
    brake.forget("k")
    assert _fail(brake, 2, clock) == [0.0, 0.0]


def test_keys_do_not_slow_each_other(brake: GrowingDelay) -> None:
    for _ in range(5):
        brake.fail("k")

    assert brake.wait("k") > 0
    assert brake.begin("other") == 0.0


def test_a_thousand_failures_wait_no_longer_than_the_longest(brake: GrowingDelay) -> None:
    for _ in range(3000):
        brake.fail("k")

    assert brake.wait("k") == 60.0


def test_memory_is_bounded(brake: GrowingDelay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delays, "MOST_LOCAL_KEYS", 10)
    for number in range(100):
        brake.fail(str(number))

    assert len(brake._local) == 10


def _side_by_side(brake: GrowingDelay) -> int:
    """How many of 40 attempts at once are let through."""
    barrier = threading.Barrier(8)

    def attempt(number: int) -> float:
        if number < 8:
            barrier.wait(10)
        return brake.begin("crowd")

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(attempt, range(40))).count(0.0)


def test_attempts_side_by_side_are_counted_before_they_fail(brake: GrowingDelay) -> None:
    assert _side_by_side(brake) == brake.free + 1


@pytest.mark.needs_redis
def test_redis_counts_for_all_processes() -> None:
    one = GrowingDelay("test", free=2, forgets=600, first=30, longest=60)
    other = GrowingDelay("test", free=2, forgets=600, first=30, longest=60)

    assert _side_by_side(one) == 3
    assert not one._local, "Redis counted"
    assert 29 < other.begin("crowd") <= 30
    assert other.wait("crowd") > 0
    other.forget("crowd")
    assert one.begin("crowd") == 0.0
    one.forgive("crowd")
    assert [one.begin("crowd") for _ in range(4)][:3] == [0.0, 0.0, 0.0]
    for _ in range(40):
        one.fail("crowd")
    assert 59 < one.wait("crowd") <= 60


def test_while_redis_is_away_each_process_counts_for_itself(
    clock: _Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise redisscript.Away

    monkeypatch.setattr(delays._STEP, "run", away)
    brake = GrowingDelay("test", free=2, forgets=600, first=4, longest=60, clock=clock)

    assert _fail(brake, 3, clock)[-1] == pytest.approx(4, rel=0.05)
