"""F16: everybody comes back at the same moment, while others go on talking."""

import asyncio
import os
import random
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pneumatic.lib.threads import in_database
from pneumatic.proof.mirror import Mirror, MirroredConversation
from pneumatic.testing.factories import World, make_group, say
from pneumatic.testing.socket import Device as InProcess
from pneumatic.testing.socket import device_of
from tests.faults.cluster import Cast, make_people
from tests.faults.counting import count_queries
from tests.faults.device import Device, NotLetIn
from tests.server.running import Running

#: How many devices come back at once; `PNEUMATIC_FAULT_DEVICES=1000` is the long form.
DEVICES = int(os.environ.get("PNEUMATIC_FAULT_DEVICES", "100"))
#: A person has at most 20 sockets in a process.
EACH = 10
#: A bound for what is broken; the row's own is 5 s for a server that has its machine to itself.
STORM_SECONDS = 30 + DEVICES * 0.15
BYSTANDERS = 5
#: Statements that one hello costs, whatever the person has missed of up to 200 conversations;
#: each further 200 cost three more.
HELLO_QUERIES = 9


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("conversations", [1, 12])
async def test_a_hello_costs_a_bounded_number_of_queries_f16(
    live_world: World, monkeypatch: pytest.MonkeyPatch, conversations: int
) -> None:
    world = live_world
    bob = await device_of(world.bob)
    await bob.hello()
    await bob.close()
    for _ in range(conversations):
        group = await in_database(make_group, world.alice, world.bob)
        await in_database(say, world.alice, group, "@bob, are you there?")
    back = InProcess(bob.token, user=world.bob, mirror=bob.mirror)
    counted = count_queries(monkeypatch)
    await back.hello()
    assert counted() <= HELLO_QUERIES
    assert len(back.mirror.conversations) == conversations + 1
    await back.close()


@pytest.fixture
def crowded(tmp_path: Path, migrated: Path) -> Iterator[tuple[Running, Cast]]:
    """A server on SQLite with people who have many devices each."""
    server = Running(tmp_path)
    shutil.copy(migrated, server.database)
    cast = make_people(server, count=-(-DEVICES // EACH) + 1, devices=EACH)
    server.start()
    yield server, cast
    server.stop()


def mirror_like(other: Mirror) -> Mirror:
    """That of a device which has been here before, and knew what this one knows."""
    mirror = Mirror()
    mirror.epoch = other.epoch
    for conversation_id, each in other.conversations.items():
        mirror.conversations[conversation_id] = known = MirroredConversation()
        known.row, known.known = each.row, each.known
    return mirror


async def come_back(device: Device) -> int:
    """As a client does: once more where the server, or this machine, was too slow; how often."""
    for again in range(100):
        try:
            await device.open(STORM_SECONDS)
        except NotLetIn:
            await device.close()
            await asyncio.sleep(random.Random(device.token).uniform(0.2, 1.0))
        else:
            return again
    raise AssertionError("it was never let in")


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.asyncio
@pytest.mark.timeout(120 + 2 * STORM_SECONDS)
async def test_everybody_returns_at_once_and_all_of_them_come_in_f16(
    crowded: tuple[Running, Cast],
) -> None:
    server, cast = crowded
    bystanders = [Device(token, server.port) for token in cast.tokens[0][:BYSTANDERS]]
    for each in bystanders:
        await each.open()
    tokens = [token for tokens in cast.tokens[1:] for token in tokens[:EACH]][:DEVICES]
    returning = [Device(token, server.port, mirror_like(bystanders[0].mirror)) for token in tokens]
    storm_is_over = False
    acks: list[float] = []
    refused = 0

    async def talk(device: Device) -> None:
        nonlocal refused
        while not storm_is_over:
            id, sent_at = str(uuid.uuid4()), time.monotonic()
            answer = None
            # As a client does: `unavailable` means once more, with the same id.
            while answer is None or answer["type"] == "error":
                assert answer is None or answer["code"] == "unavailable"
                refused += answer is not None
                device.received.clear()
                await device.say("message.send", ref=id, id=id, conversation=cast.group, body="hi")
                answer = await device.answer(id)
                assert answer is not None, device.close_code
            acks.append(time.monotonic() - sent_at)
            await asyncio.sleep(0.25)

    talking = [asyncio.create_task(talk(each)) for each in bystanders]
    began = time.monotonic()
    async with asyncio.timeout(STORM_SECONDS), asyncio.TaskGroup() as tasks:
        coming = [tasks.create_task(come_back(each)) for each in returning]
    took = time.monotonic() - began
    storm_is_over = True
    await asyncio.gather(*talking)
    acks.sort()
    print(  # noqa: T201 - shown with `pytest -s`
        f"{len(returning)} devices in {took:.1f} s; {len(acks)} acks of bystanders:"
        f" p50 {acks[len(acks) // 2]:.3f} s, p99 {acks[int(len(acks) * 0.99)]:.3f} s,"
        f" {refused} refused for the moment; {sum(task.result() for task in coming)} second hellos"
    )
    # All of them are there, and whoever speaks now is heard by all.
    await bystanders[0].send(cast.group, "the storm is over")
    await asyncio.gather(*(each.knows("the storm is over") for each in returning))
    assert [each.close_code for each in returning if each.close_code is not None] == []
    await asyncio.gather(*(each.close() for each in (*returning, *bystanders)))
