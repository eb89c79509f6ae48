"""F1, F5: presence is wrong for a lease at most, whatever nobody got to say."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import redis

from pneumatic.loopback.binaries import find_redis
from tests.faults.cluster import Cluster, Pair, is_live
from tests.faults.device import Device

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs_redis,
    pytest.mark.asyncio,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("faults-cluster"),
]


@pytest.fixture
def brief() -> Iterator[Cluster]:
    """Two processes in which presence lasts 3 s."""
    if not find_redis():
        pytest.skip("needs Redis: no `redis-server` program was found")
    cluster = Cluster(3, 4, [sys.executable, "-m", "tests.faults.briefly"])
    yield cluster
    cluster.close()


@pytest_asyncio.fixture
async def pair(brief: Cluster) -> AsyncIterator[Pair]:
    async with brief.device(0, server=0) as alice, brief.device(1, server=1) as bob:
        pair = Pair(alice, bob)
        await is_live(brief, pair)
        yield pair


def told(device: Device, person: str, since: int) -> list[bool]:
    """What a device has heard of somebody's presence since it had received so many frames."""
    return [
        frame["online"]
        for frame in device.received[since:]
        if frame["type"] == "presence" and frame["user"] == person
    ]


async def test_the_people_of_a_killed_process_go_offline_for_the_others_f1(
    brief: Cluster, pair: Pair
) -> None:
    alice = brief.cast.people[0]
    since = len(pair.bob.received)
    brief.servers[0].stop()
    await pair.bob.until(lambda: told(pair.bob, alice, since) == [False])
    async with brief.device(0, server=1):
        await pair.bob.until(lambda: told(pair.bob, alice, since) == [False, True])


async def test_who_is_forgotten_by_redis_is_online_again_with_the_next_renewal_f5(
    brief: Cluster, pair: Pair
) -> None:
    alice = brief.cast.people[0]
    since = len(pair.bob.received)
    with redis.Redis.from_url(brief.redis_url) as client:
        client.flushall()
    await pair.bob.until(lambda: told(pair.bob, alice, since) == [True])
    since = len(pair.bob.received)
    # And a process that is killed after it is missed as ever.
    await asyncio.to_thread(brief.servers[0].stop)
    await pair.bob.until(lambda: told(pair.bob, alice, since) == [False])
