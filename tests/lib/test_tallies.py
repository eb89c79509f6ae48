"""Tallies count alike in Redis and without it, and begin anew after a while."""

import time

import pytest

from pneumatic.lib.shared import tallies
from pneumatic.lib.shared.tallies import Tally
from pneumatic.loopback.processes import Server
from tests.lib.conftest import Clock


@pytest.fixture(params=["memory", "redis"])
def tally(request: pytest.FixtureRequest) -> Tally:
    request.getfixturevalue("no_redis" if request.param == "memory" else "redis_url")
    return Tally("test", seconds=3600)


def test_each_key_is_counted_by_itself(tally: Tally) -> None:
    assert [tally.add("a"), tally.add("a"), tally.add("b"), tally.add("a")] == [1, 2, 1, 3]


def test_two_of_one_name_share_their_counts_through_redis(redis_url: str) -> None:
    assert [Tally("shared", seconds=60).add("k") for _ in range(3)] == [1, 2, 3]


def test_a_count_begins_anew_after_its_time(no_redis: None, clock: Clock) -> None:
    tally = Tally("test", seconds=60, clock=clock)
    tally.add("k")
    clock.now += 59
    assert tally.add("k") == 2, "counted from its first, not from its last"
    clock.now += 1
    assert tally.add("k") == 1


def test_a_count_in_redis_ends_too(redis_url: str) -> None:
    tally = Tally("test", seconds=0.05)
    tally.add("k")
    for _ in range(500):
        if tally.add("k") == 1:
            return
        time.sleep(0.01)
    pytest.fail("it never began anew")


def test_without_its_redis_a_process_counts_for_itself(mortal_redis: Server) -> None:
    tally = Tally("test", seconds=60)
    assert [tally.add("k"), tally.add("k")] == [1, 2]
    mortal_redis.stop()
    assert [tally.add("k"), tally.add("k")] == [1, 2]


def test_a_process_remembers_so_many_keys(no_redis: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST_LOCAL_KEYS", 2)
    tally = Tally("test", seconds=60)
    for key in ("a", "b", "c"):
        tally.add(key)
    assert [tally.add("c"), tally.add("a")] == [2, 1]
