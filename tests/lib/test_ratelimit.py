import time
import uuid

import pytest
from pytest_django import Settings

from pneumatic.lib.shared.ratelimit import (
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
