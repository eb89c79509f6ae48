"""What each frame costs in queries: a device may not get dearer unnoticed."""

import asyncio
import uuid
from typing import Any, NamedTuple

import pytest
from django.db import connection

from chat import queries
from chat.protocol.commands import COMMANDS
from chat.queries import seats_of
from chat.ws import standings
from pneumatic.lib.database.threads import in_database
from pneumatic.testing.factories import World, make_group, say
from pneumatic.testing.socket import Device, connected, device_of
from tests.faults.counting import count_queries

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

#: Bob's: what is counted shall not depend on how many there are.
CONVERSATIONS = 7
#: Who it is; which groups to join, in which history; what changed since, and members' positions.
HELLO = 3
#: Of all conversations that changed, their members, their messages, their members' positions.
CHANGES = 1
#: How much there is of what the device doesn't know.
OUTLINES = 1


class Frame(NamedTuple):
    """What a device says, and what that costs at most; `exact`, then no less either."""

    queries: int
    fields: dict[str, Any]
    exact: bool = False


def stored(queries: int, fields: dict[str, Any]) -> Frame:
    """What one statement does on PostgreSQL takes several elsewhere."""
    on_postgres = connection.vendor == "postgresql"
    return Frame(1 if on_postgres else queries, fields, exact=on_postgres)


def frames(world: World, device: Device) -> dict[str, list[Frame]]:
    """Of each type, said by a device that knows everything."""
    epoch, versions = device.mirror.position()
    here = {"conversation": world.group.id}
    known = {"epoch": epoch, "versions": versions}
    return {
        "delivered": [stored(6, {**here, "seq": 1})],
        "read": [stored(7, {**here, "seq": 2})],
        "typing": [Frame(2, {**here, "on": True})],
        "sync": [
            Frame(1, known, exact=True),
            Frame(1, {**known, "partial": True}, exact=True),
            Frame(1, {**known, "states": True}, exact=True),
            # Of another history: as if nothing were known.
            Frame(
                1 + OUTLINES + CHANGES, {"epoch": uuid.uuid4(), "versions": versions}, exact=True
            ),
        ],
        "auth": [Frame(1, {"token": device.token}, exact=True)],
        "ping": [Frame(0, {}, exact=True)],
        # The last one: after it there is something new.
        "message.send": [stored(10, {**here, "id": uuid.uuid4(), "body": "hi @alice"})],
    }


def _more_conversations(world: World) -> None:
    queries.epoch()
    for _ in range(CONVERSATIONS - 1):
        say(world.alice, make_group(world.alice, world.bob))


def _fall_behind(world: World) -> None:
    for seat in list(seats_of(world.bob))[:3]:
        say(world.alice, seat.conversation)


async def test_a_frame_costs_what_it_may(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    await in_database(_more_conversations, world)
    async with connected(world.bob) as (bob,):
        table = frames(world, bob)
        # A new one has to say what it costs; a hello does so below.
        assert {*table, "hello"} == {kind.__struct_config__.tag for kind in COMMANDS}
        for kind, some in table.items():
            for frame in some:
                counted = count_queries(monkeypatch)
                await bob.say(type=kind, **frame.fields)
                # Frames are answered in order.
                await bob.say(type="ping", ref="after")
                await bob.expect("pong", ref="after")
                assert counted() <= frame.queries, (kind, frame.fields)
                assert counted() == frame.queries or not frame.exact, (kind, frame.fields)


async def test_hello_takes_three_queries_and_what_changed_one_more(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    await in_database(_more_conversations, world)
    bob = await device_of(world.bob)
    counted = count_queries(monkeypatch)
    await bob.hello()
    # Nothing is known: nothing to compare, and no positions beside those of what comes.
    assert counted() == HELLO - 1 + OUTLINES + CHANGES
    assert len(bob.mirror.conversations) == CONVERSATIONS
    await bob.close()
    for behind in (False, True):
        if behind:
            await in_database(_fall_behind, world)
        back = Device(bob.token, user=world.bob, mirror=bob.mirror)
        counted = count_queries(monkeypatch)
        await back.hello()
        assert counted() == HELLO + (CHANGES if behind else 0)
        await back.close()


async def test_heartbeats_of_many_devices_share_one_query(
    live_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = live_world
    await in_database(_more_conversations, world)
    # However slow the machine: they wait for each other until the last has asked.
    async with connected(world.alice, world.bob, world.bob, world.charlie) as devices:
        monkeypatch.setattr(standings.Standings, "gather_seconds", 1.0)
        counted = count_queries(monkeypatch)
        await asyncio.gather(*(each.sync() for each in devices))
        assert counted() == 1
