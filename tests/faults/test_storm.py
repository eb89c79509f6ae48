"""F16: everybody comes back at the same moment, while others go on talking."""

import asyncio
import itertools
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from pneumatic.lib.database.threads import in_database
from pneumatic.proof.mirror import Mirror, MirroredConversation
from pneumatic.testing.factories import World, make_group, say
from pneumatic.testing.socket import Device as InProcess
from pneumatic.testing.socket import device_of
from tests.faults.cluster import Cast, Cluster, make_people
from tests.faults.counting import count_queries
from tests.faults.device import Device
from tests.server.person import Person
from tests.server.running import Running

#: How many devices come back at once; `PNEUMATIC_FAULT_DEVICES=1000` is the long form. More than
#: the hundred that the stock layer's pool would have had connections for.
DEVICES = int(os.environ.get("PNEUMATIC_FAULT_DEVICES", "300"))
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


@dataclass
class Crowd:
    """People with many devices each, and the processes that they may connect to."""

    servers: list[Running]
    cast: Cast


@pytest.fixture
def crowd(tmp_path: Path, migrated: Path) -> Iterator[Crowd]:
    """At two processes where this run has Redis, else at one on SQLite."""
    people = -(-DEVICES // EACH) + 1
    if settings.REDIS_URL:
        cluster = Cluster(people, EACH)
        yield Crowd(cluster.servers, cluster.cast)
        cluster.close()
        return
    server = Running(tmp_path, ACCESS_TOKEN_MINUTES="15")
    shutil.copy(migrated, server.database)
    cast = make_people(server, people, EACH)
    server.start()
    yield Crowd([server], cast)
    server.stop()


def mirror_like(other: Mirror) -> Mirror:
    """That of a device which has been here before, and knew what this one knows."""
    mirror = Mirror()
    mirror.epoch = other.epoch
    for conversation_id, each in other.conversations.items():
        mirror.conversations[conversation_id] = known = MirroredConversation()
        known.row, known.known = each.row, each.known
    return mirror


async def own_group(server: Running, token: str) -> str:
    person = Person(server, "somebody")
    person.token = token
    return await person.group()


async def talk(device: Device, group: str, acks: list[float]) -> None:
    """Say something again and again; how long each of it took goes into `acks`."""
    while True:
        acks.append(await device.send(group, "hi"))
        device.received.clear()
        await asyncio.sleep(0.25)


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.timeout(120 + 2 * STORM_SECONDS)
async def test_everybody_returns_at_once_and_each_says_hello_only_once_f16(crowd: Crowd) -> None:
    cast, ports = crowd.cast, itertools.cycle(server.port for server in crowd.servers)
    bystanders = [Device(token, next(ports)) for token in cast.tokens[0][:BYSTANDERS]]
    for each in bystanders:
        await each.open()
    tokens = [token for tokens in cast.tokens[1:] for token in tokens[:EACH]][:DEVICES]
    before = bystanders[0].mirror
    returning = [Device(token, next(ports), mirror_like(before)) for token in tokens]
    # Among themselves: what is said to everybody is a load of another kind.
    corner = await own_group(crowd.servers[0], cast.tokens[0][0])
    acks: list[float] = []
    async with asyncio.TaskGroup() as tasks:
        talking = [tasks.create_task(talk(each, corner, acks)) for each in bystanders]
        began = time.monotonic()
        # `open` says hello once, and raises where that fails; so would the talk of the others.
        async with asyncio.timeout(STORM_SECONDS):
            await asyncio.gather(*(each.open(STORM_SECONDS) for each in returning))
        took = time.monotonic() - began
        for task in talking:
            task.cancel()
    acks.sort()
    print(  # noqa: T201 - shown with `pytest -s`
        f"{len(returning)} devices at {len(crowd.servers)} processes in {took:.1f} s;"
        f" {len(acks)} acks of bystanders: p50 {acks[len(acks) // 2]:.3f} s,"
        f" p99 {acks[int(len(acks) * 0.99)]:.3f} s"
    )
    # All of them are there, and whoever speaks now is heard by all.
    await bystanders[0].send(cast.group, "the storm is over")
    await asyncio.gather(*(each.knows("the storm is over") for each in returning))
    assert {each.close_code for each in (*returning, *bystanders)} == {None}
    assert not any("Traceback" in server.log for server in crowd.servers)
    await asyncio.gather(*(each.close() for each in (*returning, *bystanders)))
