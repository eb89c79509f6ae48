"""F25: a bad line: one piece of data in ten ends its connection, in either direction."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.faults.cluster import Cluster
from tests.faults.device import Device, NotLetIn
from tests.faults.wire import Wire

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs_redis,
    pytest.mark.asyncio,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("faults-cluster"),
]

LOSS = 0.1
MESSAGES = 25


@pytest.fixture
def bad_line(cluster: Cluster) -> Iterator[Wire]:
    """To the first process."""
    wire = Wire(cluster.servers[0].port).start()
    wire.loss = LOSS
    yield wire
    wire.stop()


async def come_back(device: Device) -> None:
    """As often as it takes, within reason."""
    for _ in range(100):
        await device.close()
        with contextlib.suppress(
            OSError, ConnectionClosed, InvalidHandshake, NotLetIn, AssertionError
        ):
            await device.open()
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the line is worse than it should be")


async def send_until_acknowledged(device: Device, group: str, body: str) -> tuple[int, int]:
    """The same id again after each loss; the message's place, and how many sendings it took."""
    id = str(uuid.uuid4())
    for attempt in range(1, 100):
        with contextlib.suppress(OSError, ConnectionClosed):
            await device.say("message.send", ref=id, id=id, conversation=group, body=body)
            answer = await device.answer(id)
            if answer is not None:
                assert answer["type"] == "ack", answer
                return answer["seq"], attempt
        await come_back(device)
    raise AssertionError("the line is worse than it should be")


async def test_over_a_line_that_keeps_breaking_everything_arrives_once_and_in_order_f25(
    cluster: Cluster, bad_line: Wire
) -> None:
    alice, bob = cluster.device(0, server=0), cluster.device(1, server=0)
    alice.port = bob.port = bad_line.port
    await asyncio.gather(come_back(alice), come_back(bob))
    listening = True

    async def stay() -> None:
        while listening:
            if bob.close_code is not None:
                await come_back(bob)
            await asyncio.sleep(0.05)

    staying = asyncio.create_task(stay())
    bodies = [str(uuid.uuid4()) for _ in range(MESSAGES)]
    began = time.monotonic()
    sent = [await send_until_acknowledged(alice, cluster.group, body) for body in bodies]
    assert time.monotonic() - began < 60
    assert max(attempts for _, attempts in sent) > 1, "nothing was lost"
    seqs = [seq for seq, _ in sent]
    assert seqs == list(range(seqs[0], seqs[0] + MESSAGES))
    listening = False
    await staying
    bad_line.loss = 0.0
    async with cluster.device(2, server=1) as fresh:
        (theirs,) = fresh.mirror.conversations.values()
        for device in (alice, bob):
            await come_back(device)
            (mine,) = device.mirror.conversations.values()
            assert mine.known == theirs.known
            assert theirs.messages.items() <= mine.messages.items()
            own = [mine.messages[id] for id in mine.messages if mine.messages[id]["seq"] in seqs]
            assert [row["body"] for row in sorted(own, key=lambda row: row["seq"])] == bodies
            await device.close()
