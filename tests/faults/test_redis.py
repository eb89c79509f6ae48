"""F4, F6, F7, F23, F44: Redis is away, silent, slow or full, and devices agree all the same.

Everything goes through a wire between two server processes and Redis, so that its death, its
silence and its slowness can be had at will.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import redis

from tests.faults.cluster import Cluster, Pair, is_live

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs_redis,
    pytest.mark.asyncio,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("faults-cluster"),
]

#: What is promised, and what a machine that also runs the rest of a test suite may add. Who waited
#: for a Redis that is away would wait for 3 s at least; who didn't poll, for a heartbeat: 25 s.
ACK_SECONDS = 0.5 + 2.0
POLL_SECONDS = 2.0 + 8.0
#: A Redis that fell silent is noticed in ten seconds.
NOTICED_SECONDS = 10.0 + 8.0
#: Asking for a budget may wait this long for a Redis that doesn't answer, about once a second.
LIMITER_SECONDS = 0.5


@pytest_asyncio.fixture
async def pair(cluster: Cluster) -> AsyncIterator[Pair]:
    async with cluster.device(0, server=0) as alice, cluster.device(1, server=1) as bob:
        pair = Pair(alice, bob)
        await is_live(cluster, pair)
        yield pair


async def say_several(cluster: Cluster, pair: Pair, count: int = 10) -> list[float]:
    """Messages by alice, one after the other; how long each took to be acknowledged."""
    return [await pair.alice.send(cluster.group, str(uuid.uuid4())) for _ in range(count)]


async def agree(cluster: Cluster, pair: Pair) -> None:
    """Both know the same, which is what a fresh device is told."""
    async with cluster.device(2, server=0) as fresh:
        (theirs,) = fresh.mirror.conversations.values()
        for device in pair:
            (mine,) = device.mirror.conversations.values()
            await device.until(lambda: mine.known == theirs.known)  # noqa: B023
            assert theirs.messages.items() <= mine.messages.items()
            seqs = sorted(row["seq"] for row in mine.messages.values())
            assert seqs == list(range(seqs[0], seqs[-1] + 1))


async def stays_useful(cluster: Cluster, pair: Pair) -> None:
    """Without the bus: acknowledged as ever, heard by polling, REST well, nobody thrown out."""
    for ack in await say_several(cluster, pair):
        assert ack < ACK_SECONDS
    body = str(uuid.uuid4())
    await pair.alice.send(cluster.group, body)
    await pair.bob.knows(body, POLL_SECONDS)
    ready = await cluster.ask(0, "/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    answers = await asyncio.gather(*(cluster.ask(1, "/api/v1/conversations/") for _ in range(5)))
    assert {each.status_code for each in answers} == {200}
    async with cluster.device(2, server=1) as newcomer:
        assert body in newcomer.bodies()
    assert [device.close_code for device in pair] == [None, None]


async def test_redis_away_costs_live_delivery_between_processes_and_nothing_else_f4(
    cluster: Cluster, pair: Pair
) -> None:
    cluster.cut()
    await stays_useful(cluster, pair)
    cluster.heal()
    await is_live(cluster, pair)
    await agree(cluster, pair)
    assert (await cluster.ask(0, "/readyz")).json()["status"] == "ok"


async def test_redis_that_lost_power_is_found_out_and_left_behind_f6(
    cluster: Cluster, pair: Pair
) -> None:
    cluster.go_silent()
    body = str(uuid.uuid4())
    await pair.alice.send(cluster.group, body)
    await pair.bob.knows(body, NOTICED_SECONDS)
    await stays_useful(cluster, pair)
    # The machine is back, knows nothing of the old connections, and says so when asked.
    cluster.heal()
    await is_live(cluster, pair)
    await agree(cluster, pair)


@pytest.mark.parametrize("fault", ["cut", "go_silent"])
async def test_a_host_that_is_cut_from_redis_and_the_others_hear_each_other_by_polling_f23(
    cluster: Cluster, pair: Pair, fault: str
) -> None:
    getattr(cluster.wires[1], fault)()  # bob's host; alice's is well
    for _ in range(3):
        mine, theirs = str(uuid.uuid4()), str(uuid.uuid4())
        await pair.alice.send(cluster.group, mine)
        await pair.bob.send(cluster.group, theirs)
        await pair.bob.knows(mine, NOTICED_SECONDS)
        await pair.alice.knows(theirs, NOTICED_SECONDS)
    # It is flagged by the one host, and only by it.
    states = [(await cluster.ask(n, "/readyz")).json()["status"] for n in (0, 1)]
    assert states == ["ok", "degraded"]
    cluster.heal()
    await is_live(cluster, pair)
    await is_live(cluster, Pair(pair.bob, pair.alice))
    await agree(cluster, pair)
    assert [device.close_code for device in pair] == [None, None]


@pytest.mark.parametrize("late", [0.2, 2.0])
async def test_slow_redis_is_not_waited_for_by_an_acknowledgement_f7(
    cluster: Cluster, pair: Pair, late: float
) -> None:
    cluster.delay(late / 2)  # there, and back
    acks = sorted(await say_several(cluster, pair, 20))
    # Most of them wait for nothing at all, and the limiter's question has an end.
    assert acks[len(acks) // 2] < 1.5
    assert acks[-1] < LIMITER_SECONDS + ACK_SECONDS
    body = str(uuid.uuid4())
    await pair.alice.send(cluster.group, body)
    await pair.bob.knows(body, POLL_SECONDS + late)
    cluster.delay(0)
    await is_live(cluster, pair)
    await agree(cluster, pair)


async def test_redis_without_memory_is_as_good_as_away_and_its_lost_subscribers_return_f44(
    cluster: Cluster, pair: Pair
) -> None:
    with redis.Redis.from_url(cluster.redis_url) as client:
        try:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "1")
            for ack in await say_several(cluster, pair):
                assert ack < ACK_SECONDS
            body = str(uuid.uuid4())
            await pair.alice.send(cluster.group, body)
            await pair.bob.knows(body, POLL_SECONDS)
            async with cluster.device(2, server=1) as newcomer:
                await newcomer.send(cluster.group, "without a lease")
            # What Redis does to a subscriber whose output buffer is too long.
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            body = str(uuid.uuid4())
            await pair.alice.send(cluster.group, body)
            await pair.bob.knows(body, POLL_SECONDS)
        finally:
            client.config_set("maxmemory", "0")
    await is_live(cluster, pair)
    await agree(cluster, pair)
    assert [device.close_code for device in pair] == [None, None]
